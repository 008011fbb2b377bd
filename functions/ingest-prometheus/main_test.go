package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"tocsin/shared/intake"
	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/prometheus"
	"tocsin/shared/telemetry"
)

const (
	db1 = `firing P1 critical fingerprint:00aa11bb22cc33d1 2026-03-01T08:55:12Z "Disk of db-1 is full"`
	db2 = `firing P1 critical fingerprint:00aa11bb22cc33d2 2026-03-01T08:55:12Z "Disk of db-2 is full"`
)

func TestEvents(t *testing.T) {
	f := intaketest.Function{Name: "ingest-prometheus", Source: prometheus.Source, Serve: routes}
	f.Refuse(t, intaketest.BadRequests(intaketest.Read(t, f.Name, "alertmanager-firing.json")), `"detail":`)
	f.Run(t, []intaketest.Case{
		{File: "alertmanager-firing.json", Body: `"keys":["fingerprint:00aa11bb22cc33d1"],"rejected":[]`, Alerts: []string{db1}},
		{File: "alertmanager-two-firing.json", Alerts: []string{db1, db2}},
		{File: "alertmanager-resolved.json", Alerts: []string{"resolved" + strings.TrimPrefix(db1, "firing")}},
		{File: "alertmanager-no-alerts.json", Body: `"keys":[],"rejected":[]`},
		{File: "alertmanager-partly-unreadable.json", Body: `"rejected":[{"position":1,"reason":"status: is \"acknowledged\", expected firing or resolved"},{"position":2,`,
			Alerts: []string{db1, `rejected: status: is "acknowledged", expected firing or resolved`, "rejected: is a string, expected an object"}},
		{File: "base64-body.json", Alerts: []string{db1}},
		{File: "prometheus-api-v2.json", Status: 200, Alerts: []string{
			strings.Replace(db1, "fingerprint:00aa11bb22cc33d1", "hash1:8ee1bb840c0291426d33526ce249be76", 1),
			"resolved" + strings.TrimPrefix(strings.Replace(db2, "fingerprint:00aa11bb22cc33d2", "hash1:628e52b85765276505a5176a5ccce36d", 1), "firing"),
		}},
		{File: "unknown-key.json", Status: 401, Body: `"title":"Unauthorized"`},
		{File: "wrong-method.json", Status: 405, Body: `"detail":"the method is not one of POST"`},
		{File: "empty-body.json", Status: 400, Body: `"detail":"the body is empty"`},
		{File: "not-json.json", Status: 400, Body: `"detail":"the body is not valid JSON at byte 1`},
		{File: "wrong-content-type.json", Status: 415, Body: `"detail":"the content type is not application/json: found`},
	})
}

func TestLogAndMetricsTellOfTheRequest(t *testing.T) {
	a := intaketest.NewAccount(prometheus.Source)
	h := a.Intake(prometheus.Source).Routes(telemetry.NewLogger(a, noEnv), prometheus.Name)
	_, wrote := a.Invoke(t, h, intaketest.Read(t, "ingest-prometheus", "alertmanager-partly-unreadable.json"))
	for _, want := range []string{
		`"route":"POST /in/prometheus/{key}","status":202`, `"request_id":"JKJaXmPLvHcESHA="`, `"integration":"prod"`, `"alerts":1,"rejected":2`,
		`"Accepted":1`, `"Rejected":2`, `"outcome":"accepted"`,
	} {
		if !strings.Contains(wrote, want) {
			t.Errorf("%s is missing in\n%s", want, wrote)
		}
	}
}

func noEnv(string) (string, bool) { return "", false }

func TestFailureToQueueAsksForARepeat(t *testing.T) {
	a := intaketest.NewAccount(prometheus.Source)
	a.Failed = errors.New("throttled by the queue")
	h := a.Intake(prometheus.Source).Routes(telemetry.NewLogger(a, noEnv), prometheus.Name)
	answer, wrote := a.Invoke(t, h, intaketest.Read(t, "ingest-prometheus", "alertmanager-firing.json"))
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
		if _, err := intake.Function(prometheus.Source)(slog.New(slog.DiscardHandler), env); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	if _, err := intake.Function(prometheus.Source)(slog.New(slog.DiscardHandler), func(name string) (string, bool) { v, ok := full[name]; return v, ok }); err != nil {
		t.Error(err)
	}
}
