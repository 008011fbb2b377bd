package datadog

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/sourcetest"
)

func TestParse(t *testing.T) {
	const base = `"aggreg_key":"k","title":"T"`
	labels := func(a *alert.Alert) any { return a.Labels }
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "null", Body: `null`, Err: "the body is null, expected an object"},
		{Name: "nothing of a monitor", Body: `{"date":"1"}`, Err: "no title, alert_id or aggreg_key"},
		{Name: "nothing filled", Body: `{"title":"$EVENT_TITLE","aggreg_key":"$AGGREG_KEY"}`, Note: "its variables are not filled"},
		{Name: "no transition fires", Body: `{` + base + `}`, Want: []string{`firing - aggreg_key:k .. "T"`}},
		{Name: "success is a recovery", Body: `{` + base + `,"alert_type":"success","date":1772355600000}`, Want: []string{`resolved - aggreg_key:k ..2026-03-01T09:00:00Z "T"`}},
		{Name: "Null says nothing", Body: `{` + base + `,"alert_transition":"Null"}`, Want: []string{`firing - aggreg_key:k .. "T"`}},
		{Name: "another transition", Body: `{` + base + `,"transition":"Muted"}`, Want: []string{`rejected: alert_transition: is "Muted", expected Triggered, Warn, No Data, Renotify or Recovered`}},
		{Name: "an acknowledgement taken back", Body: `{` + base + `,"transition":"unacknowledged"}`, Want: []string{`firing - aggreg_key:k .. "T"`}},
		{Name: "sentence as status", Body: `{` + base + `,"alert_status":"cpu was > 90"}`, Look: func(a *alert.Alert) any { return a.Description }, Is: "Status: cpu was > 90"},
		{Name: "transition as status", Body: `{` + base + `,"alert_status":"Recovered"}`, Want: []string{`resolved - aggreg_key:k .. "T"`}},
		{Name: "title tells", Body: `{"aggreg_key":"k","title":"[P1] [Recovered from No Data on {host:a}] T"}`, Want: []string{`resolved critical aggreg_key:k host:a .. "T (host:a)"`}},
		{Name: "older title", Body: `{"aggreg_key":"k","title":"[Monitor Alert] Recovered: T"}`, Want: []string{`resolved - aggreg_key:k .. "T"`}},
		{Name: "brackets of the monitor's name", Body: `{"aggreg_key":"k","title":"[Triggered] [TEST] [Error] T"}`, Want: []string{`firing - aggreg_key:k .. "[TEST] [Error] T"`}},
		{Name: "bracket that does not end", Body: `{"aggreg_key":"k","title":"[Triggered T"}`, Want: []string{`firing - aggreg_key:k .. "[Triggered T"`}},
		{Name: "colon of the monitor's name", Body: `{"aggreg_key":"k","title":"Warning: T"}`, Want: []string{`firing - aggreg_key:k .. "Warning: T"`}},
		{Name: "monitor and group", Body: `{"alert_id":5,"alert_title":"T","alert_scope":"host:a,env:b","alert_transition":"No Data"}`, Want: []string{`firing warning monitor:5 host:a,env:b .. "T (host:a,env:b)"`}},
		{Name: "whole scope", Body: `{"alert_id":5,"title":"T","alert_scope":"*"}`, Want: []string{`firing - monitor:5 * .. "T"`}},
		{Name: "cycle alone", Body: `{"alert_cycle_key":"c","title":"T"}`, Want: []string{`firing - cycle:c .. "T"`}},
		{Name: "title and group are the key", Body: `{"title":"[Triggered on {host:a}] T"}`, Look: func(a *alert.Alert) any { return a.DedupKey }, Is: alert.HashKey(map[string]string{"title": "T", "scope": "host:a"})},
		{Name: "fields within an object", Body: `{"event":{"title":"T","text":"D","alert_transition":"Recovered","priority":"P1","timestamp":1772355600},"metadata":{"AGGREG_KEY":"k","ALERT_SCOPE":"host:a"}}`, Want: []string{`resolved critical aggreg_key:k host:a ..2026-03-01T09:00:00Z "T (host:a)"`}},
		{Name: "incident", Body: `{"incident_title":"T","incident_uuid":"u","incident_status":"active","incident_severity":"SEV-1"}`, Want: []string{`firing critical cycle:u .. "T"`}},
		{Name: "security signal", Body: `{"SECURITY_SIGNAL_ID":"s","SECURITY_SIGNAL_TITLE":"Many logins","SECURITY_SIGNAL_SEVERITY":"high","SECURITY_RULE_NAME":"Logins"}`, Want: []string{`firing error signal:s .. "Many logins"`}},
		{Name: "security signal of the default payload", Body: `{"title":"[CRITICAL] Many logins","event_type":"security_monitoring_signal"}`, Look: func(a *alert.Alert) any { return a.Severity }, Is: alert.Critical},
		{Name: "recovered from something", Body: `{"title":"[Recovered from No Data on {host:a}] T","aggreg_key":"k"}`, Want: []string{`resolved - aggreg_key:k host:a .. "T (host:a)"`}},
		{Name: "triggered from something", Body: `{"title":"[Triggered from Warn on {host:a}] T","aggreg_key":"k"}`, Want: []string{`firing - aggreg_key:k host:a .. "T (host:a)"`}},
		{Name: "made as a list of alerts", Body: `{"alerts":[{"alertId":"5","alertTitle":"T","alertScope":"host:a","alertTransition":"Recovered","date":"1772355600000"}],"commonLabels":{"alertname":"T"}}`, Want: []string{`resolved - monitor:5 host:a ..2026-03-01T09:00:00Z "T (host:a)"`}},
		{Name: "made for a chat", Body: `{"attachments":[{"title":"[Triggered] T","text":"D","title_link":"https://app.datadoghq.com/e"}]}`, Look: func(a *alert.Alert) any { return a.Title + " " + a.Description }, Is: "T D"},
		{Name: "a text alone", Body: `{"text":"[Recovered] T\nsee below"}`, Look: func(a *alert.Alert) any { return string(a.Status) + " " + a.Title }, Is: "resolved T"},
		{Name: "nothing but a transition", Body: `{"ALERT_TITLE":"$ALERT_TITLE","ALERT_TRANSITION":"Triggered"}`, Look: func(a *alert.Alert) any { return a.Title }, Is: "Monitor"},
		{Name: "odd types", Body: `{"title":{"a":1},"aggreg_key":["k"],"tags":{"x":1},"links":[7],"images":"x","org":"o","annotations":[]}`, Want: []string{`firing - aggreg_key:["k"] .. "{\"a\":1}"`}},
		{Name: "text without marks", Body: `{` + base + `,"body":"%%%\nfull\n%%%","alert_metric":"m"}`, Look: func(a *alert.Alert) any { return a.Description }, Is: "full\nMetric: m"},
		{Name: "tags as text", Body: `{` + base + `,"tags":"monitor,env:prod,host:a","alert_scope":"host:a,zone:1"}`, Look: labels, Is: "map[env:prod host:a tags:monitor zone:1]"},
		{Name: "tags as list", Body: `{` + base + `,"tags":["env:prod"],"org":{"name":"o"}}`, Look: labels, Is: "map[env:prod org:o]"},
		{Name: "links", Body: `{` + base + `,"link":"https://app.datadoghq.com/e","snapshot":"null","links":[{"href":"https://x.example.com","text":"X"}]}`,
			Look: func(a *alert.Alert) any { return a.Links }, Is: "[{Event https://app.datadoghq.com/e} {X https://x.example.com}]"},
		{Name: "a key of one's own is of each group", Body: `{"unique_key":5,"summary":"[Triggered on {host:a}] T"}`, Want: []string{`firing - key:5 host:a .. "T (host:a)"`}},
		{Name: "a monitor without a group is of each host", Body: `{"alert_id":5,"title":"T on a-1","host":"a-1","alert_status":"Triggered"}`, Want: []string{`firing - monitor:5 host:a-1 .. "T on a-1 (host:a-1)"`}},
		{Name: "an incident in an object", Body: `{"title":"","alert":{"alert_id":""},"incident":{"incident_title":"T","incident_uuid":"u","incident_status":"resolved","incident_severity":"SEV-2"}}`, Want: []string{`resolved error cycle:u .. "T"`}},
		{Name: "names of a signal", Body: `{"signal_id":"s","signal_title":"Many logins","rule_name":"Logins","severity":"high","message":"D"}`, Want: []string{`firing error signal:s .. "Many logins"`}},
		{Name: "cycle is the episode", Body: `{` + base + `,"alert_cycle_key":"c","date":1772355600000}`, Look: func(a *alert.Alert) any { return a.Episode }, Is: "c"},
		{Name: "the time of a message is no episode", Body: `{` + base + `,"date":1772355600000}`, Look: func(a *alert.Alert) any { return a.Episode }, Is: ""},
	})
}

func TestSeverity(t *testing.T) {
	for fields, want := range map[string]alert.Severity{
		`"alert_priority":"P1"`: alert.Critical, `"alert_priority":"P2"`: alert.Error, `"alert_priority":3`: alert.Warning, `"alert_priority":"p5"`: alert.Info,
		`"priority":"normal","alert_type":"error"`: alert.Error, `"priority":"low"`: "", `"priority":"high"`: alert.Error,
		`"annotations":{"datadog/priority":"P4"},"level":"critical"`: alert.Info, `"level":"critical"`: alert.Critical,
		`"alert_type":"warning"`: alert.Warning, `"alert_transition":"Re-Warn"`: alert.Warning, `"alert_transition":"Re-No Data"`: alert.Warning, `"alert_transition":"Re-Triggered"`: "",
		`"title":"[P2] [Triggered] T","alert_type":"warning"`:             alert.Error,
		`"title":"[Re-Warn on {host:a}] T","alert_transition":"Renotify"`: alert.Warning,
	} {
		parsed, err := Parse(sourcetest.Request(`{"aggreg_key":"k",` + fields + `}`))
		if err != nil || parsed.Items[0].Alert.Severity != want {
			t.Errorf("%s is %q, %v; want %q", fields, parsed.Items[0].Alert.Severity, err, want)
		}
	}
}

func TestOnlyTheIDOfAnEventNamesTheRequest(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":"e","title":"T","date":"1772355600000"}`:            "e",
		`{"event_id":"e","title":"T","last_updated":"1772355600"}`: "e",
		`{"id":"17","title":"T"}`:                                  "",
		`{"id":"$ID","title":"T","date":"1772355600000"}`:          "",
	} {
		if parsed, err := Parse(sourcetest.Request(body)); err != nil || parsed.SenderID != want {
			t.Errorf("%s: %q, %v; want %q", body, parsed.SenderID, err, want)
		}
	}
}

func TestARepeatIsNoNewEpisode(t *testing.T) {
	state := alert.State{}
	for i, at := range []string{"1772355000000", "1772355300000"} {
		parsed, err := Parse(sourcetest.Request(`{"title":"[Triggered] T","date":"` + at + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		a, received := *parsed.Items[0].Alert, source.Instant(at)
		if got := state.Meaning(&a, received); i == 1 && got != alert.Repeats {
			t.Errorf("the second message means %d, want a repeat", got)
		}
		state = state.Take(a, received)
		state.Rev++
	}
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", `{"title":"[P1] [[ on {]] [","tags":["a:b"]}`, `{"title":"`+strings.Repeat("[x]", 50)+`"}`)
}
