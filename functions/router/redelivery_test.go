package main

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/intake"
	"tocsin/shared/ledger"
	"tocsin/shared/queue"
)

func asSlot(err error) (*event.SlotError, bool) { return errors.AsType[*event.SlotError](err) }

// scenario is a delivery that is handled at one minute past noon, after what
// came before it.
type scenario struct {
	name   string
	before func(w *world)
	alerts []alert.Alert
	want   []ledger.Kind
	events int
}

// joins is the number of alerts that all events have counted. No event has
// counted fewer than joined it.
func (w *world) joins() int {
	w.t.Helper()
	sum := 0
	for id, e := range w.found() {
		members, err := w.desk().Store.Members(w.t.Context(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		if n := len(members[id]); e.AlertCount < n {
			w.t.Errorf("event %s has counted %d alerts of %d", id, e.AlertCount, n)
		}
		sum += e.AlertCount
	}
	return sum
}

func scenarios() []scenario {
	open := func(w *world) { w.send(0, firing("db-1"), firing("db-2")) }
	return []scenario{
		{"opens and joins", nil, []alert.Alert{firing("db-1"), firing("db-2")}, []ledger.Kind{ledger.Opened, ledger.Joined}, 1},
		{"opens two", nil, []alert.Alert{firing("db-1"), firing("web", group("web"))}, []ledger.Kind{ledger.Opened, ledger.Opened}, 2},
		{"joins and raises", open, []alert.Alert{firing("db-3", severity(alert.Critical))}, []ledger.Kind{ledger.Joined}, 1},
		{"raises", open, []alert.Alert{firing("db-1", severity(alert.Critical))}, []ledger.Kind{ledger.Joined}, 1},
		{"recovers one", open, []alert.Alert{recovered(firing("db-1"))}, []ledger.Kind{ledger.Recovered}, 1},
		{"recovers all", open, []alert.Alert{recovered(firing("db-1")), recovered(firing("db-2"))}, []ledger.Kind{ledger.Recovered, ledger.Recovered}, 1},
		{"fires again", func(w *world) { open(w); w.send(0, recovered(firing("db-1")), recovered(firing("db-2"))) },
			[]alert.Alert{firing("db-1")}, []ledger.Kind{ledger.Joined}, 1},
		{"reopens", func(w *world) { open(w); w.do(w.only().ID, event.Resolve{}) },
			[]alert.Alert{firing("db-3"), firing("db-4")}, []ledger.Kind{ledger.Reopened, ledger.Joined}, 1},
		{"leaves its event for a new one", func(w *world) { w.send(0, firing("db-1")) },
			[]alert.Alert{firing("db-1", episode("2"), kind("apart"))}, []ledger.Kind{ledger.Opened}, 2},
		{"leaves its event for another", func(w *world) { w.send(0, firing("db-1"), firing("web", group("web"))) },
			[]alert.Alert{firing("db-1", episode("2"), group("web"))}, []ledger.Kind{ledger.Joined}, 2},
		{"leaves its event and is kept", func(w *world) { w.send(0, firing("db-1")) },
			[]alert.Alert{firing("db-1", episode("2"), kind("log"))}, []ledger.Kind{ledger.Kept}, 1},
		{"is folded", nil, []alert.Alert{firing("db-1"), firing("db-1"), recovered(firing("db-1"))},
			[]ledger.Kind{ledger.Opened, ledger.Repeated, ledger.Recovered}, 1},
	}
}

// TestInvariant03RedeliveryHalfway stops a router at each of its writes in
// each way, and delivers again: what is written in the end is what a router
// writes that nothing happened to.
func TestInvariant03RedeliveryHalfway(t *testing.T) {
	e := startEngine(t)
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			undisturbed := newWorld(t, e)
			if s.before != nil {
				s.before(undisturbed)
			}
			undisturbed.takes(undisturbed.at(time.Minute).delivery(time.Minute, s.alerts...))
			joins := undisturbed.joins()
			for _, how := range []harm{dies, fails, losesOne, losesAgain} {
				for n := 1; s.halfway(t, e, joins, &wire{at: n, harm: how, counts: writes, patient: how == losesAgain}); n++ {
					if t.Failed() {
						return
					}
				}
			}
		})
	}
}

// halfway runs a scenario over a wire and reports whether the harm was done.
// joins is how many alerts all events have counted when nothing happens.
func (s *scenario) halfway(t *testing.T, e *engine, joins int, over *wire) bool {
	t.Helper()
	w := newWorld(t, e)
	if s.before != nil {
		s.before(w)
	}
	counted := w.counted("Disposed")
	d := w.at(time.Minute).delivery(time.Minute, s.alerts...)
	first := w.handle(w.router(over), d)
	w.at(2 * time.Minute)
	if first[0] != nil {
		w.takes(d)
	}
	s.ends(w, d)
	if got := w.joins(); got > joins {
		t.Errorf("events have counted %d alerts, want at most %d", got, joins)
	}
	// The count of a router that died behind its write is lost with it: the
	// alarm on the gap between accepted and disposed allows for it.
	if got := w.counted("Disposed") - counted; got != len(s.alerts) && !(got == 0 && over.reached() && over.harm == dies) {
		t.Errorf("counted %d alerts as disposed, want %d", got, len(s.alerts))
	}
	if t.Failed() {
		t.Logf("a router that %s write %d; it answered %v", over.harm, over.at, first)
	}
	return over.reached()
}

// ends fails the test unless a delivery ended as its scenario says.
func (s *scenario) ends(w *world, d intake.Delivery) {
	w.t.Helper()
	all := w.dispositions(d)
	if got := kinds(all); !slices.Equal(got, s.want) {
		w.t.Errorf("disposed as %v, want %v", got, s.want)
	}
	found := w.found()
	for _, one := range all {
		if _, ok := found[event.ID(one.Event)]; one.Event != "" && !ok {
			w.t.Errorf("position %d ended in event %s, which is not there", one.Position, one.Event)
		}
	}
	if len(found) != s.events {
		w.t.Errorf("%d events, want %d", len(found), s.events)
	}
	w.sound()
}

// TestInvariant03AMessageHandedOverTwiceAtOnce: the second is as new as the
// first, so nobody looks for it in the ledger.
func TestInvariant03AMessageHandedOverTwiceAtOnce(t *testing.T) {
	e := startEngine(t)
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, e)
			if s.before != nil {
				s.before(w)
			}
			counted := w.counted("Disposed")
			d := w.at(time.Minute).delivery(time.Minute, s.alerts...)
			w.takes(d)
			first := w.dispositions(d)
			w.takes(d)
			s.ends(w, d)
			if again := w.dispositions(d); !reflect.DeepEqual(again, first) {
				t.Errorf("the ledger changed: %+v, was %+v", again, first)
			}
			if got := w.counted("Disposed") - counted; got != len(s.alerts) {
				t.Errorf("counted %d alerts as disposed, want %d", got, len(s.alerts))
			}
		})
	}
}

// TestTheLedgerIsReadUnlessADeliveryIsNew: what was tried before, is old or may
// be a sender's repeat is looked for.
func TestTheLedgerIsReadUnlessADeliveryIsNew(t *testing.T) {
	r := &router{now: func() time.Time { return noon }}
	for _, c := range []struct {
		name   string
		tries  int
		age    time.Duration
		sender string
		want   bool
	}{
		{"first try", 1, time.Second, "", true},
		{"second try", 2, time.Second, "", false},
		{"from the dead-letter queue", 1, newFor, "", false},
		{"named by its sender", 1, time.Second, "s-1", false},
	} {
		d := &delivery{Delivery: intake.Delivery{ReceivedAt: noon.Add(-c.age), SenderID: c.sender}}
		if got := r.isNew(queue.Message{Tries: c.tries}, d); got != c.want {
			t.Errorf("%s: new %v, want %v", c.name, got, c.want)
		}
	}
}

// TestTheLedgerIsPutOnce shows that of two routers with one delivery only one
// counts it, and that the answer of the first stays.
func TestTheLedgerIsPutOnce(t *testing.T) {
	w := newWorld(t, startEngine(t))
	d := w.delivery(0, firing("db-1"))
	other := func() { w.takes(d) }
	slow := w.router(&wire{at: 2, harm: meets, between: other})
	if err := w.handle(slow, d)[0]; err != nil {
		t.Fatal(err)
	}
	w.disposed(w.dispositions(d), ledger.Opened)
	if got := w.counted("Disposed"); got != 1 {
		t.Errorf("counted %d alerts as disposed, want 1", got)
	}
	w.only()
	w.sound()
}
