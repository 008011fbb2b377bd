package gitlab

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/sourcetest"
)

const in = `"project":{"id":7,"path_with_namespace":"o/r"}`

func piped(status, fields string) string {
	return `{"object_kind":"pipeline","object_attributes":{"id":9,"ref":"main","finished_at":"2026-03-01 08:00:00 UTC","status":"` + status + `"` + fields + `},` + in + `}`
}

func object(kind, fields string) string {
	return `{"object_kind":"` + kind + `","object_attributes":{` + fields + `},` + in + `}`
}

func TestParse(t *testing.T) {
	pipe := alert.HashKey(map[string]string{"project": "o/r", "kind": "pipeline", "ref": "main"})
	unit := alert.HashKey(map[string]string{"project": "o/r", "kind": "job", "job": "unit", "stage": "", "ref": ""})
	prod := alert.HashKey(map[string]string{"project": "o/r", "kind": "deployment of", "environment": "prod"})
	sourcetest.Run(t, Source, []sourcetest.Case{
		{Name: "pipeline failed", Body: piped("failed", ``), Want: []string{"firing error " + pipe + ` 2026-03-01T08:00:00Z.. "pipeline failed on main in o/r"`}},
		{Name: "pipeline succeeded", Body: piped("success", ``), Want: []string{"resolved - " + pipe + ` ..2026-03-01T08:00:00Z "pipeline succeeded on main in o/r"`}},
		{Name: "pipeline skipped", Body: piped("skipped", ``), Note: "skipped says nothing of an alert"},
		{Name: "unknown status", Body: piped("odd", ``), Want: []string{`rejected: status: is "odd", expected success, failure, canceled or another that gitlab documents`}},
		{Name: "each failing pipeline is a firing period", Body: piped("failed", ``), Look: func(a *alert.Alert) any { return a.Episode }, Is: "9"},
		{Name: "failed jobs that matter", Body: strings.Replace(piped("failed", ``), `"project"`, `"builds":[{"name":"a","status":"failed"},{"name":"b","status":"failed","allow_failure":true},{"name":"c","status":"success"}],"project"`, 1),
			Look: func(a *alert.Alert) any { return a.Description }, Is: "Failed: a"},
		{Name: "job", Body: `{"object_kind":"build","build_name":"unit","build_status":"failed",` + in + `}`, Want: []string{"firing error " + unit + ` .. "job unit failed in o/r"`}},
		{Name: "job that may fail", Body: `{"object_kind":"build","build_name":"unit","build_status":"failed","build_allow_failure":true,` + in + `}`, Note: "is allowed to"},
		{Name: "job that may fail and succeeds", Body: `{"object_kind":"build","build_name":"unit","build_status":"success","build_allow_failure":true,` + in + `}`, Want: []string{"resolved - " + unit + ` .. "job unit succeeded in o/r"`}},
		{Name: "deployment failed", Body: `{"object_kind":"deployment","status":"failed","environment":"prod","ref":"main",` + in + `}`, Want: []string{"firing error " + prod + ` .. "deployment of main to prod failed in o/r"`}},
		{Name: "deployment succeeded", Body: `{"object_kind":"deployment","status":"success","environment":"prod","ref":"main",` + in + `}`,
			Want: []string{"resolved - " + prod + ` .. "deployment of main to prod succeeded in o/r"`}, Changes: []string{`"deployment of main to prod in o/r"`}},
		{Name: "deployment runs", Body: `{"object_kind":"deployment","status":"running","environment":"prod",` + in + `}`, Note: "running says nothing"},
		{Name: "token", Body: `{"object_kind":"access_token","event_name":"expiring_access_token","object_attributes":{"id":25,"name":"n","expires_at":"2026-03-07"},` + in + `}`,
			Want: []string{`firing warning access_token:7/25 .. "access token n of o/r expires on 2026-03-07"`}},
		{Name: "token of a group", Body: `{"object_kind":"access_token","event_name":"expired_access_token","object_attributes":{"id":25},"group":{"group_id":7,"full_path":"g"}}`,
			Want: []string{`firing warning access_token:group/7/25 .. "access token of g expired on"`}},
		{Name: "vulnerability", Body: object("vulnerability", `"state":"detected","severity":"critical","title":"T","url":"https://x.example.com/1"`), Want: []string{`firing critical vulnerability:https://x.example.com/1 .. "T in o/r"`}},
		{Name: "vulnerability dismissed", Body: object("vulnerability", `"state":"dismissed","severity":"unknown","title":"T","url":"u","dismissed_at":"2026-03-01T08:00:00Z"`), Want: []string{`resolved - vulnerability:u ..2026-03-01T08:00:00Z "T in o/r"`}},
		{Name: "vulnerability in no state", Body: object("vulnerability", `"title":"T"`), Want: []string{`rejected: object_attributes.state: is "", expected detected, confirmed, resolved or dismissed`}},
		{Name: "incident", Body: object("work_item", `"type":"Incident","iid":3,"state":"opened","title":"T","severity":"high"`), Want: []string{`firing error incident:o/r#3 .. "T"`}},
		{Name: "incident acknowledged", Body: object("issue", `"type":"Incident","iid":3,"state":"opened","title":"T","escalation_status":"acknowledged"`), Want: []string{`acknowledged - incident:o/r#3 .. "T"`}},
		{Name: "incident whose status is resolved", Body: object("issue", `"type":"Incident","iid":3,"state":"opened","title":"T","escalation_status":"resolved"`), Want: []string{`resolved - incident:o/r#3 .. "T"`}},
		{Name: "incident closed", Body: object("issue", `"type":"Incident","iid":3,"state":"closed","title":"T","closed_at":"2026-03-01 08:00:00 UTC"`), Want: []string{`resolved - incident:o/r#3 ..2026-03-01T08:00:00Z "T"`}},
		{Name: "incident in no state", Body: object("issue", `"type":"Incident","iid":3`), Want: []string{`rejected: object_attributes.state: is "", expected opened or closed`}},
		{Name: "alert", Body: object("alert", `"title":"T","url":"https://x.example.com/1","severity":"critical","events":2,"status":"triggered","started_at":"2026-03-01T08:00:00Z"`),
			Want: []string{`firing critical alert:https://x.example.com/1 2026-03-01T08:00:00Z.. "T in o/r"`}},
		{Name: "alert acknowledged", Body: object("alert", `"title":"T","url":"u","status":"acknowledged"`), Want: []string{`acknowledged - alert:u .. "T in o/r"`}},
		{Name: "alert resolved", Body: object("alert", `"title":"T","url":"u","severity":"low","status":"resolved","ended_at":"2026-03-01T09:00:00Z"`), Want: []string{`resolved info alert:u ..2026-03-01T09:00:00Z "T in o/r"`}},
		{Name: "alert in no state", Body: object("alert", `"title":"T","url":"u"`), Want: []string{`rejected: object_attributes.status: is "", expected triggered, acknowledged, resolved or ignored`}},
		{Name: "issue", Body: object("issue", `"type":"Issue","state":"opened"`), Note: "issue: says nothing of an alert"},
		{Name: "push", Body: `{"object_kind":"push","ref":"refs/heads/main","after":"aa","user_username":"ann","commits":[{"title":"A"},{"title":"B","timestamp":"2026-03-01T08:00:00Z"}],` + in + `}`,
			Changes: []string{`2026-03-01T08:00:00Z "ann pushed to main (B) in o/r"`}},
		{Name: "tag", Body: `{"object_kind":"tag_push","ref":"refs/tags/v1","after":"aa","user_name":"Ann","commits":[],` + in + `}`, Changes: []string{`"Ann pushed the tag v1 in o/r"`}},
		{Name: "branch deleted", Body: `{"object_kind":"push","ref":"refs/heads/x","after":"0000",` + in + `}`, Note: "deletes refs/heads/x"},
		{Name: "tag deleted", Body: `{"object_kind":"tag_push","ref":"refs/tags/v1","before":"0000","after":"aa","checkout_sha":null,` + in + `}`, Note: "deletes refs/tags/v1"},
		{Name: "release", Body: `{"object_kind":"release","action":"create","tag":"v1","created_at":"2026-03-01 08:00:00 UTC",` + in + `}`, Changes: []string{`2026-03-01T08:00:00Z "release v1 in o/r"`}},
		{Name: "release updated", Body: `{"object_kind":"release","action":"update",` + in + `}`, Note: "update says nothing"},
		{Name: "feature flag", Body: object("feature_flag", `"name":"f","active":false`), Changes: []string{`"feature flag f turned off in o/r"`}},
		{Name: "system hook", Body: `{"event_name":"project_create","name":"r"}`, Note: "project_create: says nothing"},
		{Name: "nothing of GitLab", Body: `{"a":1}`, Err: "object_kind: missing"},
		{Name: "list", Body: `[]`, Err: "object_kind: missing"},
	})
}

func TestAFlagThatIsTurnedAgainIsAnotherChange(t *testing.T) {
	ids := map[string]bool{}
	for _, sent := range []string{"1", "2", "1"} {
		parsed, err := Parse(sourcetest.Request(object("feature_flag", `"name":"f"`), "Idempotency-Key", sent))
		if err != nil || parsed.SenderID != sent || len(parsed.Changes) != 1 {
			t.Fatalf("%+v, %v", parsed, err)
		}
		ids[parsed.Changes[0].ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("%v", ids)
	}
}

func TestVerify(t *testing.T) {
	key := []byte("EXAMPLEEXAMPLEEXAMPLEEXAMPLE32by")
	signed := func(key []byte, at time.Time) *source.Request {
		stamp := fmt.Sprint(at.Unix())
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("id-1." + stamp + `.{"a":1}`))
		return sourcetest.Request(`{"a":1}`, "webhook-id", "id-1", "webhook-timestamp", stamp, "webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	flipped := signed(key, sourcetest.Received)
	flipped.Body = []byte(`{"a":0}`)
	token := func(s string) *source.Request { return sourcetest.Request(`{"a":1}`, "X-Gitlab-Token", s) }
	sourcetest.Verify(t, Source, []string{"new", "old", "whsec_" + base64.StdEncoding.EncodeToString(key)}, []sourcetest.Proof{
		{Name: "token", Request: token("new"), OK: true},
		{Name: "previous token", Request: token("old"), OK: true},
		{Name: "wrong token", Request: token("nex"), OK: false},
		{Name: "empty token", Request: token(""), OK: false},
		{Name: "signed", Request: signed(key, sourcetest.Received), OK: true},
		{Name: "signed with another key", Request: signed([]byte("another"), sourcetest.Received), OK: false},
		{Name: "signed too long ago", Request: signed(key, sourcetest.Received.Add(-6*time.Minute)), OK: false},
		{Name: "one bit of the body", Request: flipped, OK: false},
		{Name: "no proof", Request: sourcetest.Request(`{"a":1}`), OK: false},
	})
}

func FuzzParse(f *testing.F) {
	sourcetest.Fuzz(f, Source, "X-Gitlab-Event", piped("failed", `,"url":{}`), object("vulnerability", `"state":[]`), `{"object_kind":"push","after":"a","commits":[[]]}`, `{"object_kind":{},"object_attributes":1}`)
}
