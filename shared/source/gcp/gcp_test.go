package gcp

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/sourcetest"
)

func body(fields string) string {
	return `{"version":"1.2","incident":{"incident_id":"i","policy_name":"P","condition_name":"C","started_at":1772355312` + fields + `}}`
}

func pushed(inner string) string {
	return `{"message":{"data":"` + base64.StdEncoding.EncodeToString([]byte(inner)) + `","message_id":"7"},"subscription":"projects/p/subscriptions/s"}`
}

func TestParse(t *testing.T) {
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "open", Body: body(`,"state":"OPEN","severity":"Error"`), Want: []string{`firing error incident:i 2026-03-01T08:55:12Z.. "P: C"`}},
		{Name: "open with an end", Body: body(`,"state":"open","ended_at":1772355400`), Want: []string{`firing - incident:i 2026-03-01T08:55:12Z.. "P: C"`}},
		{Name: "closed", Body: body(`,"state":"closed","ended_at":1772355400,"severity":"No severity"`), Want: []string{`resolved - incident:i 2026-03-01T08:55:12Z..2026-03-01T08:56:40Z "P: C"`}},
		{Name: "times as texts", Body: strings.Replace(body(`,"state":"closed","ended_at":"1772355400"`), `1772355312`, `"1772355312"`, 1),
			Want: []string{`resolved - incident:i 2026-03-01T08:55:12Z..2026-03-01T08:56:40Z "P: C"`}},
		{Name: "acknowledged", Body: body(`,"state":"acknowledged"`), Want: []string{`acknowledged - incident:i 2026-03-01T08:55:12Z.. "P: C"`}},
		{Name: "unknown state", Body: body(`,"state":"odd"`), Want: []string{`rejected: incident.state: is "odd", expected open, acknowledged or closed`}},
		{Name: "without a state", Body: body(``), Want: []string{`rejected: incident.state: is "", expected open, acknowledged or closed`}},
		{Name: "severity of a label", Body: body(`,"state":"open","policy_user_labels":{"severity":"warning"}`), Look: func(a *alert.Alert) any { return a.Severity }, Is: alert.Warning},
		{Name: "documentation as a text", Body: body(`,"state":"open","documentation":"Call Ann."`), Look: func(a *alert.Alert) any { return a.Description }, Is: "Call Ann."},
		{Name: "summary alone", Body: `{"incident":{"incident_id":"i","state":"open","summary":"S"}}`, Want: []string{`firing - incident:i .. "S"`}},
		{Name: "policy by its name in the API", Body: `{"incident":{"incident_id":"i","state":"open","policy_name":"projects/1/alertPolicies/2","condition_name":"C"}}`, Want: []string{`firing - incident:i .. "C"`}},
		{Name: "without an id", Body: `{"incident":{"state":"open","policy_name":"P"}}`, Look: func(a *alert.Alert) any { return strings.HasPrefix(a.DedupKey, "hash1:") }, Is: true},
		{Name: "the long name of a resource stays out of the title", Body: body(`,"state":"open","resource_name":"` + strings.Repeat("x", 81) + `"`), Look: func(a *alert.Alert) any { return a.Title }, Is: "P: C"},
		{Name: "labels", Body: body(`,"state":"open","resource":{"type":"t","labels":{"zone":"z"}},"metric":{"labels":{"response":"500","zone":"other"}}`),
			Look: func(a *alert.Alert) any { return a.Labels["resource_type"] + a.Labels["zone"] + a.Labels["response"] }, Is: "tz500"},
		{Name: "links", Body: body(`,"state":"open","url":"https://a.example.com","documentation":{"links":[{"url":"https://b.example.com"},{"displayName":"bad","url":"x:y"}]}`),
			Look: func(a *alert.Alert) any { return a.Links }, Is: []alert.Link{{Text: "Incident", URL: "https://a.example.com"}, {Text: "Documentation", URL: "https://b.example.com"}}},
		{Name: "pushed by Pub/Sub", Body: pushed(body(`,"state":"open"`)), Want: []string{`firing - incident:i 2026-03-01T08:55:12Z.. "P: C"`}},
		{Name: "pushed without Base64", Body: `{"message":{"data":"%"}}`, Err: "message.data: is no Base64"},
		{Name: "pushed without JSON", Body: pushed("hello\nworld"), Want: []string{`firing - pubsub_message:7 .. "hello"`}},
		{Name: "pushed something else", Body: pushed(`{"a":1}`), Want: []string{`firing - pubsub_message:7 .. "Message of s"`}},
		{Name: "pushed nothing", Body: pushed(``), Err: "message.data: is empty"},
		{Name: "finding", Body: pushed(`{"notificationConfigName":"organizations/1/notificationConfigs/n","finding":{"name":"organizations/1/sources/2/findings/f","state":"ACTIVE","category":"PUBLIC_BUCKET_ACL","severity":"HIGH","createTime":"2026-03-01T08:00:00Z"},"resource":{"name":"//storage.googleapis.com/photos"}}`),
			Want: []string{`firing error finding:organizations/1/sources/2/findings/f 2026-03-01T08:00:00Z.. "PUBLIC_BUCKET_ACL on photos"`}},
		{Name: "finding whose detector has the severity", Body: `{"finding":{"name":"f","state":"ACTIVE","category":"C","severity":"SEVERITY_UNSPECIFIED","sourceProperties":{"SeverityLevel":"High"}}}`, Want: []string{`firing error finding:f .. "C"`}},
		{Name: "finding is inactive", Body: `{"finding":{"name":"f","state":"INACTIVE","category":"C","eventTime":"2026-03-01T09:00:00Z"}}`, Want: []string{`resolved - finding:f ..2026-03-01T09:00:00Z "C"`}},
		{Name: "finding is muted", Body: `{"finding":{"name":"f","state":"ACTIVE","mute":"MUTED","category":"C"}}`, Want: []string{`resolved - finding:f .. "C"`}},
		{Name: "finding in another state", Body: `{"finding":{"name":"f","state":"ODD"}}`, Want: []string{`rejected: finding.state: is "ODD", expected ACTIVE or INACTIVE`}},
		{Name: "finding without a name", Body: `{"finding":{}}`, Want: []string{`rejected: finding.name: missing`}},
		{Name: "budget is exceeded", Body: pushed(`{"budgetDisplayName":"shop","alertThresholdExceeded":1.0,"costAmount":102.5,"budgetAmount":100,"currencyCode":"EUR"}`), Look: func(a *alert.Alert) any { return a.Title + "; " + a.Description },
			Is: "Budget shop: 102.5 of 100 EUR spent; Exceeded: 100 %"},
		{Name: "budget is fine", Body: pushed(`{"budgetDisplayName":"shop","costAmount":10,"budgetAmount":100,"currencyCode":"EUR"}`), Note: "below its thresholds"},
		{Name: "budget will be exceeded", Body: pushed(`{"budgetDisplayName":"shop","forecastThresholdExceeded":1.1,"costAmount":50,"budgetAmount":100}`), Look: func(a *alert.Alert) any { return a.Title },
			Is: "Budget shop: 50 of 100 spent, forecast to exceed"},
		{Name: "entry of a log", Body: pushed(`{"logName":"projects/p/logs/app","resource":{"type":"k8s_container","labels":{"pod_name":"a"}},"severity":"ERROR","jsonPayload":{"message":"no space"},"timestamp":"2026-03-01T08:00:00Z"}`),
			Look: func(a *alert.Alert) any { return a.Title + " " + string(a.Severity) + " " + a.Labels["pod_name"] }, Is: "no space error a"},
		{Name: "object of a bucket", Body: strings.Replace(pushed(`{"kind":"storage#object","size":"17"}`), `"message_id"`, `"attributes":{"eventType":"OBJECT_DELETE","objectId":"a.jpg"},"message_id"`, 1), Want: []string{`firing - pubsub_message:7 .. "OBJECT_DELETE a.jpg"`}},
		{Name: "subject of a notification", Body: body(`,"state":"open","summary":"S","documentation":{"subject":"Shop is slow","content":"Call Ann."}`), Look: func(a *alert.Alert) any { return a.Description }, Is: "Shop is slow\nS\nCall Ann."},
		{Name: "new error", Body: `{"version":"1.0","subject":"New error in shop","group_info":{"project_id":"shop","detail_link":"https://console.example.com/errors/C"},"exception_info":{"type":"ValueError","message":"bad"},"event_info":{"log_message":"Traceback\nat x","service":"web"}}`,
			Look: func(a *alert.Alert) any { return a.Title + "|" + a.Description + "|" + a.Labels["service"] }, Is: "New error in shop: ValueError: bad|bad\nTraceback\nat x|web"},
		{Name: "build failed", Body: pushed(`{"id":"b-1","status":"FAILURE","projectId":"p","logUrl":"https://x.example.com","buildTriggerId":"t","substitutions":{"REPO_NAME":"shop"},"finishTime":"2026-03-01T08:00:00Z"}`),
			Want: []string{`firing error hash1:126a61cbb3ce745789428ec80fd509c1 2026-03-01T08:00:00Z.. "Build of shop FAILURE"`}},
		{Name: "build succeeded", Body: pushed(`{"id":"b-2","status":"SUCCESS","projectId":"p","logUrl":"https://x.example.com","buildTriggerId":"t","substitutions":{"REPO_NAME":"shop"},"finishTime":"2026-03-01T08:10:00Z"}`),
			Want: []string{`resolved - hash1:126a61cbb3ce745789428ec80fd509c1 ..2026-03-01T08:10:00Z "Build of shop SUCCESS"`}},
		{Name: "build runs", Body: pushed(`{"id":"b-3","status":"WORKING","projectId":"p","logUrl":"https://x.example.com"}`), Note: "Build of b-3 WORKING"},
		{Name: "pushed without its wrapping", Body: `{"title":"Queue is long","severity":"warning"}`, Header: []string{"X-Goog-Pubsub-Message-Id", "9", "X-Goog-Pubsub-Subscription-Name", "projects/p/subscriptions/s"}, Want: []string{`firing warning pubsub_message:9 .. "Queue is long"`}},
		{Name: "wrong type", Body: `{"incident":[]}`, Err: "incident: is an array"},
		{Name: "list", Body: `[]`, Err: "incident: is nothing"},
		{Name: "a budget of wrong types", Body: `{"budgetDisplayName":{"a":1},"alertThresholdExceeded":"much","costAmount":[]}`, Look: func(a *alert.Alert) any { return a.Description }, Is: "Exceeded: much"},
	})
}

func TestSenderIDIsThatOfTheMessage(t *testing.T) {
	parsed, err := Parse(sourcetest.Request(pushed(body(`,"state":"open"`))))
	if err != nil || parsed.SenderID != "7" {
		t.Errorf("%q, %v", parsed.SenderID, err)
	}
}

func TestVerify(t *testing.T) {
	token := func(s string) *source.Request {
		r := sourcetest.Request("{}")
		r.Query = url.Values{"auth_token": {s}}
		return r
	}
	basic := func(s string) *source.Request {
		return sourcetest.Request("{}", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(s)))
	}
	sourcetest.Verify(t, Source, []string{"new", "old", "ann:word"}, []sourcetest.Proof{
		{Name: "token", Request: token("new"), OK: true},
		{Name: "previous token", Request: token("old"), OK: true},
		{Name: "wrong token", Request: token("nex"), OK: false},
		{Name: "empty token", Request: token(""), OK: false},
		{Name: "password", Request: basic("anyone:new"), OK: true},
		{Name: "user and password", Request: basic("ann:word"), OK: true},
		{Name: "wrong password", Request: basic("ann:wore"), OK: false},
		{Name: "no proof", Request: sourcetest.Request("{}"), OK: false},
	})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", body(`,"state":{}`), pushed(`{"incident":null}`))
}

// TestWhatHappenedExpires: nothing says of these that they are over.
func TestWhatHappenedExpires(t *testing.T) {
	for sent, want := range map[string]bool{
		body(`,"state":"open"`):                                                           false,
		pushed(`{"logName":"l","resource":{},"textPayload":"x"}`):                         true,
		`{"group_info":{"project_id":"p"},"exception_info":{"type":"T"},"event_info":{}}`: true,
		pushed("hello"): true,
		pushed(`{"id":"b","status":"FAILURE","projectId":"p","logUrl":"https://x.example.com"}`): false,
	} {
		if parsed, err := Parse(sourcetest.Request(sent)); err != nil || parsed.NeverEnds != want {
			t.Errorf("%s: %v, %v", sent, parsed.NeverEnds, err)
		}
	}
}
