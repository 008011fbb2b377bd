package arms

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

const seed = `{"alerts":[{"labels":{"alertname":"A","severity":"warning","_aliyun_arms_alert_level":"ERROR"},"annotations":{"message":"m","value":"9"},"startsAt":"2026-03-01T08:00:00Z","endsAt":"2026-03-01T10:00:00Z","fingerprint":"f","status":"firing"}],"status":"firing","externalURL":"https://alerts.console.aliyun.com/x"}`

var seeds = []string{seed, `[{"labels":{"alertname":"A"}}]`, `{"告警名称":"A","恢复时间":"2026-03-01 16:00:00"}`, "告警名称：A\n告警内容：b", `{"content":"Alert name: A"}`, `{"alerts":[1,{}]}`, `$content`}

func TestSeverityIsTheWorseOfTwo(t *testing.T) {
	for _, c := range []struct {
		rule, own, level string
		want             alert.Severity
	}{
		{"warning", "ERROR", "", alert.Error}, {"critical", "WARN", "", alert.Critical}, {"page", "", "", alert.Info}, {"page", "P2", "", alert.Error},
		{"", "", "critical", alert.Critical}, {"P3", "", "critical", alert.Warning}, {"", "", "", ""}, {"odd", "", "", ""},
	} {
		if got := severityOf(map[string]string{"severity": c.rule, "_aliyun_arms_alert_level": c.own}, c.level); got != c.want {
			t.Errorf("%+v is %q", c, got)
		}
	}
}

func TestNotified(t *testing.T) {
	a := sourcetest.One(t, Source, seed)
	if a.DedupKey != "fingerprint:f" || !a.ExpiresAt.IsZero() || a.Description != "m\nvalue: 9" || len(a.Links) != 1 || a.Episode != "2026-03-01T08:00:00Z" {
		t.Errorf("%+v", a)
	}
	over := sourcetest.One(t, Source, strings.Replace(seed, `"status":"firing"}]`, `"status":"resolved"}]`, 1))
	if over.Status != alert.Resolved || over.DedupKey != a.DedupKey || over.Episode != a.Episode || over.EndedAt.Hour() != 10 {
		t.Errorf("%+v", over)
	}
	if group := sourcetest.One(t, Source, strings.Replace(seed, `"fingerprint":"f","status":"firing"`, `"fingerprint":"f"`, 1)); group.Status != alert.Firing {
		t.Errorf("by the group's status: %+v", group)
	}
}

func TestPushedFiresUntilItsEnd(t *testing.T) {
	for body, want := range map[string]alert.Status{
		`{"labels":{"alertname":"A"}}`: alert.Firing, `{"labels":{"alertname":"A"},"endsAt":"2026-03-01T09:05:00Z"}`: alert.Firing,
		`{"labels":{"alertname":"A"},"endsAt":"2026-03-01T08:59:00Z"}`: alert.Resolved, `{"labels":{"alertname":"A"},"endsAt":1772355540000}`: alert.Resolved,
		`[{"labels":{"alertname":"A"},"status":"resolved"}]`: alert.Resolved,
	} {
		if a := sourcetest.One(t, Source, body); a.Status != want || a.DedupKey != alert.HashKey(map[string]string{"alertname": "A"}) {
			t.Errorf("%s: %+v", body, a)
		}
	}
	if a := sourcetest.One(t, Source, `{"labels":{"alertname":"A"},"endsAt":"2026-03-01T09:05:00Z"}`); a.ExpiresAt.Sub(received) != 5*time.Minute {
		t.Errorf("expires %s", a.ExpiresAt)
	}
}

func TestTemplates(t *testing.T) {
	chinese := sourcetest.One(t, Source, `{"告警名称":"A","应用名称":"cart","告警时间":"2026-03-01 16:50:00","告警内容":"c","告警等级":"P1"}`)
	if chinese.Status != alert.Firing || chinese.Severity != alert.Critical || !chinese.StartedAt.Equal(received.Add(-10*time.Minute)) {
		t.Errorf("%+v", chinese)
	}
	for _, body := range []string{
		"告警名称：A\n应用名称：cart\n告警内容：c", "Alert name: A\nApplication name: cart", `{"Alert Name":"A","Application Name":"cart"}`,
		`{"content":"告警名称: A\n应用名称: cart"}`, `{"msgtype":"text","text":{"content":"告警名称：A\n应用名称：cart"}}`, `{"告警名称":"A","应用名称":"cart","恢复时间":"2026-03-01 16:58:00"}`,
	} {
		a := sourcetest.One(t, Source, body)
		if a.DedupKey != chinese.DedupKey || a.Title != "A" || (a.Status == alert.Resolved) != strings.Contains(body, "恢复") {
			t.Errorf("%s: %+v", body, a)
		}
	}
	if a := sourcetest.One(t, Source, `{"告警名称":"A","告警状态":"正触发","恢复时间":"2026-03-01 16:58:00"}`); a.Status != alert.Firing {
		t.Errorf("the state counts, not the time: %+v", a)
	}
}

func TestRefused(t *testing.T) {
	for body, want := range map[string]string{
		"": "empty", "5": "is a number", `{}`: "alerts: missing", `{"alerts":[5]}`: "is a number", `{"alerts":[{}]}`: "labels: missing",
		`{"alerts":[{"labels":{"a":"b"},"status":"odd"}]}`: `status: is "odd"`, "some words": "not valid JSON",
	} {
		if got := sourcetest.Refused(t, Source, body); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	if parsed, err := Parse(request(`"$content"`)); err != nil || len(parsed.Items) > 0 || len(parsed.Notes) != 1 {
		t.Errorf("a test: %+v, %v", parsed, err)
	}
}

func FuzzParse(f *testing.F) { sourcetest.FuzzStates(f, Source, seeds...) }
