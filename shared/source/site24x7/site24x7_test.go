package site24x7

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/sourcetest"
)

func TestParse(t *testing.T) {
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "null", Body: "null", Err: "the body is null, expected an object"},
		{Name: "no status", Body: `{"MONITORNAME":"Shop"}`, Err: "no STATUS"},
		{Name: "no monitor", Body: `{"STATUS":"DOWN"}`, Err: "no STATUS of a MONITOR_ID"},
		{Name: "another status", Body: `{"MONITORNAME":"Shop","STATUS":"ASLEEP"}`, Want: []string{`rejected: STATUS: is "ASLEEP", expected UP, DOWN, TROUBLE or CRITICAL`}},
		{Name: "names of one's own", Body: `{"monitor":"Shop","state":"DOWN","reason":"Timeout"}`, Look: func(a *alert.Alert) any { return a.Title }, Is: "Shop is DOWN"},
		{Name: "maintenance", Body: `{"MONITORNAME":"Shop","STATUS":"Maintenance"}`, Note: "the monitor is maintenance"},
		{Name: "id of 18 digits", Body: `{"MONITOR_ID":285731000000025120,"STATUS":"UP"}`, Want: []string{`resolved - monitor:285731000000025120 .. "Monitor 285731000000025120 is UP"`}},
		{Name: "link is the key", Body: `{"MONITOR_DASHBOARD_LINK":"https://www.site24x7.com/x","MONITORNAME":"Shop","STATUS":"down"}`, Want: []string{`firing critical monitor_link:https://www.site24x7.com/x .. "Shop is DOWN"`}},
		{Name: "name is the key", Body: `{"MONITORNAME":"Shop","STATUS":"CONFIGURATION ERROR"}`, Look: func(a *alert.Alert) any { return strings.HasPrefix(a.DedupKey, "hash1:") }, Is: true},
		{Name: "time with a zone", Body: `{"MONITOR_ID":"7","MONITORNAME":"Shop","STATUS":"TROUBLE","INCIDENT_TIME_ISO":"2026-03-01T09:57:00+0100"}`, Want: []string{`firing warning monitor:7 2026-03-01T08:57:00Z.. "Shop is TROUBLE"`}},
		{Name: "zone that means several", Body: `{"MONITOR_ID":"7","MONITORNAME":"Shop","STATUS":"TROUBLE","INCIDENT_TIME":"July 30, 2019 10:36 AM BST"}`, Want: []string{`firing warning monitor:7 .. "Shop is TROUBLE"`}},
		{Name: "odd types", Body: `{"MONITORNAME":["Shop"],"STATUS":"DOWN","FAILED_LOCATIONS":{"a":1},"MONITOR_ID":{}}`, Want: []string{`firing critical monitor:{} .. "[\"Shop\"] is DOWN"`}},
		{Name: "tags", Body: `{"MONITOR_ID":7,"STATUS":"DOWN","TAGS":["env:prod"],"GROUP_TAGS":["team:shop"]}`, Look: func(a *alert.Alert) any { return a.Labels }, Is: "map[env:prod team:shop]"},
		{Name: "description", Body: `{"MONITOR_ID":7,"STATUS":"DOWN","REASON":"Execute on Down","INCIDENT_REASON":"Timeout","FAILED_LOCATIONS":["Oslo","Bern"]}`,
			Look: func(a *alert.Alert) any { return a.Description }, Is: "Timeout\nFailed from: Oslo, Bern"},
	})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", `{"MONITORNAME":{},"STATUS":"UP","MONITOR_GROUPNAME":[[]]}`, "MONITORNAME=a&STATUS=DOWN")
}
