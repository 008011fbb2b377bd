// Package harness runs flows over the whole stack with the real binaries, the
// real template and the real state machines, and says what a person receives.
//
//	h := harness.Start(t)
//	h.Send(harness.Alert{Name: "DiskFull", Instance: "db-1"})
//	page := h.Receives("alice")[0]
package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/local/inbox"
	"tocsin/local/seed"
	"tocsin/local/stack"
	"tocsin/shared/alert"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/ledger"
	"tocsin/shared/outbox"
)

// patience bounds every wait for the stack.
const patience = 60 * time.Second

// Harness is a running stack and the sender and readers around it. Each test
// that starts one has it for itself.
type Harness struct {
	*stack.Stack
	t      testing.TB
	seeded seed.Seeded
	seen   map[string]bool // messages that New returned
	start  time.Time       // episodes are named from here
}

// Option changes how a stack is started.
type Option func(*stack.Config)

// Route puts a proxy before a service.
func Route(route func(s stack.Service, address string) string) Option {
	return func(c *stack.Config) { c.Route = route }
}

// State keeps the stack in a folder, so that a second start goes on with it.
func State(dir string) Option { return func(c *stack.Config) { c.State = dir } }

// Start builds the functions once per test binary and starts a stack that is
// stopped when the test ends.
func Start(t testing.TB, options ...Option) *Harness {
	t.Helper()
	root := Root(t)
	c := stack.Config{
		Dir: root, State: t.TempDir(), NoSchedules: true, NoBuild: built(), Visibility: 6, ConsumerTimeout: 5,
	}
	for _, o := range options {
		o(&c)
	}
	h := &Harness{t: t, seen: map[string]bool{}}
	c.Deadlines = h.deadlines
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	s, err := stack.Start(ctx, c)
	if err != nil {
		t.Fatalf("start the stack: %v", err)
	}
	h.Stack = s
	t.Cleanup(func() { h.stop() })
	if h.seeded, err = seed.Stack(ctx, s, c.State); err != nil {
		t.Fatal(err)
	}
	h.start = s.Clock.Now().Add(-time.Minute)
	return h
}

var building sync.Once

// built reports whether the binaries were built by this test binary before.
func built() bool {
	before := true
	building.Do(func() { before = false })
	return before
}

// Root returns the checkout.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "template.yaml")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no template.yaml above the test")
		}
		dir = parent
	}
}

func (h *Harness) stop() {
	if err := h.Stack.Stop(); err != nil {
		h.t.Errorf("stop the stack: %v", err)
	}
	if h.t.Failed() {
		functions, _ := h.Logs()
		if text, err := os.ReadFile(functions); err == nil {
			h.t.Logf("the functions logged at last:\n%s", tail(text, 16<<10))
		}
	}
}

func tail(text []byte, n int) []byte { return text[max(0, len(text)-n):] }

// table opens a table of the stack.
func (h *Harness) table(output string) ddb.Table {
	return ddb.Table{Client: dynamodb.NewFromConfig(h.SDK()), Name: h.Output(output)}
}

// Events is the store of events, to look at what no reader sees.
func (h *Harness) Events() *event.Store {
	return &event.Store{Table: h.table("EventsTable"), Alerts: h.Alerts(), Outbox: h.Outbox()}
}

// Alerts is the store of alerts.
func (h *Harness) Alerts() *alert.Store { return &alert.Store{Table: h.table("EventsTable")} }

// Outbox is the store of messages.
func (h *Harness) Outbox() *outbox.Store { return &outbox.Store{Table: h.table("LedgerTable")} }

// Ledger is the store of deliveries.
func (h *Harness) Ledger() *ledger.Store { return &ledger.Store{Table: h.table("LedgerTable")} }

// Config is the table of the configuration.
func (h *Harness) Config() ddb.Table { return h.table("ConfigTable") }

// Publish replaces the configuration by YAML documents.
func (h *Harness) Publish(text string) {
	h.t.Helper()
	if err := seed.Publish(context.Background(), h.Config(), []byte(text), h.Clock.Now()); err != nil {
		h.t.Fatal(err)
	}
	// Functions ask for a newer version at most every five seconds.
	if err := h.Clock.Advance(6 * time.Second); err != nil {
		h.t.Fatal(err)
	}
}

// Change publishes the seeded configuration with these YAML documents in place
// of those of the same kind and name, or added to it.
func (h *Harness) Change(documents string) {
	h.t.Helper()
	seeded, err := os.ReadFile(filepath.Join(Root(h.t), "local", "seed", "team.yaml"))
	if err != nil {
		h.t.Fatal(err)
	}
	changed := map[string]bool{}
	for d := range strings.SplitSeq(documents, "\n---\n") {
		changed[heading(d)] = true
	}
	all := []string{documents}
	for d := range strings.SplitSeq(string(seeded), "\n---\n") {
		if !changed[heading(d)] {
			all = append(all, d)
		}
	}
	h.Publish(strings.Join(all, "\n---\n"))
}

// heading returns the lines of a document that name its kind and itself.
func heading(document string) string {
	var lines []string
	for line := range strings.Lines(document) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "kind: ") || strings.HasPrefix(line, "name: ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " ")
}

// Context is bounded by the harness's patience.
func (h *Harness) Context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// Settled waits until nothing is in flight.
func (h *Harness) Settled() *Harness {
	h.t.Helper()
	ctx, cancel := h.Context()
	defer cancel()
	if err := h.Settle(ctx); err != nil {
		h.t.Fatalf("not settled: %v", err)
	}
	return h
}

// Pass lets time pass, with a sweep at each deadline.
func (h *Harness) Pass(d time.Duration) *Harness {
	h.t.Helper()
	ctx, cancel := h.Context()
	defer cancel()
	if err := h.Skip(ctx, d); err != nil {
		h.t.Fatalf("pass %s: %v", d, err)
	}
	return h
}

// Swept runs the sweeper and waits until its repairs are done.
func (h *Harness) Swept() *Harness {
	h.t.Helper()
	ctx, cancel := h.Context()
	defer cancel()
	if err := h.Sweep(ctx); err != nil {
		h.t.Fatalf("sweep: %v", err)
	}
	return h.Settled()
}

// Event reads an event.
func (h *Harness) Event(id string) event.Event {
	h.t.Helper()
	ctx, cancel := h.Context()
	defer cancel()
	e, err := h.Events().Get(ctx, event.ID(id))
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

// In fails the test unless the event is in a state.
func (h *Harness) In(id string, s event.State) event.Event {
	h.t.Helper()
	e := h.Event(id)
	if e.State != s {
		h.t.Fatalf("event %s is %s, want %s; timeline:\n%s", id, e.State, s, h.timeline(id))
	}
	return e
}

func (h *Harness) timeline(id string) string {
	ctx, cancel := h.Context()
	defer cancel()
	items, err := h.Events().Timeline(ctx, event.ID(id))
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, i := range items {
		fmt.Fprintf(&b, "  %s %s by %s %v\n", i.At.Format("15:04:05.000"), i.What, i.By, i.Data)
	}
	return b.String()
}

// API calls an operation as member alice with a body (nil for none) and decodes
// the answer into out (nil for none). It returns the status.
func (h *Harness) API(method, path string, in, out any) int {
	h.t.Helper()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			h.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, h.Addresses.Front+"/v1"+path, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.seeded.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if out != nil && resp.StatusCode < 300 {
		if err := json.Unmarshal(answer, out); err != nil {
			h.t.Fatalf("%s %s answered %s: %v", method, path, answer, err)
		}
	}
	return resp.StatusCode
}

// Token is the API token of member alice.
func (h *Harness) Token() string { return h.seeded.Token }

var eventID = regexp.MustCompile(`E-\d+`)

// New returns the messages that arrived since it was last asked, oldest first.
func (h *Harness) New() []inbox.Message {
	h.t.Helper()
	h.Settled()
	var fresh []inbox.Message
	for _, m := range h.Inbox.Messages(inbox.Query{}) {
		if !h.seen[m.ID] {
			h.seen[m.ID] = true
			fresh = append(fresh, m)
		}
	}
	return fresh
}

// Receives fails the test unless exactly these members received one message
// each since the last look, in any order, and returns the messages in the
// order of members. Without members nobody received anything.
func (h *Harness) Receives(members ...string) []inbox.Message {
	h.t.Helper()
	fresh := h.New()
	var got []string
	for _, m := range fresh {
		got = append(got, Reader(m))
	}
	want := slices.Clone(members)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		var subjects []string
		for _, m := range fresh {
			subjects = append(subjects, Reader(m)+": "+m.Subject)
		}
		h.t.Fatalf("received by %v, want %v\n%s", got, want, strings.Join(subjects, "\n"))
	}
	slices.SortStableFunc(fresh, func(a, b inbox.Message) int {
		return slices.Index(members, Reader(a)) - slices.Index(members, Reader(b))
	})
	return fresh
}

// Reader returns the member to whom a message went.
func Reader(m inbox.Message) string {
	name, _, _ := strings.Cut(m.To[0], "@")
	return strings.TrimPrefix(name, "tocsin-")
}

// EventOf returns the event that a message is about.
func EventOf(m inbox.Message) string { return eventID.FindString(m.Subject) }

// Link returns the link by which the reader of a message acts.
func Link(t testing.TB, m inbox.Message) string {
	t.Helper()
	for _, l := range m.Links {
		if strings.Contains(l, "/a/") {
			return l
		}
	}
	t.Fatalf("no link in %q", m.Subject)
	return ""
}

// Act posts an action to a link as its page's form would, and returns the page
// that follows.
func (h *Harness) Act(link, action string, pairs ...string) (status int, page string) {
	h.t.Helper()
	form := map[string][]string{"action": {action}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form[pairs[i]] = []string{pairs[i+1]}
	}
	resp, err := http.PostForm(link, form)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// Scan follows a link as a mail scanner does: HEAD and GET, and nothing else.
func (h *Harness) Scan(link string) {
	h.t.Helper()
	for _, read := range []func(string) (*http.Response, error){http.Head, http.Get} {
		resp, err := read(link)
		if err != nil {
			h.t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK {
			h.t.Fatalf("%s answered %d: %v", link, resp.StatusCode, err)
		}
	}
}

// Timeline returns an event's timeline as text, a line per entry.
func (h *Harness) Timeline(id string) string { return h.timeline(id) }
