package main

import (
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/ledger"
)

// TestAFiringIsNotFoldedUnderALateOne gives a batch in which a firing that was
// received after the recovery stands behind one from before it.
func TestAFiringIsNotFoldedUnderALateOne(t *testing.T) {
	w := newWorld(t, startEngine(t))
	db := firing("db-1")
	w.send(0, db)
	w.send(2*time.Second, recovered(db))
	late, fires := w.delivery(time.Second, db), w.delivery(3*time.Second, db)
	w.takes(late, fires)
	w.disposed(w.dispositions(late), ledger.Late)
	w.disposed(w.dispositions(fires), ledger.Joined)
	if st := w.state(db); !st.Firing() {
		t.Errorf("the alert is %s", st.Alert.Status)
	}
	w.sound()
}

// TestARedeliveredJoinOfWhatRecoveredPagesNobody delivers a join again whose
// alert recovered meanwhile: its ledger part is missing, as if the router had
// died before it.
func TestARedeliveredJoinOfWhatRecoveredPagesNobody(t *testing.T) {
	for _, resolved := range []bool{false, true} {
		w := newWorld(t, startEngine(t))
		w.send(0, firing("db-1"))
		joins := w.delivery(time.Second, firing("db-2"))
		// The third item that a join puts, after alert and timeline, is the ledger's.
		w.handle(w.router(&wire{at: 3, harm: fails, counts: func(operation string) bool { return operation == "PutItem" }}), joins)
		w.send(2*time.Second, recovered(firing("db-1")), recovered(firing("db-2")))
		e := w.only()
		if e.RecoveredAt.IsZero() {
			t.Fatal("the event is not recovered")
		}
		if resolved {
			w.do(e.ID, event.ResolveByRecovery{})
		}
		w.takes(joins)
		after := w.only()
		if after.RecoveredAt.IsZero() || after.Cycle != e.Cycle || after.Opening != e.Opening {
			t.Errorf("resolved %v: cycle %d, opening %d, recovered %s", resolved, after.Cycle, after.Opening, after.RecoveredAt)
		}
		w.sound()
	}
}

// TestASeverityChangeOfAMergedAlertCounts merges an event and lets an alert of
// it change: it still keeps the survivor open.
func TestASeverityChangeOfAMergedAlertCounts(t *testing.T) {
	w := newWorld(t, startEngine(t))
	ids := w.disposed(w.send(0, firing("a", group("a")), firing("b", group("b"))), ledger.Opened, ledger.Opened)
	w.do(ids[0], event.Merge{Into: ids[1], IntoOpening: 1})
	w.send(time.Second, firing("a", group("a"), severity(alert.Critical)))
	w.send(2*time.Second, recovered(firing("b", group("b"))))
	if e := w.event(ids[1]); !e.RecoveredAt.IsZero() {
		t.Error("the survivor is recovered while an alert that it took in fires")
	}
	writes := w.state(firing("a", group("a"))).Rev
	w.disposed(w.send(3*time.Second, firing("a", group("a"), severity(alert.Critical))), ledger.Repeated)
	if rev := w.state(firing("a", group("a"))).Rev; rev != writes {
		t.Error("a repeat of a merged event's alert is written")
	}
}
