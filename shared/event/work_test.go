package event_test

import (
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/outbox"
)

// alertState is an alert as it was read.
func alertState(name string, status alert.Status) alert.State {
	return alert.State{ID: alert.ID("a-" + name), Integration: "prod", Rev: 3, Alert: alert.Alert{
		Source: "prometheus", Status: status, Title: name + " is down", Labels: map[string]string{"host": name},
	}}
}

// TestTasks: their numbers stay, what is done keeps who did it, and only an
// open event takes one in.
func TestTasks(t *testing.T) {
	e := apply(t, triggered(alert.P2), event.AddTask{Text: "tell the shop", Assignee: "bob"}, alice, noon).Event
	e = apply(t, e, event.AddTask{Text: "order disks"}, alice, noon).Event
	before := e
	done := apply(t, e, event.CompleteTask{Number: 1}, bob, after(time.Minute))
	e = done.Event
	want := event.Task{Number: 1, Text: "tell the shop", Assignee: "bob", By: alice, At: noon, DoneBy: bob, DoneAt: after(time.Minute)}
	if e.Tasks[0] != want || e.Tasks[1].Done() || before.Tasks[0].Done() {
		t.Errorf("tasks %+v, before %+v", e.Tasks, before.Tasks)
	}
	if done.Wake || len(done.Timeline) != 1 || done.Timeline[0].What != "event.task_done" || done.Timeline[0].By != bob {
		t.Errorf("change %+v", done)
	}
	if again := apply(t, e, event.CompleteTask{Number: 1}, alice, after(time.Hour)); again.Event.Tasks[0] != want || len(again.Timeline) != 0 {
		t.Errorf("done again: %+v", again.Event.Tasks[0])
	}
	e = apply(t, e, event.ReopenTask{Number: 1}, alice, after(time.Hour)).Event
	if e.Tasks[0].Done() || e.Tasks[0].DoneBy != "" {
		t.Errorf("reopened: %+v", e.Tasks[0])
	}
	for _, number := range []int{0, 3, -1} {
		if _, err := event.Apply(e, event.CompleteTask{Number: number}, alice, noon); !fault.Is(err, fault.NotFound) {
			t.Errorf("task %d: %v", number, err)
		}
	}
	for range event.MaxTasks - 2 {
		e = apply(t, e, event.AddTask{Text: "x"}, alice, noon).Event
	}
	if _, err := event.Apply(e, event.AddTask{Text: "x"}, alice, noon); !fault.Is(err, fault.Conflict) {
		t.Errorf("one task too many: %v", err)
	}
}

// TestWorkByState: which of these operations an event's state allows.
func TestWorkByState(t *testing.T) {
	fires := alertState("db-1", alert.Firing)
	const open, unclosed = 3, 4 // how many of the states allow it
	states := []event.State{event.Triggered, event.AckedState, event.Snoozed, event.Resolved, event.Closed}
	for _, c := range []struct {
		name    string
		op      event.Op
		allowed int
	}{
		{"add a task", event.AddTask{Text: "x"}, open},
		{"attach", event.Attach{Alert: fires}, open},
		{"split", event.Split{ID: "E-9", Alerts: []alert.State{fires}}, open},
		{"subscribe", event.Subscribe{Member: "carol"}, unclosed},
		{"unsubscribe", event.Unsubscribe{Member: "carol"}, unclosed},
	} {
		for i, from := range states {
			change, err := event.Apply(in(t, from), c.op, bob, after(time.Minute))
			if allowed := i < c.allowed; (err == nil) != allowed {
				t.Errorf("%s from %s: err %v, want it allowed: %v", c.name, from, err, allowed)
			} else if allowed && change.Event.State != from {
				t.Errorf("%s from %s: became %s", c.name, from, change.Event.State)
			}
		}
	}
}

func TestAttach(t *testing.T) {
	recovered := apply(t, triggered(alert.P2), event.Recover{}, event.Self, after(time.Minute)).Event
	c := apply(t, recovered, event.Attach{Alert: alertState("db-1", alert.Firing)}, alice, after(2*time.Minute))
	if c.Alert == nil || c.Alert.Event != "E-7" || c.Alert.Rev != 3 {
		t.Errorf("alert %+v", c.Alert)
	}
	if !c.Event.RecoveredAt.IsZero() || c.Event.Progress.Stopped || !c.Wake {
		t.Errorf("its clock stands still: %+v", c.Event)
	}
	if _, err := event.Apply(recovered, event.Attach{Alert: alertState("db-1", alert.Resolved)}, alice, noon); !fault.Is(err, fault.Conflict) {
		t.Errorf("an alert that does not fire: %v", err)
	}
}

func TestSplit(t *testing.T) {
	old := in(t, event.AckedState)
	old.Rule, old.Plan, old.ConfigVersion, old.RecoveredAt = "r", "standard", 4, time.Time{}
	alerts := []alert.State{alertState("db-1", alert.Resolved), alertState("db-2", alert.Firing)}
	c := apply(t, old, event.Split{ID: "E-9", Alerts: alerts, Assignee: event.Assignee{Team: "db"}}, bob, after(time.Minute))
	if c.Event.State != event.AckedState || c.Event.Slot != "s" || c.Event.Cycle != 1 || c.Wake || !c.SameMembers {
		t.Errorf("the old event: %+v", c.Event)
	}
	e := c.Part.Event
	if e.ID != "E-9" || e.State != event.Triggered || e.Slot != "" || e.Title != "db-2 is down" || e.Priority != alert.P1 || e.Service != "shop" ||
		e.Plan != "standard" || e.ConfigVersion != 4 || e.Owner != "" || e.Assignee != (event.Assignee{Team: "db"}) || e.SplitFrom != "E-7" ||
		e.Generation != 1 || e.Cycle != 1 || e.Opening != 1 {
		t.Errorf("the new event: %+v", e)
	}
	for _, st := range c.Part.Alerts {
		if st.Event != "E-9" || st.Rev != 3 {
			t.Errorf("alert %+v", st)
		}
	}
	if c.Timeline[0].What != "event.split" || c.Timeline[0].By != bob || c.Part.Timeline[0].What != "event.opened" || c.Part.Timeline[0].By != bob {
		t.Errorf("timelines %+v, %+v", c.Timeline, c.Part.Timeline)
	}
	if _, err := event.Apply(old, event.Split{ID: "E-9", Alerts: alerts[:1]}, bob, noon); !fault.Is(err, fault.Conflict) {
		t.Errorf("alerts that do not fire: %v", err)
	}
	named := apply(t, old, event.Split{ID: "E-9", Alerts: alerts, Title: "Slow", Priority: alert.P4}, bob, noon).Part.Event
	if named.Title != "Slow" || named.Priority != alert.P4 {
		t.Errorf("named %+v", named)
	}
}

// TestNews is the table of what subscribers are told beside the all-clear.
func TestNews(t *testing.T) {
	record := &event.Record{CauseClass: "capacity", Cause: "full", Solution: "grown"}
	for _, c := range []struct {
		name string
		from event.State
		op   event.Op
		want string
	}{
		{"acknowledged", event.Triggered, event.Acknowledge{}, event.NewsAcknowledged},
		{"acknowledged from sleep", event.Snoozed, event.Acknowledge{}, event.NewsAcknowledged},
		{"an acknowledgement renewed", event.AckedState, event.Acknowledge{}, ""},
		{"reopened", event.Resolved, event.Reopen{}, event.NewsReopened},
		{"promoted", event.Triggered, event.JoinIncident{Incident: "I-1"}, event.NewsPromoted},
		{"merged", event.Triggered, event.Merge{Into: "E-8"}, event.NewsMerged},
		{"closed after it was resolved", event.Resolved, event.Close{Record: record}, event.NewsClosed},
		{"resolved is told by the all-clear", event.Triggered, event.Resolve{}, ""},
		{"closed at once is too", event.Triggered, event.Close{Record: record}, ""},
		{"a raise", event.AckedState, event.Unacknowledge{}, ""},
		{"a note", event.Triggered, event.Note{Text: "x"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if silent := apply(t, in(t, c.from), c.op, alice, after(time.Minute)).Event; len(silent.News) != 0 {
				t.Errorf("without subscribers: %+v", silent.News)
			}
			e := apply(t, in(t, c.from), event.Subscribe{Member: "carol"}, bob, noon).Event
			got := apply(t, e, c.op, alice, after(time.Minute))
			if c.want == "" {
				if len(got.Event.News) != 0 {
					t.Errorf("news %+v", got.Event.News)
				}
				return
			}
			want := event.News{Number: 1, Cycle: got.Event.Cycle, About: outbox.Fact{What: c.want, By: string(alice), At: after(time.Minute)}}
			if len(got.Event.News) != 1 || got.Event.News[0] != want || !got.Wake {
				t.Errorf("news %+v, wakes %v", got.Event.News, got.Wake)
			}
		})
	}
}

// TestNewsIsToldOnce: each has a number of its own, and is off the event when
// it was told.
func TestNewsIsToldOnce(t *testing.T) {
	e := apply(t, triggered(alert.P2), event.Subscribe{Member: "carol"}, bob, noon).Event
	e = apply(t, e, event.Acknowledge{}, alice, noon).Event
	e = apply(t, e, event.All{event.Unacknowledge{}, event.Acknowledge{}}, alice, noon).Event
	if len(e.News) != 2 || e.News[0].Key(e.ID) == e.News[1].Key(e.ID) {
		t.Fatalf("news %+v", e.News)
	}
	first := e.News[0]
	e = apply(t, e, event.TellNews{News: first, Who: "Carol"}, event.Self, noon).Event
	if len(e.News) != 1 || e.News[0].Number != 2 {
		t.Errorf("left %+v", e.News)
	}
	if _, err := event.Apply(e, event.TellNews{News: first}, event.Self, noon); err == nil {
		t.Error("told twice")
	}
	closed := apply(t, e, event.All{event.Resolve{}, event.Close{Record: &event.Record{CauseClass: "capacity", Cause: "c", Solution: "s"}}}, alice, noon).Event
	for _, n := range closed.News {
		closed = apply(t, closed, event.TellNews{News: n}, event.Self, noon).Event
	}
	if len(closed.News) != 0 {
		t.Errorf("left on a closed event: %+v", closed.News)
	}
}

func TestSubscriptions(t *testing.T) {
	e := apply(t, triggered(alert.P2), event.Subscribe{Member: "carol"}, bob, noon).Event
	if again := apply(t, e, event.Subscribe{Member: "carol"}, bob, noon); len(again.Event.Subscribers) != 1 || len(again.Timeline) != 0 {
		t.Errorf("subscribed twice: %+v", again)
	}
	e = apply(t, e, event.Unsubscribe{Member: "carol"}, bob, noon).Event
	if e = apply(t, e, event.Acknowledge{}, alice, noon).Event; len(e.Subscribers)+len(e.News) != 0 {
		t.Errorf("still told: %+v", e)
	}
	for i := range event.MaxSubscribers {
		e = apply(t, e, event.Subscribe{Member: string(rune('a'+i%26)) + string(rune('a'+i/26))}, bob, noon).Event
	}
	if _, err := event.Apply(e, event.Subscribe{Member: "carol"}, bob, noon); !fault.Is(err, fault.Conflict) {
		t.Errorf("one subscriber too many: %v", err)
	}
}
