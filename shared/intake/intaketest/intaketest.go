// Package intaketest invokes an ingest function with the events of its folder
// and says in a line each what it made of them. Tests alone import it.
//
//	intaketest.Run(t, datadog.Source, []intaketest.Case{
//		{File: "alert.json", Alerts: []string{`firing P1 critical key:17 2026-03-01T08:00:00Z "CPU of web-1 is high"`}},
//	})
package intaketest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"tocsin/shared/alert"
	"tocsin/shared/httpapi"
	"tocsin/shared/intake"
	"tocsin/shared/integration"
	"tocsin/shared/queue"
	"tocsin/shared/source"
	"tocsin/shared/telemetry"
)

// Key is the key of the integration in the events' paths.
const Key = "tk_EXAMPLEEXAMPLEEXAMPLEEXAM"

// Received is when the events of the folder were received.
var Received = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// Case is an event of the function's folder and what becomes of it.
type Case struct {
	File    string
	Source  string   // of the integration; "" is the function's
	Secrets []string // of an integration whose auth is "vendor"; nil: the key alone
	Status  int      // of the answer; 0 is 202
	Body    string   // part of the answer's body
	Alerts  []string // what [Line] says of the alerts in the queue
	Changes []string // titles of the changes in the queue
}

// Line says what an alert is: status, priority, severity, dedup key, start and
// title.
func Line(a *alert.Alert) string {
	severity, started := string(a.Severity), "-"
	if severity == "" {
		severity = "-"
	}
	if !a.StartedAt.IsZero() {
		started = a.StartedAt.Format(time.RFC3339)
	}
	return fmt.Sprintf("%s %s %s %s %s %q", a.Status, a.Priority, severity, a.DedupKey, started, a.Title)
}

// Account is the little of AWS that an ingest function uses.
type Account struct {
	Found  integration.Found
	Sent   []intake.Delivery
	Told   []intake.Delivery // of requests that were refused
	Failed error             // what sending meets
	Visits []string
	wrote  bytes.Buffer // log and metrics
	err    error
}

// NewAccount has an integration of the source, without a secret.
func NewAccount(src source.Source) *Account {
	return &Account{Found: integration.Found{Integration: integration.Integration{ID: "prod", Source: src.Name, Auth: integration.None}}}
}

// Find finds the integration of Key.
func (a *Account) Find(_ context.Context, given string) (integration.Found, error) {
	if given != Key {
		return integration.Found{}, integration.ErrRefused
	}
	return a.Found, nil
}

// Send keeps what was sent.
func (a *Account) Send(_ context.Context, e queue.Entry) error {
	if a.Failed != nil {
		return a.Failed
	}
	d, object, err := intake.Decode([]byte(e.Body))
	if err != nil || object != "" {
		a.err = errors.Join(err, fmt.Errorf("object %q", object))
	}
	if d.Refused > 0 {
		a.Told = append(a.Told, d)
	} else {
		a.Sent = append(a.Sent, d)
	}
	return nil
}

// Put refuses: nothing of the events is large.
func (a *Account) Put(context.Context, string, []byte) error {
	return errors.New("nothing here is large")
}

// Do keeps the address of a confirmation.
func (a *Account) Do(r *http.Request) (*http.Response, error) {
	a.Visits = append(a.Visits, r.URL.String())
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// Intake returns an intake of src over a.
func (a *Account) Intake(src source.Source) *intake.Intake {
	now := func() time.Time { return Received }
	return &intake.Intake{Pick: intake.Only(src), Function: src.Name, Integrations: a, Queue: a, Objects: a, Confirm: a,
		Metrics: telemetry.NewMetrics(&a.wrote, noEnv), Now: now, Clock: now}
}

func noEnv(string) (string, bool) { return "", false }

// Invoke hands an event to a handler and returns its answer and what it wrote.
func (a *Account) Invoke(t testing.TB, h http.Handler, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, string) {
	t.Helper()
	answer, err := httpapi.Lambda(h).Answer(t.Context(), e)
	if err = errors.Join(err, a.err); err != nil {
		t.Fatal(err)
	}
	return answer, a.wrote.String()
}

// Read reads an event of a function's folder below events.
func Read(t testing.TB, function, file string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	var e events.APIGatewayV2HTTPRequest
	raw, err := os.ReadFile(filepath.Join("../../events", function, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return e
}

// Function is what is tested: its name, the source of its integration, and how
// it serves.
type Function struct {
	Name   string
	Source source.Source
	Serve  func(*slog.Logger, *intake.Intake) http.Handler
}

// Run invokes the function of src, which is called ingest-<source>, with every
// case, and with what no function may accept.
func Run(t *testing.T, src source.Source, cases []Case) {
	t.Helper()
	f := Function{Name: "ingest-" + src.Name, Source: src, Serve: func(log *slog.Logger, in *intake.Intake) http.Handler { return in.Routes(log, src.Name) }}
	f.Run(t, cases)
	f.refuseBadRequests(t, Read(t, f.Name, cases[0].File))
}

// Run invokes f with every case, of which there must be one for each event of
// its folder.
func (f Function) Run(t *testing.T, cases []Case) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.File, func(t *testing.T) { f.check(t, c) })
	}
	t.Run("every file is a case", func(t *testing.T) {
		files, err := filepath.Glob(filepath.Join("../../events", f.Name, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%d files, %v", len(files), err)
		}
		for _, file := range files {
			if !slices.ContainsFunc(cases, func(c Case) bool { return c.File == filepath.Base(file) }) {
				t.Errorf("%s is no case", file)
			}
		}
	})
}

func (f Function) check(t *testing.T, c Case) {
	t.Helper()
	a := NewAccount(f.Source)
	if c.Source != "" {
		a.Found.Source = c.Source
	}
	if c.Secrets != nil {
		a.Found.Auth, a.Found.Secrets = integration.Vendor, c.Secrets
	}
	answer, wrote := a.Invoke(t, f.Serve(telemetry.NewLogger(&a.wrote, noEnv), a.Intake(f.Source)), Read(t, f.Name, c.File))
	if answer.StatusCode != cmp.Or(c.Status, http.StatusAccepted) {
		t.Fatalf("answered %d %s", answer.StatusCode, answer.Body)
	}
	if !strings.Contains(answer.Body, c.Body) {
		t.Errorf("answered %s, want %s", answer.Body, c.Body)
	}
	alerts, changes := a.lines()
	if !slices.Equal(alerts, c.Alerts) {
		t.Errorf("alerts\n%s\nwant\n%s", strings.Join(alerts, "\n"), strings.Join(c.Alerts, "\n"))
	}
	if !slices.Equal(changes, c.Changes) {
		t.Errorf("changes %q, want %q", changes, c.Changes)
	}
	if strings.Contains(wrote, Key) || strings.Contains(answer.Body, Key) {
		t.Errorf("the key shows: %s%s", answer.Body, wrote)
	}
}

func (a *Account) lines() (alerts, changes []string) {
	for _, d := range a.Sent {
		for _, item := range d.Items {
			if item.Alert != nil {
				alerts = append(alerts, Line(item.Alert))
			} else {
				alerts = append(alerts, "rejected: "+item.Rejected)
			}
		}
		for _, c := range d.Changes {
			changes = append(changes, c.Title)
		}
	}
	return alerts, changes
}

// refuseBadRequests sends what no ingest function may accept or break at, in
// place of the body or key of a good event.
func (f Function) refuseBadRequests(t *testing.T, good events.APIGatewayV2HTTPRequest) {
	t.Helper()
	f.Refuse(t, BadRequests(good), `"detail":`)
}

// Bad is a request that no function may accept or break at, and the statuses
// that may answer it.
type Bad struct {
	Name   string
	Event  events.APIGatewayV2HTTPRequest
	Status []int
}

// BadRequests are good with a bad body, key, method or header.
func BadRequests(good events.APIGatewayV2HTTPRequest) []Bad {
	bad := []Bad{}
	for _, c := range []struct {
		name   string
		change func(*events.APIGatewayV2HTTPRequest)
		status []int
	}{
		{"empty body", body(""), []int{400, 401}},
		{"2 MiB", body(strings.Repeat(" ", 2<<20)), []int{413}},
		{"1 MiB and a byte", body(strings.Repeat(" ", 1<<20+1)), []int{413}},
		{"nothing but white space", body(" \r\n\t"), []int{400, 401, 422}},
		{"NUL", body("\x00"), []int{400, 401}},
		{"base64 that is none", func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "%", true }, []int{400}},
		{"a bomb", packed("gzip", bomb()), []int{413, 401, 400}},
		{"gzip that is none", packed("gzip", good.Body), []int{400, 401}},
		{"brotli", packed("br", good.Body), []int{415, 401, 400}},
		{"cut short", body(good.Body[:len(good.Body)/2]), []int{400, 401, 202}},
		{"200 levels deep", body(strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)), []int{400, 401}},
		{"an empty object", body("{}"), []int{400, 401, 422, 202}},
		{"an empty array", body("[]"), []int{400, 401, 422, 202}},
		{"null", body("null"), []int{400, 401, 422}},
		{"a number", body("17"), []int{400, 401, 422}},
		{"invalid UTF-8", body("\xff\xfe{"), []int{400, 401}},
		{"wrong types all over", body(`{"alerts":1,"status":{},"title":[],"id":{"a":[]},"data":"x","event":7,"incident":[],"check":null}`), []int{400, 401, 422, 202}},
		{"unknown key", func(e *events.APIGatewayV2HTTPRequest) {
			const unknown = "tk_UNKNOWNUNKNOWNUNKNOWNUNKN"
			e.RawPath, e.Body = strings.Replace(e.RawPath, Key, unknown, 1), strings.Replace(e.Body, Key, unknown, 1)
			e.RequestContext.HTTP.Path = e.RawPath
			for name, value := range e.Headers {
				e.Headers[name] = strings.Replace(value, Key, unknown, 1)
			}
		}, []int{401}},
		{"wrong method", func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = http.MethodGet }, []int{405}},
		{"wrong character set", func(e *events.APIGatewayV2HTTPRequest) {
			e.Headers["content-type"], e.Body = "application/json; charset=shift_jis", `{"title":"テスト"}`
		}, []int{415, 401}},
	} {
		e := good
		e.Headers = maps.Clone(good.Headers)
		c.change(&e)
		bad = append(bad, Bad{c.name, e, c.status})
	}
	return bad
}

// Refuse sends requests, and fails the test where one is answered by another
// status, or where a refusal does not hold a text, keeps something or shows
// the key.
func (f Function) Refuse(t *testing.T, bad []Bad, text string) {
	t.Helper()
	for _, c := range bad {
		t.Run("bad request: "+c.Name, func(t *testing.T) {
			a := NewAccount(f.Source)
			answer, wrote := a.Invoke(t, f.Serve(telemetry.NewLogger(&a.wrote, noEnv), a.Intake(f.Source)), c.Event)
			if !slices.Contains(c.Status, answer.StatusCode) {
				t.Errorf("answered %d %s, want one of %v", answer.StatusCode, answer.Body, c.Status)
			}
			if answer.StatusCode >= 400 && (len(a.Sent) > 0 || !strings.Contains(answer.Body, text)) {
				t.Errorf("%d deliveries, answer %s", len(a.Sent), answer.Body)
			}
			if strings.Contains(wrote+answer.Body, Key) {
				t.Errorf("the key shows: %s", wrote)
			}
		})
	}
}

// packed is a body that is sent under a content encoding.
func packed(encoding, body string) func(*events.APIGatewayV2HTTPRequest) {
	return func(e *events.APIGatewayV2HTTPRequest) {
		e.Headers["content-encoding"] = encoding
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(body)), true
	}
}

// bomb is 2 MiB in 2 KB.
func bomb() string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(make([]byte, 2<<20))
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err) // memory does not fail
	}
	return out.String()
}

func body(text string) func(*events.APIGatewayV2HTTPRequest) {
	return func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = text, false }
}

// Write takes what the function logs.
func (a *Account) Write(p []byte) (int, error) { return a.wrote.Write(p) }
