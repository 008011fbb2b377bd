package preset_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tocsin/shared/source"
	"tocsin/shared/source/detect"
)

// TestHeadersAndXML: what a fixture cannot say, because its sender says it in
// headers, in the path or in XML.
func TestHeadersAndXML(t *testing.T) {
	job := `<job id="j-1"><name>Backup</name><group>Databases</group><project>ops</project></job>`
	central := func(customer, state, by string) string {
		return `<?xml version="1.0" encoding="UTF-8"?><notification><ActiveNotificationTriggerID>7</ActiveNotificationTriggerID><CustomerName>` + customer + `</CustomerName><DeviceName>srv-1</DeviceName><DeviceURI>192.0.2.7</DeviceURI><AffectedService>Disk</AffectedService><TaskIdent>C:</TaskIdent><QualitativeNewState>` + state + `</QualitativeNewState><QuantitativeNewState>98 %</QuantitativeNewState><TimeOfStateChange>2026-03-01 08:05:09</TimeOfStateChange><AcknowledgementUser>` + by + `</AcknowledgementUser></notification>`
	}
	for _, c := range []struct {
		name, preset, path, body string
		header                   []string
		want                     []string
	}{
		{
			"ntfy by headers", "ntfy", "/ops", "Disk of db-1 is 97 % full\nsecond line", []string{"X-Title", "Disk full", "X-Priority", "5", "X-Tags", "warning,db-1", "X-Click", "https://wiki.example.com/disk"},
			[]string{"firing critical", `"Disk full"`, "second line", "topic:ops", "tags:warning,db-1", "https://wiki.example.com/disk"},
		},
		{"ntfy by headers ends by its tag", "ntfy", "/ops", "Disk is fine", []string{"Title", "Disk full", "Tags", "white_check_mark"}, []string{"resolved", `"Disk full"`}},
		{"ntfy by nothing but a text", "ntfy", "/ops", "Backup took 3 h\nsecond line", nil, []string{"firing warning", `"Backup took 3 h"`, "topic:ops"}},
		{
			"rundeck failure", "rundeck", "", `<notification trigger="failure" executionId="7" status="failed"><executions count="1"><execution id="7" href="https://rundeck.example.com/execution/7" status="failed" project="ops"><user>admin</user><date-started unixtime="1772352309000">2026-03-01T08:05:09Z</date-started><date-ended unixtime="1772352369000">2026-03-01T08:06:09Z</date-ended>` + job + `</execution></executions></notification>`,
			[]string{"Content-Type", "text/xml"}, []string{"firing error key:j-1", `"ops: job Backup failed"`, `start="2026-03-01T08:06:09Z"`, "https://rundeck.example.com/execution/7"},
		},
		{
			"rundeck success", "rundeck", "", `<notification trigger="success" executionId="8" status="succeeded"><executions count="1"><execution id="8" status="succeeded" project="ops">` + job + `</execution></executions></notification>`,
			[]string{"Content-Type", "text/xml"}, []string{"resolved error key:j-1"},
		},
		{"mongodb-atlas closes by its header", "mongodb-atlas", "", `{"id":"al-5","eventTypeName":"HOST_DOWN","groupId":"gr-1","alertConfigId":"ac-7"}`, []string{"X-MMS-Event", "alert.close"}, []string{"resolved error key:al-5"}},
		{"mongodb-atlas opens by its header", "mongodb-atlas", "", `{"id":"al-5","eventTypeName":"HOST_DOWN","groupId":"gr-1","alertConfigId":"ac-7"}`, []string{"X-MMS-Event", "alert.open"}, []string{"firing error key:al-5"}},
		{"n-central", "n-central", "", central("Acme", "Failed", ""), nil, []string{"firing error key:Acme/srv-1/Disk/C: ", `"srv-1: Disk is Failed"`, `start="2026-03-01T08:05:09Z"`, "98 %"}},
		{"n-central of another customer", "n-central", "", central("Beta", "Failed", ""), nil, []string{"firing error key:Beta/srv-1/Disk/C: "}},
		{"n-central acknowledged", "n-central", "", central("Acme", "Failed", "ann"), nil, []string{"acknowledged error key:Acme/srv-1/Disk/C: "}},
		{"n-central normal again", "n-central", "", central("Acme", "Normal", "ann"), nil, []string{"resolved warning key:Acme/srv-1/Disk/C: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &source.Request{Header: http.Header{}, Query: url.Values{}, Path: c.path, Body: []byte(c.body), Other: detect.Decode}
			for i := 0; i+1 < len(c.header); i += 2 {
				r.Header.Set(c.header[i], c.header[i+1])
			}
			parsed, err := shipped(t)[c.preset].Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			got := said(parsed)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%s\nwant %s in it", got, want)
				}
			}
		})
	}
}

// TestLogServiceEnds: the vendor publishes no words for NotifyType of Volcano
// Engine's Log Service, so each that its siblings send is read.
func TestLogServiceEnds(t *testing.T) {
	for word, want := range map[string]string{"2": "resolved", "Recovery": "resolved", "告警恢复": "resolved", "1": "firing", "Trigger": "firing", "": "firing"} {
		body := `{"ProjectName":"shop","AlarmTopicName":"nginx","Alarm":"errors","AlarmID":"a-1","NotifyTimeUnix":"1772352309","NotifyType":"` + word + `","Severity":"warning"}`
		parsed, err := shipped(t)["volcengine"].Parse(&source.Request{Header: http.Header{}, Query: url.Values{}, Body: []byte(body), Other: detect.Decode})
		if err != nil {
			t.Fatal(err)
		}
		if got := said(parsed); !strings.HasPrefix(got, want+" warning key:a-1 ") {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
