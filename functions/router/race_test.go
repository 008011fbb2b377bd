package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/ledger"
	"tocsin/shared/lifecycle"
)

// everywhere runs a router that meets something else before its first call to
// the tables, then before its second, until it makes no more calls.
func everywhere(t *testing.T, run func(w *world, over *wire)) {
	e := startEngine(t)
	for n := 1; ; n++ {
		w := newWorld(t, e)
		over := &wire{at: n, harm: meets, patient: true}
		run(w, over)
		w.sound()
		if t.Failed() {
			t.Fatalf("they met before call %d", n)
		}
		if !over.reached() {
			return
		}
	}
}

// TestInvariant02OneOpenEventPerSlot lets another router take the slot between
// any two calls of the first.
func TestInvariant02OneOpenEventPerSlot(t *testing.T) {
	everywhere(t, func(w *world, over *wire) {
		first, second := w.delivery(0, firing("db-1")), w.delivery(0, firing("db-2"))
		over.between = func() { w.takes(second) }
		if err := w.handle(w.router(over), first)[0]; err != nil {
			t.Fatal(err)
		}
		if !over.reached() {
			w.takes(second)
		}
		a, b := w.dispositions(first)[0], w.dispositions(second)[0]
		if a.Event != b.Event || (a.Kind == ledger.Opened) == (b.Kind == ledger.Opened) {
			t.Errorf("one %s %s, the other %s %s; want one event", a.Kind, a.Event, b.Kind, b.Event)
		}
		w.only()
	})
}

// TestInvariant02TwoRoutersAtOnce lets routers race for many slots, with
// deliveries of their own and with the same one.
func TestInvariant02TwoRoutersAtOnce(t *testing.T) {
	e := startEngine(t)
	const rounds, routers = 12, 4
	for range rounds {
		w := newWorld(t, e)
		shared := w.delivery(0, firing("db-0"), firing("db-1"))
		var all sync.WaitGroup
		for i := range routers {
			own := w.delivery(0, firing(fmt.Sprint("db-", i)), firing(fmt.Sprint("web-", i), group("web")))
			all.Go(func() {
				r := w.router(nil)
				for _, err := range w.handle(r, own, shared) {
					if err != nil && !fault.Is(err, fault.Unavailable) {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if n := len(w.found()); n != 2 {
			t.Errorf("%d events, want one for each of two slots", n)
		}
		w.sound()
	}
}

// TestAJoinRacesResolveByRecovery resolves an event whose alerts are recovered
// for long enough between any two calls of a router that brings it a firing.
func TestAJoinRacesResolveByRecovery(t *testing.T) {
	everywhere(t, func(w *world, over *wire) {
		id := w.disposed(w.send(0, firing("db-1")), ledger.Opened)[0]
		w.send(time.Second, recovered(firing("db-1")))
		w.at(10 * time.Minute)
		over.between = func() {
			if _, err := w.lifecycle().Life(id).Evaluate(t.Context(), lifecycle.AnyGeneration); err != nil {
				t.Error(err)
			}
		}
		d := w.delivery(10*time.Minute, firing("db-2"))
		if err := w.handle(w.router(over), d)[0]; err != nil {
			t.Fatal(err)
		}
		if e := w.only(); e.ID != id || !e.State.Open() {
			t.Errorf("event %s is %s while an alert fires", e.ID, e.State)
		}
	})
}

// TestAResolveByRecoveryRacesAJoin brings a firing between any two calls of
// the engine that resolves.
func TestAResolveByRecoveryRacesAJoin(t *testing.T) {
	everywhere(t, func(w *world, over *wire) {
		id := w.disposed(w.send(0, firing("db-1")), ledger.Opened)[0]
		w.send(time.Second, recovered(firing("db-1")))
		w.at(10 * time.Minute)
		d := w.delivery(10*time.Minute, firing("db-2"))
		over.between = func() { w.takes(d) }
		resolver := w.lifecycle()
		resolver.Desk = w.router(over).desk
		if _, err := resolver.Life(id).Evaluate(t.Context(), lifecycle.AnyGeneration); err != nil {
			t.Fatal(err)
		}
		if !over.reached() {
			return
		}
		if e := w.only(); e.ID != id || !e.State.Open() {
			t.Errorf("event %s is %s while an alert fires", e.ID, e.State)
		}
	})
}

// TestAJoinRacesAPersonsResolve resolves an event by hand between any two
// calls of a router that brings it a new firing: it is reopened or was joined
// before, and the firing is never forgotten.
func TestAJoinRacesAPersonsResolve(t *testing.T) {
	everywhere(t, func(w *world, over *wire) {
		id := w.disposed(w.send(0, firing("db-1")), ledger.Opened)[0]
		w.at(time.Minute)
		over.between = func() { w.do(id, event.Resolve{}) }
		d := w.delivery(time.Minute, firing("db-2"))
		if err := w.handle(w.router(over), d)[0]; err != nil {
			t.Fatal(err)
		}
		e, disposed := w.only(), w.dispositions(d)[0].Kind
		switch {
		case e.State.Open() && (disposed == ledger.Joined) == (e.Opening == 1):
		case e.State == event.Resolved && disposed == ledger.Joined:
		default:
			t.Errorf("event is %s in opening %d after the alert %s it", e.State, e.Opening, disposed)
		}
	})
}

// TestARecoveryRacesAFiring handles the recovery of the last alert while
// another alert joins.
func TestARecoveryRacesAFiring(t *testing.T) {
	everywhere(t, func(w *world, over *wire) {
		w.send(0, firing("db-1"))
		w.at(time.Minute)
		joins := w.delivery(time.Minute, firing("db-2"))
		over.between = func() { w.takes(joins) }
		if err := w.handle(w.router(over), w.delivery(time.Minute, recovered(firing("db-1"))))[0]; err != nil {
			t.Fatal(err)
		}
	})
}

// TestAnAcknowledgementIsNeverBlockedByAStorm acknowledges while routers join.
func TestAnAcknowledgementIsNeverBlockedByAStorm(t *testing.T) {
	w := newWorld(t, startEngine(t))
	id := w.disposed(w.send(0, firing("db-1")), ledger.Opened)[0]
	var storm sync.WaitGroup
	for i := range 4 {
		d := w.delivery(time.Second, firing(fmt.Sprint("a", i)), firing(fmt.Sprint("b", i)), firing(fmt.Sprint("c", i)))
		storm.Go(func() {
			if err := w.handle(w.router(nil), d)[0]; err != nil {
				t.Error(err)
			}
		})
	}
	w.do(id, event.Acknowledge{})
	storm.Wait()
	if e := w.only(); e.State != event.AckedState || e.Owner != "ann" || e.AlertCount != 13 {
		t.Errorf("event is %s by %q with %d alerts", e.State, e.Owner, e.AlertCount)
	}
	w.sound()
}
