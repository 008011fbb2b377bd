package sentry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/sourcetest"
)

func issueBody(action, fields string) string {
	return `{"action":"` + action + `","actor":{"type":"user"},"data":{"issue":{"id":"7","title":"T","level":"error","firstSeen":"2026-03-01T08:00:00Z"` + fields + `}}}`
}

func eventBody(fields string) string {
	return `{"action":"triggered","data":{"event":{"event_id":"e","title":"T","level":"warning","datetime":"2026-03-01T08:00:00Z"` + fields + `}}}`
}

func TestParse(t *testing.T) {
	const at = `2026-03-01T08:00:00Z.. "T"`
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "created", Body: issueBody("created", ``), Want: []string{"firing error issue:7 " + at}},
		{Name: "unresolved", Body: issueBody("unresolved", ``), Want: []string{"firing error issue:7 " + at}},
		{Name: "resolved", Body: issueBody("resolved", ``), Want: []string{"resolved error issue:7 " + at}},
		{Name: "ignored", Body: issueBody("ignored", ``), Want: []string{"resolved error issue:7 " + at}},
		{Name: "assigned", Body: issueBody("assigned", ``), Want: []string{"acknowledged error issue:7 " + at}},
		{Name: "an activity alert has the issue's status", Body: issueBody("triggered", `,"status":"resolved"`), Want: []string{"resolved error issue:7 " + at}},
		{Name: "number as id", Body: `{"action":"created","data":{"issue":{"id":7,"title":"T"}}}`, Want: []string{`firing - issue:7 .. "T"`}},
		{Name: "title of metadata", Body: `{"action":"created","data":{"issue":{"id":7,"metadata":{"type":"E","value":"v"}}}}`, Want: []string{`firing - issue:7 .. "E: v"`}},
		{Name: "without an id", Body: `{"action":"created","data":{"issue":{}}}`, Want: []string{"rejected: data.issue.id: missing"}},
		{Name: "unknown action", Body: issueBody("painted", ``), Want: []string{`rejected: action: is "painted", expected created, unresolved, resolved, assigned, ignored or archived`}},
		{Name: "issue alert by its address", Body: eventBody(`,"issue_url":"https://sentry.io/api/0/issues/7/"`), Want: []string{"firing warning issue:7 " + at}},
		{Name: "issue alert without an issue", Body: eventBody(``), Want: []string{"firing warning event:e " + at}},
		{Name: "events of an issue are one episode", Body: eventBody(`,"issue_id":"7"`), Look: func(a *alert.Alert) any { return a.Episode }, Is: "issue:7"},
		{Name: "unknown level", Body: eventBody(`,"level":"sample"`), Look: func(a *alert.Alert) any { return a.Severity }, Is: ""},
		{Name: "project of the address", Body: eventBody(`,"project":12,"url":"https://sentry.io/api/0/projects/org/shop/events/e/"`), Look: func(a *alert.Alert) any { return a.Labels["project"] }, Is: "shop"},
		{Name: "tags as objects", Body: eventBody(`,"tags":[{"key":"host","value":"h1"},["",1],7]`), Look: func(a *alert.Alert) any { return a.Labels["host"] }, Is: "h1"},
		{Name: "last of a chain of exceptions", Body: eventBody(`,"exception":{"values":[{"type":"A","value":"a"},{"type":"B","value":"b"}]}`), Look: func(a *alert.Alert) any { return a.Description }, Is: "B: b"},
		{Name: "uptime monitor", Body: `{"action":"triggered","data":{"event":{"event_id":"e","title":"Downtime detected","datetime":"2026-03-01T08:00:00Z","issue_id":"7","occurrence":{"level":"error"}}}}`,
			Want: []string{`firing error issue:7 2026-03-01T08:00:00Z.. "Downtime detected"`}},
		{Name: "evidence", Body: eventBody(`,"occurrence":{"subtitle":"Your monitored domain is down","evidence_display":[{"name":"Failure reason","value":"timeout"},7,{"name":"Status","value":""}]}`),
			Look: func(a *alert.Alert) any { return a.Description }, Is: "Your monitored domain is down\nFailure reason: timeout"},
		{Name: "evidence by its newer name", Body: eventBody(`,"occurrence":{"subtitle":"Your monitored domain is down","evidenceDisplay":[{"name":"Failure reason","value":"timeout","important":true}]}`),
			Look: func(a *alert.Alert) any { return a.Description }, Is: "Your monitored domain is down\nFailure reason: timeout"},
		{Name: "metric alert that opens", Body: `{"action":"open","data":{"metric_alert":{"id":"1","title":"slow"}}}`, Want: []string{`firing - metric_alert:1 .. "slow"`}},
		{Name: "metric alert of unknown state", Body: `{"action":"odd","data":{"metric_alert":{"id":"1"}}}`, Want: []string{`rejected: action: is "odd", expected critical, warning or resolved`}},
		{Name: "metric alert by its title", Body: `{"action":"critical","data":{"metric_alert":{"id":1},"description_title":"Critical: slow"}}`, Want: []string{`firing critical metric_alert:1 .. "slow"`}},
		{Name: "service hook", Body: `{"project":{"slug":"p","name":"P"},"group":{"id":"7"},"event":{"event_id":"e","title":"T","level":"error"}}`, Want: []string{`firing error issue:7 .. "T"`},
			Look: func(a *alert.Alert) any { return a.Labels["project"] }, Is: "p"},
		{Name: "plugin without an event", Body: `{"project_name":"p","level":"error","message":"M","id":"7"}`, Want: []string{`firing error issue:7 .. "M"`}},
		{Name: "another resource", Body: `{"action":"root_cause_started","data":{"run_id":1}}`, Header: []string{"Sentry-Hook-Resource", "seer"}, Note: "seer root_cause_started: says nothing of an alert"},
		{Name: "nothing of Sentry", Body: `{"a":1}`, Err: "data: holds no issue, event, error or metric_alert"},
		{Name: "list", Body: `[]`, Header: []string{"Sentry-Hook-Resource", "issue"}, Err: "data: holds no issue"},
	})
}

func TestVerify(t *testing.T) {
	sign := func(secret, body string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(body))
		return hex.EncodeToString(mac.Sum(nil))
	}
	proof := func(name, signature string, ok bool) sourcetest.Proof {
		return sourcetest.Proof{Name: name, Request: sourcetest.Request(`{"a":1}`, "Sentry-Hook-Signature", signature), OK: ok}
	}
	sourcetest.Verify(t, Source, []string{"new", "old"}, []sourcetest.Proof{
		proof("current", sign("new", `{"a":1}`), true),
		proof("previous", sign("old", `{"a":1}`), true),
		proof("wrong secret", sign("x", `{"a":1}`), false),
		proof("another body", sign("new", `{"a": 1}`), false),
		proof("one bit", sourcetest.FlipBit(sign("new", `{"a":1}`)), false),
		proof("none", "", false),
	})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "Sentry-Hook-Resource", issueBody("assigned", `,"metadata":[]`), eventBody(`,"tags":[[]],"url":"/projects/"`))
}
