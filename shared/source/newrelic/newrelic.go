// Package newrelic reads the webhooks of New Relic: issues of workflows, whose
// body is a template, and incidents of the notification channels before them.
package newrelic

import (
	"fmt"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/doc"
)

// Name is the word of this source.
const Name = "newrelic"

// Source is New Relic. It does not sign.
var Source = source.Source{
	Name: Name, Aliases: []string{"new-relic"}, Media: []string{source.FormMedia, "text/plain"}, Parse: Parse,
	Marks: []string{
		"issueUrl=*newrelic.com* state=CREATED|ACTIVATED|CLOSED|ACKNOWLEDGED priority=CRITICAL|HIGH|MEDIUM|LOW alertPolicyNames",
		"issueUrl state alertPolicyNames",
		"issueUrl=*newrelic.com* state",
		"alertPolicyNames alertConditionNames",
		"issueId state priority",
		"current_state condition_name policy_name",
		"current_state=open|acknowledged|closed|test incident_id account_id",
		"incident_url=*newrelic.com*",
		"text:=*service.newrelic.com*",
		"header:User-Agent=*NewRelic*|New*Relic*",
	},
	Guide: source.Guide{
		Product: "New Relic", Page: "https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/#webhook",
		Setup: []string{
			"Alerts, Destinations, Webhook: endpoint URL {url}.",
			"Alerts, Workflows, Add a workflow: choose the issues, then the destination. Keep the payload template as it is; fields may be added.",
			"Send a test notification: it opens an alert that is closed only by hand.",
		},
		Proof:      "The key in the address; bearer, basic authentication and headers can be set.",
		Understood: "Issues of workflows (CREATED, ACTIVATED, acknowledged, CLOSED) of the default template and of templates with other styles of names; incidents of notification channels (open, acknowledged, closed), as JSON or as a form.",
		Repeats:    "Not published.",
	},
}

// Parse reads an issue, or an incident of a notification channel.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := source.Object(r)
	if err != nil {
		return source.Parsed{}, err
	}
	f := source.FieldsOf(root)
	read := issue
	switch {
	case f.Text("currentstate") != "":
		read = incident
	case f.Text("issueid", "id", "issueurl") == "" && f.Text("title", "issuetitle") == "":
		return source.Parsed{}, fault.New(fault.Invalid, "the body has neither the id of an issue nor the current_state of an incident")
	}
	a, problem := read(f)
	if problem != "" {
		return source.Parsed{Items: []source.Item{{Rejected: problem}}}, nil
	}
	return source.One(a), nil
}

// issue reads what a workflow sends (New Relic, "Message templates", default
// of the webhook).
func issue(f source.Fields) (a alert.Alert, problem string) {
	id, title := f.Text("issueid", "id"), source.Listed(f.Get("title", "issuetitle", "issuename", "name"))
	a = alert.Alert{
		Source: Name, Episode: id, Severity: source.SeverityOf(f.Text("priority", "issuepriority", "severity")),
		Title: source.FirstText(title, source.Listed(f.Get("alertconditionnames", "conditionname")), "Issue "+id), Description: issueDescription(f),
		Group: source.Listed(f.Get("alertpolicynames", "policyname", "alertpolicyname")), Labels: issueLabels(f), Links: linksOf(f),
		StartedAt: source.Instant(f.Text("createdat", "issuecreatedat", "activatedat", "openedat")),
	}
	a.DedupKey = issueKey(id, f.Text("issueurl", "issuepageurl"), title)
	if a.Status, problem = issueStatus(f); a.Status == alert.Resolved {
		a.EndedAt = source.Instant(f.Text("closedat", "issueclosedat", "updatedat", "issueupdatedat"))
	}
	return a, problem
}

// issueKey: a template may leave out the id, which the address of the issue
// has too.
func issueKey(id, address, title string) string {
	address, _, _ = strings.Cut(address, "?")
	switch {
	case id != "":
		return alert.SenderKey("issue", id)
	case address != "":
		return alert.SenderKey("issue_url", address)
	}
	return alert.HashKey(map[string]string{"title": title})
}

// issueStatus: an acknowledgement shows in the trigger, while the state stays
// ACTIVATED: what a user does to an issue that stays open is to acknowledge
// it. The owner tells nothing, because templates write their own.
func issueStatus(f source.Fields) (status alert.Status, problem string) {
	state := strings.ToUpper(f.Text("state", "issuestate", "status", "issuestatus"))
	switch state {
	case "CLOSED", "RESOLVED", "DEACTIVATED", "CLOSE":
		return alert.Resolved, ""
	case "ACKNOWLEDGED":
		return alert.Acknowledged, ""
	case "", "CREATED", "ACTIVATED", "ACTIVE", "OPEN", "OPENED":
		switch trigger := strings.ToUpper(f.Text("trigger", "triggerevent", "eventtype")); strings.TrimPrefix(trigger, "ISSUE_") {
		case "ACKNOWLEDGED", "ACKNOWLEDGE", "USER_ACTION":
			return alert.Acknowledged, ""
		}
		return alert.Firing, ""
	}
	return "", fmt.Sprintf("state: is %.40q, expected CREATED, ACTIVATED, ACKNOWLEDGED or CLOSED", state)
}

func issueDescription(f source.Fields) string {
	return source.Lines(
		source.Listed(f.Get("description", "conditiondescription", "alertconditiondescription", "details", "violationdetails")),
		source.Said("Impacted", source.Listed(f.Get("impactedentities", "entitiesdataname", "entityname"))),
		source.Said("Condition", source.Listed(f.Get("alertconditionnames", "conditionname"))),
		source.Said("Policy", source.Listed(f.Get("alertpolicynames", "policyname", "alertpolicyname"))),
		source.Said("Incidents", f.Text("totalincidents")), source.Said("Trigger", f.Text("trigger", "triggerevent")), source.Said("Owner", ownerOf(f)))
}

func ownerOf(f source.Fields) string {
	if owner := f.Text("owner", "acknowledgedby"); owner != "N/A" {
		return owner
	}
	return ""
}

func issueLabels(f source.Fields) map[string]string {
	labels := source.Labels(
		"entity", source.Listed(f.Get("impactedentities", "entitiesdataname", "entityname")), "condition", source.Listed(f.Get("alertconditionnames", "conditionname")),
		"policy", source.Listed(f.Get("alertpolicynames", "policyname", "alertpolicyname")), "workflow", f.Text("workflowname"), "sources", source.Listed(f.Get("sources")),
		"account", f.Text("nraccountid", "accountid", "accountname"), "host", f.Text("hostname", "host"))
	addTags(labels, f.Get("tags", "labels", "zulipcustomfields", "customfields"))
	return labels
}

func addTags(labels map[string]string, tags doc.Value) {
	if tags.Kind() == doc.Object {
		source.AddFields(labels, tags)
		return
	}
	source.AddTags(labels, tags)
}

func linksOf(f source.Fields) []alert.Link {
	return source.Links("Issue", f.Text("issueurl", "issuepageurl", "issuelink", "incidenturl"), "Runbook", source.Listed(f.Get("runbookurl", "runbook")),
		"Chart", f.Text("violationcharturl", "violationcallbackurl", "charturl"), "Policy", f.Text("policyurl"), "Condition", f.Text("conditionurl"))
}

// incident reads what a notification channel sent (New Relic, "Customize your
// webhook payload").
func incident(f source.Fields) (a alert.Alert, problem string) {
	id, at := f.Text("incidentid"), source.Instant(f.Text("timestamp"))
	targets := f.Get("targets").Inner()
	a = alert.Alert{
		Source: Name, DedupKey: incidentKey(f, targets), Episode: id, Severity: source.SeverityOf(f.Text("severity", "priority")), Title: incidentTitle(f),
		Description: source.Lines(f.Text("details"), f.Text("conditiondescription", "description"), source.Said("Policy", f.Text("policyname")), source.Said("Owner", f.Text("owner"))),
		Group:       f.Text("policyname"), Links: linksOf(f),
		Labels: source.Labels("condition", f.Text("conditionname"), "policy", f.Text("policyname"), "account", f.Text("accountname", "accountid"),
			"target", targets.At("0.name").Text(), "target_type", targets.At("0.type").Text(), "product", targets.At("0.product").Text()),
	}
	addTags(a.Labels, targets.At("0.labels"))
	switch state := strings.ToLower(f.Text("currentstate")); state {
	case "open", "opened", "test":
		a.Status, a.StartedAt = alert.Firing, at
	case "acknowledged":
		a.Status = alert.Acknowledged
	case "closed":
		a.Status, a.EndedAt = alert.Resolved, at
	default:
		return a, fmt.Sprintf("current_state: is %.40q, expected open, acknowledged or closed", state)
	}
	return a, ""
}

func incidentKey(f source.Fields, targets doc.Value) string {
	if id := f.Text("incidentid"); id != "" {
		return alert.SenderKey("incident", strings.TrimPrefix(f.Text("accountid")+"/"+id, "/"))
	}
	return alert.HashKey(map[string]string{"policy": f.Text("policyname"), "condition": f.Text("conditionname"), "target": targets.At("0.name").Text()})
}

func incidentTitle(f source.Fields) string {
	condition, details := f.Text("conditionname"), f.Text("details")
	if condition == "" || details == "" || strings.Contains(details, condition) {
		return source.FirstText(details, condition, f.Text("policyname"), "Incident "+f.Text("incidentid"))
	}
	return condition + ": " + details
}
