package gcp

import (
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
)

// crash reads what Error Reporting posts of a new group of errors (Error
// Reporting, "Notifications for Error Reporting", webhook payload). It has no
// recovery.
func crash(v doc.Value) source.Parsed {
	group, failed, on := v.Get("group_info"), v.Get("exception_info"), v.Get("event_info")
	what := strings.TrimSuffix(failed.Get("type").Text()+": "+failed.Get("message").Text(), ": ")
	told, _, _ := strings.Cut(on.Get("log_message").Text(), "\n")
	a := alert.Alert{
		Source: Name, Status: alert.Firing, Severity: alert.Error, Episode: "group", Title: source.FirstText(strings.Trim(v.Get("subject").Text()+": "+what, ": "), told, "New error"), Group: failed.Get("type").Text(),
		DedupKey: alert.HashKey(map[string]string{"project": group.Get("project_id").Text(), "group": source.FirstText(group.Get("detail_link").Text(), what)}),
		Description: source.Lines(failed.Get("message").Text(), source.Said("Request", strings.TrimSpace(on.Get("request_method").Text()+" "+on.Get("request_url").Text())), source.Said("Status", on.Get("response_status").Text()),
			on.Get("log_message").Text()),
		Labels: source.Labels("project", group.Get("project_id").Text(), "service", on.Get("service").Text(), "version", on.Get("version").Text(), "type", failed.Get("type").Text()),
		Links:  source.Links("Error group", group.Get("detail_link").Text()),
	}
	return once(a)
}

// once is the whole of a request whose alert nothing ends.
func once(a alert.Alert) source.Parsed {
	parsed := source.One(a)
	parsed.NeverEnds = true
	return parsed
}

// build reads what Cloud Build publishes of a build (Cloud Build API, Build). A
// trigger's next build that succeeds ends the alert of the one that failed.
func build(m message) source.Parsed {
	v, out := m.body, source.Parsed{SenderID: m.id}
	trigger, status := source.FirstText(v.Get("buildTriggerId").Text(), v.Get("id").Text()), v.Get("status").Text()
	name := source.FirstText(v.First("substitutions.TRIGGER_NAME", "substitutions.REPO_NAME", "source.repoSource.repoName"), trigger)
	title := "Build of " + name + " " + status
	labels := source.Labels("project", v.Get("projectId").Text(), "trigger", trigger, "build", v.Get("id").Text(), "repository", v.First("substitutions.REPO_NAME", "source.repoSource.repoName"), "branch", v.At("substitutions.BRANCH_NAME").Text(), "state", status)
	a := alert.Alert{
		Source: Name, DedupKey: alert.HashKey(map[string]string{"project": v.Get("projectId").Text(), "trigger": trigger}), Title: title, Group: name, Labels: labels, Episode: "build", Status: alert.Firing, Severity: alert.Error,
		Description: source.Lines(v.First("failureInfo.detail", "statusDetail"), source.Said("Branch", labels["branch"])), Links: source.Links("Log", v.Get("logUrl").Text()), StartedAt: source.Instant(v.First("finishTime", "startTime", "createTime")),
	}
	switch status {
	case "FAILURE", "INTERNAL_ERROR", "TIMEOUT", "EXPIRED":
	case "SUCCESS":
		a.Status, a.Severity, a.EndedAt = alert.Resolved, "", a.StartedAt
		a.StartedAt = source.Instant("")
	default:
		out.Notes = []string{title + ": no alert"}
		return out
	}
	out.Items = []source.Item{source.Fired(a)}
	return out
}
