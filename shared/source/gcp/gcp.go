// Package gcp reads the incidents that Google Cloud Monitoring posts to a
// webhook (versions 1.0, 1.1 and 1.2, and its test), directly or by a push
// subscription of Pub/Sub, which wraps them, and what Security Command Center,
// Cloud Billing and Cloud Logging publish there.
//
//	parsed, err := gcp.Source.Parse(&source.Request{Body: body, At: received})
package gcp

import (
	"fmt"
	"net/http"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/proof"
)

// Name is the word of this source.
const Name = "gcp"

// Headers of a push that is delivered without the wrapping, where it is to
// write the metadata ("Payload unwrapping").
const (
	pushedID   = "X-Goog-Pubsub-Message-Id"
	pushedFrom = "X-Goog-Pubsub-Subscription-Name"
	pushedAt   = "X-Goog-Pubsub-Publish-Time"
)

// Source is Google Cloud Monitoring.
var Source = source.Source{
	Name: Name, Aliases: []string{"gcp_monitoring", "stackdriver"}, Parse: Parse, Verify: verify, Headers: []string{pushedID, pushedFrom, pushedAt},
	Marks: []string{
		"incident.incident_id incident.state incident.policy_name",
		"incident.incident_id incident.condition_name incident.started_at",
		"incident.incident_id incident.scoping_project_id",
		"notificationConfigName finding.name finding.category",
		"budgetDisplayName costAmount budgetAmount",
		"group_info.project_id group_info.detail_link event_info", "header:X-Goog-Pubsub-Message-Id header:X-Goog-Pubsub-Subscription-Name=projects/*",
		"message.data message.messageId subscription=projects/*",
		"message.data message.message_id subscription=projects/*",
	},
	Guide: source.Guide{
		Product: "Google Cloud Monitoring", Page: "https://cloud.google.com/monitoring/support/notification-options#webhooks",
		Setup: []string{
			"In Monitoring open Alerting, Edit notification channels, and add a webhook with the endpoint {url}?auth_token=<secret>; or leave the parameter out and turn on basic authentication with the secret as the password.",
			"Test the connection, then add the channel to the alerting policies that should page, with a severity each.",
			"Or choose a Pub/Sub topic as the channel, and give it a push subscription to the same address.",
		},
		Proof: "The parameter auth_token, or the password of basic authentication, is the secret. The OpenID token of a Pub/Sub push is not verified.",
		Understood: "Incidents of versions 1.0, 1.1 and 1.2: open, acknowledged, closed; metric, uptime, absence, forecast and log-based conditions; the test of a channel; " +
			"the envelope of a Pub/Sub push. Severities Critical, Error, Warning, No severity. By Pub/Sub also findings of Security Command Center (ACTIVE, INACTIVE, muted), " +
			"budgets of Cloud Billing whose threshold is exceeded, entries of Cloud Logging, builds of Cloud Build, and other messages as text. The webhook of Error Reporting. Entries, errors, budgets and other messages expire.",
		Repeats: "Not published for webhooks. A Pub/Sub push: every status but 102, 200, 201, 202 and 204, until the subscription's retention ends.",
	},
}

// verify compares the secret with the parameter auth_token and with basic
// credentials, whole or as the password.
func verify(r *source.Request, secrets []string) error {
	given := []string{r.Query.Get("auth_token")}
	if user, password, ok := (&http.Request{Header: r.Header}).BasicAuth(); ok {
		given = append(given, password, user+":"+password)
	}
	known := false
	for _, s := range given {
		known = proof.Known(s, secrets) || known
	}
	if !known {
		return proof.ErrRefused
	}
	return nil
}

// Parse reads one incident.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	m, err := unwrap(root)
	if err != nil {
		return source.Parsed{}, err
	}
	if m.id == "" {
		m.id, m.from, m.at = r.Header.Get(pushedID), r.Header.Get(pushedFrom), r.Header.Get(pushedAt)
	}
	if root = m.body; root.Get("incident").Kind() != doc.Object {
		return published(m)
	}
	a, problem := incident(root.Get("incident"))
	if root.Get("version").Text() == "test" {
		a.Title = source.FirstText(root.At("incident.summary").Text(), a.Title)
	}
	out := source.Parsed{SenderID: m.id, Items: []source.Item{{Rejected: problem}}}
	if problem == "" {
		out.Items[0] = source.Fired(a)
	}
	return out, nil
}

func incident(is doc.Value) (alert.Alert, string) {
	a := alert.Alert{
		Source: Name, Severity: severityOf(is), Title: titleOf(is), Description: aboutOf(is), Group: is.First("policy_name", "condition_name"),
		Labels: labelsOf(is), Links: linksOf(is), StartedAt: source.Instant(is.Get("started_at").Text()), Episode: is.Get("incident_id").Text(),
	}
	if a.DedupKey = alert.SenderKey("incident", a.Episode); a.Episode == "" {
		a.DedupKey = alert.HashKey(map[string]string{"policy": is.Get("policy_name").Text(), "condition": is.Get("condition_name").Text(), "resource": is.First("resource_id", "resource_name")})
	}
	switch state := is.Get("state").Text(); strings.ToLower(strings.TrimSpace(state)) {
	case "open":
		a.Status = alert.Firing
	case "acknowledged":
		a.Status = alert.Acknowledged
	case "closed":
		a.Status, a.EndedAt = alert.Resolved, source.Instant(is.Get("ended_at").Text())
	default:
		return a, fmt.Sprintf("incident.state: is %.40q, expected open, acknowledged or closed", state)
	}
	return a, ""
}

// severityOf reads the policy's severity, and before it had one, the label
// that policies were given for it. "No severity" says nothing.
func severityOf(is doc.Value) alert.Severity {
	if s := source.SeverityOf(is.Get("severity").Text()); s != "" {
		return s
	}
	return source.SeverityOf(is.First("policy_user_labels.severity", "policy_user_labels.priority"))
}

func titleOf(is doc.Value) string {
	policy, condition, on := is.Get("policy_name").Text(), is.First("condition_name", "condition.displayName"), is.First("resource_display_name", "resource_name")
	if strings.HasPrefix(policy, "projects/") { // its name in the API, which tells nothing
		policy = ""
	}
	if policy == "" && condition == "" {
		return source.FirstText(is.Get("summary").Text(), is.Get("resource_name").Text())
	}
	if policy != "" && condition != "" {
		policy += ": "
	}
	if on != "" && len(on) <= 80 {
		on = " on " + on
	} else {
		on = ""
	}
	return policy + condition + on
}

func aboutOf(is doc.Value) string {
	told := is.Get("documentation")
	subject := told.Get("subject").Text()
	if told.Kind() == doc.Object {
		told = told.Get("content")
	}
	return source.Lines(subject, is.Get("summary").Text(), source.Said("Observed", is.Get("observed_value").Text()), source.Said("Threshold", is.Get("threshold_value").Text()),
		source.Said("Log filter", is.At("condition.conditionMatchedLog.filter").Text()), told.Text())
}

func labelsOf(is doc.Value) map[string]string {
	labels := source.Labels("policy", is.Get("policy_name").Text(), "condition", is.First("condition_name", "condition.displayName"),
		"project", is.First("scoping_project_id", "resource.labels.project_id"), "resource", is.First("resource_display_name", "resource_name"),
		"resource_id", is.Get("resource_id").Text(), "resource_type", is.First("resource.type", "resource_type_display_name"), "metric", is.At("metric.type").Text())
	for _, path := range [...]string{"policy_user_labels", "resource.labels", "metric.labels", "metadata.user_labels", "metadata.system_labels"} {
		source.AddFields(labels, is.At(path))
	}
	return labels
}

func linksOf(is doc.Value) []alert.Link {
	links := source.Links("Incident", is.Get("url").Text())
	for l := range source.Some(is.At("documentation.links")) {
		links = source.AppendLink(links, source.FirstText(l.Get("displayName").Text(), "Documentation"), l.Get("url").Text())
	}
	return links
}
