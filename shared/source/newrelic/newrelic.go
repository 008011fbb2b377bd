// Package newrelic reads the webhooks of New Relic: issues of workflows, whose
// body is a template, and incidents of the notification channels before them.
package newrelic

import (
	"fmt"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
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
		"alert|json.alert_url=*newrelic.com*",
		"deployment|json.deployment_url=*newrelic.com*",
		"text:=*service.newrelic.com*",
		"state priority text:=*newrelic.com*",
		"id state text:=*newrelic.com*",
		"issueId text:=*newrelic.com*",
		"issue_id text:=*newrelic.com*",
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
		Understood: "Issues of workflows (CREATED, ACTIVATED, acknowledged, CLOSED) of the default template and of templates with other styles of names; incidents of notification channels (open, acknowledged, closed), as JSON or as a form; alerts and deployments of APM before them.",
		Repeats:    "Not published.",
	},
}

// Parse reads an issue, or an incident of a notification channel.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := source.Object(r)
	if err != nil {
		return source.Parsed{}, err
	}
	if f := source.FieldsOf(root.Get("deployment").Inner()); f.Text("revision", "deploymenturl", "applicationname") != "" {
		return source.Parsed{Changes: []source.Change{deployment(f)}}, nil
	}
	f := source.FieldsOf(root, root.Get("alert").Inner())
	read := issue
	switch {
	case f.Text("currentstate") != "", f.Text("incidentid") != "" && strings.HasPrefix(f.Text("eventtype"), "INCIDENT_"):
		read = incident
	case f.Text("shortdescription") != "" && f.Text("alerturl") != "":
		read = legacy
	case f.Text(append(issueIDs[:], "issueurl")...) == "" && f.Text(issueTitles[:]...) == "":
		return source.Parsed{}, fault.New(fault.Invalid, "the body has neither the id of an issue nor the current_state of an incident")
	}
	a, problem := read(f)
	if problem != "" {
		return source.Parsed{Items: []source.Item{{Rejected: problem}}}, nil
	}
	return source.One(a), nil
}

// Names that templates give to the id and the title of an issue, and what they
// put in their place.
var (
	issueIDs    = [...]string{"issueid", "id", "alertuid", "idempotencykey", "uniquekey", "dedupkey"}
	issueTitles = [...]string{"title", "issuetitle", "issuename", "annotationstitle", "name", "summary"}
	conditions  = [...]string{"alertconditionnames", "conditionnames", "conditionname", "accumulationsconditionname", "condition"}
	policies    = [...]string{"alertpolicynames", "policynames", "policyname", "alertpolicyname", "accumulationspolicyname", "policy"}
	impacted    = [...]string{"impactedentities", "entitiesdatanames", "entitiesdataname", "entitynames", "entityname", "entities"}
)

// issue reads what a workflow sends (New Relic, "Message templates", default
// of the webhook).
func issue(f source.Fields) (a alert.Alert, problem string) {
	id, title := f.Text(issueIDs[:]...), source.Listed(f.Get(issueTitles[:]...))
	a = alert.Alert{
		Source: Name, Episode: id, Severity: source.SeverityOf(f.Text("priority", "issuepriority", "severity", "level")),
		Title: source.FirstText(title, source.Listed(f.Get(conditions[:]...)), "Issue "+id), Description: issueDescription(f),
		Group: source.Listed(f.Get(policies[:]...)), Labels: issueLabels(f), Links: linksOf(f),
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
		switch trigger := strings.ToUpper(f.Text("trigger", "triggerevent", "issuetrigger", "eventtype")); strings.TrimPrefix(trigger, "ISSUE_") {
		case "ACKNOWLEDGED", "ACKNOWLEDGE", "USER_ACTION":
			return alert.Acknowledged, ""
		}
		return alert.Firing, ""
	}
	if status = source.StatusOf(state); status != "" { // a template may write its own word
		return status, ""
	}
	return "", fmt.Sprintf("state: is %.40q, expected CREATED, ACTIVATED, ACKNOWLEDGED or CLOSED", state)
}

func issueDescription(f source.Fields) string {
	return source.Lines(
		source.Listed(f.Get("description", "conditiondescription", "alertconditiondescription", "annotationsdescription", "details", "violationdetails", "message", "body")),
		source.Said("Impacted", source.Listed(f.Get(impacted[:]...))),
		source.Said("Condition", source.Listed(f.Get(conditions[:]...))),
		source.Said("Policy", source.Listed(f.Get(policies[:]...))),
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
		"entity", source.Listed(f.Get(impacted[:]...)), "condition", source.Listed(f.Get(conditions[:]...)),
		"policy", source.Listed(f.Get(policies[:]...)), "workflow", f.Text("workflowname"), "sources", source.Listed(f.Get("sources")),
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
	return source.Links("Issue", f.Text("issueurl", "issuepageurl", "issuelink", "incidenturl", "url", "alerturl", "link", "linktoupstreamdetails"), "Runbook", source.Listed(f.Get("runbookurl", "runbook")),
		"Chart", f.Text("violationcharturl", "violationcallbackurl", "charturl"), "Policy", f.Text("policyurl"), "Condition", f.Text("conditionurl"))
}

// incident reads what a notification channel sent (New Relic, "Customize your
// webhook payload").
func incident(f source.Fields) (a alert.Alert, problem string) {
	id, at, condition := f.Text("incidentid", "issueid"), source.Instant(f.Text("timestamp", "updatedat")), source.Listed(f.Get("conditionname"))
	targets := f.Get("targets").Inner()
	a = alert.Alert{
		Source: Name, DedupKey: incidentKey(f, targets), Episode: id, Severity: source.SeverityOf(f.Text("severity", "priority")), Title: incidentTitle(f, condition),
		Description: source.Lines(f.Text("details"), f.Text("conditiondescription", "description"), source.Said("Policy", f.Text("policyname")), source.Said("Owner", f.Text("owner"))),
		Group:       f.Text("policyname"), Links: linksOf(f),
		Labels: source.Labels("condition", condition, "policy", source.Listed(f.Get("policyname", "alertpolicynames")), "account", f.Text("accountname", "accountid"),
			"target", targets.At("0.name").Text(), "target_type", targets.At("0.type").Text(), "product", targets.At("0.product").Text()),
	}
	addTags(a.Labels, targets.At("0.labels"))
	if started := source.Instant(f.Text("createdat")); !started.IsZero() { // of a template that makes an incident of an issue
		a.StartedAt = started
	}
	state := strings.TrimPrefix(strings.ToLower(f.Text("currentstate", "eventtype")), "incident_")
	if a.Status = source.StatusOf(state); state == "test" {
		a.Status = alert.Firing
	}
	switch {
	case a.Status == "":
		return a, fmt.Sprintf("current_state: is %.40q, expected open, acknowledged or closed", state)
	case a.Status == alert.Resolved:
		a.EndedAt = at
	case a.Status == alert.Firing && a.StartedAt.IsZero():
		a.StartedAt = at
	}
	return a, ""
}

func incidentKey(f source.Fields, targets doc.Value) string {
	if id := f.Text("incidentid"); id != "" {
		return alert.SenderKey("incident", strings.TrimPrefix(f.Text("accountid")+"/"+id, "/"))
	}
	if id := f.Text("issueid"); id != "" {
		return alert.SenderKey("issue", id)
	}
	return alert.HashKey(map[string]string{"policy": f.Text("policyname"), "condition": f.Text("conditionname"), "target": targets.At("0.name").Text()})
}

func incidentTitle(f source.Fields, condition string) string {
	details := f.Text("details")
	if condition == "" || details == "" || strings.Contains(details, condition) {
		return source.FirstText(details, condition, source.Listed(f.Get(issueTitles[:]...)), f.Text("policyname"), "Incident "+f.Text("incidentid"))
	}
	return condition + ": " + details
}

// legacy reads what APM sent before there were policies: a form whose field is
// JSON. What names the alert is the address of its incident.
func legacy(f source.Fields) (a alert.Alert, problem string) {
	at, said := source.Instant(f.Text("createdat")), f.Text("shortdescription")
	a = alert.Alert{
		Source: Name, DedupKey: alert.SenderKey("alert_url", f.Text("alerturl")), Episode: f.Text("alerturl"), Severity: source.SeverityOf(f.Text("severity")),
		Title: source.FirstText(strings.TrimPrefix(f.Text("applicationname")+": "+f.Text("message"), ": "), said), Description: source.Lines(f.Text("longdescription"), f.Text("message")), Group: f.Text("applicationname"),
		Labels: source.Labels("application", f.Text("applicationname"), "account", f.Text("accountname")), Links: linksOf(f),
	}
	if f.Text("message") == "" {
		a.Title = said
	}
	switch lower := strings.ToLower(said); {
	case strings.Contains(lower, "ended"), strings.Contains(lower, "closed"):
		a.Status, a.EndedAt = alert.Resolved, at
	case strings.Contains(lower, "acknowledged"):
		a.Status = alert.Acknowledged
	default:
		a.Status, a.StartedAt = alert.Firing, at
	}
	return a, ""
}

func deployment(f source.Fields) source.Change {
	title := strings.TrimSpace(strings.Join([]string{"Deployment of", f.Text("applicationname"), f.Text("revision")}, " "))
	return source.Changed(source.Change{
		Source: Name, Title: title, At: source.Instant(f.Text("createdat")), Links: source.Links("Deployment", f.Text("deploymenturl")),
		Labels: source.Labels("application", f.Text("applicationname"), "revision", f.Text("revision"), "by", f.Text("deployedby"), "description", f.Text("description")),
	})
}
