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
		{Name: "null", Body: `null`, Err: "the body is null, expected an object"},
		{Name: "neither", Body: `{"state":"CREATED"}`, Err: "neither the id of an issue"},
		{Name: "no state fires", Body: `{"id":"i","title":"T"}`, Want: []string{`firing - issue:i .. "T"`}},
		{Name: "another state", Body: `{"id":"i","state":"PONDERING"}`, Want: []string{`rejected: state: is "PONDERING", expected CREATED, ACTIVATED, ACKNOWLEDGED or CLOSED`}},
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
		{Name: "another state", Body: `{"incident_id":9,"current_state":"half"}`, Want: []string{`rejected: current_state: is "half", expected open, acknowledged or closed`}},
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
