package azure

import (
	"strings"
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
			Want: []string{`firing warning resource_health:/subscriptions/s/resourcegroups/g/providers/t/x/n .. "r"`}},
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
		{Name: "health of a resource says of which", Body: `{"data":{"context":{"activityLog":{"eventSource":"ResourceHealth","resourceId":"/s/vm-1","properties":{"title":"Stopped by the platform","currentHealthStatus":"Unavailable"}}}}}`, Look: func(a *alert.Alert) any { return a.Title }, Is: "Stopped by the platform on vm-1"},
		{Name: "health of a resource says of which, commonly", Body: strings.Replace(context("Resource Health", `{"properties":{"title":"Rebooted","currentHealthStatus":"Unavailable"}}`), `"alertRule"`, `"configurationItems":["vm-1"],"alertRule"`, 1), Look: func(a *alert.Alert) any { return a.Title }, Is: "r: Rebooted on vm-1"},
		{Name: "issue of a service is of a subscription", Body: `{"data":{"context":{"activityLog":{"eventSource":"ServiceHealth","resourceId":"/subscriptions/S","properties":{"title":"Slow","trackingId":"T"}}}}}`, Look: func(a *alert.Alert) any { return a.Title }, Is: "Slow"},
		{Name: "recommendation", Body: `{"data":{"context":{"activityLog":{"eventSource":"Recommendation","description":"A new recommendation is available.","resourceId":"/s/db-1","properties":{"recommendationName":"Add vCores"}}}}}`, Look: func(a *alert.Alert) any { return a.Title }, Is: "Add vCores on db-1"},
		{Name: "budget whose threshold is a part of it", Body: `{"schemaId":"AIP Budget Notification","data":{"BudgetName":"b","SpendingAmount":"111.11","Budget":"100","NotificationThresholdAmount":"0.8"}}`, Look: func(a *alert.Alert) any { return a.Title }, Is: "Budget b: 111.11 spent of 100"},
		{Name: "a name that is its place", Body: `{"status":"Activated","context":{"id":"i","name":"web","resourceName":"web"}}`, Look: func(a *alert.Alert) any { return a.Title }, Is: "web"},
		{Name: "incident of Sentinel, active", Body: `{"object":{"name":"I-1","properties":{"title":"Odd login","severity":"Medium","status":"Active","incidentNumber":7}}}`, Want: []string{`firing warning sentinel_incident:i-1 .. "Odd login"`}},
		{Name: "incident of Sentinel alone", Body: `{"id":"/x/i-1","properties":{"title":"Odd login","severity":"Informational","status":"Closed","incidentNumber":7,"lastModifiedTimeUtc":"2026-03-01T08:30:00Z"}}`,
			Want: []string{`resolved info sentinel_incident:/x/i-1 ..2026-03-01T08:30:00Z "Odd login"`}},
		{Name: "incident of Sentinel, odd", Body: `{"object":{"name":"i","properties":{"status":"Lost"}}}`, Want: []string{`rejected: object.properties.status: is "Lost", expected New, Active or Closed`}},
		{Name: "incident of Sentinel, nameless", Body: `{"object":{"properties":{}}}`, Want: []string{`rejected: object.name: missing; an incident of Sentinel needs its id`}},
		{Name: "alert of Defender", Body: `{"SystemAlertId":"d-1","AlertDisplayName":"Malware","Severity":"High","CompromisedEntity":"vm-1","TimeGeneratedUtc":"2026-03-01T08:00:00Z","RemediationSteps":["Isolate it"]}`,
			Want: []string{`firing error security_alert:d-1 2026-03-01T08:00:00Z.. "Malware on vm-1"`}},
		{Name: "alert of Defender, dismissed", Body: `{"SystemAlertId":"d-1","AlertDisplayName":"Malware","Severity":"High","Status":"Dismissed"}`, Want: []string{`resolved error security_alert:d-1 .. "Malware"`}},
		{Name: "list", Body: `[]`, Err: "the body is an array, expected an object"},
		{Name: "another schema", Body: `{"schemaId":"X","data":{}}`, Err: `data.essentials: missing; schemaId is "X"`},
		{Name: "nothing", Body: ``, Err: "the body is empty"},
	})
}

// TestGrid: events of Event Grid, and its question whether they are wanted.
func TestGrid(t *testing.T) {
	event := func(kind, subject, data string) string {
		return `{"id":"e-1","eventType":"` + kind + `","subject":"` + subject + `","topic":"/subscriptions/S/resourceGroups/G/providers/T/x/N","eventTime":"2026-03-01T08:00:00Z","data":` + data + `,"dataVersion":"1"}`
	}
	parsed, err := Parse(sourcetest.Request("[" + event(validation, "", `{"validationCode":"c-1"}`) + "]"))
	if answer, ok := parsed.Answer.(validated); err != nil || !ok || answer.ValidationResponse != "c-1" || len(parsed.Items) > 0 || len(parsed.Notes) != 1 {
		t.Errorf("%+v, %v", parsed, err)
	}
	health := func(state string) string {
		return event("Microsoft.ResourceNotifications.HealthResources.AvailabilityStatusChanged", "/subscriptions/S/x/vm-1", `{"resourceInfo":{"properties":{"availabilityState":"`+state+`"}}}`)
	}
	down, up := parse(t, "["+health("Unavailable")+"]"), parse(t, health("Available"))
	if down.DedupKey != up.DedupKey || down.Severity != alert.Error || down.Title != "vm-1 is Unavailable" || up.Status != alert.Resolved || up.EndedAt.IsZero() || down.Labels["resource_group"] != "G" {
		t.Errorf("%+v\n%+v", down, up)
	}
	near, renewed := parse(t, event("Microsoft.KeyVault.SecretNearExpiry", "db", `{"ObjectName":"db"}`)), parse(t, event("Microsoft.KeyVault.SecretNewVersionCreated", "db", `{"ObjectName":"db"}`))
	if near.DedupKey != renewed.DedupKey || near.Severity != alert.Warning || renewed.Status != alert.Resolved {
		t.Errorf("%+v\n%+v", near, renewed)
	}
	cloud := `{"specversion":"1.0","id":"1","type":"Microsoft.Resources.ResourceWriteFailure","source":"/subscriptions/S","subject":"/subscriptions/S/x/db","time":"2026-03-01T08:00:00Z","data":{"status":"Failed"}}`
	if a := parse(t, cloud); a.Severity != alert.Warning || a.Title != "ResourceWriteFailure on db" || a.StartedAt.Hour() != 8 {
		t.Errorf("%+v", a)
	}
	for body, want := range map[string]bool{cloud: true, health("Unknown"): false, "[" + event("Microsoft.Storage.BlobCreated", "b", "{}") + "," + health("Unknown") + "]": false} {
		if parsed, err := Parse(sourcetest.Request(body)); err != nil || parsed.NeverEnds != want {
			t.Errorf("%s: %v, %v", body, parsed.NeverEnds, err)
		}
	}
	if parsed, _ := Parse(sourcetest.Request("[" + event("Microsoft.Storage.BlobCreated", "b", "{}") + ",7]")); len(parsed.Items) != 2 || parsed.Items[1].Rejected == "" {
		t.Errorf("%+v", parsed)
	}
}

// TestConstantSeverity: what every alert on the activity log bears says
// nothing; what the event tells does.
func TestConstantSeverity(t *testing.T) {
	told := func(service, context string) string {
		return `{"data":{"essentials":{"alertId":"/a/1","alertRule":"r","severity":"Sev4","monitoringService":"` + service + `","alertTargetIDs":["/s/x"],"monitorCondition":"Fired"},"alertContext":` + context + `}}`
	}
	issue := func(kind, level string) string {
		return told("ServiceHealth", `{"level":`+level+`,"status":"Active","properties":{"trackingId":"T","incidentType":"`+kind+`"}}`)
	}
	machine := func(health, cause string) string {
		return told("Resource Health", `{"level":"Informational","properties":{"currentHealthStatus":"`+health+`","cause":"`+cause+`"}}`)
	}
	for name, c := range map[string]struct {
		body string
		want alert.Severity
		ends bool
	}{
		"incident":                      {issue("Incident", `"Informational"`), alert.Error, true},
		"incident of everybody":         {issue("Incident", "1"), alert.Critical, true},
		"something is to be done":       {issue("ActionRequired", "4"), alert.Warning, true},
		"security of the cloud":         {issue("Security", `"Warning"`), alert.Warning, true},
		"planned maintenance":           {issue("Maintenance", "4"), alert.Info, true},
		"urgent maintenance":            {issue("Maintenance", "3"), alert.Warning, true},
		"information":                   {issue("Informational", `""`), alert.Info, true},
		"machine is down":               {machine("Unavailable", "PlatformInitiated"), alert.Error, true},
		"machine was stopped":           {machine("Unavailable", "UserInitiated"), alert.Info, true},
		"machine is slow":               {machine("Degraded", "PlatformInitiated"), alert.Warning, true},
		"machine is silent":             {machine("Unknown", "PlatformInitiated"), alert.Warning, true},
		"brute force":                   {told("Activity Log - Security", `{"level":"Informational","properties":{"severity":"High"}}`), alert.Error, false},
		"virus blocked":                 {told("Activity Log - Security", `{"properties":{"severity":"Low"}}`), alert.Info, false},
		"restarted":                     {told("Activity Log - Administrative", `{"level":"Informational","status":"Succeeded"}`), alert.Info, false},
		"restart failed":                {told("Activity Log - Administrative", `{"level":"Error","status":"Failed"}`), alert.Error, false},
		"scaling failed":                {told("Activity Log - Autoscale", `{"level":"Informational","status":"Failed"}`), alert.Error, false},
		"policy is broken":              {told("Activity Log - Policy", `{"level":"Warning"}`), alert.Warning, false},
		"metric, which users rank":      {told("Platform", `{"level":"Error"}`), alert.Info, true},
		"incident without the common":   {`{"schemaId":"Microsoft.Insights/activityLogs","data":{"status":"Activated","context":{"activityLog":{"eventSource":"ServiceHealth","level":"Informational","properties":{"trackingId":"T","incidentType":"Incident"}}}}}`, alert.Error, true},
		"failed without the common":     {`{"schemaId":"Microsoft.Insights/activityLogs","data":{"status":"Activated","context":{"activityLog":{"eventSource":"Administrative","eventDataId":"e","level":"Informational","status":"Failed"}}}}`, alert.Error, false},
		"budget":                        {told("CostAlerts", `{"AlertData":{"BudgetName":"b"}}`), alert.Info, false},
		"rule of users' own severities": {strings.Replace(told("Activity Log - Administrative", `{"level":"Informational"}`), "Sev4", "Sev1", 1), alert.Error, false},
	} {
		parsed, err := Parse(sourcetest.Request(c.body))
		if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
			t.Fatalf("%s: %+v, %v", name, parsed, err)
		}
		if got := parsed.Items[0].Alert.Severity; got != c.want || parsed.NeverEnds == c.ends {
			t.Errorf("%s: %s, never ends %v; want %s", name, got, parsed.NeverEnds, c.want)
		}
	}
}

func TestFiringAndRecoveryAreOneAlert(t *testing.T) {
	fired := parse(t, `{"status":"Activated","context":{"id":"i","name":"n","resourceId":"r","timestamp":"2026-03-01T08:00:00Z"}}`)
	over := parse(t, `{"status":"Resolved","context":{"id":"i","name":"n","resourceId":"r","timestamp":"2026-03-01T08:10:00Z"}}`)
	other := parse(t, `{"status":"Activated","context":{"id":"i","name":"n","resourceId":"q"}}`)
	if fired.DedupKey != over.DedupKey || fired.DedupKey == other.DedupKey {
		t.Errorf("keys %s, %s, other %s", fired.DedupKey, over.DedupKey, other.DedupKey)
	}
	if !over.StartedAt.IsZero() || over.EndedAt.IsZero() || over.Episode != fired.Episode {
		t.Errorf("the recovery's time is its end: %+v", over)
	}
	again := parse(t, `{"status":"Activated","context":{"id":"i","name":"n","resourceId":"r","timestamp":"2026-03-01T08:05:00Z"}}`)
	if again.Episode != fired.Episode {
		t.Errorf("a repeat begins episode %s after %s", again.Episode, fired.Episode)
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
	sourcetest.Fuzz(f, Source, "", essentials(""), context("ServiceHealth", `{"properties":{"trackingId":"T"}}`), `[{"eventType":"a.b","eventTime":1,"data":{}},{}]`, `{"context":{"oldCapacity":{},"newCapacity":[]}}`)
}
