package incident_test

import (
	"testing"

	"tocsin/shared/incident/storetest"
	"tocsin/tests/dynamo"
)

func TestStoreOnDynamoDBLocal(t *testing.T) { storetest.TestStoreSuite(t, dynamo.Start(t)) }
