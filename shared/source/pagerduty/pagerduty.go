// Package pagerduty reads the webhooks that PagerDuty sends about its
// incidents: version 3, and the extensions of versions 1 and 2.
//
//	parsed, err := pagerduty.Source.Parse(&source.Request{Header: header, Body: body, At: received})
package pagerduty

import (
	"cmp"
	"fmt"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/proof"
)

// Name is the word of this source.
const Name = "pagerduty"

// Source is PagerDuty. Version 3 signs, with a signature for each secret that
// is valid (PagerDuty documentation, "Verifying Signatures"); 1 and 2 do not.
var Source = source.Source{
	Name: Name, Aliases: []string{"pagerduty_webhook"}, Parse: Parse,
	Verify: proof.HMAC{Name: "X-PagerDuty-Signature", Prefix: "v1=", List: ","}.Verify,
	Marks: []string{
		"header:X-PagerDuty-Signature", "header:User-Agent=PagerDuty-Webhook/*",
		"event.event_type event.resource_type event.occurred_at", "event.event_type=incident.*|service.*|pagey.ping event.data",
		"messages.0.event=incident.* messages.0.incident.id", "messages.0.type=incident.* messages.0.data.incident.id",
	},
	Guide: source.Guide{
		Product: "PagerDuty", Page: "https://developer.pagerduty.com/docs/webhooks-overview",
		Setup: []string{
			"In Integrations, Generic Webhooks (v3), add a webhook with the URL {url} for the account, a team or a service.",
			"Subscribe it to incident.triggered, incident.acknowledged, incident.unacknowledged, incident.resolved, incident.reopened and incident.priority_updated.",
			"Copy the signing secret, which is shown once, to Tocsin, and send a test event.",
		},
		Proof: "X-PagerDuty-Signature: v1= and the HMAC-SHA256 of the body, in hex, several with commas between them. Versions 1 and 2 prove nothing: choose no proof but the key.",
		Understood: "Versions 1, 2 and 3: an incident is triggered, acknowledged or resolved by its own status, whatever the event; reassigned, escalated, delegated, priority_updated, service_updated and incident_type.changed repeat it. " +
			"Notes, status updates, responders, workflows and services are notes, and so is the test. Priorities P1 to P5, SEV-1 to SEV-5; without one, the urgency.",
		Repeats: "Timeouts, 429 and 5xx, with growing pauses, as far as published; an event keeps its id.",
	},
}

// Parse reads a body of any version.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	if event := root.Get("event"); event.Kind() == doc.Object {
		out := source.Parsed{SenderID: event.Get("id").Text()}
		add(&out, message{word: event.Get("event_type").Text(), incident: event.Get("data"), at: event.Get("occurred_at").Text(), agent: text(event, "agent.summary")})
		return out, nil
	}
	messages := root.Get("messages")
	if messages.Kind() != doc.Array {
		return source.Parsed{}, fault.New(fault.Invalid, "event: missing; expected a PagerDuty webhook of version 3, or messages of version 1 or 2")
	}
	if err := source.TooMany(messages.Len()); err != nil {
		return source.Parsed{}, err
	}
	out := source.Parsed{SenderID: messages.At("0.id").Text()}
	for m := range messages.Items() {
		told := message{word: m.First("event", "type"), incident: m.Get("incident"), at: m.Get("created_on").Text(), log: m.At("log_entries.0")}
		if told.incident.Kind() != doc.Object {
			told.incident = m.At("data.incident")
		}
		told.agent = text(told.log, "agent.summary")
		add(&out, told)
	}
	return out, nil
}

// message is one event of an incident.
type message struct {
	word     string    // "incident.triggered"
	incident doc.Value // as it is now
	at       string    // when it happened
	agent    string
	log      doc.Value // of version 2
}

// states are the events that tell the state of an incident, and what it is
// where the incident itself does not say: version 3, then 1 and 2.
var states = map[string]alert.Status{
	"triggered": alert.Firing, "reopened": alert.Firing, "unacknowledged": alert.Firing, "acknowledged": alert.Acknowledged, "resolved": alert.Resolved,
	"reassigned": alert.Firing, "escalated": alert.Firing, "delegated": alert.Firing, "priority_updated": alert.Firing,
	"service_updated": alert.Firing, "incident_type.changed": alert.Firing,
	"trigger": alert.Firing, "reopen": alert.Firing, "unacknowledge": alert.Firing, "acknowledge": alert.Acknowledged, "resolve": alert.Resolved,
	"assign": alert.Firing, "escalate": alert.Firing, "delegate": alert.Firing,
}

func add(out *source.Parsed, m message) {
	kind, word, _ := strings.Cut(strings.ToLower(m.word), ".")
	status, known := states[word]
	if kind != "incident" || !known {
		out.Notes = append(out.Notes, fmt.Sprintf("%.60s: says nothing of an alert", cmp.Or(m.word, "an event without a type")))
		return
	}
	if m.incident.Get("id").Text() == "" {
		out.Items = append(out.Items, source.Item{Rejected: "incident.id: missing"})
		return
	}
	switch now := strings.ToLower(text(m.incident, "status")); now {
	case "triggered", "open":
		status = alert.Firing
	case "acknowledged":
		status = alert.Acknowledged
	case "resolved", "closed":
		status = alert.Resolved
	case "":
	default:
		out.Items = append(out.Items, source.Item{Rejected: fmt.Sprintf("status: is %.40q, expected triggered, acknowledged or resolved", now)})
		return
	}
	out.Items = append(out.Items, source.Fired(incident(m, status, word)))
}

func incident(m message, status alert.Status, word string) alert.Alert {
	is := m.incident
	a := alert.Alert{
		Source: Name, Status: status, DedupKey: alert.SenderKey("incident", is.Get("id").Text()), Episode: is.Get("id").Text(), Severity: severityOf(is), Title: titleOf(is),
		Group: text(is, "service.summary", "service.name"), StartedAt: source.Instant(text(is, "created_at", "created_on")),
		Description: source.Lines(detailsOf(m), source.Said("Service", text(is, "service.summary", "service.name")), source.Said("By", m.agent)),
		Labels: source.Labels("service", text(is, "service.summary", "service.name"), "service_id", text(is, "service.id"), "number", text(is, "number", "incident_number"), "incident_key", text(is, "incident_key"),
			"urgency", text(is, "urgency"), "pagerduty_priority", text(is, "priority.summary", "priority.name"), "assignee", text(is, "assignees.0.summary", "assignments.0.assignee.summary", "assigned_to_user.name"),
			"escalation_policy", text(is, "escalation_policy.summary", "escalation_policy.name"), "team", text(is, "teams.0.summary"), "agent", m.agent),
		Links: source.Links("Incident", text(is, "html_url"), "Service", text(is, "service.html_url")),
	}
	told := source.Instant(m.at)
	if a.StartedAt.IsZero() && (word == "triggered" || word == "trigger") {
		a.StartedAt = told
	}
	if status == alert.Resolved {
		if a.EndedAt = told; told.IsZero() {
			a.EndedAt = source.Instant(text(is, "last_status_change_at", "last_status_change_on"))
		}
	}
	return a
}

// text is [doc.Value.First], without the word null, which some versions write
// in quotes.
func text(v doc.Value, paths ...string) string {
	for _, path := range paths {
		if s := v.First(path); s != "" && s != "null" {
			return s
		}
	}
	return ""
}

func titleOf(is doc.Value) string {
	title := text(is, "title", "trigger_summary_data.subject", "trigger_summary_data.description", "description", "summary", "incident_key")
	if title == "" {
		return "incident " + cmp.Or(text(is, "number", "incident_number"), is.Get("id").Text())
	}
	return title
}

func detailsOf(m message) string {
	if body := text(m.incident, "body.details"); body != "" {
		return body
	}
	return source.Lines(source.Details(m.log.At("channel.details")), resolvedBecause(m.incident.Get("resolve_reason")))
}

func resolvedBecause(reason doc.Value) string {
	if into := text(reason, "incident.summary", "incident.html_url", "incident.id"); into != "" {
		return source.Said("Merged into", into)
	}
	return text(reason, "type")
}

// severityOf prefers the priority, whose words are the account's own; the
// urgency alone only parts what pages from what does not.
func severityOf(is doc.Value) alert.Severity {
	switch word := strings.ToLower(text(is, "priority.summary", "priority.name")); word {
	case "":
	case "p4", "p5", "sev-4", "sev-5", "sev4", "sev5":
		return alert.Info
	default:
		if s := source.SeverityOf(word); s != "" {
			return s
		}
	}
	switch strings.ToLower(text(is, "urgency")) {
	case "high":
		return alert.Error
	case "low":
		return alert.Info
	}
	return ""
}
