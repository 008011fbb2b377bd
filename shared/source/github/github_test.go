package github

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/sourcetest"
)

const from = `"repository":{"full_name":"o/r"},"sender":{"login":"ann"}`

func workflow(conclusion, fields string) string {
	return `{"action":"completed","workflow":{"name":"ci","path":"ci.yml"},"workflow_run":{"id":7,"head_branch":"main","updated_at":"2026-03-01T08:00:00Z","conclusion":` + conclusion + fields + `},` + from + `}`
}

func numbered(action, fields string) string {
	return `{"action":"` + action + `","alert":{"number":7` + fields + `},` + from + `}`
}

func TestRuns(t *testing.T) {
	main := alert.HashKey(map[string]string{"repository": "o/r", "kind": "workflow", "workflow": "ci.yml", "branch": "main"})
	job := alert.HashKey(map[string]string{"repository": "o/r", "kind": "job", "job": "unit", "workflow": "ci", "branch": ""})
	check := alert.HashKey(map[string]string{"repository": "o/r", "kind": "check", "check": "lint", "app": "l", "branch": "main"})
	suite := alert.HashKey(map[string]string{"repository": "o/r", "kind": "checks of", "app": "l", "branch": ""})
	commit := alert.HashKey(map[string]string{"repository": "o/r", "kind": "status", "context": "ci", "branch": "s"})
	pages := alert.HashKey(map[string]string{"repository": "o/r", "kind": "build of"})
	deploy := alert.HashKey(map[string]string{"repository": "o/r", "kind": "deployment of", "environment": "prod", "task": ""})
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "failure", Body: workflow(`"failure"`, ``), Want: []string{"firing error " + main + ` 2026-03-01T08:00:00Z.. "workflow ci failed on main in o/r"`}},
		{Name: "timed out", Body: workflow(`"timed_out"`, ``), Want: []string{"firing error " + main + ` 2026-03-01T08:00:00Z.. "workflow ci failed on main in o/r"`}},
		{Name: "success", Body: workflow(`"success"`, ``), Want: []string{"resolved - " + main + ` ..2026-03-01T08:00:00Z "workflow ci succeeded on main in o/r"`}},
		{Name: "cancelled", Body: workflow(`"cancelled"`, ``), Note: "cancelled says nothing of an alert"},
		{Name: "unknown conclusion", Body: workflow(`"odd"`, ``), Want: []string{`rejected: status: is "odd", expected success, failure, canceled or another that github documents`}},
		{Name: "not ended", Body: strings.Replace(workflow(`null`, ``), "completed", "in_progress", 1), Note: "workflow_run in_progress: has not ended"},
		{Name: "each failing run is a firing period", Body: workflow(`"failure"`, `,"run_attempt":2`), Look: func(a *alert.Alert) any { return a.Episode }, Is: "7.2"},
		{Name: "a success is of any period", Body: workflow(`"success"`, `,"run_attempt":2`), Look: func(a *alert.Alert) any { return a.Episode }, Is: ""},
		{Name: "a fork's branch is another", Body: workflow(`"failure"`, `,"head_repository":{"full_name":"fork/r"}`), Look: func(a *alert.Alert) any { return a.DedupKey == main }, Is: false},
		{Name: "our own branch", Body: workflow(`"failure"`, `,"head_repository":{"full_name":"o/r"}`), Look: func(a *alert.Alert) any { return a.DedupKey == main }, Is: true},
		{Name: "job", Body: `{"action":"completed","workflow_job":{"name":"unit","workflow_name":"ci","conclusion":"failure","steps":[{"name":"a","conclusion":"success"},{"name":"b","conclusion":"failure"}]},` + from + `}`,
			Want: []string{"firing error " + job + ` .. "job unit failed in o/r"`}},
		{Name: "job that failed by a step", Body: `{"action":"completed","workflow_job":{"name":"unit","conclusion":"failure","steps":[{"name":"a","conclusion":"success"},{"name":"b","conclusion":"failure"}]},` + from + `}`,
			Look: func(a *alert.Alert) any { return a.Description }, Is: "Failed step: b"},
		{Name: "check", Body: `{"action":"completed","check_run":{"name":"lint","conclusion":"success","app":{"slug":"l"},"check_suite":{"head_branch":"main"}},` + from + `}`,
			Want: []string{"resolved - " + check + ` .. "check lint succeeded on main in o/r"`}},
		{Name: "pages", Body: `{"id":3,"build":{"status":"errored","error":{"message":"no theme"},"pusher":{"login":"ann"},"updated_at":"2026-03-01T08:00:00Z"},` + from + `}`,
			Want: []string{"firing error " + pages + ` 2026-03-01T08:00:00Z.. "build of pages failed in o/r"`}},
		{Name: "pages again", Body: `{"id":4,"build":{"status":"built","error":{"message":null},"pusher":{"login":"ann"}},` + from + `}`, Want: []string{"resolved - " + pages + ` .. "build of pages succeeded in o/r"`}},
		{Name: "suite", Body: `{"action":"completed","check_suite":{"conclusion":"startup_failure","app":{"slug":"l"}},` + from + `}`, Want: []string{"firing error " + suite + ` .. "checks of l failed in o/r"`}},
		{Name: "status of a commit alone", Body: `{"context":"ci","state":"error","sha":"s","branches":[],` + from + `}`, Want: []string{"firing error " + commit + ` .. "status ci failed in o/r"`}},
		{Name: "status that waits", Body: `{"context":"ci","state":"pending","sha":"s",` + from + `}`, Note: "pending says nothing"},
		{Name: "deployment failed", Body: `{"deployment_status":{"state":"error"},"deployment":{"id":1,"ref":"main","environment":"prod"},` + from + `}`,
			Want: []string{"firing error " + deploy + ` .. "deployment of main to prod failed in o/r"`}},
		{Name: "deployment succeeded", Body: `{"deployment_status":{"state":"success","created_at":"2026-03-01T08:00:00Z"},"deployment":{"id":1,"ref":"main","environment":"prod"},` + from + `}`,
			Want:    []string{"resolved - " + deploy + ` ..2026-03-01T08:00:00Z "deployment of main to prod succeeded in o/r"`},
			Changes: []string{`2026-03-01T08:00:00Z "deployment of main to prod in o/r"`}},
		{Name: "deployment goes on", Body: `{"deployment_status":{"state":"in_progress"},"deployment":{},` + from + `}`, Note: "in_progress says nothing"},
	})
}

func TestSecurity(t *testing.T) {
	header := func(kind string) []string { return []string{"X-GitHub-Event", kind} }
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "dependabot", Body: numbered("reintroduced", `,"security_advisory":{"summary":"S","severity":"high"},"created_at":"2026-03-01T08:00:00Z"`),
			Want: []string{`firing error dependabot_alert:o/r#7 2026-03-01T08:00:00Z.. "S in o/r"`}},
		{Name: "dependabot dismissed it itself", Body: numbered("auto_dismissed", `,"security_advisory":{"summary":"S","severity":"low"},"auto_dismissed_at":"2026-03-01T08:10:00Z"`),
			Want: []string{`resolved info dependabot_alert:o/r#7 ..2026-03-01T08:10:00Z "S in o/r"`}},
		{Name: "dependabot without an advisory", Body: numbered("created", `,"dependency":{"package":{"name":"tiny"}}`), Want: []string{`firing - dependabot_alert:o/r#7 .. "vulnerable tiny in o/r"`}},
		{Name: "dependabot assigned", Body: numbered("assignees_changed", `,"security_advisory":{}`), Note: "says nothing of an alert's state"},
		{Name: "code", Body: numbered("appeared_in_branch", `,"rule":{"id":"x","severity":"note"}`), Want: []string{`firing info code_scanning_alert:o/r#7 .. "x in o/r"`}},
		{Name: "code of a known danger", Body: numbered("created", `,"rule":{"id":"x","severity":"warning","security_severity_level":"critical"}`), Want: []string{`firing critical code_scanning_alert:o/r#7 .. "x in o/r"`}},
		{Name: "code closed", Body: numbered("closed_by_user", `,"rule":{"id":"x","severity":"none"},"dismissed_at":"2026-03-01T08:10:00Z"`), Want: []string{`resolved info code_scanning_alert:o/r#7 ..2026-03-01T08:10:00Z "x in o/r"`}},
		{Name: "secret", Body: numbered("created", `,"secret_type":"k"`), Want: []string{`firing error secret_scanning_alert:o/r#7 .. "Secret found: k in o/r"`}},
		{Name: "secret revoked", Body: numbered("revoked", `,"secret_type":"k"`), Want: []string{`resolved error secret_scanning_alert:o/r#7 .. "Secret found: k in o/r"`}},
		{Name: "place of a secret without its header", Body: numbered("created", `,"secret_type":"k"},"location":{"type":"commit","details":{"path":"p"}`), Note: "says nothing of an alert"},
		{Name: "place of a secret", Body: numbered("created", ``), Header: header("secret_scanning_alert_location"), Note: "says nothing of an alert"},
		{Name: "vulnerability without a number", Body: `{"action":"resolve","alert":{"id":9,"affected_package_name":"p"},` + from + `}`, Want: []string{`resolved - repository_vulnerability_alert:o/r#9 .. "in p in o/r"`}},
		{Name: "advisory", Body: `{"action":"withdrawn","security_advisory":{"ghsa_id":"G","severity":"moderate"}}`, Want: []string{`resolved warning advisory:G .. "G"`}},
		{Name: "advisory without an id", Body: `{"action":"published","security_advisory":{}}`, Want: []string{"rejected: security_advisory.ghsa_id: missing"}},
		{Name: "advisory of a repository", Body: `{"action":"published","repository_advisory":{"ghsa_id":"G","summary":"S","severity":"critical"},` + from + `}`, Want: []string{`firing critical advisory:G .. "S"`}},
	})
}

func TestChangesAndNotes(t *testing.T) {
	const pushed = `"ref":"refs/heads/main","after":"aa","pusher":{"name":"ann"},"head_commit":{"message":"Fix\n\nit","timestamp":"2026-03-01T08:00:00Z"},` + from
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "push", Body: `{` + pushed + `}`, Changes: []string{`2026-03-01T08:00:00Z "ann pushed to main (Fix) in o/r"`}},
		{Name: "tag", Body: strings.Replace(`{`+pushed+`}`, "refs/heads/main", "refs/tags/v1", 1), Changes: []string{`2026-03-01T08:00:00Z "ann pushed the tag v1 (Fix) in o/r"`}},
		{Name: "branch deleted", Body: `{"deleted":true,` + pushed + `}`, Note: "deletes refs/heads/main"},
		{Name: "branch deleted, by its commit", Body: strings.Replace(`{`+pushed+`}`, `"aa"`, `"0000"`, 1), Note: "deletes refs/heads/main"},
		{Name: "release", Body: `{"action":"published","release":{"id":1,"tag_name":"v1","published_at":"2026-03-01T08:00:00Z"},` + from + `}`, Changes: []string{`2026-03-01T08:00:00Z "release v1 in o/r"`}},
		{Name: "release edited", Body: `{"action":"edited","release":{"id":1},` + from + `}`, Note: "release edited"},
		{Name: "deployment", Body: `{"deployment":{"id":1,"sha":"aa","environment":"prod","created_at":"2026-03-01T08:00:00Z"},` + from + `}`, Changes: []string{`2026-03-01T08:00:00Z "deployment of aa to prod in o/r"`}},
		{Name: "ping", Body: `{"zen":"Z","hook_id":1}`, Note: "ping: Z"},
		{Name: "form", Body: "payload=" + url.QueryEscape(`{"zen":"Z"}`), Header: []string{"Content-Type", source.FormMedia}, Note: "ping: Z"},
		{Name: "form without JSON", Body: "payload=x", Header: []string{"Content-Type", source.FormMedia}, Err: "the body is nothing, expected the object"},
		{Name: "issue", Body: `{"action":"opened","issue":{},` + from + `}`, Header: []string{"X-GitHub-Event", "issues"}, Note: "issues opened: says nothing"},
		{Name: "unknown body", Body: `{"a":1}`, Err: "X-GitHub-Event: missing"},
		{Name: "list", Body: `[]`, Header: []string{"X-GitHub-Event", "push"}, Err: "the body is an array"},
	})
}

func TestADeploymentIsOneChange(t *testing.T) {
	begun, err := Parse(sourcetest.Request(`{"deployment":{"id":1,"environment":"prod"},` + from + `}`))
	if err != nil {
		t.Fatal(err)
	}
	done, err := Parse(sourcetest.Request(`{"deployment_status":{"state":"success"},"deployment":{"id":1,"environment":"prod"},` + from + `}`))
	if err != nil || len(begun.Changes) != 1 || len(done.Changes) != 1 || begun.Changes[0].ID != done.Changes[0].ID {
		t.Errorf("%+v, %+v, %v", begun.Changes, done.Changes, err)
	}
}

func TestSenderIDIsTheDelivery(t *testing.T) {
	parsed, err := Parse(sourcetest.Request(`{"zen":"Z"}`, "X-GitHub-Delivery", "d-1"))
	if err != nil || parsed.SenderID != "d-1" {
		t.Errorf("%q, %v", parsed.SenderID, err)
	}
}

// The first case is the example that GitHub publishes ("Validating webhook
// deliveries", Testing the webhook payload validation).
func TestVerify(t *testing.T) {
	const secret, body = "It's a Secret to Everybody", "Hello, World!"
	const published = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	old := hmac.New(sha256.New, []byte("old"))
	old.Write([]byte(body))
	proof := func(name, body, signature string, ok bool) sourcetest.Proof {
		return sourcetest.Proof{Name: name, Request: sourcetest.Request(body, "X-Hub-Signature-256", signature), OK: ok}
	}
	sourcetest.Verify(t, Source, []string{secret, "old"}, []sourcetest.Proof{
		proof("published", body, published, true),
		proof("previous secret", body, "sha256="+hex.EncodeToString(old.Sum(nil)), true),
		proof("another body", body+" ", published, false),
		proof("one bit", body, sourcetest.FlipBit(published), false),
		proof("without the prefix", body, strings.TrimPrefix(published, "sha256="), false),
		proof("SHA-1 alone", body, "sha1=", false),
		proof("none", body, "", false),
	})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "X-GitHub-Event", workflow(`{}`, ``), numbered("fixed", `,"rule":[]`), `{"deployment_status":{"state":"success"},"deployment":[]}`, `{"ref":1,"after":"a","pusher":{}}`)
}
