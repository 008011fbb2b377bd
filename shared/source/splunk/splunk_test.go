package splunk

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/sourcetest"
)

func TestParse(t *testing.T) {
	description := func(a *alert.Alert) any { return a.Description }
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "notable event", Body: `{"sid":"s","search_name":"Access - Brute Force - Rule","result":{"rule_title":"Brute force by 10.1.2.3","urgency":"high","severity":"low","event_id":"A@@notable@@1","_time":"1772355312"}}`,
			Want: []string{`firing error notable:A@@notable@@1 2026-03-01T08:55:12Z.. "Brute force by 10.1.2.3"`}},
		{Name: "notable event is closed", Body: `{"sid":"s","result":{"rule_title":"T","event_id":"A@@notable@@1","status":"5"}}`, Want: []string{`resolved - notable:A@@notable@@1 .. "T"`}},
		{Name: "detector tested", Body: `{"detector":"D","detectorUrl":"https://app.signalfx.com/#/detector/1","statusExtended":"anomalous","severity":"Major","messageBody":"Test\nmore"}`, Look: func(a *alert.Alert) any { return a.Title + " " + string(a.Severity) }, Is: "D error"},
		{Name: "detector resolved by itself", Body: `{"detectorId":"1","incidentId":"i","statusExtended":"auto resolved","messageTitle":"T"}`, Want: []string{`resolved - incident:i .. "T"`}},
		{Name: "sent to On-Call", Body: `{"message_type":"CRITICAL","entity_id":"disk/db-1","entity_display_name":"Disk is full","state_message":"95 %","state_start_time":1772355312}`, Want: []string{`firing critical entity:disk/db-1 2026-03-01T08:55:12Z.. "Disk is full"`}},
		{Name: "sent to On-Call, over", Body: `{"message_type":"RECOVERY","entity_id":"disk/db-1"}`, Want: []string{`resolved - entity:disk/db-1 .. "disk/db-1"`}},
		{Name: "On-Call with other names", Body: `{"entity_id":"disk/db-1","current_alert_phase":"ACKED","incident_name":"7"}`, Want: []string{`acknowledged - entity:disk/db-1 .. "disk/db-1"`}},
		{Name: "null", Body: `null`, Err: "the body is null, expected an object"},
		{Name: "none of them", Body: `{"a":1}`, Err: "no search_name"},
		{Name: "no result", Body: `{"search_name":"S","sid":"1"}`, Want: []string{`firing - search:S .. "S"`}},
		{Name: "never saved", Body: `{"search_name":"","sid":"1","result":{}}`, Want: []string{`firing - run:1 .. "Search 1"`}},
		{Name: "nothing but a result", Body: `{"result":{"a":"b"}}`, Look: func(a *alert.Alert) any { return strings.HasPrefix(a.DedupKey, "hash1:") }, Is: true},
		{Name: "time with a fraction", Body: `{"search_name":"S","app":"search","result":{"_time":"1772355600.250"}}`, Want: []string{`firing - search:search/S 2026-03-01T09:00:00Z.. "S"`}},
		{Name: "severity of the search", Body: `{"search_name":"S","result":{"urgency":"critical"}}`, Want: []string{`firing critical search:S .. "S"`}},
		{Name: "odd types", Body: `{"search_name":["S"],"result":[1],"sid":{}}`, Want: []string{`firing - search:["S"] .. "[\"S\"]"`}},
		{Name: "row of a table", Body: `{"search_name":"S","result":{"host":["a","b"],"count":"7","_bkt":"x"}}`, Look: description, Is: "host: a, b\ncount: 7"},
		{Name: "no episode", Body: `{"search_name":"S","result":{"_time":"1772355600"}}`, Look: func(a *alert.Alert) any { return a.Episode }, Is: ""},
		{Name: "episode in the body", Body: `{"itsi_group_id":"g","title":"T","severity":"6","status":"3"}`, Want: []string{`firing critical episode:g .. "T"`}},
		{Name: "another status of an episode", Body: `{"itsi_group_id":"g","status":"9"}`, Want: []string{`rejected: itsi_group_status: is "9", expected 1 to 5`}},
		{Name: "detector stopped", Body: `{"incidentId":"i","detector":"D","rule":"R","severity":"Minor","status":"ok","statusExtended":"stopped","timestamp":"2026-03-01T09:00:00Z"}`, Want: []string{`resolved warning incident:i ..2026-03-01T09:00:00Z "D: R"`}},
		{Name: "detector of before", Body: `{"incidentId":"i","detectorUrl":"https://app.signalfx.com/x","severity":"Critical","status":"anomalous","messageTitle":"M"}`, Want: []string{`firing critical incident:i .. "M"`}},
		{Name: "detector by a template", Body: `{"incidentId":"i","detectorName":"D","ruleName":"R","detectorUrl":"https://app.us1.signalfx.com/#/detector/1","status":"anomalous","dimensions":{"host":"h"}}`,
			Look: func(a *alert.Alert) any { return []any{a.Title, a.Labels} }, Is: "[D: R map[detector:D host:h rule:R]]"},
		{Name: "another status of a detector", Body: `{"incidentId":"i","detector":"D","statusExtended":"odd"}`, Want: []string{`rejected: statusExtended: is "odd", expected anomalous, ok, manually resolved or stopped`}},
		{Name: "dimensions", Body: `{"incidentId":"i","detector":"D","status":"anomalous","inputs":{"A":{"key":{"host":"h"}},"B":{"dimensions":{"dc":"x"}},"C":7}}`,
			Look: func(a *alert.Alert) any { return a.Labels }, Is: "map[dc:x detector:D host:h]"},
		{Name: "on-call with message type alone", Body: `{"ALERT.entity_id":"e","ALERT.message_type":"RECOVERY"}`, Want: []string{`resolved - entity:e .. "e"`}},
		{Name: "on-call without an entity", Body: `{"STATE.CURRENT_ALERT_PHASE":"UNACKED","STATE.INCIDENT_NAME":"8"}`, Want: []string{`firing - entity:incident 8 .. "Incident 8"`}},
		{Name: "another phase of on-call", Body: `{"STATE.ENTITY_ID":"e","STATE.CURRENT_ALERT_PHASE":"SNOOZED"}`, Want: []string{`rejected: STATE.CURRENT_ALERT_PHASE: is "SNOOZED", expected UNACKED, ACKED or RESOLVED`}},
	})
}

// TestObservabilityCloudIsAnsweredBy200, the only status that it takes for an answer.
func TestObservabilityCloudIsAnsweredBy200(t *testing.T) {
	for body, want := range map[string]bool{
		`{"incidentId":"i","detector":"D","status":"anomalous"}`:        true,
		`{"incidentId":"i","detector":"D","status":"odd"}`:              true,
		`{"search_name":"S","sid":"1","results_link":"https://s/"}`:     false,
		`{"ALERT.entity_id":"e","STATE.CURRENT_ALERT_PHASE":"UNACKED"}`: false,
	} {
		parsed, err := Parse(sourcetest.Request(body))
		if err != nil || parsed.Only200 != want {
			t.Errorf("%s: %t, %v", body, parsed.Only200, err)
		}
	}
}

// The signatures were made with openssl: printf '%s' "$body" | openssl dgst
// -sha1 -hmac secret -binary | base64. Splunk publishes no example.
func TestVerify(t *testing.T) {
	const (
		body   = `{"incidentId":"i"}`
		sha1   = "75g+L4hpD+9I87nezAsiNrZEeiE="
		sha256 = "N6KU89ARtSDYS9+btbQA0hUSF0efKUv7LZ/ZT2Dap7E="
	)
	signed := func(signature string) *source.Request {
		return sourcetest.Request(body, "X-SFX-Signature", signature)
	}
	sourcetest.Verify(t, Source, []string{"next", "secret"}, []sourcetest.Proof{
		{Name: "SHA-1", Request: signed(sha1), OK: true},
		{Name: "SHA-256", Request: signed(sha256), OK: true},
		{Name: "no signature", Request: sourcetest.Request(body)},
		{Name: "flipped bit", Request: signed("A" + sha1[1:])},
		{Name: "other body", Request: sourcetest.Request(body+" ", "X-SFX-Signature", sha1)},
		{Name: "not Base64", Request: signed("?")},
	})
	sourcetest.Verify(t, Source, []string{"other"}, []sourcetest.Proof{{Name: "other secret", Request: signed(sha256)}})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", `{"search_name":1,"result":{"_time":{}}}`, `{"incidentId":1,"detector":[],"status":"ok","inputs":{"a":1}}`, `{"ALERT.entity_id":{},"STATE.CURRENT_ALERT_PHASE":"ACKED"}`)
}
