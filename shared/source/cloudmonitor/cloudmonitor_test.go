package cloudmonitor

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/sourcetest"
)

const seed = `{"alertName":"N","alertState":"ALERT","curValue":"97","dimensions":"{userId=1, instanceId=i-1}","expression":"$Average>=95","instanceName":"web-1","metricName":"cpu","metricProject":"acs_ecs","preTriggerLevel":"null","ruleId":"r-1","timestamp":"1772352000000","triggerLevel":"CRITICAL"}`

var seeds = []string{
	seed, `[{"name":"E","resourceId":"acs:ecs::1:i","level":"WARN","time":"1772352000000"}]`, `{"message":{"levelDescription":"恢复告警","metricName":"m","dimensions":"a=b,c"},"type":0}`,
	`{"alert":"{\"alertStatus\":\"TRIGGERED\",\"eventName\":\"E\"}"}`, `{"MessageId":"1","Message":"{\"alertState\":\"OK\",\"alertName\":\"N\"}"}`,
	`{"specversion":"1.0","status":"OCCURRED","ruleId":"r"}`, "alertState=ALERT&alertName=N&dimensions={a=b}",
}

func TestThreshold(t *testing.T) {
	a := sourcetest.One(t, Source, seed)
	if a.Title != "N: web-1" || a.Severity != alert.Critical || a.Labels["instanceId"] != "i-1" || a.Episode != "" || a.StartedAt.Hour() != 8 || a.Description != "metric: cpu\nvalue: 97\ncondition: $Average>=95\nstate: ALERT" {
		t.Errorf("%+v", a)
	}
	for _, c := range []struct {
		name, old, now string
		want           func(alert.Alert) bool
	}{
		{"recovery", `"ALERT"`, `"OK"`, func(b alert.Alert) bool {
			return b.Status == alert.Resolved && b.StartedAt.IsZero() && b.EndedAt.Hour() == 8 && b.DedupKey == a.DedupKey
		}},
		{"no data", `"ALERT"`, `"INSUFFICIENT_DATA"`, func(b alert.Alert) bool { return b.Status == alert.Firing && b.DedupKey == a.DedupKey }},
		{"repeat at another time", `1772352000000`, `1772355600000`, func(b alert.Alert) bool { return b.Episode == a.Episode && b.DedupKey == a.DedupKey }},
		{"level of the recovery", `"null","ruleId":"r-1","timestamp":"1772352000000","triggerLevel":"CRITICAL"`, `"WARN","ruleId":"r-1","timestamp":"1772352000000","triggerLevel":"null"`, func(b alert.Alert) bool { return b.Severity == alert.Warning }},
		{"recovery that says OK", `"null","ruleId":"r-1","timestamp":"1772352000000","triggerLevel":"CRITICAL"`, `"WARN","ruleId":"r-1","timestamp":"1772352000000","triggerLevel":"OK"`, func(b alert.Alert) bool { return b.Severity == alert.Warning }},
		{"dimensions as JSON in a string", `"{userId=1, instanceId=i-1}"`, `"{\"instanceId\":\"i-1\",\"userId\":1}"`, func(b alert.Alert) bool { return b.DedupKey == a.DedupKey }},
		{"dimensions as a list", `"{userId=1, instanceId=i-1}"`, `[{"instanceId":"i-1","userId":"1"}]`, func(b alert.Alert) bool { return b.DedupKey == a.DedupKey }},
		{"another object", `i-1`, `i-2`, func(b alert.Alert) bool { return b.DedupKey != a.DedupKey }},
		{"no rule", `"ruleId":"r-1",`, ``, func(b alert.Alert) bool { return b.DedupKey != a.DedupKey && b.Title == a.Title }},
		{"seconds", `"1772352000000"`, `1772352000`, func(b alert.Alert) bool { return b.StartedAt.Equal(a.StartedAt) }},
	} {
		if b := sourcetest.One(t, Source, strings.Replace(seed, c.old, c.now, 1)); !c.want(b) {
			t.Errorf("%s: %+v", c.name, b)
		}
	}
	form := sourcetest.One(t, Source, "alertName=N&alertState=ALERT&dimensions={userId=1,+instanceId=i-1}&ruleId=r-1&expression=$Average>=95")
	if form.DedupKey != a.DedupKey {
		t.Errorf("as a form %+v", form)
	}
}

func TestEventsOfAllWays(t *testing.T) {
	callback := sourcetest.One(t, Source, `{"product":"ECS","name":"Disk:Stalled:Executing","resourceId":"acs:ecs:cn:1:disk/d","level":"CRITICAL","eventTime":"20260301T160000.000+0800"}`)
	pushed := sourcetest.One(t, Source, `{"alert":{"alertStatus":"TRIGGERED","eventName":"Disk:Stalled:Executing","severity":"CRITICAL","timestamp":1772352000000,"meta":{"sysEventMeta":{"resourceId":"acs:ecs:cn:1:disk/d"}}}}`)
	ended := sourcetest.One(t, Source, `{"alert":"{\"alertStatus\":\"RESOLVED\",\"eventName\":\"Disk:Stalled:Executing\",\"arn\":\"acs:ecs:cn:1:disk/d\"}","strategyName":"s","time":"1772352300000"}`)
	if callback.DedupKey != pushed.DedupKey || pushed.DedupKey != ended.DedupKey || !callback.StartedAt.Equal(pushed.StartedAt) || callback.Severity != alert.Critical {
		t.Errorf("%+v\n%+v\n%+v", callback, pushed, ended)
	}
	if ended.Status != alert.Resolved || ended.EndedAt.Minute() != 5 || ended.Labels["strategyName"] != "s" {
		t.Errorf("%+v", ended)
	}
}

// TestPhases: an event and its end are one alert, however they come.
func TestPhases(t *testing.T) {
	name := func(name string) string {
		return `{"product":"ECS","name":"` + name + `","resourceId":"acs:ecs:cn:1:instance/i-1","level":"CRITICAL","time":"1772352000000"}`
	}
	bridged := func(kind string) string {
		return `{"id":"e-1","specversion":"1.0","source":"acs.ecs","type":"ecs:` + kind + `","subject":"acs:ecs:cn:1:instance/i-1","time":"2026-03-01T16:00:00+08:00","aliyunaccountid":"1","aliyuneventbusname":"default","data":{"instanceId":"i-1","eventStatus":"Executing"}}`
	}
	for _, pair := range [][2]string{
		{name("Instance:SystemFailure.Reboot:Executing"), name("Instance:SystemFailure.Reboot:Executed")},
		{name("Instance:SystemMaintenance.Reboot:Scheduled"), bridged("Instance:SystemMaintenance.Reboot:Canceled")},
		{bridged("Instance:SystemFailure.Reboot:Executing"), bridged("Instance:SystemFailure.Reboot:Executed")},
		{name("Agent_Status_Stopped"), name("Agent_Status_Running")},
		{name("IpsecHealthCheckFailed"), name("IpsecHealthCheckSuccess")},
		{bridged("CloudMonitor:IpsecPhase1NegoFailed"), bridged("CloudMonitor:IpsecPhase1NegoSuccess")},
	} {
		a, b := sourcetest.One(t, Source, pair[0]), sourcetest.One(t, Source, pair[1])
		if a.DedupKey != b.DedupKey || a.Status != alert.Firing || b.Status != alert.Resolved || b.EndedAt.IsZero() {
			t.Errorf("%+v\n%+v", a, b)
		}
	}
	if a := sourcetest.One(t, Source, bridged("Instance:SystemFailure.Reboot:Executing")); a.Title != "Instance:SystemFailure.Reboot:Executing on i-1" || a.StartedAt.Hour() != 8 {
		t.Errorf("%+v", a)
	}
	alarm := `{"specversion":"1.0","source":"acs.cms","type":"cms:Alert:Metric","aliyunaccountid":"1","data":` + seed + `}`
	if a, b := sourcetest.One(t, Source, seed), sourcetest.One(t, Source, alarm); a.DedupKey != b.DedupKey || b.Severity != alert.Critical {
		t.Errorf("%+v\n%+v", a, b)
	}
	call := sourcetest.One(t, Source, `{"id":"e","specversion":"1.0","source":"acs.ecs","type":"ecs:ActionTrail:ApiCall","aliyunaccountid":"1","data":{"eventName":"DeleteInstance","serviceName":"Ecs","userIdentity":{"userName":"ann"},"eventTime":"2026-03-01T08:00:00Z","sourceIpAddress":"192.0.2.1"}}`)
	if call.Title != "DeleteInstance by ann" || call.Labels["sourceIpAddress"] != "192.0.2.1" || call.StartedAt.Hour() != 8 {
		t.Errorf("%+v", call)
	}
	for body, want := range map[string]bool{
		name("Instance:PreemptibleInstanceInterruption"): true, name("Instance:SystemFailure.Reboot:Executing"): false, seed: false, "[" + name("Instance:StateChange") + "]": true,
		bridged("Instance:StateChange"): true, alarm: false,
		`{"alert":{"alertStatus":"TRIGGERED","source":"SYS_EVENT","eventName":"E","arn":"a"}}`: true, `{"alert":{"alertStatus":"TRIGGERED","eventName":"E","arn":"a"}}`: false,
	} {
		parsed, err := Source.Parse(sourcetest.Request(body))
		if err != nil || parsed.NeverEnds != want {
			t.Errorf("%s: never ends %v, %v", body, parsed.NeverEnds, err)
		}
	}
}

func TestStatusesOfVersion2(t *testing.T) {
	for words, want := range map[string]alert.Status{
		`"status":"OCCURRED"`: alert.Firing, `"status":"PERSISTENT"`: alert.Firing, `"status":"RESOLVED"`: alert.Resolved, `"status":"RECOVERED"`: alert.Resolved, `"status":"NODATA"`: alert.Firing,
		`"status":"OCCURRED","subtype":"NORMAL_RESOLVE"`: alert.Resolved, `"subtype":"NORMAL_RESOLVE"`: alert.Resolved,
	} {
		if a := sourcetest.One(t, Source, `{"specversion":"1.0","ruleId":"r","alertEntityId":"e","subject":"S",`+words+`}`); a.Status != want || a.Title != "S" || a.DedupKey != keyOf("rule", "r", map[string]string{"entity": "e"}) {
			t.Errorf("%s: %+v", words, a)
		}
	}
}

func TestLevelsOfMessagesForMNS(t *testing.T) {
	const seed = `{"ruleId":"r-1","ruleName":"memory","curLevel":"WARN","preLevel":"OK","resources":"{\"instanceId\":\"i-1\"}","escalation":{"comparisonOperator":">","statistics":"Average","threshold":"80"},"metricData":{"Average":91},"metricName":"memory_used","namespace":"acs_ecs_dashboard","time":1772352000000,"eventName":"AlertOk","eventType":"Alert","batchId":"b"}`
	a := sourcetest.One(t, Source, seed)
	if a.Title != "memory: i-1" || a.Status != alert.Firing || a.Severity != alert.Warning || a.StartedAt.Hour() != 8 || !strings.Contains(a.Description, "condition: Average > 80") || a.Labels["instanceId"] != "i-1" {
		t.Errorf("%+v", a)
	}
	if b := sourcetest.One(t, Source, strings.Replace(seed, `"curLevel":"WARN","preLevel":"OK"`, `"curLevel":"OK","preLevel":"CRITICAL"`, 1)); b.Status != alert.Resolved || b.Severity != alert.Critical || b.DedupKey != a.DedupKey || b.EndedAt.Hour() != 8 {
		t.Errorf("%+v", b)
	}
	if got := sourcetest.Refused(t, Source, strings.Replace(seed, `"WARN"`, `"ODD"`, 1)); !strings.Contains(got, `curLevel: is "ODD"`) {
		t.Error(got)
	}
}

func TestRefused(t *testing.T) {
	for body, want := range map[string]string{
		"": "empty", "5": "is a number", `{}`: "alertState: missing", `[5]`: "is a number", `{"alertState":"ODD","alertName":"N"}`: `alertState: is "ODD"`, `{"alertState":"OK"}`: "ruleId: missing",
		`{"message":{"levelDescription":"odd"}}`: `levelDescription: is "odd"`, `{"message":{"levelDescription":"发生告警"}}`: "alertName: missing", `{"alert":{}}`: "alert.alertStatus",
		`{"alert":{"alertStatus":"TRIGGERED"}}`: "alert.eventName: missing", `{"specversion":"1.0","ruleId":"r","status":"odd"}`: `status: is "odd"`,
	} {
		if got := sourcetest.Refused(t, Source, body); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func FuzzParse(f *testing.F) { sourcetest.FuzzStates(f, Source, seeds...) }
