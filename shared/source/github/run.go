package github

import (
	"cmp"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/doc"
)

// run is how something ended that runs again and again: a workflow, a job, a
// check, a commit status or a deployment.
type run struct {
	what, name string            // "workflow", "build"
	on         string            // "on main"
	parts      map[string]string // its identity from failure to success
	conclusion string
	id         string // of this one run: a failure of another is a new firing period
	at         time.Time
	about      string
	labels     map[string]string
	links      []alert.Link
}

// outcomes are the conclusions and states of GitHub (REST API, "Checks" and
// "Deployment statuses"): "" says nothing of what failed before.
var outcomes = map[string]alert.Status{
	"failure": alert.Firing, "timed_out": alert.Firing, "startup_failure": alert.Firing, "error": alert.Firing,
	"success":   alert.Resolved,
	"cancelled": "", "skipped": "", "neutral": "", "stale": "", "action_required": "",
	"pending": "", "queued": "", "in_progress": "", "waiting": "", "inactive": "", "requested": "", "abandoned": "",
}

func (e event) ended(r run) source.Parsed {
	outcome, known := outcomes[strings.ToLower(r.conclusion)]
	switch {
	case !known:
		return e.rejected("conclusion: is %.40q, expected success, failure, timed_out, cancelled or another of GitHub", r.conclusion)
	case outcome == "":
		return e.note(r.conclusion + " says nothing of an alert")
	}
	r.parts["repository"], r.parts["kind"] = e.repository, r.what
	a := e.firing(alert.Error, alert.HashKey(r.parts))
	a.Title, a.Description, a.Links = e.of(title(r, "failed")), r.about, r.links
	a.Labels = e.label("conclusion", r.conclusion)
	for name, value := range r.labels {
		a.Labels[name] = value
	}
	a.StartedAt, a.Episode = r.at, r.id
	if outcome == alert.Resolved {
		a.Status, a.Severity, a.Title = alert.Resolved, "", e.of(title(r, "succeeded"))
		a.StartedAt, a.EndedAt, a.Episode = time.Time{}, r.at, ""
	}
	return source.One(a)
}

func title(r run, outcome string) string {
	return strings.Join(strings.Fields(strings.Join([]string{r.what, r.name, outcome, r.on}, " ")), " ")
}

func onBranch(branch string) string {
	if branch == "" {
		return ""
	}
	return "on " + branch
}

func workflowRun(e event) source.Parsed {
	is := e.root.Get("workflow_run")
	if e.action != "completed" {
		return e.note("has not ended")
	}
	branch, head := is.Get("head_branch").Text(), is.At("head_repository.full_name").Text()
	name := cmp.Or(e.root.First("workflow.name", "workflow_run.name"), is.Get("path").Text())
	parts := map[string]string{"workflow": cmp.Or(e.root.First("workflow.path", "workflow_run.path", "workflow_run.workflow_id"), name), "branch": branch}
	if head != "" && head != e.repository { // a fork's main is not ours
		parts["head"] = head
	}
	return e.ended(run{
		what: "workflow", name: name, on: onBranch(branch), parts: parts, conclusion: is.Get("conclusion").Text(), id: idOf(is),
		at:    source.Instant(is.First("updated_at", "run_started_at", "created_at")),
		about: source.Lines(is.First("display_title", "head_commit.message"), source.Said("Commit", is.Get("head_sha").Text()), source.Said("By", is.First("triggering_actor.login", "actor.login", "head_commit.author.name"))),
		labels: source.Labels("workflow", name, "branch", branch, "sha", is.Get("head_sha").Text(), "run_number", is.Get("run_number").Text(), "run_attempt", is.Get("run_attempt").Text(),
			"trigger", is.Get("event").Text(), "head_repository", parts["head"]),
		links: source.Links("Run", is.Get("html_url").Text(), "Repository", e.root.At("repository.html_url").Text()),
	})
}

// idOf names an attempt of a run.
func idOf(is doc.Value) string {
	return strings.Trim(is.Get("id").Text()+"."+is.Get("run_attempt").Text(), ".")
}

func workflowJob(e event) source.Parsed {
	is := e.root.Get("workflow_job")
	if e.action != "completed" {
		return e.note("has not ended")
	}
	branch, name := is.Get("head_branch").Text(), is.Get("name").Text()
	return e.ended(run{
		what: "job", name: name, on: onBranch(branch), conclusion: is.Get("conclusion").Text(), id: idOf(is),
		parts: map[string]string{"job": name, "workflow": is.Get("workflow_name").Text(), "branch": branch},
		at:    source.Instant(is.First("completed_at", "started_at")),
		about: source.Lines(source.Said("Failed step", failedStep(is.Get("steps"))), source.Said("Workflow", is.Get("workflow_name").Text()), source.Said("Commit", is.Get("head_sha").Text()), source.Said("Runner", is.Get("runner_name").Text())),
		labels: source.Labels("workflow", is.Get("workflow_name").Text(), "job", name, "branch", branch, "sha", is.Get("head_sha").Text(), "run_id", is.Get("run_id").Text(),
			"runner", is.Get("runner_name").Text(), "runner_group", is.Get("runner_group_name").Text()),
		links: source.Links("Job", is.Get("html_url").Text()),
	})
}

func failedStep(steps doc.Value) string {
	for s := range steps.Items() {
		if outcomes[s.Get("conclusion").Text()] == alert.Firing {
			return s.Get("name").Text()
		}
	}
	return ""
}

func checkRun(e event) source.Parsed {
	is := e.root.Get("check_run")
	if e.action != "completed" {
		return e.note("has not ended")
	}
	branch, name := is.At("check_suite.head_branch").Text(), is.Get("name").Text()
	return e.ended(run{
		what: "check", name: name, on: onBranch(branch), conclusion: is.Get("conclusion").Text(), id: idOf(is), at: source.Instant(is.First("completed_at", "started_at")),
		parts:  map[string]string{"check": name, "app": is.At("app.slug").Text(), "branch": branch},
		about:  source.Lines(is.At("output.title").Text(), is.At("output.summary").Text(), source.Said("Commit", is.Get("head_sha").Text())),
		labels: source.Labels("check", name, "app", is.First("app.slug", "app.name"), "branch", branch, "sha", is.Get("head_sha").Text()),
		links:  source.Links("Check", is.Get("html_url").Text(), "Details", is.Get("details_url").Text()),
	})
}

func checkSuite(e event) source.Parsed {
	is := e.root.Get("check_suite")
	if e.action != "completed" {
		return e.note("has not ended")
	}
	branch, app := is.Get("head_branch").Text(), is.First("app.slug", "app.name")
	return e.ended(run{
		what: "checks of", name: cmp.Or(is.At("app.name").Text(), app), on: onBranch(branch), conclusion: is.Get("conclusion").Text(), id: idOf(is),
		parts: map[string]string{"app": app, "branch": branch}, at: source.Instant(is.First("updated_at", "created_at")),
		about:  source.Lines(is.At("head_commit.message").Text(), source.Said("Commit", is.Get("head_sha").Text())),
		labels: source.Labels("app", app, "branch", branch, "sha", is.Get("head_sha").Text()),
		links:  source.Links("Repository", e.root.At("repository.html_url").Text()),
	})
}

// status reads the status of a commit, which is of the first branch that
// holds the commit, or of the commit alone.
func status(e event) source.Parsed {
	name, sha := e.root.Get("context").Text(), e.root.Get("sha").Text()
	branch := e.root.At("branches.0.name").Text()
	return e.ended(run{
		what: "status", name: name, on: onBranch(branch), conclusion: e.root.Get("state").Text(), id: e.root.Get("id").Text(),
		parts: map[string]string{"context": name, "branch": cmp.Or(branch, sha)}, at: source.Instant(e.root.First("updated_at", "created_at")),
		about:  source.Lines(e.root.Get("description").Text(), e.root.At("commit.commit.message").Text(), source.Said("Commit", sha)),
		labels: source.Labels("context", name, "branch", branch, "sha", sha),
		links:  source.Links("Details", e.root.Get("target_url").Text(), "Commit", e.root.At("commit.html_url").Text()),
	})
}

// deploymentStatus: a deployment that succeeded is a change, too.
func deploymentStatus(e event) source.Parsed {
	is, of := e.root.Get("deployment_status"), e.root.Get("deployment")
	environment := cmp.Or(is.Get("environment").Text(), of.Get("environment").Text())
	name := of.First("ref", "sha")
	if environment != "" {
		name += " to " + environment
	}
	out := e.ended(run{
		what: "deployment of", name: name, conclusion: is.Get("state").Text(), id: of.Get("id").Text(),
		parts: map[string]string{"environment": environment, "task": of.Get("task").Text()}, at: source.Instant(is.First("created_at", "updated_at")),
		about:  source.Lines(is.Get("description").Text(), of.Get("description").Text(), source.Said("Commit", of.Get("sha").Text()), source.Said("By", of.At("creator.login").Text())),
		labels: source.Labels("environment", environment, "ref", of.Get("ref").Text(), "sha", of.Get("sha").Text(), "task", of.Get("task").Text()),
		links:  source.Links("Log", is.First("log_url", "target_url"), "Environment", is.Get("environment_url").Text(), "Workflow", e.root.At("workflow_run.html_url").Text()),
	})
	if outcomes[is.Get("state").Text()] == alert.Resolved {
		out.Changes = append(out.Changes, e.deployed(environment, is.First("created_at", "updated_at")))
	}
	return out
}
