package jira

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/sourcetest"
)

func event(word, fields string) string {
	return `{"webhookEvent":"jira:issue_` + word + `","timestamp":1772355312000,"issue":{"key":"OPS-7","fields":{"summary":"S","created":"2026-03-01T08:00:00.000+0000"` + fields + `}}}`
}

func category(key string) string {
	return `,"status":{"name":"N","statusCategory":{"key":"` + key + `"}}`
}

func changed(field string) string {
	return strings.Replace(event("updated", category("indeterminate")), `"issue"`, `"changelog":{"items":[{"field":"`+field+`"}]},"issue"`, 1)
}

func TestParse(t *testing.T) {
	severity := func(a *alert.Alert) any { return a.Severity }
	status := func(a *alert.Alert) any { return a.Status }
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "created", Body: event("created", `,"priority":{"name":"Medium"}`+category("new")), Want: []string{`firing warning issue:OPS-7 2026-03-01T08:55:12Z.. "S"`}},
		{Name: "edited", Body: event("updated", category("new")), Want: []string{`firing - issue:OPS-7 2026-03-01T08:00:00Z.. "S"`}},
		{Name: "done", Body: event("updated", category("done")+`,"resolutiondate":"2026-03-01T08:30:00.000+0000"`), Want: []string{`resolved - issue:OPS-7 2026-03-01T08:00:00Z..2026-03-01T08:30:00Z "S"`}},
		{Name: "done at no time", Body: event("updated", category("done")), Want: []string{`resolved - issue:OPS-7 2026-03-01T08:00:00Z..2026-03-01T08:55:12Z "S"`}},
		{Name: "deleted", Body: event("deleted", category("new")), Want: []string{`resolved - issue:OPS-7 2026-03-01T08:00:00Z..2026-03-01T08:55:12Z "S"`}},
		{Name: "begun", Body: changed("status"), Look: status, Is: alert.Acknowledged},
		{Name: "edited while in progress", Body: changed("summary"), Look: status, Is: alert.Firing},
		{Name: "closed, without a category", Body: event("updated", `,"status":{"name":"Closed"}`), Look: status, Is: alert.Resolved},
		{Name: "status as a text", Body: event("updated", `,"status":"Done"`), Look: status, Is: alert.Resolved},
		{Name: "resolution, without a category", Body: event("updated", `,"status":{"name":"X"},"resolution":{"name":"Fixed"}`), Look: status, Is: alert.Resolved},
		{Name: "old resolution of an issue that is open", Body: event("updated", category("new")+`,"resolution":{"name":"Fixed"}`), Look: status, Is: alert.Firing},
		{Name: "blocker", Body: event("created", `,"priority":"Blocker"`), Look: severity, Is: alert.Critical},
		{Name: "critical is below blocker", Body: event("created", `,"priority":{"name":"Critical"}`), Look: severity, Is: alert.Error},
		{Name: "trivial", Body: event("created", `,"priority":{"name":"Trivial"}`), Look: severity, Is: alert.Info},
		{Name: "a priority of one's own", Body: event("created", `,"priority":{"name":"P1"}`), Look: severity, Is: alert.Critical},
		{Name: "a priority that begins with a word", Body: event("created", `,"priority":{"name":"P2 - Major"}`), Look: severity, Is: alert.Error},
		{Name: "a priority in two words", Body: event("created", `,"priority":{"name":"Sev 1"}`), Look: severity, Is: alert.Critical},
		{Name: "custom data of an automation rule", Body: `{"issue":{"key":"OPS-7","summary":"S","status":"Open","priority":"High","url":"https://x.example.com/browse/OPS-7"}}`,
			Want: []string{`firing error issue:OPS-7 .. "S"`}},
		{Name: "custom data of an issue that is done", Body: `{"key":"OPS-7","summary":"S","status":"Done","priority":"High"}`, Want: []string{`resolved error issue:OPS-7 .. "S"`}},
		{Name: "page in custom data", Body: `{"issue":{"key":"OPS-7","summary":"S","url":"https://x.example.com/browse/OPS-7"}}`,
			Look: func(a *alert.Alert) any { return a.Links }, Is: []alert.Link{{Text: "Issue", URL: "https://x.example.com/browse/OPS-7"}}},
		{Name: "version released", Body: `{"timestamp":1772355312000,"webhookEvent":"jira:version_released","version":{"id":"3","name":"2.3.0","projectId":1}}`,
			Changes: []string{`2026-03-01T08:55:12Z "version 2.3.0 is released"`}},
		{Name: "unknown priority", Body: event("created", `,"priority":{"name":"Purple"}`), Look: severity, Is: ""},
		{Name: "one episode", Body: changed("status"), Look: func(a *alert.Alert) any { return a.Episode }, Is: "OPS-7"},
		{Name: "document", Body: event("created", `,"description":{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"type":"paragraph","content":[{"text":"c"}]}]}`),
			Look: func(a *alert.Alert) any { return a.Description }, Is: "ab\nc"},
		{Name: "issue of an automation rule", Body: `{"key":"OPS-7","self":"https://x.example.com/jira/rest/api/2/issue/1","fields":{"summary":"S"}}`,
			Look: func(a *alert.Alert) any { return a.Links }, Is: []alert.Link{{Text: "Issue", URL: "https://x.example.com/jira/browse/OPS-7"}}},
		{Name: "labels", Body: event("created", `,"labels":["a","b"],"components":[{"name":"c"},{}],"project":{"key":"P"}`),
			Look: func(a *alert.Alert) any { return a.Labels["labels"] + a.Labels["components"] + a.Labels["project"] }, Is: "a, bcP"},
		{Name: "id alone", Body: `{"webhookEvent":"jira:issue_created","issue":{"id":17}}`, Want: []string{`firing - issue:17 .. "17"`}},
		{Name: "without a key", Body: `{"webhookEvent":"jira:issue_created","issue":{}}`, Want: []string{"rejected: issue.key: missing"}},
		{Name: "comment", Body: `{"webhookEvent":"comment_created","issue":{"key":"OPS-7"}}`, Note: "comment_created: says nothing of an alert"},
		{Name: "sprint", Body: `{"webhookEvent":"sprint_started","sprint":{}}`, Note: "sprint_started: says nothing"},
		{Name: "no issue", Body: `{"webhookEvent":"jira:issue_created"}`, Err: "issue: is nothing, expected the object"},
		{Name: "list", Body: `[]`, Err: "issue: is nothing"},
	})
}

// The first case is the example that Atlassian publishes (Jira Cloud platform,
// "Webhooks", Testing webhook payload validation).
func TestVerify(t *testing.T) {
	const secret, body = "It's a Secret to Everybody", "Hello World!"
	const published = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
	proof := func(name, body, signature string, ok bool) sourcetest.Proof {
		return sourcetest.Proof{Name: name, Request: sourcetest.Request(body, "X-Hub-Signature", signature), OK: ok}
	}
	for _, secrets := range [][]string{{secret, "old"}, {"new", secret}} {
		sourcetest.Verify(t, Source, secrets, []sourcetest.Proof{
			proof("published", body, published, true),
			proof("another body", "Hello, World!", published, false),
			proof("one bit", body, sourcetest.FlipBit(published), false),
			proof("without the prefix", body, strings.TrimPrefix(published, "sha256="), false),
			proof("none", body, "", false),
		})
	}
	sourcetest.Verify(t, Source, []string{"another"}, []sourcetest.Proof{proof("wrong secret", body, published, false)})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", event("updated", `,"status":[],"priority":[],"labels":{}`), changed("status"), `{"fields":{},"key":{}}`)
}
