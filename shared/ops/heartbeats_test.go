package ops_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/shared/heartbeat"
	"tocsin/shared/ops"
	"tocsin/shared/ops/opstest"
)

func TestHeartbeats(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.HeartbeatsWrite)
	made := c.want(201, "POST", "/v1/heartbeats", `{"id":"backup","name":"Nightly backup","cron":"30 2 * * *","zone":"Europe/Berlin","grace":"1h","service":"shop"}`).Body
	url, _ := made["url"].(string)
	key, ok := strings.CutPrefix(url, "https://tocsin.example.com/in/heartbeat/")
	if !ok || made["state"] != "new" || made["severity"] != "error" || made["expected"] != "at 30 2 * * * Europe/Berlin" {
		t.Errorf("made %v", made)
	}
	if _, err := w.Desk.Heartbeats.ByKey(t.Context(), key); err != nil {
		t.Errorf("the key in the URL: %v", err)
	}
	c.want(409, "POST", "/v1/heartbeats", `{"id":"backup","name":"x","every":"5m"}`)
	for body, field := range map[string]string{
		`{"name":"x"}`: "every",
		`{"name":"x","every":"5m","cron":"* * * * *"}`:                               "every",
		`{"name":"x","cron":"30 2 * *"}`:                                             "cron",
		`{"name":"x","cron":"30 2 * * *","zone":"Mars"}`:                             "zone",
		`{"name":"x","every":"5m","service":"nope"}`:                                 "service",
		`{"name":"x","every":"5m","severity":"bad"}`:                                 "severity",
		`{"name":"x","every":"5m","id":"Not A Slug"}`:                                "id",
		`{"name":"x","every":"5m","grace":"0s"}`:                                     "grace",
		`{"name":"x\ny","every":"5m"}`:                                               "name",
		`{"name":"y"}`:                                                               "cron",
		`{"name":"x","every":"5m","redact_fields":["a..b"],"redact_patterns":["("]}`: "redact_patterns[0]",
	} {
		if a := c.want(422, "POST", "/v1/heartbeats", body); !strings.Contains(a.Text, `"field":"`+field+`"`) {
			t.Errorf("%s answered %s", body, a.Text)
		}
	}

	ping := func() {
		t.Helper()
		h, err := w.Desk.Heartbeats.ByKey(t.Context(), key)
		if err == nil {
			_, err = w.Desk.Heartbeats.Ping(t.Context(), h, heartbeat.Ping{}, w.Now())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	ping()
	got := c.want(200, "GET", "/v1/heartbeats/backup", "").Body
	if got["state"] != "up" || got["last_ping"] != w.Now().Format(time.RFC3339) || got["deadline"] != "2026-03-03T02:30:00Z" {
		t.Errorf("shown %v", got)
	}
	if listed := c.want(200, "GET", "/v1/heartbeats", "").Text; !strings.Contains(listed, `"id":"backup"`) || strings.Contains(listed, key) {
		t.Errorf("listed %s", listed)
	}
	got = c.want(200, "PATCH", "/v1/heartbeats/backup", `{"every":"10m","grace":"2m","name":"Backup"}`).Body
	if got["expected"] != "every 10m" || got["name"] != "Backup" || got["service"] != "shop" || got["deadline"] != w.Now().Add(12*time.Minute).Format(time.RFC3339) {
		t.Errorf("updated %v", got)
	}
	c.want(422, "PATCH", "/v1/heartbeats/backup", `{"zone":"Europe/Berlin"}`)
	if got = c.want(200, "PATCH", "/v1/heartbeats/backup", `{"cron":"@daily"}`).Body; got["expected"] != "at @daily UTC" {
		t.Errorf("updated %v", got)
	}
	set := c.want(200, "PATCH", "/v1/heartbeats/backup", `{"max_run":"2h","severity":"critical","redact_fields":["password"],"redact_patterns":["sk_.+"],"cron":"0 2 * * 7","zone":"Europe/Berlin"}`).Body
	if set["max_run"] != "2h" || set["severity"] != "critical" || set["redact_fields"] == nil || set["redact_patterns"] == nil || set["expected"] != "at 0 2 * * 7 Europe/Berlin" {
		t.Errorf("set %v", set)
	}
	cleared := c.want(200, "PATCH", "/v1/heartbeats/backup", `{"max_run":"0s","severity":"error","service":"","zone":"","grace":"5m","redact_fields":[],"redact_patterns":[]}`).Body
	if cleared["max_run"] != nil || cleared["severity"] != "error" || cleared["service"] != nil || cleared["redact_fields"] != nil || cleared["redact_patterns"] != nil ||
		cleared["expected"] != "at 0 2 * * 7 UTC" || cleared["grace"] != "5m" || cleared["name"] != "Backup" {
		t.Errorf("cleared %v", cleared)
	}
	for _, wrong := range []string{`{"name":""}`, `{"grace":"0s"}`, `{"every":"0s"}`, `{"cron":""}`} {
		c.want(422, "PATCH", "/v1/heartbeats/backup", wrong)
	}
	if got = c.want(200, "POST", "/v1/heartbeats/backup/pause", "").Body; got["state"] != "paused" || got["deadline"] != nil {
		t.Errorf("paused %v", got)
	}
	if got = c.want(200, "POST", "/v1/heartbeats/backup/resume", "").Body; got["state"] != "up" || got["deadline"] == nil {
		t.Errorf("resumed %v", got)
	}
	if got = c.want(200, "POST", "/v1/heartbeats/backup/rotate", "").Body; got["url"] == url || got["keys"] != 2.0 {
		t.Errorf("rotated %v", got)
	}
	ping() // the key before is valid
	if got = c.want(200, "POST", "/v1/heartbeats/backup/retire", "").Body; got["keys"] != 1.0 {
		t.Errorf("retired %v", got)
	}
	c.want(204, "DELETE", "/v1/heartbeats/backup", "")
	for _, gone := range []string{"GET /v1/heartbeats/backup", "DELETE /v1/heartbeats/backup", "POST /v1/heartbeats/backup/pause", "POST /v1/heartbeats/backup/rotate"} {
		method, path, _ := strings.Cut(gone, " ")
		c.want(404, method, path, "")
	}
	newClient(t, w, "", ops.IntegrationsWrite).want(403, "GET", "/v1/heartbeats", "")
}
