// Package datadog reads the webhooks of Datadog, whose body is a template of
// its user: the default one, and any that fills the variables of Datadog under
// common names.
package datadog

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "datadog"

// Words and addresses by which requests are recognised: those of the pages of
// monitors and events, because anything may watch or mention Datadog itself.
const (
	transitions = `Triggered|Recovered|Re-Triggered|Warn|Re-Warn|Renotify|"No Data"|"Re-No Data"`
	pages       = "*//app.datadoghq.*|*//app.ddog-gov.*|*.datadoghq.*/event*|*.datadoghq.*/monitors*|*.datadoghq.*/snapshot*|*.datadoghq.*/security*|*.datadoghq.*/incidents*|*.datadoghq.*/synthetics*|*.datadoghq.*/logs?*|*.datadoghq.*/apm*"
)

// Source is Datadog. It does not sign.
var Source = source.Source{
	Name: Name, Media: []string{source.FormMedia, "text/plain"}, Parse: Parse,
	Marks: []string{
		"event_type last_updated org.id title",
		"event_type=*_alert*|*_monitor|service_check title date",
		"alert_transition alert_id",
		"alert_transition aggreg_key",
		"alert_transition event_type",
		"alert_cycle_key alert_id",
		"alertTransition alertId",
		"alerts.0.alertTransition alerts.0.alertId",
		"alert_transition=" + transitions,
		"event.alert_transition=" + transitions,
		"transition=" + transitions + " title",
		"alert_status=" + transitions + " alert_id",
		"links.0.href=*datadoghq.* status=" + transitions,
		"links.0.href=" + pages,
		"SECURITY_SIGNAL_ID SECURITY_RULE_NAME",
		"last_updated date org.id org.name title body",
		"link=" + pages,
		"url=" + pages,
		"text:=" + pages,
		"header:User-Agent=Datadog*",
	},
	Guide: source.Guide{
		Product: "Datadog", Page: "https://docs.datadoghq.com/integrations/webhooks/",
		Setup: []string{
			"Integrations, Webhooks, New: name tocsin, URL {url}.",
			`Payload: {"id": "$ID", "aggreg_key": "$AGGREG_KEY", "alert_cycle_key": "$ALERT_CYCLE_KEY", "alert_id": "$ALERT_ID", "alert_transition": "$ALERT_TRANSITION", "alert_priority": "$ALERT_PRIORITY", "alert_type": "$ALERT_TYPE", ` +
				`"alert_scope": "$ALERT_SCOPE", "alert_status": "$ALERT_STATUS", "alert_metric": "$ALERT_METRIC", "title": "$EVENT_TITLE", "body": "$TEXT_ONLY_MSG", "event_type": "$EVENT_TYPE", "hostname": "$HOSTNAME", ` +
				`"link": "$LINK", "snapshot": "$SNAPSHOT", "tags": "$TAGS", "date": "$DATE", "last_updated": "$LAST_UPDATED", "org": {"id": "$ORG_ID", "name": "$ORG_NAME"}}.`,
			"Write @webhook-tocsin into the message of each monitor, outside of {{#is_alert}} so that recoveries are sent too.",
		},
		Proof: "The key in the address; headers can be set.",
		Understood: "Triggered, Warn, No Data, Renotify and their repeats; Recovered; security signals and incidents. With the default payload the state, priority and group are read from the title, " +
			"which then is the key; alert_cycle_key names the episode, without it repeats are not told from new episodes.",
		Repeats: "5xx, and missed connections five times.",
	},
}

// Parse reads an event of a monitor.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := source.Object(r)
	if err != nil {
		return source.Parsed{}, err
	}
	m := messageOf(root)
	switch {
	case m.title != "":
	case m.Text("aggregkey", "alertid", "alertcyclekey", "uniquekey", "alerttransition", "securitysignalid") != "":
	case bytes.Contains(r.Body, []byte("$EVENT_TITLE")), bytes.Contains(r.Body, []byte("$ALERT_")):
		return source.Parsed{Notes: []string{"a test of the template: its variables are not filled"}}, nil
	default:
		return source.Parsed{}, fault.New(fault.Invalid, "the body has no title, alert_id or aggreg_key")
	}
	status, problem := m.status()
	if problem != "" {
		return source.Parsed{Items: []source.Item{{Rejected: problem}}}, nil
	}
	a := m.alert(root)
	a.Status = status
	if a.StartedAt = source.Instant(m.Text("startedat", "triggeredat", "receivedat", "firedat", "incidentcreatedat")); status == alert.Resolved {
		a.EndedAt = m.at()
	} else if a.StartedAt.IsZero() {
		a.StartedAt = m.at()
	}
	item := source.Fired(a)
	item.Alert.Episode = m.Text("alertcyclekey", "cyclekey", "incidentuuid") // the time is that of the message, which is repeated
	return source.Parsed{SenderID: m.eventID(), Items: []source.Item{item}}, nil
}

// message is a body with what its title says before the monitor's name.
type message struct {
	source.Fields
	title    string // without its prefixes
	scope    string // the group of the monitor: "host:db-1"
	said     string // the transition in the title
	priority string // the priority in the title
}

func messageOf(root doc.Value) message {
	m := message{Fields: source.FieldsOf(root, root.Get("event"), root.Get("alert"), root.Get("metadata"), root.Get("details"), root.Get("data"), root.Get("incident"), root.At("attachments.0"), root.At("embeds.0"), root.At("alerts.0"))}
	m.read(m.Text("eventtitle", "title", "alerttitle", "summary", "monitorname", "alertname", "incidenttitle", "securitysignaltitle", "signaltitle", "securityrulename", "rulename", "syntheticstestname", "testname", "name", "subject"))
	if m.title == "" {
		first, _, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(m.description(), "%%%", "")), "\n")
		m.read(first)
	}
	if scope := m.Text("alertscope", "scope", "group"); scope != "" {
		m.scope = scope
	}
	if host := m.Text("hostname", "host"); m.scope == "" && host != "" && m.Text("alertid", "monitorid") != "" {
		m.scope = "host:" + host // a monitor by host has an alert of each
	}
	return m
}

// read takes the prefixes off a title: "[P2] [Triggered on {host:db-1}] CPU is
// high". One that is not Datadog's stays.
func (m *message) read(title string) {
	kept := ""
	for strings.HasPrefix(title, "[") {
		inner, rest, ok := strings.Cut(title[1:], "]")
		if !ok {
			break
		}
		word, scope, _ := strings.Cut(inner, " on ")
		switch {
		case len(inner) == len("P1") && priorityOf(inner) != "":
			m.priority = inner
		case word == "Monitor Alert":
		case transitionOf(word) != "":
			m.said, m.scope = word, strings.Trim(scope, "{} ")
		default:
			kept += "[" + inner + "] "
		}
		title = strings.TrimLeft(rest, " ")
	}
	if word, rest, ok := strings.Cut(title, ": "); ok && m.said == "" && transitionOf(word) != "" && rest != "" {
		m.said, title = word, rest
	}
	m.title = strings.TrimSpace(kept + title)
}

// transitionOf reads $ALERT_TRANSITION; "" for any other word.
func transitionOf(word string) alert.Status {
	word, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(word)), " from ") // "Recovered from No Data"
	switch strings.TrimPrefix(strings.TrimPrefix(word, "re-"), "re ") {
	case "triggered", "warn", "no data", "renotify":
		return alert.Firing
	case "recovered":
		return alert.Resolved
	}
	return ""
}

// statusOf reads a transition, and words that templates put in its place.
func statusOf(word string) alert.Status {
	if status := transitionOf(word); status != "" {
		return status
	}
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "trigger", "alert", "alerting", "warning", "nodata", "no_data", "escalated", "firing", "open", "opened", "reopened", "unacknowledged", "active", "stable", "error", "critical":
		return alert.Firing
	case "recovery", "recover", "resolved", "resolve", "ok", "closed", "close", "success", "completed":
		return alert.Resolved
	case "acknowledged", "acknowledge":
		return alert.Acknowledged
	}
	return ""
}

// status: a field for the transition must say one; other fields and the title
// count if they do.
func (m message) status() (status alert.Status, problem string) {
	if word := m.Text("alerttransition", "transition", "eventtransition", "incidentstatus"); word != "" {
		if status = statusOf(word); status == "" {
			problem = fmt.Sprintf("alert_transition: is %.40q, expected Triggered, Warn, No Data, Renotify or Recovered", word)
		}
		return status, problem
	}
	for _, word := range [...]string{m.Text("status"), m.Text("alertstatus"), m.Text("state", "alertstate", "monitorstatus"), m.Text("action", "eventaction"), m.said} {
		if status = statusOf(word); status != "" {
			return status, ""
		}
	}
	if strings.EqualFold(m.Text("alerttype"), "success") {
		return alert.Resolved, ""
	}
	return alert.Firing, ""
}

func (m message) alert(root doc.Value) alert.Alert {
	return alert.Alert{
		Source: Name, DedupKey: m.key(), Severity: m.severity(root), Title: m.titleOn(), Description: m.description(),
		Group: source.FirstText(m.Text("alerttitle", "monitorname"), m.title), Labels: m.labels(root), Links: m.links(root),
	}
}

// key prefers what Datadog groups events by, then what templates call a key,
// then the monitor, each with the group of the monitor: what templates call a
// key is often the id of the monitor. The default payload has none of them: its
// id is new with each event.
func (m message) key() string {
	for _, named := range [...]struct{ kind, id string }{
		{"aggreg_key", m.Text("aggregkey", "aggregationkey", "eventaggregkey")},
		{"key", m.Text("uniquekey", "dedupkey", "deduplicationkey", "incidentkey", "alias")},
		{"monitor", m.Text("alertid", "monitorid")},
		{"signal", m.Text("securitysignalid", "signalid")},
	} {
		if named.id != "" {
			return alert.SenderKey(named.kind, strings.TrimSpace(named.id+" "+m.scope))
		}
	}
	if cycle := m.Text("alertcyclekey", "cyclekey", "incidentuuid", "incidentpublicid", "publicid"); cycle != "" {
		return alert.SenderKey("cycle", cycle)
	}
	return alert.HashKey(map[string]string{"title": m.title, "scope": m.scope})
}

func (m message) titleOn() string {
	title := source.FirstText(m.title, strings.TrimSpace("Monitor "+m.Text("alertid", "monitorid")))
	if m.scope == "" || m.scope == "*" || strings.Contains(title, m.scope) {
		return title
	}
	return title + " (" + m.scope + ")"
}

// severity prefers the monitor's priority, then what a template calls a
// level, then the title, then the kind of the event.
func (m message) severity(root doc.Value) alert.Severity {
	priority := source.FirstText(m.Text("alertpriority", "monitorpriority", "incidentseverity"), root.Get("annotations").Get("datadog/priority").Text(), m.Text("priority"))
	if s := priorityOf(priority); s != "" {
		return s
	}
	switch strings.ToLower(priority) {
	case "", "normal", "low": // $PRIORITY of an event, which says nothing of the monitor
	default:
		if s := source.SeverityOf(priority); s != "" {
			return s
		}
	}
	if s := source.SeverityOf(m.Text("level", "severity", "urgency", "securitysignalseverity")); s != "" {
		return s
	}
	if s := priorityOf(m.priority); s != "" {
		return s
	}
	if s := source.SeverityOf(m.Text("alerttype")); s != "" {
		return s
	}
	for _, word := range [...]string{m.Text("alerttransition", "transition"), m.said} { // "Renotify" says nothing of it
		switch strings.TrimPrefix(strings.ToLower(word), "re-") {
		case "warn", "no data":
			return alert.Warning
		}
	}
	if tag, _, found := strings.Cut(m.title, "]"); found && strings.HasPrefix(tag, "[") { // "[CRITICAL] ..." of a security signal
		return source.SeverityTold(tag + "]")
	}
	return ""
}

// priorityOf reads P1 to P5, or the number alone.
func priorityOf(s string) alert.Severity {
	switch strings.ToUpper(strings.TrimSpace(s)) {
	case "P1", "1":
		return alert.Critical
	case "P2", "2":
		return alert.Error
	case "P3", "3":
		return alert.Warning
	case "P4", "P5", "4", "5":
		return alert.Info
	}
	return ""
}

func (m message) description() string {
	text := m.Text("textonlymsg", "eventmsg", "body", "message", "msg", "description", "eventmessage", "alertmessage", "text", "incidentmsg", "incidentmessage", "securitysignalmsg", "syntheticssummary", "content")
	lines := []string{strings.TrimSpace(strings.ReplaceAll(text, "%%%", ""))}
	if status := m.Text("alertstatus"); statusOf(status) == "" {
		lines = append(lines, source.Said("Status", status))
	}
	return source.Lines(append(lines, source.Said("Metric", m.Text("alertmetric", "metric")), source.Said("Query", m.Text("alertquery", "query")), source.Said("Logs", m.Text("logssample")))...)
}

// maxScope is more than the scope of any monitor.
const maxScope = 16 << 10

func (m message) labels(root doc.Value) map[string]string {
	labels := source.Labels("host", m.Text("hostname", "host"), "monitor_id", m.Text("alertid", "monitorid"), "metric", m.Text("alertmetric", "metric"),
		"event_type", m.Text("eventtype"), "rule", m.Text("securityrulename"), "service", m.Text("service"), "env", m.Text("env", "environment"), "org", source.FirstText(m.Text("orgname"), root.At("org.name").Text(), root.At("organization.name").Text()))
	scope := map[string]string{}
	source.AddTags(scope, doc.Of(m.scope[:min(len(m.scope), maxScope)]))
	delete(scope, "tags")
	source.AddTags(labels, m.Get("tags", "eventtags", "alerttags"))
	for name, value := range scope {
		if labels[name] == "" {
			labels[name] = value
		}
	}
	return labels
}

func (m message) links(root doc.Value) []alert.Link {
	links := source.Links("Event", m.Text("link", "eventurl", "url", "alerturl", "monitorurl", "href", "incidenturl"), "Snapshot", m.Text("snapshot", "snapshoturl", "image"))
	for v := range source.Some(root.Get("links")) {
		links = source.AppendLink(links, source.FirstText(v.Get("text").Text(), "Link"), v.First("href", "url"))
	}
	for v := range source.Some(root.Get("images")) {
		links = source.AppendLink(links, source.FirstText(v.Get("alt").Text(), "Image"), v.First("src", "url"))
	}
	return links
}

// at is the time of the message.
func (m message) at() time.Time {
	return source.Instant(m.Text("date", "eventdate", "dateposix", "timestamp", "lastupdated", "lastupdatedposix", "time"))
}

// eventID is the id of the event, which a retry has again. Templates also call
// other ids so; only beside the time of the event is it the event's.
func (m message) eventID() string {
	if m.Text("lastupdated", "date") == "" {
		return ""
	}
	return m.Text("eventid", "id")
}
