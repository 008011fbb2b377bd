package zabbix

import (
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source/sourcetest"
)

func TestParse(t *testing.T) {
	const base = `"event_id":"9","trigger_id":"7","event_name":"N"`
	description := func(a *alert.Alert) any { return a.Description }
	labels := func(a *alert.Alert) any { return a.Labels }
	links := func(a *alert.Alert) any { return a.Links }
	hashed := func(a *alert.Alert) any { return strings.HasPrefix(a.DedupKey, "hash1:") }
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "null", Body: `null`, Err: "the body is null, expected an object"},
		{Name: "nothing of an event", Body: `{"event_value":"1"}`, Err: "no event_id, trigger_id or event_name"},
		{Name: "no value fires", Body: `{` + base + `}`, Want: []string{`firing - event:9 .. "N"`}},
		{Name: "value as a number", Body: `{` + base + `,"event_value":0}`, Want: []string{`resolved - event:9 .. "N"`}},
		{Name: "value of the recovery", Body: `{` + base + `,"event_value":"1","EVENT.RECOVERY.VALUE":"0"}`, Want: []string{`resolved - event:9 .. "N"`}},
		{Name: "recovery not there yet", Body: `{` + base + `,"event_value":"1","EVENT.RECOVERY.VALUE":"{EVENT.RECOVERY.VALUE}"}`, Want: []string{`firing - event:9 .. "N"`}},
		{Name: "kind of the event", Body: `{` + base + `,"event_type":"recovery"}`, Want: []string{`resolved - event:9 .. "N"`}},
		{Name: "kind of the event is no state", Body: `{` + base + `,"event_type":"internal"}`, Want: []string{`firing - event:9 .. "N"`}},
		{Name: "discovery in words", Body: `{` + base + `,"event_type":"discovery"}`, Note: "discovery and autoregistration report no problem"},
		{Name: "item as an object", Body: `{` + base + `,"item":{"key":"system.cpu.load","id":"1"}}`, Look: func(a *alert.Alert) any { return a.Labels["item"] }, Is: "system.cpu.load"},
		{Name: "message for a chat", Body: `{"msgtype":"text","text":{"content":"告警主机:web-1\n告警等级:High\n告警信息:CPU is high\n当前状态:OK:97\n事件ID:9"}}`, Want: []string{`resolved error event:9 .. "CPU is high on web-1"`}},
		{Name: "another value", Body: `{` + base + `,"event_value":"maybe"}`, Want: []string{`rejected: event_value: is "maybe", expected 1 or PROBLEM, 0 or RESOLVED`}},
		{Name: "camel case", Body: `{"eventId":9,"triggerId":7,"eventName":"N","eventStatus":"RESOLVED","eventRecoveryDate":"2026.03.01","eventRecoveryTime":"09:00:00"}`, Want: []string{`resolved - event:9 ..2026-03-01T09:00:00Z "N"`}},
		{Name: "upper case", Body: `{"EVENT.ID":"9","TRIGGER.NAME":"N","TRIGGER.STATUS":"OK","TRIGGER.SEVERITY":"Not classified"}`, Want: []string{`resolved info event:9 .. "N"`}},
		{Name: "event alone is the key", Body: `{"event_id":"9","event_value":"1"}`, Want: []string{`firing - event:9 .. "Problem 9"`}},
		{Name: "trigger alone", Body: `{"trigger_id":"7","status":"PROBLEM","host":"h"}`, Want: []string{`firing - trigger:7 .. "Problem of trigger 7 on h"`}},
		{Name: "host and name are the key", Body: `{"host":"h","trigger":"N","status":"PROBLEM"}`, Look: hashed, Is: true},
		{Name: "subject tells the state", Body: `{"event_id":"9","subject":"Resolved in 5m 3s: Disk: full","message":"M"}`, Want: []string{`resolved - event:9 .. "Disk: full"`}},
		{Name: "subject of a problem", Body: `{"event_id":"9","alert_subject":"Problem: Disk full"}`, Want: []string{`firing - event:9 .. "Disk full"`}},
		{Name: "colon that is no state", Body: `{"event_id":"9","subject":"Disk: full"}`, Want: []string{`firing - event:9 .. "Disk: full"`}},
		{Name: "acknowledged", Body: `{` + base + `,"event_value":"1","event_update_status":"1","event_update_action":"acknowledged"}`, Want: []string{`acknowledged - event:9 .. "N"`}},
		{Name: "unacknowledged", Body: `{` + base + `,"event_value":"1","event_update_status":"1","event_update_action":"unacknowledged"}`, Want: []string{`firing - event:9 .. "N"`}},
		{Name: "acknowledged before, no update", Body: `{` + base + `,"event_value":"1","event_update_status":"0","event_ack_status":"Yes"}`, Want: []string{`firing - event:9 .. "N"`}},
		{Name: "update of an acknowledged one", Body: `{` + base + `,"event_value":"1","event_update_status":"1","event_ack_status":"Yes"}`, Want: []string{`acknowledged - event:9 .. "N"`}},
		{Name: "recovery wins over an update", Body: `{` + base + `,"event_value":"0","event_update_status":"1","event_update_action":"acknowledged"}`, Want: []string{`resolved - event:9 .. "N"`}},
		{Name: "discovery", Body: `{` + base + `,"event_source":"2"}`, Note: "autoregistration"},
		{Name: "macros that are not filled", Body: `{"event_id":"{EVENT.ID}","event_name":"{EVENT.NAME}"}`, Note: "a test of the media type"},
		{Name: "seconds", Body: `{` + base + `,"event_timestamp":"1772355600"}`, Want: []string{`firing - event:9 2026-03-01T09:00:00Z.. "N"`}},
		{Name: "odd types", Body: `{"event_id":[9],"event_name":{},"host_name":[],"event_tags":7,"event_value":true}`, Want: []string{`rejected: event_value: is "true", expected 1 or PROBLEM, 0 or RESOLVED`}},
		{Name: "objects within", Body: `{"event":{"id":"9","value":"0","date":"2026.03.01","time":"08:55:00","r_date":"2026.03.01","r_time":"09:00:00"},"trigger":{"id":7,"name":"N","severity_text":"High"},"host":{"name":"h"},"item":{"name":"i"}}`,
			Want: []string{`resolved error event:9 2026-03-01T08:55:00Z..2026-03-01T09:00:00Z "N on h"`}},
		{Name: "action of a script", Body: `{` + base + `,"zabbix_action":"close","event_datetime":"2026-03-01T08:55:00Z","event_recovery_datetime":"2026-03-01T09:00:00Z","event_nseverity":5}`,
			Want: []string{`resolved critical event:9 2026-03-01T08:55:00Z..2026-03-01T09:00:00Z "N"`}},
		{Name: "short names", Body: `{"id":"9","triggerId":"7","name":"N","status":"PROBLEM","severity":"High","updateStatus":"1","updateAction":"acknowledged"}`, Want: []string{`acknowledged error event:9 .. "N"`}},
		{Name: "a trigger that is called id", Body: `{"id":"7","triggerId":"7","name":"N","status":"PROBLEM"}`, Want: []string{`firing - trigger:7 .. "N"`}},
		{Name: "properties", Body: `{"properties":{"Event ID":"9","Event Status":"RESOLVED","Event Name":"N","Host Name":"h","Trigger ID":"7","Trigger Severity":"High"}}`, Want: []string{`resolved error event:9 .. "N on h"`}},
		{Name: "made for a chat", Body: `{"content":"Resolved in 5m: N","embeds":[{"title":"Resolved in 5m: N","url":"https://z.example.com/tr_events.php?triggerid=7&eventid=9"}]}`, Want: []string{`resolved - event:9 .. "N"`}},
		{Name: "ids in a link beside an update", Body: `{"title":"N","state":"PROBLEM","message":"Alice acknowledged problem at 2026.03.01 08:57:00.","link_to_upstream_details":"https://z.example.com/tr_events.php?triggerid=7&eventid=9"}`, Want: []string{`acknowledged - event:9 .. "N"`}},
		{Name: "host once", Body: `{` + base + `,"host_name":"h"}`, Want: []string{`firing - event:9 .. "N on h"`}},
		{Name: "tags as objects", Body: `{"event_id":"9","event_tags_json":[{"tag":"scope","value":"disk"},{"tag":"x","value":""}]}`, Look: labels, Is: "map[event_id:9 scope:disk tags:x]"},
		{Name: "tags as text", Body: `{"event_id":"9","event_tags":"scope:disk, abc,123"}`, Look: labels, Is: "map[event_id:9 scope:disk tags:abc, 123]"},
		{Name: "tags as one object", Body: `{"event_id":"9","event_tags":"{\"scope\":\"disk\"}"}`, Look: labels, Is: "map[event_id:9 scope:disk]"},
		{Name: "description", Body: `{` + base + `,"event_opdata":"3 %","event_update_message":"on it","event_update_user":"Alice"}`, Look: description, Is: "Operational data: 3 %\nAlice: on it"},
		{Name: "link made", Body: `{` + base + `,"zabbix_url":"https://z.example.com/"}`, Look: links, Is: "[{Event https://z.example.com/tr_events.php?triggerid=7&eventid=9} {Zabbix https://z.example.com/}]"},
		{Name: "link given", Body: `{` + base + `,"link":"https://z.example.com/e"}`, Look: links, Is: "[{Event https://z.example.com/e}]"},
		{Name: "link to the webhook itself", Body: `{` + base + `,"url":"https://tocsin.example.com/in/zabbix/tk_x"}`, Look: links, Is: "[]"},
		{Name: "a second problem of one trigger", Body: `{"event_id":"10","trigger_id":"7","event_name":"N"}`, Want: []string{`firing - event:10 .. "N"`}},
		{Name: "ids in a link", Body: `{"hostname":"h","trigger":"N","status":"OK","link":"https://z.example.com/tr_events.php?triggerid=7&eventid=9"}`, Want: []string{`resolved - event:9 .. "N on h"`}},
		{Name: "default message of a problem", Body: `{"To":"ops","Subject":"Problem: Disk full","Message":"Problem started at 08:55:00 on 2026.03.01\r\nProblem name: Disk full\r\nHost: h\r\nSeverity: High\r\nOperational data: 99 %\r\nOriginal problem ID: 9\r\n"}`,
			Want: []string{`firing error event:9 2026-03-01T08:55:00Z.. "Disk full on h"`}},
		{Name: "default message of a recovery", Body: `{"To":"ops","Subject":"Resolved in 5m: Disk full","Message":"Problem has been resolved in 5m at 09:00:00 on 2026.03.01\nProblem name: Disk full\nHost: h\nSeverity: High\nOriginal problem ID: 9"}`,
			Want: []string{`resolved error event:9 ..2026-03-01T09:00:00Z "Disk full on h"`}},
		{Name: "default message of 3.0", Body: `{"subject":"OK: Disk full","message":"Trigger: Disk full\nTrigger status: OK\nTrigger severity: High\nTrigger URL:\n\nItem values:\n\n1. Free (h:vfs.fs): 1\n\nOriginal event ID: 9"}`,
			Want: []string{`resolved error event:9 .. "Disk full"`}},
		{Name: "default message of an acknowledgement", Body: `{"Subject":"Updated problem in 2m: Disk full","Message":"Alice acknowledged, commented problem at 2026.03.01 08:57:00.\non it"}`, Want: []string{`acknowledged - hash1:a12803dceb54a8a00fb84ffa5c4649ee .. "Disk full"`}},
		{Name: "default message of another update", Body: `{"Subject":"Updated problem in 2m: Disk full","Message":"Alice commented problem at 2026.03.01 08:57:00.\non it"}`, Note: "an update that does not say of which problem"},
		{Name: "message in Chinese", Body: "服务器:h发生: 磁盘故障!\n告警主机:h\n告警时间:2026.03.01 08:55:00\n告警等级:High\n告警信息: 磁盘已满\n当前状态:PROBLEM:99\n事件ID：9", Want: []string{`firing error event:9 2026-03-01T08:55:00Z.. "磁盘已满 on h"`}},
		{Name: "fields in Chinese", Body: `{"告警主机":"h","告警等级":"High","告警信息":"磁盘已满","当前状态":"OK","告警时间":"2026.03.01 08:55:00","恢复时间":"2026.03.01 09:00:00","事件ID":"9"}`,
			Want: []string{`resolved error event:9 2026-03-01T08:55:00Z..2026-03-01T09:00:00Z "磁盘已满 on h"`}},
		{Name: "a line that only looks like a status", Body: `{` + base + `,"message":"Status: 503\nTrigger status: "}`, Want: []string{`firing - event:9 .. "N"`}},
		{Name: "time of the message", Body: `{` + base + `,"status":"OK","timestamp":"2026-03-01T09:00:00Z"}`, Want: []string{`resolved - event:9 ..2026-03-01T09:00:00Z "N"`}},
		{Name: "recovery by an id of its own", Body: `{"event_id":"12","original_event_id":"9","event_name":"N","status":"RECOVERY"}`, Want: []string{`resolved - event:9 .. "N"`}},
		{Name: "acknowledged by the action alone", Body: `{` + base + `,"action":"ACKNOWLEDGE","ack_message":"on it"}`, Want: []string{`acknowledged - event:9 .. "N"`}},
		{Name: "name of an action", Body: `{` + base + `,"action":"Tell who acknowledged"}`, Want: []string{`firing - event:9 .. "N"`}},
		{Name: "short names of the times", Body: `{` + base + `,"event_value":"0","event_ts":"2026.03.01 08:55:00","recovery_ts":"2026.03.01 09:00:00"}`, Want: []string{`resolved - event:9 2026-03-01T08:55:00Z..2026-03-01T09:00:00Z "N"`}},
		{Name: "state of OnCall's media type", Body: `{"alert_uid":"9","title":"N","state":"alerting","message":"M","link_to_upstream_details":"https://z.example.com/tr_events.php?triggerid=7&eventid=9"}`, Want: []string{`firing - event:9 .. "N"`}},
		{Name: "recovery made for a chat, ids in a link anywhere", Body: `{"summary":"Resolved in 5m: N","sections":[{"activityTitle":"Resolved in 5m: N"}],"potentialAction":[{"targets":[{"uri":"https://z.example.com/tr_events.php?triggerid=7\u0026eventid=9"}]}]}`, Want: []string{`resolved - event:9 .. "N"`}},
		{Name: "recovery clock", Body: `{` + base + `,"status":"RESOLVED","clock":"2026.03.01 08:55:00","recovery_clock":"2026.03.01 09:00:00"}`, Want: []string{`resolved - event:9 2026-03-01T08:55:00Z..2026-03-01T09:00:00Z "N"`}},
		{Name: "episode", Body: `{` + base + `,"event_date":"2026.03.01","event_time":"08:00:00"}`, Look: func(a *alert.Alert) any { return a.Episode }, Is: "9"},
	})
}

func TestSeverityWords(t *testing.T) {
	for word, want := range map[string]alert.Severity{
		"5": alert.Critical, "4": alert.Error, "3": alert.Warning, "2": alert.Warning, "1": alert.Info, "0": alert.Info,
		"Disaster": alert.Critical, "High": alert.Error, "Average": alert.Warning, "Warning": alert.Warning, "Information": alert.Info, "Not classified": alert.Info, "Odd": "",
	} {
		parsed, err := Parse(sourcetest.Request(`{"event_id":"9","event_name":"N","severity":"` + word + `"}`))
		if err != nil || parsed.Items[0].Alert.Severity != want {
			t.Errorf("%q is %q, %v; want %q", word, parsed.Items[0].Alert.Severity, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "", `{"eventid":{},"subject":": : :","tags":"[{}]"}`, "event_id=1&event_value=0")
}
