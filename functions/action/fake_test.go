package main

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/actionlink"
	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/config"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/outbox"
)

// night is when the tests' pager rings: 03:12 in Berlin.
var night = time.Date(2026, 3, 12, 2, 12, 0, 0, time.UTC)

// ringText is a ring with an invented secret, by which fixtures are signed.
const ringText = `{"v":1,"keys":[{"id":7,"secret":"aW52ZW50ZWQgc2VjcmV0IG9mIHRoZSBmaXh0dXJlcyE=","created_at":"2026-01-01T00:00:00Z"}]}`

type ringParameter struct{}

func (ringParameter) Load(context.Context) ([]byte, error) { return []byte(ringText), nil }

// office is everything behind the handler, in memory. It applies operations
// as the desk does.
type office struct {
	now      time.Time
	events   map[event.ID]event.Event
	timeline map[event.ID][]event.Item
	messages []outbox.Message
	sent     []outbox.Message
	contacts []catalog.Contact
	config   *config.Config
	reads    int
	down     error                   // what every read fails with
	partly   error                   // what reads of messages and timelines fail with
	race     func(*office, event.ID) // happens once, between the page's read and the operation
	changed  []change.Filed          // what Find finds
	asked    change.Window           // what it was asked for
	slot     event.ID                // holds the slot when an event is reopened
	log      bytes.Buffer

	incident         incident.Incident // I-7
	incidentTimeline []event.Item
}

// incidents is the office's side of incidents.
type incidents struct{ *office }

func (o incidents) Get(_ context.Context, id incident.ID) (incident.Incident, error) {
	o.reads++
	if id != o.incident.ID {
		return incident.Incident{}, fault.New(fault.NotFound, "incident %s does not exist", id)
	}
	return o.incident, o.down
}

func (o incidents) Timeline(context.Context, incident.ID) ([]event.Item, error) {
	return slices.Clone(o.incidentTimeline), o.down
}

func (o incidents) DoWith(ctx context.Context, id incident.ID, by event.Actor, choose func(incident.Incident, time.Time) (incident.Op, error)) (incident.Incident, error) {
	i, err := o.Get(ctx, id)
	if err != nil {
		return i, err
	}
	op, err := choose(i, o.now)
	if err != nil || op == nil {
		return i, err
	}
	change, err := incident.Apply(i, op, by, o.now)
	if err != nil {
		return i, err
	}
	o.incident = change.Incident
	o.incidentTimeline = append(o.incidentTimeline, change.Timeline...)
	return o.incident, nil
}

// doIncident lets somebody act on I-7, outside of any link.
func (o *office) doIncident(t testing.TB, by string, ops ...incident.Op) {
	t.Helper()
	for _, op := range ops {
		_, err := incidents{o}.DoWith(t.Context(), "I-7", event.ByMember(by), func(incident.Incident, time.Time) (incident.Op, error) { return op, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ofIncident makes a link lead to I-7.
func ofIncident(c *actionlink.Claims) {
	c.Kind, c.Number, c.Actions = actionlink.Incident, 7, actionlink.IncidentActions
}

func newOffice(t testing.TB) *office {
	t.Helper()
	documents := []config.Document{
		{Kind: "member", Name: "alice", Spec: []byte(`{"display_name":"Alice Ahrens","language":"en","time_zone":"Europe/Berlin"}`)},
		{Kind: "member", Name: "bob", Spec: []byte(`{"display_name":"Bob Brandt","time_zone":"Europe/Berlin"}`)},
		{Kind: "member", Name: "lei", Spec: []byte(`{"display_name":"李雷","language":"zh","time_zone":"Asia/Shanghai"}`)},
		{Kind: "team", Name: "payments", Spec: []byte(`{"display_name":"Payments team","members":["alice","bob"]}`)},
		{Kind: "service", Name: "checkout", Spec: []byte(`{"display_name":"Checkout","team":"payments"}`)},
	}
	cfg, problems := config.Parse(documents)
	if len(problems) > 0 {
		t.Fatalf("configuration: %v", problems)
	}
	o := &office{
		now: night, config: cfg, events: map[event.ID]event.Event{}, timeline: map[event.ID][]event.Item{},
		contacts: []catalog.Contact{
			{ID: "phone", Member: "alice", Channel: catalog.Ntfy, Address: "alice-pages", Verified: true, Order: 1},
			{ID: "mail", Member: "alice", Channel: catalog.Email, Address: "alice@example.com", Verified: true, Order: 2},
			{ID: "old", Member: "alice", Channel: catalog.Email, Address: "old@example.com", Order: 0},
		},
	}
	o.put(sample("E-4821"))
	o.incident = incident.Opened("I-7", sample("E-4821"), night)
	o.incident.OpenedBy, o.incident.ChangedBy = "member:bob", "member:bob"
	o.incident.Roles = map[incident.Role]string{incident.Commander: "bob"}
	o.incidentTimeline = []event.Item{{At: night, By: "member:bob", What: "incident.opened", Data: map[string]string{"event": "E-4821"}}}
	o.messages = []outbox.Message{{
		Key:       outbox.Key{Event: "E-4821", Cycle: 1, Reason: outbox.Page, Member: "alice", Contact: "phone"},
		CreatedAt: night.Add(-5 * time.Minute), Next: outbox.Forecast{What: "step", Who: []string{"Bob Brandt"}},
	}}
	return o
}

func sample(id event.ID) event.Event {
	return event.Event{
		ID: id, State: event.Triggered, Title: "Payment API answers 5xx for 18 % of requests",
		Description: "Error ratio of payment-api is 0.18, threshold 0.05.\nSince 03:05 in eu-central-1.",
		Priority:    alert.P1, Service: "checkout", Assignee: event.Assignee{Team: "payments"},
		Source: "prometheus", Integration: "prod",
		Labels: map[string]string{"alertname": "PaymentErrors", "cluster": "eu-central-1", "severity": "critical"},
		Links: []alert.Link{
			{Text: "Runbook", URL: "https://runbooks.example.com/payment-errors"},
			{URL: "https://grafana.example.com/d/payment"},
			{Text: "Bad", URL: "javascript:alert(1)"},
		},
		Execution: execution.First(night.Add(-6 * time.Minute)), Cycle: 1, Opening: 1, AlertCount: 3,
		OpenedAt: night.Add(-6 * time.Minute), TriggeredAt: night.Add(-6 * time.Minute),
		Progress: event.Progress{Stage: event.StagePlan, PagedAt: night.Add(-5 * time.Minute), Deadline: night.Add(5 * time.Minute)},
	}
}

func (o *office) put(e event.Event) {
	o.events[e.ID] = e
	if o.timeline[e.ID] == nil {
		o.timeline[e.ID] = []event.Item{
			{At: e.OpenedAt, By: event.ByRule("payments-p1"), What: "event.opened", Data: map[string]string{"because": "rule payments-p1"}},
			{At: e.OpenedAt.Add(time.Minute), By: event.Self, What: "event.paged", Data: map[string]string{"stage": "plan", "step": "1", "round": "1", "who": "Alice Ahrens"}},
		}
	}
}

func (o *office) Get(_ context.Context, id event.ID) (event.Event, error) {
	o.reads++
	if o.down != nil {
		return event.Event{}, o.down
	}
	e, ok := o.events[id]
	if !ok {
		return e, fault.New(fault.NotFound, "event %s does not exist", id)
	}
	return e, nil
}

// Find is the office's side of changes.
func (o *office) Find(_ context.Context, _ string, in change.Window, _ int, _ string) ([]change.Filed, string, error) {
	o.asked = in
	return o.changed, "", cmp.Or(o.partly, o.down)
}

func (o *office) Timeline(_ context.Context, id event.ID) ([]event.Item, error) {
	o.reads++
	if o.partly != nil {
		return nil, o.partly
	}
	return slices.Clone(o.timeline[id]), o.down
}

func (o *office) OfEvent(_ context.Context, id string) ([]outbox.Message, error) {
	o.reads++
	if o.partly != nil {
		return nil, o.partly
	}
	return o.messages, o.down
}

func (o *office) Add(_ context.Context, m outbox.Message) (bool, error) {
	for _, old := range o.messages {
		if old.Key == m.Key {
			return false, nil
		}
	}
	o.messages = append(o.messages, m)
	return true, nil
}

func (o *office) Send(_ context.Context, messages []outbox.Message) error {
	o.sent = append(o.sent, messages...)
	return nil
}

func (o *office) List(_ context.Context, member string) ([]catalog.Contact, error) {
	var found []catalog.Contact
	for _, c := range o.contacts {
		if c.Member == member {
			found = append(found, c)
		}
	}
	return found, o.down
}

func (o *office) Current(context.Context) (*config.Config, error) {
	o.reads++
	return o.config, o.down
}

func (o *office) DoWith(ctx context.Context, id event.ID, by event.Actor, choose func(event.Event, time.Time) (event.Op, error)) (event.Event, error) {
	if o.race != nil {
		happens := o.race
		o.race = nil
		happens(o, id)
	}
	e, err := o.Get(ctx, id)
	if err != nil {
		return e, err
	}
	op, err := choose(e, o.now)
	if err != nil || op == nil {
		return e, err
	}
	if _, reopens := op.(event.Reopen); reopens && o.slot != "" {
		return e, &event.SlotError{Slot: "s", Holder: o.slot}
	}
	change, err := event.Apply(e, op, by, o.now)
	if err != nil {
		return e, err
	}
	o.events[id] = change.Event
	o.timeline[id] = append(o.timeline[id], change.Timeline...)
	return change.Event, nil
}

// do lets somebody act on an event, outside of any link.
func (o *office) do(t testing.TB, id event.ID, by string, ops ...event.Op) {
	t.Helper()
	for _, op := range ops {
		_, err := o.DoWith(t.Context(), id, event.ByMember(by), func(event.Event, time.Time) (event.Op, error) { return op, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (o *office) keys() *actionlink.Keys {
	return actionlink.NewKeys(ringParameter{}, func() time.Time { return o.now })
}

// handler is the real one, over the office.
func (o *office) handler() http.Handler {
	return routes(slog.New(slog.NewJSONHandler(&o.log, nil)), &handler{
		links: o.keys(), desk: o, events: o, incidentDesk: incidents{o}, incidents: incidents{o}, changes: o, messages: o, post: o, contacts: o, config: o,
		now: func() time.Time { return o.now },
	})
}

// token is a link of a member for the first opening of E-4821, changed.
func (o *office) token(t testing.TB, member string, change ...func(*actionlink.Claims)) string {
	t.Helper()
	c := actionlink.Claims{
		Kind: actionlink.Event, Number: 4821, Opening: 1, Actions: actionlink.EventActions,
		Member: actionlink.MemberOf(member), Expires: night.Add(24 * time.Hour), Nonce: [5]byte{1, 2, 3, 4, 5},
	}
	for _, f := range change {
		f(&c)
	}
	token, err := o.keys().Sign(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// browser does what a phone does: it follows redirects with GET.
type browser struct {
	t        testing.TB
	server   *httptest.Server
	language string
	header   http.Header
}

func (o *office) browse(t testing.TB) *browser {
	t.Helper()
	s := httptest.NewServer(o.handler())
	t.Cleanup(s.Close)
	return &browser{t: t, server: s, header: http.Header{}}
}

type answer struct {
	status int
	header http.Header
	body   string
	path   string // after redirects
}

func (b *browser) do(method, path, contentType string, body io.Reader) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = b.header.Clone()
	if b.language != "" {
		r.Header.Set("Accept-Language", b.language)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	resp, err := b.server.Client().Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	checkHeaders(b.t, resp.Header)
	return answer{resp.StatusCode, resp.Header, string(text), resp.Request.URL.RequestURI()}
}

func (b *browser) get(token string) answer { return b.do(http.MethodGet, "/a/"+token, "", nil) }

// tap posts what a form of the page would: the pairs are names and values.
func (b *browser) tap(token string, pairs ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, "/a/"+token, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// shows fails unless the page holds every text.
func (a answer) shows(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d", a.status, status)
	}
	for _, s := range texts {
		if !strings.Contains(a.body, s) {
			t.Errorf("the page does not show %q:\n%s", s, plain(a.body))
		}
	}
}

// hides fails when the page holds one of the texts.
func (a answer) hides(t testing.TB, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if strings.Contains(a.body, s) {
			t.Errorf("the page shows %q", s)
		}
	}
}

// plain is a page without its style, for messages of failed tests.
func plain(page string) string {
	head, rest, _ := strings.Cut(page, "<style>")
	_, tail, ok := strings.Cut(rest, "</style>")
	if !ok {
		return page
	}
	return head + tail
}

func checkHeaders(t testing.TB, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": policy(),
		"Referrer-Policy":         "no-referrer",
		"Cache-Control":           "no-store",
		"X-Robots-Tag":            "noindex, nofollow",
		"X-Content-Type-Options":  "nosniff",
		"Set-Cookie":              "",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
}

func sampleLinks(evil string) []alert.Link {
	return []alert.Link{
		{Text: evil, URL: "https://example.com/" + evil}, {Text: "b", URL: " javascript:alert(1)"}, {Text: "c", URL: "JavaScript:alert(1)"},
		{Text: "d", URL: "data:text/html,x"}, {Text: "e", URL: "vbscript:x"}, {Text: "f", URL: "//example.com"}, {Text: "g", URL: "HTTPS://example.com"}, {Text: "h", URL: ""},
	}
}
