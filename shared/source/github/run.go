package github

import (
	"cmp"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/forge"
)

// outcomes are the conclusions and states of GitHub (REST API, "Checks",
// "Deployment statuses" and "Pages").
var outcomes = forge.Outcomes{
	"failure": alert.Firing, "timed_out": alert.Firing, "startup_failure": alert.Firing, "error": alert.Firing, "errored": alert.Firing,
	"success": alert.Resolved, "built": alert.Resolved,
	"cancelled": "", "skipped": "", "neutral": "", "stale": "", "action_required": "",
	"pending": "", "queued": "", "in_progress": "", "waiting": "", "inactive": "", "requested": "", "abandoned": "", "building": "",
}

func workflowRun(e event) source.Parsed {
	is := e.root.Get("workflow_run")
	if e.Action != "completed" {
		return e.Note("has not ended")
	}
	branch, head := is.Get("head_branch").Text(), is.At("head_repository.full_name").Text()
	name := cmp.Or(e.root.First("workflow.name", "workflow_run.name"), is.Get("path").Text())
	parts := map[string]string{"workflow": cmp.Or(e.root.First("workflow.path", "workflow_run.path", "workflow_run.workflow_id"), name), "branch": branch}
	if head != "" && head != e.Where { // a fork's main is not ours
		parts["head"] = head
	}
	return e.Ended(forge.Run{
		What: "workflow", Name: name, On: forge.On(branch), Parts: parts, Status: is.Get("conclusion").Text(), ID: idOf(is),
		At:    source.Instant(is.First("updated_at", "run_started_at", "created_at")),
		About: source.Lines(is.First("display_title", "head_commit.message"), source.Said("Commit", is.Get("head_sha").Text()), source.Said("By", is.First("triggering_actor.login", "actor.login", "head_commit.author.name"))),
		Labels: source.Labels("workflow", name, "branch", branch, "sha", is.Get("head_sha").Text(), "run_number", is.Get("run_number").Text(), "run_attempt", is.Get("run_attempt").Text(),
			"trigger", is.Get("event").Text(), "head_repository", parts["head"]),
		Links: source.Links("Run", is.Get("html_url").Text(), "Repository", e.root.At("repository.html_url").Text()),
	}, outcomes)
}

// idOf names an attempt of a run.
func idOf(is doc.Value) string {
	return strings.Trim(is.Get("id").Text()+"."+is.Get("run_attempt").Text(), ".")
}

func workflowJob(e event) source.Parsed {
	is := e.root.Get("workflow_job")
	if e.Action != "completed" {
		return e.Note("has not ended")
	}
	branch, name := is.Get("head_branch").Text(), is.Get("name").Text()
	return e.Ended(forge.Run{
		What: "job", Name: name, On: forge.On(branch), Status: is.Get("conclusion").Text(), ID: idOf(is),
		Parts: map[string]string{"job": name, "workflow": is.Get("workflow_name").Text(), "branch": branch},
		At:    source.Instant(is.First("completed_at", "started_at")),
		About: source.Lines(source.Said("Failed step", failedStep(is.Get("steps"))), source.Said("Workflow", is.Get("workflow_name").Text()), source.Said("Commit", is.Get("head_sha").Text()), source.Said("Runner", is.Get("runner_name").Text())),
		Labels: source.Labels("workflow", is.Get("workflow_name").Text(), "job", name, "branch", branch, "sha", is.Get("head_sha").Text(), "run_id", is.Get("run_id").Text(),
			"runner", is.Get("runner_name").Text(), "runner_group", is.Get("runner_group_name").Text()),
		Links: source.Links("Job", is.Get("html_url").Text()),
	}, outcomes)
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
	if e.Action != "completed" {
		return e.Note("has not ended")
	}
	branch, name := is.At("check_suite.head_branch").Text(), is.Get("name").Text()
	return e.Ended(forge.Run{
		What: "check", Name: name, On: forge.On(branch), Status: is.Get("conclusion").Text(), ID: idOf(is), At: source.Instant(is.First("completed_at", "started_at")),
		Parts:  map[string]string{"check": name, "app": is.At("app.slug").Text(), "branch": branch},
		About:  source.Lines(is.At("output.title").Text(), is.At("output.summary").Text(), source.Said("Commit", is.Get("head_sha").Text())),
		Labels: source.Labels("check", name, "app", is.First("app.slug", "app.name"), "branch", branch, "sha", is.Get("head_sha").Text()),
		Links:  source.Links("Check", is.Get("html_url").Text(), "Details", is.Get("details_url").Text()),
	}, outcomes)
}

func checkSuite(e event) source.Parsed {
	is := e.root.Get("check_suite")
	if e.Action != "completed" {
		return e.Note("has not ended")
	}
	branch, app := is.Get("head_branch").Text(), is.First("app.slug", "app.name")
	return e.Ended(forge.Run{
		What: "checks of", Name: cmp.Or(is.At("app.name").Text(), app), On: forge.On(branch), Status: is.Get("conclusion").Text(), ID: idOf(is),
		Parts: map[string]string{"app": app, "branch": branch}, At: source.Instant(is.First("updated_at", "created_at")),
		About:  source.Lines(is.At("head_commit.message").Text(), source.Said("Commit", is.Get("head_sha").Text())),
		Labels: source.Labels("app", app, "branch", branch, "sha", is.Get("head_sha").Text()),
		Links:  source.Links("Repository", e.root.At("repository.html_url").Text()),
	}, outcomes)
}

// status reads the status of a commit, which is of the first branch that
// holds the commit, or of the commit alone.
func status(e event) source.Parsed {
	name, sha := e.root.Get("context").Text(), e.root.Get("sha").Text()
	branch := e.root.At("branches.0.name").Text()
	return e.Ended(forge.Run{
		What: "status", Name: name, On: forge.On(branch), Status: e.root.Get("state").Text(), ID: e.root.Get("id").Text(),
		Parts: map[string]string{"context": name, "branch": cmp.Or(branch, sha)}, At: source.Instant(e.root.First("updated_at", "created_at")),
		About:  source.Lines(e.root.Get("description").Text(), e.root.At("commit.commit.message").Text(), source.Said("Commit", sha)),
		Labels: source.Labels("context", name, "branch", branch, "sha", sha),
		Links:  source.Links("Details", e.root.Get("target_url").Text(), "Commit", e.root.At("commit.html_url").Text()),
	}, outcomes)
}

// deploymentStatus: a deployment that succeeded is a change, too.
func deploymentStatus(e event) source.Parsed {
	is, of := e.root.Get("deployment_status"), e.root.Get("deployment")
	environment := cmp.Or(is.Get("environment").Text(), of.Get("environment").Text())
	name := of.First("ref", "sha")
	if environment != "" {
		name += " to " + environment
	}
	out := e.Ended(forge.Run{
		What: "deployment of", Name: name, Status: is.Get("state").Text(), ID: of.Get("id").Text(),
		Parts: map[string]string{"environment": environment, "task": of.Get("task").Text()}, At: source.Instant(is.First("created_at", "updated_at")),
		About:  source.Lines(is.Get("description").Text(), of.Get("description").Text(), source.Said("Commit", of.Get("sha").Text()), source.Said("By", of.At("creator.login").Text())),
		Labels: source.Labels("environment", environment, "ref", of.Get("ref").Text(), "sha", of.Get("sha").Text(), "task", of.Get("task").Text()),
		Links:  source.Links("Log", is.First("log_url", "target_url"), "Environment", is.Get("environment_url").Text(), "Workflow", e.root.At("workflow_run.html_url").Text()),
	}, outcomes)
	if outcomes[is.Get("state").Text()] == alert.Resolved {
		out.Changes = append(out.Changes, e.deployed(environment, is.First("created_at", "updated_at")))
	}
	return out
}

// pageBuild reads how the pages of a repository were built.
func pageBuild(e event) source.Parsed {
	is := e.root.Get("build")
	return e.Ended(forge.Run{
		What: "build of", Name: "pages", Status: is.Get("status").Text(), ID: e.root.Get("id").Text(), At: source.Instant(is.First("updated_at", "created_at")),
		About:  source.Lines(is.At("error.message").Text(), source.Said("Commit", is.Get("commit").Text()), source.Said("By", is.At("pusher.login").Text())),
		Labels: source.Labels("sha", is.Get("commit").Text()),
		Links:  source.Links("Repository", e.root.At("repository.html_url").Text()),
	}, outcomes)
}
