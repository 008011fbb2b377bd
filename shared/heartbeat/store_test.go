package heartbeat_test

import (
	"testing"

	"tocsin/shared/heartbeat/storetest"
	"tocsin/tests/dynamo"
)

func TestStoreOnDynamoDBLocal(t *testing.T) { storetest.TestStoreSuite(t, dynamo.Start(t)) }
