// Package huawei reads the alarms of Huawei Cloud Eye (CES), Application
// Operations Management (AOM) and Log Tank Service (LTS), which its Simple
// Message Notification (SMN) delivers and signs.
package huawei

import (
	"fmt"
	"net/url"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "huawei"

// Parse reads a message of SMN, or what stands in one.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	if root.Kind() != doc.Object {
		return source.Parsed{}, fault.New(fault.Invalid, "the body is %s, expected a message of SMN (an object)", root.Kind())
	}
	out := source.Parsed{SenderID: root.Get("message_id").Text()}
	switch kind := root.Get("type").Text(); {
	case kind == confirmation:
		return confirm(out, root)
	case kind == farewell:
		out.Notes = []string{"SMN ended the subscription to " + root.Get("topic_urn").Text()}
		return out, nil
	case strings.EqualFold(kind, notification):
		out.Items, out.NeverEnds = parse(root)
	case kind == "" && len(events(root)) > 0:
		out.Items = read(root, events(root))
	case kind == "" && isAlarm(root):
		out.Items = []source.Item{alarm(root, root)}
	default:
		var bad fault.Problems
		bad.Add("type", "is %.40q, expected %s, %s or %s", kind, notification, confirmation, farewell)
		return source.Parsed{}, bad.Err("the body is no message of SMN")
	}
	return out, nil
}

// confirm asks for a visit of SMN's own pages and of no other.
func confirm(out source.Parsed, root doc.Value) (source.Parsed, error) {
	address := root.Get("subscribe_url").Text()
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Host != u.Hostname() || !isConsole(u.Host) && !isSMN(u.Host) || !strings.HasSuffix(u.Path, "/subscription/confirm") {
		var bad fault.Problems
		bad.Add("subscribe_url", "is %.100q, expected https at console.huaweicloud.com or SMN, with the path /smn/subscription/confirm", address)
		return source.Parsed{}, bad.Err("the subscription cannot be confirmed")
	}
	out.Confirm = &source.Confirmation{URL: address}
	out.Notes = []string{"SMN asks to confirm the subscription to " + root.Get("topic_urn").Text()}
	return out, nil
}

func isConsole(host string) bool {
	return host == "console.huaweicloud.com" || host == "console-intl.huaweicloud.com"
}

// parse reads what a notification carries, and whether nothing ends it.
func parse(root doc.Value) (items []source.Item, neverEnds bool) {
	message := root.Get("message").Inner()
	if found := events(message); len(found) > 0 {
		return read(root, found), happened(found)
	}
	if isAlarm(message) {
		return []source.Item{alarm(root, message)}, false
	}
	if v, ok := written(root.Get("message").Text()); ok {
		return read(root, []doc.Value{v}), false
	}
	if message.Get("trace_name").Present() {
		return []source.Item{traced(root, message)}, true
	}
	return []source.Item{published(root)}, false
}

func read(root doc.Value, found []doc.Value) []source.Item {
	items := make([]source.Item, 0, len(found))
	for _, v := range found {
		items = append(items, event(root, v))
	}
	return items
}

// happened: events of AOM that are no alarms, of which nothing is cleared.
func happened(found []doc.Value) bool {
	for _, v := range found {
		if !strings.EqualFold(v.First("metadata.event_type", "event_type"), "event") {
			return false
		}
	}
	return true
}

// isAlarm tells a message of Cloud Eye: by its template (version v1), or as it
// was before there were templates.
func isAlarm(v doc.Value) bool {
	return v.At("data.IsAlarm").Present() || v.Get("IsAlarm").Present() || v.Get("alarm_status").Present() || v.At("template_variable.IsAlarm").Present() || v.At("data.AlarmRuleName").Present()
}

// alarm reads an alarm of Cloud Eye. AlarmTime is that of this message, so it
// names no firing period.
func alarm(root, message doc.Value) source.Item {
	data := message
	for _, name := range [...]string{"data", "template_variable"} {
		if inner := message.Get(name).Inner(); inner.Kind() == doc.Object {
			data = inner
		}
	}
	status, problem := statusOf(message, data)
	if problem != "" {
		return source.Item{Rejected: problem}
	}
	f := fields{message, data}
	key, ok := f.key()
	if !ok {
		return source.Item{Rejected: "AlarmRuleName: missing; an alarm needs the name of its rule, a resource or a metric"}
	}
	a := alert.Alert{
		Source: Name, DedupKey: key, Status: status, Severity: severityOf(f.first("AlarmLevel", "alarm_level")), Title: f.title(root),
		Group: f.first("AlarmRuleName", "alarm_name", "AlarmRule"), Description: f.describe(), Labels: f.labels(), Links: source.Links("Cloud Eye", f.first("Link")),
	}
	when := source.InstantIn(alarmTime(f.first("AlarmTime", "time")), source.China)
	if when.IsZero() {
		when = source.Instant(root.Get("timestamp").Text())
	}
	if status == alert.Resolved {
		a.EndedAt = when
	} else {
		a.StartedAt = when
	}
	item := source.Fired(a)
	item.Alert.Episode = ""
	return item
}

func statusOf(message, data doc.Value) (alert.Status, string) {
	word := source.FirstText(data.Get("IsAlarm").Text(), message.Get("alarm_status").Text())
	if message.Get("alarm_status").Text() == "insufficient_data" { // it is no alarm then, and no end of one
		word = "insufficient_data"
	}
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "true", "alarm", "alarming", "insufficient_data", "1":
		return alert.Firing, ""
	case "false", "ok", "resolved", "0":
		return alert.Resolved, ""
	}
	return "", fmt.Sprintf("IsAlarm: is %.40q, expected true or false", word)
}

// severityOf reads levels in Chinese and English and, in older messages, as
// numbers from 1.
func severityOf(level string) alert.Severity {
	switch strings.ToLower(strings.TrimSpace(level)) {
	case "1", "紧急", "critical":
		return alert.Critical
	case "2", "重要", "major", "important":
		return alert.Error
	case "3", "次要", "minor":
		return alert.Warning
	case "4", "提示", "informational", "info", "suggestion", "prompt":
		return alert.Info
	}
	return source.SeverityOf(level)
}

// alarmTime makes "2025/06/02 22:56:15 GMT+08:00", also without its spaces,
// one that can be read: with its zone as an offset.
func alarmTime(s string) string {
	when, offset, ok := strings.Cut(s, "GMT")
	if !ok {
		return s
	}
	when = strings.ReplaceAll(strings.TrimSpace(when), "/", "-")
	if len(when) > 10 && when[10] != ' ' {
		when = when[:10] + " " + when[10:]
	}
	if offset == "" {
		offset = "+00:00"
	}
	return when + offset
}

// fields are those of an alarm: of the message itself, and of its variables.
type fields struct{ message, data doc.Value }

func (f fields) first(names ...string) string {
	for _, v := range [...]doc.Value{f.data, f.message} {
		if text := strings.TrimSpace(v.First(names...)); text != "" {
			return text
		}
	}
	return ""
}

func (f fields) resource() string { return f.first("ResourceId", "ResourceID", "dimension") }

func (f fields) what() string {
	return f.first("MetricName", "EventName", "metric_name", "event_name")
}

// key: rule, resource and metric. The record of an alarm is none, because
// nothing says that a recovery names the same.
func (f fields) key() (string, bool) {
	rule := f.first("AlarmId", "alarm_id", "AlarmRuleName", "alarm_name")
	resource := source.FirstText(f.resource(), f.first("ResourceName"))
	if rule == "" && resource == "" && f.what() == "" {
		return "", false
	}
	parts := map[string]string{"rule": rule, "resource": resource, "metric": f.what()}
	if dimension := f.message.Get("dimension").Text(); dimension != "" && dimension != resource {
		parts["dimension"] = dimension
	}
	return alert.HashKey(parts), true
}

// title: what is wrong with what, since subjects say the state too.
func (f fields) title(root doc.Value) string {
	rule, what := f.first("AlarmRuleName", "alarm_name", "AlarmRule"), f.what()
	where := source.FirstText(f.first("ResourceName"), f.resource())
	if kind := f.first("DimensionName"); kind != "" && where != "" {
		where = kind + " " + where
	}
	if what == "" {
		what = source.FirstText(rule, root.Get("subject").Text())
	}
	if where == "" {
		return what
	}
	return where + ": " + what
}

func (f fields) describe() string {
	var lines []string
	add := func(name, text string) {
		if text != "" {
			lines = append(lines, name+": "+text)
		}
	}
	add("rule", f.first("AlarmRuleName", "alarm_name", "AlarmRule"))
	add("description", f.first("AlarmDesc"))
	add("value", f.current())
	add("condition", strings.TrimSpace(strings.Join([]string{f.first("Filter", "filter"), f.first("ComparisonOperator", "comparison_operator"), f.first("Value", "value")}, " ")))
	add("count", f.first("Count", "count"))
	add("product", f.first("Namespace", "namespace"))
	add("event", f.first("EventContent"))
	return strings.Join(lines, "\n")
}

// current is the value as the message says it, or the newest of its points.
func (f fields) current() string {
	if text := f.first("CurrentData"); text != "" {
		return text
	}
	points := f.message.Get("alarmValue").Inner()
	if n := points.Len(); n > 0 {
		return strings.TrimSpace(points.Index(n-1).Get("value").Text() + " " + f.first("unit"))
	}
	return ""
}

func (f fields) labels() map[string]string {
	out := map[string]string{}
	for name, from := range map[string][]string{
		"namespace": {"Namespace", "namespace"}, "metric": {"MetricName", "metric_name"}, "event": {"EventName", "event_name"}, "rule": {"AlarmRuleName", "alarm_name"},
		"resource_id": {"ResourceId", "ResourceID"}, "resource_name": {"ResourceName"}, "dimension": {"dimension", "DimensionName"},
		"region": {"RegionId", "Region"}, "account": {"AccountName"}, "private_ip": {"PrivateIp", "PrivateIP"}, "public_ip": {"PublicIp", "PublicIP"},
		"enterprise_project": {"EpName", "EPName"}, "alarm_record_id": {"AlarmRecordID", "AlarmRecordId"}, "alarm_id": {"AlarmId", "alarm_id"}, "tags": {"ResourceTags"},
	} {
		if text := f.first(from...); text != "" {
			out[name] = text
		}
	}
	return out
}
