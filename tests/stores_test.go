package tests

import (
	"context"
	"testing"
	"time"

	"tocsin/local/ministack"
	catalog "tocsin/shared/catalog/storetest"
	change "tocsin/shared/change/storetest"
	config "tocsin/shared/config/storetest"
	"tocsin/shared/ddb"
	event "tocsin/shared/event/storetest"
	heartbeat "tocsin/shared/heartbeat/storetest"
	incident "tocsin/shared/incident/storetest"
	ledger "tocsin/shared/ledger/storetest"
	"tocsin/tests/dynamo"
)

// TestStoresOnMinistack runs on the local stack's engine what each store's own
// test runs on DynamoDB Local.
func TestStoresOnMinistack(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	s, err := ministack.Start(ctx, ministack.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	for name, suite := range map[string]func(*testing.T, ddb.Table){
		"catalog": catalog.TestStoreSuite, "change": change.TestStoreSuite, "config": config.TestStoreSuite, "event": event.TestStoreSuite,
		"heartbeat": heartbeat.TestStoreSuite, "incident": incident.TestStoreSuite, "ledger": ledger.TestStoreSuite,
	} {
		t.Run(name, func(t *testing.T) { suite(t, dynamo.On(t, s.Endpoint)) })
	}
}
