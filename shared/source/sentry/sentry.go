// Package sentry reads what Sentry's integration platform posts (issues, issue
// alerts, metric alerts and errors) and the older WebHooks plugin.
//
//	parsed, err := sentry.Source.Parse(&source.Request{Header: header, Body: body, At: received})
package sentry

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
const Name = "sentry"

// Source is Sentry. The key of its signature is the client secret of the
// integration (Sentry documentation, "Integration Platform", Webhooks); the
// plugin signs nothing.
var Source = source.Source{
	Name: Name, Parse: Parse, Verify: proof.HMAC{Name: "Sentry-Hook-Signature"}.Verify, Headers: []string{"Sentry-Hook-Resource"},
	Marks: []string{
		"header:Sentry-Hook-Resource",
		"action data.issue.shortId", "action data.issue.id data.issue.project data.issue.firstSeen",
		"action=triggered data.event.event_id", "action data.event.issue_url", "action data.error.event_id", "action data.metric_alert.alert_rule",
		"action installation.uuid data", "project_name culprit level event.event_id", "project.slug group.id event.event_id", "project culprit level event.metadata", "project_slug culprit level url event",
	},
	Guide: source.Guide{
		Product: "Sentry", Page: "https://docs.sentry.io/organization/integrations/integration-platform/webhooks/",
		Setup: []string{
			"In Settings, Developer Settings, create an internal integration with the webhook URL {url} and turn on Alert Rule Action.",
			"Subscribe it to issue, so that what is resolved in Sentry recovers here; leave error out, it is one request for each error.",
			"Let alert rules notify the integration, and give its client secret to Tocsin.",
		},
		Proof: "Sentry-Hook-Signature: HMAC-SHA256 of the body, in hex, with the client secret. The WebHooks plugin proves nothing: choose no proof but the key.",
		Understood: "issue (created, unresolved, resolved, assigned, ignored, archived), event_alert and activity_alert (triggered), metric_alert (critical, warning, resolved), error (created), " +
			"and the WebHooks plugin. Assigned by a person is an acknowledgement, ignored or archived is an end. Installations, comments and others are notes.",
		Repeats: "Three times on 5xx and timeouts, as far as published; answers must come within one second.",
	},
}

// Parse reads a request of the integration platform or the plugin.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	out := source.Parsed{SenderID: r.Header.Get("Request-ID")}
	action, data := root.Get("action").Text(), root.Get("data")
	switch {
	case data.Get("metric_alert").Kind() == doc.Object:
		return with(out)(metric(action, data))
	case data.Get("event").Kind() == doc.Object:
		return with(out)(event(data.Get("event"), data), "")
	case data.Get("error").Kind() == doc.Object:
		return with(out)(event(data.Get("error"), data), "")
	case data.Get("issue").Kind() == doc.Object:
		return issue(out, root)
	case root.Get("event").Kind() == doc.Object || root.Get("project_name").Present() && root.Get("level").Present():
		return with(out)(plugin(root), "")
	}
	what := cmp.Or(r.Header.Get("Sentry-Hook-Resource"), root.At("installation.uuid").Text(), data.At("installation.uuid").Text())
	if what == "" || root.Kind() != doc.Object {
		return source.Parsed{}, fault.New(fault.Invalid, "data: holds no issue, event, error or metric_alert of Sentry")
	}
	out.Notes = append(out.Notes, fmt.Sprintf("%.40s %.40s: says nothing of an alert", cmp.Or(r.Header.Get("Sentry-Hook-Resource"), "request"), action))
	return out, nil
}

// with adds the one item of a request.
func with(out source.Parsed) func(alert.Alert, string) (source.Parsed, error) {
	return func(a alert.Alert, problem string) (source.Parsed, error) {
		if problem != "" {
			out.Items = append(out.Items, source.Item{Rejected: problem})
		} else {
			out.Items = append(out.Items, source.Fired(a))
		}
		return out, nil
	}
}

// severityOf sorts the levels of events; "sample" and "default" are none.
func severityOf(level string) alert.Severity {
	switch strings.ToLower(level) {
	case "fatal":
		return alert.Critical
	case "error":
		return alert.Error
	case "warning":
		return alert.Warning
	case "info", "debug":
		return alert.Info
	}
	return ""
}

// keyOf is the issue's: issue alerts, errors and the issue's own life are one
// alert. So is its episode, because each event has a time of its own.
func keyOf(a *alert.Alert, issue, event string) {
	if issue != "" {
		a.DedupKey = alert.SenderKey("issue", issue)
	} else {
		a.DedupKey = alert.SenderKey("event", event)
	}
	a.Episode = a.DedupKey
}

func issue(out source.Parsed, root doc.Value) (source.Parsed, error) {
	is, action := root.At("data.issue"), root.Get("action").Text()
	a := alert.Alert{
		Source: Name, Severity: severityOf(is.Get("level").Text()), Title: source.FirstText(is.Get("title").Text(), valueOf(is)), Group: is.At("project.slug").Text(),
		StartedAt: source.Instant(is.Get("firstSeen").Text()), Description: source.Lines(valueOf(is), is.Get("culprit").Text(), source.Said("Seen", is.Get("count").Text()), source.Said("Users", is.Get("userCount").Text())),
		Labels: source.Labels("project", is.First("project.slug", "project.name"), "platform", is.First("platform", "project.platform"), "level", is.Get("level").Text(), "culprit", is.Get("culprit").Text(),
			"short_id", is.Get("shortId").Text(), "issue_id", is.Get("id").Text(), "category", is.Get("issueCategory").Text(), "type", is.First("issueType", "type"),
			"substatus", is.Get("substatus").Text(), "sentry_priority", is.Get("priority").Text(), "assignee", is.First("assignedTo.name", "assignedTo.email"), "actor", root.At("actor.name").Text()),
		Links: source.Links("Issue", is.First("web_url", "permalink")),
	}
	if is.Get("id").Text() == "" && is.Get("shortId").Text() == "" {
		return with(out)(a, "data.issue.id: missing")
	}
	keyOf(&a, is.First("id", "shortId"), "")
	word := strings.ToLower(action)
	if word == "triggered" || word == "" { // an activity alert: the issue's status tells
		word = strings.ToLower(is.Get("status").Text())
	}
	switch word {
	case "created", "unresolved", "escalating", "regressed":
		a.Status = alert.Firing
	case "resolved", "ignored", "archived":
		a.Status = alert.Resolved
	case "assigned":
		if a.Status = alert.Acknowledged; root.At("actor.type").Text() == "application" {
			out.Notes = append(out.Notes, "the issue was assigned by a rule, not by a person")
			return out, nil
		}
	default:
		return with(out)(a, fmt.Sprintf("action: is %.40q, expected created, unresolved, resolved, assigned, ignored or archived", cmp.Or(action, word)))
	}
	return with(out)(a, "")
}

func valueOf(is doc.Value) string {
	kind, value := is.At("metadata.type").Text(), is.At("metadata.value").Text()
	if kind != "" && value != "" {
		kind += ": "
	}
	return source.FirstText(kind+value, is.At("metadata.title").Text())
}

// event reads the event of an issue alert, or a new error.
func event(is, data doc.Value) alert.Alert {
	rule, seen := data.First("triggered_rule", "issue_alert.title"), is.Get("occurrence")
	a := alert.Alert{
		Source: Name, Status: alert.Firing, Severity: severityOf(cmp.Or(is.Get("level").Text(), seen.Get("level").Text())), Title: source.FirstText(is.Get("title").Text(), valueOf(is), is.Get("message").Text(), is.At("logentry.formatted").Text()),
		Group: source.FirstText(rule, is.Get("project").Text()), StartedAt: source.Instant(is.First("datetime", "timestamp", "received")),
		Description: source.Lines(is.First("message", "logentry.formatted"), exceptionOf(is), seen.Get("subtitle").Text(), evidenceOf(seen), is.Get("culprit").Text(), source.Said("In", is.Get("location").Text()), source.Said("Rule", rule)),
		Labels: source.Labels("project", cmp.Or(projectOf(is.Get("url").Text()), is.First("project_slug", "project_name", "project")), "platform", is.Get("platform").Text(), "level", is.Get("level").Text(), "culprit", is.Get("culprit").Text(),
			"release", is.Get("release").Text(), "environment", is.Get("environment").Text(), "logger", is.Get("logger").Text(), "rule", rule, "event_id", is.Get("event_id").Text()),
		Links: source.Links("Event", is.Get("web_url").Text()),
	}
	addTags(a.Labels, is.Get("tags"))
	keyOf(&a, cmp.Or(is.Get("issue_id").Text(), lastPart(is.Get("issue_url").Text()), is.Get("groupID").Text()), is.Get("event_id").Text())
	return a
}

// evidenceOf is what was seen where no event was thrown: by an uptime monitor, a
// cron monitor or a detector of slow requests.
func evidenceOf(seen doc.Value) string {
	var lines []string
	display := seen.Get("evidenceDisplay")
	if !display.Present() { // as versions before August 2024 wrote it
		display = seen.Get("evidence_display")
	}
	for v := range source.Some(display) {
		lines = append(lines, source.Said(v.Get("name").Text(), v.Get("value").Text()))
	}
	return source.Lines(lines...)
}

// exceptionOf names what was thrown: the last of a chain.
func exceptionOf(is doc.Value) string {
	values := is.At("exception.values")
	thrown := values.Index(values.Len() - 1)
	return source.Said(cmp.Or(thrown.Get("type").Text(), "Exception"), thrown.Get("value").Text())
}

func lastPart(address string) string {
	address = strings.TrimRight(address, "/")
	return address[strings.LastIndexByte(address, '/')+1:]
}

// projectOf finds the project in the address of an event's API:
// /api/0/projects/<organization>/<project>/events/<id>/.
func projectOf(address string) string {
	_, rest, _ := strings.Cut(address, "/projects/")
	_, rest, _ = strings.Cut(rest, "/")
	project, _, ok := strings.Cut(rest, "/events/")
	if !ok {
		return ""
	}
	return project
}

// addTags reads pairs, [["level","error"]], and objects with key and value.
func addTags(labels map[string]string, tags doc.Value) {
	for t := range source.Some(tags) {
		name, value := t.Index(0).Text(), t.Index(1).Text()
		if t.Kind() == doc.Object {
			name, value = t.Get("key").Text(), t.Get("value").Text()
		}
		if name = strings.TrimSpace(name); name != "" && value != "" && labels[name] == "" {
			labels[name] = value
		}
	}
}

// metric reads a metric alert, whose incident is one firing period.
func metric(action string, data doc.Value) (alert.Alert, string) {
	is := data.Get("metric_alert")
	rule := is.Get("alert_rule")
	a := alert.Alert{
		Source: Name, Title: source.FirstText(rule.Get("name").Text(), withoutState(data.Get("description_title").Text()), is.Get("title").Text()), Group: rule.Get("name").Text(),
		Description: source.Lines(strings.ReplaceAll(data.Get("description_text").Text(), `\n`, "\n"), source.Said("Query", rule.Get("query").Text()), source.Said("Measured", rule.Get("aggregate").Text())),
		Labels: source.Labels("project", is.At("projects.0").Text(), "rule", rule.Get("name").Text(), "rule_id", rule.Get("id").Text(), "environment", rule.Get("environment").Text(),
			"dataset", rule.Get("dataset").Text(), "incident", is.Get("identifier").Text(), "organization", is.Get("organization_id").Text()),
		Links: source.Links("Alert", data.Get("web_url").Text()), StartedAt: source.Instant(is.First("date_started", "date_detected", "date_created")), Episode: is.Get("id").Text(),
	}
	if a.DedupKey = alert.SenderKey("metric_alert", a.Episode); a.Episode == "" {
		a.DedupKey = alert.HashKey(map[string]string{"organization": is.Get("organization_id").Text(), "rule": rule.First("id", "name"), "incident": is.Get("identifier").Text()})
	}
	switch strings.ToLower(action) {
	case "critical":
		a.Status, a.Severity = alert.Firing, alert.Critical
	case "open":
		a.Status = alert.Firing
	case "warning":
		a.Status, a.Severity = alert.Firing, alert.Warning
	case "resolved":
		a.Status, a.EndedAt = alert.Resolved, source.Instant(is.Get("date_closed").Text())
	default:
		return a, fmt.Sprintf("action: is %.40q, expected critical, warning or resolved", action)
	}
	return a, ""
}

func withoutState(title string) string {
	for _, state := range [...]string{"Resolved: ", "Critical: ", "Warning: "} {
		title = strings.TrimPrefix(title, state)
	}
	return title
}

// plugin reads the WebHooks plugin, which knows no recovery.
func plugin(root doc.Value) alert.Alert {
	is := root.Get("event")
	a := alert.Alert{
		Source: Name, Status: alert.Firing, Severity: severityOf(root.First("level", "event.level")), Group: root.First("triggering_rules.0", "project_name"),
		Title:     source.FirstText(root.Get("message").Text(), is.Get("title").Text(), is.At("metadata.title").Text(), valueOf(is), root.Get("culprit").Text()),
		StartedAt: source.Instant(is.First("datetime", "timestamp", "received")), Description: source.Lines(is.Get("title").Text(), valueOf(is), exceptionOf(is), root.Get("culprit").Text()),
		Labels: source.Labels("project", root.First("project_slug", "project.slug", "project", "project_name"), "level", root.Get("level").Text(), "culprit", root.Get("culprit").Text(), "logger", root.Get("logger").Text(),
			"platform", is.Get("platform").Text(), "environment", is.Get("environment").Text(), "release", is.Get("release").Text(), "event_id", is.First("event_id", "id")),
		Links: source.Links("Issue", root.Get("url").Text()),
	}
	addTags(a.Labels, is.Get("tags"))
	keyOf(&a, root.First("id", "event.issue_id", "group.id"), is.First("event_id", "id"))
	return a
}
