// Package opsgenie reads the webhooks that Opsgenie, and the operations of
// Jira Service Management after it, send about what is done to their alerts.
//
//	parsed, err := opsgenie.Source.Parse(&source.Request{Body: body, At: received})
package opsgenie

import (
	"cmp"
	"fmt"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Name is the word of this source.
const Name = "opsgenie"

// Source is Opsgenie. It signs nothing; its user can add headers.
var Source = source.Source{
	Name: Name, Aliases: []string{"opsgenie_webhook"}, Parse: Parse,
	Marks: []string{
		"action alert.alertId alert.message", "action alert.alertId integrationId", "action alert.alertId alert.tinyId", "action alert.id alert.tinyId alert.message", "header:User-Agent=*Opsgenie* action alert",
	},
	Guide: source.Guide{
		Product: "Opsgenie, Jira Service Management Operations", Page: "https://support.atlassian.com/opsgenie/docs/integrate-opsgenie-with-webhook/",
		Setup: []string{
			"In Settings, Integrations, add the integration Webhook with the URL {url}.",
			"Turn on Add alert description and Add alert details, and add the header Authorization: Bearer <secret>.",
			"Choose the actions Create, Acknowledge, UnAcknowledge, Update priority, Close and Delete.",
		},
		Proof: "A header of your own: Authorization: Bearer <secret>. Opsgenie signs nothing.",
		Understood: "Create, UnAcknowledge and UpdatePriority fire, Acknowledge acknowledges, Close and Delete end. Notes, tags, teams, owners, snoozes, escalations and custom actions say nothing of the alert's state " +
			"and are notes. Priorities P1 to P5, or 1 to 5.",
		Repeats: "Statuses and times are not published.",
	},
}

// Parse reads one action on one alert.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	is, action := root.Get("alert"), root.Get("action").Text()
	if is.Kind() != doc.Object {
		return source.Parsed{}, fault.New(fault.Invalid, "alert: is %s, expected the object of an Opsgenie webhook", is.Kind())
	}
	status, known := statuses[strings.ToLower(strings.ReplaceAll(action, " ", ""))]
	if !known {
		return source.Parsed{Notes: []string{fmt.Sprintf("%.60s on %.200s: says nothing of the alert's state", cmp.Or(action, "no action"), is.First("message", "alertId"))}}, nil
	}
	if is.First("alertId", "id", "alias") == "" {
		return source.Parsed{Items: []source.Item{{Rejected: "alert.alertId: missing"}}}, nil
	}
	return source.One(one(is, root, status)), nil
}

// statuses are the actions that tell an alert's state (Opsgenie documentation,
// "Webhook integration"). Any other word may be a custom action.
var statuses = map[string]alert.Status{
	"create": alert.Firing, "unacknowledge": alert.Firing, "updatepriority": alert.Firing,
	"acknowledge": alert.Acknowledged, "close": alert.Resolved, "delete": alert.Resolved,
}

func one(is, root doc.Value, status alert.Status) alert.Alert {
	id := is.First("alertId", "id", "alias")
	a := alert.Alert{
		Source: Name, Status: status, DedupKey: alert.SenderKey("alert", id), Episode: id, Severity: severityOf(is.Get("priority").Text()), Title: source.FirstText(is.Get("message").Text(), is.Get("alias").Text()),
		Group: is.First("entity", "alias"), StartedAt: source.Instant(is.First("createdAt", "insertedAt")), Description: source.Lines(is.Get("description").Text(), source.Said("Note", is.Get("note").Text())),
		Labels: source.Labels("entity", is.Get("entity").Text(), "alias", is.Get("alias").Text(), "tiny_id", is.Get("tinyId").Text(), "source", is.Get("source").Text(), "tags", join(is.Get("tags")),
			"teams", cmp.Or(is.Get("team").Text(), join(is.Get("teams"))), "owner", is.Get("owner").Text(), "actor", is.Get("username").Text(), "integration", root.Get("integrationName").Text(),
			"opsgenie_priority", is.Get("priority").Text()),
	}
	source.AddFields(a.Labels, is.Get("details"))
	for name, v := range source.Named(is.Get("details")) {
		a.Links = source.AppendLink(a.Links, name, v.Text())
	}
	if status == alert.Resolved {
		a.EndedAt = source.Instant(is.Get("updatedAt").Text())
	}
	return a
}

func severityOf(word string) alert.Severity {
	switch strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(word)), "P") {
	case "1":
		return alert.Critical
	case "2":
		return alert.Error
	case "3":
		return alert.Warning
	case "4", "5":
		return alert.Info
	}
	return source.SeverityOf(word)
}

func join(list doc.Value) string {
	var texts []string
	for v := range source.Some(list) {
		if text := v.Text(); text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}
