// Package lifecycletest is what the tests of the functions that drive events
// and incidents share: a table and an account of their own, and the event and
// the incident that the payloads below events/ name.
package lifecycletest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/incident"
	"tocsin/shared/lifecycle"
	"tocsin/tests/dynamo"
	"tocsin/tests/fakes/account"
)

// What the payloads name.
const (
	TheEvent    = event.ID("E-4821")
	TheIncident = incident.ID("I-7")
)

// Keys of the items of both.
var (
	EventKey    = ddb.Key("EVENT#"+string(TheEvent), "EVENT")
	IncidentKey = ddb.Key("INCIDENT#"+string(TheIncident), "INCIDENT")
)

// Person is the actor of what a person does. The built-in configuration pages
// the administrator.
var Person = event.ByMember("administrator")

// Bench is where a function runs. Whoever makes the function sets its engines.
type Bench struct {
	T         testing.TB
	Folder    string // of the payloads
	Table     ddb.Table
	Account   *account.Account
	Events    *lifecycle.Engine
	Incidents *lifecycle.IncidentEngine
}

// New returns a bench on a table of its own, where the administrator has a mail
// address.
func New(t testing.TB, folder string) *Bench {
	t.Helper()
	b := On(t, folder, dynamo.Start(t))
	mail := catalog.Contact{ID: "mail", Member: "administrator", Channel: catalog.Email, Address: "ops@example.com", Verified: true}
	if err := catalog.NewStore(b.Table).Put(t.Context(), mail); err != nil {
		t.Fatal(err)
	}
	return b
}

// On returns a bench on a table as it is.
func On(t testing.TB, folder string, table ddb.Table) *Bench {
	t.Helper()
	return &Bench{T: t, Folder: folder, Table: table, Account: account.Start(t)}
}

// Drives sets the engines of the function, and their clock where one is given.
func (b *Bench) Drives(events *lifecycle.Engine, incidents *lifecycle.IncidentEngine, now func() time.Time) {
	b.Events, b.Incidents = events, incidents
	if now != nil {
		events.Now, events.Desk.Now, incidents.Now, incidents.Desk.Now = now, now, now, now
	}
}

// Open stores the event that the payloads name, with its alert (nil: none).
func (b *Bench) Open(st *alert.State) {
	b.T.Helper()
	at := b.Events.Now()
	e := event.Event{
		ID: TheEvent, State: event.Triggered, Title: "Disk of db-1 is full", Priority: alert.P1, Service: "default", Plan: "default",
		Execution: execution.First(at), Cycle: 1, Opening: 1, OpenedAt: at, TriggeredAt: at, Since: at,
	}
	if err := b.Events.Desk.Store.Open(b.T.Context(), event.Opening{Event: e, Alert: st, At: at}); err != nil {
		b.T.Fatal(err)
	}
}

// Act lets a person act on the event.
func (b *Bench) Act(ops ...event.Op) {
	b.T.Helper()
	for _, op := range ops {
		if _, err := b.Events.Desk.Do(b.T.Context(), TheEvent, op, Person); err != nil {
			b.T.Fatal(err)
		}
	}
}

// Declare stores the incident that the payloads name, after operations by a
// person.
func (b *Bench) Declare(ops ...incident.Op) {
	b.T.Helper()
	at := b.Incidents.Now()
	i := incident.Opened(TheIncident, event.Event{ID: TheEvent, Title: "Orders fail", Priority: alert.P3, PromotedBy: Person}, at)
	if _, err := b.Incidents.Desk.Store.Open(b.T.Context(), i, nil, at); err != nil {
		b.T.Fatal(err)
	}
	for _, op := range ops {
		if _, err := b.Incidents.Desk.Do(b.T.Context(), TheIncident, op, Person); err != nil {
			b.T.Fatal(err)
		}
	}
}

// Event reads the event.
func (b *Bench) Event() event.Event {
	b.T.Helper()
	e, err := b.Events.Desk.Store.Get(b.T.Context(), TheEvent)
	if err != nil {
		b.T.Fatal(err)
	}
	return e
}

// Incident reads an incident.
func (b *Bench) Incident(id incident.ID) incident.Incident {
	b.T.Helper()
	i, err := b.Incidents.Desk.Store.Get(b.T.Context(), id)
	if err != nil {
		b.T.Fatal(err)
	}
	return i
}

// Break makes of a stored item one that cannot be read.
func (b *Bench) Break(key ddb.Item) {
	b.T.Helper()
	u := &ddb.Update{}
	u.Set("body", ddb.B([]byte("no JSON")))
	if err := b.Table.Apply(b.T.Context(), key, u); err != nil {
		b.T.Fatal(err)
	}
}

// File reads a payload.
func (b *Bench) File(name string) []byte {
	b.T.Helper()
	text, err := os.ReadFile(filepath.Join(b.Folder, name+".json"))
	if err != nil {
		b.T.Fatal(err)
	}
	return text
}

// Called fails the test unless these executions were started, with their
// input, and these waits ended, since it was last asked.
func (b *Bench) Called(started, woken []string) {
	b.T.Helper()
	if got := b.Account.Started(); !slices.Equal(got, started) {
		b.T.Errorf("started %q, want %q", got, started)
	}
	if got := b.Account.Woken(); !slices.Equal(got, woken) {
		b.T.Errorf("woken %q, want %q", got, woken)
	}
}
