package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/cloud"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/notify"
	"tocsin/shared/notify/email"
	"tocsin/shared/notify/ntfy"
	"tocsin/shared/outbox"
	"tocsin/shared/outgoing"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
)

var start = time.Date(2026, 3, 11, 19, 12, 0, 0, time.UTC)

// shelf keeps messages in memory as the store does: by conditional writes.
type shelf struct {
	mu   sync.Mutex
	kept map[string]outbox.Message
	fail func(op string) error // what the next call of op comes to; nil: it works
}

func (s *shelf) failing(op string) error {
	if s.fail == nil {
		return nil
	}
	return s.fail(op)
}

func (s *shelf) Get(_ context.Context, _, id string) (outbox.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.failing("get"); err != nil {
		return outbox.Message{}, err
	}
	m, ok := s.kept[id]
	if !ok {
		return m, fault.New(fault.NotFound, "message %s does not exist", id)
	}
	m.Results, m.Others = slices.Clone(m.Results), slices.Clone(m.Others)
	return m, nil
}

func (s *shelf) Put(_ context.Context, m *outbox.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.failing("put"); err != nil {
		return err
	}
	if s.kept[m.ID()].Rev != m.Rev {
		return fault.New(fault.Conflict, "written meanwhile")
	}
	m.Rev++
	s.kept[m.ID()] = *m
	return nil
}

func (s *shelf) Add(_ context.Context, m outbox.Message) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.failing("add"); err != nil {
		return false, err
	}
	if _, ok := s.kept[m.ID()]; ok {
		return false, nil
	}
	m.Rev = 1
	s.kept[m.ID()] = m
	return true, nil
}

func (s *shelf) OfEvent(_ context.Context, id string) ([]outbox.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []outbox.Message
	for _, m := range s.kept {
		if m.Event == id {
			all = append(all, m)
		}
	}
	return all, nil
}

// board holds one event.
type board struct {
	event  event.Event
	former event.Event // the one before
	err    error
	reads  atomic.Int32
}

func (b *board) Get(_ context.Context, id event.ID) (event.Event, error) {
	b.reads.Add(1)
	if b.former.ID != "" && id == b.former.ID {
		return b.former, b.err
	}
	return b.event, b.err
}

// crises holds one incident.
type crises struct{ incident incident.Incident }

func (c *crises) Get(context.Context, incident.ID) (incident.Incident, error) { return c.incident, nil }

// town holds the people.
type town struct {
	contacts map[string][]catalog.Contact
	err      error
	nameless bool
}

func (t *town) List(_ context.Context, member string) ([]catalog.Contact, error) {
	return t.contacts[member], t.err
}

func (t *town) Catalogue(context.Context) (catalogue, error) {
	if t.nameless {
		return catalogue{}, fault.New(fault.Unavailable, "no configuration")
	}
	return catalogue{
		members:  map[string]catalog.Member{"ann": {DisplayName: "Ann Lee", Language: "zh"}},
		services: map[string]catalog.Service{"orders": {DisplayName: "Order service"}},
		language: "en", zone: "Asia/Shanghai",
	}, nil
}

type linker struct{ err error }

func (l linker) Links(_ context.Context, e event.Event, member string) (string, string, error) {
	if l.err != nil {
		return "", "", l.err
	}
	return "https://tocsin.example.com/a/" + string(e.ID) + "-" + member, "https://tocsin.example.com/a/view", nil
}

// line is a queue.
type line struct {
	mu   sync.Mutex
	sent []queue.Entry
	err  error
}

func (l *line) SendAll(_ context.Context, entries []queue.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, entries...)
	return l.err
}

func (l *line) Send(ctx context.Context, e queue.Entry) error {
	return l.SendAll(ctx, []queue.Entry{e})
}

// provider is SES or ntfy: it counts and answers as it is told.
type provider struct {
	mu     sync.Mutex
	calls  int
	bodies []string
	answer func(call int) int // HTTP status; 0 breaks the connection
	after  func()             // runs before the answer
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.calls++
	call := p.calls
	p.bodies = append(p.bodies, string(body))
	p.mu.Unlock()
	if p.after != nil {
		p.after()
	}
	status := 200
	if p.answer != nil {
		status = p.answer(call)
	}
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"MessageId":"ses-1","id":"push-1"}`))
}

func status(s int) func(int) int { return func(int) int { return s } }

// told are the changes of every service.
type told struct {
	found []change.Filed
	err   error
	hangs bool // until the caller has waited long enough

	mu    sync.Mutex
	asked change.Window
}

func (c *told) Find(ctx context.Context, _ string, in change.Window, _ int, _ string) ([]change.Filed, string, error) {
	c.mu.Lock()
	c.asked = in
	c.mu.Unlock()
	if c.hangs {
		<-ctx.Done()
		return nil, "", ctx.Err()
	}
	return c.found, "", c.err
}

// mail returns the n-th mail as it was composed, of quoted lines made whole.
func (s *stage) mail(n int) string {
	s.t.Helper()
	var sent struct {
		Content struct{ Raw struct{ Data []byte } }
	}
	if err := json.Unmarshal([]byte(s.ses.bodies[n]), &sent); err != nil {
		s.t.Fatal(err)
	}
	return strings.ReplaceAll(string(sent.Content.Raw.Data), "=\r\n", "")
}

// stage is a notifier with everything around it.
type stage struct {
	*notifier
	t         *testing.T
	at        time.Time
	shelf     *shelf
	board     *board
	crises    *crises
	told      *told
	town      *town
	tickets   *line
	reports   *line
	ses, push *provider
	out, logs bytes.Buffer
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{
		t: t, at: start.Add(2 * time.Second), shelf: &shelf{kept: map[string]outbox.Message{}}, tickets: &line{}, reports: &line{}, ses: &provider{}, push: &provider{},
		board: &board{event: event.Event{
			ID: "E-4821", State: event.Triggered, Title: "Disk full on db-1", Priority: alert.P1, Service: "orders", Cycle: 1, OpenedAt: start, AlertCount: 1,
		}},
		crises: &crises{}, told: &told{}, town: &town{contacts: map[string][]catalog.Contact{
			"ann": {{ID: "mail", Member: "ann", Channel: catalog.Email, Address: "ann@example.com", Verified: true}, {ID: "phone", Member: "ann", Channel: catalog.Ntfy, Address: "secret-topic", Verified: true}},
			"bob": {{ID: "mail", Member: "bob", Channel: catalog.Email, Address: "bob@example.com", Verified: true}},
		}},
	}
	s.notifier = &notifier{
		messages: s.shelf, events: s.board, incidents: s.crises, changes: s.told, post: &outbox.Post{Queue: s.tickets}, repairs: s.reports, people: s.town, links: linker{},
		channels: channels(t, s.ses, s.push), now: func() time.Time { return s.at },
		log: telemetry.NewLogger(&s.logs, none), metrics: telemetry.NewMetrics(&s.out, none),
	}
	return s
}

func none(string) (string, bool) { return "", false }

func channels(t *testing.T, ses, push http.Handler) map[catalog.Channel]notify.Channel {
	t.Helper()
	mails, pushes := httptest.NewServer(ses), httptest.NewServer(push)
	t.Cleanup(mails.Close)
	t.Cleanup(pushes.Close)
	env := func(name string) (string, bool) {
		v, ok := map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
			"AWS_ENDPOINT_URL_SESV2": mails.URL, "MAIL_FROM": "alerts@ops.example.com",
		}[name]
		return v, ok
	}
	cfg, err := cloud.Config(env)
	if err != nil {
		t.Fatal(err)
	}
	mail, err := email.Open(cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	ntfyChannel, err := ntfy.New(pushes.URL, nil, outgoing.Client(outgoing.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	return map[catalog.Channel]notify.Channel{catalog.Email: mail, catalog.Ntfy: ntfyChannel}
}

// message is the page that the fixtures name: to Ann, by mail, else by phone.
func message(change ...func(*outbox.Message)) outbox.Message {
	m := outbox.New(outbox.Key{Event: "E-4821", Cycle: 1, Reason: outbox.Page, Stage: "plan", Member: "ann", Contact: "mail"}, "email", start)
	m.Others = []outbox.Fallback{{Contact: "phone", Channel: "ntfy"}}
	m.Since = start.Add(-time.Second)
	for _, c := range change {
		c(&m)
	}
	return m
}

func alone(m *outbox.Message) { m.Others = nil }

func to(member string) func(*outbox.Message) { return func(m *outbox.Message) { m.Member = member } }

func because(r outbox.Reason) func(*outbox.Message) {
	return func(m *outbox.Message) { m.Reason = r }
}

func (s *stage) store(messages ...outbox.Message) {
	s.t.Helper()
	for _, m := range messages {
		if _, err := s.messages.Add(s.t.Context(), m); err != nil {
			s.t.Fatal(err)
		}
	}
}

func ticket(m outbox.Message) queue.Message { return queue.Message{Body: outbox.TicketOf(&m).Encode()} }

// do handles the message's ticket, which must succeed.
func (s *stage) do(m outbox.Message) {
	s.t.Helper()
	if err := s.handle(s.t.Context(), ticket(m)); err != nil {
		s.t.Fatalf("handle: %v", err)
	}
}

func (s *stage) stored(m outbox.Message) outbox.Message {
	s.t.Helper()
	got, err := s.messages.Get(s.t.Context(), m.Event, m.ID())
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// want compares what happened so far.
func (s *stage) want(m outbox.Message, state outbox.State, mails, pushes int) {
	s.t.Helper()
	if got := s.stored(m); got.State != state || s.ses.calls != mails || s.push.calls != pushes {
		s.t.Errorf("%s with %d mails and %d pushes; want %s with %d and %d\n%s", got.State, s.ses.calls, s.push.calls, state, mails, pushes, s.logs.String())
	}
}

// delays are those of the tickets sent so far, in order.
func (s *stage) delays() []time.Duration {
	var all []time.Duration
	for _, e := range s.tickets.sent {
		all = append(all, e.Delay)
	}
	return all
}

// counted returns the metrics as "name value", sorted.
func (s *stage) counted() []string {
	s.metrics.Flush(s.t.Context())
	var all []string
	for text := range strings.Lines(s.out.String() + s.logs.String()) { // a log line may carry them
		var object map[string]any
		var form struct {
			AWS struct {
				CloudWatchMetrics []struct {
					Dimensions [][]string
					Metrics    []struct{ Name string }
				}
			} `json:"_aws"`
		}
		if err := errors.Join(json.Unmarshal([]byte(text), &object), json.Unmarshal([]byte(text), &form)); err != nil {
			s.t.Fatal(err)
		}
		for _, directive := range form.AWS.CloudWatchMetrics {
			label := ""
			for _, dimension := range directive.Dimensions[0] {
				label, _ = object[dimension].(string)
			}
			for _, metric := range directive.Metrics {
				all = append(all, metric.Name+" "+jsonOf(object[metric.Name])+" "+label)
			}
		}
	}
	slices.Sort(all)
	return all
}

func jsonOf(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

func fixture(t *testing.T, name string) lambdaevents.SQSEvent {
	t.Helper()
	text := readFile(t, "../../events/notifier/"+name)
	var e lambdaevents.SQSEvent
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

var errDown = errors.New("down")
