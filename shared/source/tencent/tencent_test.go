package tencent

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

const seed = `{"sessionId":"s","alarmStatus":1,"alarmType":"metric","alarmObjInfo":{"region":"gz","dimensions":{"unInstanceId":"ins-1","objName":"a#1"}},"alarmPolicyInfo":{"policyId":"p-1","policyName":"web","conditions":{"metricName":"cpu","metricShowName":"CPU","calcType":">","calcValue":"90","calcUnit":"%","currentValue":"97","unit":"%"}},"firstOccurTime":"2026-03-01 16:00:00","durationTime":"300","recoverTime":"0"}`

var seeds = []string{seed, logged, `{"sessionId":"s"}`, `{"alarmStatus":"0","alarmPolicyInfo":{"conditions":{"eventName":"e"}},"alarmObjInfo":{"dimensions":"{\"a\":[1,{\"b\":2}]}"}}`}

const logged = `{"UIN":"1000","Nickname":"shop","Region":"广州","Alarm":"Too many 5xx","AlarmID":"notice-1","RecordId":"r-1","RecordGroupId":"g-1","Condition":"$1.n > 10","Topic":"nginx","TopicId":"t-1","StartTime":"2026-03-01 16:57:00","NotifyTime":"2026-03-01 16:58:00","NotifyType":"1","Level":"Critical","Duration":"1","TriggerParams":"$1.n=17;","DetailUrl":"https://alarm.cls.tencentcs.com/x","Message":"look at the log"}`

// TestLogs: callbacks of Cloud Log Service by the names of its variables.
func TestLogs(t *testing.T) {
	a := sourcetest.One(t, Source, logged)
	if a.Title != "Too many 5xx" || a.Severity != alert.Critical || a.DedupKey != "record_group:g-1" || a.Episode != "g-1" || !a.StartedAt.Equal(received.Add(-3*time.Minute)) ||
		a.Description != "look at the log\ncondition: $1.n > 10\nvalue: $1.n=17;\nlasts: 1 min" || len(a.Links) != 1 {
		t.Errorf("%+v", a)
	}
	for _, c := range []struct {
		name, old, now string
		want           func(alert.Alert) bool
	}{
		{"recovery", `"NotifyType":"1"`, `"NotifyType":2`, func(b alert.Alert) bool {
			return b.Status == alert.Resolved && b.DedupKey == a.DedupKey && b.Episode == a.Episode && b.EndedAt.Minute() == 58
		}},
		{"by group", `"Duration"`, `"ConditionGroup":"{\"$1.app\":\"web\"}","Duration"`, func(b alert.Alert) bool { return strings.HasPrefix(b.DedupKey, "hash1:") && b.Episode == "g-1" }},
		{"older names", logged, `{"UIN":"1","User":"u","AlarmID":"a","AlarmName":"errors","Condition":"$1.n > 10","TriggerTime":"2026-03-01 16:57:00","TopicName":"nginx"}`, func(b alert.Alert) bool {
			return b.Status == alert.Firing && b.Title == "errors" && b.Severity == alert.Error && b.Labels["topic"] == "nginx" && b.StartedAt.Equal(a.StartedAt)
		}},
		{"warning", "Critical", "Warn", func(b alert.Alert) bool { return b.Severity == alert.Warning }},
		{"note", "Critical", "Info", func(b alert.Alert) bool { return b.Severity == alert.Info }},
		{"variables not filled", `"Message":"look at the log"`, `"Message":"{{.Message}}"`, func(b alert.Alert) bool { return b.DedupKey == a.DedupKey }},
	} {
		if b := sourcetest.One(t, Source, strings.Replace(logged, c.old, c.now, 1)); !c.want(b) {
			t.Errorf("%s: %+v", c.name, b)
		}
	}
	if why := sourcetest.Refused(t, Source, strings.Replace(logged, `"NotifyType":"1"`, `"NotifyType":"9"`, 1)); !strings.HasPrefix(why, "NotifyType: ") {
		t.Errorf("%q", why)
	}
}

// TestLevels: of a policy with levels, the one that was triggered stands after
// the session.
func TestLevels(t *testing.T) {
	for id, want := range map[string]alert.Severity{"s_Remind": alert.Info, "s_Warn": alert.Warning, "s_Serious": alert.Critical, "s": alert.Error} {
		if a := sourcetest.One(t, Source, strings.Replace(seed, `"sessionId":"s"`, `"sessionId":"s","alertId":"`+id+`"`, 1)); a.Severity != want {
			t.Errorf("%s: %s, want %s", id, a.Severity, want)
		}
	}
}

func TestParse(t *testing.T) {
	a := sourcetest.One(t, Source, seed)
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
		{"no state", `"alarmStatus":1`, `"alarmStatus":"-"`, func(b alert.Alert) bool { return b.Status == alert.Firing && b.DedupKey == a.DedupKey }},
		{"conditions in a list", `"conditions":{`, `"conditions":[{"metricName":"cpu"}],"x":{`, func(b alert.Alert) bool { return b.DedupKey == a.DedupKey && b.Title == "cpu on ins-1" }},
		{"details in a list", `"durationTime":"300"`, `"additionalMsg":[{"key":"ip","value":"192.0.2.1"},{"key":"alias","value":"web"}]`, func(b alert.Alert) bool {
			return strings.HasSuffix(b.Description, "detail: ip: 192.0.2.1, alias: web")
		}},
		{"renamed object", `a#1`, `b#2`, func(b alert.Alert) bool { return b.DedupKey == a.DedupKey }},
		{"another object", `ins-1`, `ins-2`, func(b alert.Alert) bool { return b.DedupKey != a.DedupKey }},
		{"another metric", `"cpu"`, `"mem"`, func(b alert.Alert) bool { return b.DedupKey != a.DedupKey }},
		{"event", `"metricName":"cpu","metricShowName":"CPU","calcType":">","calcValue":"90"`, `"eventName":"ping","eventShowName":"Ping"`, func(b alert.Alert) bool { return b.Title == "Ping on ins-1" }},
		{"a time with its zone", `2026-03-01 16:00:00`, `2026-03-01T08:00:00Z`, func(b alert.Alert) bool { return b.StartedAt.Equal(a.StartedAt) }},
		{"numbers in dimensions", `"objName":"a#1"`, `"vport":443,"objDetail":{"ip":"192.0.2.1"}`, func(b alert.Alert) bool { return b.Labels["vport"] == "443" && b.Labels["objDetail.ip"] == "192.0.2.1" }},
		{"dimensions that are a text", `{"unInstanceId":"ins-1","objName":"a#1"}`, `"ins-1"`, func(b alert.Alert) bool { return b.DedupKey != "" }},
	} {
		if b := sourcetest.One(t, Source, strings.Replace(seed, c.old, c.now, 1)); !c.want(b) {
			t.Errorf("%s: %+v", c.name, b)
		}
	}
}

func TestEventsOfEventBridge(t *testing.T) {
	const event = `{"specversion":"1.0","id":"e-1","source":"cvm.cloud.tencent","type":"cvm:ErrorEvent:ping_unreachable","subject":"ins-1","time":1772352000000,"region":"ap-guangzhou","status":"1","data":{"appId":"1","dimensions":{"ip":"192.0.2.1"},"additionalMsg":{"IP":"lost"}}}`
	a, b := sourcetest.One(t, Source, event), sourcetest.One(t, Source, strings.Replace(event, `"status":"1"`, `"status":"0"`, 1))
	if a.Title != "ping_unreachable on ins-1" || a.Status != alert.Firing || a.StartedAt.Hour() != 8 || a.Description != "IP: lost" || a.Labels["ip"] != "192.0.2.1" {
		t.Errorf("%+v", a)
	}
	if b.Status != alert.Resolved || b.DedupKey != a.DedupKey || b.EndedAt.Hour() != 8 {
		t.Errorf("%+v", b)
	}
	if parsed, err := Parse(request(`{"specversion":"1.0","source":"cos.cloud.tencent","type":"cos:created:PutObject","subject":"o"}`)); err != nil || len(parsed.Items) != 0 || len(parsed.Notes) != 1 {
		t.Errorf("%+v, %v", parsed, err)
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
		if got := sourcetest.Refused(t, Source, body); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func FuzzParse(f *testing.F) { sourcetest.FuzzStates(f, Source, seeds...) }
