package azure

import (
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
)

// Services of the activity log.
const (
	serviceHealth  = "servicehealth"
	resourceHealth = "resourcehealth"
	security       = "security"
)

// serviceOf is a monitoring service without what its name is joined by:
// "Activity Log - Security" is security.
func serviceOf(name string) string {
	name = strings.ReplaceAll(strings.ToLower(name), " ", "")
	return strings.TrimPrefix(name, "activitylog-")
}

// neverEnds: events of the activity log and of costs happened, but for those
// of the two health services.
func neverEnds(name string) bool {
	switch serviceOf(name) {
	case "administrative", "policy", "autoscale", security, "recommendation", "alert", "costalerts":
		return true
	}
	return false
}

// isConstant tells the severity that every alert on the activity log bears.
func isConstant(word string) bool {
	return word == "" || strings.EqualFold(word, "sev4") || word == "4"
}

// meant is the severity of an event of the activity log by what it tells. told
// is that of everything else.
func meant(told alert.Severity, service string, event doc.Value) alert.Severity {
	about := event.Get("properties")
	switch serviceOf(service) {
	case serviceHealth:
		return issue(about.Get("incidentType").Text(), levelOf(event.Get("level").Text()))
	case resourceHealth:
		return resource(about, told)
	case security:
		return worse(severityOf(about.Get("severity").Text()), told)
	case "administrative", "policy", "autoscale", "recommendation", "alert":
		level := levelOf(event.Get("level").Text())
		if strings.EqualFold(event.Get("status").Text(), "Failed") {
			level = worse(level, alert.Error)
		}
		return worse(level, told)
	}
	return told
}

// issue of Service Health: one that is told concerns the subscription, so its
// level, which is of how many others it concerns, only makes it worse (Azure
// Service Health, "Azure service health notifications", incidentType and
// level).
func issue(kind string, level alert.Severity) alert.Severity {
	switch strings.ReplaceAll(strings.ToLower(kind), " ", "") {
	case "incident":
		return worse(level, alert.Error)
	case "actionrequired", "security", "securityadvisory", "billing":
		return worse(level, alert.Warning)
	case "maintenance", "plannedmaintenance", "information", "informational", "healthadvisory":
		if level == "" {
			return alert.Info
		}
	}
	return level
}

// resource: what somebody did to his own machine is told by Resource Health
// like an outage (Azure Resource Health, "Resource health virtual machine
// Health Annotations").
func resource(about doc.Value, told alert.Severity) alert.Severity {
	mine := strings.EqualFold(about.Get("cause").Text(), "UserInitiated")
	switch strings.ToLower(about.Get("currentHealthStatus").Text()) {
	case "unavailable":
		if mine {
			return alert.Info
		}
		return alert.Error
	case "degraded", "unknown":
		if mine {
			return alert.Info
		}
		return alert.Warning
	}
	return told
}

func worse(a, b alert.Severity) alert.Severity {
	if a == "" || b != "" && b.Priority().Higher(a.Priority()) {
		return b
	}
	return a
}
