package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"tocsin/shared/apitoken"
	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/config"
	"tocsin/shared/ddb"
	"tocsin/shared/httpapi"
	"tocsin/shared/ops"
	"tocsin/shared/ops/opstest"
)

// environment is what the template gives the function.
func environment(events, settings, journal ddb.Table, elsewhere string) map[string]string {
	return map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_ENDPOINT_URL_DYNAMODB": *settings.Options().BaseEndpoint,
		"AWS_ENDPOINT_URL":          elsewhere,
		"EVENTS_TABLE":              events.Name, "CONFIG_TABLE": settings.Name, "LEDGER_TABLE": journal.Name,
		"MESSAGES_QUEUE_URL":   elsewhere + "/messages",
		"EVENT_MACHINE_ARN":    "arn:aws:states:eu-west-1:123456789012:stateMachine:events",
		"INCIDENT_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:incidents",
		"BUCKET":               "deliveries", "SECRETS_PREFIX": "/tocsin/test/integrations/",
	}
}

// refusing stands for every service but DynamoDB: it refuses all.
func refusing(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"ValidationException"}`))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func lookup(env map[string]string) cloud.Lookup {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

const exampleToken = "tt_EXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEE"

func TestTheFunctionAnswersEventsOfAPIGateway(t *testing.T) {
	eventsTable, settings, journal := opstest.Table(t), opstest.Table(t), opstest.Table(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	h, err := newHandler(logger, lookup(environment(eventsTable, settings, journal, refusing(t))))
	if err != nil {
		t.Fatal(err)
	}
	token := apitoken.Token{Name: "test", Scopes: []string{string(ops.EventsWrite)}}
	_, secret, err := apitoken.NewStore(settings, logger, clock.Now).Create(t.Context(), token, clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		status int
		text   string
	}{
		"whoami":                    {200, `"actor":"token:test"`},
		"report-event":              {201, `"priority":"P1"`},
		"report-event-base64":       {201, `"priority":"P3"`},
		"list-events":               {200, `"title":"Customers cannot log in"`},
		"head-events":               {200, ""},
		"acknowledge-unknown-event": {404, "E-4821 does not exist"},
		"unknown-field":             {422, "expected one of title"},
		"not-json":                  {400, "not valid JSON"},
		"wrong-content-type":        {415, "application/json"},
		"openapi-without-token":     {200, `"openapi":"3.1.0"`},
		"list-events-without-token": {401, "urn:tocsin:problem:unauthenticated"},
		"unknown-path":              {404, "nothing at this path"},
		"wrong-method":              {405, "GET, HEAD, POST"},
	}
	files, err := filepath.Glob("../../events/api/*.json")
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d payloads, want %d (%v)", len(files), len(want), err)
	}
	// What reports comes before what lists.
	for _, name := range append([]string{"report-event"}, names(files)...) {
		t.Run(name, func(t *testing.T) {
			out, err := httpapi.Lambda(h).Answer(t.Context(), payload(t, name, secret))
			if err != nil {
				t.Fatal(err)
			}
			if w := want[name]; out.StatusCode != w.status || !strings.Contains(out.Body, w.text) {
				t.Errorf("status %d, want %d with %s\n%.500s", out.StatusCode, w.status, w.text, out.Body)
			}
			if strings.HasPrefix(out.Headers["Content-Type"], "application/problem") != (want[name].status >= 400) {
				t.Errorf("headers %v", out.Headers)
			}
		})
	}
	if strings.Contains(log.String(), secret) {
		t.Error("the log holds the token")
	}
	if !strings.Contains(log.String(), `"operation":"events.report","by":"token:test"`) {
		t.Errorf("the log does not tell who did what: %s", log.String())
	}
}

func names(files []string) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = strings.TrimSuffix(filepath.Base(f), ".json")
	}
	return out
}

func payload(t *testing.T, name, token string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../events/api", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte(exampleToken), []byte(token))
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAMissingVariableIsNamed(t *testing.T) {
	whole := map[string]string{
		"AWS_REGION": "eu-west-1", "EVENTS_TABLE": "e", "CONFIG_TABLE": "c", "LEDGER_TABLE": "l", "MESSAGES_QUEUE_URL": "q",
		"EVENT_MACHINE_ARN": "a", "INCIDENT_MACHINE_ARN": "b", "BUCKET": "d",
	}
	log := slog.New(slog.DiscardHandler)
	if _, err := newHandler(log, lookup(whole)); err != nil {
		t.Fatalf("the whole environment: %v", err)
	}
	for missing := range whole {
		env := map[string]string{}
		for k, v := range whole {
			if k != missing {
				env[k] = v
			}
		}
		if _, err := newHandler(log, lookup(env)); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	whole["PUBLIC_URL"] = "tocsin"
	if _, err := newHandler(log, lookup(whole)); err == nil {
		t.Error("an address without host is accepted")
	}
}

// TestWhatIsPublishedIsKnownAtOnce: the function remembers a version that it
// read, and asks at each request whether it is the one in force.
func TestWhatIsPublishedIsKnownAtOnce(t *testing.T) {
	settings, log := opstest.Table(t), slog.New(slog.DiscardHandler)
	h, err := newHandler(log, lookup(environment(opstest.Table(t), settings, opstest.Table(t), refusing(t))))
	if err != nil {
		t.Fatal(err)
	}
	_, secret, err := apitoken.NewStore(settings, log, clock.Now).Create(t.Context(), apitoken.Token{Name: "test", Scopes: []string{string(ops.Admin)}}, clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	services := func() string {
		r := httptest.NewRequest("GET", "/v1/services", nil)
		r.Header.Set("Authorization", "Bearer "+secret)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Body.String()
	}
	versions := config.NewStore(settings)
	for i, name := range []string{"shop", "till"} {
		if strings.Contains(services(), name) {
			t.Fatalf("%s is there before it is published", name)
		}
		docs := []config.Document{{Kind: config.KindService, Name: name, Spec: json.RawMessage(`{"tier":1}`)}}
		if _, err := versions.Publish(t.Context(), docs, "test", "", i, clock.Now()); err != nil {
			t.Fatal(err)
		}
		if got := services(); !strings.Contains(got, name) {
			t.Errorf("after %s was published: %s", name, got)
		}
	}
}
