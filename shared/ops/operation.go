// Package ops is the registry of operations: what people and programs can do
// with Tocsin over the API and the command line. Each operation is written
// once, with its name, route, scope, input, output and function; the routes,
// the OpenAPI document, the commands of tocsin, the audit log and
// docs/api.md come from it. What an operation means is the domain's business.
//
//	ops.New(ops.Spec{Name: "events.get", Method: "GET", Path: "/events/{id}", Scope: ops.EventsRead, Summary: "Show an event."},
//		func(ctx context.Context, c *ops.Caller, in GetEvent) (Event, error) { ... })
package ops

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"tocsin/shared/event"
	"tocsin/shared/fault"
)

// Base is the path below which every operation lives.
const Base = "/v1"

// Spec is what a reader must know of an operation.
type Spec struct {
	Name        string    // "events.acknowledge": the group, a dot, and the verb
	Method      string    // GET changes nothing; every other method is a change and is audited
	Path        string    // below [Base], with {parameters} that are input fields
	Scope       Scope     // what the caller's token must allow; "" any token
	Summary     string    // one sentence
	Description string    // more, for who asks
	Creates     bool      // answers 201 and honours Idempotency-Key
	Reads       bool      // changes nothing, though it needs a body
	Large       bool      // takes a body of up to [MaxLargeBody] bytes
	Examples    []Example // at least one for what has input
}

// Example is an input by field, as a caller might send it.
type Example map[string]any

// Operation is one entry of the registry. It is immutable.
type Operation struct {
	Spec
	In  *Schema
	Out *Schema // nil: no content

	in  reflect.Type
	out reflect.Type
	run func(ctx context.Context, c *Caller, in any) (any, error)
}

// None is the input or output of an operation that has none.
type None struct{}

// New returns an operation. In is a struct whose fields are JSON fields of the
// body, except those with the tag in:"path" or in:"query"; see [Schema] for
// the tags that bound and explain them.
func New[In, Out any](s Spec, run func(context.Context, *Caller, In) (Out, error)) *Operation {
	return &Operation{
		Spec: s,
		in:   reflect.TypeFor[In](),
		out:  reflect.TypeFor[Out](),
		run: func(ctx context.Context, c *Caller, in any) (any, error) {
			return run(ctx, c, *in.(*In))
		},
	}
}

// resolve builds the schemas, which functions that only route never need.
func (o *Operation) resolve() {
	o.In = schemaOf(o.in)
	if o.out != reflect.TypeFor[None]() {
		o.Out = schemaOf(o.out)
	}
}

// Group and Verb are the two parts of the name.
func (o *Operation) Group() string { group, _, _ := strings.Cut(o.Name, "."); return group }

// Verb is what is done: "acknowledge".
func (o *Operation) Verb() string { _, verb, _ := strings.Cut(o.Name, "."); return verb }

// Changes reports whether the operation may change anything.
func (o *Operation) Changes() bool { return o.Method != http.MethodGet && !o.Reads }

// Status is the status of success.
func (o *Operation) Status() int {
	switch {
	case o.Creates:
		return http.StatusCreated
	case o.out == reflect.TypeFor[None]():
		return http.StatusNoContent
	}
	return http.StatusOK
}

// NewOutput returns a pointer to a zero output, to decode an answer into.
func (o *Operation) NewOutput() any { return reflect.New(o.out).Interface() }

// Do checks an input, a JSON object by field, and runs the operation.
// Errors of kind Invalid name every bad field.
func (o *Operation) Do(ctx context.Context, c *Caller, input map[string]any) (any, error) {
	in, err := o.decode(input)
	if err != nil {
		return nil, err
	}
	out, err := o.run(ctx, c, in)
	if err != nil {
		return nil, explain(err)
	}
	return out, nil
}

// Check reports what is wrong with an input given as one JSON object, as Do
// would.
func (o *Operation) Check(input []byte) error {
	m, err := decodeObject(input)
	if err != nil {
		return err
	}
	_, err = o.decode(m)
	return err
}

func (o *Operation) decode(input map[string]any) (any, error) {
	var bad fault.Problems
	o.In.check(input, "", &bad)
	if err := bad.Err("the input is not valid"); err != nil {
		return nil, err
	}
	body, err := json.Marshal(input)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encode input of %s", o.Name)
	}
	in := reflect.New(o.in).Interface()
	if err := json.Unmarshal(body, in); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the input is not valid")
	}
	return in, nil
}

// Scope is what a token allows.
type Scope string

// The scopes. A write scope allows what the read scope of its group does;
// admin allows everything.
const (
	EventsRead        Scope = "events:read"
	EventsWrite       Scope = "events:write"
	IncidentsRead     Scope = "incidents:read"
	IncidentsWrite    Scope = "incidents:write"
	DeliveriesRead    Scope = "deliveries:read"
	DeliveriesWrite   Scope = "deliveries:write"
	PeopleRead        Scope = "people:read" // members, contacts, services
	PeopleWrite       Scope = "people:write"
	IntegrationsRead  Scope = "integrations:read"
	IntegrationsWrite Scope = "integrations:write"
	HeartbeatsRead    Scope = "heartbeats:read"
	HeartbeatsWrite   Scope = "heartbeats:write"
	ConfigRead        Scope = "config:read"
	ConfigWrite       Scope = "config:write"
	Admin             Scope = "admin" // also tokens and the audit log
)

// Scopes returns every scope.
func Scopes() []Scope {
	return []Scope{
		EventsRead, EventsWrite, IncidentsRead, IncidentsWrite, DeliveriesRead, DeliveriesWrite, PeopleRead, PeopleWrite,
		IntegrationsRead, IntegrationsWrite, HeartbeatsRead, HeartbeatsWrite, ConfigRead, ConfigWrite, Admin,
	}
}

// Valid reports whether s is one of [Scopes].
func (s Scope) Valid() bool { return slices.Contains(Scopes(), s) }

// allows reports whether a token with scope s may do what want asks for.
func (s Scope) allows(want Scope) bool {
	if s == Admin || s == want {
		return true
	}
	group, isRead := strings.CutSuffix(string(want), ":read")
	return isRead && string(s) == group+":write"
}

// Caller is who calls: a token, and the member whose token it is, if any.
type Caller struct {
	Token  string
	Member string
	Scopes []Scope

	base                  url.URL // of the request
	target, before, after string
}

// Actor is the caller as written into timelines: its member, else its token.
func (c *Caller) Actor() event.Actor {
	if c.Member != "" {
		return event.ByMember(c.Member)
	}
	return event.ByToken(c.Token)
}

// May reports whether the caller's token allows scope; "" is always allowed.
func (c *Caller) May(scope Scope) bool {
	return scope == "" || slices.ContainsFunc(c.Scopes, func(s Scope) bool { return s.allows(scope) })
}

// Changed notes for the audit log what an operation changed. The texts hold
// no secret.
func (c *Caller) Changed(target, before, after string) {
	c.target, c.before, c.after = target, before, after
}
