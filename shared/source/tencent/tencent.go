// Package tencent reads the alarm callbacks of Tencent Cloud's Observability
// Platform (Cloud Monitor): metric and event alarms and their recoveries; and
// those of its Cloud Log Service.
package tencent

import (
	"fmt"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "tencent"

// Source is Cloud Monitor. It signs nothing; the callback's address may carry
// a name and a password.
var Source = source.Source{
	Name: Name, Aliases: []string{"tencent-cloud"}, Parse: Parse,
	Marks: []string{
		"alarmStatus alarmObjInfo alarmPolicyInfo", "alarmPolicyInfo.policyId alarmStatus", "sessionId alarmStatus alarmType=metric|event",
		"specversion source=*.cloud.tencent type=*:ErrorEvent:*",
		"UIN AlarmID Alarm NotifyType=1|2", "UIN AlarmID AlarmName Condition", "RecordGroupId Alarm NotifyType=1|2", "UIN AlertID AlertName Trigger",
		"uin alarm_id alarm notify_type=1|2", "record_group_id alarm notify_type=1|2",
	},
	Guide: source.Guide{
		Product: "Tencent Cloud Observability Platform", Page: "https://www.tencentcloud.com/document/product/248/39048",
		Setup: []string{
			"In the console open Alarm Management, Notification Template, and create one that notifies of alarms and of recoveries.",
			"Enter {url} as its API callback.",
			"Name the template in the alarm policies.",
			"Cloud Log Service: in Alarm Management, Notification Groups, add a custom webhook, POST to {url}, for alarms and recoveries, whose content is JSON with the variables by their names: at least Alarm, AlarmID, RecordGroupId, NotifyType, Level, Condition, TriggerParams, StartTime, NotifyTime, DetailUrl.",
		},
		Proof:      "The key in the address; with basic authentication also name:password@ before the host.",
		Understood: "Metric and event alarms of both versions of the callback, statuses 0, 1 and 2 as number or text, - of events that have none (they fire), dimensions of every product; the levels Remind, Warn and Serious; the events that EventBridge passes on; callbacks of Cloud Log Service. Times without a zone are UTC+8. The answer repeats sessionId with retCode 0, as the older version wants.",
		Repeats:    "Up to three times; each attempt waits 5 s. Of statuses nothing is published.",
	},
}

// answer is what the older version of the callback waits for.
type answer struct {
	SessionID string `json:"sessionId"`
	RetCode   int    `json:"retCode"`
}

// Parse reads one alarm. A body that names no alarm is the check that the
// console makes of an address.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	if root.Kind() != doc.Object {
		return source.Parsed{}, fault.New(fault.Invalid, "the body is %s, expected an alarm (an object)", root.Kind())
	}
	if root.Get("specversion").Present() {
		if kind := root.Get("type").Text(); kind != "" && !strings.Contains(kind, ":ErrorEvent:") {
			return source.Parsed{Notes: []string{"an event that is no alarm: " + kind}}, nil
		}
		return source.Parsed{SenderID: root.Get("id").Text(), Items: []source.Item{bridged(root)}, NeverEnds: source.FirstText(root.Get("status").Text(), "-") == "-"}, nil
	}
	if f := source.FieldsOf(root); isLog(f) && !root.Get("alarmStatus").Present() {
		return source.Parsed{SenderID: f.Text("recordid"), Items: []source.Item{logs(root, f)}}, nil
	}
	session := root.First("sessionId", "sessionID")
	out := source.Parsed{SenderID: session, Answer: answer{SessionID: session}}
	if !root.Get("alarmStatus").Present() && !root.Get("alarmPolicyInfo").Present() && !root.Get("alarmObjInfo").Present() {
		if session == "" {
			var bad fault.Problems
			bad.Add("alarmStatus", "missing; expected 1 or 0")
			return source.Parsed{}, bad.Err("the body is no alarm of Tencent Cloud")
		}
		out.Notes = []string{"a check of the address: it names no alarm"}
		return out, nil
	}
	out.Items, out.NeverEnds = []source.Item{parse(root)}, root.Get("alarmStatus").Text() == "-"
	return out, nil
}

func parse(v doc.Value) source.Item {
	policy, object := v.Get("alarmPolicyInfo"), v.Get("alarmObjInfo")
	conditions := policy.Get("conditions").Inner()
	if conditions.Kind() == doc.Array {
		conditions = conditions.Index(0)
	}
	dimensions := map[string]string{}
	flatten(dimensions, "", object.Get("dimensions").Inner())
	a := alert.Alert{
		Source: Name, DedupKey: keyOf(policy, conditions, dimensions), Severity: leveled(levelOf(v, policy, conditions)),
		Title: titleOf(policy, conditions, dimensions), Group: source.FirstText(policy.Get("policyName").Text(), policy.Get("policyId").Text()),
		Description: describe(v, policy, conditions), Labels: labelsOf(object, policy, conditions, dimensions),
		StartedAt: instant(v.Get("firstOccurTime")), Links: source.Links("Tencent Cloud", v.First("consoleLink", "detailUrl")),
	}
	status, problem := statusOf(v.Get("alarmStatus").Text())
	switch {
	case problem != "":
		return source.Item{Rejected: "alarmStatus: " + problem}
	case status == alert.Resolved:
		a.EndedAt = instant(v.Get("recoverTime"))
	case v.Get("alarmStatus").Text() == "2": // the platform has no data any more: nothing says that it is well
		a.Description = strings.TrimSpace(a.Description + "\nno data")
	}
	a.Status = status
	return source.Fired(a)
}

// statusOf: 1 is an alarm, 0 its end, 2 one without data, and - an event that
// has no state (Tencent Cloud, "EventBridge, Event Status").
func statusOf(word string) (alert.Status, string) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "1", "1.0", "2", "2.0", "-", "alarm", "true":
		return alert.Firing, ""
	case "0", "0.0", "ok", "false":
		return alert.Resolved, ""
	}
	return "", fmt.Sprintf("is %.40q, expected 1, 0, 2 or -", word)
}

// levelOf is the level of a policy that has levels: alertId is the session and
// the level that was triggered.
func levelOf(v, policy, conditions doc.Value) string {
	if level := source.FirstText(v.Get("alarmLevel").Text(), policy.Get("alarmLevel").Text(), conditions.Get("alarmLevel").Text()); level != "" {
		return level
	}
	level, ok := strings.CutPrefix(v.Get("alertId").Text(), v.Get("sessionId").Text()+"_")
	if !ok {
		return ""
	}
	return level
}

// severityOf: an alarm without a level, as nearly all are, is an error.
func severityOf(level string) alert.Severity {
	if s := source.SeverityOf(level); s != "" {
		return s
	}
	return alert.Error
}

// instant: 0 is no time.
func instant(v doc.Value) time.Time { return source.InstantIn(v.Text(), source.China) }

// Bounds of what is read as dimensions, above all that the platform sends.
const (
	maxDimensions = 1000
	maxName       = 1000
)

// flatten names nested dimensions with dots.
func flatten(into map[string]string, prefix string, v doc.Value) {
	if len(into) == maxDimensions || len(prefix) > maxName {
		return
	}
	switch v.Kind() {
	case doc.Object:
		for name, value := range source.Named(v) {
			flatten(into, prefix+name+".", value)
		}
	case doc.Array:
		for value := range source.Some(v) {
			flatten(into, prefix, value)
		}
	default:
		if text := v.Text(); text != "" {
			into[strings.TrimSuffix(prefix, ".")] = text
		}
	}
}

// keyOf: policy, metric or event, and what it is of. objName and objDetail are
// texts for people, which change with the object's name.
func keyOf(policy, conditions doc.Value, dimensions map[string]string) string {
	parts := map[string]string{
		"policy": policy.First("policyId", "policyID", "policyName"), "metric": conditions.Get("metricName").Text(), "event": conditions.Get("eventName").Text(),
	}
	for name, value := range dimensions {
		if name != "objName" && !strings.HasPrefix(name, "objDetail") {
			parts["dimension."+name] = value
		}
	}
	return alert.HashKey(parts)
}

func titleOf(policy, conditions doc.Value, dimensions map[string]string) string {
	what := source.FirstText(conditions.First("metricShowName", "eventShowName", "metricName", "eventName"), policy.Get("policyName").Text(), policy.Get("policyId").Text())
	title := what
	if compare := conditions.Get("calcType").Text(); compare != "" && conditions.Get("calcValue").Text() != "" {
		title = strings.Join([]string{title, compare, conditions.Get("calcValue").Text() + conditions.First("calcUnit", "unit")}, " ")
	}
	if object := objectOf(dimensions); object != "" {
		title += " on " + object
	}
	if title == "" {
		return "Tencent Cloud alarm"
	}
	return title
}

func objectOf(dimensions map[string]string) string {
	for _, name := range [...]string{"unInstanceId", "unInstanceID", "uInstanceId", "InstanceId", "instanceId", "objName", "deviceName", "vip", "domain", "objId", "objID"} {
		if dimensions[name] != "" {
			return dimensions[name]
		}
	}
	return ""
}

func describe(v, policy, conditions doc.Value) string {
	var lines []string
	add := func(name, text string) {
		if text != "" {
			lines = append(lines, name+": "+text)
		}
	}
	unit := conditions.First("unit", "calcUnit")
	with := func(text string) string {
		if text == "" {
			return ""
		}
		return text + unit
	}
	add("policy", policy.Get("policyName").Text())
	add("type", policy.Get("policyTypeCName").Text())
	add("product", conditions.First("productShowName", "productName"))
	add("value", with(conditions.Get("currentValue").Text()))
	add("before", with(conditions.Get("historyValue").Text()))
	if period := conditions.Get("period").Text(); period != "" {
		add("period", period+" s, "+conditions.Get("periodNum").Text()+" times")
	}
	if seconds := v.Get("durationTime").Text(); seconds != "" {
		add("lasts", seconds+" s")
	}
	add("detail", source.FirstText(told(v.Get("additionalMsg")), told(conditions.Get("additionalMsg"))))
	return strings.Join(lines, "\n")
}

// told is a text, or the names and values of an object or of a list of them.
func told(v doc.Value) string {
	var parts []string
	add := func(name, text string) {
		if text != "" && !source.HoldsSecret(name) {
			parts = append(parts, source.Said(name, text))
		}
	}
	for m := range source.Some(v) {
		add(m.Get("key").Text(), m.Get("value").Text())
	}
	for name, value := range source.Named(v) {
		add(name, value.Text())
	}
	if k := v.Kind(); k == doc.Object || len(parts) > 0 {
		return strings.Join(parts, ", ")
	}
	return v.Text()
}

// bridged reads an event that EventBridge passes on as it is (Tencent Cloud,
// "EventBridge, Tencent Cloud Service Event").
func bridged(v doc.Value) source.Item {
	status, problem := statusOf(source.FirstText(v.Get("status").Text(), "-"))
	if problem != "" {
		return source.Item{Rejected: "status: " + problem}
	}
	kind, subject, data := v.Get("type").Text(), v.Get("subject").Text(), v.Get("data")
	if kind == "" {
		return source.Item{Rejected: "type: missing; an event needs its type"}
	}
	a := alert.Alert{
		Source: Name, Status: status, Severity: alert.Error, DedupKey: alert.HashKey(map[string]string{"event": kind, "subject": subject}), Group: kind,
		Title: kind[strings.LastIndexByte(kind, ':')+1:], Description: told(data.Get("additionalMsg")), Labels: map[string]string{"event": kind},
	}
	if subject != "" {
		a.Title += " on " + subject
	}
	copyTexts(a.Labels, v, "source", "subject", "region")
	copyTexts(a.Labels, data, "appId", "instanceId", "projectId")
	flatten(a.Labels, "", data.Get("dimensions"))
	when := instant(v.Get("time"))
	if status == alert.Resolved {
		a.EndedAt = when
	} else {
		a.StartedAt = when
	}
	return source.Told(a)
}

func labelsOf(object, policy, conditions doc.Value, dimensions map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range dimensions {
		if name == "" {
			name = "dimensions"
		}
		out[name] = value
	}
	copyTexts(out, object, "region", "namespace", "appId", "uin")
	copyTexts(out, policy, "policyId", "policyName", "policyType")
	copyTexts(out, conditions, "metricName", "eventName", "productName")
	return out
}

func copyTexts(into map[string]string, from doc.Value, names ...string) {
	for _, name := range names {
		if text := from.Get(name).Text(); text != "" {
			into[name] = text
		}
	}
}
