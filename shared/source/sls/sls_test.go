package sls

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/sourcetest"
)

// received is the receive time of the tests.
var received = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func request(body string) *source.Request {
	return &source.Request{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body), At: received}
}

const seed = `{"alert_instance_id":"i-1","alert_id":"a-1","alert_name":"N","project":"p","region":"r","fire_time":1772352000,"resolve_time":0,"status":"firing","results":[{"store":"s","query":"q"}],"fire_results":[{"n":"1"}],"labels":{"env":"prod"},"annotations":{"title":"T","desc":"D"},"severity":10}`

var seeds = []string{seed, "[" + seed + "," + seed + "]", `["{\"alert_name\":\"N\"}","x"]`, `{"alert_name":"N","labels":"{\"a\":1}","severity":"6"}`}

func TestParse(t *testing.T) {
	a := sourcetest.One(t, Source, seed)
	if a.Title != "N: T" || a.Description != "D\nquery: q\n{\"n\":\"1\"}" || a.Labels["env"] != "prod" || a.Labels["store"] != "s" || a.Severity != alert.Critical || a.Episode != "2026-03-01T08:00:00Z" {
		t.Errorf("%+v", a)
	}
	for _, c := range []struct {
		name, old, now string
		want           func(alert.Alert) bool
	}{
		{"resolved", `"status":"firing"`, `"status":"resolved"`, func(b alert.Alert) bool {
			return b.Status == alert.Resolved && b.Episode == a.Episode && b.DedupKey == a.DedupKey
		}},
		{"resolved by its time", `"resolve_time":0,"status":"firing"`, `"resolve_time":1772352300`, func(b alert.Alert) bool { return b.Status == alert.Resolved && b.EndedAt.Minute() == 5 }},
		{"no state", `"status":"firing",`, ``, func(b alert.Alert) bool { return b.Status == alert.Firing }},
		{"state in Chinese", `"firing"`, `"恢复"`, func(b alert.Alert) bool { return b.Status == alert.Resolved }},
		{"numbers as texts", `1772352000`, `"1772352000"`, func(b alert.Alert) bool { return b.StartedAt.Equal(a.StartedAt) }},
		{"a time for people", `1772352000`, `"2026-03-01 16:00:00"`, func(b alert.Alert) bool { return b.StartedAt.Equal(a.StartedAt) }},
		{"fingerprint", `{"alert_instance_id"`, `{"fingerprint":"f","alert_instance_id"`, func(b alert.Alert) bool { return b.DedupKey == "fingerprint:f" }},
		{"no instance", `"alert_instance_id":"i-1",`, ``, func(b alert.Alert) bool {
			return b.DedupKey == alert.HashKey(map[string]string{"alert": "a-1", "project": "p", "label.env": "prod"})
		}},
		{"of a later evaluation", `"i-1"`, `"i-2"`, func(b alert.Alert) bool { return b.DedupKey == a.DedupKey }},
		{"of another group", `"env":"prod"`, `"env":"test"`, func(b alert.Alert) bool { return b.DedupKey != a.DedupKey }},
		{"no labels", `"labels":{"env":"prod"},`, ``, func(b alert.Alert) bool { return b.DedupKey == "alert_instance_id:i-1" }},
		{"labels in a string", `{"env":"prod"}`, `"{\"env\":\"prod\"}"`, func(b alert.Alert) bool { return b.Labels["env"] == "prod" }},
		{"title with the name", `"T"`, `"N of web"`, func(b alert.Alert) bool { return b.Title == "N of web" }},
		{"links", `"severity"`, `"signin_url":"https://sls.example.com/x","dashboard_url":"no address","severity"`, func(b alert.Alert) bool { return len(b.Links) == 1 }},
	} {
		if b := sourcetest.One(t, Source, strings.Replace(seed, c.old, c.now, 1)); !c.want(b) {
			t.Errorf("%s: %+v", c.name, b)
		}
	}
}

func TestVariablesOfOlderAlerts(t *testing.T) {
	a := sourcetest.One(t, Source, `{"Uid":"1","Project":"shop","AlertID":"alert-1","AlertName":"alert-1","AlertDisplayName":"5xx of nginx","Condition":"count > 5","DashboardUrl":"https://sls.example.com/d","FireTime":1772352000}`)
	if a.Title != "5xx of nginx" || a.Description != "condition: count > 5" || a.DedupKey != alert.HashKey(map[string]string{"alert": "alert-1", "project": "shop"}) || a.Labels["project"] != "shop" || len(a.Links) != 1 || a.StartedAt.Hour() != 8 {
		t.Errorf("%+v", a)
	}
}

func TestSeverities(t *testing.T) {
	for word, want := range map[string]alert.Severity{
		"10": alert.Critical, "8": alert.Error, "6": alert.Warning, "4": alert.Info, "2": alert.Info, "严重": alert.Critical, "高": alert.Error, "中": alert.Warning, "低": alert.Info,
		"High": alert.Error, "Report Only": alert.Info, "": "", "7": "",
	} {
		if got := severityOf(word); got != want {
			t.Errorf("%q is %q", word, got)
		}
	}
}

func TestMergedIsReadOneByOne(t *testing.T) {
	parsed, err := Parse(request(`[` + seed + `,"{\"alert_name\":\"M\"}","text",7]`))
	if err != nil || len(parsed.Items) != 4 || parsed.Items[0].Alert == nil || parsed.Items[1].Alert == nil || parsed.Items[2].Rejected == "" || parsed.Items[3].Rejected == "" {
		t.Errorf("%+v, %v", parsed, err)
	}
}

func TestRefused(t *testing.T) {
	for body, want := range map[string]string{
		"": "empty", "5": "is a number", `{}`: "alert_name: missing", `{"alert_name":"N","status":"odd"}`: `status: is "odd"`, `[5]`: "is a number",
	} {
		if got := sourcetest.Refused(t, Source, body); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func FuzzParse(f *testing.F) { sourcetest.FuzzStates(f, Source, seeds...) }
