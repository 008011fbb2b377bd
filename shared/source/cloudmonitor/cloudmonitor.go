// Package cloudmonitor reads what Alibaba Cloud's CloudMonitor sends: callbacks
// of threshold rules, system events by callback and by subscription, messages
// for queues (MNS), and the events of CloudMonitor 2.0.
package cloudmonitor

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
const Name = "cloudmonitor"

// Source is CloudMonitor. Threshold callbacks have a field signature, whose
// scheme is not published, so the key in the address must do.
var Source = source.Source{
	Name: Name, Aliases: []string{"alibaba-cms"}, Parse: Parse, Media: []string{source.FormMedia},
	Marks: []string{
		"alertState expression metricName metricProject", "alertState=OK|ALERT|ALARM|INSUFFICIENT_DATA alertName metricName",
		"message.metricProject message.dimensions message.levelDescription", "ruleId curLevel preLevel metricName",
		"0.product 0.resourceId 0.level=CRITICAL|WARN|INFO 0.name", "product resourceId level=CRITICAL|WARN|INFO name",
		"alert.meta.sysEventMeta", "alert|json.meta.sysEventMeta", "subscription userInfo alert strategyName", "alert.alertStatus alert.eventName",
		"specversion type aliyunaccountid aliyuneventbusname", "specversion type source=acs.* subject",
		"specversion alertEntityId ruleId", "specversion dedupId severity status workspace subject", "subtype=NORMAL_* ruleId", "Message|json.metricProject MessageId", "Message|json.alertState MessageId",
	},
	Guide: source.Guide{
		Product: "Alibaba Cloud CloudMonitor", Page: "https://www.alibabacloud.com/help/en/cms/cloudmonitor-1-0/user-guide/use-the-alert-callback-feature-to-send-notifications-about-threshold-triggered-alerts",
		Setup: []string{
			"Threshold rules: in the CloudMonitor console edit the alert rule and enter {url} as its callback.",
			"System events: under Event Center, Event Subscription, create a push channel of type Webhook, method POST, format JSON, address {url}, and name it in a subscription policy.",
			"EventBridge: make an event target HTTP with the URL {url}, and let the event pass whole.",
			"CloudMonitor 2.0: under Alert center, Notification management, add a webhook with the address {url}.",
		},
		Proof:      "The key in the address; CloudMonitor 2.0 also sends headers that the user sets.",
		Understood: "Threshold callbacks as form and as JSON, also of 2018; system events, one or a list, and by subscription as JSON or form; messages for MNS of both forms, also in its envelope; CloudMonitor 2.0; events of services, of CloudMonitor and of ActionTrail that EventBridge passes on as they are. A system event ends by its last phase (Executed, Avoided, Canceled), Agent_Status_Stopped by Agent_Status_Running, others only where a subscription says RESOLVED: all else expires.",
		Repeats:    "Up to three times; each attempt waits 5 s. Of statuses nothing is published.",
	},
}

// Parse reads one message or an array of them.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	switch root.Kind() {
	case doc.Object:
		v := unwrap(root)
		return source.Parsed{SenderID: source.FirstText(root.Get("batchId").Text(), bridgedID(root)), Items: []source.Item{parse(v)}, NeverEnds: happened(v)}, nil
	case doc.Array:
		if err := source.TooMany(root.Len()); err != nil {
			return source.Parsed{}, err
		}
		out := source.Parsed{}
		out.NeverEnds = root.Len() > 0
		for v := range root.Items() {
			v = unwrap(v)
			out.Items = append(out.Items, parse(v))
			out.NeverEnds = out.NeverEnds && happened(v)
		}
		return out, nil
	}
	return source.Parsed{}, fault.New(fault.Invalid, "the body is %s, expected a message of CloudMonitor (an object or an array)", root.Kind())
}

// bridgedID is EventBridge's own id of an event, which its retries keep.
func bridgedID(v doc.Value) string {
	if !isBridged(v) {
		return ""
	}
	return v.Get("id").Text()
}

// happened tells the events of which nothing says that they are over.
func happened(v doc.Value) bool {
	e := v.Get("alert").Inner()
	switch {
	case isBridged(v):
		data := v.Get("data").Inner()
		return data.First("alertState", "curLevel", "levelDescription") == "" && !phased(v.Get("type").Text())
	case e.Kind() == doc.Object:
		return e.Get("source").Text() == "SYS_EVENT" && !phased(e.Get("eventName").Text())
	case v.First("alertState", "curLevel", "message", "levelDescription", "specversion", "alertEntityId", "subtype") != "":
		return false
	}
	name := v.First("name", "eventName")
	return name != "" && !phased(name)
}

// unwrap takes a message out of the envelope of MNS, or of a form with one
// field.
func unwrap(v doc.Value) doc.Value {
	inner := doc.Value{}
	switch {
	case v.Get("MessageId").Present():
		inner = v.Get("Message").Inner()
	case v.Len() == 1 && v.Get("body").Present():
		inner = v.Get("body").Inner()
	case v.Len() == 1 && v.Get("data").Present():
		inner = v.Get("data").Inner()
	}
	if inner.Kind() == doc.Object {
		return inner
	}
	return v
}

// parse tells the forms by the fields that only they have.
func parse(v doc.Value) source.Item {
	switch {
	case v.Kind() != doc.Object:
		return source.Item{Rejected: fmt.Sprintf("is %s, expected an object", v.Kind())}
	case isBridged(v):
		return bridged(v)
	case v.Get("alertState").Present():
		return threshold(v)
	case v.Get("curLevel").Present():
		return graded(v)
	case v.Get("message").Inner().Kind() == doc.Object:
		return queued(v.Get("message").Inner())
	case v.Get("levelDescription").Present():
		return queued(v)
	case v.Get("alert").Inner().Kind() == doc.Object:
		return subscribed(v, v.Get("alert").Inner())
	case v.First("alertEntityId", "specversion", "subtype") != "" && v.First("ruleId", "subject", "alertEntityId") != "":
		return second(v)
	case v.First("name", "eventName") != "":
		return systemEvent(v)
	}
	return source.Item{Rejected: "alertState: missing; expected a callback, a system event, or an event of CloudMonitor 2.0"}
}

// threshold reads a callback of a threshold rule. Its timestamp is that of
// this message, so it names no firing period.
func threshold(v doc.Value) source.Item {
	dimensions := dimensionsOf(v.Get("dimensions"))
	rule, name := word(v, "ruleId"), source.FirstText(word(v, "alertName"), word(v, "ruleName"))
	if rule == "" && name == "" {
		return source.Item{Rejected: "ruleId: missing; an alert needs ruleId or alertName"}
	}
	status, problem := statusOf(v.Get("alertState").Text())
	if problem != "" {
		return source.Item{Rejected: "alertState: " + problem}
	}
	a := alert.Alert{
		DedupKey: keyOf("rule", source.FirstText(rule, name), dimensions), Status: status,
		Severity: source.SeverityOf(source.FirstText(unlessOK(word(v, "triggerLevel")), unlessOK(word(v, "preTriggerLevel")), word(v, "level"))),
		Title:    join(": ", source.FirstText(name, rule), word(v, "instanceName")), Group: source.FirstText(name, rule),
		Description: lines("metric", word(v, "metricName"), "value", v.Get("curValue").Text()+word(v, "unit"), "condition", word(v, "expression"), "state", v.Get("alertState").Text(), "for", word(v, "lastTime")),
		Labels:      labelsOf(v, dimensions, "namespace", "metricProject", "metricName", "instanceName", "regionId", "regionName", "groupId", "userId", "ruleId"),
	}
	return at(a, v.Get("timestamp").Text())
}

// unlessOK: a recovery says that it is well now, which is no level.
func unlessOK(level string) string {
	if strings.EqualFold(level, "OK") {
		return ""
	}
	return level
}

// statusOf sorts the words of all forms.
func statusOf(state string) (alert.Status, string) {
	switch strings.ToUpper(strings.TrimSpace(state)) {
	case "ALERT", "ALARM", "INSUFFICIENT_DATA", "发生告警", "发生报警", "TRIGGERED", "OCCURRED", "PERSISTENT", "FIRING":
		return alert.Firing, ""
	case "OK", "恢复告警", "恢复报警", "RESOLVED", "RECOVERED":
		return alert.Resolved, ""
	}
	if status := source.StatusOf(state); status != "" { // what later versions say
		return status, ""
	}
	return "", fmt.Sprintf("is %.40q, expected ALERT, OK or INSUFFICIENT_DATA (发生告警, 恢复告警; OCCURRED, RECOVERED; TRIGGERED, RESOLVED)", state)
}

// queued reads a message for a queue of MNS; its texts are translated.
func queued(v doc.Value) source.Item {
	status, problem := statusOf(v.Get("levelDescription").Text())
	if problem != "" {
		return source.Item{Rejected: "levelDescription: " + problem}
	}
	name, metric, dimensions := word(v, "alertName"), word(v, "metricName"), dimensionsOf(v.Get("dimensions"))
	if name == "" && metric == "" {
		return source.Item{Rejected: "alertName: missing; an alert needs alertName or metricName"}
	}
	a := alert.Alert{
		DedupKey: keyOf("rule", source.FirstText(name, metric), dimensions), Status: status, Severity: source.SeverityOf(source.FirstText(word(v, "triggerLevel"), word(v, "level"))),
		Title: join(": ", source.FirstText(metric, name), source.FirstText(word(v, "instanceName"), dimensions["instanceId"], dimensions["云服务器名称"], dimensions["IP"], word(v, "metricProject"))), Group: name,
		Description: lines("metric", metric, "value", word(v, "curValue")+word(v, "unit"), "condition", word(v, "expression"), "period", word(v, "period")),
		Labels:      labelsOf(v, dimensions, "metricProject", "metricName", "alertName", "userId"),
	}
	return at(a, v.Get("time").Text())
}

// graded reads the other message for a queue of MNS, which names the level
// before and now (CloudMonitor, "Write alerts to MNS").
func graded(v doc.Value) source.Item {
	dimensions, rule, metric := dimensionsOf(v.Get("resources")), word(v, "ruleId"), word(v, "metricName")
	name, level := source.FirstText(word(v, "ruleName"), metric, rule), word(v, "curLevel")
	severity := source.SeverityOf(level)
	if name == "" || severity == "" {
		return source.Item{Rejected: fmt.Sprintf("curLevel: is %.40q of rule %.40q, expected CRITICAL, WARN, INFO or OK of a rule with a name", level, name)}
	}
	a := alert.Alert{
		DedupKey: keyOf("rule", source.FirstText(rule, name), dimensions), Status: alert.Firing, Severity: severity,
		Title: join(": ", name, source.FirstText(dimensions["instanceId"], word(v, "productGroupName"))), Group: name,
		Description: lines("metric", metric, "value", v.At("metricData").First("AliyunCmsComplexValue", "Average", "Maximum", "Minimum"),
			"condition", join(" ", join(" ", word(v, "escalation.statistics"), word(v, "escalation.comparisonOperator")), word(v, "escalation.threshold")), "level", join(" after ", level, word(v, "preLevel"))),
		Labels: labelsOf(v, dimensions, "namespace", "metricName", "groupId", "productGroupName", "userId", "ruleId"),
	}
	if strings.EqualFold(level, "OK") {
		a.Status, a.Severity = alert.Resolved, source.SeverityOf(word(v, "preLevel"))
	}
	return at(a, v.Get("time").Text())
}

// at sets the time of a message that tells no start of the firing period: a
// firing's is the best known start, a recovery's its end. The episode stays
// open, because each repeat has a time of its own.
func at(a alert.Alert, stamp string) source.Item {
	a.Source = Name
	when := instant(stamp)
	if a.Status == alert.Resolved {
		a.EndedAt = when
	} else {
		a.StartedAt = when
	}
	item := source.Fired(a)
	item.Alert.Episode = ""
	return item
}

// eventTime is how system events write times: 20240109T140533.642+0800.
const eventTime = "20060102T150405.999-0700"

func instant(stamp string) time.Time {
	if t, err := time.Parse(eventTime, strings.TrimSpace(stamp)); err == nil {
		return t.UTC()
	}
	return source.InstantIn(stamp, source.China)
}

// word is the text of a field; "null" is what Java makes of none.
func word(v doc.Value, path string) string {
	text := strings.TrimSpace(v.At(path).Text())
	if strings.EqualFold(text, "null") {
		return ""
	}
	return text
}

func keyOf(kind, id string, dimensions map[string]string) string {
	parts := map[string]string{kind: id}
	for name, value := range dimensions {
		parts["dimension."+name] = value
	}
	return alert.HashKey(parts)
}

// dimensionsOf reads an object, a list of one, either of them in a string, and
// "{a=b, c=d}" with or without its braces. What is none of these is one
// dimension without a name.
func dimensionsOf(v doc.Value) map[string]string {
	out := map[string]string{}
	inner := v.Inner()
	if inner.Kind() == doc.Array {
		inner = inner.Index(0)
	}
	if inner.Kind() == doc.Object {
		for name, value := range source.Named(inner) {
			out[name] = value.Text()
		}
		return out
	}
	text := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(v.Text()), "{"), "}")
	var unnamed strings.Builder
	for _, pair := range strings.SplitN(text, ",", maxDimensions) {
		if name, value, ok := strings.Cut(pair, "="); ok {
			out[strings.TrimSpace(name)] = strings.TrimSpace(value)
		} else {
			unnamed.WriteString(strings.TrimSpace(pair))
		}
	}
	if unnamed.Len() > 0 {
		out[""] = unnamed.String()
	}
	return out
}

// maxDimensions is more than any resource has.
const maxDimensions = 1000

// labelsOf are the dimensions, and fields of v by their names.
func labelsOf(v doc.Value, dimensions map[string]string, fields ...string) map[string]string {
	out := map[string]string{}
	for name, value := range dimensions {
		if name != "" && value != "" {
			out[name] = value
		}
	}
	for _, name := range fields {
		if text := word(v, name); text != "" {
			out[name] = text
		}
	}
	return out
}

// lines writes names and texts in turn, without those that are empty.
func lines(namesAndTexts ...string) string {
	var out []string
	for i := 0; i+1 < len(namesAndTexts); i += 2 {
		if text := namesAndTexts[i+1]; text != "" {
			out = append(out, join(": ", namesAndTexts[i], text))
		}
	}
	return strings.Join(out, "\n")
}

func join(between, a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + between + b
}
