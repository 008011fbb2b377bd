package ledger_test

import (
	"testing"

	"tocsin/shared/ledger/storetest"
	"tocsin/tests/dynamo"
)

func TestStoreOnDynamoDBLocal(t *testing.T) { storetest.TestStoreSuite(t, dynamo.Start(t)) }
