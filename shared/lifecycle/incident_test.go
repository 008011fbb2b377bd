package lifecycle_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/lifecycle"
	"tocsin/shared/outbox"
	"tocsin/shared/plan"
	"tocsin/tests/dynamo"
)

const week = 7 * 24 * time.Hour

// opened returns the incident that ann made of E-1 at noon, after ops.
func opened(t *testing.T, ops ...incident.Op) incident.Incident {
	t.Helper()
	i := incident.Opened("I-7", event.Event{ID: "E-1", Priority: alert.P1, PromotedBy: event.ByMember("ann")}, noon)
	for _, op := range ops {
		c, err := incident.Apply(i, op, event.ByMember("ann"), noon)
		if err != nil {
			t.Fatalf("%T: %v", op, err)
		}
		i = c.Incident
	}
	return i
}

func TestNextIncident(t *testing.T) {
	const day = 24 * time.Hour
	learned := &incident.Findings{Summary: "x", RootCause: "y"}
	resolved := []incident.Op{incident.Resolve{}}
	due := func(d time.Duration) incident.Op { return incident.AddAction{Text: "x", Due: after(d)} }
	grown := func(i *incident.Incident) { i.Wakes = 800 }
	until := func(do lifecycle.Do, d time.Duration) lifecycle.Step {
		return lifecycle.Step{Do: do, Until: after(d)}
	}
	for _, c := range []struct {
		name   string
		ops    []incident.Op
		change func(*incident.Incident)
		at     time.Duration
		want   lifecycle.Step
	}{
		{"open: an update is due in an hour", nil, nil, 0, until(lifecycle.AwaitMitigation, time.Hour)},
		{"open: the update is due", nil, nil, time.Hour, lifecycle.Step{Do: lifecycle.RemindUpdate}},
		{"open: the update was asked for", nil, func(i *incident.Incident) { i.UpdateAskedAt = after(time.Hour) }, time.Hour, until(lifecycle.AwaitMitigation, 2*time.Hour)},
		{"mitigated: an update is due in an hour", []incident.Op{incident.Mitigate{}}, nil, 0, until(lifecycle.AwaitResolution, time.Hour)},
		{"mitigated: the update is due", []incident.Op{incident.Mitigate{}}, nil, 2 * time.Hour, lifecycle.Step{Do: lifecycle.RemindUpdate}},
		{"open: an action item is due before the update", []incident.Op{due(time.Minute)}, nil, 0, until(lifecycle.AwaitMitigation, time.Minute)},
		{"in review: a wait is bounded", resolved, nil, time.Hour, until(lifecycle.AwaitReview, time.Hour+week)},
		{"in review: an action item is due", []incident.Op{due(day), incident.Resolve{}}, nil, 0, until(lifecycle.AwaitReview, day)},
		{"in review: an action item is overdue", []incident.Op{due(day), incident.Resolve{}}, nil, day, lifecycle.Step{Do: lifecycle.RemindActions}},
		{"in review: the overdue one was done", []incident.Op{due(day), incident.CompleteAction{Number: 1}, incident.Resolve{}}, nil, day, until(lifecycle.AwaitReview, day+week)},
		{"closed", []incident.Op{incident.Resolve{}, incident.Close{Review: learned}}, nil, 0, lifecycle.Step{Do: lifecycle.End}},
		{"closed with an action item", []incident.Op{due(day), incident.Resolve{}, incident.Close{Review: learned}}, nil, 0, until(lifecycle.AwaitReview, day)},
		{"cancelled with an action item", []incident.Op{due(day), incident.Cancel{Reason: "a drill"}}, nil, 2 * day, lifecycle.Step{Do: lifecycle.End}},
		{"800 wakes hand over", nil, grown, 0, lifecycle.Step{Do: lifecycle.StartNext}},
		{"300 days hand over", resolved, nil, 300 * day, lifecycle.Step{Do: lifecycle.StartNext}},
		{"what is due comes before handing over", nil, grown, time.Hour, lifecycle.Step{Do: lifecycle.RemindUpdate}},
		{"what is over hands nothing over", []incident.Op{incident.Cancel{Reason: "a drill"}}, grown, 0, lifecycle.Step{Do: lifecycle.End}},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := opened(t, c.ops...)
			if c.change != nil {
				c.change(&i)
			}
			if got := lifecycle.NextIncident(i, after(c.at)); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestIncidentWordsAreTheMachines compares the words with the choices of the
// state machine.
func TestIncidentWordsAreTheMachines(t *testing.T) {
	text, err := os.ReadFile("../../statemachines/incident-lifecycle.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	var machine struct {
		States map[string]struct {
			Choices []struct{ StringEquals string }
		}
	}
	if err := json.Unmarshal(text, &machine); err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, c := range machine.States["WhatNext"].Choices {
		words = append(words, c.StringEquals)
	}
	want := []string{
		string(lifecycle.AwaitMitigation), string(lifecycle.AwaitResolution), string(lifecycle.AwaitReview),
		string(lifecycle.StartNext), string(lifecycle.End),
	}
	if !slices.Equal(words, want) {
		t.Errorf("the machine knows %v, the engine says %v", words, want)
	}
}

// bench is an incident engine on a table of its own, with a clock that stands
// still until it is moved.
type bench struct {
	*lifecycle.IncidentEngine
	t      *testing.T
	now    time.Time
	woken  []string
	begun  []string
	sent   []outbox.Message
	events map[event.ID]event.Event
}

func newBench(t *testing.T) *bench {
	table := dynamo.Start(t)
	b := &bench{t: t, now: noon, events: map[event.ID]event.Event{}}
	clock, log := func() time.Time { return b.now }, slog.New(slog.DiscardHandler)
	b.IncidentEngine = &lifecycle.IncidentEngine{
		Desk: &incident.Desk{
			Store:   &incident.Store{Table: table, Outbox: &outbox.Store{Table: table}},
			Machine: b, Post: b, Now: clock, Log: log,
		},
		Events: b, People: lifecycle.People{Config: b, Contacts: b}, Log: log, Now: clock,
	}
	return b
}

// Start, Wake: the machine.
func (b *bench) Start(_ context.Context, name string, _ []byte) error {
	b.begun = append(b.begun, name)
	return nil
}

func (b *bench) Wake(_ context.Context, token string) error {
	b.woken = append(b.woken, token)
	return nil
}

func (b *bench) Send(_ context.Context, messages []outbox.Message) error {
	b.sent = append(b.sent, messages...)
	return nil
}

func (b *bench) Follow(_ context.Context, id event.ID) (event.Event, error) {
	if e, ok := b.events[id]; ok {
		return e, nil
	}
	return event.Event{}, fault.New(fault.NotFound, "event %s does not exist", id)
}

func (b *bench) Plan(context.Context, int, string) (plan.Plan, error) { return plan.Plan{}, nil }

// Members knows ann, bob and mute, and a team of ann and bob.
func (b *bench) Members(_ context.Context, t plan.Target) ([]catalog.Member, error) {
	switch {
	case t.Team == "shop":
		return []catalog.Member{{Name: "ann"}, {Name: "bob"}}, nil
	case t.Member == "ann" || t.Member == "bob" || t.Member == "mute":
		return []catalog.Member{{Name: t.Member}}, nil
	}
	return nil, fault.New(fault.NotFound, "there is no member %q", t.Member)
}

// List gives everybody a contact, except mute.
func (b *bench) List(_ context.Context, member string) ([]catalog.Contact, error) {
	if member == "mute" {
		return nil, nil
	}
	return []catalog.Contact{{ID: "mail", Member: member, Channel: catalog.Email, Verified: true}}, nil
}

func (b *bench) open(e event.Event, ops ...incident.Op) incident.ID {
	b.t.Helper()
	b.events[e.ID] = e
	id, err := b.Desk.OpenFor(b.t.Context(), e, b.now)
	if err != nil {
		b.t.Fatalf("open: %v", err)
	}
	for _, op := range ops {
		b.do(incident.ID(id), op)
	}
	return incident.ID(id)
}

func (b *bench) do(id incident.ID, op incident.Op) {
	b.t.Helper()
	if _, err := b.Desk.Do(b.t.Context(), id, op, event.ByMember("ann")); err != nil {
		b.t.Fatalf("%T: %v", op, err)
	}
}

func (b *bench) get(id incident.ID) incident.Incident {
	b.t.Helper()
	i, err := b.Desk.Store.Get(b.t.Context(), id)
	if err != nil {
		b.t.Fatalf("get: %v", err)
	}
	return i
}

func (b *bench) evaluate(id incident.ID, generation int, want lifecycle.Verdict) {
	b.t.Helper()
	got, err := b.Life(id).Evaluate(b.t.Context(), generation)
	if err != nil || got != want {
		b.t.Errorf("evaluate: %+v, err %v; want %+v", got, err, want)
	}
}

func (b *bench) enter(id incident.ID, state lifecycle.Do, token string) {
	b.t.Helper()
	if err := b.Life(id).Enter(b.t.Context(), 1, lifecycle.Wait{State: state, Token: token}); err != nil {
		b.t.Fatalf("enter %s: %v", state, err)
	}
}

// told returns who was sent a message since it was last asked.
func (b *bench) told() []string {
	var who []string
	for _, m := range b.sent {
		who = append(who, m.Member)
	}
	b.sent = nil
	return who
}

var promoted = event.Event{ID: "E-1", Priority: alert.P1, Service: "shop", PromotedBy: event.ByMember("ann"), Owner: "bob"}

func TestIncidentRunsToItsEnd(t *testing.T) {
	b := newBench(t)
	id := b.open(promoted)
	b.evaluate(id, 1, lifecycle.Verdict{Next: lifecycle.AwaitMitigation, WaitSeconds: 3600})
	b.enter(id, lifecycle.AwaitMitigation, "token-1")
	if i := b.get(id); i.Token != "token-1" || !i.Due.Equal(after(time.Hour)) || len(b.woken) != 0 {
		t.Errorf("token %q, due %v, woken %v", i.Token, i.Due, b.woken)
	}
	b.do(id, incident.Mitigate{})
	b.evaluate(id, 1, lifecycle.Verdict{Next: lifecycle.AwaitResolution, WaitSeconds: 3600})
	b.enter(id, lifecycle.AwaitResolution, "token-2")
	b.do(id, incident.Resolve{})
	b.evaluate(id, 1, lifecycle.Verdict{Next: lifecycle.AwaitReview, WaitSeconds: int(week / time.Second)})
	b.enter(id, lifecycle.AwaitReview, "token-3")
	b.do(id, incident.Close{Review: &incident.Findings{Summary: "x", RootCause: "y"}})
	b.evaluate(id, 1, lifecycle.Verdict{Next: lifecycle.End, WaitSeconds: 1})
	if i := b.get(id); !i.Due.IsZero() {
		t.Errorf("due %v after the end", i.Due)
	}
	if want := []string{"token-1", "token-2", "token-3"}; !slices.Equal(b.woken, want) || len(b.sent) != 0 {
		t.Errorf("woken %v, sent %v", b.woken, b.sent)
	}
}

func TestWaitOnAnotherStateIsWokenAtOnce(t *testing.T) {
	b := newBench(t)
	id := b.open(promoted, incident.Mitigate{})
	b.enter(id, lifecycle.AwaitMitigation, "late")
	if i := b.get(id); i.Token != "" || !slices.Equal(b.woken, []string{"late"}) {
		t.Errorf("token %q, woken %v", i.Token, b.woken)
	}
}

func TestOldExecutionHasNothingToDo(t *testing.T) {
	b := newBench(t)
	id := b.open(promoted)
	for range 2 { // repeated, it is done once
		if err := b.Life(id).StartNext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if i := b.get(id); i.Generation != 2 || !slices.Equal(b.begun, []string{"I-1-g1", "I-1-g2"}) {
		t.Errorf("generation %d, begun %v", i.Generation, b.begun)
	}
	b.enter(id, lifecycle.AwaitMitigation, "old")
	b.now = after(time.Hour)
	b.evaluate(id, 1, lifecycle.Verdict{Next: lifecycle.End, WaitSeconds: 1})
	if i := b.get(id); len(b.sent) != 0 || i.Token != "" || !slices.Equal(b.woken, []string{"old"}) {
		t.Errorf("sent %v, token %q, woken %v", b.sent, i.Token, b.woken)
	}
}

func TestMissingUpdateIsAskedForHourly(t *testing.T) {
	b := newBench(t)
	id := b.open(promoted)
	for n := range 2 {
		b.now = after(time.Duration(n+1) * time.Hour)
		for range 2 { // evaluated twice, it is asked for once
			b.evaluate(id, 1, lifecycle.Verdict{Next: lifecycle.AwaitMitigation, WaitSeconds: 3600})
		}
		if who := b.told(); !slices.Equal(who, []string{"ann"}) {
			t.Errorf("hour %d: told %v", n+1, who)
		}
	}
	b.do(id, incident.Update{Text: "still down"})
	b.now = after(2*time.Hour + time.Minute)
	b.evaluate(id, 1, lifecycle.Verdict{Next: lifecycle.AwaitMitigation, WaitSeconds: 59 * 60})
	if who := b.told(); len(who) != 0 {
		t.Errorf("told %v after an update", who)
	}
	stored, err := b.Desk.Store.Outbox.OfEvent(t.Context(), string(id))
	if err != nil || len(stored) != 2 {
		t.Errorf("stored %+v, err %v", stored, err)
	}
	want := outbox.Key{Event: string(id), Reason: outbox.Update, Stage: incident.StageUpdate, Member: "ann", Contact: "mail"}
	for n := range 2 {
		want.Round = n
		if !slices.ContainsFunc(stored, func(m outbox.Message) bool { return reflect.DeepEqual(m.Key, want) && m.Opening == 1 }) {
			t.Errorf("no message with key %+v in %+v", want, stored)
		}
	}
}

func TestWhoIsAskedForAnUpdate(t *testing.T) {
	commander := func(name string) incident.Op {
		return incident.AssignRole{Role: incident.Commander, Member: name}
	}
	team := event.Event{ID: "E-2", Assignee: event.Assignee{Team: "shop"}}
	owned := event.Event{ID: "E-2", Owner: "ann"}
	for _, c := range []struct {
		name string
		ops  []incident.Op
		also *event.Event
		want []string
	}{
		{"the commander", nil, nil, []string{"ann"}},
		{"a new commander", []incident.Op{commander("bob")}, nil, []string{"bob"}},
		{"without a commander the owner of the event", []incident.Op{commander("")}, nil, []string{"bob"}},
		{"of the newest event", []incident.Op{commander(""), incident.AddEvent{Event: "E-2"}}, &owned, []string{"ann"}},
		{"or its assignee", []incident.Op{commander(""), incident.AddEvent{Event: "E-2"}}, &team, []string{"ann", "bob"}},
		{"if there is one", []incident.Op{commander(""), incident.AddEvent{Event: "E-2"}}, nil, []string{"bob"}},
		{"when the commander has no contact", []incident.Op{commander("mute")}, nil, []string{"bob"}},
		{"when the commander is gone", []incident.Op{commander("zoe")}, nil, []string{"bob"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			id := b.open(promoted, c.ops...)
			if c.also != nil {
				b.events[c.also.ID] = *c.also
			}
			b.now = after(time.Hour)
			b.evaluate(id, 1, lifecycle.Verdict{Next: lifecycle.AwaitMitigation, WaitSeconds: 3600})
			if who := b.told(); !slices.Equal(who, c.want) {
				t.Errorf("told %v, want %v", who, c.want)
			}
		})
	}
}

func TestReminderThatReachesNobodyIsNotedAndTriedAgain(t *testing.T) {
	b := newBench(t)
	e := promoted
	e.PromotedBy, e.Owner = "token:ci", "mute"
	id := b.open(e)
	b.now = after(time.Hour)
	b.evaluate(id, 1, lifecycle.Verdict{Next: lifecycle.AwaitMitigation, WaitSeconds: 3600})
	items, err := b.Desk.Store.Timeline(t.Context(), id)
	if err != nil || len(items) != 2 || items[1].Data["why_not"] != "nobody is named; mute has no contact" || items[1].Data["who"] != "" {
		t.Errorf("timeline %+v, err %v", items, err)
	}
}

func TestOverdueActionItemsAreRemindedDaily(t *testing.T) {
	b := newBench(t)
	const day = 24 * time.Hour
	id := b.open(promoted,
		incident.AddAction{Text: "one", Owner: "bob", Due: after(day)},
		incident.AddAction{Text: "two", Owner: "bob", Due: after(day)},
		incident.AddAction{Text: "three", Due: after(day)},
		incident.AddAction{Text: "four", Owner: "mute"},
		incident.Resolve{},
		incident.Close{Review: &incident.Findings{Summary: "x", RootCause: "y"}},
	)
	b.evaluate(id, 1, lifecycle.Verdict{Next: lifecycle.AwaitReview, WaitSeconds: int(day / time.Second)})
	for n, want := range [][]string{{"bob", "ann"}, {"bob"}, nil} {
		b.now = after(time.Duration(n+1) * day)
		next := lifecycle.Verdict{Next: lifecycle.AwaitReview, WaitSeconds: int(day / time.Second)}
		if n == 2 {
			next = lifecycle.Verdict{Next: lifecycle.End, WaitSeconds: 1}
		}
		b.evaluate(id, 1, next)
		if who := b.told(); !slices.Equal(who, want) {
			t.Errorf("day %d: told %v, want %v", n+1, who, want)
		}
		b.do(id, incident.CompleteAction{Number: 3 - n})
		if n == 1 {
			b.do(id, incident.CompleteAction{Number: 1})
		}
	}
}

func TestRepairDoesWhatIsOverdueAndWakes(t *testing.T) {
	b := newBench(t)
	id := b.open(promoted)
	b.enter(id, lifecycle.AwaitMitigation, "token-1")
	b.now = after(2 * time.Hour)
	got, err := b.Life(id).Repair(t.Context())
	if want := (lifecycle.Verdict{Next: lifecycle.AwaitMitigation, WaitSeconds: 3600}); err != nil || got != want {
		t.Errorf("repair: %+v, err %v", got, err)
	}
	if who := b.told(); !slices.Equal(who, []string{"ann"}) || !slices.Equal(b.woken, []string{"token-1"}) {
		t.Errorf("told %v, woken %v", who, b.woken)
	}
	if i := b.get(id); !i.Due.Equal(after(3 * time.Hour)) {
		t.Errorf("due %v", i.Due)
	}
}

func TestIncidentThatIsAbsentIsNotFound(t *testing.T) {
	b := newBench(t)
	if _, err := b.Life("I-9").Evaluate(t.Context(), 1); !fault.Is(err, fault.NotFound) {
		t.Errorf("evaluate: err %v", err)
	}
	if err := b.Life("I-9").Enter(t.Context(), 1, lifecycle.Wait{State: lifecycle.AwaitReview, Token: "token"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("enter: err %v", err)
	}
	if _, err := b.Life("I-9").Repair(t.Context()); !fault.Is(err, fault.NotFound) {
		t.Errorf("repair: err %v", err)
	}
}
