package dynatrace

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/sourcetest"
)

func TestParse(t *testing.T) {
	const base = `"PID":"-1_17V2","ProblemTitle":"T"`
	description := func(a *alert.Alert) any { return a.Description }
	labels := func(a *alert.Alert) any { return a.Labels }
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "details alone", Body: `{"problemId":"7_V2","displayId":"P-1","title":"slow","impactLevel":"SERVICES","severityLevel":"PERFORMANCE","status":"CLOSED","startTime":1772355312000,"endTime":1772355612000,"impactedEntities":[{"name":"shop","entityId":{"type":"SERVICE"}}]}`,
			Want: []string{`resolved warning pid:7_V2 2026-03-01T08:55:12Z..2026-03-01T09:00:12Z "slow: shop"`}},
		{Name: "security problem", Body: `{"SecurityProblemId":"S-1","Title":"Injection","Severity":"CRITICAL"}`, Want: []string{`firing critical security_problem:S-1 .. "Injection"`}},
		{Name: "security event", Body: `{"event.kind":"SECURITY_EVENT","event.id":"s","event.name":"V","event.status":"OPEN","vulnerability.risk.level":"HIGH","timestamp":"2026-03-01T08:00:00Z"}`, Want: []string{`firing error pid:s 2026-03-01T08:00:00Z.. "V"`}},
		{Name: "nothing but an id", Body: `{"State":"RESOLVED","PID":"1"}`, Want: []string{`resolved - pid:1 .. "Problem 1"`}},
		{Name: "details of version 1 alone", Body: `{"id":"-1_2V2","displayName":"P-1","impactLevel":"SERVICE","severityLevel":"ERROR","status":"CLOSED","startTime":1772355312000,"endTime":1772355612000,"rankedEvents":[{"eventType":"CPU_SATURATED"}]}`,
			Want: []string{`resolved error pid:-1_2V2 2026-03-01T08:55:12Z..2026-03-01T09:00:12Z "Problem P-1: cpu saturated"`}},
		{Name: "id in the address of its page", Body: `{"title":"T","state":"OPEN","link_to_upstream_details":"https://a.live.dynatrace.com/#problems/problemdetails;pid=-1_2V2"}`, Want: []string{`firing - pid:-1_2V2 .. "T"`}},
		{Name: "text tells the end", Body: `{"PID":"1","ProblemTitle":"T","State":"","ProblemDetailsText":"RESOLVED Problem P-1 in environment shop"}`, Want: []string{`resolved - pid:1 .. "T"`}},
		{Name: "in an object", Body: `{"problem":{"id":"P-1","pid":"7","title":"T","state":"RESOLVED","severity":"ERROR"}}`, Want: []string{`resolved error pid:7 .. "T"`}},
		{Name: "null", Body: `null`, Err: "the body is null, expected an object"},
		{Name: "nothing of a problem", Body: `{"State":"OPEN"}`, Err: "no PID, ProblemID or ProblemTitle"},
		{Name: "no state fires", Body: `{` + base + `}`, Want: []string{`firing - pid:-1_17V2 .. "T"`}},
		{Name: "state of the details", Body: `{` + base + `,"ProblemDetailsJSON":{"status":"CLOSED","endTime":1772355600000}}`, Want: []string{`resolved - pid:-1_17V2 ..2026-03-01T09:00:00Z "T"`}},
		{Name: "end that is not yet", Body: `{` + base + `,"State":"OPEN","ProblemDetailsJSON":{"startTime":1772355300000,"endTime":-1}}`, Want: []string{`firing - pid:-1_17V2 2026-03-01T08:55:00Z.. "T"`}},
		{Name: "details as text", Body: `{` + base + `,"State":"OPEN","ProblemDetailsJSON":"{\"severityLevel\":\"PERFORMANCE\"}"}`, Want: []string{`firing warning pid:-1_17V2 .. "T"`}},
		{Name: "lower case template", Body: `{"problemId":"P-7","problemTitle":"T","state":"open","severity":"critical"}`, Want: []string{`firing critical problem:P-7 .. "T"`}},
		{Name: "title alone", Body: `{"ProblemTitle":"T","State":"OPEN"}`, Look: func(a *alert.Alert) any { return strings.HasPrefix(a.DedupKey, "hash1:") }, Is: true},
		{Name: "id in details", Body: `{"ProblemDetailsJSONv2":{"problemId":"-2_3V2","displayId":"P-3","title":"T","impactedEntities":[{"entityId":{"id":"HOST-1","type":"HOST"},"name":"web-1"}]}}`,
			Want: []string{`firing - pid:-2_3V2 .. "T: web-1"`}},
		{Name: "odd types", Body: `{"PID":{"a":1},"ProblemTitle":["T"],"ImpactedEntities":{"x":1},"Tags":{"k":"v"},"State":"OPEN","ProblemDetailsJSON":[1]}`,
			Want: []string{`firing - pid:{"a":1} .. "[\"T\"]"`}},
		{Name: "text", Body: `{` + base + `,"ProblemDetailsText":"all of it","ProblemImpact":"SERVICES"}`, Look: description, Is: "all of it"},
		{Name: "no text", Body: `{` + base + `,"ProblemImpact":"SERVICES","ProblemSeverity":"ERROR","ProblemDetailsJSON":{"rankedEvents":[{"eventType":"CPU_SATURATED","entityName":"web-1"}]}}`,
			Look: description, Is: "Impact: SERVICES\nSeverity: ERROR\nCPU_SATURATED: web-1"},
		{Name: "labels", Body: `{` + base + `,"Tags":"env:prod, shop","ImpactedEntities":[{"type":"HOST","name":"a"},{"type":"HOST","name":"b"},{"name":"c"}]}`, Look: labels, Is: "map[entity:c env:prod host:a, b tags:shop]"},
		{Name: "link", Body: `{` + base + `,"Problem URL":"https://abc.live.dynatrace.com/#problems/1"}`, Look: func(a *alert.Alert) any { return a.Links }, Is: "[{Problem https://abc.live.dynatrace.com/#problems/1}]"},
		{Name: "episode", Body: `{` + base + `}`, Look: func(a *alert.Alert) any { return a.Episode }, Is: "-1_17V2"},
	})
}

func TestACloudEventNamesTheRequest(t *testing.T) {
	parsed, err := Parse(sourcetest.Request(`{"specversion":"1.0","id":"e","data":{"PID":"1","ProblemTitle":"T","State":"OPEN"}}`))
	if err != nil || parsed.SenderID != "e" || parsed.Items[0].Alert.DedupKey != "pid:1" {
		t.Errorf("%+v, %v", parsed, err)
	}
}

func TestSeverityWords(t *testing.T) {
	for word, want := range map[string]alert.Severity{
		"AVAILABILITY": alert.Critical, "error": alert.Error, "MONITORING_UNAVAILABLE": alert.Error, "PERFORMANCE": alert.Warning,
		"RESOURCE_CONTENTION": alert.Warning, "CUSTOM_ALERT": alert.Warning, "INFO": alert.Info, "": "", "odd": "",
	} {
		if got := severityOf(word); got != want {
			t.Errorf("%q is %q, want %q", word, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", `{"PID":1,"ImpactedEntities":"[{\"type\":1}]","Tags":[{}],"ProblemDetailsJSON":"{"}`)
}
