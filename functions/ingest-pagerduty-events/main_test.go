package main

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/pagerdutyevents"
	"tocsin/shared/telemetry"
)

var tested = intaketest.Function{Name: "ingest-pagerduty-events", Source: pagerdutyevents.Source, Serve: routes}

const (
	disk    = `P1 critical dedup_key:db-1/disk 2026-03-01T08:55:12Z "Disk of db-1 is at 97 %"`
	keyless = "7b16af3be6ddc373235f49fe85c38d43"
	invalid = `{"status":"invalid event","message":"Event object is invalid","errors":[`
)

func TestEvents(t *testing.T) {
	tested.Run(t, []intaketest.Case{
		{File: "trigger.json", Body: `{"status":"success","message":"Event processed","dedup_key":"db-1/disk"}`, Alerts: []string{"firing " + disk}},
		{File: "acknowledge.json", Alerts: []string{`acknowledged P3 - dedup_key:db-1/disk - "dedup_key:db-1/disk"`}},
		{File: "resolve.json", Body: `"dedup_key":"db-1/disk"`, Alerts: []string{`resolved P3 - dedup_key:db-1/disk - "dedup_key:db-1/disk"`}},
		{File: "trigger-without-dedup-key.json", Body: `"dedup_key":"` + keyless + `"`, Alerts: []string{"firing " + strings.Replace(disk, "db-1/disk", keyless, 1)}},
		{File: "trigger-with-key-in-header.json", Body: `"dedup_key":"` + keyless + `"`, Alerts: []string{"firing " + strings.Replace(disk, "db-1/disk", keyless, 1)}},
		{File: "trigger-below-the-key.json", Alerts: []string{"firing " + disk}},
		{File: "alertmanager-trigger.json", Alerts: []string{
			`firing P3 warning dedup_key:9f3a2c1d5b7e4f60819a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f70 - "[FIRING:1] DiskFull (db-1 shop warning)"`,
		}},
		{File: "change.json", Body: `{"status":"success","message":"Change event processed"}`, Changes: []string{"Release 412 of the shop"}},
		{File: "generic-trigger.json", Status: 200, Body: `{"status":"success","message":"Event processed","incident_key":"db-1/disk"}`,
			Alerts: []string{`firing P3 - dedup_key:db-1/disk - "Disk of db-1 is at 97 %"`}},
		{File: "generic-resolve.json", Status: 200, Alerts: []string{`resolved P3 - dedup_key:db-1/disk - "dedup_key:db-1/disk"`}},
		{File: "invalid.json", Status: 400, Body: invalid + `"'payload.summary' is missing or blank"]}`},
		{File: "resolve-without-dedup-key.json", Status: 400, Body: invalid + `"'dedup_key' is missing or blank"]}`},
		{File: "unknown-action.json", Status: 400, Body: invalid + `"'event_action' is \"merge\", expected trigger, acknowledge or resolve"]}`},
		{File: "long-dedup-key.json", Status: 400, Body: invalid + `"'dedup_key' is too long (maximum 255 characters)"]}`},
		{File: "unknown-key.json", Status: 400, Body: invalid + `"'routing_key' is not the key of an integration of this source"]}`},
		{File: "without-key.json", Status: 400, Body: invalid + `"'routing_key' is missing or blank"]}`},
	})
}

// TestBadRequests: what is wrong for good is 400 whatever is wrong with it,
// because clients of the API know no other status for it.
func TestBadRequests(t *testing.T) {
	for _, file := range []string{"trigger.json", "trigger-below-the-key.json", "generic-trigger.json"} {
		bad := intaketest.BadRequests(intaketest.Read(t, tested.Name, file))
		for i := range bad {
			if s := bad[i].Status; slices.Contains(s, 401) || slices.Contains(s, 415) {
				bad[i].Status = append(slices.DeleteFunc(slices.Clone(s), func(n int) bool { return n == 401 || n == 415 }), 400, 202)
			}
			bad[i].Name = file + " " + bad[i].Name
		}
		tested.Refuse(t, slices.DeleteFunc(bad, func(b intaketest.Bad) bool { return slices.Equal(b.Status, []int{405}) }), `"status":"invalid event","message":`)
	}
}

func TestLargerEventsThanTheAPITakesAreRefused(t *testing.T) {
	e := intaketest.Read(t, tested.Name, "trigger.json")
	e.Body = strings.Replace(e.Body, "97 %", strings.Repeat("9", 512<<10), 1)
	tested.Refuse(t, []intaketest.Bad{{Name: "513 KiB", Event: e, Status: []int{413}}}, `"message":"the body is larger than 524288 bytes"`)
}

// TestWhatMayPassIsWorthARepeat: version 1 repeats on 403 in place of 429.
func TestWhatMayPassIsWorthARepeat(t *testing.T) {
	for _, c := range []struct {
		file   string
		failed error
		status int
	}{
		{"trigger.json", errors.New("throttled"), 503},
		{"generic-trigger.json", errors.New("throttled"), 503},
	} {
		a := intaketest.NewAccount(pagerdutyevents.Source)
		a.Failed = c.failed
		h := routes(telemetry.NewLogger(a, noEnv), a.Intake(pagerdutyevents.Source))
		got, _ := a.Invoke(t, h, intaketest.Read(t, tested.Name, c.file))
		if got.StatusCode != c.status || got.Headers["Retry-After"] == "" || strings.Contains(got.Body, "throttled") || !strings.HasPrefix(got.Body, `{"status":"error","message":"the delivery cannot be queued now`) {
			t.Errorf("%s: %d %v %s", c.file, got.StatusCode, got.Headers, got.Body)
		}
	}
	for generic, want := range map[bool]int{false: http.StatusTooManyRequests, true: http.StatusForbidden} {
		h := httpapi.Serve(telemetry.NewLogger(&strings.Builder{}, noEnv), nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			refuse(w, r, generic, fault.New(fault.TooMany, "slow down"))
		}))
		got, err := httpapi.Lambda(h).Answer(t.Context(), intaketest.Read(t, tested.Name, "trigger.json"))
		if err != nil || got.StatusCode != want || got.Body != `{"status":"throttle exceeded","message":"slow down"}` {
			t.Errorf("version 1 %v: %d %s, %v", generic, got.StatusCode, got.Body, err)
		}
	}
}

// TestTheKeyIsNotKept: of a body that holds the sender's key nothing is kept
// but the rest.
func TestTheKeyIsNotKept(t *testing.T) {
	for _, file := range []string{"trigger.json", "generic-trigger.json", "change.json"} {
		a := intaketest.NewAccount(pagerdutyevents.Source)
		h := routes(telemetry.NewLogger(a, noEnv), a.Intake(pagerdutyevents.Source))
		e := intaketest.Read(t, tested.Name, file)
		a.Invoke(t, h, e)
		if len(a.Sent) != 1 {
			t.Fatalf("%s: %d deliveries", file, len(a.Sent))
		}
		body, err := a.Sent[0].Body()
		if want := strings.Replace(e.Body, intaketest.Key, "", 1); err != nil || string(body) != want {
			t.Errorf("%s keeps %s, want %s; %v", file, body, want, err)
		}
	}
}

func noEnv(string) (string, bool) { return "", false }
