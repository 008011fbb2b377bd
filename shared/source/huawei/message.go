package huawei

import (
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// published reads a message that is no alarm in JSON: the text of Cloud Eye's
// default template, or what anybody sends to the topic. Its subject says the
// state, so the alarm is known by the subject without it.
func published(root doc.Value) source.Item {
	subject, text := strings.TrimSpace(root.Get("subject").Text()), root.Get("message").Text()
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	title := source.FirstText(subject, line, "message of "+root.Get("topic_urn").Text())
	a := alert.Alert{
		Source: Name, Status: alert.Firing, Title: title, Description: text, Severity: levelIn(title),
		DedupKey: alert.HashKey(map[string]string{"topic": root.Get("topic_urn").Text(), "subject": withoutState(title)}),
		Labels:   map[string]string{"topic_urn": root.Get("topic_urn").Text()},
	}
	when := source.Instant(root.Get("timestamp").Text())
	if source.StatusTold(title) == alert.Resolved {
		a.Status, a.EndedAt = alert.Resolved, when
	} else {
		a.StartedAt = when
	}
	item := source.Fired(a)
	item.Alert.Episode = ""
	return item
}

// traced reads an operation that Cloud Trace Service (CTS) notifies of: it
// happened, and nothing ends it.
func traced(root, trace doc.Value) source.Item {
	what, where := trace.Get("trace_name").Text(), trace.First("resource_name", "resource_id")
	rating := strings.ToLower(trace.Get("trace_rating").Text())
	a := alert.Alert{
		Source: Name, Status: alert.Firing, Title: strings.Join(strings.Fields(what+" "+trace.Get("resource_type").Text()+" "+where), " "), Group: what,
		Severity: map[string]alert.Severity{"normal": alert.Info, "warning": alert.Warning, "incident": alert.Error}[rating],
		DedupKey: alert.HashKey(map[string]string{"topic": root.Get("topic_urn").Text(), "operation": what, "resource": trace.First("resource_id", "resource_name")}),
		Description: source.Lines(source.Said("By", trace.First("user.name", "user")), source.Said("From", trace.Get("source_ip").Text()), source.Said("Result", trace.Get("code").Text()),
			source.Said("Rating", rating), trace.Get("message").Text()),
		Labels: source.Labels("topic_urn", root.Get("topic_urn").Text(), "service", trace.Get("service_type").Text(), "resource_type", trace.Get("resource_type").Text(),
			"resource_name", trace.Get("resource_name").Text(), "resource_id", trace.Get("resource_id").Text(), "operation", what),
		StartedAt: source.Instant(source.FirstText(trace.First("time", "record_time"), root.Get("timestamp").Text())),
	}
	return source.Fired(a)
}

// levelIn finds the level in "[华为云][紧急告警]".
func levelIn(subject string) alert.Severity {
	_, rest, _ := strings.Cut(subject, "][")
	level, _, _ := strings.Cut(rest, "]")
	for _, state := range [...]string{"告警恢复", "告警", " Alarm Cleared", " Alarm Resolved", " Alarm"} {
		level = strings.TrimSuffix(level, state)
	}
	return severityOf(level)
}

// endings are the words for the state with which subjects end.
var endings = [...]string{"已触发告警", "已恢复正常", "已恢复", "triggered an alarm", "has been triggered", "has been cleared", "has been resolved", "returned to normal"}

// withoutState takes from a subject what it says of the state: the tags before
// it, and the words at its end.
func withoutState(subject string) string {
	for strings.HasPrefix(subject, "[") {
		_, rest, ok := strings.Cut(subject, "]")
		if !ok {
			break
		}
		subject = strings.TrimSpace(rest)
	}
	subject = strings.TrimRight(subject, "。. ")
	for _, words := range endings {
		subject = strings.TrimSuffix(subject, words)
	}
	return strings.TrimSpace(subject)
}
