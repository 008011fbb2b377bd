// Package storetest holds what every engine under an [incident.Store] and the
// [incident.Desk] over it must do.
package storetest

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/outbox"
)

// TestStoreSuite runs the suite on an empty table that has the index "list".
func TestStoreSuite(t *testing.T, table ddb.Table) {
	s := &suite{table: table, store: &incident.Store{Table: table, Outbox: &outbox.Store{Table: table}}}
	t.Run("what is opened is read back", s.testOpen)
	t.Run("an event opens one incident", s.testOnce)
	t.Run("an event opens one incident however many try at once", s.testConcurrently)
	t.Run("an attempt that ended after it took a number is completed", s.testNumberTaken)
	t.Run("an incident whose execution did not start is started by a retry", s.testNotStarted)
	t.Run("an event that another incident holds is refused", s.testHeld)
	t.Run("an incident that is absent is not found", s.testAbsent)
	t.Run("commit writes incident, timeline and messages", s.testCommit)
	t.Run("commit refuses an incident that was written meanwhile", s.testConflict)
	t.Run("operations at once all happen", s.testAtOnce)
	t.Run("park stores the token", s.testPark)
	t.Run("park refuses after a wake", s.testParkAfterWake)
	t.Run("park refuses another generation", s.testParkGeneration)
	t.Run("an update between evaluation and park does not refuse it", s.testParkAfterUpdate)
	t.Run("a change wakes the wait that was parked", s.testWake)
	t.Run("a new generation begins anew", s.testGeneration)
	t.Run("the start of an execution never undoes what came after", s.testMark)
	t.Run("a deadline moves only while nothing is written", s.testSetDue)
	t.Run("lists are newest first, in pages", s.testList)
}

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// suite is one table that all parts share: each uses events of its own.
type suite struct {
	table ddb.Table
	store *incident.Store
	mu    sync.Mutex
	last  int64
}

// machine records what it is told.
type machine struct {
	mu      sync.Mutex
	started []string
	woken   []string
	broken  bool
}

func (m *machine) Start(_ context.Context, name string, input []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return errors.New("throttled")
	}
	m.started = append(m.started, name+" "+string(input))
	return nil
}

func (m *machine) Wake(_ context.Context, token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.woken = append(m.woken, token)
	return nil
}

type post struct{ sent []outbox.Message }

func (p *post) Send(_ context.Context, messages []outbox.Message) error {
	p.sent = append(p.sent, messages...)
	return nil
}

func (s *suite) desk() (*incident.Desk, *machine, *post) {
	m, p := &machine{}, &post{}
	return &incident.Desk{
		Store: s.store, Machine: m, Post: p, Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler),
	}, m, p
}

// event returns an event that no other part of the suite uses.
func (s *suite) event() event.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	return event.Event{
		ID: event.IDOf(s.last), Title: "Disk full", Priority: alert.P1, Service: "shop", PromotedBy: event.ByMember("ann"),
	}
}

// open opens an incident at noon and returns it as stored.
func (s *suite) open(t *testing.T) incident.Incident {
	t.Helper()
	return s.openAt(t, noon)
}

func (s *suite) openAt(t *testing.T, at time.Time) incident.Incident {
	t.Helper()
	d, _, _ := s.desk()
	id, err := d.OpenFor(t.Context(), s.event(), at)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s.get(t, incident.ID(id))
}

func (s *suite) get(t *testing.T, id incident.ID) incident.Incident {
	t.Helper()
	i, err := s.store.Get(t.Context(), id)
	if err != nil {
		t.Fatalf("get %s: %v", id, err)
	}
	return i
}

// apply commits op to i as it is given.
func (s *suite) apply(t *testing.T, i incident.Incident, op incident.Op) (incident.Incident, error) {
	t.Helper()
	c, err := incident.Apply(i, op, event.ByMember("ann"), noon.Add(time.Minute))
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return s.store.Commit(t.Context(), c)
}

func (s *suite) must(t *testing.T, i incident.Incident, op incident.Op) incident.Incident {
	t.Helper()
	after, err := s.apply(t, i, op)
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	return after
}

// holders returns which of all listed incidents hold an event.
func (s *suite) holders(t *testing.T, id event.ID) []incident.ID {
	t.Helper()
	var holders []incident.ID
	for _, open := range []bool{true, false} {
		for cursor := ""; ; {
			found, next, err := s.store.List(t.Context(), open, 100, cursor)
			if err != nil {
				t.Fatalf("list: %v", err)
			}
			for _, i := range found {
				if i.Holds(id) {
					holders = append(holders, i.ID)
				}
			}
			if cursor = next; next == "" {
				break
			}
		}
	}
	return holders
}

func (s *suite) testOpen(t *testing.T) {
	d, m, _ := s.desk()
	e := s.event()
	id, err := d.OpenFor(t.Context(), e, noon)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	got := s.get(t, incident.ID(id))
	want := incident.Opened(incident.ID(id), e, noon)
	want.Rev, want.WakeSeq, want.Exec, want.Due = 2, 1, execution.Started, noon.Add(30*time.Second)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if started := []string{id + `-g1 {"v": 1, "incident_id": "` + id + `", "generation": 1}`}; !slices.Equal(m.started, started) {
		t.Errorf("started %q, want %q", m.started, started)
	}
	items, err := s.store.Timeline(t.Context(), got.ID)
	opened := []event.Item{{At: noon, By: "member:ann", What: "incident.opened", Data: map[string]string{"event": string(e.ID), "severity": "SEV1"}}}
	if err != nil || !reflect.DeepEqual(items, opened) {
		t.Errorf("timeline %+v, err %v", items, err)
	}
	if of, err := s.store.Of(t.Context(), e.ID); err != nil || of != got.ID {
		t.Errorf("incident of %s is %q, err %v", e.ID, of, err)
	}
}

func (s *suite) testOnce(t *testing.T) {
	d, m, _ := s.desk()
	e := s.event()
	first, err := d.OpenFor(t.Context(), e, noon)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	second, err := d.OpenFor(t.Context(), e, noon.Add(time.Minute))
	if err != nil || second != first {
		t.Errorf("opened %s, then %s, err %v", first, second, err)
	}
	if len(m.started) != 1 {
		t.Errorf("started %q", m.started)
	}
	if items, err := s.store.Timeline(t.Context(), incident.ID(first)); err != nil || len(items) != 1 {
		t.Errorf("timeline %+v, err %v", items, err)
	}
}

func (s *suite) testConcurrently(t *testing.T) {
	d, m, _ := s.desk()
	e := s.event()
	const n = 8
	ids, errs := make([]string, n), make([]error, n)
	var all sync.WaitGroup
	for k := range n {
		all.Go(func() { ids[k], errs[k] = d.OpenFor(t.Context(), e, noon) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("open: %v", err)
	}
	slices.Sort(ids)
	if once := slices.Compact(ids); len(once) != 1 {
		t.Errorf("opened %v", once)
	}
	if holders := s.holders(t, e.ID); len(holders) != 1 {
		t.Errorf("%s is held by %v", e.ID, holders)
	}
	slices.Sort(m.started)
	if once := slices.Compact(m.started); len(once) != 1 {
		t.Errorf("started %q", once)
	}
}

func (s *suite) testNumberTaken(t *testing.T) {
	d, _, _ := s.desk()
	taken, err := s.store.NextID(t.Context())
	if err != nil {
		t.Fatalf("number: %v", err)
	}
	e := s.event()
	id, err := d.OpenFor(t.Context(), e, noon)
	if err != nil || incident.ID(id) == taken {
		t.Errorf("opened %q, err %v; %s is taken", id, err, taken)
	}
	if _, err := s.store.Get(t.Context(), taken); !fault.Is(err, fault.NotFound) {
		t.Errorf("%s: err %v, want a gap", taken, err)
	}
	if holders := s.holders(t, e.ID); !slices.Equal(holders, []incident.ID{incident.ID(id)}) {
		t.Errorf("%s is held by %v", e.ID, holders)
	}
}

func (s *suite) testNotStarted(t *testing.T) {
	d, m, _ := s.desk()
	e := s.event()
	m.broken = true
	first, err := d.OpenFor(t.Context(), e, noon)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if i := s.get(t, incident.ID(first)); i.Exec != execution.Pending || !i.Due.Equal(noon.Add(30*time.Second)) {
		t.Errorf("execution %s, due %v", i.Exec, i.Due)
	}
	m.broken = false
	second, err := d.OpenFor(t.Context(), e, noon)
	if err != nil || second != first || len(m.started) != 1 {
		t.Errorf("opened %s, then %s, err %v; started %q", first, second, err, m.started)
	}
	if i := s.get(t, incident.ID(first)); i.Exec != execution.Started {
		t.Errorf("execution %s", i.Exec)
	}
}

func (s *suite) testHeld(t *testing.T) {
	first, second := s.open(t), s.open(t)
	_, err := s.apply(t, second, incident.AddEvent{Event: first.Events[0]})
	held, ok := errors.AsType[*incident.HeldError](err)
	if want := (incident.HeldError{Event: first.Events[0], Holder: first.ID}); !ok || *held != want {
		t.Errorf("err %v, want %v", err, &want)
	}
	if got := s.get(t, second.ID); !reflect.DeepEqual(got, second) {
		t.Errorf("changed to %+v", got)
	}
	free := s.event()
	s.must(t, second, incident.AddEvent{Event: free.ID})
	d, _, _ := s.desk()
	if id, err := d.OpenFor(t.Context(), free, noon); err != nil || incident.ID(id) != second.ID {
		t.Errorf("event added to %s opens %q, err %v", second.ID, id, err)
	}
}

func (s *suite) testAbsent(t *testing.T) {
	if _, err := s.store.Get(t.Context(), "I-999999"); !fault.Is(err, fault.NotFound) {
		t.Errorf("err %v", err)
	}
	if of, err := s.store.Of(t.Context(), "E-999999"); err != nil || of != "" {
		t.Errorf("incident %q, err %v", of, err)
	}
	found, err := s.store.GetMany(t.Context(), "I-999999")
	if err != nil || len(found) != 0 {
		t.Errorf("found %v, err %v", found, err)
	}
}

func (s *suite) testCommit(t *testing.T) {
	i := s.open(t)
	key := i.UpdateKey()
	key.Member, key.Contact = "ann", "mail"
	message := outbox.New(key, "email", noon)
	c, err := incident.Apply(i, incident.RemindUpdate{Messages: []outbox.Message{message}, Who: "Ann"}, event.Self, i.UpdateDueAt)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	d, m, p := s.desk()
	after, err := d.Commit(t.Context(), c)
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	if got := s.get(t, i.ID); !reflect.DeepEqual(got, after) || got.UpdateReminders != 1 {
		t.Errorf("got  %+v\nwant %+v", got, after)
	}
	stored, err := s.store.Outbox.OfEvent(t.Context(), string(i.ID))
	if err != nil || len(stored) != 1 || stored[0].Key != key || len(p.sent) != 1 || len(m.woken) != 0 {
		t.Errorf("stored %+v, err %v; sent %d, woken %d", stored, err, len(p.sent), len(m.woken))
	}
	items, err := s.store.Timeline(t.Context(), i.ID)
	if err != nil || len(items) != 2 || items[1].What != "incident.update_asked" {
		t.Errorf("timeline %+v, err %v", items, err)
	}
}

func (s *suite) testConflict(t *testing.T) {
	i := s.open(t)
	after := s.must(t, i, incident.Mitigate{})
	if _, err := s.apply(t, i, incident.Update{Text: "still down"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("err %v, want a conflict", err)
	}
	if got := s.get(t, i.ID); !reflect.DeepEqual(got, after) {
		t.Errorf("got  %+v\nwant %+v", got, after)
	}
	if items, err := s.store.Timeline(t.Context(), i.ID); err != nil || len(items) != 2 {
		t.Errorf("timeline %+v, err %v", items, err)
	}
}

func (s *suite) testAtOnce(t *testing.T) {
	i := s.open(t)
	d, _, _ := s.desk()
	const n = 5
	errs := make([]error, n)
	var all sync.WaitGroup
	for k := range n {
		all.Go(func() { _, errs[k] = d.Do(t.Context(), i.ID, incident.AddAction{Text: "look"}, event.ByMember("ann")) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("do: %v", err)
	}
	if got := s.get(t, i.ID); len(got.Actions) != n || got.Actions[n-1].Number != n {
		t.Errorf("actions %+v", got.Actions)
	}
}

func (s *suite) park(t *testing.T, i incident.Incident, token string) bool {
	t.Helper()
	parked, err := s.store.Executions().Park(t.Context(), string(i.ID), i.Execution, token, noon.Add(time.Hour))
	if err != nil {
		t.Fatalf("park: %v", err)
	}
	return parked
}

func (s *suite) testPark(t *testing.T) {
	i := s.open(t)
	if !s.park(t, i, "token-1") {
		t.Fatal("park refused")
	}
	want := i
	want.Token, want.Exec, want.Wakes, want.Due = "token-1", execution.Running, 1, noon.Add(time.Hour)
	want.Rev++
	if got := s.get(t, i.ID); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	due, err := s.table.Due(t.Context(), incident.DueKind, clock.Format(noon.Add(time.Hour)), 100)
	named := slices.ContainsFunc(due, func(item ddb.Item) bool { return strings.HasSuffix(ddb.Text(item, ddb.PK), "#"+string(i.ID)) })
	if err != nil || !named {
		t.Errorf("due %v, err %v", due, err)
	}
}

func (s *suite) testParkAfterWake(t *testing.T) {
	i := s.open(t)
	after := s.must(t, i, incident.Mitigate{})
	if s.park(t, i, "token-late") {
		t.Error("parked on what is over")
	}
	if got := s.get(t, i.ID); !reflect.DeepEqual(got, after) {
		t.Errorf("got  %+v\nwant %+v", got, after)
	}
}

func (s *suite) testParkGeneration(t *testing.T) {
	i := s.open(t)
	s.must(t, i, incident.NextGeneration{Because: "test"})
	i.WakeSeq++ // as if only the generation told them apart
	if s.park(t, i, "token-old") {
		t.Error("parked for an old generation")
	}
}

func (s *suite) testParkAfterUpdate(t *testing.T) {
	i := s.open(t)
	s.must(t, i, incident.Update{Text: "still down"})
	if !s.park(t, i, "token-1") {
		t.Error("park refused")
	}
}

func (s *suite) testWake(t *testing.T) {
	i := s.open(t)
	s.park(t, i, "token-1")
	d, m, _ := s.desk()
	if _, err := d.Do(t.Context(), i.ID, incident.Update{Text: "still down"}, event.ByMember("ann")); err != nil || len(m.woken) != 0 {
		t.Errorf("update: err %v, woken %q", err, m.woken)
	}
	after, err := d.Do(t.Context(), i.ID, incident.Mitigate{}, event.ByMember("ann"))
	if err != nil || !slices.Equal(m.woken, []string{"token-1"}) {
		t.Errorf("mitigate: err %v, woken %q", err, m.woken)
	}
	if want := noon.Add(30 * time.Second); !after.Due.Equal(want) {
		t.Errorf("due %v, want %v", after.Due, want)
	}
}

func (s *suite) testGeneration(t *testing.T) {
	i := s.open(t)
	s.park(t, i, "token-1")
	d, m, _ := s.desk()
	if _, err := d.Do(t.Context(), i.ID, incident.NextGeneration{Because: "died", Failed: true}, event.Self); err != nil {
		t.Fatalf("do: %v", err)
	}
	got := s.get(t, i.ID)
	if got.Generation != 2 || got.Token != "" || got.Wakes != 0 || got.Failures != 1 || got.Exec != execution.Started || len(m.woken) != 0 {
		t.Errorf("got %+v, woken %q", got, m.woken)
	}
	if want := string(i.ID) + `-g2 {"v": 1, "incident_id": "` + string(i.ID) + `", "generation": 2}`; !slices.Equal(m.started, []string{want}) {
		t.Errorf("started %q", m.started)
	}
	s.park(t, got, "token-2")
	if got := s.get(t, i.ID); got.Failures != 0 {
		t.Errorf("%d failures after a wait was reached", got.Failures)
	}
}

func (s *suite) testMark(t *testing.T) {
	i := s.open(t)
	s.park(t, i, "token-1")
	for _, c := range []struct {
		name       string
		generation int
		exec, want execution.Phase
	}{
		{"started, of a running one", 1, execution.Started, execution.Running},
		{"dead, of another generation", 2, execution.Dead, execution.Running},
		{"dead", 1, execution.Dead, execution.Dead},
	} {
		if err := s.store.Executions().Mark(t.Context(), string(i.ID), c.generation, c.exec, noon); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := s.get(t, i.ID); got.Exec != c.want {
			t.Errorf("%s: execution %s, want %s", c.name, got.Exec, c.want)
		}
	}
}

func (s *suite) testSetDue(t *testing.T) {
	i := s.open(t)
	later := noon.Add(2 * time.Hour)
	if err := s.store.Executions().SetDue(t.Context(), string(i.ID), i.Execution, later); err != nil {
		t.Fatalf("set: %v", err)
	}
	if got := s.get(t, i.ID); !got.Due.Equal(later) || got.Rev != i.Rev {
		t.Errorf("due %v, rev %d", got.Due, got.Rev)
	}
	after := s.must(t, s.get(t, i.ID), incident.Mitigate{})
	if err := s.store.Executions().SetDue(t.Context(), string(i.ID), i.Execution, time.Time{}); err != nil {
		t.Errorf("set on what was written meanwhile: %v", err)
	}
	if got := s.get(t, i.ID); !got.Due.Equal(after.Due) {
		t.Errorf("due %v, want %v", got.Due, after.Due)
	}
	if err := s.store.Executions().SetDue(t.Context(), string(i.ID), after.Execution, time.Time{}); err != nil {
		t.Fatalf("remove: %v", err)
	}
	if got := s.get(t, i.ID); !got.Due.IsZero() {
		t.Errorf("due %v, want never", got.Due)
	}
}

func (s *suite) testList(t *testing.T) {
	var want []incident.ID
	for n := range 5 { // after all others
		i := s.openAt(t, noon.Add(time.Duration(n+1)*time.Hour))
		want = append([]incident.ID{i.ID}, want...)
	}
	ended := s.must(t, s.get(t, want[1]), incident.Cancel{Reason: "a drill"})
	want = slices.Delete(want, 1, 2)
	first, next, err := s.store.List(t.Context(), true, 3, "")
	if err != nil || next == "" {
		t.Fatalf("list: next %q, err %v", next, err)
	}
	second, _, err := s.store.List(t.Context(), true, 1, next)
	if err != nil {
		t.Fatalf("list on: %v", err)
	}
	var got []incident.ID
	for _, i := range append(first, second...) {
		got = append(got, i.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	over, next, err := s.store.List(t.Context(), false, 10, "")
	if err != nil || next != "" || len(over) != 1 || over[0].ID != ended.ID {
		t.Errorf("over %v, next %q, err %v", over, next, err)
	}
	if _, _, err := s.store.List(t.Context(), true, 10, "x"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a cursor of nobody: err %v", err)
	}
}
