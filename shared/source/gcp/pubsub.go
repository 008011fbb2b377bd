package gcp

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// message is one of Pub/Sub without what a push puts around it ("Push
// subscriptions", Receive push messages). Its id stays equal on retries.
type message struct {
	id, at, from string
	attributes   doc.Value
	text         string
	body         doc.Value // the text, where it is JSON
}

// unwrap takes the message out of a push; what is none is its own message.
func unwrap(root doc.Value) (message, error) {
	data := root.At("message.data")
	if data.Kind() != doc.String {
		return message{body: root}, nil
	}
	raw, err := base64.StdEncoding.DecodeString(data.Text())
	if err != nil {
		return message{}, fault.New(fault.Invalid, "message.data: is no Base64")
	}
	m := message{id: root.First("message.messageId", "message.message_id"), at: root.First("message.publishTime", "message.publish_time"), from: root.Get("subscription").Text(),
		attributes: root.At("message.attributes"), text: string(raw)}
	m.body, _ = doc.JSON(raw) // what is no JSON is read as text
	return m, nil
}

// published reads what other services than Monitoring publish.
func published(m message) (source.Parsed, error) {
	v := m.body
	switch {
	case v.Get("finding").Kind() == doc.Object:
		return finding(v)
	case v.Get("budgetDisplayName").Present():
		return budget(m), nil
	case v.Get("logName").Present() && v.Get("resource").Kind() == doc.Object:
		parsed := once(logEntry(v))
		parsed.SenderID = m.id
		return parsed, nil
	case v.At("group_info.project_id").Present() && (v.Get("event_info").Kind() == doc.Object || v.Get("exception_info").Kind() == doc.Object):
		return crash(v), nil
	case v.Get("status").Present() && v.Get("projectId").Present() && v.Get("logUrl").Present():
		return build(m), nil
	case m.id == "":
		return source.Parsed{}, fault.New(fault.Invalid, "incident: is %s, expected the object of a notification of Cloud Monitoring", v.Get("incident").Kind())
	}
	return text(m)
}

// finding reads a notification of Security Command Center, which ends when the
// finding is inactive or muted (Security Command Center API, NotificationMessage).
func finding(v doc.Value) (source.Parsed, error) {
	is, on := v.Get("finding"), v.Get("resource")
	id := is.First("canonicalName", "name")
	if id == "" {
		return source.Parsed{Items: []source.Item{{Rejected: "finding.name: missing"}}}, nil
	}
	category, what := is.Get("category").Text(), lastOf(source.FirstText(on.First("displayName", "name"), is.Get("resourceName").Text()))
	a := alert.Alert{
		Source: Name, DedupKey: alert.SenderKey("finding", id), Episode: "finding", Severity: findingSeverity(is), Group: category, Status: alert.Firing,
		Title: source.FirstText(strings.TrimSuffix(category+" on "+what, " on "), "Finding "+lastOf(id)), Description: source.Lines(is.First("description", "sourceProperties.Explanation"), is.First("nextSteps", "sourceProperties.Recommendation")),
		Labels: source.Labels("category", category, "class", is.Get("findingClass").Text(), "resource", source.FirstText(on.Get("name").Text(), is.Get("resourceName").Text()), "resource_type", on.Get("type").Text(),
			"project", on.First("projectDisplayName", "gcpMetadata.projectDisplayName", "project"), "state", is.Get("state").Text(), "mute", is.Get("mute").Text()),
		Links: source.Links("Finding", is.Get("externalUri").Text()), StartedAt: source.Instant(is.Get("createTime").Text()),
	}
	switch state := strings.ToUpper(is.Get("state").Text()); {
	case state == "INACTIVE", strings.EqualFold(is.Get("mute").Text(), "MUTED"):
		a.Status, a.EndedAt = alert.Resolved, source.Instant(is.Get("eventTime").Text())
	case state != "" && state != "ACTIVE" && state != "STATE_UNSPECIFIED":
		return source.Parsed{Items: []source.Item{{Rejected: fmt.Sprintf("finding.state: is %.40q, expected ACTIVE or INACTIVE", state)}}}, nil
	case a.StartedAt.IsZero():
		a.StartedAt = source.Instant(is.Get("eventTime").Text())
	}
	return source.One(a), nil
}

// findingSeverity is that of the finding, and before it had one, what its
// detector says (Security Health Analytics, Event Threat Detection).
func findingSeverity(is doc.Value) alert.Severity {
	if s := source.SeverityOf(is.Get("severity").Text()); s != "" {
		return s
	}
	return source.SeverityOf(is.First("sourceProperties.SeverityLevel", "sourceProperties.detectionPriority"))
}

func lastOf(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// budget reads what Cloud Billing says of a budget, several times a day; only
// one whose threshold is exceeded is an alert (Cloud Billing, "Set up
// programmatic notifications"). It does not recover.
func budget(m message) source.Parsed {
	v := m.body
	name, spent := v.Get("budgetDisplayName").Text(), strings.TrimSpace(v.Get("costAmount").Text()+" of "+v.Get("budgetAmount").Text()+" "+v.Get("currencyCode").Text())
	actual, forecast := v.Get("alertThresholdExceeded").Text(), v.Get("forecastThresholdExceeded").Text()
	if actual == "" && forecast == "" {
		return source.Parsed{SenderID: m.id, Notes: []string{fmt.Sprintf("budget %.200q: %.100s, below its thresholds", name, spent)}}
	}
	title := "Budget " + name + ": " + spent + " spent"
	if actual == "" {
		title = "Budget " + name + ": " + spent + " spent, forecast to exceed"
	}
	a := alert.Alert{
		Source: Name, Status: alert.Firing, Severity: alert.Warning, Title: title, Group: name, Episode: cmp.Or(v.Get("costIntervalStart").Text(), "budget"), StartedAt: source.Instant(m.at),
		DedupKey:    alert.HashKey(map[string]string{"account": m.attributes.Get("billingAccountId").Text(), "budget": source.FirstText(m.attributes.Get("budgetId").Text(), name)}),
		Description: source.Lines(source.Said("Exceeded", percent(actual)), source.Said("Forecast to exceed", percent(forecast)), source.Said("Since", v.Get("costIntervalStart").Text())),
		Labels:      source.Labels("budget", name, "billing_account", m.attributes.Get("billingAccountId").Text(), "budget_id", m.attributes.Get("budgetId").Text(), "currency", v.Get("currencyCode").Text()),
	}
	parsed := source.One(a)
	parsed.SenderID, parsed.NeverEnds = m.id, true
	return parsed
}

func percent(ratio string) string {
	n, err := strconv.ParseFloat(ratio, 64)
	if err != nil {
		return ratio
	}
	return strconv.FormatFloat(100*n, 'f', -1, 64) + " %"
}

// logEntry reads an entry that a sink of Cloud Logging routes to a topic (Cloud
// Logging API, LogEntry). It has no recovery.
func logEntry(v doc.Value) alert.Alert {
	told := source.FirstText(v.Get("textPayload").Text(), v.First("jsonPayload.message", "protoPayload.status.message", "protoPayload.methodName"), v.Get("jsonPayload").Text(), v.Get("logName").Text())
	first, _, _ := strings.Cut(strings.TrimSpace(told), "\n")
	labels := source.Labels("log", v.Get("logName").Text(), "resource_type", v.At("resource.type").Text())
	source.AddFields(labels, v.At("resource.labels"))
	source.AddFields(labels, v.Get("labels"))
	return alert.Alert{
		Source: Name, Status: alert.Firing, Title: first, Description: told, Severity: source.SeverityOf(v.Get("severity").Text()), Group: lastOf(v.Get("logName").Text()), Labels: labels, Episode: "log",
		DedupKey:  alert.HashKey(map[string]string{"log": v.Get("logName").Text(), "resource": v.At("resource.labels").JSON(), "told": source.Stem(first)}),
		StartedAt: source.Instant(v.First("timestamp", "receiveTimestamp")),
	}
}

// happening is what the attributes say of an event, as those of Cloud Storage
// do; else, of JSON, from where it came.
func (m message) happening() string {
	event, on := m.attributes.First("eventType", "type"), m.attributes.First("objectId", "subject", "resource")
	switch {
	case event != "":
		return strings.TrimSpace(event + " " + on)
	case m.body.Kind() == doc.Object || m.body.Kind() == doc.Array:
		return "Message of " + lastOf(m.from)
	}
	return ""
}

// text reads a message of nobody that we know.
func text(m message) (source.Parsed, error) {
	first, _, _ := strings.Cut(strings.TrimSpace(m.text), "\n")
	title := source.FirstText(m.body.First("title", "summary", "subject", "message", "name"), m.happening(), first)
	if title == "" {
		return source.Parsed{}, fault.New(fault.Invalid, "message.data: is empty")
	}
	labels := source.Labels("subscription", m.from)
	source.AddFields(labels, m.attributes)
	parsed := source.One(alert.Alert{
		Source: Name, Status: alert.Firing, DedupKey: alert.SenderKey("pubsub_message", m.id), Title: title, Description: m.text, Labels: labels, StartedAt: source.Instant(m.at),
		Severity: source.SeverityOf(m.body.First("severity", "priority", "level")),
	})
	parsed.SenderID, parsed.NeverEnds = m.id, true
	return parsed, nil
}
