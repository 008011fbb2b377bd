package pagerduty

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/sourcetest"
)

func v3(word, fields string) string {
	return `{"event":{"id":"E","event_type":"incident.` + word + `","occurred_at":"2026-03-01T08:00:00Z","data":{"id":"Q","title":"T"` + fields + `}}}`
}

func v2(messages ...string) string { return `{"messages":[` + strings.Join(messages, ",") + `]}` }

func TestParse(t *testing.T) {
	const status = `,"created_at":"2026-03-01T07:00:00Z","status":`
	severity := func(a *alert.Alert) any { return a.Severity }
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "triggered", Body: v3("triggered", ``), Want: []string{`firing - incident:Q 2026-03-01T08:00:00Z.. "T"`}},
		{Name: "triggered, and says when", Body: v3("triggered", status+`"triggered"`), Want: []string{`firing - incident:Q 2026-03-01T07:00:00Z.. "T"`}},
		{Name: "acknowledged", Body: v3("acknowledged", status+`"acknowledged"`), Want: []string{`acknowledged - incident:Q 2026-03-01T07:00:00Z.. "T"`}},
		{Name: "unacknowledged", Body: v3("unacknowledged", status+`"triggered"`), Want: []string{`firing - incident:Q 2026-03-01T07:00:00Z.. "T"`}},
		{Name: "resolved", Body: v3("resolved", status+`"resolved"`), Want: []string{`resolved - incident:Q 2026-03-01T07:00:00Z..2026-03-01T08:00:00Z "T"`}},
		{Name: "resolved, without a status", Body: v3("resolved", ``), Want: []string{`resolved - incident:Q ..2026-03-01T08:00:00Z "T"`}},
		{Name: "reopened", Body: v3("reopened", ``), Want: []string{`firing - incident:Q .. "T"`}},
		{Name: "reassigned while acknowledged", Body: v3("reassigned", `,"status":"acknowledged"`), Want: []string{`acknowledged - incident:Q .. "T"`}},
		{Name: "delegated", Body: v3("delegated", `,"status":"triggered"`), Want: []string{`firing - incident:Q .. "T"`}},
		{Name: "moved to another service", Body: v3("service_updated", `,"status":"acknowledged"`), Want: []string{`acknowledged - incident:Q .. "T"`}},
		{Name: "of another type", Body: v3("incident_type.changed", `,"status":"triggered"`), Want: []string{`firing - incident:Q .. "T"`}},
		{Name: "merged", Body: v3("resolved", `,"status":"resolved","resolve_reason":{"type":"merge_resolve_reason","incident":{"id":"R","summary":"[#9] All is slow"}}`),
			Look: func(a *alert.Alert) any { return a.Description }, Is: "Merged into: [#9] All is slow"},
		{Name: "version 2, details", Body: v2(`{"event":"incident.trigger","log_entries":[{"channel":{"type":"api","details":{"host":"db-1","load":12,"password":"x"}}}],"incident":{"id":"Q","title":"T"}}`),
			Look: func(a *alert.Alert) any { return a.Description }, Is: "host: db-1\nload: 12"},
		{Name: "unknown status", Body: v3("triggered", `,"status":"odd"`), Want: []string{`rejected: status: is "odd", expected triggered, acknowledged or resolved`}},
		{Name: "without an id", Body: `{"event":{"event_type":"incident.triggered","data":{}}}`, Want: []string{"rejected: incident.id: missing"}},
		{Name: "note", Body: v3("annotated", ``), Note: "incident.annotated: says nothing of an alert"},
		{Name: "responder", Body: v3("responder.added", ``), Note: "incident.responder.added: says nothing"},
		{Name: "service", Body: `{"event":{"event_type":"service.updated","data":{"id":"P"}}}`, Note: "service.updated: says nothing"},
		{Name: "ping", Body: `{"event":{"event_type":"pagey.ping","data":{"message":"Hello"}}}`, Note: "pagey.ping: says nothing"},
		{Name: "priority before urgency", Body: v3("priority_updated", `,"urgency":"low","priority":{"summary":"P1"}`), Look: severity, Is: alert.Critical},
		{Name: "P4", Body: v3("triggered", `,"urgency":"high","priority":{"name":"P4"}`), Look: severity, Is: alert.Info},
		{Name: "SEV-2", Body: v3("triggered", `,"priority":{"summary":"SEV-2"}`), Look: severity, Is: alert.Error},
		{Name: "unknown priority", Body: v3("triggered", `,"urgency":"high","priority":{"summary":"Purple"}`), Look: severity, Is: alert.Error},
		{Name: "low urgency", Body: v3("triggered", `,"urgency":"low"`), Look: severity, Is: alert.Info},
		{Name: "title of the number", Body: `{"event":{"event_type":"incident.triggered","data":{"id":"Q","number":7}}}`, Want: []string{`firing - incident:Q .. "incident 7"`}},
		{Name: "version 2", Body: v2(`{"event":"incident.trigger","incident":{"id":"Q","title":"T","status":"triggered","urgency":"high"}}`, `{"event":"incident.resolve","created_on":"2026-03-01T08:00:00Z","incident":{"id":"R","title":"U","status":"resolved"}}`),
			Want: []string{`firing error incident:Q .. "T"`, `resolved - incident:R ..2026-03-01T08:00:00Z "U"`}},
		{Name: "version 2, note", Body: v2(`{"event":"incident.annotate","incident":{"id":"Q","status":"triggered"}}`), Note: "incident.annotate: says nothing"},
		{Name: "version 1", Body: v2(`{"type":"incident.assign","data":{"incident":{"id":"Q","status":"triggered","created_on":"2026-03-01T08:00:00Z","assigned_to_user":"null","trigger_summary_data":{"description":"D"}}}}`),
			Want: []string{`firing - incident:Q 2026-03-01T08:00:00Z.. "D"`}},
		{Name: "version 1, unacknowledged by its word", Body: v2(`{"type":"incident.unacknowledge","data":{"incident":{"id":"Q","incident_key":"k","status":"null"}}}`), Want: []string{`firing - incident:Q .. "k"`}},
		{Name: "messages of other types", Body: v2(`1`, `{"type":"incident.trigger"}`, `{"type":"incident.trigger","data":{"incident":[]}}`),
			Want: []string{"rejected: incident.id: missing", "rejected: incident.id: missing"}, Note: "an event without a type: says nothing"},
		{Name: "no messages", Body: v2()},
		{Name: "too many messages", Body: v2(strings.TrimSuffix(strings.Repeat("{},", source.MaxItems+1), ",")), Err: "10001 alerts, more than 10000"},
		{Name: "nothing of PagerDuty", Body: `{"a":1}`, Err: "event: missing"},
		{Name: "list", Body: `[]`, Err: "event: missing"},
	})
}

func TestSenderIDIsTheEvent(t *testing.T) {
	parsed, err := Parse(sourcetest.Request(v3("triggered", ``)))
	if err != nil || parsed.SenderID != "E" {
		t.Errorf("%q, %v", parsed.SenderID, err)
	}
}

func TestVerify(t *testing.T) {
	sign := func(secret string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(`{"a":1}`))
		return "v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	proof := func(name, body, signature string, ok bool) sourcetest.Proof {
		return sourcetest.Proof{Name: name, Request: sourcetest.Request(body, "X-PagerDuty-Signature", signature), OK: ok}
	}
	sourcetest.Verify(t, Source, []string{"new", "old"}, []sourcetest.Proof{
		proof("current", `{"a":1}`, sign("new"), true),
		proof("previous", `{"a":1}`, sign("old"), true),
		proof("second of two", `{"a":1}`, sign("x")+","+sign("new"), true),
		proof("with a space", `{"a":1}`, sign("x")+", "+sign("new"), true),
		proof("both wrong", `{"a":1}`, sign("x")+","+sign("y"), false),
		proof("another body", `{"a":2}`, sign("new"), false),
		proof("one bit", `{"a":1}`, sourcetest.FlipBit(sign("new")), false),
		proof("another version", `{"a":1}`, strings.Replace(sign("new"), "v1=", "v2=", 1), false),
		proof("none", `{"a":1}`, "", false),
	})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", v3("triggered", `,"status":[],"priority":"P1"`), v2(`{"event":"incident.trigger","incident":{"id":{}}}`))
}
