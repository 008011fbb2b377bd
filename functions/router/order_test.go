package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/ledger"
	"tocsin/shared/rule"
)

// TestDispositions follows alerts through several deliveries. Each step is one
// delivery; the last column says where its alerts end.
func TestDispositions(t *testing.T) {
	e := startEngine(t)
	db := firing("db-1")
	type step struct {
		received time.Duration // after noon; deliveries are handled in the order of steps
		alerts   []alert.Alert
		want     []ledger.Kind
	}
	one := func(received time.Duration, a alert.Alert, want ledger.Kind) step {
		return step{received, []alert.Alert{a}, []ledger.Kind{want}}
	}
	for _, c := range []struct {
		name   string
		steps  []step
		events int
	}{
		{"a firing opens, its repeat changes nothing", []step{one(0, db, ledger.Opened), one(1, db, ledger.Repeated)}, 1},
		{"a recovery follows the attachment", []step{one(0, db, ledger.Opened), one(1, recovered(db), ledger.Recovered)}, 1},
		{"a recovery handled before its earlier firing", []step{one(2, recovered(db), ledger.Recovered), one(1, db, ledger.Late)}, 0},
		{"a recovery received before its firing", []step{one(1, recovered(db), ledger.Recovered), one(2, db, ledger.Opened)}, 1},
		{"a repeat handled after the recovery that followed it", []step{
			one(0, db, ledger.Opened), one(2, recovered(db), ledger.Recovered), one(1, db, ledger.Late),
		}, 1},
		{"a firing received after its own episode's recovery is new", []step{
			one(0, db, ledger.Opened), one(1, recovered(db), ledger.Recovered), one(2, db, ledger.Joined),
		}, 1},
		{"a new episode is decided by rules and finds its slot", []step{
			one(0, db, ledger.Opened), one(1, firing("db-1", episode("2")), ledger.Joined),
		}, 1},
		{"an old episode's recovery received late ends what fires", []step{
			one(0, db, ledger.Opened), one(1, firing("db-1", episode("2")), ledger.Joined), one(2, recovered(db), ledger.Recovered),
		}, 1},
		{"alerts of one group share an event", []step{
			{0, []alert.Alert{db, firing("db-2"), firing("web", group("web"))}, []ledger.Kind{ledger.Opened, ledger.Joined, ledger.Opened}},
		}, 2},
		{"equal reports in one delivery are folded", []step{
			{0, []alert.Alert{db, db, db}, []ledger.Kind{ledger.Opened, ledger.Repeated, ledger.Repeated}},
		}, 1},
		{"a recovery between equal reports is not folded away", []step{
			{0, []alert.Alert{db, recovered(db), db}, []ledger.Kind{ledger.Opened, ledger.Recovered, ledger.Joined}},
		}, 1},
		{"a discarded alert leaves nothing", []step{one(0, firing("x", kind("noise")), ledger.Discarded), one(1, firing("x", kind("noise")), ledger.Discarded)}, 0},
		{"a kept alert has no event and is decided at every delivery", []step{
			one(0, firing("x", kind("log")), ledger.Kept), one(1, firing("x", kind("log")), ledger.Kept), one(2, firing("x"), ledger.Opened),
		}, 1},
		{"a kept alert recovers", []step{one(0, firing("x", kind("log")), ledger.Kept), one(1, recovered(firing("x", kind("log"))), ledger.Recovered)}, 0},
		{"a higher severity raises inside the same event", []step{
			one(0, db, ledger.Opened), one(1, firing("db-1", severity(alert.Critical)), ledger.Joined),
		}, 1},
		{"a lower severity is a repeat", []step{
			one(0, db, ledger.Opened), one(1, firing("db-1", severity(alert.Warning)), ledger.Repeated),
		}, 1},
		{"the source's own acknowledgement is a request on the event", []step{
			one(0, db, ledger.Opened), one(1, asking(alert.Acknowledged), ledger.Acknowledged),
		}, 1},
		{"a note and what takes an acknowledgement back are requests too", []step{
			one(0, db, ledger.Opened), one(1, asking(alert.Unacknowledged), ledger.Unacknowledged), one(2, asking(alert.Noted), ledger.Noted),
		}, 1},
		{"a request on an alert that nobody reported opens nothing", []step{
			one(0, asking(alert.Acknowledged), ledger.Late), one(1, asking(alert.Unacknowledged), ledger.Late),
			one(2, asking(alert.Noted), ledger.Late), one(3, db, ledger.Opened),
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, e)
			for i, s := range c.steps {
				w.at(time.Duration(i+10) * time.Second)
				d := w.delivery(s.received*time.Second, s.alerts...)
				w.takes(d)
				if got := kinds(w.dispositions(d)); !slices.Equal(got, s.want) {
					t.Errorf("delivery %d: disposed as %v, want %v", i, got, s.want)
				}
			}
			if n := len(w.found()); n != c.events {
				t.Errorf("%d events, want %d", n, c.events)
			}
			w.sound()
		})
	}
}

// asking is what the source of db-1 did with it.
func asking(s alert.Status) alert.Alert {
	return firing("db-1", func(a *alert.Alert) { a.Status, a.Description = s, "looked at by "+string(s) })
}

// TestTheSourcesRequestsReachTheEvent: what a source does with its alert is
// done to the event that owns it, by the source's name, and never twice.
func TestTheSourcesRequestsReachTheEvent(t *testing.T) {
	w := newWorld(t, startEngine(t))
	id := w.disposed(w.send(0, firing("db-1")), ledger.Opened)[0]
	in := func(s event.State) {
		t.Helper()
		if got := w.event(id).State; got != s {
			t.Errorf("the event is %s, want %s", got, s)
		}
	}
	w.send(time.Second, asking(alert.Acknowledged))
	in(event.AckedState)
	cycle := w.event(id).Cycle
	w.send(2*time.Second, asking(alert.Unacknowledged))
	in(event.Triggered)
	if got := w.event(id).Cycle; got != cycle+1 {
		t.Errorf("cycle %d, want %d: paging begins anew", got, cycle+1)
	}
	rev := w.event(id).Rev
	w.disposed(w.send(3*time.Second, asking(alert.Noted), recovered(firing("db-1")), asking(alert.Noted)), ledger.Noted, ledger.Recovered, ledger.Noted)
	in(event.Triggered) // until the quiet time is over
	if got := w.event(id).Rev; got != rev+1 {
		t.Errorf("revision %d, want %d: a note wakes nobody", got, rev+1)
	}
	if got, want := w.notes(id), []string{"source:prometheus looked at by noted", "source:prometheus looked at by noted"}; !slices.Equal(got, want) {
		t.Errorf("notes %q, want %q", got, want)
	}
}

// TestARequestBeforeItsAlert: the queue keeps no order. A request waits a
// moment for its alert, in its batch or in that of another router, and stays
// ahead of what was asked after it.
func TestARequestBeforeItsAlert(t *testing.T) {
	e := startEngine(t)
	state := func(w *world, want event.State) {
		t.Helper()
		if got := w.only(); got.State != want {
			t.Errorf("the event is %s, want %s", got.State, want)
		}
	}
	t.Run("in one batch", func(t *testing.T) {
		w := newWorld(t, e).at(time.Second)
		asks, fires := w.delivery(0, asking(alert.Acknowledged), asking(alert.Noted)), w.delivery(time.Second, firing("db-1"))
		w.takes(fires, asks)
		id := w.disposed(w.dispositions(fires), ledger.Opened)[0]
		if got := w.disposed(w.dispositions(asks), ledger.Acknowledged, ledger.Noted); !slices.Equal(got, []event.ID{id, id}) {
			t.Errorf("asked of %q, want %s", got, id)
		}
		state(w, event.AckedState)
	})
	t.Run("and then taken back", func(t *testing.T) {
		w := newWorld(t, e).at(time.Second)
		all := w.delivery(0, asking(alert.Acknowledged), firing("db-1"), asking(alert.Unacknowledged))
		w.takes(all)
		w.disposed(w.dispositions(all), ledger.Acknowledged, ledger.Opened, ledger.Unacknowledged)
		state(w, event.Triggered)
	})
	t.Run("of the next firing period", func(t *testing.T) {
		w := newWorld(t, e)
		w.disposed(w.send(0, firing("db-1"), recovered(firing("db-1"))), ledger.Opened, ledger.Recovered)
		w.do(w.only().ID, event.Resolve{})
		w.at(time.Minute)
		all := w.delivery(time.Minute, asking(alert.Acknowledged), firing("db-1", episode("2")))
		w.takes(all)
		w.disposed(w.dispositions(all), ledger.Acknowledged, ledger.Reopened)
		state(w, event.AckedState)
	})
	t.Run("that another router takes", func(t *testing.T) {
		w := newWorld(t, e).at(time.Second)
		asks, fires := w.delivery(0, asking(alert.Acknowledged)), w.delivery(0, firing("db-1"))
		var other sync.WaitGroup
		other.Go(func() {
			time.Sleep(5 * earlyWait / 2)
			w.takes(fires)
		})
		w.takes(asks)
		other.Wait()
		w.disposed(w.dispositions(asks), ledger.Acknowledged)
		state(w, event.AckedState)
	})
	t.Run("which never comes", func(t *testing.T) {
		w := newWorld(t, e).at(time.Second)
		asks, slow := w.delivery(0, asking(alert.Acknowledged)), w.delivery(0, firing("web", group("web")))
		begun := time.Now()
		w.takes(asks, slow)
		if took := time.Since(begun); took < earlyFor || took > 10*earlyFor {
			t.Errorf("it waited %v", took)
		}
		w.disposed(w.dispositions(slow), ledger.Opened)
		w.disposed(w.dispositions(asks), ledger.Late)
	})
}

// TestARequestThatChangesNothingSaysWhy: in the ledger stands what was asked
// and why nothing came of it.
func TestARequestThatChangesNothingSaysWhy(t *testing.T) {
	w := newWorld(t, startEngine(t))
	says := func(got []ledger.Disposition, kind ledger.Kind, why string) {
		t.Helper()
		w.disposed(got, kind)
		if text := strings.Join(got[0].Why, "; "); !strings.Contains(text, why) {
			t.Errorf("why is %q, want %q", text, why)
		}
	}
	late := func(received time.Duration, a alert.Alert) []ledger.Disposition {
		t.Helper()
		d := w.delivery(received, a)
		w.at(received + earlyFor).takes(d)
		return w.dispositions(d)
	}
	says(late(0, asking(alert.Acknowledged)), ledger.Late, "nothing is known of its alert")
	w.disposed(w.send(time.Minute, firing("db-1", kind("log"))), ledger.Kept)
	says(late(2*time.Minute, asking(alert.Noted)), ledger.Kept, "its alert is kept without an event")
	w.disposed(w.send(3*time.Minute, recovered(firing("db-1"))), ledger.Recovered)
	says(late(4*time.Minute, asking(alert.Acknowledged)), ledger.Late, "its alert is over and had no event")
	w.disposed(w.send(5*time.Minute, firing("db-1", episode("2"))), ledger.Opened)
	says(late(6*time.Minute, asking(alert.Unacknowledged)), ledger.Unacknowledged, "the event was triggered already")
	w.disposed(late(7*time.Minute, asking(alert.Acknowledged)), ledger.Acknowledged)
	says(late(8*time.Minute, asking(alert.Acknowledged)), ledger.Acknowledged, "the event was acknowledged already")
}

// TestANoteCutShortIsThereOnce: the router dies between the note and the
// ledger, and the delivery comes again.
func TestANoteCutShortIsThereOnce(t *testing.T) {
	w := newWorld(t, startEngine(t))
	id := w.disposed(w.send(0, firing("db-1")), ledger.Opened)[0]
	d := w.delivery(time.Second, asking(alert.Noted))
	for i := range 3 {
		w.at(time.Duration(10+i) * time.Second)
		d.ID = "d-" + w.integration + "-again"
		r := w.router(nil)
		for _, rep := range r.reports([]*delivery{{Delivery: d, written: map[int]bool{}, settled: map[int]bool{}}}) {
			if err := r.round(t.Context(), w.config, []*report{rep}); err != nil || rep.err != nil {
				t.Fatal(err, rep.err)
			}
		}
	}
	if got := w.notes(id); len(got) != 1 {
		t.Errorf("notes %q, want one", got)
	}
}

// notes are the notes on an event's timeline, with their actors.
func (w *world) notes(id event.ID) (notes []string) {
	w.t.Helper()
	items, err := w.desk().Store.Timeline(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, i := range items {
		if i.What == "event.noted" {
			notes = append(notes, string(i.By)+" "+i.Data["text"])
		}
	}
	return notes
}

func TestBatchIsHandledInTheOrderOfReceiving(t *testing.T) {
	w := newWorld(t, startEngine(t))
	db := firing("db-1")
	fires, ends := w.delivery(0, db), w.delivery(time.Second, recovered(db))
	w.takes(ends, fires)
	w.disposed(w.dispositions(fires), ledger.Opened)
	w.disposed(w.dispositions(ends), ledger.Recovered)
	w.sound()
}

// TestInvariant01EveryAlertOfALargeDeliveryIsKept puts all kinds of alerts
// among a thousand.
func TestInvariant01EveryAlertOfALargeDeliveryIsKept(t *testing.T) {
	w := newWorld(t, startEngine(t))
	w.send(0, firing("n3"), firing("n4"))
	alerts := make([]alert.Alert, 1000)
	want := make([]ledger.Kind, len(alerts))
	for i := range alerts {
		alerts[i], want[i] = firing(fmt.Sprint("n", i)), ledger.Joined
		switch {
		case i == 3:
			want[i] = ledger.Repeated
		case i == 4:
			alerts[i], want[i] = recovered(alerts[i]), ledger.Recovered
		case i%100 == 50:
			alerts[i], want[i] = firing(fmt.Sprint("n", i), kind("noise")), ledger.Discarded
		case i%100 == 60:
			alerts[i], want[i] = firing(fmt.Sprint("n", i), kind("log")), ledger.Kept
		case i%100 == 70:
			alerts[i], want[i] = firing(fmt.Sprint("n", i), kind("apart")), ledger.Opened
		}
	}
	large := w.at(time.Second).delivery(time.Second, alerts...)
	large.Items[0].Alert, large.Items[0].Rejected, want[0] = nil, "status: unknown", ledger.Rejected
	w.takes(large)
	all := w.dispositions(large)
	if got := kinds(all); !slices.Equal(got, want) {
		t.Errorf("disposed as %v, want %v", got, want)
	}
	for i, one := range all {
		if one.Position != i {
			t.Fatalf("position %d stands at %d", one.Position, i)
		}
	}
	if got := w.counted("Disposed"); got != 1001 {
		t.Errorf("counted %d alerts as disposed, want 1001: one was rejected by ingest", got)
	}
	delete(w.alerts, w.idOf(firing("n0"))) // it was rejected
	w.sound()
}

func TestInvariant03ARedeliveryChangesNothing(t *testing.T) {
	w := newWorld(t, startEngine(t))
	d := w.delivery(0, firing("db-1"), firing("db-2"), firing("x", kind("log")))
	w.takes(d)
	before, events := w.states(), w.found()
	first := w.dispositions(d)
	w.at(time.Minute).takes(d)
	w.takes(d, d)
	if got := w.dispositions(d); !slices.EqualFunc(got, first, func(a, b ledger.Disposition) bool { return a.Kind == b.Kind && a.Event == b.Event }) {
		t.Errorf("the ledger changed: %+v, want %+v", got, first)
	}
	for id, st := range w.states() {
		if st.Rev != before[id].Rev {
			t.Errorf("alert %s was written again", id)
		}
	}
	for id, e := range w.found() {
		if e.Rev != events[id].Rev || e.AlertCount != events[id].AlertCount {
			t.Errorf("event %s was written again", id)
		}
	}
	if got := w.counted("Disposed"); got != 3 {
		t.Errorf("counted %d alerts as disposed, want 3", got)
	}
	if got := w.counted("Duplicates"); got != 3 {
		t.Errorf("counted %d duplicates, want 3", got)
	}
}

// TestARepeatIsNotWritten says when a repeat may go unwritten, and when not.
func TestARepeatIsNotWritten(t *testing.T) {
	e := startEngine(t)
	expires := func(d time.Duration) func(*alert.Alert) {
		return func(a *alert.Alert) { a.ExpiresAt = after(d) }
	}
	for _, c := range []struct {
		name    string
		repeat  alert.Alert
		written bool
	}{
		{"same severity, expiry far enough", firing("db-1", expires(4*time.Minute)), false},
		{"expiry moved by a third of its period", firing("db-1", expires(8*time.Minute)), true},
		{"another severity", firing("db-1", severity(alert.Warning), expires(3*time.Minute)), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, e)
			w.send(0, firing("db-1", expires(3*time.Minute)))
			before := w.state(c.repeat).Rev
			w.disposed(w.send(time.Second, c.repeat), ledger.Repeated)
			if written := w.state(c.repeat).Rev != before; written != c.written {
				t.Errorf("written %v, want %v", written, c.written)
			}
		})
	}
}

func TestARaiseStaysInsideTheEvent(t *testing.T) {
	w := newWorld(t, startEngine(t))
	id := w.disposed(w.send(0, firing("db-1")), ledger.Opened)[0]
	w.do(id, event.Acknowledge{})
	w.rules(rule.Rule{Name: "worse", Order: 1, When: rule.Condition{Field: "severity", In: []string{"critical"}}, Outcome: rule.Open, Merge: []string{"title"}})
	w.disposed(w.send(time.Second, firing("db-1", severity(alert.Critical))), ledger.Joined)
	e := w.only()
	if e.State != event.Triggered || e.Priority != alert.P1 || e.Cycle != 2 || e.Opening != 1 {
		t.Errorf("event is %s %s in cycle %d of opening %d, want a raise: triggered P1 in cycle 2 of opening 1", e.State, e.Priority, e.Cycle, e.Opening)
	}
	w.sound()
}

func TestInvariant02AnEditedRuleMakesNoTwin(t *testing.T) {
	w := newWorld(t, startEngine(t))
	opened := w.disposed(w.send(0, firing("db-1"), firing("db-2")), ledger.Opened, ledger.Joined)[0]
	w.rules(rule.Rule{Name: "by-title", Order: 1, Outcome: rule.Open, Merge: []string{"title"}})
	w.disposed(w.send(time.Second, firing("db-1"), firing("db-2")), ledger.Repeated, ledger.Repeated)
	w.disposed(w.send(2*time.Second, recovered(firing("db-1"))), ledger.Recovered)
	if e := w.only(); e.ID != opened {
		t.Errorf("event %s, want %s", e.ID, opened)
	}
	// Another merge key is another slot, for new episodes only.
	moved := w.disposed(w.send(3*time.Second, firing("db-1", episode("2")), firing("db-2")), ledger.Opened, ledger.Repeated)[0]
	if n := len(w.found()); n != 2 || moved == opened {
		t.Errorf("%d events, the new episode in %s; want a second event", n, moved)
	}
	w.sound()
}

// TestARuleOfTheSameIDKeepsItsSlot shows that a slot is scoped by the rule's
// stable id, not by its version or name.
func TestARuleOfTheSameIDKeepsItsSlot(t *testing.T) {
	w := newWorld(t, startEngine(t))
	w.rules(rule.Rule{Name: "first", ID: "r-1", Order: 1, Outcome: rule.Open})
	opened := w.disposed(w.send(0, firing("db-1")), ledger.Opened)[0]
	w.rules(rule.Rule{Name: "renamed", ID: "r-1", Order: 1, Outcome: rule.Open, Priority: alert.P1})
	joined := w.disposed(w.send(time.Second, firing("db-2")), ledger.Joined)[0]
	if joined != opened || w.event(opened).Priority != alert.P1 {
		t.Errorf("joined %s as %s, want %s raised to P1", joined, w.event(joined).Priority, opened)
	}
}

// TestInvariant05OutcomesGatePagingNeverState: what a rule discards or keeps
// opens no event and pages nobody; the state of the alert is as its source
// says, a recovery needs no rule, and an unattached firing is decided at every
// delivery.
func TestInvariant05OutcomesGatePagingNeverState(t *testing.T) {
	e := startEngine(t)
	all := func(o rule.Outcome) rule.Rule { return rule.Rule{Name: "all", Order: 1, Outcome: o} }
	worse := severity(alert.Critical)
	t.Run("a kept firing updates its alert and opens nothing", func(t *testing.T) {
		w := newWorld(t, e)
		log := firing("x", kind("log"))
		w.disposed(w.send(0, log), ledger.Kept)
		w.disposed(w.send(time.Second, firing("x", kind("log"), worse)), ledger.Kept)
		if st := w.state(log); !st.Firing() || st.Alert.Severity != alert.Critical || st.Event != "" || st.Rule != "log" {
			t.Errorf("firing %v as %s in event %q by rule %q", st.Firing(), st.Alert.Severity, st.Event, st.Rule)
		}
		if n := len(w.found()); n != 0 {
			t.Errorf("%d events", n)
		}
	})
	t.Run("what still fires is decided by the rules of its next delivery", func(t *testing.T) {
		for name, quiet := range map[string]ledger.Kind{"log": ledger.Kept, "noise": ledger.Discarded} {
			w := newWorld(t, e)
			a := firing("x", kind(name))
			w.disposed(w.send(0, a), quiet)
			w.rules(all(rule.Open))
			id := w.disposed(w.send(time.Second, a), ledger.Opened)[0]
			if st := w.state(a); st.Event != string(id) || !st.Firing() {
				t.Errorf("%s: attached to %q, firing %v", name, st.Event, st.Firing())
			}
			w.sound()
		}
	})
	for _, outcome := range []rule.Outcome{rule.Keep, rule.Discard} {
		t.Run("an open event under a rule to "+string(outcome), func(t *testing.T) {
			w := newWorld(t, e)
			db := firing("db-1")
			id := w.disposed(w.send(0, db), ledger.Opened)[0]
			w.do(id, event.Acknowledge{})
			w.rules(all(outcome))
			w.disposed(w.send(time.Second, firing("db-1", worse)), ledger.Repeated)
			if st := w.state(db); st.Alert.Severity != alert.Critical || st.Event != string(id) {
				t.Errorf("the alert is %s in event %q, want it worse in the same", st.Alert.Severity, st.Event)
			}
			if e := w.only(); e.State != event.AckedState || e.Priority != alert.P2 || e.Cycle != 1 {
				t.Errorf("event is %s %s in cycle %d, want nobody paged", e.State, e.Priority, e.Cycle)
			}
			w.disposed(w.send(2*time.Second, recovered(db)), ledger.Recovered)
			if e, st := w.only(), w.state(db); e.RecoveredAt.IsZero() || st.Firing() {
				t.Errorf("recovered at %q, firing %v", e.RecoveredAt, st.Firing())
			}
			w.sound()
		})
	}
	t.Run("the recovery of what was kept", func(t *testing.T) {
		w := newWorld(t, e)
		log := firing("x", kind("log"))
		w.disposed(w.send(0, log), ledger.Kept)
		w.rules(all(rule.Discard))
		w.disposed(w.send(time.Second, recovered(log)), ledger.Recovered)
		if st := w.state(log); st.Firing() {
			t.Error("it still fires")
		}
	})
}

func TestInvariant11ARuleThatCannotBeEvaluatedHidesNoAlert(t *testing.T) {
	w := newWorld(t, startEngine(t))
	w.rules(rule.Rule{Name: "broken", Order: 1, When: rule.Condition{Field: "title", Match: "(down"}, Outcome: rule.Discard})
	all := w.send(0, firing("db-1"))
	w.disposed(all, ledger.Opened)
	if said := fmt.Sprint(all[0].Why); all[0].Rule != "catch-all" || !slices.ContainsFunc(all[0].Why, func(s string) bool {
		return len(s) > 0 && s[:min(len(s), 32)] == "rule broken cannot be evaluated:"
	}) {
		t.Errorf("decided by %s because %s; want the catch-all and the error", all[0].Rule, said)
	}
}

// TestAfterAPersonResolved shows that repeats wait for the end of the reopen
// period and then open, while a new firing reopens within it.
func TestAfterAPersonResolved(t *testing.T) {
	e := startEngine(t)
	t.Run("a repeat waits, then opens", func(t *testing.T) {
		w := newWorld(t, e)
		db := firing("db-1")
		first := w.disposed(w.send(0, db), ledger.Opened)[0]
		w.do(first, event.Resolve{})
		w.disposed(w.send(29*time.Minute, db), ledger.Repeated)
		second := w.disposed(w.send(30*time.Minute+time.Second, db), ledger.Opened)[0]
		if second == first || w.event(first).State != event.Resolved {
			t.Errorf("event %s, want another than %s", second, first)
		}
		w.sound()
	})
	t.Run("a new firing reopens", func(t *testing.T) {
		w := newWorld(t, e)
		first := w.disposed(w.send(0, firing("db-1")), ledger.Opened)[0]
		w.do(first, event.Resolve{})
		w.disposed(w.send(time.Minute, firing("db-1", episode("2"))), ledger.Reopened)
		if e := w.only(); e.Opening != 2 || e.Cycle != 2 || e.State != event.Triggered {
			t.Errorf("event is %s in opening %d, cycle %d; want it reopened", e.State, e.Opening, e.Cycle)
		}
		w.sound()
	})
	t.Run("a closed event leaves its slot at once", func(t *testing.T) {
		w := newWorld(t, e)
		first := w.disposed(w.send(0, firing("db-1")), ledger.Opened)[0]
		w.do(first, event.Close{Record: &event.Record{CauseClass: "capacity", Cause: "x", Solution: "y"}})
		second := w.disposed(w.send(time.Second, firing("db-1", episode("2"))), ledger.Opened)[0]
		if first == second {
			t.Error("a closed event was opened again")
		}
		w.sound()
	})
}

// TestReopeningRetakesItsSlot shows that a person cannot reopen an event whose
// slot is another event's by then.
func TestReopeningRetakesItsSlot(t *testing.T) {
	w := newWorld(t, startEngine(t))
	db := firing("db-1")
	first := w.disposed(w.send(0, db), ledger.Opened)[0]
	w.do(first, event.Resolve{})
	second := w.disposed(w.send(31*time.Minute, db), ledger.Opened)[0]
	_, err := w.desk().Do(t.Context(), first, event.Reopen{Because: "not fixed"}, event.ByMember("ann"))
	if taken, ok := asSlot(err); !ok || taken.Holder != second {
		t.Errorf("reopening answered %v, want that the slot is held by %s", err, second)
	}
	w.sound()
}

// TestAnExecutionThatCannotBeStartedStaysPending shows that a throttled start
// never fails the delivery.
func TestAnExecutionThatCannotBeStartedStaysPending(t *testing.T) {
	w := newWorld(t, startEngine(t))
	w.machine.down = true
	id := w.disposed(w.send(0, firing("db-1")), ledger.Opened)[0]
	if e := w.event(id); e.Exec != execution.Pending || e.Due.IsZero() {
		t.Errorf("execution is %s, due %s; want it pending and due", e.Exec, e.Due)
	}
}

// TestAMessageThatCannotBeReadFailsAlone keeps its neighbours.
func TestAMessageThatCannotBeReadFailsAlone(t *testing.T) {
	w := newWorld(t, startEngine(t))
	poison, sound := w.delivery(0, firing("db-1")), w.delivery(0, firing("db-2"))
	poison.Source = ""
	errs := w.handle(w.router(nil), poison, sound)
	if errs[0] == nil || errs[1] != nil {
		t.Errorf("answered %v, want the first alone to fail", errs)
	}
	w.disposed(w.dispositions(sound), ledger.Opened)
}

// TestADeliveryWithoutAlertsIsInTheLedger as any other.
func TestADeliveryWithoutAlertsIsInTheLedger(t *testing.T) {
	w := newWorld(t, startEngine(t))
	w.disposed(w.send(0))
}
