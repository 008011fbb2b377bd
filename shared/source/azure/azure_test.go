package azure

import (
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/sourcetest"
)

func essentials(fields string) string {
	return `{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"alertId":"/a/1","alertRule":"r","firedDateTime":"2026-03-01T08:00:00Z"` + fields + `},"alertContext":{}}}`
}

func context(service, context string) string {
	return `{"data":{"essentials":{"alertId":"/a/1","alertRule":"r","monitoringService":"` + service + `","alertTargetIDs":["/subscriptions/S/resourceGroups/G/providers/T/x/N"],"monitorCondition":"Fired"},"alertContext":` + context + `}}`
}

func TestParse(t *testing.T) {
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "fired", Body: essentials(`,"severity":"Sev0","monitorCondition":"Fired"`), Want: []string{`firing critical alert:/a/1 2026-03-01T08:00:00Z.. "r"`}},
		{Name: "resolved", Body: essentials(`,"severity":"sev4","monitorCondition":"Resolved","resolvedDateTime":"2026-03-01T08:10:00Z"`),
			Want: []string{`resolved info alert:/a/1 2026-03-01T08:00:00Z..2026-03-01T08:10:00Z "r"`}},
		{Name: "no state, no severity", Body: essentials(`,"severity":null,"monitorCondition":null`), Want: []string{`firing - alert:/a/1 2026-03-01T08:00:00Z.. "r"`}},
		{Name: "unknown state", Body: essentials(`,"monitorCondition":"Maybe"`),
			Want: []string{`rejected: monitorCondition: status: is "Maybe", expected Fired or Resolved (older: Activated, Deactivated)`}},
		{Name: "the item is in the rule's name", Body: essentials(`,"alertRule":"cpu of VM-1","configurationItems":["vm-1"]`), Want: []string{`firing - alert:/a/1 2026-03-01T08:00:00Z.. "cpu of VM-1"`}},
		{Name: "without an id", Body: `{"data":{"essentials":{"alertRule":"r"}}}`, Look: func(a *alert.Alert) any { return a.DedupKey[:6] }, Is: "hash1:"},
		{Name: "origin id", Body: `{"data":{"essentials":{"alertRule":"r","originAlertId":"o"}}}`, Want: []string{`firing - origin_alert:o .. "r"`}},
		{Name: "wrong types", Body: `{"data":{"essentials":{"alertRule":{"a":1},"alertId":7,"severity":[],"configurationItems":3,"alertTargetIDs":"x"},"alertContext":[1]}}`, Want: []string{`firing - alert:7 .. "{\"a\":1}"`}},
		{Name: "target taken apart", Body: context("Platform", `{}`), Look: func(a *alert.Alert) any {
			return []string{a.Labels["subscription"], a.Labels["resource_group"], a.Labels["resource_type"]}
		}, Is: []string{"S", "G", "T/x"}},
		{Name: "log alert of version 1", Body: context("Log Analytics", `{"SearchQuery":"Heartbeat","ResultCount":2,"Threshold":0,"Operator":"Greater Than","Dimensions":[{"name":"Computer","value":"c1"}]}`),
			Look: func(a *alert.Alert) any { return a.Description + " " + a.Labels["Computer"] }, Is: "2 results; Greater Than 0\nQuery: Heartbeat c1"},
		{Name: "smart detector", Body: context("SmartDetector", `{"DetectionSummary":"slower","DetectedValue":"0.45 sec","NormalValue":"0.27 sec"}`),
			Look: func(a *alert.Alert) any { return a.Description }, Is: "slower\nDetected: 0.45 sec\nNormal: 0.27 sec"},
		{Name: "security", Body: context("Activity Log - Security", `{"operationName":"o","status":"Active","properties":{"threatStatus":"Quarantined"}}`),
			Look: func(a *alert.Alert) any { return a.Description }, Is: "Operation: o\nStatus: Active\nThreat: Quarantined"},
		{Name: "an activity that is resolved has fired", Body: context("Activity Log - Administrative", `{"status":"Resolved"}`), Look: func(a *alert.Alert) any { return a.Status }, Is: alert.Firing},
		{Name: "health of a resource is one alert", Body: context("ResourceHealth", `{"status":"InProgress","properties":{"currentHealthStatus":"Degraded"}}`),
			Want: []string{`firing - resource_health:/subscriptions/s/resourcegroups/g/providers/t/x/n .. "r"`}},
		{Name: "available again", Body: context("Resource Health", `{"status":"Active","properties":{"currentHealthStatus":"Available"}}`),
			Want: []string{`resolved - resource_health:/subscriptions/s/resourcegroups/g/providers/t/x/n .. "r"`}},
		{Name: "issue of the service", Body: context("ServiceHealth", `{"status":"Active","properties":{"trackingId":"T","title":"slow","stage":"Active"}}`), Want: []string{`firing - service_health:T .. "r: slow"`}},
		{Name: "maintenance complete", Body: context("ServiceHealth", `{"status":"Active","properties":{"trackingId":"T","title":"slow","stage":"Complete"}}`), Want: []string{`resolved - service_health:T .. "r: slow"`}},
		{Name: "health without a resource", Body: `{"data":{"essentials":{"alertId":"i","alertRule":"r","monitoringService":"ResourceHealth"},"alertContext":{"status":"Resolved"}}}`,
			Want: []string{`firing - alert:i .. "r"`}},
		{Name: "metric with another status", Body: `{"schemaId":"AzureMonitorMetricAlert","data":{"status":"Sleeping","context":{"name":"n"}}}`,
			Want: []string{`rejected: status: is "Sleeping", expected Fired or Resolved (older: Activated, Deactivated)`}},
		{Name: "without the schema around it", Body: `{"essentials":{"alertId":"i","alertRule":"r","monitorCondition":"Fired"},"alertContext":{}}`, Want: []string{`firing - alert:i .. "r"`}},
		{Name: "log alert says where", Body: `{"schemaId":"Microsoft.Insights/LogAlert","data":{"AlertRuleName":"errors","AffectedConfigurationItems":["vm-1"]}}`, Look: func(a *alert.Alert) any { return a.Title }, Is: "errors on vm-1"},
		{Name: "log alert of version 1 says where", Body: context("Log Analytics", `{"Dimensions":[{"name":"Computer","value":"vm-1"}]}`), Look: func(a *alert.Alert) any { return a.Title }, Is: "r on vm-1"},
		{Name: "an activity says where", Body: `{"data":{"context":{"activityLog":{"eventDataId":"e","operationName":"restart","status":"Succeeded","resourceId":"/subscriptions/s/x/vm-1"}}}}`,
			Want: []string{`firing - activity_event:e .. "restart Succeeded on vm-1"`}},
		{Name: "a name that is its place", Body: `{"status":"Activated","context":{"id":"i","name":"web","resourceName":"web"}}`, Look: func(a *alert.Alert) any { return a.Title }, Is: "web"},
		{Name: "list", Body: `[]`, Err: "the body is an array, expected an object"},
		{Name: "another schema", Body: `{"schemaId":"X","data":{}}`, Err: `data.essentials: missing; schemaId is "X"`},
		{Name: "nothing", Body: ``, Err: "the body is empty"},
	})
}

func TestFiringAndRecoveryAreOneAlert(t *testing.T) {
	fired := parse(t, `{"status":"Activated","context":{"id":"i","name":"n","resourceId":"r","timestamp":"2026-03-01T08:00:00Z"}}`)
	over := parse(t, `{"status":"Resolved","context":{"id":"i","name":"n","resourceId":"r","timestamp":"2026-03-01T08:10:00Z"}}`)
	other := parse(t, `{"status":"Activated","context":{"id":"i","name":"n","resourceId":"q"}}`)
	if fired.DedupKey != over.DedupKey || fired.DedupKey == other.DedupKey {
		t.Errorf("keys %s, %s, other %s", fired.DedupKey, over.DedupKey, other.DedupKey)
	}
	if !over.StartedAt.IsZero() || over.EndedAt.IsZero() || over.Episode != "" {
		t.Errorf("the recovery's time is its end: %+v", over)
	}
}

func TestDifferentAlertsHaveDifferentKeys(t *testing.T) {
	budget := func(name, threshold string) string {
		return context("CostAlerts", `{"AlertData":{"BudgetId":"/b/`+name+`","BudgetName":"`+name+`","NotificationThresholdAmount":"`+threshold+`"}}`)
	}
	series := func(name string) string {
		return `{"schemaId":"AzureMonitorMetricAlert","data":{"status":"Activated","context":{"id":"i","name":"n","resourceId":"r","condition":{"allOf":[{"dimensions":[{"name":"ApiName","value":"` + name + `"}]}]}}}}`
	}
	for _, pair := range [][2]string{{budget("a", "1"), budget("b", "1")}, {budget("a", "1"), budget("a", "2")}, {series("Get"), series("Put")}} {
		if one, two := parse(t, pair[0]), parse(t, pair[1]); one.DedupKey == two.DedupKey {
			t.Errorf("%s\n%s\nhave one key", pair[0], pair[1])
		}
	}
}

func parse(t *testing.T, body string) *alert.Alert {
	t.Helper()
	parsed, err := Parse(sourcetest.Request(body))
	if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
		t.Fatalf("%+v, %v", parsed, err)
	}
	return parsed.Items[0].Alert
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", essentials(""), context("ServiceHealth", `{"properties":{"trackingId":"T"}}`), `{"context":{"oldCapacity":{},"newCapacity":[]}}`)
}
