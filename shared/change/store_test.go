package change_test

import (
	"testing"

	"tocsin/shared/change/storetest"
	"tocsin/tests/dynamo"
)

func TestStoreOnDynamoDBLocal(t *testing.T) { storetest.TestStoreSuite(t, dynamo.Start(t)) }
