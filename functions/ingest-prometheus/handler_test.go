package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"tocsin/shared/httpapi"
	"tocsin/shared/intake"
	"tocsin/shared/integration"
	"tocsin/shared/queue"
	"tocsin/shared/source/prometheus"
	"tocsin/shared/telemetry"
)

const (
	folder = "../../events/ingest-prometheus"
	key    = "tk_EXAMPLEEXAMPLEEXAMPLEEXAM"
)

// account is the little of AWS that the function uses.
type account struct {
	sent   []queue.Entry
	unsent error
}

func (a *account) Find(_ context.Context, given string) (integration.Found, error) {
	if given != key {
		return integration.Found{}, integration.ErrRefused
	}
	return integration.Found{Integration: integration.Integration{ID: "prod", Source: "prometheus", Auth: integration.None}}, nil
}

func (a *account) Send(_ context.Context, e queue.Entry) error {
	if a.unsent == nil {
		a.sent = append(a.sent, e)
	}
	return a.unsent
}

func (a *account) Put(context.Context, string, []byte) error {
	return errors.New("nothing here is large")
}

// invoke hands the event of a file to the function and returns its answer and
// what it wrote.
func invoke(t *testing.T, a *account, file string) (events.APIGatewayV2HTTPResponse, string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	env := func(string) (string, bool) { return "", false }
	metrics, now := telemetry.NewMetrics(&out, env), func() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) }
	in := &intake.Intake{Source: prometheus.Source, Integrations: a, Queue: a, Objects: a, Metrics: metrics, Now: now, Clock: now}
	answer, err := httpapi.Lambda(routes(telemetry.NewLogger(&out, env), metrics, in))(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return answer, out.String()
}

func TestEveryEventIsAnswered(t *testing.T) {
	for file, want := range map[string]struct {
		status   int
		body     string
		accepted int // alerts in the message; -1: no message
	}{
		"alertmanager-firing.json":            {202, `"keys":["fingerprint:00aa11bb22cc33d1"],"rejected":[]`, 1},
		"alertmanager-two-firing.json":        {202, `"keys":["fingerprint:00aa11bb22cc33d1","fingerprint:00aa11bb22cc33d2"]`, 2},
		"alertmanager-resolved.json":          {202, `"rejected":[]`, 1},
		"alertmanager-no-alerts.json":         {202, `"keys":[],"rejected":[]`, 0},
		"alertmanager-partly-unreadable.json": {202, `"rejected":[{"position":1,"reason":"status: is \"acknowledged\", expected firing or resolved"},{"position":2,`, 1},
		"base64-body.json":                    {202, `"keys":["fingerprint:00aa11bb22cc33d1"]`, 1},
		"prometheus-api-v2.json":              {202, `"keys":["hash1:`, 2},
		"unknown-key.json":                    {401, `"title":"Unauthorized"`, -1},
		"wrong-method.json":                   {405, `"detail":"the method is not one of POST"`, -1},
		"empty-body.json":                     {400, `"detail":"the body is empty"`, -1},
		"not-json.json":                       {400, `"detail":"the body is not valid JSON at byte 1`, -1},
		"wrong-content-type.json":             {415, `"detail":"the content type is not application/json"`, -1},
	} {
		t.Run(file, func(t *testing.T) {
			a := &account{}
			answer, wrote := invoke(t, a, file)
			if answer.StatusCode != want.status || !strings.Contains(answer.Body, want.body) {
				t.Errorf("%d %s\nwant %d %s", answer.StatusCode, answer.Body, want.status, want.body)
			}
			if got := acceptedIn(t, a); got != want.accepted {
				t.Errorf("%d alerts in the queue, want %d", got, want.accepted)
			}
			if strings.Contains(wrote, "tk_") || strings.Contains(answer.Body, "tk_") {
				t.Errorf("the key shows: %s%s", answer.Body, wrote)
			}
		})
	}
}

func acceptedIn(t *testing.T, a *account) int {
	t.Helper()
	if len(a.sent) == 0 {
		return -1
	}
	d, object, err := intake.Decode([]byte(a.sent[0].Body))
	if err != nil || object != "" || len(a.sent) != 1 || a.sent[0].Group != "prod" {
		t.Fatalf("sent %+v: %v", a.sent, err)
	}
	n := 0
	for _, item := range d.Items {
		if item.Alert != nil {
			n++
		}
	}
	return n
}

func TestEveryEventFileIsInvoked(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) != 12 {
		t.Errorf("%d files in %s, %v; the test above names 12", len(files), folder, err)
	}
}

func TestLogAndMetricsTellOfTheRequest(t *testing.T) {
	_, wrote := invoke(t, &account{}, "alertmanager-partly-unreadable.json")
	for _, want := range []string{
		`"route":"POST /in/prometheus/{key}","status":202`, `"request_id":"JKJaXmPLvHcESHA="`, `"integration":"prod"`, `"alerts":1,"rejected":2`,
		`"Accepted":1`, `"Rejected":2`, `"outcome":"accepted"`,
	} {
		if !strings.Contains(wrote, want) {
			t.Errorf("%s is missing in\n%s", want, wrote)
		}
	}
}

func TestFailureToQueueAsksForARepeat(t *testing.T) {
	answer, wrote := invoke(t, &account{unsent: errors.New("throttled by the queue")}, "alertmanager-firing.json")
	if answer.StatusCode != 503 || answer.Headers["Retry-After"] == "" || strings.Contains(answer.Body, "throttled") {
		t.Errorf("%d %v %s", answer.StatusCode, answer.Headers, answer.Body)
	}
	if !strings.Contains(wrote, "throttled by the queue") || !strings.Contains(wrote, `"outcome":"failed"`) {
		t.Errorf("wrote %s", wrote)
	}
}

func TestStartNamesTheMissingVariable(t *testing.T) {
	full := map[string]string{"AWS_REGION": "eu-west-1", "CONFIG_TABLE": "config", "ALERTS_QUEUE_URL": "https://sqs.example.com/q", "BUCKET": "bucket"}
	for missing := range full {
		env := func(name string) (string, bool) { v, ok := full[name]; return v, ok && name != missing }
		if _, err := newHandler(slog.New(slog.DiscardHandler), env); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	if _, err := newHandler(slog.New(slog.DiscardHandler), func(name string) (string, bool) { v, ok := full[name]; return v, ok }); err != nil {
		t.Error(err)
	}
}
