package tests

import (
	"testing"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/ledger"
	"tocsin/tests/harness"
)

// acts does an operation on an event and returns the event that the answer shows.
func acts(t *testing.T, h *harness.Harness, id, verb string, in map[string]any) (shown struct{ ID string }) {
	t.Helper()
	if status := h.API("POST", "/events/"+id+"/"+verb, in, &shown); status != 200 {
		t.Fatalf("events.%s answered %d", verb, status)
	}
	h.Settled()
	return shown
}

// TestFlowSplitAndAttach: alerts that are split off page by an event of their
// own and report to it, new ones go on joining the old event; a kept alert that
// is attached reports to its event, which waits for its recovery.
func TestFlowSplitAndAttach(t *testing.T) {
	h := harness.Start(t)
	h.Change(`kind: rule
name: noise
spec:
  order: 14
  when: {field: labels.alertname, equals: Noise}
  outcome: keep
---
kind: rule
name: disks
spec:
  order: 15
  when: {field: labels.alertname, equals: DiskFull}
  outcome: event
  merge: [labels.alertname]`)
	one, two, three := disk, disk, disk
	one.Instance, two.Instance, three.Instance = "db-1", "db-2", "db-3"
	first := h.Dispositions(h.Send(one, two))
	old := first[0].Event
	if first[0].Kind != ledger.Opened || first[1].Kind != ledger.Joined || first[1].Event != old {
		t.Fatalf("disposed as %+v", first)
	}
	h.Act(harness.Link(t, h.Receives("alice")[0]), "acknowledge")
	h.Settled().In(old, event.AckedState)

	start := h.Clock.Now()
	fresh := acts(t, h, old, "split", map[string]any{"alerts": []string{first[1].Alert}}).ID
	if fresh == old {
		t.Fatal("the answer shows the old event")
	}
	if page := h.Receives("alice")[0]; harness.EventOf(page) != fresh {
		t.Errorf("paged for %q, want %s", page.Subject, fresh)
	}
	h.In(old, event.AckedState)
	if got := h.Disposed(h.Send(two), ledger.Repeated); got != fresh {
		t.Errorf("a repeat went to %s, want %s", got, fresh)
	}
	if got := h.Disposed(h.Send(three), ledger.Joined); got != old {
		t.Errorf("a new alert went to %s, want %s", got, old)
	}
	h.Disposed(h.Send(recovered(two)), ledger.Recovered)
	h.Pass(6 * time.Minute) // its execution waits for the quiet time; no second step
	if clear := h.Arrive(start, minute(5, "alice"))[0]; harness.EventOf(clear) != fresh {
		t.Errorf("the all-clear is %q", clear.Subject)
	}
	h.In(fresh, event.Resolved)
	h.In(old, event.AckedState)

	noise := harness.Alert{Name: "Noise", Instance: "db-1"}
	kept := h.Dispositions(h.Send(noise))[0]
	if kept.Kind != ledger.Kept {
		t.Fatalf("disposed as %+v", kept)
	}
	acts(t, h, old, "attach", map[string]any{"alert": kept.Alert})
	if got := h.Disposed(h.Send(noise), ledger.Repeated); got != old {
		t.Errorf("a repeat of the attached alert went to %q, want %s", got, old)
	}
	other := h.Disposed(h.Send(harness.Alert{Name: "Slow"}), ledger.Opened)
	h.Receives("alice")
	if status := h.API("POST", "/events/"+other+"/attach", map[string]any{"alert": kept.Alert}, nil); status != 409 {
		t.Errorf("attaching an alert that another event works on answered %d", status)
	}
	h.Send(recovered(one), recovered(three))
	if e := h.Settled().In(old, event.AckedState); !e.RecoveredAt.IsZero() {
		t.Error("all recovered although the attached alert fires")
	}
	h.Disposed(h.Send(recovered(noise)), ledger.Recovered)
	if e := h.In(old, event.AckedState); e.RecoveredAt.IsZero() {
		t.Errorf("not recovered; timeline:\n%s", h.Timeline(old))
	}
}

// TestFlowSubscribe: a subscriber is told of each change of state once, is not
// paged, and hears of the end once although they were paged too.
func TestFlowSubscribe(t *testing.T) {
	h := harness.Start(t)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	link := harness.Link(t, h.Receives("alice")[0])
	for _, member := range []string{"alice", "bob", "chen"} {
		acts(t, h, id, "subscribe", map[string]any{"member": member})
	}
	acts(t, h, id, "subscribe", map[string]any{"member": "bob"})
	acts(t, h, id, "unsubscribe", map[string]any{}) // alice, whose token it is
	h.Receives()

	h.Act(link, "acknowledge")
	told := h.Receives("bob", "chen")
	says(t, told[0], id, "Acknowledged by Alice at ")
	says(t, told[1], id, "Alice 于 ", "确认")
	h.Act(link, "acknowledge") // renews it
	h.Receives()
	h.Act(link, "promote")
	says(t, h.Receives("bob", "chen")[0], "Raised to incident I-1 by Alice")
	acts(t, h, id, "unsubscribe", map[string]any{"member": "chen"})

	acts(t, h, id, "subscribe", map[string]any{"member": "alice"})
	h.Act(link, "resolve")
	for _, m := range h.Receives("alice", "bob") {
		says(t, m, "Resolved by Alice")
	}
	acts(t, h, id, "reopen", map[string]any{"because": "errors again"})
	told = h.Receives("bob", "alice", "alice") // she is paged too
	says(t, told[0], "Reopened by Alice")
	acts(t, h, id, "resolve", map[string]any{})
	h.Receives("alice", "bob")
	acts(t, h, id, "close", map[string]any{"cause_class": "capacity", "cause": "full", "solution": "grown"})
	says(t, h.Receives("alice", "bob")[1], "Closed by Alice")
	tells(t, h, id, "event.subscribers_told by tocsin map[about:closed news:4 who:Bob, Alice]")
}
