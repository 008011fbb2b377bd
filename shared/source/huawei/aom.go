package huawei

import (
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// events are those of Application Operations Management (AOM) and the alarms of
// Log Tank Service (LTS) in a message: as AOM's API has them, alone or in a
// list, or as a template makes them.
func events(message doc.Value) []doc.Value {
	switch list := message.Get("events").Inner(); {
	case list.Kind() == doc.Array && isEvent(list.Index(0)):
		return items(list)
	case message.Kind() == doc.Array && isEvent(message.Index(0)):
		return items(message)
	case isEvent(message):
		return []doc.Value{message}
	case isEvent(message.Get("event")):
		return []doc.Value{message.Get("event")}
	}
	return nil
}

func items(list doc.Value) (out []doc.Value) {
	for v := range source.Some(list) {
		out = append(out, v)
	}
	return out
}

func isEvent(v doc.Value) bool {
	return v.First("metadata.event_name", "event_name") != "" && v.First("metadata.event_severity", "event_severity", "starts_at") != ""
}

// event reads one of AOM or LTS (AOM API reference, "Reporting Events and
// Alarms"; LTS API reference, "Creating a Message Template"). Only an alarm is
// cleared, at ends_at; what is of type event happened.
func event(root, v doc.Value) source.Item {
	f := source.FieldsOf(v)
	name := f.Text("metadataeventnamealias", "eventnamealias", "annotationsalarmrulealias", "metadataeventname", "eventname")
	resource := f.Text("metadataresourceid", "resourceid", "resources", "resourcesnew")
	a := alert.Alert{
		Source: Name, Status: alert.Firing, Severity: severityOf(f.Text("metadataeventseverity", "eventseverity")), Title: name, Group: name,
		DedupKey: alert.HashKey(map[string]string{"event": f.Text("metadataeventname", "eventname"), "provider": f.Text("metadataresourceprovider", "resourceprovider"),
			"type": f.Text("metadataresourcetype", "resourcetype"), "resource": resource, "topic": root.Get("topic_urn").Text()}),
		Description: source.Lines(f.Text("annotationsmessage", "message", "alarminfo"), source.Said("cause", f.Text("annotationsalarmprobablecauseenus", "annotationsalarmprobablecausezhcn", "alarmprobablecause", "alarmprobablecausezh")),
			source.Said("to do", unlessNone(f.Text("annotationsalarmfixsuggestionenus", "annotationsalarmfixsuggestionzhcn", "alarmfixsuggestion", "alarmfixsuggestionzh"))),
			source.Said("condition", f.Text("annotationsconditionexpression", "conditionexpression")), source.Said("value", f.Text("annotationscurrentvalue", "currentvalue")), source.Said("every", f.Text("annotationsfrequency", "frequency")),
			source.Said("query", v.At("annotations.results.0.sql").Text()), source.Said("logs", v.At("annotations.results.0.raw_results").Text()), source.Said("resource", resource)),
		Labels: source.Labels("topic_urn", root.Get("topic_urn").Text(), "event", f.Text("metadataeventname", "eventname"), "event_type", f.Text("metadataeventtype", "eventtype"), "provider", f.Text("metadataresourceprovider", "resourceprovider"),
			"resource_type", f.Text("metadataresourcetype", "resourcetype"), "resource_id", resource, "rule", f.Text("policyalarmrulename", "actionrule"), "log", v.At("annotations.results.0.resource_id").Text(),
			"region", f.Text("regionname", "region"), "account", f.Text("domainname")),
		Links: source.Links("Logs", v.At("annotations.results.0.url").Text()), StartedAt: source.InstantIn(alarmTime(f.Text("startsat")), source.China),
	}
	source.AddFields(a.Labels, v.Get("metadata"))
	if where := named(resource); where != "" {
		a.Title = where + ": " + name
	}
	if a.StartedAt.IsZero() {
		a.StartedAt = source.Instant(root.Get("timestamp").Text())
	}
	ends := source.InstantIn(alarmTime(f.Text("endsat")), source.China)
	told := source.StatusOf(f.Text("annotationsalarmstatus", "alarmstatus", "status"))
	if told == alert.Resolved || told == "" && (!ends.IsZero() || source.StatusTold(root.Get("subject").Text()) == alert.Resolved) {
		a.Status, a.EndedAt = alert.Resolved, ends
		if ends.IsZero() {
			a.EndedAt = source.Instant(root.Get("timestamp").Text())
		}
	}
	return source.Fired(a)
}

// named is what a person calls the thing of a resource, whose parts are
// "name=value" with semicolons between them.
func named(resource string) string {
	for _, name := range [...]string{"name", "nodeName", "hostName", "podName", "appName", "serviceName"} {
		for _, part := range strings.SplitN(resource, ";", maxParts) {
			if key, value, ok := strings.Cut(part, "="); ok && strings.EqualFold(strings.TrimSpace(key), name) {
				return strings.TrimSpace(value)
			}
		}
	}
	if len(resource) > 64 || strings.ContainsAny(resource, "=;{[\n") {
		return ""
	}
	return resource
}

// maxParts is more than a resource has.
const maxParts = 50

func unlessNone(s string) string {
	if strings.EqualFold(s, "NA") {
		return ""
	}
	return s
}

// lineNames are the names of variables in the texts of the default templates
// of AOM and LTS (AOM user guide, "Creating a Message Template").
var lineNames = map[string]string{
	"告警名称": "event_name", "事件名称": "event_name", "规则名称": "event_name", "alarm name": "event_name", "name": "event_name", "rule name": "event_name", "alarm rule": "event_name",
	"事件级别": "event_severity", "告警级别": "event_severity", "event severity": "event_severity", "alarm severity": "event_severity", "severity": "event_severity",
	"发生时间": "starts_at", "occurred": "starts_at", "occurrence time": "starts_at", "occurred at": "starts_at",
	"恢复时间": "ends_at", "清除时间": "ends_at", "cleared": "ends_at", "cleared at": "ends_at",
	"事件源": "resource_provider", "告警源": "resource_provider", "source": "resource_provider", "alarm source": "resource_provider",
	"资源类型": "resource_type", "resource type": "resource_type", "资源标识": "resources", "resource identifier": "resources", "resource id": "resources",
	"告警状态": "alarm_status", "alarm status": "alarm_status", "告警信息": "message", "alarm info": "message", "附加信息": "message", "可能原因": "alarm_probable_cause", "possible cause": "alarm_probable_cause",
	"修复建议": "alarm_fix_suggestion", "建议": "alarm_fix_suggestion", "suggestion": "alarm_fix_suggestion", "表达式": "condition_expression", "expression": "condition_expression",
	"当前值": "current_value", "current value": "current_value", "统计周期": "frequency", "statistical period": "frequency", "通知规则": "action_rule", "notification rule": "action_rule",
	"通知类型": "event_type", "notification type": "event_type", "账号": "domain_name", "account": "domain_name", "区域": "region", "发生区域": "region", "occurrence region": "region",
}

// maxText bounds the text that is looked through, in bytes.
const maxText = 32 << 10

// written reads the text of a template, a line or a part before a semicolon
// for each variable. What has no name and no level is none of AOM or LTS.
func written(text string) (doc.Value, bool) {
	found := map[string]any{}
	for line := range strings.FieldsFuncSeq(text[:min(len(text), maxText)], func(c rune) bool { return c == '\n' || c == ';' || c == '；' }) {
		name, value, ok := strings.Cut(strings.Replace(line, "：", ":", 1), ":")
		known := lineNames[strings.ToLower(strings.Trim(name, " \t\r*#>-"))]
		if value = strings.TrimSpace(value); ok && known != "" && value != "" && found[known] == nil {
			found[known] = value
		}
	}
	if found["event_severity"] == nil || found["starts_at"] == nil {
		return doc.Value{}, false
	}
	return doc.Of(found), found["event_name"] != nil
}
