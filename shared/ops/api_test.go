package ops_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tocsin/shared/apitoken"
	"tocsin/shared/catalog"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/ops"
	"tocsin/shared/ops/opstest"
)

// client calls the API as a program does.
type client struct {
	t     testing.TB
	w     *opstest.World
	token string
}

func newClient(t testing.TB, w *opstest.World, member string, scopes ...ops.Scope) client {
	t.Helper()
	name := fmt.Sprintf("t-%d", time.Now().UnixNano())
	return client{t: t, w: w, token: w.Token(t, name, member, scopes...)}
}

type answer struct {
	Status int
	Header http.Header
	Text   string
	Body   map[string]any
}

func (c client) do(method, path, body string, header ...string) answer {
	c.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	c.w.Handler.ServeHTTP(rec, r)
	a := answer{Status: rec.Code, Header: rec.Header(), Text: rec.Body.String()}
	if rec.Body.Len() > 0 && json.Unmarshal(rec.Body.Bytes(), &a.Body) != nil {
		c.t.Fatalf("%s %s answered no JSON: %s", method, path, rec.Body)
	}
	return a
}

// want is do, and fails the test at another status.
func (c client) want(status int, method, path, body string, header ...string) answer {
	c.t.Helper()
	a := c.do(method, path, body, header...)
	if a.Status != status {
		c.t.Fatalf("%s %s %s: status %d, want %d\n%s", method, path, body, a.Status, status, a.Text)
	}
	return a
}

func (c client) report(body string) string {
	c.t.Helper()
	return c.want(201, "POST", "/v1/events", body).Body["id"].(string)
}

func TestAnEventGoesItsWholeWayByTheAPI(t *testing.T) {
	w := opstest.New(t)
	ann := newClient(t, w, "ann", ops.EventsWrite)
	id := ann.report(`{"title":"Customers cannot log in","priority":"P1","service":"shop"}`)

	for _, step := range []struct{ verb, body, state string }{
		{"acknowledge", "", "acknowledged"},
		{"note", `{"text":"looking"}`, "acknowledged"},
		{"unacknowledge", "", "triggered"},
		{"escalate", "", "triggered"},
		{"snooze", `{"for":"1h"}`, "snoozed"},
		{"wake", "", "triggered"},
		{"assign", `{"member":"bob"}`, "triggered"},
		{"set-priority", `{"priority":"P2"}`, "triggered"},
		{"promote", "", "triggered"},
		{"resolve", `{"note":"rolled back"}`, "resolved"},
		{"reopen", `{"because":"errors again"}`, "triggered"},
		{"resolve", "", "resolved"},
		{"record", `{"cause_class":"code_defect","cause":"nil pointer"}`, "resolved"},
		{"close", `{"solution":"rolled back to 1.4.2"}`, "closed"},
	} {
		w.Pass(time.Minute)
		got := ann.want(200, "POST", "/v1/events/"+id+"/"+step.verb, step.body)
		if got.Body["state"] != step.state {
			t.Fatalf("after %s: state %v, want %s", step.verb, got.Body["state"], step.state)
		}
	}

	detail := ann.want(200, "GET", "/v1/events/"+id, "").Body
	record := detail["record"].(map[string]any)
	if record["cause"] != "nil pointer" || record["solution"] != "rolled back to 1.4.2" || record["by"] != "member:ann" {
		t.Errorf("record %v", record)
	}
	if n := len(detail["timeline"].([]any)); n != 15 {
		t.Errorf("timeline has %d items: %v", n, detail["timeline"])
	}
	if x := detail["execution"].(map[string]any); x["status"] != "running" || x["name"] != id+"-g1" {
		t.Errorf("execution %v", x)
	}
}

func TestProblemsOfEvents(t *testing.T) {
	w := opstest.New(t)
	ann, bob := newClient(t, w, "ann", ops.EventsWrite), newClient(t, w, "bob", ops.EventsWrite)
	id := ann.report(`{"title":"Slow","priority":"P1"}`)
	ann.want(200, "POST", "/v1/events/"+id+"/acknowledge", "")
	resolved := ann.report(`{"title":"Fixed","priority":"P1"}`)
	ann.want(200, "POST", "/v1/events/"+resolved+"/resolve", "")

	for _, c := range []struct {
		name, method, path, body string
		status                   int
		text                     string
	}{
		{"acknowledged by another names the owner", "POST", "/events/" + id + "/acknowledge", "", 409, "member:ann"},
		{"unknown event", "GET", "/events/E-999999", "", 404, "E-999999 does not exist"},
		{"no event id", "GET", "/events/4821", "", 422, "not of the form E-4821"},
		{"action on unknown event", "POST", "/events/E-999999/resolve", "", 404, "does not exist"},
		{"P1 without record", "POST", "/events/" + resolved + "/close", "", 422, "cause_class"},
		{"wake what does not sleep", "POST", "/events/" + id + "/wake", "", 409, "acknowledged"},
		{"unknown field is named", "POST", "/events", `{"title":"x","prioritty":"P1"}`, 422, "prioritty"},
		{"all bad fields at once", "POST", "/events", `{"priority":"P9","service":7}`, 422, `"title","detail":"missing"`},
		{"field given twice", "POST", "/events", `{"title":"x","priority":"P1","priority":"P4"}`, 422, `"priority","detail":"stands there twice"`},
		{"no JSON", "POST", "/events", `{"title":`, 400, "not valid JSON: it ends early"},
		{"trailing text", "POST", "/events", `{"title":"x"} {}`, 400, "something follows the end"},
		{"a list", "POST", "/events", `[]`, 400, "expected a JSON object"},
		{"invalid UTF-8", "POST", "/events", "{\"title\":\"\xff\"}", 400, "UTF-8"},
		{"too deep", "POST", "/events", strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200), 400, "nests deeper"},
		{"too large", "POST", "/events", `{"title":"` + strings.Repeat("x", 300<<10) + `"}`, 413, "larger than"},
		{"title too long", "POST", "/events", `{"title":"` + strings.Repeat("x", 600) + `"}`, 422, "at most 512"},
		{"title of control characters", "POST", "/events", `{"title":"\u0007"}`, 422, "nothing to read"},
		{"unknown service", "POST", "/events", `{"title":"x","service":"nope"}`, 422, "there is no service"},
		{"unknown member", "POST", "/events/" + id + "/assign", `{"member":"nope"}`, 422, "there is no member"},
		{"nobody", "POST", "/events/" + id + "/assign", `{}`, 422, "either member or team"},
		{"id in the body", "POST", "/events/" + id + "/note", `{"id":"E-1","text":"x"}`, 422, "belongs into the path"},
		{"snooze into the past", "POST", "/events/" + id + "/snooze", `{"until":"2020-01-01T00:00:00Z"}`, 422, "not in the future"},
		{"snooze without end", "POST", "/events/" + id + "/snooze", `{}`, 422, "either for or until"},
		{"snooze with both", "POST", "/events/" + id + "/snooze", `{"for":"1h","until":"2030-01-01T00:00:00Z"}`, 422, "either for or until"},
		{"no length of time", "POST", "/events/" + id + "/snooze", `{"for":"soon"}`, 422, "no length of time"},
		{"merge into itself", "POST", "/events/" + id + "/merge", `{"into":"` + id + `"}`, 422, "itself"},
		{"merge into what ended", "POST", "/events/" + id + "/merge", `{"into":"` + resolved + `"}`, 409, "only an open event"},
		{"unknown parameter", "GET", "/events?openn=true", "", 422, `"openn","detail":"unknown parameter; expected one of`},
		{"parameter that cannot be read", "GET", "/events?open=%zz", "", 422, "percent-encoded"},
		{"parameter given twice", "GET", "/events?limit=1&limit=2", "", 422, "given 2 times, expected once"},
		{"limit out of bounds", "GET", "/events?limit=1000", "", 422, "at most 100"},
		{"limit that is no number", "GET", "/events?limit=ten", "", 422, "expected a number"},
		{"cursor made up", "GET", "/events?cursor=%21", "", 422, "next_cursor"},
		{"unknown path", "GET", "/nothing", "", 404, "nothing at this path"},
		{"method not allowed", "PATCH", "/events", "", 405, "not one of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := bob.do(c.method, "/v1"+c.path, c.body)
			if got.Status != c.status || !strings.Contains(got.Text, c.text) {
				t.Errorf("status %d, want %d with %q\n%s", got.Status, c.status, c.text, got.Text)
			}
			if media := got.Header.Get("Content-Type"); media != "application/problem+json" {
				t.Errorf("media type %s", media)
			}
		})
	}
}

// TestAnswerToManyProblemsFitsAFunction: an answer above 6 MB would reach
// nobody.
func TestAnswerToManyProblemsFitsAFunction(t *testing.T) {
	c := newClient(t, opstest.New(t), "ann", ops.Admin)
	for name, body := range map[string]string{
		"many": `{"documents":[` + strings.Repeat(`{"a":1},`, 100_000) + `{}]}`,
		"long": `{"documents":[],"` + strings.Repeat("x", ops.MaxLargeBody/2) + `":1}`,
	} {
		if got := c.want(422, "POST", "/v1/config/check", body); len(got.Text) > 1<<20 || !strings.Contains(got.Text, `"errors"`) {
			t.Errorf("%s: answered %d bytes: %.200s", name, len(got.Text), got.Text)
		}
	}
}

func TestPackedBodyIsRefused(t *testing.T) {
	c := newClient(t, opstest.New(t), "ann", ops.Admin)
	c.want(415, "POST", "/v1/events", "\x1f\x8b", "Content-Encoding", "gzip")
}

func TestOnlyATokenWithTheScopeMayCall(t *testing.T) {
	w := opstest.New(t)
	reader := newClient(t, w, "", ops.EventsRead)
	reader.want(200, "GET", "/v1/events", "")
	if got := reader.do("POST", "/v1/events", `{"title":"x"}`); got.Status != 403 || !strings.Contains(got.Text, "events:write") {
		t.Errorf("write with a read scope: %d %s", got.Status, got.Text)
	}
	for _, token := range []string{"", "x", "tt_", "tt_" + strings.Repeat("A", 43)} {
		got := client{t: t, w: w, token: token}.do("GET", "/v1/events", "")
		if got.Status != 401 || got.Header.Get("Www-Authenticate") != "Bearer" {
			t.Errorf("token %q: status %d, header %v", token, got.Status, got.Header)
		}
	}
	if got := (client{t: t, w: w}).do("GET", "/v1/openapi.json", ""); got.Status != 200 || got.Body["openapi"] != "3.1.0" {
		t.Errorf("openapi: %d %.100s", got.Status, got.Text)
	}
	w.Pass(apitoken.DefaultLife)
	if got := reader.do("GET", "/v1/events", ""); got.Status != 401 {
		t.Errorf("expired token: status %d", got.Status)
	}
}

func TestGetAndHeadChangeNothing(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.Admin)
	id := c.report(`{"title":"Slow"}`)
	before := c.want(200, "GET", "/v1/events/"+id, "").Text
	for _, verb := range []string{"acknowledge", "resolve", "close", "escalate"} {
		for _, method := range []string{"GET", "HEAD"} {
			if got := c.do(method, "/v1/events/"+id+"/"+verb, ""); got.Status != 405 {
				t.Errorf("%s %s: status %d", method, verb, got.Status)
			}
		}
	}
	c.do("HEAD", "/v1/events/"+id, "")
	if after := c.want(200, "GET", "/v1/events/"+id, "").Text; after != before {
		t.Errorf("before %s\nafter %s", before, after)
	}
}

func TestIdempotencyKeyMakesACreationHappenOnce(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.Admin)
	const body = `{"title":"Slow"}`
	first := c.want(201, "POST", "/v1/events", body, ops.IdempotencyHeader, "k1")
	again := c.want(201, "POST", "/v1/events", body, ops.IdempotencyHeader, "k1")
	if first.Text != again.Text || again.Header.Get("Idempotent-Replay") != "true" {
		t.Errorf("first %s\nagain %s", first.Text, again.Text)
	}
	c.want(422, "POST", "/v1/events", `{"title":"Other"}`, ops.IdempotencyHeader, "k1")
	other := newClient(t, w, "", ops.Admin).want(201, "POST", "/v1/events", body, ops.IdempotencyHeader, "k1")
	if other.Body["id"] == first.Body["id"] {
		t.Error("the key of one token answered another's request")
	}
	w.Pass(24*time.Hour + time.Second)
	if later := c.want(201, "POST", "/v1/events", body, ops.IdempotencyHeader, "k1"); later.Body["id"] == first.Body["id"] {
		t.Error("the key still held after 24 hours")
	}
	c.want(422, "POST", "/v1/events", `{"title":"x","service":"nope"}`, ops.IdempotencyHeader, "k2")
	c.want(201, "POST", "/v1/events", body, ops.IdempotencyHeader, "k2") // who failed may correct the request
	c.want(400, "POST", "/v1/events", body, ops.IdempotencyHeader, strings.Repeat("k", 300))
}

func TestListsGoOnAtTheCursor(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.EventsWrite)
	want := map[string]bool{}
	for i := range 5 {
		w.Pass(time.Second)
		want[c.report(fmt.Sprintf(`{"title":"n%d"}`, i))] = true
	}
	cursor, seen, newest := "", 0, ""
	for range 5 {
		page := c.want(200, "GET", "/v1/events?limit=2&cursor="+cursor, "").Body
		for _, item := range page["items"].([]any) {
			e := item.(map[string]any)
			if !want[e["id"].(string)] {
				t.Fatalf("event %v is listed twice or unknown", e["id"])
			}
			delete(want, e["id"].(string))
			if at := e["opened_at"].(string); newest != "" && at > newest {
				t.Errorf("%s comes after %s", at, newest)
			} else {
				newest = at
			}
			seen++
		}
		next, more := page["next_cursor"].(string)
		if !more {
			break
		}
		cursor = next
	}
	if seen != 5 {
		t.Errorf("%d events listed, want 5", seen)
	}
	if closed := c.want(200, "GET", "/v1/events?closed=true", "").Body["items"].([]any); len(closed) != 0 {
		t.Errorf("closed: %v", closed)
	}
}

func TestMergeRaisesTheSurvivorAndMayBeRepeated(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.EventsWrite)
	loud, quiet := c.report(`{"title":"Loud","priority":"P1"}`), c.report(`{"title":"Quiet","priority":"P3"}`)
	c.want(200, "POST", "/v1/events/"+quiet+"/acknowledge", "")
	for range 2 {
		got := c.want(200, "POST", "/v1/events/"+loud+"/merge", `{"into":"`+quiet+`"}`).Body
		if got["id"] != quiet || got["priority"] != "P1" || got["state"] != "triggered" {
			t.Errorf("survivor %v", got)
		}
	}
	merged := c.want(200, "GET", "/v1/events/"+loud, "").Body
	if merged["state"] != "closed" || merged["merged_into"] != quiet {
		t.Errorf("merged %v", merged)
	}
	c.want(422, "POST", "/v1/events/"+quiet+"/merge", `{"into":"`+loud+`"}`)
}

func TestEveryChangeIsInTheAuditLogWithoutSecrets(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.Admin)
	id := c.report(`{"title":"Slow"}`)
	c.want(200, "POST", "/v1/events/"+id+"/acknowledge", "")
	made := c.want(201, "POST", "/v1/tokens", `{"name":"ci","scopes":["events:read"]}`).Body
	in := c.want(201, "POST", "/v1/integrations", `{"name":"p","source":"prometheus","auth":"bearer"}`).Body
	c.want(201, "POST", "/v1/members/ann/contacts", `{"channel":"email","address":"ann@example.com","verified":true}`)
	c.want(422, "POST", "/v1/events", `{}`)
	c.want(200, "GET", "/v1/events", "")

	log := c.want(200, "GET", "/v1/audit", "")
	var got []string
	for _, item := range log.Body["items"].([]any) {
		e := item.(map[string]any)
		got = append(got, fmt.Sprint(e["operation"], " ", e["target"]))
	}
	want := map[string]bool{
		"events.report " + id: true, "events.acknowledge " + id: true, "tokens.create token ci": true,
		"integrations.create integration " + in["id"].(string): true, "contacts.add member ann": true,
	}
	for _, entry := range got {
		delete(want, entry)
	}
	if len(want) > 0 || len(got) != 5 {
		t.Errorf("missing %v in %v", want, got)
	}
	for _, secret := range []string{made["token"].(string), in["key"].(string), in["secret"].(string), "ann@example.com", c.token} {
		if strings.Contains(log.Text, secret) {
			t.Errorf("the log holds %s: %s", secret, log.Text)
		}
	}
	page := c.want(200, "GET", "/v1/audit?limit=3", "").Body
	rest := c.want(200, "GET", "/v1/audit?limit=3&cursor="+page["next_cursor"].(string), "").Body
	if len(rest["items"].([]any)) != 2 {
		t.Errorf("second page %v", rest)
	}
	c.want(422, "GET", "/v1/audit?month=March", "")
}

func TestSecretsAreShownOnce(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.Admin)
	for _, path := range []string{"/v1/tokens", "/v1/integrations"} {
		body := `{"name":"ci","scopes":["events:read"]}`
		if path == "/v1/integrations" {
			body = `{"name":"p","source":"prometheus","auth":"basic","service":"shop"}`
		}
		first := c.want(201, "POST", path, body, ops.IdempotencyHeader, "k"+path)
		again := c.want(201, "POST", path, body, ops.IdempotencyHeader, "k"+path)
		for _, name := range []string{"token", "key", "url", "secret"} {
			secret, _ := first.Body[name].(string)
			if secret != "" && (again.Body[name] != nil || strings.Contains(again.Text, secret)) {
				t.Errorf("%s answered %s twice", path, name)
			}
			if secret != "" && strings.Contains(c.want(200, "GET", path, "").Text, secret) {
				t.Errorf("the list of %s holds %s", path, name)
			}
		}
	}
}

func TestIntegrations(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.IntegrationsWrite)
	made := c.want(201, "POST", "/v1/integrations", `{"id":"prom","name":"Prometheus","source":"prometheus","service":"shop"}`).Body
	if want := "https://tocsin.example.com/in/prometheus/" + made["key"].(string); made["url"] != want {
		t.Errorf("url %v, want %s", made["url"], want)
	}
	if _, has := made["secret"]; has {
		t.Error("an integration without authentication has a secret")
	}
	c.want(409, "POST", "/v1/integrations", `{"id":"prom","name":"Prometheus","source":"prometheus"}`)
	c.want(422, "POST", "/v1/integrations", `{"name":"x","source":"no-such-system"}`)
	c.want(422, "POST", "/v1/integrations", `{"name":"x","source":"prometheus","service":"nope"}`)
	if got := c.want(200, "POST", "/v1/integrations/prom/pause", "").Body; got["paused"] != true {
		t.Errorf("paused %v", got)
	}
	if got := c.want(200, "POST", "/v1/integrations/prom/resume", "").Body; got["paused"] != false {
		t.Errorf("resumed %v", got)
	}
	rotated := c.want(200, "POST", "/v1/integrations/prom/rotate", `{}`).Body
	if rotated["key"] == made["key"] || rotated["keys"] != 2.0 {
		t.Errorf("rotated %v", rotated)
	}
	if got := c.want(200, "POST", "/v1/integrations/prom/retire", "").Body; got["keys"] != 1.0 {
		t.Errorf("retired %v", got)
	}
	c.want(422, "POST", "/v1/integrations/prom/rotate", `{"what":"secret"}`)
	c.want(204, "DELETE", "/v1/integrations/prom", "")
	c.want(404, "DELETE", "/v1/integrations/prom", "")
	c.want(404, "POST", "/v1/integrations/prom/pause", "")
}

func TestPeople(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.PeopleWrite)
	if got := c.want(201, "POST", "/v1/members/ann/contacts", `{"channel":"email","address":"ann@example.com"}`).Body; got["id"] != "email" {
		t.Errorf("contact %v", got)
	}
	if got := c.want(201, "POST", "/v1/members/ann/contacts", `{"channel":"email","address":"ann@example.org","verified":true}`).Body; got["id"] != "email-2" {
		t.Errorf("second contact %v", got)
	}
	c.want(409, "POST", "/v1/members/ann/contacts", `{"id":"email","channel":"email","address":"a@example.org"}`)
	c.want(404, "POST", "/v1/members/zoe/contacts", `{"channel":"email","address":"a@example.org"}`)
	c.want(422, "POST", "/v1/members/ann/contacts", `{"channel":"email","address":"no address"}`)
	members := c.want(200, "GET", "/v1/members", "").Body["items"].([]any)
	reachable := map[string]any{}
	for _, m := range members {
		reachable[m.(map[string]any)["name"].(string)] = m.(map[string]any)["reachable"]
	}
	if fmt.Sprint(reachable) != "map[administrator:false ann:true bob:false]" {
		t.Errorf("reachable %v", reachable)
	}
	page := c.want(200, "GET", "/v1/members?limit=2", "").Body
	rest := c.want(200, "GET", "/v1/members?limit=2&cursor="+page["next_cursor"].(string), "").Body
	if rest["items"].([]any)[0].(map[string]any)["name"] != "bob" {
		t.Errorf("second page %v", rest)
	}
	c.want(204, "DELETE", "/v1/members/ann/contacts/email", "")
	c.want(404, "DELETE", "/v1/members/ann/contacts/email", "")
	services := c.want(200, "GET", "/v1/services", "").Body["items"].([]any)
	if len(services) != 2 || services[1].(map[string]any)["plan"] != "default" {
		t.Errorf("services %v", services)
	}
}

func TestTestPagePagesOnlyWhomItNames(t *testing.T) {
	w := opstest.New(t)
	ann, program := newClient(t, w, "ann", ops.EventsWrite), newClient(t, w, "", ops.EventsWrite)
	if got := ann.want(409, "POST", "/v1/test-pages", `{"to":"me"}`); !strings.Contains(got.Text, "no verified contact") {
		t.Errorf("unreachable: %s", got.Text)
	}
	if err := w.Desk.Contacts.Put(t.Context(), contactOfAnn()); err != nil {
		t.Fatal(err)
	}
	made := ann.want(201, "POST", "/v1/test-pages", `{"to":"me"}`).Body
	if made["test"] != true || made["assignee_member"] != "ann" || !strings.HasPrefix(made["title"].(string), "TEST") {
		t.Errorf("test page %v", made)
	}
	e, err := w.Desk.Events.Store.Get(t.Context(), event.ID(made["id"].(string)))
	if err != nil || !e.Assignee.Named || !e.Test {
		t.Errorf("event %+v, err %v", e, err)
	}
	program.want(422, "POST", "/v1/test-pages", `{"to":"me"}`)
	program.want(201, "POST", "/v1/test-pages", `{"to":"ann"}`)
	program.want(422, "POST", "/v1/test-pages", `{"to":"zoe"}`)
}

func TestConfigurationIsAppliedWholeAndRolledBack(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.ConfigWrite)
	exported := c.want(200, "GET", "/v1/config", "").Body
	docs, err := json.Marshal(exported["documents"])
	if err != nil {
		t.Fatal(err)
	}
	wider := bytes.TrimSuffix(docs, []byte("]"))
	wider = append(wider, []byte(`,{"kind":"member","name":"eve"}]`)...)

	for body, text := range map[string]string{
		`{"expected_version":1,"documents":[]}`: "at least 1",
		`{"expected_version":1,"documents":[{"kind":"member","name":"eve","spec":{"language":"en","language":"zh"}}]}`: `"documents[0].spec.language","detail":"stands there twice"`,
	} {
		if got := c.want(422, "PUT", "/v1/config", body); !strings.Contains(got.Text, text) {
			t.Errorf("%s: %s", body, got.Text)
		}
	}
	bad := c.want(422, "POST", "/v1/config/check", `{"documents":[{"kind":"service","name":"x","spec":{"tier":9,"team":"nope"}},{"kind":"service","name":"y","spec":{"colour":"red"}},{"kind":"gadget","name":"z"}]}`)
	for _, field := range []string{"documents[0].spec.tier", "documents[0].spec.team", "documents[1].spec.colour", "documents[2].kind"} {
		if !strings.Contains(bad.Text, `"`+field+`"`) {
			t.Errorf("no problem at %s: %s", field, bad.Text)
		}
	}
	diff := c.want(200, "POST", "/v1/config/diff", `{"documents":`+string(wider)+`}`).Body
	if changes := diff["changes"].([]any); len(changes) != 1 || changes[0].(map[string]any)["name"] != "eve" {
		t.Errorf("diff %v", diff)
	}
	same := c.want(200, "PUT", "/v1/config", `{"expected_version":1,"documents":`+string(docs)+`}`).Body
	if same["version"] != 1.0 || same["changes"] != 0.0 {
		t.Errorf("applied what is in force: %v", same)
	}
	if got := c.want(200, "PUT", "/v1/config", `{"expected_version":1,"comment":"eve joins","documents":`+string(wider)+`}`).Body; got["version"] != 2.0 || got["by"] != "member:ann" {
		t.Errorf("applied %v", got)
	}
	c.want(409, "PUT", "/v1/config", `{"expected_version":1,"documents":`+string(docs)+`}`)
	c.want(422, "PUT", "/v1/config", `{"documents":`+string(docs)+`}`)
	if got := c.want(200, "POST", "/v1/config/rollback", `{"to":1,"expected_version":2}`).Body; got["version"] != 3.0 {
		t.Errorf("rolled back %v", got)
	}
	c.want(404, "POST", "/v1/config/rollback", `{"to":9,"expected_version":3}`)
	history := c.want(200, "GET", "/v1/config/versions?limit=2", "").Body
	if items := history["items"].([]any); len(items) != 2 || items[0].(map[string]any)["version"] != 3.0 {
		t.Errorf("history %v", history)
	}
	if got := c.want(200, "GET", "/v1/config?version=2", "").Body; len(got["documents"].([]any)) != 5 {
		t.Errorf("version 2: %v", got)
	}
}

func contactOfAnn() catalog.Contact {
	return catalog.Contact{ID: "email", Member: "ann", Channel: catalog.Email, Address: "ann@example.com", Verified: true}
}

func TestCursorsMadeUpAreRefusedNotFailed(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.Admin)
	for _, list := range []string{"events", "incidents", "deliveries", "members", "services", "config/versions", "audit"} {
		for _, position := range []string{"x", "x~E-1", "~", "2026-03-02T10:00:00.000Z#E-1~E-1", "2026-03-02T10:00:00.000Z#I-1", strings.Repeat("9", 200)} {
			cursor := base64.RawURLEncoding.EncodeToString([]byte(position))
			if got := c.do("GET", "/v1/"+list+"?cursor="+cursor, ""); got.Status >= 500 {
				t.Errorf("%s after %q: %d %s", list, position, got.Status, got.Text)
			}
		}
	}
}

func TestAChangeWhoseAuditEntryIsLostStillAnswers(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "", ops.Admin)
	var log bytes.Buffer
	w.API.Log = slog.New(slog.NewJSONHandler(&log, nil))
	w.API.Audit = &ops.AuditLog{Table: ddb.Table{Client: w.Ledger.Client, Name: "nothing"}}
	id := c.report(`{"title":"Slow"}`)
	if !strings.Contains(log.String(), `"audit entry not kept"`) || !strings.Contains(log.String(), id) {
		t.Errorf("log %s", log.String())
	}
}
