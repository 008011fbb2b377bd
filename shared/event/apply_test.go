package event_test

import (
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/execution"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// after returns the instant d after noon.
func after(d time.Duration) time.Time { return noon.Add(d) }

func triggered(p alert.Priority) event.Event {
	return event.Event{
		ID: "E-7", State: event.Triggered, Title: "Disk full", Priority: p, Service: "shop", Slot: "s",
		Execution: execution.First(noon).Opened(noon), Cycle: 1, Opening: 1, OpenedAt: noon, TriggeredAt: noon,
		Progress: event.Progress{Stage: event.StagePlan, PagedAt: noon, Deadline: after(5 * time.Minute)},
	}
}

// apply does one operation and fails the test when it is refused.
func apply(t *testing.T, e event.Event, op event.Op, by event.Actor, at time.Time) event.Change {
	t.Helper()
	c, err := event.Apply(e, op, by, at)
	if err != nil {
		t.Fatalf("%T on a %s event: %v", op, e.State, err)
	}
	return c
}

const (
	alice = event.Actor("member:alice")
	bob   = event.Actor("member:bob")
)

func in(t *testing.T, s event.State) event.Event {
	t.Helper()
	e := triggered(alert.P1)
	switch s {
	case event.AckedState:
		return apply(t, e, event.Acknowledge{}, alice, noon).Event
	case event.Snoozed:
		return apply(t, e, event.Snooze{Until: after(time.Hour)}, alice, noon).Event
	case event.Resolved:
		return apply(t, e, event.Resolve{}, alice, noon).Event
	case event.Closed:
		record := &event.Record{CauseClass: "capacity", Cause: "full", Solution: "grown"}
		return apply(t, e, event.Close{Record: record}, alice, noon).Event
	}
	return e
}

// TestLifecycle walks every operation from every state: the state that
// follows, or the refusal.
func TestLifecycle(t *testing.T) {
	record := &event.Record{CauseClass: "capacity", Cause: "full", Solution: "grown"}
	const no = event.State("")
	states := []event.State{event.Triggered, event.AckedState, event.Snoozed, event.Resolved, event.Closed}
	for _, c := range []struct {
		name string
		op   event.Op
		by   event.Actor
		want [5]event.State // after each of states; "" refused
	}{
		{"acknowledge", event.Acknowledge{}, alice, [5]event.State{event.AckedState, event.AckedState, event.AckedState, no, no}},
		{"acknowledge by another", event.Acknowledge{}, bob, [5]event.State{event.AckedState, no, event.AckedState, no, no}},
		{"unacknowledge", event.Unacknowledge{}, bob, [5]event.State{no, event.Triggered, no, no, no}},
		{"snooze", event.Snooze{Until: after(2 * time.Hour)}, bob, [5]event.State{event.Snoozed, event.Snoozed, event.Snoozed, no, no}},
		{"wake by hand", event.Awake{}, bob, [5]event.State{no, no, event.Triggered, no, no}},
		{"wake too early", event.Awake{}, event.Self, [5]event.State{no, no, no, no, no}},
		{"resolve", event.Resolve{}, bob, [5]event.State{event.Resolved, event.Resolved, event.Resolved, no, no}},
		{"reopen", event.Reopen{}, bob, [5]event.State{no, no, no, event.Triggered, no}},
		{"close with record", event.Close{Record: record}, bob, [5]event.State{event.Closed, event.Closed, event.Closed, event.Closed, no}},
		{"close without record", event.Close{}, bob, [5]event.State{no, no, no, no, no}},
		{"assign", event.Assign{To: event.Assignee{Member: "carol"}}, bob, [5]event.State{event.Triggered, event.Triggered, event.Triggered, no, no}},
		{"escalate", event.Escalate{}, bob, [5]event.State{event.Triggered, event.Triggered, no, no, no}},
		{"merge", event.Merge{Into: "E-8"}, bob, [5]event.State{event.Closed, event.Closed, event.Closed, no, no}},
		{"promote", event.Promote{}, bob, [5]event.State{event.Triggered, event.AckedState, event.Snoozed, event.Resolved, no}},
		{"note", event.Note{Text: "x"}, bob, states5(states)},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i, from := range states {
				change, err := event.Apply(in(t, from), c.op, c.by, after(time.Minute))
				switch {
				case c.want[i] == no && err == nil:
					t.Errorf("from %s: became %s, want a refusal", from, change.Event.State)
				case c.want[i] != no && err != nil:
					t.Errorf("from %s: refused (%v), want %s", from, err, c.want[i])
				case c.want[i] != no && change.Event.State != c.want[i]:
					t.Errorf("from %s: became %s, want %s", from, change.Event.State, c.want[i])
				}
			}
		})
	}
}

func states5(s []event.State) (five [5]event.State) {
	copy(five[:], s)
	return five
}

// TestCycleRisesWhenPagingBeginsAnew holds the list of DESIGN's third counter
// rule: what begins a new cycle, what a new opening, and what neither.
func TestCycleRisesWhenPagingBeginsAnew(t *testing.T) {
	expired := in(t, event.AckedState)
	for _, c := range []struct {
		name           string
		from           event.Event
		op             event.Op
		by             event.Actor
		cycle, opening int
		wakes          bool
	}{
		{"acknowledge", triggered(alert.P1), event.Acknowledge{}, alice, 1, 1, true},
		{"unacknowledge", in(t, event.AckedState), event.Unacknowledge{}, bob, 2, 1, true},
		{"expiry", expired, event.ExpireAcknowledgement{}, event.Self, 2, 1, true},
		{"snooze", triggered(alert.P1), event.Snooze{Until: after(time.Hour)}, alice, 1, 1, true},
		{"snooze end", in(t, event.Snoozed), event.Awake{}, event.Self, 2, 1, true},
		{"raise", triggered(alert.P3), event.Raise{Priority: alert.P1}, event.Self, 2, 1, true},
		{"raise of a snoozed event", in(t, event.Snoozed), event.All{event.SetPriority{Priority: alert.P3}, event.Raise{Priority: alert.P1}}, event.Self, 2, 1, true},
		{"no raise", triggered(alert.P1), event.Raise{Priority: alert.P2}, event.Self, 1, 1, false},
		{"reassignment", in(t, event.AckedState), event.Assign{To: event.Assignee{Team: "db"}}, bob, 2, 1, true},
		{"reopen", in(t, event.Resolved), event.Reopen{}, bob, 2, 2, true},
		{"next generation", triggered(alert.P1), event.NextGeneration{}, event.Self, 1, 1, true},
		{"note", triggered(alert.P1), event.Note{Text: "x"}, bob, 1, 1, false},
		{"lower priority", triggered(alert.P1), event.SetPriority{Priority: alert.P3}, bob, 1, 1, true},
		{"page", triggered(alert.P1), event.Paged{Who: "Bob"}, event.Self, 1, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := apply(t, c.from, c.op, c.by, after(time.Hour))
			if got.Event.Cycle != c.cycle || got.Event.Opening != c.opening {
				t.Errorf("cycle %d, opening %d; want %d, %d", got.Event.Cycle, got.Event.Opening, c.cycle, c.opening)
			}
			if woke := got.Event.WakeSeq > c.from.WakeSeq; woke != c.wakes || got.Wake != c.wakes {
				t.Errorf("raises wake_seq: %v, want %v", woke, c.wakes)
			}
			if c.wakes && !got.Event.Due.Equal(after(time.Hour+30*time.Second)) {
				t.Errorf("due %s, want 30 s after the change", got.Event.Due)
			}
		})
	}
}

func TestSecondAcknowledgementNamesTheOwner(t *testing.T) {
	_, err := event.Apply(in(t, event.AckedState), event.Acknowledge{}, bob, after(time.Minute))
	state, ok := event.IsState(err)
	if !ok || !state.Done || state.By != alice || !state.At.Equal(noon) {
		t.Errorf("got %+v, want it done by alice at noon", err)
	}
}

// TestRecoveryStopsTheStepsClock says that what was left of a step's wait is
// left again when an alert fires again.
func TestRecoveryStopsTheStepsClock(t *testing.T) {
	e := apply(t, triggered(alert.P2), event.Recover{}, event.Self, after(2*time.Minute)).Event
	if !e.Progress.Stopped || !e.Progress.Deadline.IsZero() {
		t.Fatalf("progress after recovery: %+v, want it stopped", e.Progress)
	}
	e = apply(t, e, event.Refire{}, event.Self, after(10*time.Minute)).Event
	if want := after(13 * time.Minute); e.Progress.Stopped || !e.Progress.Deadline.Equal(want) {
		t.Errorf("progress after refire: %+v, want the deadline %s", e.Progress, want)
	}
}

func TestRecordRules(t *testing.T) {
	full := event.Record{CauseClass: "capacity", Cause: "full", Solution: "grown"}
	for _, c := range []struct {
		name     string
		priority alert.Priority
		op       event.Op
		by       event.Actor
		closes   bool
	}{
		{"P1 without", alert.P1, event.Close{}, alice, false},
		{"P1 without solution", alert.P1, event.Close{Record: &event.Record{CauseClass: "capacity", Cause: "full"}}, alice, false},
		{"P2 with all three", alert.P2, event.Close{Record: &full}, alice, true},
		{"P1 by no person", alert.P1, event.Close{Record: &full}, event.Self, false},
		{"P3 without", alert.P3, event.Close{}, alice, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := apply(t, triggered(c.priority), event.Resolve{}, alice, noon).Event
			_, err := event.Apply(e, c.op, c.by, after(time.Minute))
			if (err == nil) != c.closes {
				t.Errorf("err %v, want it to close: %v", err, c.closes)
			}
		})
	}
}

func TestReopeningAsksForTheRecordAgain(t *testing.T) {
	full := event.Record{CauseClass: "capacity", Cause: "full", Solution: "grown"}
	e := apply(t, in(t, event.Resolved), event.SaveRecord{Record: full}, alice, noon).Event
	e = apply(t, e, event.Reopen{}, event.ByRule("r"), after(time.Minute)).Event
	e = apply(t, e, event.Resolve{}, alice, after(2*time.Minute)).Event
	if _, err := event.Apply(e, event.Close{}, alice, after(3*time.Minute)); err == nil {
		t.Error("closed with the record of the opening before")
	}
}

func TestAutomaticClose(t *testing.T) {
	p3 := apply(t, triggered(alert.P3), event.Resolve{}, alice, noon).Event
	if want := after(72 * time.Hour); !p3.AutoCloseAt.Equal(want) {
		t.Errorf("P3 closes at %s, want %s", p3.AutoCloseAt, want)
	}
	if p1 := in(t, event.Resolved); !p1.AutoCloseAt.IsZero() {
		t.Errorf("P1 closes by itself at %s", p1.AutoCloseAt)
	}
	if _, err := event.Apply(p3, event.CloseByItself{}, event.Self, after(71*time.Hour)); err == nil {
		t.Error("closed before its time")
	}
}

func TestApplyLeavesItsArgument(t *testing.T) {
	e := triggered(alert.P1)
	before := e
	apply(t, e, event.All{event.Acknowledge{}, event.Resolve{}}, alice, noon)
	if e.State != before.State || e.WakeSeq != before.WakeSeq || e.Progress != before.Progress {
		t.Errorf("the event given was changed: %+v", e)
	}
}

// TestSnoozedSince: a snooze does not move when the cycle began, and a refusal
// names when it began itself.
func TestSnoozedSince(t *testing.T) {
	e := apply(t, triggered(alert.P1), event.Snooze{Until: after(2 * time.Hour)}, alice, after(time.Hour)).Event
	if !e.TriggeredAt.Equal(noon) || !e.SnoozedSince().Equal(after(time.Hour)) {
		t.Errorf("triggered at %s, snoozed since %s", e.TriggeredAt, e.SnoozedSince())
	}
	_, err := event.Apply(e, event.Unacknowledge{}, bob, after(90*time.Minute))
	if refused, ok := event.IsState(err); !ok || refused.By != alice || !refused.At.Equal(after(time.Hour)) {
		t.Errorf("refused by %v", err)
	}
	awake := apply(t, e, event.Awake{}, bob, after(90*time.Minute)).Event
	if !awake.SnoozedAt.IsZero() || !awake.TriggeredAt.Equal(after(90*time.Minute)) {
		t.Errorf("awake since %s, snoozed at %q", awake.TriggeredAt, awake.SnoozedAt)
	}
}
