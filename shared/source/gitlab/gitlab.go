// Package gitlab reads webhooks of GitLab projects, groups and instances: how
// pipelines, jobs and deployments ended, vulnerabilities, incidents and tokens
// that expire, and pushes, tags, releases, deployments and feature flags as
// changes.
//
//	parsed, err := gitlab.Source.Parse(&source.Request{Header: header, Body: body, At: received})
package gitlab

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/forge"
	"tocsin/shared/source/proof"
)

// Name is the word of this source.
const Name = "gitlab"

// Source is GitLab.
var Source = source.Source{
	Name: Name, Parse: Parse, Verify: verify, Headers: []string{"Idempotency-Key", "Webhook-Id"},
	Marks: []string{
		"header:X-Gitlab-Event", "header:X-Gitlab-Token", "header:User-Agent=GitLab/*",
		"object_kind project.path_with_namespace", "object_kind=pipeline object_attributes.ref object_attributes.status", "object_kind=build build_status build_name",
		"object_kind=deployment deployment_id environment", "object_kind=access_token event_name object_attributes", "object_kind=vulnerability object_attributes.report_type",
		"event_name=push|tag_push|repository_update|merge_request project_id project.web_url", "event_name=project_*|user_*|group_*|key_*|repository_update created_at updated_at", "object_kind=issue|work_item object_attributes.iid", "object_kind=alert object_attributes.events object_attributes.started_at",
	},
	Guide: source.Guide{
		Product: "GitLab", Page: "https://docs.gitlab.com/user/project/integrations/webhook_events/",
		Setup: []string{
			"In the project's or group's Settings, Webhooks, add one with the URL {url} and a secret token, or a signing token where GitLab offers it.",
			"Tick pipeline events and deployment events; for security vulnerability events, and project or group access token events; for changes push, tag push, releases and feature flag events.",
			"Job events tell each job: leave them out where pipelines are ticked.",
		},
		Proof: "X-Gitlab-Token is the secret token; or webhook-signature, by Standard Webhooks, with the signing token (whsec_...).",
		Understood: "pipeline, build and deployment: failed fires, the next success of the same ref, job or environment recovers; canceled, skipped and the like say nothing, nor does a job that is allowed to fail. " +
			"vulnerability: detected and confirmed until resolved or dismissed. Issues of the type incident, until they are closed or their status is resolved. Alerts that GitLab took in, until they are resolved or ignored. Access tokens that expire, which never recover. " +
			"push, tag_push, release, successful deployments, feature_flag: changes. Everything else is a note.",
		Repeats: "Statuses are not published; a repeat keeps the Idempotency-Key. After 4 failures in a row a webhook pauses, after 40 it stops.",
	},
}

// verify takes either proof: GitLab sends both where a webhook has both.
var verify = proof.Any(proof.Header{Name: "X-Gitlab-Token"}.Verify, proof.Standard{}.Verify)

// Parse reads one event.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	e := eventOf(root)
	if e.Kind == "" {
		return source.Parsed{}, fault.New(fault.Invalid, "object_kind: missing; expected the object of a GitLab event")
	}
	e.sent = cmp.Or(r.Header.Get("Idempotency-Key"), r.Header.Get("webhook-id"))
	read, known := readers[e.Kind]
	if !known {
		read = func(e event) source.Parsed { return e.Note("says nothing of an alert") }
	}
	out := read(e)
	out.SenderID = e.sent
	return out, nil
}

// event is a body with what most have in common.
type event struct {
	forge.Event
	root, is doc.Value
	sent     string // the sender's id of the request
}

func eventOf(root doc.Value) event {
	group := root.First("group.full_path", "group.group_path", "group.group_name")
	e := event{root: root, is: root.Get("object_attributes"), Event: forge.Event{
		Source: Name, Kind: root.First("object_kind", "event_name", "event_type"), Scope: "project", Where: root.First("project.path_with_namespace", "project.name", "project_name"),
		Labels: source.Labels("group", group, "actor", root.First("user.username", "user_username", "user.name", "user_name")),
	}}
	if e.Where == "" && group != "" {
		e.Scope, e.Where = "group", group
	}
	return e
}

var readers = map[string]func(event) source.Parsed{
	"pipeline": pipeline, "build": job, "deployment": deployment, "access_token": token, "vulnerability": vulnerability, "issue": incident, "work_item": incident, "alert": managed,
	"push": push, "tag_push": push, "release": release, "feature_flag": flag,
}

// outcomes are the statuses of pipelines, jobs and deployments (GitLab
// documentation, "Webhook events" and "CI/CD pipelines").
var outcomes = forge.Outcomes{
	"failed": alert.Firing, "success": alert.Resolved,
	"canceled": "", "canceling": "", "skipped": "", "running": "", "pending": "", "created": "", "manual": "", "scheduled": "", "preparing": "",
	"waiting_for_resource": "", "waiting_for_callback": "", "blocked": "", "approved": "", "rejected": "",
}

func pipeline(e event) source.Parsed {
	ref, id := e.is.Get("ref").Text(), e.is.Get("id").Text()
	page := e.is.Get("url").Text()
	if web := e.root.At("project.web_url").Text(); page == "" && web != "" {
		page = web + "/-/pipelines/" + id
	}
	return e.Ended(forge.Run{
		What: "pipeline", On: forge.On(ref), Parts: map[string]string{"ref": ref}, Status: e.is.Get("status").Text(), ID: id,
		At:     source.Instant(e.is.First("finished_at", "created_at")),
		About:  source.Lines(source.Said("Failed", failedJobs(e.root.Get("builds"))), e.root.First("commit.title", "commit.message"), source.Said("Commit", e.is.Get("sha").Text()), source.Said("By", e.root.First("user.username", "user.name"))),
		Labels: source.Labels("ref", ref, "sha", e.is.Get("sha").Text(), "pipeline", id, "trigger", e.is.Get("source").Text(), "name", e.is.Get("name").Text()),
		Links:  source.Links("Pipeline", page, "Commit", e.root.At("commit.url").Text()),
	}, outcomes)
}

func failedJobs(builds doc.Value) string {
	var names []string
	for b := range source.Some(builds) {
		if b.Get("status").Text() == "failed" && !b.Get("allow_failure").True() {
			names = append(names, b.Get("name").Text())
		}
	}
	return strings.Join(names, ", ")
}

func job(e event) source.Parsed {
	name, ref := e.root.Get("build_name").Text(), e.root.Get("ref").Text()
	if e.root.Get("build_allow_failure").True() && e.root.Get("build_status").Text() == "failed" {
		return e.Note(name + " failed, and is allowed to")
	}
	page := ""
	if web := e.root.First("project.web_url", "repository.homepage"); web != "" {
		page = web + "/-/jobs/" + e.root.Get("build_id").Text()
	}
	return e.Ended(forge.Run{
		What: "job", Name: name, On: forge.On(ref), Parts: map[string]string{"job": name, "stage": e.root.Get("build_stage").Text(), "ref": ref},
		Status: e.root.Get("build_status").Text(), ID: e.root.Get("build_id").Text(), At: source.Instant(e.root.First("build_finished_at", "build_started_at", "build_created_at")),
		About: source.Lines(source.Said("Reason", e.root.Get("build_failure_reason").Text()), e.root.First("commit.title", "commit.message"), source.Said("Commit", e.root.Get("sha").Text())),
		Labels: source.Labels("job", name, "stage", e.root.Get("build_stage").Text(), "ref", ref, "sha", e.root.Get("sha").Text(), "pipeline", e.root.Get("pipeline_id").Text(),
			"environment", e.root.At("environment.name").Text(), "runner", e.root.At("runner.description").Text(), "reason", e.root.Get("build_failure_reason").Text()),
		Links: source.Links("Job", page),
	}, outcomes)
}

// deployment: one that succeeded is a change, too.
func deployment(e event) source.Parsed {
	environment, ref, at := e.root.First("environment", "environment_slug"), e.root.Get("ref").Text(), source.Instant(e.root.Get("status_changed_at").Text())
	name := fmt.Sprintf("%s to %s", cmp.Or(ref, e.root.Get("short_sha").Text(), "a commit"), environment)
	labels := source.Labels("environment", environment, "tier", e.root.Get("environment_tier").Text(), "ref", ref, "sha", e.root.Get("short_sha").Text())
	links := source.Links("Job", e.root.Get("deployable_url").Text(), "Environment", e.root.Get("environment_external_url").Text(), "Commit", e.root.Get("commit_url").Text())
	id := e.root.First("deployment_id", "deployable_id")
	out := e.Ended(forge.Run{
		What: "deployment of", Name: name, Parts: map[string]string{"environment": environment}, Status: e.root.Get("status").Text(), ID: id, At: at,
		About: source.Lines(e.root.Get("commit_title").Text(), source.Said("Commit", e.root.Get("short_sha").Text()), source.Said("By", e.root.First("user.username", "user.name"))), Labels: labels, Links: links,
	}, outcomes)
	if e.root.Get("status").Text() == "success" {
		out.Changes = append(out.Changes, e.Change(e.Kind, id, "deployment of "+name, at, labels, links))
	}
	return out
}

// token is told some weeks and again some days before the token expires, and
// never when it was renewed.
func token(e event) source.Parsed {
	until, owner := e.is.Get("expires_at").Text(), e.root.First("project.path_with_namespace", "project.name", "group.full_path", "group.group_name")
	id := e.root.First("project.id", "group.group_id") + "/" + e.is.Get("id").Text()
	if e.root.Get("group").Present() {
		id = "group/" + id
	}
	verb := "expires on "
	if strings.HasPrefix(e.root.Get("event_name").Text(), "expired") {
		verb = "expired on "
	}
	return source.One(alert.Alert{
		Source: Name, Status: alert.Firing, Severity: alert.Warning, DedupKey: alert.SenderKey("access_token", id), Episode: cmp.Or(until, id), Group: owner,
		Title:  strings.TrimSpace("access token " + e.is.Get("name").Text() + " of " + owner + " " + verb + until),
		Labels: e.Label("token", e.is.Get("name").Text(), "token_id", e.is.Get("id").Text(), "expires_at", until, "user_id", e.is.Get("user_id").Text()),
		Links:  source.Links("Project", e.root.At("project.web_url").Text()),
	})
}

func vulnerability(e event) source.Parsed {
	page := e.is.Get("url").Text()
	a := alert.Alert{
		Source: Name, Severity: source.SeverityOf(e.is.Get("severity").Text()), Group: e.Where, Title: e.Of(e.is.Get("title").Text()), StartedAt: source.Instant(e.is.First("created_at", "detected_at")),
		Description: source.Lines(e.is.Get("description").Text(), source.Said("Found in", e.is.First("location.file", "location.image", "location.hostname")), source.Said("Found by", e.is.Get("report_type").Text())),
		Labels: e.Label("report_type", e.is.Get("report_type").Text(), "state", e.is.Get("state").Text(), "project_id", e.is.Get("project_id").Text(), "identifier", e.is.At("identifiers.0.name").Text(),
			"file", e.is.At("location.file").Text(), "package", e.is.At("location.dependency.package.name").Text()),
		Links: source.Links("Vulnerability", page, "Reference", e.is.At("identifiers.0.url").Text()),
	}
	if a.DedupKey = alert.SenderKey("vulnerability", page); page == "" {
		a.DedupKey = alert.HashKey(map[string]string{"project": e.is.Get("project_id").Text(), "title": e.is.Get("title").Text(), "at": e.is.Get("location").Text()})
	}
	switch state := strings.ToLower(e.is.Get("state").Text()); state {
	case "detected", "confirmed":
		a.Status = alert.Firing
	case "resolved", "dismissed":
		a.Status, a.EndedAt = alert.Resolved, source.Instant(e.is.First("resolved_at", "dismissed_at"))
	default:
		return e.Rejected("object_attributes.state: is %.40q, expected detected, confirmed, resolved or dismissed", state)
	}
	return source.One(a)
}

// incident reads issues of that type; other issues are no alerts.
func incident(e event) source.Parsed {
	if !strings.EqualFold(e.is.Get("type").Text(), "incident") {
		return e.Note("says nothing of an alert")
	}
	a := alert.Alert{
		Source: Name, Severity: source.SeverityOf(e.is.Get("severity").Text()), Group: e.Where, Title: e.is.Get("title").Text(), Description: e.is.Get("description").Text(),
		DedupKey: alert.SenderKey("incident", e.Where+"#"+e.is.First("iid", "id")), StartedAt: source.Instant(e.is.Get("created_at").Text()),
		Labels: e.Label("iid", e.is.Get("iid").Text(), "escalation_status", e.is.Get("escalation_status").Text()), Links: source.Links("Incident", e.is.Get("url").Text()),
	}
	switch state := strings.ToLower(e.is.Get("state").Text()); state {
	case "opened":
		a.Status = escalated(e.is.Get("escalation_status").Text())
	case "closed":
		a.Status, a.EndedAt = alert.Resolved, source.Instant(e.is.Get("closed_at").Text())
	default:
		return e.Rejected("object_attributes.state: is %.40q, expected opened or closed", state)
	}
	return source.One(a)
}

// escalated is what the status of an open incident says (GitLab documentation,
// "Incidents", Change status).
func escalated(status string) alert.Status {
	switch strings.ToLower(status) {
	case "acknowledged":
		return alert.Acknowledged
	case "resolved":
		return alert.Resolved
	}
	return alert.Firing
}

// managed reads an alert that GitLab itself took in (lib/gitlab/data_builder/alert.rb).
func managed(e event) source.Parsed {
	page := e.is.Get("url").Text()
	a := alert.Alert{
		Source: Name, Severity: source.SeverityOf(e.is.Get("severity").Text()), Group: e.Where, Title: e.Of(source.FirstText(e.is.Get("title").Text(), "alert")), DedupKey: alert.SenderKey("alert", page),
		StartedAt: source.Instant(e.is.Get("started_at").Text()), Labels: e.Label("events", e.is.Get("events").Text()), Links: source.Links("Alert", page),
	}
	if page == "" {
		a.DedupKey = alert.HashKey(map[string]string{"project": e.Where, "title": a.Title})
	}
	switch state := strings.ToLower(e.is.Get("status").Text()); state {
	case "triggered":
		a.Status = alert.Firing
	case "acknowledged":
		a.Status = alert.Acknowledged
	case "resolved", "ignored":
		a.Status, a.EndedAt = alert.Resolved, source.Instant(e.is.Get("ended_at").Text())
	default:
		return e.Rejected("object_attributes.status: is %.40q, expected triggered, acknowledged, resolved or ignored", state)
	}
	return source.One(a)
}

func push(e event) source.Parsed {
	ref, after := e.root.Get("ref").Text(), e.root.Get("after").Text()
	if checkout := e.root.Get("checkout_sha"); strings.Trim(after, "0") == "" || checkout.Kind() == doc.Null {
		return e.Note("deletes " + ref)
	}
	who, last := e.root.First("user_username", "user_name"), e.root.Get("commits").Index(e.root.Get("commits").Len()-1)
	title := who + " pushed to " + strings.TrimPrefix(ref, "refs/heads/")
	if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		title = who + " pushed the tag " + tag
	}
	if about, _, _ := strings.Cut(last.First("title", "message"), "\n"); about != "" {
		title += " (" + about + ")"
	}
	labels := source.Labels("ref", ref, "sha", after, "commits", e.root.Get("total_commits_count").Text())
	return source.Parsed{Changes: []source.Change{e.Change(e.Kind, ref+"@"+after, title, source.Instant(last.Get("timestamp").Text()), labels, source.Links("Commit", last.Get("url").Text(), "Project", e.root.At("project.web_url").Text()))}}
}

// release counts when it is created.
func release(e event) source.Parsed {
	if action := e.root.Get("action").Text(); action != "create" {
		return e.Note(action + " says nothing of an alert")
	}
	labels := source.Labels("tag", e.root.Get("tag").Text(), "sha", e.root.At("commit.id").Text())
	return source.Parsed{Changes: []source.Change{e.Change(e.Kind, e.root.First("id", "tag"), "release "+e.root.First("name", "tag"), source.Instant(e.root.First("released_at", "created_at")), labels,
		source.Links("Release", e.root.Get("url").Text()))}}
}

// flag has no time and no id of its own: its change is known by the request.
func flag(e event) source.Parsed {
	state := "off"
	if e.is.Get("active").True() {
		state = "on"
	}
	name := e.is.Get("name").Text()
	labels := source.Labels("flag", name, "active", e.is.Get("active").Text())
	return source.Parsed{Changes: []source.Change{e.Change(e.Kind, name+"@"+e.sent, "feature flag "+name+" turned "+state, time.Time{}, labels, source.Links("Project", e.root.At("project.web_url").Text()))}}
}
