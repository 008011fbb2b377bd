package tencent

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// received is the receive time of the tests.
var received = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func request(body string) *source.Request {
	return &source.Request{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body), At: received}
}

// one is the alert of a body that holds one.
func one(t *testing.T, body string) alert.Alert {
	t.Helper()
	parsed, err := Parse(request(body))
	if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
		t.Fatalf("%+v, %v", parsed, err)
	}
	return *parsed.Items[0].Alert
}

// refused is why a body is no alert: its error, or that of its one item.
func refused(t *testing.T, body string) string {
	t.Helper()
	parsed, err := Parse(request(body))
	if err != nil {
		return err.Error()
	}
	if len(parsed.Items) != 1 {
		t.Fatalf("%+v", parsed)
	}
	return parsed.Items[0].Rejected
}

const seed = `{"sessionId":"s","alarmStatus":1,"alarmType":"metric","alarmObjInfo":{"region":"gz","dimensions":{"unInstanceId":"ins-1","objName":"a#1"}},"alarmPolicyInfo":{"policyId":"p-1","policyName":"web","conditions":{"metricName":"cpu","metricShowName":"CPU","calcType":">","calcValue":"90","calcUnit":"%","currentValue":"97","unit":"%"}},"firstOccurTime":"2026-03-01 16:00:00","durationTime":"300","recoverTime":"0"}`

var seeds = []string{seed, `{"sessionId":"s"}`, `{"alarmStatus":"0","alarmPolicyInfo":{"conditions":{"eventName":"e"}},"alarmObjInfo":{"dimensions":"{\"a\":[1,{\"b\":2}]}"}}`}

func TestParse(t *testing.T) {
	a := one(t, seed)
	if a.Title != "CPU > 90% on ins-1" || a.Severity != alert.Error || a.StartedAt.Hour() != 8 || a.Description != "policy: web\nvalue: 97%\nlasts: 300 s" || a.Labels["region"] != "gz" {
		t.Errorf("%+v", a)
	}
	for _, c := range []struct {
		name, old, now string
		want           func(alert.Alert) bool
	}{
		{"status as text", `"alarmStatus":1`, `"alarmStatus":"1"`, func(b alert.Alert) bool { return b.Status == alert.Firing }},
		{"recovery", `"alarmStatus":1`, `"alarmStatus":"0"`, func(b alert.Alert) bool {
			return b.Status == alert.Resolved && b.DedupKey == a.DedupKey && b.Episode == a.Episode && b.EndedAt.IsZero()
		}},
		{"recovery at a time", `"recoverTime":"0"`, `"recoverTime":"2026-03-01 16:30:00","alarmStatus":0`, func(b alert.Alert) bool { return b.Status == alert.Resolved && b.EndedAt.Minute() == 30 }},
		{"no data", `"alarmStatus":1`, `"alarmStatus":2`, func(b alert.Alert) bool {
			return b.Status == alert.Firing && strings.HasSuffix(b.Description, "no data")
		}},
		{"renamed object", `a#1`, `b#2`, func(b alert.Alert) bool { return b.DedupKey == a.DedupKey }},
		{"another object", `ins-1`, `ins-2`, func(b alert.Alert) bool { return b.DedupKey != a.DedupKey }},
		{"another metric", `"cpu"`, `"mem"`, func(b alert.Alert) bool { return b.DedupKey != a.DedupKey }},
		{"event", `"metricName":"cpu","metricShowName":"CPU","calcType":">","calcValue":"90"`, `"eventName":"ping","eventShowName":"Ping"`, func(b alert.Alert) bool { return b.Title == "Ping on ins-1" }},
		{"a time with its zone", `2026-03-01 16:00:00`, `2026-03-01T08:00:00Z`, func(b alert.Alert) bool { return b.StartedAt.Equal(a.StartedAt) }},
		{"numbers in dimensions", `"objName":"a#1"`, `"vport":443,"objDetail":{"ip":"192.0.2.1"}`, func(b alert.Alert) bool { return b.Labels["vport"] == "443" && b.Labels["objDetail.ip"] == "192.0.2.1" }},
		{"dimensions that are a text", `{"unInstanceId":"ins-1","objName":"a#1"}`, `"ins-1"`, func(b alert.Alert) bool { return b.DedupKey != "" }},
	} {
		if b := one(t, strings.Replace(seed, c.old, c.now, 1)); !c.want(b) {
			t.Errorf("%s: %+v", c.name, b)
		}
	}
}

func TestAnswerRepeatsTheSession(t *testing.T) {
	for _, body := range []string{seed, `{"sessionId":"s"}`} {
		parsed, err := Parse(request(body))
		if err != nil || parsed.Answer != (answer{SessionID: "s"}) || parsed.SenderID != "s" {
			t.Errorf("%+v, %v", parsed, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for body, want := range map[string]string{
		"": "empty", "[]": "is an array", `{}`: "alarmStatus: missing", `{"alarmPolicyInfo":{}}`: `alarmStatus: is ""`, `{"alarmStatus":9}`: `alarmStatus: is "9"`,
	} {
		if got := refused(t, body); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range seeds {
		f.Add([]byte(body))
	}
	for up := "../../../"; len(up) < 24; up += "../" { // the collection stands beside the repository or above it
		files, _ := filepath.Glob(up + "shared/payloads/tencent_cloud/*")
		for _, file := range files {
			if body, err := os.ReadFile(file); err == nil {
				f.Add(body)
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		parsed, err := Parse(request(string(body)))
		if err != nil && (len(parsed.Items) > 0 || !fault.Is(err, fault.Invalid)) {
			t.Fatalf("%d items and error %v", len(parsed.Items), err)
		}
		for _, item := range parsed.Items {
			a := item.Alert
			if (a == nil) == (item.Rejected == "") {
				t.Fatalf("item %+v", item)
			}
			if a != nil && (a.Title == "" || a.DedupKey == "" || a.Source != Name || a.Status != alert.Firing && a.Status != alert.Resolved || !a.Severity.Valid() || !a.Priority.Valid()) {
				t.Fatalf("alert %+v", a)
			}
		}
	})
}
