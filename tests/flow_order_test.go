package tests

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/local/stack"
	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/intake"
	"tocsin/shared/ledger"
	"tocsin/tests/harness"
)

// item is a report of disk as ingest reads it from Alertmanager.
func item(h *harness.Harness, r harness.Receipt, status alert.Status) intake.Item {
	return intake.Item{Alert: &alert.Alert{
		Source: "prometheus", DedupKey: r.Keys[0], Episode: h.Started(disk), Status: status, Severity: alert.Critical,
		Title: "DiskFull on db-1", Group: `{}:{alertname="DiskFull"}`, Labels: map[string]string{"alertname": "DiskFull", "job": "shop"}, Links: []alert.Link{},
	}}
}

// TestFlowDuplicateReorderedLate: the queue delivers twice, in another order
// and late, and nobody is told anything twice.
func TestFlowDuplicateReorderedLate(t *testing.T) {
	h := harness.Start(t)
	first := h.Send(disk)
	id := h.Disposed(first, ledger.Opened)
	h.Receives("alice")
	at := h.Clock.Now()

	// A firing and its recovery arrive the wrong way round; the firing is late.
	fires := h.Delivered("d-fires", at.Add(time.Second), item(h, first, alert.Firing))
	ends := h.Delivered("d-ends", at.Add(2*time.Second), item(h, first, alert.Resolved))
	h.Enqueue("AlertsQueue", ends).Settled()
	h.Enqueue("AlertsQueue", fires, ends, ends).Settled()
	h.Disposed(harness.Receipt{DeliveryID: "d-fires"}, ledger.Late)
	h.Disposed(harness.Receipt{DeliveryID: "d-ends"}, ledger.Recovered)
	if e := h.In(id, event.Triggered); e.RecoveredAt.IsZero() || e.AlertCount != 1 {
		t.Errorf("%d alerts, recovered since %q; want one, recovered", e.AlertCount, e.RecoveredAt)
	}
	// Received after its own episode's recovery it is a new one, and may join
	// twice only if it is two deliveries.
	again := h.Delivered("d-again", at.Add(3*time.Second), item(h, first, alert.Firing))
	h.Enqueue("AlertsQueue", again, again).Settled()
	h.Disposed(harness.Receipt{DeliveryID: "d-again"}, ledger.Joined)
	if e := h.In(id, event.Triggered); !e.RecoveredAt.IsZero() || e.AlertCount != 2 {
		t.Errorf("%d joins, recovered since %q; want two, firing", e.AlertCount, e.RecoveredAt)
	}
	h.Receives()
}

// TestFlowRecoveryBeforeItsFiring: a recovery of what nobody saw firing opens
// nothing, and the firing that was received after it is new.
func TestFlowRecoveryBeforeItsFiring(t *testing.T) {
	h := harness.Start(t)
	h.Disposed(h.Send(recovered(disk)), ledger.Recovered)
	h.Receives()
	h.Disposed(h.Send(disk), ledger.Opened)
	h.Receives("alice")
}

// TestInvariant02FlowAnEditedRuleMakesNoTwin: another merge key is another
// slot, for new episodes only.
func TestInvariant02FlowAnEditedRuleMakesNoTwin(t *testing.T) {
	h := harness.Start(t)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	h.Receives("alice")
	h.Change("kind: rule\nname: shop\nspec: {order: 20, when: {field: labels.job, match: \"^shop\"}, outcome: event, service: shop, merge: [labels.instance]}")
	if got := h.Disposed(h.Send(disk), ledger.Repeated); got != id {
		t.Errorf("the repeat went to %s, want %s", got, id)
	}
	h.Disposed(h.Send(recovered(disk)), ledger.Recovered)
	h.Receives()
	other := h.Disposed(h.Send(again(disk)), ledger.Opened)
	if other == id {
		t.Errorf("the new episode went to %s, whose slot has another key", id)
	}
	h.Receives("alice")
	h.In(id, event.Triggered)
}

// TestInvariant01FlowAThousandAlerts: one delivery of a thousand, too large for
// a message, is in the ledger whole, and makes one event and one page.
func TestInvariant01FlowAThousandAlerts(t *testing.T) {
	h := harness.Start(t, harness.Configure(func(c *stack.Config) { c.ConsumerTimeout, c.Visibility = 60, 60 }))
	alerts := make([]harness.Alert, 1000)
	for i := range alerts {
		alerts[i] = harness.Alert{Name: "Storm", Instance: fmt.Sprint("node-", i), Labels: map[string]string{"text": strings.Repeat("x", 200)}}
	}
	all := h.Dispositions(h.Send(alerts...))
	kinds := map[ledger.Kind]int{}
	for i, d := range all {
		kinds[d.Kind]++
		if d.Position != i || d.Title != fmt.Sprintf("Storm on node-%d", i) {
			t.Fatalf("position %d holds %+v", i, d)
		}
	}
	if len(all) != 1000 || kinds[ledger.Opened] != 1 || kinds[ledger.Joined] != 999 {
		t.Errorf("%d alerts disposed as %v, want one that opened and 999 that joined", len(all), kinds)
	}
	h.Receives("alice")
}

// TestInvariant01ADeadLetterIsVisible: a message that no function can read ends
// in the dead-letter queue, is told as such, and its neighbours go on.
func TestInvariant01ADeadLetterIsVisible(t *testing.T) {
	h := harness.Start(t, harness.Configure(func(c *stack.Config) { c.Visibility = 1 }))
	h.DeadAfter("AlertsQueue", 2)
	h.Enqueue("AlertsQueue", "poison")
	h.Disposed(h.Send(disk), ledger.Opened)
	h.Receives("alice")
	if n := h.Waiting("AlertsDeadLetterQueue"); n != 1 {
		t.Errorf("%d dead letters, want one", n)
	}
	if log := h.FunctionLog(); strings.Count(log, `"reason":"invalid"`) < 2 {
		t.Error("no log line says that the message is invalid")
	}
}
