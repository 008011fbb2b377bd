package tencent

import (
	"fmt"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// isLog tells a callback of Cloud Log Service, whose content users write with
// the names of its variables.
func isLog(f source.Fields) bool {
	return f.Text("alarmid", "alertid", "recordgroupid") != "" && f.Text("alarm", "alarmname", "alertname") != "" &&
		f.Text("notifytype", "notifytime", "triggertime", "starttime", "firetime", "condition", "trigger") != ""
}

// logs reads a callback of Cloud Log Service (CLS, "Alarm notification
// variables"). A policy that triggers by group has an alarm for each group; where
// the group is not told, RecordGroupId does, which stays the same from alarm to
// recovery.
func logs(v doc.Value, f source.Fields) source.Item {
	name, id := f.Text("alarm", "alarmname", "alertname"), f.Text("alarmid", "alertid")
	a := alert.Alert{
		Source: Name, Status: alert.Firing, Severity: leveled(f.Text("level", "leveleng", "alarmlevel")), Title: name, Group: name,
		DedupKey: alert.HashKey(map[string]string{"policy": source.FirstText(id, name), "group": f.Text("conditiongroup")}), Episode: f.Text("recordgroupid"),
		Description: source.Lines(f.Text("message", "customizemessage"), source.Said("condition", f.Text("condition", "trigger")), source.Said("value", f.Text("triggerparams", "triggerparam")), source.Said("group", f.Text("conditiongroup")),
			source.Said("query", f.Text("executequery", "query")), source.Said("lasts", minutes(f.Text("duration"))), source.Said("log", logText(f.Get("querylog")))),
		Labels: source.Labels("policyId", id, "policyName", name, "topic", f.Text("topic", "topicname"), "topicId", f.Text("topicid"), "region", f.Text("region"), "uin", f.Text("uin"), "group", f.Text("conditiongroup")),
		Links:  source.Links("Details", f.Text("detailurl"), "Query", f.Text("queryurl"), "Silence", f.Text("silenturl")),
	}
	source.AddFields(a.Labels, v.Get("Label"))
	a.StartedAt = source.InstantIn(f.Text("starttimeunix", "starttime", "firetime", "firetimeunix", "triggertime"), source.China)
	if a.Episode != "" && f.Text("conditiongroup") == "" {
		a.DedupKey = alert.SenderKey("record_group", a.Episode)
	}
	switch kind := f.Text("notifytype"); kind {
	case "2":
		a.Status, a.EndedAt = alert.Resolved, source.InstantIn(f.Text("recovertimeunix", "recovertime", "notifytimeunix", "notifytime"), source.China)
	case "1", "":
	default:
		told := source.StatusOf(kind)
		if told == "" {
			return source.Item{Rejected: fmt.Sprintf("NotifyType: is %.40q, expected 1 or 2", kind)}
		}
		a.Status = told
	}
	return source.Fired(a)
}

// logText is the log that fired the alarm: an empty list is none.
func logText(v doc.Value) string {
	if text := v.Text(); text != "[]" && text != "[[]]" {
		return text
	}
	return ""
}

func minutes(n string) string {
	if n == "" {
		return ""
	}
	return n + " min"
}

// leveled sorts the three levels of an alarm, the least to the worst: Remind or
// Info, Warn, and Serious or Critical (提醒, 警告, 紧急).
func leveled(word string) alert.Severity {
	switch word {
	case "Remind", "提醒", "0":
		return alert.Info
	case "Serious", "2":
		return alert.Critical
	case "1":
		return alert.Warning
	}
	return severityOf(word)
}
