package tests

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/ledger"
	"tocsin/tests/harness"
)

// again is another episode of an alert.
func again(a harness.Alert) harness.Alert {
	a.Episode++
	return a
}

// record is what a person says about the end of an event.
var record = []string{"cause_class", "capacity", "cause", "log rotation was off", "solution", "rotated"}

// TestFlowRecoveryStopsTheClock: while all alerts are recovered nobody is
// paged; firing again within the quiet time goes on with what was left of the
// step, and pages nobody a second time.
func TestFlowRecoveryStopsTheClock(t *testing.T) {
	h := harness.Start(t)
	start := h.Clock.Now()
	id := h.Disposed(h.Send(disk), ledger.Opened)
	h.Pass(2 * time.Minute)
	h.Disposed(h.Send(recovered(disk)), ledger.Recovered)
	h.Pass(4 * time.Minute)
	h.Arrive(start, minute(0, "alice"))
	h.Disposed(h.Send(again(disk)), ledger.Joined)
	h.Pass(4 * time.Minute)
	h.Arrive(start, minute(9, "bob")) // 2 minutes, and after 4 the other 3
	if e := h.In(id, event.Triggered); e.Cycle != 1 || e.Opening != 1 {
		t.Errorf("cycle %d, opening %d", e.Cycle, e.Opening)
	}
}

// TestFlowReopening: firing within the reopen period reopens and pages again,
// and a link of before says so; firing after it opens another event.
func TestFlowReopening(t *testing.T) {
	h := harness.Start(t)
	start := h.Clock.Now()
	id := h.Disposed(h.Send(disk), ledger.Opened)
	old := harness.Link(t, h.Receives("alice")[0])
	h.Disposed(h.Send(recovered(disk)), ledger.Recovered)
	h.Pass(6 * time.Minute)
	says(t, h.Arrive(start, minute(5, "alice"))[0], "All alerts recovered", id)
	h.In(id, event.Resolved)

	h.Pass(20 * time.Minute)
	disk := again(disk)
	if got := h.Disposed(h.Send(disk), ledger.Reopened); got != id {
		t.Errorf("reopened %s, want %s", got, id)
	}
	link := harness.Link(t, h.Receives("alice")[0])
	if status, page := h.Act(old, "acknowledge"); !strings.Contains(page, "belongs to an earlier opening") {
		t.Errorf("the old link answered %d:\n%s", status, page)
	}
	h.Settled().In(id, event.Triggered)
	h.Act(link, "acknowledge")
	h.Settled().In(id, event.AckedState)
	h.Disposed(h.Send(recovered(disk)), ledger.Recovered)
	h.Pass(6 * time.Minute).Receives("alice")

	h.Pass(30 * time.Minute)
	other := h.Disposed(h.Send(again(disk)), ledger.Opened)
	if other == id {
		t.Errorf("%s opened again after its reopen period", id)
	}
	says(t, h.Receives("alice")[0], other)
	h.In(id, event.Resolved)
}

// TestFlowResolvedByHandWhileFiring: repeats wait until the reopen period is
// over and open a new event then; another episode reopens at once.
func TestFlowResolvedByHandWhileFiring(t *testing.T) {
	h := harness.Start(t)
	slow := harness.Alert{Name: "Slow"}
	first := h.Disposed(h.Send(disk), ledger.Opened)
	second := h.Disposed(h.Send(slow), ledger.Opened)
	for _, page := range h.Receives("alice", "alice") {
		h.Act(harness.Link(t, page), "resolve")
	}
	h.Receives("alice", "alice")
	h.In(first, event.Resolved)
	h.Pass(10 * time.Minute)
	h.Disposed(h.Send(disk), ledger.Repeated)
	h.Receives()
	if got := h.Disposed(h.Send(again(slow)), ledger.Reopened); got != second {
		t.Errorf("reopened %s, want %s", got, second)
	}
	page := h.Receives("alice")[0]
	says(t, page, second)
	h.Act(harness.Link(t, page), "acknowledge")

	h.Pass(19 * time.Minute)
	h.Disposed(h.Send(disk), ledger.Repeated)
	h.Pass(2 * time.Minute).Receives()
	if third := h.Disposed(h.Send(disk), ledger.Opened); third == first {
		t.Errorf("%s opened again", first)
	}
	h.Receives("alice")
}

// TestFlowAllAlertsMustRecover: an event with several alerts pages once and is
// resolved when the last of them recovered.
func TestFlowAllAlertsMustRecover(t *testing.T) {
	h := harness.Start(t)
	var nodes []harness.Alert
	for _, name := range []string{"node-1", "node-2", "node-3"} {
		nodes = append(nodes, harness.Alert{Name: "NodeDown", Instance: name})
	}
	h.Send(nodes...)
	page := h.Receives("alice")[0]
	id := harness.EventOf(page)
	h.Act(harness.Link(t, page), "acknowledge")
	h.Send(recovered(nodes[0]), recovered(nodes[1]), nodes[2])
	h.Pass(10 * time.Minute).Receives()
	h.In(id, event.AckedState)
	start := h.Clock.Now()
	h.Disposed(h.Send(recovered(nodes[2])), ledger.Recovered)
	h.Pass(6 * time.Minute)
	h.Arrive(start, minute(5, "alice"))
	h.In(id, event.Resolved)
}

// TestFlowAcknowledgementExpiresWhileRecovered: nobody is paged for what has
// recovered, and the machine does not spin meanwhile.
func TestFlowAcknowledgementExpiresWhileRecovered(t *testing.T) {
	h := harness.Start(t)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	h.Act(harness.Link(t, h.Receives("alice")[0]), "acknowledge")
	h.Pass(28 * time.Minute)
	h.Send(recovered(disk))
	start := h.Settled().Clock.Now()
	wakes := h.Event(id).Wakes
	h.Pass(6 * time.Minute)
	h.Arrive(start, minute(5, "alice"))
	if e := h.In(id, event.Resolved); e.Owner != "alice" || e.Wakes > wakes+3 {
		t.Errorf("owned by %q; the machine was woken %d times", e.Owner, e.Wakes-wakes)
	}
}

// TestFlowRecords: the owner of a P1 is reminded of its record each day until
// it is there; a P3 closes by itself after three days with what is known.
func TestFlowRecords(t *testing.T) {
	h := harness.Start(t)
	calm := harness.Alert{Name: "Slow", Severity: "warning"}
	urgent, low := h.Disposed(h.Send(disk), ledger.Opened), h.Disposed(h.Send(calm), ledger.Opened)
	var link string
	for _, page := range h.Receives("alice", "alice") {
		if harness.EventOf(page) == urgent {
			link = harness.Link(t, page)
		}
	}
	h.Act(link, "acknowledge")
	h.Send(recovered(disk))
	h.Send(recovered(calm))
	h.Pass(6*time.Minute).Receives("alice", "alice")
	start := h.Event(urgent).ResolvedAt
	h.Pass(50 * time.Hour)
	reminders := h.Arrive(start, minute(24*60, "alice"), minute(48*60, "alice"))
	says(t, reminders[0], "the record is missing", urgent)
	h.In(low, event.Resolved)
	h.Act(harness.Link(t, reminders[1]), "close", record...)
	h.Settled().In(urgent, event.Closed)
	h.Pass(23 * time.Hour).Receives()
	if e := h.In(low, event.Closed); e.Record.CauseClass != "unknown" || e.Record.By != event.Self {
		t.Errorf("%s closed with %+v", low, e.Record)
	}
}

// TestFlowAlertExpires: a Prometheus server says until when an alert fires. An
// alert that it does not refresh recovers then, visibly.
func TestFlowAlertExpires(t *testing.T) {
	h := harness.Start(t)
	start := h.Clock.Now()
	id := h.Disposed(sendBare(t, h, 4*time.Minute), ledger.Opened)
	h.Act(harness.Link(t, h.Receives("alice")[0]), "acknowledge")
	h.Settled().Minutes(3)
	h.Disposed(sendBare(t, h, 4*time.Minute), ledger.Repeated)
	h.Minutes(3).In(id, event.AckedState)
	h.Minutes(3) // nobody refreshed it since the third minute
	if e := h.In(id, event.AckedState); e.RecoveredAt.IsZero() || e.RecoveredAt.Sub(start) > 9*time.Minute+5*time.Second {
		t.Errorf("recovered at %s, which is not within 120 s of the seventh minute after %s", e.RecoveredAt, start)
	}
	var shown struct {
		Alerts []struct {
			Status  string
			Expired bool
		} `json:"alert_list"`
	}
	if status := h.API("GET", "/events/"+id, nil, &shown); status != 200 || len(shown.Alerts) != 1 || !shown.Alerts[0].Expired || shown.Alerts[0].Status != "resolved" {
		t.Errorf("events.get answered %d with %+v", status, shown)
	}
	h.Minutes(6)
	h.Receives("alice")
	h.In(id, event.Resolved)
}

// TestInvariant03AnExpiryCutShort: whoever ended the alert died before its event
// knew; the repair that comes again tells it.
func TestInvariant03AnExpiryCutShort(t *testing.T) {
	h := harness.Start(t)
	r := sendBare(t, h, 2*time.Minute)
	id := h.Disposed(r, ledger.Opened)
	h.Act(harness.Link(t, h.Receives("alice")[0]), "acknowledge")
	h.Settled().Tick(3 * time.Minute)
	name := alert.ID(h.Dispositions(r)[0].Alert)
	states, err := h.Alerts().Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	ended, due := states[name].Expire(h.Clock.Now())
	if err := h.Alerts().Put(t.Context(), &ended); err != nil || !due {
		t.Fatalf("expired %t: %v", due, err)
	}
	h.Repair("alert", alert.Key(name))
	if e := h.In(id, event.AckedState); e.RecoveredAt.IsZero() {
		t.Errorf("the event does not know that its alert ended; timeline:\n%s", h.Timeline(id))
	}
	h.Pass(6 * time.Minute).Receives("alice")
}

// sendBare posts an alert as a Prometheus server itself does.
func sendBare(t *testing.T, h *harness.Harness, fires time.Duration) harness.Receipt {
	t.Helper()
	now := time.Now().UTC() // senders know nothing of a moved clock
	body, err := json.Marshal([]map[string]any{{
		"labels":       map[string]string{"alertname": "TargetDown", "instance": "web-1", "job": "shop", "severity": "critical"},
		"annotations":  map[string]string{"summary": "web-1 is down"},
		"startsAt":     "2026-03-01T09:00:00Z",
		"endsAt":       now.Add(fires).Format(time.RFC3339Nano),
		"generatorURL": "http://prometheus.example:9090/graph",
	}})
	if err != nil {
		t.Fatal(err)
	}
	status, answer := h.Post(h.Webhook()+"/api/v2/alerts", body)
	var r harness.Receipt
	if err := json.Unmarshal(answer, &r); err != nil || status != http.StatusAccepted && status != http.StatusOK {
		t.Fatalf("the webhook answered %d: %s", status, answer)
	}
	return r
}
