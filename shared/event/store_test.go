package event_test

import (
	"testing"

	"tocsin/shared/event/storetest"
	"tocsin/tests/dynamo"
)

func TestStoreOnDynamoDBLocal(t *testing.T) { storetest.TestStoreSuite(t, dynamo.Start(t)) }
