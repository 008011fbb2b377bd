package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/ddb"
	"tocsin/shared/decide"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/intake"
	"tocsin/shared/ledger"
	"tocsin/shared/lifecycle"
	"tocsin/shared/outbox"
	"tocsin/shared/plan"
	"tocsin/shared/queue"
	"tocsin/shared/rule"
	"tocsin/shared/telemetry"
	"tocsin/tests/dynamo"
)

var noon = time.Date(2026, 3, 11, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return noon.Add(d) }

// engine is two tables on DynamoDB Local, shared by the worlds of a test.
type engine struct {
	events, journal ddb.Table
	worlds          atomic.Int64
}

func startEngine(t testing.TB) *engine {
	t.Helper()
	return &engine{events: dynamo.Start(t), journal: dynamo.Start(t)}
}

// world is one integration with its alerts, and routers that take its
// deliveries. Worlds on one engine share nothing but the numbers of events.
type world struct {
	*engine
	t           testing.TB
	integration string
	clock       atomic.Int64 // nanoseconds after noon
	config      decide.Config
	first       int64 // number of the last event before this world
	metrics     lockedBuffer
	machine     machine
	deliveries  int

	mu     sync.Mutex
	alerts map[alert.ID]bool // of all deliveries
}

func newWorld(t testing.TB, e *engine) *world {
	w := &world{engine: e, t: t, integration: fmt.Sprintf("i%d", e.worlds.Add(1)), alerts: map[alert.ID]bool{}}
	w.rules()
	w.first = w.numbers()
	return w
}

func (w *world) now() time.Time { return after(time.Duration(w.clock.Load())) }

// at moves the clock to d after noon.
func (w *world) at(d time.Duration) *world {
	w.clock.Store(int64(d))
	return w
}

// rules puts more rules before the usual ones: kinds of alerts that are
// discarded, kept, or never merged; all others are merged by group.
func (w *world) rules(more ...rule.Rule) {
	kind := func(is string) rule.Condition { return rule.Condition{Field: "labels.kind", Equals: &is} }
	set, _ := rule.Compile(append(more,
		rule.Rule{Name: "noise", Order: 11, When: kind("noise"), Outcome: rule.Discard},
		rule.Rule{Name: "log", Order: 12, When: kind("log"), Outcome: rule.Keep},
		rule.Rule{Name: "apart", Order: 13, When: kind("apart"), Outcome: rule.Open, Merge: []string{"integration", "dedup_key"}},
	))
	w.config = decide.Config{
		Version: w.config.Version + 1, Rules: set, DefaultPlan: "standard",
		Services: map[string]catalog.Service{"default": {Name: "default", Team: "platform"}},
	}
}

// router returns a process of its own that reaches the tables over a wire; nil
// for a sound one.
func (w *world) router(over *wire) *router {
	events, journal := over.to(w.events), over.to(w.journal)
	log := slog.New(slog.DiscardHandler)
	alerts := &alert.Store{Table: events}
	return &router{
		fetch: func(_ context.Context, message string) (intake.Delivery, error) {
			d, _, err := intake.Decode([]byte(message))
			return d, err
		},
		config: func(context.Context) (decide.Config, error) { return w.config, nil },
		alerts: alerts,
		desk: &event.Desk{
			Store:   &event.Store{Table: events, Alerts: alerts, Outbox: &outbox.Store{Table: journal}},
			Machine: &w.machine, Post: post{}, Now: w.now, Log: log,
		},
		ledger:  &ledger.Store{Table: journal},
		changes: &change.Store{Table: events},
		metrics: telemetry.NewMetrics(&w.metrics, func(string) (string, bool) { return "", false }),
		log:     log,
		now:     w.now,
	}
}

// desk is where people act on events.
func (w *world) desk() *event.Desk { return w.router(nil).desk }

// lifecycle is the engine that drives events, as state machine and sweeper do.
func (w *world) lifecycle() *lifecycle.Engine {
	desk := w.desk()
	return &lifecycle.Engine{
		Desk: desk, Outbox: desk.Store.Outbox, People: lifecycle.People{Config: people{}, Contacts: people{}}, Log: desk.Log, Now: w.now,
	}
}

// people have one plan and no contacts.
type people struct{}

func (people) Plan(context.Context, int, string) (plan.Plan, error) {
	return plan.Plan{LastResort: []plan.Target{{Member: "administrator"}}}, nil
}

func (people) Members(context.Context, plan.Target) ([]catalog.Member, error) { return nil, nil }

func (people) List(context.Context, string) ([]catalog.Contact, error) { return nil, nil }

// delivery returns a delivery that ingest accepted at d after noon.
func (w *world) delivery(d time.Duration, alerts ...alert.Alert) intake.Delivery {
	w.deliveries++
	items := make([]intake.Item, len(alerts))
	for i := range alerts {
		items[i].Alert = &alerts[i]
		w.mu.Lock()
		w.alerts[w.idOf(alerts[i])] = true
		w.mu.Unlock()
	}
	return intake.Delivery{
		ID: fmt.Sprintf("d-%s-%d", w.integration, w.deliveries), Integration: w.integration, Source: "prometheus",
		ReceivedAt: after(d), BodyHash: "00", Text: "raw", Items: items,
	}
}

func (w *world) idOf(a alert.Alert) alert.ID { return alert.IDOf(w.integration, a.DedupKey) }

// handle gives a batch to a router and returns what it answers for each.
func (w *world) handle(r *router, batch ...intake.Delivery) []error {
	messages := make([]queue.Message, len(batch))
	for i, d := range batch {
		body, err := intake.Encode(d)
		if err != nil {
			w.t.Fatal(err)
		}
		messages[i].Body = string(body)
	}
	results := r.handle(context.Background(), messages)
	r.metrics.Flush(context.Background())
	return results
}

// takes lets a sound router dispose of deliveries in one batch.
func (w *world) takes(batch ...intake.Delivery) {
	w.t.Helper()
	for i, err := range w.handle(w.router(nil), batch...) {
		if err != nil {
			w.t.Fatalf("delivery %d of the batch: %v", i, err)
		}
	}
}

// send lets a sound router dispose of alerts accepted at d after noon.
func (w *world) send(d time.Duration, alerts ...alert.Alert) []ledger.Disposition {
	w.t.Helper()
	w.at(d)
	sent := w.delivery(d, alerts...)
	w.takes(sent)
	return w.dispositions(sent)
}

func (w *world) dispositions(d intake.Delivery) []ledger.Disposition {
	w.t.Helper()
	parts, err := w.router(nil).ledger.Get(context.Background(), d.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []ledger.Disposition
	for _, p := range parts {
		all = append(all, p.Dispositions...)
	}
	return all
}

func kinds(all []ledger.Disposition) []ledger.Kind {
	var k []ledger.Kind
	for _, one := range all {
		k = append(k, one.Kind)
	}
	return k
}

// disposed fails the test unless alerts ended so, and returns their events.
func (w *world) disposed(all []ledger.Disposition, want ...ledger.Kind) []event.ID {
	w.t.Helper()
	if got := kinds(all); !slices.Equal(got, want) {
		w.t.Fatalf("disposed as %v, want %v", got, want)
	}
	ids := make([]event.ID, len(all))
	for i, one := range all {
		ids[i] = event.ID(one.Event)
	}
	return ids
}

// states reads the world's alerts.
func (w *world) states() map[alert.ID]alert.State {
	w.t.Helper()
	w.mu.Lock()
	ids := slices.Sorted(maps.Keys(w.alerts))
	w.mu.Unlock()
	found, err := w.router(nil).alerts.Get(context.Background(), ids...)
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// state reads one alert.
func (w *world) state(a alert.Alert) alert.State { return w.states()[w.idOf(a)] }

// numbers is the number of the newest event on the engine.
func (w *world) numbers() int64 {
	w.t.Helper()
	counter, err := w.engine.events.Get(context.Background(), "COUNTER#event", "COUNTER")
	if err != nil {
		w.t.Fatal(err)
	}
	return ddb.Number(counter, "number")
}

// found reads the world's events, by id.
func (w *world) found() map[event.ID]event.Event {
	w.t.Helper()
	var ids []event.ID
	for n := range w.numbers() - w.first {
		ids = append(ids, event.IDOf(w.first+n+1))
	}
	all, err := w.desk().Store.GetMany(context.Background(), ids...)
	if err != nil {
		w.t.Fatal(err)
	}
	maps.DeleteFunc(all, func(_ event.ID, e event.Event) bool { return e.Integration != w.integration })
	return all
}

func (w *world) event(id event.ID) event.Event {
	w.t.Helper()
	e, err := w.desk().Store.Get(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// only fails the test unless the world has one event, and returns it.
func (w *world) only() event.Event {
	w.t.Helper()
	all := w.found()
	if len(all) != 1 {
		w.t.Fatalf("%d events, want one: %v", len(all), slices.Sorted(maps.Keys(all)))
	}
	for _, e := range all {
		return e
	}
	return event.Event{}
}

// do lets a person do something.
func (w *world) do(id event.ID, op event.Op) {
	w.t.Helper()
	if _, err := w.desk().Do(context.Background(), id, op, event.ByMember("ann")); err != nil {
		w.t.Fatal(err)
	}
}

// sound fails the test unless everything written agrees: a slot has one open
// event, an alert belongs where its attachment says, an event knows whether
// its alerts fire, and its execution was started or will be.
func (w *world) sound() {
	w.t.Helper()
	all, firing := w.found(), map[event.ID]int{}
	slots := map[string]event.ID{}
	for id, e := range all {
		if other, taken := slots[e.Slot]; taken && e.State.Open() {
			w.t.Errorf("events %s and %s are open in one slot", id, other)
		}
		if e.State.Open() {
			slots[e.Slot] = id
		}
		if e.State.Open() && e.Exec == execution.Pending && e.Due.IsZero() && !w.machine.started(e.ExecutionName()) {
			w.t.Errorf("nobody will start the execution of event %s", id)
		}
	}
	members := map[event.ID]map[event.ID][]alert.ID{}
	for id := range all {
		var err error
		if members[id], err = w.desk().Store.Members(context.Background(), id); err != nil {
			w.t.Fatal(err)
		}
	}
	for id, st := range w.states() {
		e, ok := all[event.ID(st.Event)]
		switch {
		case st.Event == "":
		case !ok:
			w.t.Errorf("alert %s is attached to event %s, which is not there", id, st.Event)
		case !slices.Contains(members[e.ID][e.ID], id):
			w.t.Errorf("alert %s is attached to event %s, which does not know it", id, e.ID)
		case st.Firing():
			firing[e.ID]++
			w.fires(id, st, e)
		}
	}
	for id, e := range all {
		if n := firing[id]; e.State.Open() && (n > 0) != e.RecoveredAt.IsZero() {
			w.t.Errorf("event %s has %d firing alerts and is recovered since %q", id, n, e.RecoveredAt)
		}
	}
}

func (w *world) fires(id alert.ID, st alert.State, e event.Event) {
	w.t.Helper()
	if !e.State.Open() && !e.ByPerson() {
		w.t.Errorf("alert %s fires on event %s, which is %s by %s", id, e.ID, e.State, e.ResolvedBy)
	}
	if p := st.Alert.Priority; e.State.Open() && p.Higher(e.Priority) {
		w.t.Errorf("alert %s is %s, its event %s only %s", id, p, e.ID, e.Priority)
	}
}

// counted sums a count that the routers wrote, without dimensions.
func (w *world) counted(name string) int {
	sum := 0
	for line := range bytes.Lines(w.metrics.bytes()) {
		var object map[string]any
		if err := json.Unmarshal(line, &object); err != nil {
			w.t.Fatal(err)
		}
		if n, ok := object[name].(float64); ok {
			sum += int(n)
		}
	}
	return sum
}

// lockedBuffer takes the metrics of routers that run at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.b.Bytes())
}

// machine notes which executions were started.
type machine struct {
	mu    sync.Mutex
	names map[string]int
	down  bool
}

func (m *machine) Start(_ context.Context, name string, _ []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return fault.New(fault.Unavailable, "throttled")
	}
	if m.names == nil {
		m.names = map[string]int{}
	}
	m.names[name]++
	return nil
}

func (*machine) Wake(context.Context, string) error { return nil }

func (m *machine) started(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.names[name] > 0
}

type post struct{}

func (post) Send(context.Context, []outbox.Message) error { return nil }

// to returns a table that is reached over the wire. Without patience a call
// that fails is not tried again.
func (w *wire) to(t ddb.Table) ddb.Table {
	if w == nil {
		return t
	}
	return ddb.Table{Name: t.Name, Client: dynamodb.New(t.Options(), func(o *dynamodb.Options) {
		o.HTTPClient = w
		o.Retryer = aws.NopRetryer{}
		if w.patient {
			o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) { s.MaxBackoff = time.Millisecond })
		}
	})}
}

// alerts of the tests: all of one group unless they say otherwise.
func firing(key string, changes ...func(*alert.Alert)) alert.Alert {
	a := alert.Alert{
		Source: "prometheus", DedupKey: "key:" + key, Status: alert.Firing, Severity: alert.Error, Episode: "1",
		Title: key + " is down", Group: "db", Labels: map[string]string{}, Links: []alert.Link{},
	}
	for _, change := range changes {
		change(&a)
	}
	return a
}

func recovered(a alert.Alert) alert.Alert {
	a.Status = alert.Resolved
	return a
}

func episode(name string) func(*alert.Alert) { return func(a *alert.Alert) { a.Episode = name } }

func severity(s alert.Severity) func(*alert.Alert) { return func(a *alert.Alert) { a.Severity = s } }

func group(name string) func(*alert.Alert) { return func(a *alert.Alert) { a.Group = name } }

// kind is what the rules of the world look at.
func kind(name string) func(*alert.Alert) {
	return func(a *alert.Alert) { a.Labels = map[string]string{"kind": name} }
}
