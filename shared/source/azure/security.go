package azure

import (
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// sentinel reads an incident of Microsoft Sentinel as a playbook is given it
// (Microsoft Sentinel REST API, Incidents; Logic Apps connector, incident
// trigger). The same id names it until it is closed.
func sentinel(incident, update doc.Value) (alert.Alert, string) {
	is := incident.Get("properties")
	id := source.FirstText(incident.Get("name").Text(), incident.Get("id").Text(), is.Get("incidentNumber").Text())
	if id == "" {
		return alert.Alert{}, "object.name: missing; an incident of Sentinel needs its id"
	}
	more := is.Get("additionalData")
	a := alert.Alert{
		Source: Name, Status: alert.Firing, DedupKey: alert.SenderKey("sentinel_incident", strings.ToLower(id)), Episode: "incident", Severity: source.SeverityOf(is.Get("severity").Text()),
		Title: source.FirstText(is.Get("title").Text(), is.Get("description").Text(), "Incident "+is.Get("incidentNumber").Text()+" of Sentinel"), Group: source.Listed(more.Get("alertProductNames")),
		Description: source.Lines(is.Get("description").Text(), source.Said("Tactics", source.Listed(more.Get("tactics"))), source.Said("Alerts", more.Get("alertsCount").Text()),
			source.Said("Closed as", strings.TrimSpace(is.Get("classification").Text()+" "+is.Get("classificationReason").Text())), source.Said("Comment", is.Get("classificationComment").Text())),
		Labels: source.Labels("incident_number", is.Get("incidentNumber").Text(), "state", is.Get("status").Text(), "owner", is.First("owner.assignedTo", "owner.email"), "provider", is.Get("providerName").Text(),
			"products", source.Listed(more.Get("alertProductNames")), "tactics", source.Listed(more.Get("tactics"))),
		Links: source.Links("Incident", is.Get("incidentUrl").Text()), StartedAt: source.Instant(is.First("firstActivityTimeUtc", "createdTimeUtc")),
	}
	addTarget(a.Labels, incident.Get("id").Text())
	switch strings.ToLower(is.Get("status").Text()) {
	case "closed":
		a.Status, a.EndedAt = alert.Resolved, source.Instant(source.FirstText(update.Get("updatedTime").Text(), is.First("lastModifiedTimeUtc")))
	case "new", "active", "":
	default:
		return a, "object.properties.status: is \"" + is.Get("status").Head(40) + "\", expected New, Active or Closed"
	}
	return a, ""
}

// defender reads an alert of Microsoft Defender for Cloud or of a rule of
// Sentinel, as their triggers of Logic Apps give it (Defender for Cloud,
// "Security alerts schemas").
func defender(is doc.Value) (alert.Alert, string) {
	a := alert.Alert{
		Source: Name, Status: alert.Firing, DedupKey: alert.SenderKey("security_alert", is.Get("SystemAlertId").Text()), Episode: "alert", Severity: source.SeverityOf(is.First("Severity", "AlertSeverity")),
		Title: on(source.FirstText(is.First("AlertDisplayName", "DisplayName", "AlertName"), is.Get("Description").Text(), "Security alert"), is.Get("CompromisedEntity").Text()), Group: is.First("AlertType", "ProductName"),
		Description: source.Lines(is.Get("Description").Text(), source.Said("Intent", is.First("Intent", "Tactics")), source.Said("To do", source.Listed(is.Get("RemediationSteps").Inner()))),
		Labels: source.Labels("alert_type", is.Get("AlertType").Text(), "product", is.Get("ProductName").Text(), "vendor", is.Get("VendorName").Text(), "entity", is.Get("CompromisedEntity").Text(),
			"subscription", is.First("AzureResourceSubscriptionId", "WorkspaceSubscriptionId"), "resource_id", is.Get("AzureResourceId").Text(), "state", is.Get("Status").Text()),
		Links: source.Links("Alert", is.First("AlertUri", "AlertLink")), StartedAt: source.Instant(is.First("StartTimeUtc", "TimeGeneratedUtc", "TimeGenerated")),
	}
	addTarget(a.Labels, is.Get("AzureResourceId").Text())
	switch strings.ToLower(is.Get("Status").Text()) {
	case "resolved", "dismissed":
		a.Status, a.EndedAt = alert.Resolved, source.Instant(is.First("ProcessingEndTime", "EndTimeUtc"))
	}
	return a, ""
}
