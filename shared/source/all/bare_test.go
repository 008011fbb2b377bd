package all

import (
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/detect"
	"tocsin/shared/source/sourcetest"
)

// TestBodiesAreRecognisedWithoutTheirHeaders: a proxy, or who tries a payload
// from a file, leaves the headers out that would tell the sender.
func TestBodiesAreRecognisedWithoutTheirHeaders(t *testing.T) {
	for _, c := range []struct{ want, body string }{
		{"github", `{"action":"opened","issue":{"number":1,"title":"Broken"},"repository":{"full_name":"o/r"},"sender":{"login":"ann","received_events_url":"https://api.github.com/users/ann/received_events"}}`},
		{"github", `{"action":"created","installation":{"id":1},"sender":{"login":"ann","received_events_url":"https://api.github.com/users/ann/received_events"}}`},
		{"github", `{"action":"create","alert":{"id":7,"affected_package_name":"rack","external_identifier":"CVE-2018-16470"}}`},
		{"github", `{"id":1,"sha":"9049","name":"o/r","context":"ci","state":"failure","branches":[{"name":"main"}],"repository":{"full_name":"o/r"}}`},
		{"gitlab", `{"event_name":"project_create","created_at":"2026-03-01T08:00:00Z","updated_at":"2026-03-01T08:00:00Z","name":"shop","path_with_namespace":"ann/shop","project_id":7}`},
		{"gitlab", `{"event_name":"push","before":"95","after":"da","ref":"refs/heads/main","user_name":"Ann","project_id":7,"project":{"name":"shop","web_url":"https://gitlab.example.com/ann/shop"},"commits":[]}`},
		{"datadog", `{"title":"[P2] [Triggered] T","message":"D","link":"https://app.datadoghq.eu/monitors/5","priority":"P2","alertStatus":"cpu was > 9","alertId":"5","alertTransition":"Triggered","date":"1772355600000","id":"7"}`},
		{"datadog", `{"alert_id":"5","alert_status":"No Data","alert_title":"T","host":"a"}`},
		{"datadog", `{"event":{"id":7,"title":"T","alert_transition":"Triggered"}}`},
		{"datadog", `{"id":"7","last_updated":"1772355600000","event_type":"","title":"Deployed","date":"1772355600000","org":{"id":"1","name":"o"},"body":"D"}`},
		{"dynatrace", `{"problemId":"P-1","problemTitle":"T","state":"RESOLVED"}`},
		{"dynatrace", `{"PID":"1","ProblemID":"P-1","ProblemTitle":"T","State":""}`},
		{"dynatrace", `{"id":"-1_2V2","displayName":"P-1","impactLevel":"SERVICE","severityLevel":"ERROR","status":"OPEN","startTime":1772355312000}`},
		{"dynatrace", `{"title":"T","id":"1","status":"MERGED","url":"https://d.example.com/e/1/#problems/problemdetails;pid=1"}`},
		{"zabbix", `{"host":"h","trigger":"N","trigger_status":"PROBLEM","trigger_severity":"High","event_id":"9"}`},
		{"zabbix", `{"event_id":"9","event_severity":"High","event_status":"1","event_name":"N","trigger_id":"7"}`},
		{"zabbix", `{"id":"9","triggerId":"7","name":"N","service":"h","status":"OK"}`},
		{"zabbix", `{"Event ID":"9","Event Status":"PROBLEM","Event Name":"N","Trigger ID":"7"}`},
		{"zabbix", `{"event":{"id":"9","name":"N","status":"PROBLEM"},"trigger":{"id":"7"},"host":{"name":"h"}}`},
		{"zabbix", `{"eventId":"9","eventNSeverity":"4","eventValue":"0","eventDate":"2026.03.01","description":"N"}`},
		{"zabbix", `{"event_id":"9","host":"h","trigger":"N","severity":"High","status":"PROBLEM"}`},
		{"zabbix", `{"to":"ops","subject":"Problem: N","message":"Problem name: N\nOriginal problem ID: 9"}`},
		{"nagios", `{"type":"Notification","timestamp":1772355600.5,"host":"h","service":"http","notification_type":"PROBLEM","check_result":{"output":"refused","state":2.0}}`},
		{"logicmonitor", `{"message_type":"CRITICAL","entity_id":"LMD1","monitoring_tool":"LogicMonitor","ALERTID":"LMD1","ALERTSTATUS":"active","HOST":"h","LEVEL":"critical","START":"2026-03-01 08:05:09 GMT"}`},
	} {
		found, sure := Detect(sourcetest.Request(c.body, "Content-Type", "application/json"))
		if !sure || found.Source.Name != c.want {
			t.Errorf("%.80s: %s (sure: %t) by %s, want %s", c.body, found.Source.Name, sure, found.By, c.want)
		}
	}
}

// TestAMistakeIsStillTheVendors: what its source knows, and names the fault of,
// is not read as something else.
func TestAMistakeIsStillTheVendors(t *testing.T) {
	for want, body := range map[string]string{
		"pagerduty-events": `{"routing_key":"k","event_action":"trigger","payload":{"source":"a","severity":"error"}}`,
		"grafana":          `{"ruleId":5,"ruleName":"R","state":"alerting","evalMatches":[]}`,
	} {
		found := Recognise(sourcetest.Request(body, "Content-Type", "application/json"))
		if found.Source.Name != want {
			t.Errorf("%s is taken for %s by %s, want %s", body, found.Source.Name, found.By, want)
		}
	}
}

// TestSenderOfABodyOfOnesOwn: the header says who sends, and the body is what a
// template of its user made, of which the source knows nothing.
func TestSenderOfABodyOfOnesOwn(t *testing.T) {
	r := sourcetest.Request(`{"problem":"orders are late","status":"critical"}`, "Content-Type", "application/json", "User-Agent", "Splunk/9.1")
	if found, sure := Detect(r); !sure || found.Source.Name != "splunk" {
		t.Fatalf("%s (sure: %t)", found.Source.Name, sure)
	}
	if item := Recognise(r); item.Source.Name != detect.Name {
		t.Errorf("%s by %s", item.Source.Name, item.By)
	}
}

// TestWhatIsNearlyJSONIsRecognised: by the same marks as JSON.
func TestWhatIsNearlyJSONIsRecognised(t *testing.T) {
	for want, body := range map[string]string{
		"zabbix":    `{"event_id":"9","event_name":"Disk "C" is full","event_value":"0","trigger_id":"7"}`,
		"dynatrace": `{"PID":"1","ProblemID":"P-1","ProblemTitle":"T","State":"RESOLVED","ProblemDetailsJSON":"{"id":"1"}",}`,
	} {
		found := Recognise(sourcetest.Request(body, "Content-Type", "application/json"))
		parsed, err := found.Source.Parse(sourcetest.Request(body, "Content-Type", "application/json"))
		if found.Source.Name != want || err != nil || parsed.Items[0].Alert == nil || parsed.Items[0].Alert.Status != alert.Resolved {
			t.Errorf("%s is taken for %s by %s: %+v, %v", body, found.Source.Name, found.By, parsed, err)
		}
	}
}

// TestMentioningAVendorIsNotBeingIt: an alert of anything may hold an address
// of a vendor, and is not lost for that.
func TestMentioningAVendorIsNotBeingIt(t *testing.T) {
	for _, body := range []string{
		`{"alert":"proxy","state":"down","details":"cannot reach https://api.datadoghq.com"}`,
		`{"alert":"proxy","state":"down","url":"https://status.datadoghq.com"}`,
		`{"alert":"proxy","state":"down","details":"see https://www.site24x7.com/help"}`,
		`{"action":"opened","alert":{"number":7,"text":"disk"},"repository":{"full_name":"o/r"}}`,
		`{"severity":"critical","text":"see https://a.live.dynatrace.com/x","state":"OPEN"}`,
		`{"title":"Disk full","message":"99 %","alias":"disk-1","severity":"critical"}`,
		`{"message":"Disk full","priority":"P1","host":"db-1","time":"2026-03-01T09:00:00Z"}`,
		`{"host":"a","check_id":5,"check_name":"c","current_state":"CRITICAL"}`,
		`{"hostname":"a","severity":"high","status":"down","trigger":"cpu","item":"load"}`,
	} {
		found := Recognise(sourcetest.Request(body, "Content-Type", "application/json"))
		if found.Source.Name != detect.Source.Name {
			t.Errorf("%s is taken for %s by %s", body, found.Source.Name, found.By)
		}
	}
}
