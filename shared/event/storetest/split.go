package storetest

import (
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
)

// stored writes an alert of a name and returns it as read.
func (s *suite) stored(t *testing.T, name string, attached event.ID) alert.State {
	t.Helper()
	st := alertOf(t, name)
	st.Event = string(attached)
	if err := s.alerts.Put(t.Context(), &st); err != nil {
		t.Fatal(err)
	}
	return st
}

func (s *suite) alert(t *testing.T, id alert.ID) alert.State {
	t.Helper()
	found, err := s.alerts.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return found[id]
}

func (s *suite) testAttach(t *testing.T) {
	e, st := s.open(t), s.stored(t, "kept", "")
	op := event.Attach{Alert: st}
	after := s.mustCommit(t, e, op)
	if got := s.alert(t, st.ID); got.Event != string(e.ID) || after.AlertCount != 2 || after.MemberSeq != e.MemberSeq+1 {
		t.Errorf("attached to %q; event %+v", got.Event, after)
	}
	members, err := s.store.Members(t.Context(), e.ID)
	if err != nil || len(members[e.ID]) != 2 {
		t.Errorf("members %v, err %v", members, err)
	}
	if _, err := s.commit(t, after, op); !fault.Is(err, fault.Conflict) {
		t.Errorf("attached an alert that was written meanwhile: %v", err)
	}
	if again := s.read(t, e.ID); again.Rev != after.Rev || again.AlertCount != 2 {
		t.Errorf("the refused one left %+v", again)
	}
}

// divided opens an event with a second alert, and returns that alert.
func (s *suite) divided(t *testing.T) (event.Event, alert.State) {
	t.Helper()
	e := s.open(t)
	st := s.stored(t, "second", e.ID)
	if err := s.store.AddMembers(t.Context(), e.ID, []alert.ID{st.ID}, noon); err != nil {
		t.Fatal(err)
	}
	return e, st
}

func (s *suite) split(t *testing.T, st alert.State) event.Split {
	t.Helper()
	id, err := s.store.NextID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return event.Split{ID: id, Alerts: []alert.State{st}}
}

func (s *suite) testSplit(t *testing.T) {
	e, st := s.divided(t)
	op := s.split(t, st)
	s.mustCommit(t, e, op)
	opened := s.read(t, op.ID)
	if opened.State != event.Triggered || opened.Exec != execution.Pending || opened.AlertCount != 1 || !opened.Due.Equal(noon.Add(90*time.Second)) {
		t.Errorf("opened %+v", opened)
	}
	if got := s.alert(t, st.ID); got.Event != string(op.ID) {
		t.Errorf("the alert is attached to %s", got.Event)
	}
	if !s.anyFiring(t, op.ID) || !s.anyFiring(t, e.ID) {
		t.Error("an alert does not count in its event")
	}
	holders, err := s.store.SlotHolders(t.Context(), t.Name())
	if err != nil || holders[t.Name()].Event != e.ID {
		t.Errorf("the slot is held by %v, err %v", holders, err)
	}
	if items, err := s.store.Timeline(t.Context(), op.ID); err != nil || len(items) != 1 {
		t.Errorf("timeline %+v, err %v", items, err)
	}
}

func (s *suite) testSplitStaleAlert(t *testing.T) {
	e, st := s.divided(t)
	op := s.split(t, st)
	if err := s.alerts.Put(t.Context(), &st); err != nil {
		t.Fatal(err)
	}
	if _, err := s.commit(t, e, op); !fault.Is(err, fault.Conflict) {
		t.Errorf("split off an alert that was written meanwhile: %v", err)
	}
	if _, err := s.store.Get(t.Context(), op.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("the new event is there: %v", err)
	}
}

func (s *suite) testSplitAfterJoin(t *testing.T) {
	e, st := s.divided(t)
	s.join(t, e.ID)
	if _, err := s.commit(t, e, s.split(t, st)); !fault.Is(err, fault.Conflict) {
		t.Errorf("split as it was before a join: %v", err)
	}
}
