package grafana

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/sourcetest"
)

// one wraps an alert into a webhook of unified alerting.
func one(fields string) string {
	return `{"orgId":1,"version":"1","groupKey":"G","alerts":[{"status":"firing","fingerprint":"f",` + fields + `}]}`
}

func TestParse(t *testing.T) {
	description := func(a *alert.Alert) any { return a.Description }
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "no alerts", Body: `{"alerts":[],"orgId":1}`},
		{Name: "null", Body: `null`, Err: "the body is null, expected an object"},
		{Name: "a list", Body: `[]`, Err: "the body is an array, expected an object"},
		{Name: "neither form", Body: `{"status":"firing"}`, Err: "neither alerts"},
		{Name: "alerts of another type", Body: `{"alerts":{}}`, Err: "neither alerts"},
		{Name: "too many", Body: `{"alerts":[` + strings.Repeat("{},", source.MaxItems) + `{}]}`, Err: "10001 alerts"},
		{Name: "left out", Body: `{"alerts":[],"truncatedAlerts":3}`, Note: "left out 3 alerts"},
		{Name: "alert of another type", Body: `{"alerts":["x",{"labels":"x"},{}]}`, Want: []string{
			"rejected: is a string, expected an object", "rejected: labels: is a string, expected an object", "rejected: labels: missing; an alert needs labels or a fingerprint"}},
		{Name: "no status", Body: `{"alerts":[{"fingerprint":"f"}]}`, Want: []string{"rejected: status: missing; expected firing or resolved"}},
		{Name: "summary alone", Body: one(`"annotations":{"summary":"S"}`), Want: []string{`firing - fingerprint:f .. "S"`}},
		{Name: "name alone", Body: one(`"labels":{"alertname":"A"}`), Want: []string{`firing - fingerprint:f .. "A"`}},
		{Name: "summary with the name", Body: one(`"labels":{"alertname":"cpu"},"annotations":{"summary":"CPU of web-1"}`), Want: []string{`firing - fingerprint:f .. "CPU of web-1"`}},
		{Name: "error of the data source", Body: one(`"labels":{"alertname":"DatasourceError","rulename":"R"},"annotations":{"Error":"timeout","summary":"S"}`),
			Want: []string{`firing - fingerprint:f .. "DatasourceError: R"`}},
		{Name: "values", Body: one(`"values":{"A":1.5,"B":null},"annotations":{"description":"D"}`), Look: description, Is: "D\nValues: A=1.5, B="},
		{Name: "values as text", Body: one(`"values":null,"valueString":"[ value=10 ]"`), Look: description, Is: "Values: [ value=10 ]"},
		{Name: "reason", Body: one(`"annotations":{"Error":"timeout","grafana_state_reason":"Error"}`), Look: description, Is: "Error: timeout\nState reason: Error"},
		{Name: "links", Body: one(`"annotations":{"runbook_url":"https://r.example.com"},"panelURL":"https://g.example.com/p","silenceURL":"javascript:x","generatorURL":""`),
			Look: func(a *alert.Alert) any { return a.Links }, Is: "[{Runbook https://r.example.com} {Panel https://g.example.com/p}]"},
		{Name: "group and source", Body: one(`"labels":{"alertname":"A"}`), Look: func(a *alert.Alert) any { return a.Source + " " + a.Group }, Is: "grafana G"},
		{Name: "one by itself", Body: `{"labels":{"alertname":"A","severity":"critical"},"annotations":{"summary":"S"},"status":"resolved","startsAt":"2026-03-01T08:00:00Z","endsAt":"2026-03-01T08:30:00Z","fingerprint":"f"}`,
			Want: []string{`resolved critical fingerprint:f 2026-03-01T08:00:00Z..2026-03-01T08:30:00Z "A: S"`}},
		{Name: "payload of one's own", Body: `{"receiver":"r","status":"firing","alerts":2,"title":"[FIRING:2] CPU","severity":"warning"}`, Look: func(a *alert.Alert) any { return []any{a.Status, a.Severity, a.Title} }, Is: "[firing warning [FIRING:2] CPU]"},
		{Name: "payload of one's own without a status", Body: `{"summary":"CPU is high"}`, Look: func(a *alert.Alert) any { return []any{a.Status, a.Title} }, Is: "[firing CPU is high]"},
		{Name: "payload of one's own in an unknown state", Body: `{"title":"T","status":"angry"}`, Want: []string{`rejected: status: is "angry", expected firing or resolved`}},
	})
	firing := sourcetest.One(t, Source, `{"title":"[FIRING:1] CPU","status":"firing","groupKey":"g"}`)
	if over := sourcetest.One(t, Source, `{"title":"[RESOLVED] CPU","status":"resolved","groupKey":"g"}`); over.DedupKey != firing.DedupKey || over.Status != alert.Resolved {
		t.Errorf("%+v\n%+v", firing, over)
	}
}

func TestParseLegacy(t *testing.T) {
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "without an organisation", Body: `{"ruleId":7,"ruleName":"R","state":"alerting"}`, Want: []string{`firing - rule:7 .. "R"`}},
		{Name: "id as text", Body: `{"ruleId":"7","orgId":"2","ruleName":"R","state":"OK"}`, Want: []string{`resolved - rule:2/7 .. "R"`}},
		{Name: "no name", Body: `{"ruleId":7,"title":"[Alerting] T","state":"alerting"}`, Want: []string{`firing - rule:7 .. "T"`}},
		{Name: "pending", Body: `{"ruleId":7,"state":"pending"}`, Note: "the rule is pending"},
		{Name: "unknown", Body: `{"ruleId":7,"state":"unknown"}`, Note: "the rule is unknown"},
		{Name: "no state", Body: `{"ruleId":7}`, Want: []string{"rejected: state: missing; expected alerting, ok, no_data, paused, pending or unknown"}},
		{Name: "another state", Body: `{"ruleId":7,"state":"angry"}`, Want: []string{`rejected: state: is "angry", expected alerting, ok, no_data, paused, pending or unknown`}},
		{Name: "odd types", Body: `{"ruleId":{},"ruleName":["R"],"state":"alerting","evalMatches":{"a":1},"tags":7}`, Look: func(a *alert.Alert) any { return a.Title }, Is: `["R"]`},
		{Name: "values and tags", Body: `{"ruleId":7,"ruleName":"R","state":"alerting","message":"M","evalMatches":[{"metric":"user","value":9,"tags":{"host":"web-1","team":"x"}}],"tags":{"team":"shop"}}`,
			Look: func(a *alert.Alert) any { return []any{a.Description, a.Labels} }, Is: "[M\nuser: 9 map[host:web-1 team:shop]]"},
	})
	test, other := `{"ruleId":0,"ruleName":"Test","state":"alerting"}`, `{"ruleId":0,"ruleName":"Other","state":"alerting"}`
	first, err1 := Parse(sourcetest.Request(test))
	second, err2 := Parse(sourcetest.Request(other))
	if err1 != nil || err2 != nil || first.Items[0].Alert.DedupKey == second.Items[0].Alert.DedupKey {
		t.Errorf("rules without an id share a key: %v %v", first, second)
	}
}

// The signatures were made with openssl: printf '%s' "$signed" | openssl dgst
// -sha256 -hmac secret. Grafana publishes no example.
func TestVerify(t *testing.T) {
	const (
		body    = `{"alerts":[]}`
		plain   = "1745765da3451aa4b37c66c165cd80b9a4765574a56eedd22aebc2737ac612c3"
		timed   = "2f088781d6a8917119ad913f8600913052e441e36f71c6940a74f0e38a0baef0"
		now     = "1772355600"
		oldTime = "1772355000"
		old     = "8f5bd62c6d62b070eb988b17175da7d1a6145b5a491e827128587c92261d7fc0"
	)
	signed := func(header ...string) *source.Request { return sourcetest.Request(body, header...) }
	const name, at = "X-Grafana-Alerting-Signature", "X-Grafana-Alerting-Timestamp"
	sourcetest.Verify(t, Source, []string{"next", "secret"}, []sourcetest.Proof{
		{Name: "body", Request: signed(name, plain), OK: true},
		{Name: "time and body", Request: signed(name, timed, at, now), OK: true},
		{Name: "other name of the time", Request: signed(name, timed, "X-Grafana-Alerting-Signature-Timestamp", now), OK: true},
		{Name: "no signature", Request: signed()},
		{Name: "flipped bit", Request: signed(name, sourcetest.FlipBit(plain))},
		{Name: "time that is not signed", Request: signed(name, plain, at, now)},
		{Name: "time left out", Request: signed(name, timed)},
		{Name: "old time", Request: signed(name, old, at, oldTime)},
		{Name: "other body", Request: sourcetest.Request(body+" ", name, plain)},
	})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", one(`"values":{"A":{}},"annotations":[]`), `{"ruleId":0,"state":"alerting","evalMatches":[{}]}`)
}
