// Package faults is a small HTTP proxy between the functions and what stands
// for AWS on this machine. It harms chosen calls as the service or the network
// would: it refuses them, throttles them, delivers them and loses the answer,
// or cuts the connection; and it tells a test that a call passes, which may
// then end the process that makes it.
//
//	p := faults.New(t)
//	h := harness.Start(t, harness.Route(p.Route))
//	p.Harm(faults.Rule{Operation: "SendMessage", Holding: "AlertsQueue", Fault: faults.Lose})
package faults

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"tocsin/local/stack"
)

// Fault is what happens to a call.
type Fault string

// The faults.
const (
	Pass     Fault = ""         // nothing: the rule only watches
	Refuse   Fault = "refuse"   // status 500, not delivered
	Throttle Fault = "throttle" // the service's word for too many requests, not delivered
	Lose     Fault = "lose"     // delivered, and the connection ends before the answer
	Cut      Fault = "cut"      // the connection ends before the call is delivered
)

// Call is one request of a function.
type Call struct {
	Service    stack.Service
	Operation  string // the API's name of it, such as "PutItem"; method and path where the protocol has none
	Body       string
	invocation string // the same for all attempts of one call of the SDK
}

// changing are the operations of functions that change something, beside those
// that read and those by which queues are read.
var changing = []string{
	"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems",
	"SendMessage", "SendMessageBatch", "StartExecution", "SendTaskSuccess",
}

// Changes reports whether a call changes something.
func (c Call) Changes() bool { return slices.Contains(changing, c.Operation) }

// Rule harms calls. The zero value harms the next call, whatever it is.
type Rule struct {
	Service   stack.Service // "" any
	Operation string        // "" any
	Holding   []string      // what the body contains
	Changing  bool          // only calls that change something
	Nth       int           // the first call that is harmed, of those that match; 0 is 1
	Calls     int           // how many are; 0 is 1, negative all
	Whole     bool          // all attempts of the SDK, else the first of each call
	Fault     Fault
	Before    func() // runs before the call is delivered, or not
	After     func() // runs after it was delivered, or not

	mu      sync.Mutex
	seen    map[string]int // calls that matched, by invocation, in their order
	done    map[string]bool
	reached chan struct{} // closed at the first harm
}

// Proxy passes calls on. It is safe for concurrent use.
type Proxy struct {
	t      testing.TB
	mu     sync.Mutex
	rules  []*Rule
	calls  []Call
	record bool
}

// New returns a proxy that harms nothing.
func New(t testing.TB) *Proxy { return &Proxy{t: t} }

// Route puts the proxy before a service, as stack.Config wants it. The inbox
// has failures of its own.
func (p *Proxy) Route(s stack.Service, address string) string {
	if s != stack.Cloud && s != stack.States {
		return address
	}
	target, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	pass := httputil.NewSingleHostReverseProxy(target)
	pass.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, s, pass) }))
	p.t.Cleanup(server.Close)
	return server.URL
}

// Harm adds a rule. Of several that match a call the first added decides.
func (p *Proxy) Harm(r *Rule) *Rule {
	r.seen, r.done, r.reached = map[string]int{}, map[string]bool{}, make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, r)
	return r
}

// Heal takes all rules away.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

// Record returns the calls that were made while run ran.
func (p *Proxy) Record(run func()) []Call {
	p.mu.Lock()
	p.record, p.calls = true, nil
	p.mu.Unlock()
	run()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.record = false
	return p.calls
}

// Reached is closed once the rule harmed a call.
func (r *Rule) Reached() <-chan struct{} { return r.reached }

// Harmed reports whether the rule harmed a call.
func (r *Rule) Harmed() bool {
	select {
	case <-r.reached:
		return true
	default:
		return false
	}
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, s stack.Service, pass http.Handler) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c := Call{Service: s, Operation: operation(r), Body: string(body), invocation: r.Header.Get("Amz-Sdk-Invocation-Id")}
	rule := p.rule(c)
	if rule == nil {
		pass.ServeHTTP(w, r)
		return
	}
	rule.harm(w, r, c, pass)
}

func operation(r *http.Request) string {
	if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return name
	}
	return r.Method + " " + r.URL.Path
}

// rule returns the rule that harms a call; nil: none does.
func (p *Proxy) rule(c Call) *Rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.record {
		p.calls = append(p.calls, c)
	}
	for _, r := range p.rules {
		if r.takes(c) {
			return r
		}
	}
	return nil
}

func (r *Rule) takes(c Call) bool {
	if r.Service != "" && r.Service != c.Service || r.Operation != "" && r.Operation != c.Operation {
		return false
	}
	if r.Changing && !c.Changes() {
		return false
	}
	for _, part := range r.Holding {
		if !strings.Contains(c.Body, part) {
			return false
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n, again := r.seen[c.invocation]
	if !again {
		n = len(r.seen) + 1
		r.seen[c.invocation] = n
	}
	first := max(r.Nth, 1)
	if n < first || r.Calls >= 0 && n >= first+max(r.Calls, 1) || r.done[c.invocation] && !r.Whole {
		return false
	}
	r.done[c.invocation] = true
	return true
}

func (r *Rule) harm(w http.ResponseWriter, req *http.Request, c Call, pass http.Handler) {
	if r.Before != nil {
		r.Before()
	}
	switch r.Fault {
	case Pass:
		pass.ServeHTTP(w, req)
	case Lose:
		pass.ServeHTTP(httptest.NewRecorder(), req)
	}
	if r.After != nil {
		r.After()
	}
	r.mu.Lock()
	select {
	case <-r.reached:
	default:
		close(r.reached)
	}
	r.mu.Unlock()
	switch r.Fault {
	case Lose, Cut:
		panic(http.ErrAbortHandler)
	case Refuse:
		answer(w, http.StatusInternalServerError, "InternalServerError")
	case Throttle:
		answer(w, http.StatusBadRequest, throttled(c))
	}
}

// throttled is the service's word.
// Sources: DynamoDB and Step Functions API references, "Common Errors"; SQS
// API reference, "RequestThrottled".
func throttled(c Call) string {
	switch {
	case c.Service == stack.States:
		return "ThrottlingException"
	case strings.Contains(c.Operation, "Message"):
		return "RequestThrottled"
	}
	return "ProvisionedThroughputExceededException"
}

func answer(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-Query-Error", code+";Sender")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"__type":"com.amazonaws#` + code + `","message":"a test harms this call"}`))
}
