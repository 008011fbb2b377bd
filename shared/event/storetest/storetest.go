// Package storetest holds what every engine under an [event.Store], with its
// [alert.Store] and [outbox.Store], must do.
package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/shared/alert"
	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/outbox"
)

// TestStoreSuite runs the suite on a table with the indexes of deadlines and
// lists. Its parts use events of their own.
func TestStoreSuite(t *testing.T, table ddb.Table) {
	alerts, messages := &alert.Store{Table: table}, &outbox.Store{Table: table}
	s := &suite{table: table, alerts: alerts, outbox: messages, store: &event.Store{Table: table, Alerts: alerts, Outbox: messages}}
	t.Run("numbers rise", s.testNumbers)
	t.Run("an opening writes event, slot, attachment and membership", s.testOpen)
	t.Run("of many openings of one slot one wins", s.testSlotRace)
	t.Run("an opening is refused when its alert was written meanwhile", s.testOpenStaleAlert)
	t.Run("a slot is replaced on condition of its old event", s.testReplaceSlot)
	t.Run("a commit is refused after another", s.testConflict)
	t.Run("of many commits at once one wins", s.testCommitRace)
	t.Run("a join refuses a resolution by recovery", s.testJoinRefusesResolution)
	t.Run("a join is counted once", s.testJoinOnce)
	t.Run("a recount adds what was not counted", s.testRecount)
	t.Run("a join is refused by an event that is not open", s.testJoinClosed)
	t.Run("a join is refused while all are recovered", s.testJoinRecovered)
	t.Run("only attached members count as firing", s.testFiring)
	t.Run("members of merged events count", s.testMerged)
	t.Run("a merge is refused by a survivor that is not open", s.testMergeIntoEnded)
	t.Run("two events merge in one direction only", s.testMergeBothWays)
	t.Run("a merge refuses the survivor's resolution by recovery", s.testMergeRefusesResolution)
	t.Run("an alert is attached as it was read", s.testAttach)
	t.Run("a split moves alerts into an event of their own", s.testSplit)
	t.Run("a split is refused when one of its alerts was written meanwhile", s.testSplitStaleAlert)
	t.Run("a split is refused after a join", s.testSplitAfterJoin)
	t.Run("parking is refused after a wake", s.testParkAfterWake)
	t.Run("parking is refused by another generation", s.testParkGeneration)
	t.Run("parking survives joins", s.testParkAndJoin)
	t.Run("the deadline of an event is found once it has come", s.testDue)
	t.Run("a message is written with its change, once", s.testMessages)
	t.Run("a message is claimed once", s.testClaimRace)
	t.Run("an alert is written as it was read", s.testAlertConflict)
	t.Run("lists are newest first, in pages", s.testList)
	t.Run("events are found by what they are", s.testFind)
	t.Run("a rare event is found behind many others", s.testFindRare)
	t.Run("a timeline is read in pages, newest first", s.testTimelinePages)
	t.Run("what is absent is not found", s.testAbsent)
	t.Run("what an earlier release stored is read", s.testEarlierRelease)
}

type suite struct {
	table  ddb.Table
	store  *event.Store
	alerts *alert.Store
	outbox *outbox.Store
}

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// alertOf returns an alert as it was never stored.
func alertOf(t *testing.T, name string) alert.State {
	st := alert.State{ID: alert.IDOf(t.Name(), name), Integration: "it"}
	return st.Take(alert.Alert{Status: alert.Firing, DedupKey: name, Title: name}, noon)
}

// opening returns the opening of a new event in a slot, by a new alert.
func (s *suite) opening(t *testing.T, slot, alertName string, over event.Hold) event.Opening {
	t.Helper()
	id, err := s.store.NextID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	st := alertOf(t, alertName)
	st.Event = string(id)
	e := event.Event{
		ID: id, State: event.Triggered, Title: alertName, Priority: alert.P2, Slot: slot,
		Execution: execution.First(noon), Cycle: 1, Opening: 1, OpenedAt: noon, TriggeredAt: noon,
	}
	return event.Opening{Event: e, Alert: &st, Over: over, At: noon, Timeline: []event.Item{{At: noon, By: event.Self, What: "event.opened"}}}
}

// open opens an event in a slot of its own and reads it back.
func (s *suite) open(t *testing.T) event.Event {
	t.Helper()
	o := s.opening(t, t.Name(), "first", event.Hold{})
	if err := s.store.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return s.read(t, o.Event.ID)
}

func (s *suite) read(t *testing.T, id event.ID) event.Event {
	t.Helper()
	e, err := s.store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (s *suite) commit(t *testing.T, e event.Event, op event.Op) (event.Event, error) {
	t.Helper()
	change, err := event.Apply(e, op, event.ByMember("ann"), noon.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return s.store.Commit(t.Context(), change)
}

func (s *suite) mustCommit(t *testing.T, e event.Event, op event.Op) event.Event {
	t.Helper()
	if _, err := s.commit(t, e, op); err != nil {
		t.Fatal(err)
	}
	return s.read(t, e.ID)
}

func (s *suite) testNumbers(t *testing.T) {
	a, err := s.store.NextID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.store.NextID(t.Context())
	if err != nil || a == b {
		t.Errorf("%s, then %s, err %v", a, b, err)
	}
}

func (s *suite) testOpen(t *testing.T) {
	e := s.open(t)
	if e.Rev != 1 || e.WakeSeq != 1 || e.Exec != execution.Pending || e.AlertCount != 1 || !e.Due.Equal(noon.Add(30*time.Second)) {
		t.Errorf("opened %+v", e)
	}
	holders, err := s.store.SlotHolders(t.Context(), t.Name())
	if err != nil || holders[t.Name()] != (event.Hold{Event: e.ID, Opening: 1}) {
		t.Errorf("slot held by %v, err %v", holders, err)
	}
	st, err := s.alerts.Get(t.Context(), alertOf(t, "first").ID)
	if err != nil || len(st) != 1 || st[alertOf(t, "first").ID].Event != string(e.ID) {
		t.Errorf("alert %+v, err %v", st, err)
	}
	members, err := s.store.Members(t.Context(), e.ID)
	if err != nil || len(members[e.ID]) != 1 {
		t.Errorf("members %v, err %v", members, err)
	}
	items, err := s.store.Timeline(t.Context(), e.ID)
	if err != nil || len(items) != 1 || items[0].What != "event.opened" {
		t.Errorf("timeline %+v, err %v", items, err)
	}
}

// atOnce runs f n times at once and returns how often it succeeded; every
// other outcome must be expected.
func atOnce(t *testing.T, n int, f func(i int) error, expected func(error) bool) int {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	won := 0
	for i := range n {
		wg.Go(func() {
			err := f(i)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case !expected(err):
				t.Errorf("try %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	return won
}

func (s *suite) testSlotRace(t *testing.T) {
	const n = 8
	openings := make([]event.Opening, n)
	for i := range n {
		openings[i] = s.opening(t, t.Name(), fmt.Sprint("alert ", i), event.Hold{})
	}
	won := atOnce(t, n, func(i int) error { return s.store.Open(t.Context(), openings[i]) }, func(err error) bool {
		_, taken := errors.AsType[*event.SlotError](err)
		return taken || fault.KindOf(err).Retryable()
	})
	if won != 1 {
		t.Errorf("%d events opened in one slot", won)
	}
}

func (s *suite) testOpenStaleAlert(t *testing.T) {
	o := s.opening(t, t.Name(), "first", event.Hold{})
	stored := *o.Alert
	if err := s.alerts.Put(t.Context(), &stored); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Open(t.Context(), o); !fault.Is(err, fault.Conflict) {
		t.Errorf("opened with a stale alert: %v", err)
	}
	if _, err := s.store.Get(t.Context(), o.Event.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("the event is there: %v", err)
	}
}

func (s *suite) testReplaceSlot(t *testing.T) {
	old := s.open(t)
	err := s.store.Open(t.Context(), s.opening(t, t.Name(), "second", event.Hold{Event: "E-999999", Opening: 1}))
	if taken, ok := errors.AsType[*event.SlotError](err); !ok || taken.Holder != old.ID {
		t.Errorf("over another event than the holder: %v", err)
	}
	err = s.store.Open(t.Context(), s.opening(t, t.Name(), "second", event.Hold{Event: old.ID, Opening: 2}))
	if _, ok := errors.AsType[*event.SlotError](err); !ok {
		t.Errorf("over another opening of the holder: %v", err)
	}
	if err := s.store.Open(t.Context(), s.opening(t, t.Name(), "second", event.Hold{Event: old.ID, Opening: 1})); err != nil {
		t.Errorf("over the holder: %v", err)
	}
}

func (s *suite) testConflict(t *testing.T) {
	e := s.open(t)
	s.mustCommit(t, e, event.Acknowledge{})
	if _, err := s.commit(t, e, event.Resolve{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("committed over another's change: %v", err)
	}
}

func (s *suite) testCommitRace(t *testing.T) {
	e := s.open(t)
	won := atOnce(t, 8, func(int) error {
		change, err := event.Apply(e, event.Acknowledge{}, event.ByMember("ann"), noon)
		if err != nil {
			return err
		}
		_, err = s.store.Commit(t.Context(), change)
		return err
	}, func(err error) bool { return fault.Is(err, fault.Conflict) || fault.KindOf(err).Retryable() })
	if won != 1 {
		t.Errorf("%d of one revision committed", won)
	}
}

func (s *suite) join(t *testing.T, id event.ID) bool {
	t.Helper()
	ok, err := s.store.Joined(t.Context(), id, 2, event.Item{At: noon.Add(time.Second), By: event.Self, What: "event.alerts_joined"}, "d-1")
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func (s *suite) testJoinRefusesResolution(t *testing.T) {
	e := s.mustCommit(t, s.open(t), event.Acknowledge{})
	if !s.join(t, e.ID) {
		t.Fatal("the join was refused")
	}
	if _, err := s.commit(t, e, event.Recover{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("recovered although an alert joined: %v", err)
	}
	if after := s.read(t, e.ID); after.AlertCount != 3 || after.Rev != e.Rev {
		t.Errorf("after the join: %d alerts, revision %d; want 3, %d: a join delays no person", after.AlertCount, after.Rev, e.Rev)
	}
	if _, err := s.commit(t, e, event.Note{Text: "x"}); err != nil {
		t.Errorf("a join refused a note: %v", err)
	}
}

func (s *suite) testJoinOnce(t *testing.T) {
	e := s.open(t)
	for range 2 {
		if !s.join(t, e.ID) {
			t.Error("refused")
		}
	}
	if after := s.read(t, e.ID); after.AlertCount != 3 || after.MemberSeq != e.MemberSeq+1 {
		t.Errorf("%d alerts, sequence %d; want 3 and one step", after.AlertCount, after.MemberSeq)
	}
	s.mustCommit(t, s.read(t, e.ID), event.Resolve{})
	if s.join(t, e.ID) {
		t.Error("joined a resolved event by the key of an earlier join")
	}
}

func (s *suite) testRecount(t *testing.T) {
	e := s.open(t)
	if err := s.store.AddMembers(t.Context(), e.ID, []alert.ID{"a-1", "a-2", "a-3"}, noon); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.store.Recount(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
	}
	if after := s.read(t, e.ID); after.AlertCount != 4 || after.Rev != e.Rev {
		t.Errorf("%d alerts at revision %d, want 4 at %d", after.AlertCount, after.Rev, e.Rev)
	}
	s.join(t, e.ID)
	if err := s.store.Recount(t.Context(), e.ID); err != nil {
		t.Fatal(err)
	}
	if after := s.read(t, e.ID); after.AlertCount != 6 {
		t.Errorf("a recount lowered it to %d, want 6", after.AlertCount)
	}
}

func (s *suite) testJoinClosed(t *testing.T) {
	e := s.mustCommit(t, s.open(t), event.Resolve{})
	if s.join(t, e.ID) {
		t.Error("joined a resolved event")
	}
}

func (s *suite) testJoinRecovered(t *testing.T) {
	e := s.mustCommit(t, s.open(t), event.Recover{})
	if s.join(t, e.ID) {
		t.Error("joined without starting the clock again")
	}
	s.mustCommit(t, e, event.Refire{})
	if !s.join(t, e.ID) {
		t.Error("refused after it fires again")
	}
}

func (s *suite) anyFiring(t *testing.T, id event.ID) bool {
	t.Helper()
	firing, err := s.store.AnyFiring(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return firing
}

func (s *suite) testFiring(t *testing.T) {
	e := s.open(t)
	if !s.anyFiring(t, e.ID) {
		t.Error("the alert that opened it does not count")
	}
	id := alertOf(t, "first").ID
	found, err := s.alerts.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	st := found[id]
	st.Event = "E-999999"
	if err := s.alerts.Put(t.Context(), &st); err != nil {
		t.Fatal(err)
	}
	if s.anyFiring(t, e.ID) {
		t.Error("an alert that is another event's counts")
	}
	if err := s.store.AddMembers(t.Context(), e.ID, []alert.ID{"a-never-stored"}, noon); err != nil {
		t.Fatal(err)
	}
	if s.anyFiring(t, e.ID) {
		t.Error("a membership without an attachment counts")
	}
}

func (s *suite) testMerged(t *testing.T) {
	a := s.opening(t, t.Name()+"a", "a", event.Hold{})
	b := s.opening(t, t.Name()+"b", "b", event.Hold{})
	for _, o := range []event.Opening{a, b} {
		if err := s.store.Open(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	s.mustCommit(t, s.read(t, a.Event.ID), event.Merge{Into: b.Event.ID, IntoOpening: 1})
	members, err := s.store.Members(t.Context(), b.Event.ID)
	if err != nil || len(members[a.Event.ID]) != 1 || len(members[b.Event.ID]) != 1 {
		t.Errorf("members %v, err %v", members, err)
	}
	st := *b.Alert
	st.Alert.Status = alert.Resolved
	if err := s.alerts.Put(t.Context(), &st); err != nil {
		t.Fatal(err)
	}
	if !s.anyFiring(t, b.Event.ID) {
		t.Error("the merged event's alert does not count")
	}
}

// two opens two events in slots of their own.
func (s *suite) two(t *testing.T) (a, b event.Event) {
	t.Helper()
	for i, e := range []*event.Event{&a, &b} {
		o := s.opening(t, fmt.Sprint(t.Name(), i), fmt.Sprint("alert ", i), event.Hold{})
		if err := s.store.Open(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		*e = s.read(t, o.Event.ID)
	}
	return a, b
}

func (s *suite) testMergeIntoEnded(t *testing.T) {
	a, b := s.two(t)
	s.mustCommit(t, b, event.Resolve{})
	if _, err := s.commit(t, a, event.Merge{Into: b.ID, IntoOpening: 1}); !fault.Is(err, fault.Conflict) {
		t.Errorf("merged into a resolved event: %v", err)
	}
}

func (s *suite) testMergeBothWays(t *testing.T) {
	a, b := s.two(t)
	s.mustCommit(t, a, event.Merge{Into: b.ID, IntoOpening: 1})
	if _, err := s.commit(t, b, event.Merge{Into: a.ID, IntoOpening: 1}); !fault.Is(err, fault.Conflict) {
		t.Errorf("merged into each other: %v", err)
	}
}

func (s *suite) testMergeRefusesResolution(t *testing.T) {
	a, b := s.two(t)
	b = s.mustCommit(t, b, event.Recover{})
	s.mustCommit(t, a, event.Merge{Into: b.ID, IntoOpening: 1})
	if _, err := s.commit(t, b, event.ResolveByRecovery{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("resolved although it had taken in another: %v", err)
	}
}

func (s *suite) park(t *testing.T, e event.Event, token string) bool {
	t.Helper()
	parked, err := s.store.Executions().Park(t.Context(), string(e.ID), e.Execution, token, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return parked
}

func (s *suite) testParkAfterWake(t *testing.T) {
	e := s.open(t)
	s.mustCommit(t, e, event.Acknowledge{})
	if s.park(t, e, "token") {
		t.Error("parked on what was evaluated before the acknowledgement")
	}
}

func (s *suite) testParkGeneration(t *testing.T) {
	e := s.open(t)
	next := s.mustCommit(t, e, event.NextGeneration{})
	next.Generation = e.Generation
	if s.park(t, next, "token") {
		t.Error("parked an execution that was replaced")
	}
}

func (s *suite) testParkAndJoin(t *testing.T) {
	e := s.open(t)
	s.join(t, e.ID)
	if !s.park(t, e, "token") {
		t.Fatal("a join refused the parking")
	}
	after := s.read(t, e.ID)
	if after.Token != "token" || after.Exec != execution.Running || after.Wakes != 1 || !after.Due.Equal(noon.Add(time.Hour)) || after.Rev != e.Rev+1 {
		t.Errorf("parked %+v", after)
	}
}

func (s *suite) testDue(t *testing.T) {
	e := s.open(t)
	due := func(at time.Time) bool {
		items, err := s.table.Due(t.Context(), event.DueKind, clock.Format(at), 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			if ddb.Text(item, ddb.PK) == "EVENT#"+string(e.ID) {
				return true
			}
		}
		return false
	}
	if due(noon.Add(29 * time.Second)) {
		t.Error("due too early")
	}
	if !due(noon.Add(30 * time.Second)) {
		t.Error("not due")
	}
	if err := s.store.Executions().SetDue(t.Context(), string(e.ID), e.Execution, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if due(noon.Add(time.Hour)) {
		t.Error("due after its entry was removed")
	}
}

func (s *suite) testMessages(t *testing.T) {
	e := s.open(t)
	m := outbox.New(outbox.Key{Event: string(e.ID), Cycle: 1, Reason: outbox.Page, Member: "ann", Contact: "mail"}, "email", noon)
	e = s.mustCommit(t, e, event.Paged{Messages: []outbox.Message{m}, Who: "Ann"})
	got, err := s.outbox.OfEvent(t.Context(), string(e.ID))
	if err != nil || len(got) != 1 || got[0].ID() != m.ID() || got[0].State != outbox.Pending {
		t.Fatalf("messages %+v, err %v", got, err)
	}
	if _, err := s.commit(t, e, event.Paged{Messages: []outbox.Message{m}, Who: "Ann"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same page was written twice: %v", err)
	}
	if added, err := s.outbox.Add(t.Context(), m); err != nil || added {
		t.Errorf("added %v, err %v", added, err)
	}
}

func (s *suite) testClaimRace(t *testing.T) {
	m := outbox.New(outbox.Key{Event: "E-900001", Cycle: 1, Reason: outbox.Page, Member: t.Name()}, "email", noon)
	if _, err := s.outbox.Add(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	stored, err := s.outbox.Get(t.Context(), m.Event, m.ID())
	if err != nil {
		t.Fatal(err)
	}
	won := atOnce(t, 8, func(int) error {
		mine := stored
		mine.Claim(noon, time.Minute)
		return s.outbox.Put(t.Context(), &mine)
	}, func(err error) bool { return fault.Is(err, fault.Conflict) })
	if won != 1 {
		t.Errorf("%d claimed one message", won)
	}
}

func (s *suite) testAlertConflict(t *testing.T) {
	st := alertOf(t, "x")
	if err := s.alerts.Put(t.Context(), &st); err != nil || st.Rev != 1 {
		t.Fatalf("revision %d, err %v", st.Rev, err)
	}
	stale := st
	if err := s.alerts.Put(t.Context(), &st); err != nil {
		t.Fatal(err)
	}
	if err := s.alerts.Put(t.Context(), &stale); !fault.Is(err, fault.Conflict) {
		t.Errorf("a stale write passed: %v", err)
	}
	fresh := alertOf(t, "x")
	if err := s.alerts.Put(t.Context(), &fresh); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second creation passed: %v", err)
	}
}

func (s *suite) testList(t *testing.T) {
	var opened []event.ID
	for i := range 3 {
		o := s.opening(t, fmt.Sprint(t.Name(), i), fmt.Sprint("alert ", i), event.Hold{})
		o.Event.OpenedAt = noon.AddDate(1, 0, i)
		if err := s.store.Open(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		opened = append(opened, o.Event.ID)
	}
	first, cursor, err := s.store.Find(t.Context(), event.Filter{}, 2, "")
	if err != nil || len(first) != 2 || first[0].ID != opened[2] || first[1].ID != opened[1] || cursor == "" {
		t.Fatalf("first page %v, cursor %q, err %v", first, cursor, err)
	}
	second, _, err := s.store.Find(t.Context(), event.Filter{}, 1, cursor)
	if err != nil || len(second) != 1 || second[0].ID != opened[0] {
		t.Errorf("second page %v, err %v", second, err)
	}
	if _, _, err := s.store.Find(t.Context(), event.Filter{}, 1, "nonsense"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a cursor that no list returned: %v", err)
	}
}

// testEarlierRelease reads an item as the first release wrote it.
func (s *suite) testEarlierRelease(t *testing.T) {
	item := ddb.Key("EVENT#E-777777", "EVENT")
	item["body"] = ddb.B([]byte(`{"id":"E-777777","state":"snoozed","title":"Disk full","priority":"P1","service":"shop","config_version":1,` +
		`"plan":"standard","generation":2,"cycle":1,"opening":1,"progress":{"round":0,"step":0},"opened_at":"2026-03-14T11:00:00Z",` +
		`"triggered_at":"2026-03-14T12:00:00Z","snoozed_until":"2026-03-14T13:00:00Z","snoozed_by":"member:ann","generation_at":"2026-03-14T11:30:00Z"}`))
	for name, n := range map[string]int{"rev": 7, "generation": 2, "wake_seq": 5, "member_seq": 1, "alert_count": 3, "wakes": 4, "failures": 1} {
		item[name] = ddb.N(n)
	}
	for name, text := range map[string]string{
		"state": "snoozed", "exec": "running", "token": "t", "last_alert_at": clock.Format(noon), "list_pk": "event#open",
		"due_shard": ddb.Shard("event", "E-777777"), "due_at": clock.Format(noon.Add(time.Hour)),
	} {
		item[name] = ddb.S(text)
	}
	if _, err := s.table.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.table.Name, Item: item}); err != nil {
		t.Fatal(err)
	}
	e := s.read(t, "E-777777")
	want := execution.Execution{
		Generation: 2, GenerationAt: noon.Add(-30 * time.Minute), Rev: 7, WakeSeq: 5, Exec: execution.Running,
		Wakes: 4, Failures: 1, Token: "t", Due: noon.Add(time.Hour),
	}
	if e.Execution != want || e.State != event.Snoozed || e.AlertCount != 3 || !e.SnoozedSince().Equal(noon) {
		t.Errorf("read %+v, snoozed since %s\nwant %+v", e.Execution, e.SnoozedSince(), want)
	}
	s.mustCommit(t, e, event.Awake{})
}

func (s *suite) testAbsent(t *testing.T) {
	if _, err := s.store.Get(t.Context(), "E-888888"); !fault.Is(err, fault.NotFound) {
		t.Errorf("event: %v", err)
	}
	if _, err := s.outbox.Get(t.Context(), "E-888888", "x"); !fault.Is(err, fault.NotFound) {
		t.Errorf("message: %v", err)
	}
	if found, err := s.alerts.Get(t.Context(), "a-none"); err != nil || len(found) != 0 {
		t.Errorf("alerts %v, err %v", found, err)
	}
	if holders, err := s.store.SlotHolders(t.Context(), "none"); err != nil || len(holders) != 0 {
		t.Errorf("slots %v, err %v", holders, err)
	}
}
