package pingdom

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/sourcetest"
)

func TestParse(t *testing.T) {
	const base = `"check_id":7,"check_name":"C"`
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "null", Body: `null`, Err: "the body is null, expected an object"},
		{Name: "no state", Body: `{` + base + `}`, Err: "no current_state"},
		{Name: "no check", Body: `{"current_state":"DOWN"}`, Err: "no current_state of a check_id"},
		{Name: "another state", Body: `{` + base + `,"current_state":"SLEEPY"}`, Want: []string{`rejected: current_state: is "SLEEPY", expected DOWN, UP, FAILING or SUCCESS`}},
		{Name: "unknown to Pingdom", Body: `{` + base + `,"current_state":"UNKNOWN"}`, Note: "the check is unknown"},
		{Name: "not yet confirmed", Body: `{` + base + `,"current_state":"unconfirmed_down"}`, Note: "the check is unconfirmed_down"},
		{Name: "id as text", Body: `{"check_id":"7","check_name":"C","current_state":"down"}`, Want: []string{`firing - check:7 .. "C is DOWN"`}},
		{Name: "id alone", Body: `{"check_id":7,"current_state":"UP","state_changed_timestamp":"1772355600"}`, Want: []string{`resolved - check:7 ..2026-03-01T09:00:00Z "Check 7 is UP"`}},
		{Name: "name alone", Body: `{"check_name":"C","current_state":"DOWN"}`, Look: func(a *alert.Alert) any { return strings.HasPrefix(a.DedupKey, "hash1:") }, Is: true},
		{Name: "time as text", Body: `{` + base + `,"current_state":"DOWN","state_changed_utc_time":"2026-03-01T08:58:00"}`, Want: []string{`firing - check:7 2026-03-01T08:58:00Z.. "C is DOWN"`}},
		{Name: "importance", Body: `{` + base + `,"current_state":"DOWN","importance_level":"high"}`, Want: []string{`firing error check:7 .. "C is DOWN"`}},
		{Name: "unknown importance", Body: `{` + base + `,"current_state":"DOWN","importance_level":"odd"}`, Want: []string{`firing - check:7 .. "C is DOWN"`}},
		{Name: "odd types", Body: `{"check_id":[7],"check_name":{},"current_state":"DOWN","check_params":[],"tags":"a,b:c","first_probe":"x"}`, Want: []string{`firing - check:[7] .. "{} is DOWN"`}},
		{Name: "older message", Body: `message={"check":"7","checkname":"C","host":"a.example.com","action":"assign","incidentid":9,"description":"down"}`, Want: []string{`firing - check:7 .. "C is DOWN"`}},
		{Name: "older message of the end", Body: `{"check":"7","checkname":"C","action":"notify_of_close","incidentid":9,"description":"up"}`, Want: []string{`resolved - check:7 .. "C is UP"`}},
		{Name: "description", Body: `{` + base + `,"current_state":"DOWN","description":"503","long_description":"Unavailable","first_probe":{"location":"Oslo"},"second_probe":{}}`,
			Look: func(a *alert.Alert) any { return a.Description }, Is: "503\nUnavailable\nSeen from: Oslo"},
		{Name: "links", Body: `{` + base + `,"current_state":"DOWN","check_params":{"full_url":"https://a.example.com/","url":"/"}}`,
			Look: func(a *alert.Alert) any { return a.Links }, Is: "[{Checked https://a.example.com/} {Check https://my.pingdom.com/reports/responsetime#check=7}]"},
	})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", `{"check_id":{},"current_state":"FAILING","tags":[[],{}]}`)
}
