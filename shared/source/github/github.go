// Package github reads webhooks of GitHub repositories, organisations and
// apps: how runs, checks and deployments ended, security alerts, and pushes,
// releases and deployments as changes.
//
//	parsed, err := github.Source.Parse(&source.Request{Header: header, Body: body, At: received})
package github

import (
	"cmp"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/forge"
	"tocsin/shared/source/proof"
)

// Name is the word of this source.
const Name = "github"

// Source is GitHub. It signs with the secret of the webhook (GitHub
// documentation, "Validating webhook deliveries").
var Source = source.Source{
	Name: Name, Parse: Parse, Media: []string{source.FormMedia}, Headers: []string{"X-GitHub-Event"},
	Verify: proof.HMAC{Name: "X-Hub-Signature-256", Prefix: "sha256="}.Verify,
	Marks: []string{
		"header:X-GitHub-Event", "header:User-Agent=GitHub-Hookshot/*",
		"zen hook_id hook", "payload|json.repository.full_name payload|json.sender.login",
		"action repository.full_name sender.login workflow_run.conclusion", "action repository.full_name sender.login workflow_job.run_id",
		"action repository.full_name sender.login check_run", "action repository.full_name sender.login check_suite",
		"action repository.full_name alert.number", "action repository.full_name alert.affected_package_name", "action security_advisory.ghsa_id",
		"deployment_status.state repository.full_name", "deployment.sha repository.full_name", "pusher.name repository.full_name compare", "action release.tag_name repository.full_name",
		"action alert.affected_package_name", "repository.full_name context sha branches", "sender.login sender.received_events_url", "payload|json.sender.received_events_url",
	},
	Guide: source.Guide{
		Product: "GitHub", Page: "https://docs.github.com/webhooks/webhook-events-and-payloads",
		Setup: []string{
			"In the settings of the repository or organisation open Webhooks and add one with the payload URL {url}, the content type application/json and a secret.",
			"Choose individual events: Workflow runs, Deployment statuses, Dependabot alerts, Code scanning alerts, Secret scanning alerts; for changes Pushes, Releases and Deployments.",
			"Instead of Workflow runs, Workflow jobs tells each job, and Check runs or Statuses tell other CI systems; ticking several makes several alerts of one failure.",
		},
		Proof: "X-Hub-Signature-256: HMAC-SHA256 of the body, in hex, with the webhook's secret.",
		Understood: "workflow_run, workflow_job, check_run, check_suite (completed), status, deployment_status and page_build: a failure fires, the next success of the same workflow and branch recovers; " +
			"cancelled, skipped and neutral say nothing. dependabot_alert, code_scanning_alert, secret_scanning_alert, repository_vulnerability_alert, security_advisory: open until fixed, dismissed or resolved. " +
			"push, release, deployment: changes. Everything else is a note.",
		Repeats: "Never by itself; a delivery can be sent again by hand or by the API, with the same id.",
	},
}

// Parse reads one event.
func Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Root()
	if err != nil {
		return source.Parsed{}, err
	}
	if form := root.Get("payload"); form.Kind() == doc.String {
		root = form.Inner()
	}
	if root.Kind() != doc.Object {
		return source.Parsed{}, fault.New(fault.Invalid, "the body is %s, expected the object of a GitHub event", root.Kind())
	}
	e := event{root: root, Event: forge.Event{
		Source: Name, Kind: cmp.Or(strings.ToLower(r.Header.Get("X-GitHub-Event")), kindOf(root)), Action: root.Get("action").Text(),
		Scope: "repository", Where: root.First("repository.full_name", "repository.name"), Labels: source.Labels("actor", root.At("sender.login").Text()),
	}}
	read, known := readers[e.Kind]
	switch {
	case e.Kind == "":
		return source.Parsed{}, fault.New(fault.Invalid, "X-GitHub-Event: missing, and the body is of no event of GitHub that is known")
	case !known:
		read = func(e event) source.Parsed { return e.Note("says nothing of an alert") }
	}
	out := read(e)
	out.SenderID = r.Header.Get("X-GitHub-Delivery")
	return out, nil
}

// event is a body with what all have in common.
type event struct {
	forge.Event
	root doc.Value
}

var readers = map[string]func(event) source.Parsed{
	"ping":         func(e event) source.Parsed { return e.Note(e.root.Get("zen").Text()) },
	"workflow_run": workflowRun, "workflow_job": workflowJob, "check_run": checkRun, "check_suite": checkSuite, "status": status,
	"deployment_status": deploymentStatus, "page_build": pageBuild, "deployment": deployment, "push": push, "release": release,
	"dependabot_alert": dependabot, "code_scanning_alert": codeScanning, "secret_scanning_alert": secretScanning,
	"repository_vulnerability_alert": vulnerability, "security_advisory": advisory, "repository_advisory": advisory,
}

// kindOf tells what the header would, where a proxy lost it.
func kindOf(root doc.Value) string {
	for _, known := range [...]struct{ path, kind string }{
		{"zen", "ping"}, {"build.pusher", "page_build"}, {"workflow_job", "workflow_job"}, {"deployment_status", "deployment_status"}, {"deployment", "deployment"},
		{"workflow_run", "workflow_run"}, {"check_run", "check_run"}, {"check_suite", "check_suite"}, {"alert.rule", "code_scanning_alert"}, {"location.details", "secret_scanning_alert_location"}, {"alert.secret_type", "secret_scanning_alert"},
		{"alert.affected_package_name", "repository_vulnerability_alert"}, {"alert.security_advisory", "dependabot_alert"}, {"alert.dependency", "dependabot_alert"},
		{"security_advisory", "security_advisory"}, {"repository_advisory", "repository_advisory"}, {"release", "release"}, {"pusher", "push"}, {"context", "status"},
		{"hook_id", "event"}, {"sender.login", "event"},
	} {
		if root.At(known.path).Present() {
			return known.kind
		}
	}
	return ""
}

// firing is the start of an alert of e.
func (e event) firing(severity alert.Severity, key string) alert.Alert {
	return alert.Alert{Source: Name, Status: alert.Firing, Severity: severity, DedupKey: key, Group: e.Where}
}
