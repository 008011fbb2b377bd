package newrelic

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/sourcetest"
)

func TestParse(t *testing.T) {
	description := func(a *alert.Alert) any { return a.Description }
	hashed := func(a *alert.Alert) any { return strings.HasPrefix(a.DedupKey, "hash1:") }
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "names of another template", Body: `{"id":"i","entityNames":["web"],"conditionNames":["CPU is high"],"state":"CREATED","url":"https://one.newrelic.com/x"}`, Want: []string{`firing - issue:i .. "CPU is high"`}},
		{Name: "incident whose state is in the kind of event", Body: `{"current_state":"$EVENT_STATE","event_type":"INCIDENT_RESOLVED","incident_id":"7","condition_name":"C"}`, Want: []string{`resolved - incident:7 .. "C"`}},
		{Name: "incident made of an issue", Body: `{"incident_id":"i","condition_name":["C"],"details":"D","current_state":"CLOSED","createdAt":1772355312000,"updatedAt":1772355612000}`,
			Want: []string{`resolved - incident:i 2026-03-01T08:55:12Z..2026-03-01T09:00:12Z "C: D"`}},
		{Name: "alert of APM", Body: `alert=%7B%22created_at%22%3A%222026-03-01T08%3A00%3A00%2B00%3A00%22%2C%22application_name%22%3A%22Shop%22%2C%22severity%22%3A%22critical%22%2C%22message%22%3A%22Apdex+fell%22%2C%22short_description%22%3A%22%5BShop%5D+alert+opened%22%2C%22alert_url%22%3A%22https%3A%2F%2Frpm.newrelic.com%2Fi%2F1%22%7D`,
			Want: []string{`firing critical alert_url:https://rpm.newrelic.com/i/1 2026-03-01T08:00:00Z.. "Shop: Apdex fell"`}},
		{Name: "alert of APM ended", Body: `{"alert":"{\"short_description\":\"[Shop] alert ended\",\"alert_url\":\"https://rpm.newrelic.com/i/1\",\"created_at\":\"2026-03-01T09:00:00Z\"}"}`,
			Want: []string{`resolved - alert_url:https://rpm.newrelic.com/i/1 ..2026-03-01T09:00:00Z "[Shop] alert ended"`}},
		{Name: "deployment", Body: `{"deployment":"{\"application_name\":\"Shop\",\"revision\":\"r1\",\"created_at\":\"2026-03-01T09:00:00Z\"}"}`, Changes: []string{`2026-03-01T09:00:00Z "Deployment of Shop r1"`}},
		{Name: "null", Body: `null`, Err: "the body is null, expected an object"},
		{Name: "neither", Body: `{"state":"CREATED"}`, Err: "neither the id of an issue"},
		{Name: "no state fires", Body: `{"id":"i","title":"T"}`, Want: []string{`firing - issue:i .. "T"`}},
		{Name: "another state", Body: `{"id":"i","state":"PONDERING"}`, Want: []string{`rejected: state: is "PONDERING", expected CREATED, ACTIVATED, ACKNOWLEDGED or CLOSED`}},
		{Name: "a state in the words of a template", Body: `{"id":"i","title":"T","state":"alerting"}`, Want: []string{`firing - issue:i .. "T"`}},
		{Name: "an end in the words of a template", Body: `{"alert_uid":"i","title":"T","state":"ok"}`, Want: []string{`resolved - issue:i .. "T"`}},
		{Name: "all variables as they are", Body: `{"annotations":{"title":["T"],"description":["D"]},"issueId":"i","state":"ACTIVATED","accumulations":{"conditionName":["C"],"policyName":["P"]},"entitiesData":{"names":["web"]}}`,
			Look: func(a *alert.Alert) any { return a.Title + " " + a.Description }, Is: "T D\nImpacted: web\nCondition: C\nPolicy: P"},
		{Name: "a summary and a level", Body: `{"summary":"T","level":"HIGH","status":"CLOSED","idempotency_key":"i"}`, Want: []string{`resolved error issue:i .. "T"`}},
		{Name: "acknowledged in an object", Body: `{"issue":{"id":"i","title":"T","state":"ACTIVATED","trigger":"USER_ACTION"}}`, Want: []string{`acknowledged - issue:i .. "T"`}},
		{Name: "acknowledged by state", Body: `{"id":"i","title":"T","state":"ACKNOWLEDGED"}`, Want: []string{`acknowledged - issue:i .. "T"`}},
		{Name: "acknowledged by trigger", Body: `{"id":"i","title":"T","state":"ACTIVATED","trigger":"ACKNOWLEDGED"}`, Want: []string{`acknowledged - issue:i .. "T"`}},
		{Name: "acknowledged by its user", Body: `{"id":"i","title":"T","state":"ACTIVATED","trigger":"USER_ACTION"}`, Want: []string{`acknowledged - issue:i .. "T"`}},
		{Name: "closed by its user", Body: `{"id":"i","title":"T","state":"CLOSED","trigger":"USER_ACTION"}`, Want: []string{`resolved - issue:i .. "T"`}},
		{Name: "owner of a template", Body: `{"id":"i","title":"T","state":"ACTIVATED","owner":"Shop"}`, Want: []string{`firing - issue:i .. "T"`}},
		{Name: "address is the key", Body: `{"issueUrl":"https://radar-api.service.newrelic.com/accounts/1/issues/2?notifier=WEBHOOK","title":"T","state":"CREATED"}`, Want: []string{`firing - issue_url:https://radar-api.service.newrelic.com/accounts/1/issues/2 .. "T"`}},
		{Name: "closed wins over the trigger", Body: `{"id":"i","title":"T","state":"CLOSED","trigger":"ISSUE_ACKNOWLEDGED","updatedAt":1772355600000}`, Want: []string{`resolved - issue:i ..2026-03-01T09:00:00Z "T"`}},
		{Name: "an incident less is no end", Body: `{"id":"i","title":"T","state":"ACTIVATED","trigger":"INCIDENT_CLOSED"}`, Want: []string{`firing - issue:i .. "T"`}},
		{Name: "no id", Body: `{"title":"T","state":"CREATED","priority":"LOW"}`, Look: hashed, Is: true},
		{Name: "condition for a title", Body: `{"issueId":"i","alertConditionNames":["A","B"],"priority":"MEDIUM"}`, Want: []string{`firing warning issue:i .. "A, B"`}},
		{Name: "nothing for a title", Body: `{"issueId":"i"}`, Want: []string{`firing - issue:i .. "Issue i"`}},
		{Name: "template that was not filled", Body: `{"issueId":"i","title":null,"priority":"null","createdAt":""}`, Want: []string{`firing - issue:i .. "Issue i"`}},
		{Name: "odd types", Body: `{"id":{"a":1},"title":[["T"]],"state":"CREATED","impactedEntities":"x","tags":[1,{}]}`, Want: []string{`firing - issue:{"a":1} .. "[\"T\"]"`}},
		{Name: "description", Body: `{"id":"i","impactedEntities":["web-1","web-2"],"alertPolicyNames":["Shop"],"totalIncidents":2}`, Look: description, Is: "Impacted: web-1, web-2\nPolicy: Shop\nIncidents: 2"},
		{Name: "own fields as labels", Body: `{"id":"i","workflowName":"w","customFields":{"team":"shop"}}`, Look: func(a *alert.Alert) any { return a.Labels }, Is: "map[team:shop workflow:w]"},
	})
}

func TestParseIncident(t *testing.T) {
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "without an account", Body: `{"incident_id":"9","current_state":"OPEN","condition_name":"C"}`, Want: []string{`firing - incident:9 .. "C"`}},
		{Name: "closed", Body: `{"incident_id":9,"account_id":1,"current_state":"closed","details":"D","severity":"CRITICAL","timestamp":1772355600000}`, Want: []string{`resolved critical incident:1/9 ..2026-03-01T09:00:00Z "D"`}},
		{Name: "a title of a template", Body: `{"incident_id":9,"current_state":"open","summary":"T"}`, Want: []string{`firing - incident:9 .. "T"`}},
		{Name: "another state", Body: `{"incident_id":9,"current_state":"half"}`, Want: []string{`rejected: current_state: is "half", expected open, acknowledged or closed`}},
		{Name: "state of an issue", Body: `{"incident_id":9,"current_state":"ACTIVATED","details":"D","timestamp":1772355600000}`, Want: []string{`firing - incident:9 2026-03-01T09:00:00Z.. "D"`}},
		{Name: "issue without an incident", Body: `{"issue_id":"i","current_state":"closed","details":"D","event_type":"INCIDENT","policy_name":"P","condition_name":"C"}`, Want: []string{`resolved - issue:i .. "C: D"`}},
		{Name: "no id", Body: `{"current_state":"open","condition_name":"C"}`, Look: func(a *alert.Alert) any { return strings.HasPrefix(a.DedupKey, "hash1:") }, Is: true},
		{Name: "odd targets", Body: `{"incident_id":9,"current_state":"open","details":"D","targets":{"a":1}}`, Want: []string{`firing - incident:9 .. "D"`}},
		{Name: "labels", Body: `{"incident_id":9,"current_state":"open","details":"D","targets":[{"name":"web","type":"Application","labels":{"env":"prod"}}]}`,
			Look: func(a *alert.Alert) any { return a.Labels }, Is: "map[env:prod target:web target_type:Application]"},
		{Name: "episode", Body: `{"incident_id":9,"current_state":"open","details":"D","timestamp":1772355600000}`, Look: func(a *alert.Alert) any { return a.Episode }, Is: "9"},
	})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", `{"id":1,"tags":{"a":{}},"title":[]}`, `{"current_state":"open","targets":"[{}]"}`)
}
