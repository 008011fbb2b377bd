package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/opsgenieapi"
	"tocsin/shared/source/redact"
	"tocsin/shared/telemetry"
)

var tested = intaketest.Function{Name: "ingest-opsgenie-api", Source: opsgenieapi.Source, Serve: routes}

// The alert of the folder's events.
var (
	disk  = opsgenieapi.ByAlias("db-1/disk")
	about = fmt.Sprintf(`P3 - %s - %q`, disk.Key(), disk.Key())
)

const taken = `{"result":"Request will be processed","took":0.`

func TestEvents(t *testing.T) {
	created := fmt.Sprintf(`firing P1 critical %s - "Disk of db-1 is at 97 %%"`, disk.Key())
	named := fmt.Sprintf(`{"id":"%s","tinyId":"%s","alias":"db-1/disk"}`, disk.ID(), disk.TinyID())
	tested.Run(t, []intaketest.Case{
		{File: "create.json", Body: taken, Alerts: []string{created}},
		{File: "create-without-alias.json", Body: taken, Alerts: []string{`firing P4 info tiny_id:1140041847885259864 - "Backup failed"`}},
		{File: "create-below-the-key.json", Body: taken, Alerts: []string{created}},
		{File: "create-of-jira-service-management.json", Body: taken, Alerts: []string{created}},
		{File: "close.json", Body: taken, Alerts: []string{"noted " + about, "resolved " + about}},
		{File: "close-without-body.json", Body: taken, Alerts: []string{"resolved " + about}},
		{File: "delete.json", Body: taken, Alerts: []string{"resolved " + about}},
		{File: "acknowledge.json", Body: taken, Alerts: []string{"acknowledged " + about}},
		{File: "unacknowledge.json", Body: taken, Alerts: []string{"unacknowledged " + about}},
		{File: "note.json", Body: taken, Alerts: []string{"noted " + about}},
		{File: "snooze.json", Body: taken, Alerts: []string{"noted " + about}},
		{File: "update-message.json", Body: taken, Alerts: []string{"noted " + about}},
		{File: "remove-tags.json", Body: taken, Alerts: []string{"noted " + about}},
		{File: "custom-action.json", Body: taken, Alerts: []string{"noted " + about}},
		{File: "invalid.json", Status: 422, Body: `{"message":"Request body is not processable. Please check the errors.","errors":{"message":"Message can not be empty."},"took":`},
		{File: "empty-note.json", Status: 422, Body: `"errors":{"note":"Note can not be empty."}`},
		{File: "unknown-operation.json", Status: 404, Body: `{"message":"The path is no operation on an alert.","took":`},
		{File: "unknown-key.json", Status: 401, Body: `{"message":"Could not authenticate","took":`},
		{File: "without-key.json", Status: 401, Body: `{"message":"Could not authenticate","took":`},
		{File: "get-alert.json", Status: 200, Body: `{"data":` + named + `,"took":`},
		{File: "get-unknown-request.json", Status: 404, Body: `{"message":"Request not found.","took":`},
		{File: "search-by-alias.json", Status: 200, Body: `{"data":[` + named + `],"took":`},
		{File: "search.json", Status: 403, Body: `"code":40302`},
		{File: "get-notes.json", Status: 403, Body: `"code":40302`},
	})
}

// opsgenie serves a handler over an account, and asks it.
type opsgenie struct {
	*intaketest.Account
	t testing.TB
	h http.Handler
}

func serve(t testing.TB) *opsgenie {
	a := intaketest.NewAccount(opsgenieapi.Source)
	return &opsgenie{Account: a, t: t, h: routes(telemetry.NewLogger(a, noEnv), a.Intake(opsgenieapi.Source))}
}

func noEnv(string) (string, bool) { return "", false }

// ask sends an event of the folder with another method and path, and returns
// the status and the answer.
func (o *opsgenie) ask(method, path, query, body string) (int, answered) {
	o.t.Helper()
	e := intaketest.Read(o.t, tested.Name, "create.json")
	e.RequestContext.HTTP.Method, e.RawPath, e.RawQueryString, e.Body = method, path, query, body
	got, _ := o.Invoke(o.t, o.h, e)
	a := answered{header: got.Headers}
	if err := json.Unmarshal([]byte(got.Body), &a); err != nil {
		o.t.Fatalf("%s %s answered %s: %v", method, path, got.Body, err)
	}
	return got.StatusCode, a
}

type answered struct {
	Data struct {
		ID, TinyID, Alias, AlertID, Action string
		Success                            bool
		ProcessedAt                        string
	}
	Took      float64
	RequestID string
	Message   string

	header map[string]string
}

// keys are the dedup keys of all alerts in the queue, with their statuses.
func (o *opsgenie) keys() (keys []string) {
	for _, d := range o.Sent {
		for _, item := range d.Items {
			keys = append(keys, string(item.Alert.Status)+" "+item.Alert.DedupKey)
		}
	}
	return keys
}

// TestAnAlertIsClosedByAnyOfItsNames: what a client learns from the answers
// leads to the alert that it created, with and without an alias.
func TestAnAlertIsClosedByAnyOfItsNames(t *testing.T) {
	for name, body := range map[string]string{"with alias": `{"message":"Disk is full","alias":"disk 1"}`, "without alias": `{"message":"Disk is full"}`} {
		t.Run(name, func(t *testing.T) {
			o := serve(t)
			status, created := o.ask("POST", "/v2/alerts", "", body)
			if status != 202 || created.RequestID == "" || created.Took <= 0 || created.header["X-Request-Id"] != created.RequestID || created.header["X-Ratelimit-State"] != "OK" {
				t.Fatalf("%d %+v", status, created)
			}
			status, done := o.ask("GET", "/v2/alerts/requests/"+created.RequestID, "", "")
			if status != 200 || !done.Data.Success || done.Data.Action != "Create" || done.Data.ProcessedAt != "2026-03-01T09:00:00Z" || done.Data.AlertID == "" {
				t.Fatalf("%d %+v", status, done)
			}
			status, found := o.ask("GET", "/v2/alerts/"+done.Data.AlertID, "", "")
			if status != 200 || found.Data.ID != done.Data.AlertID || found.Data.TinyID == "" {
				t.Fatalf("%d %+v", status, found)
			}
			o.ask("POST", "/v2/alerts/"+found.Data.ID+"/close", "identifierType=id", "{}")
			o.ask("POST", "/v2/alerts/"+found.Data.ID+"/close", "", "{}")
			o.ask("POST", "/v2/alerts/"+found.Data.ID+"/close", "identifierType=alias", "{}")
			o.ask("POST", "/v2/alerts/"+found.Data.TinyID+"/close", "identifierType=tiny", "{}")
			if name == "with alias" {
				o.ask("POST", "/v2/alerts/disk%201/close", "identifierType=alias", "{}")
			}
			keys := o.keys()
			for _, k := range keys[1:] {
				if k != strings.Replace(keys[0], "firing", "resolved", 1) {
					t.Errorf("closed as %q, created as %q", k, keys[0])
				}
			}
			if len(keys) < 5 {
				t.Errorf("%q", keys)
			}
		})
	}
}

// TestTheSameTextAgainIsTheSameRequest: Alertmanager's update_alerts tells
// message and description with each notification.
func TestTheSameTextAgainIsTheSameRequest(t *testing.T) {
	o := serve(t)
	first, other := `{"message":"[FIRING:1] Disk"}`, `{"message":"[FIRING:2] Disk"}`
	for _, r := range [][2]string{
		{"/v2/alerts/a/message", first}, {"/v2/alerts/a/message", first}, {"/v2/alerts/a/message", other}, {"/v2/alerts/b/message", first}, {"/v2/alerts/a/description", first},
		{"/v2/alerts/a/notes", `{"note":"x"}`}, {"/v2/alerts/a/notes", `{"note":"x"}`},
	} {
		if status, _ := o.ask("POST", r[0], "identifierType=alias", r[1]); status != 202 {
			t.Fatalf("%s answered %d", r[0], status)
		}
	}
	seen := map[string][]int{}
	for i, d := range o.Sent {
		seen[d.ID] = append(seen[d.ID], i)
	}
	if again := seen[o.Sent[0].ID]; len(seen) != 6 || !slices.Equal(again, []int{0, 1}) {
		t.Errorf("deliveries by their ids: %v", seen)
	}
}

// TestRedactionLeavesIdsWhole: patterns of numbers and tokens match ids, too,
// which say nothing of an alert; an alias is redacted wherever it stands.
func TestRedactionLeavesIdsWhole(t *testing.T) {
	o := serve(t)
	rules, err := redact.Compile(nil, []string{`\d{6}`, `[0-9a-f]{8}`, `card-\w+`})
	if err != nil {
		t.Fatal(err)
	}
	o.Found.Redact = rules
	alias := opsgenieapi.ByAlias("card-hush")
	o.ask("POST", "/v2/alerts", "", `{"message":"x","alias":"db-1/disk"}`)
	o.ask("POST", "/v2/alerts/"+disk.ID()+"/close", "", "{}")
	o.ask("POST", "/v2/alerts/"+disk.TinyID()+"/close", "identifierType=tiny", "{}")
	o.ask("POST", "/v2/alerts", "", `{"message":"y","alias":"card-hush"}`)
	o.ask("POST", "/v2/alerts/card-hush/close", "identifierType=alias", "{}")
	keys := o.keys()
	if want := []string{"firing " + disk.Key(), "resolved " + disk.Key(), "resolved " + disk.Key()}; !slices.Equal(keys[:3], want) {
		t.Errorf("read %q, want %q", keys[:3], want)
	}
	if keys[4] != strings.Replace(keys[3], "firing", "resolved", 1) || strings.HasSuffix(keys[3], alias.Key()) {
		t.Errorf("an alias that is redacted: %q", keys[3:])
	}
}

// TestAnAliasMayBeAnAddress: also where the gateway has unescaped its slashes.
func TestAnAliasMayBeAnAddress(t *testing.T) {
	o := serve(t)
	key := opsgenieapi.ByAlias("http://shop.example.com/cart").Key()
	o.ask("POST", "/v2/alerts", "", `{"message":"x","alias":"http://shop.example.com/cart"}`)
	o.ask("POST", "/v2/alerts/http%3A%2F%2Fshop.example.com%2Fcart/close", "identifierType=alias", "{}")
	o.ask("POST", "/v2/alerts/http://shop.example.com/cart/close", "identifierType=alias", "{}")
	o.ask("DELETE", "/in/opsgenie-api/"+intaketest.Key+"/v2/alerts/http://shop.example.com/cart", "identifierType=alias", "")
	if got, want := o.keys(), []string{"firing " + key, "resolved " + key, "resolved " + key, "resolved " + key}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestBadRequests(t *testing.T) {
	for _, file := range []string{"create.json", "create-below-the-key.json", "note.json"} {
		bad := intaketest.BadRequests(intaketest.Read(t, tested.Name, file))
		for i := range bad {
			if file == "note.json" && bad[i].Name == "empty body" {
				bad[i].Status = []int{422} // closing and the like need no body, but this is a note without a text
			}
			bad[i].Name = file + " " + bad[i].Name
		}
		// GET is a question here.
		tested.Refuse(t, slices.DeleteFunc(bad, func(b intaketest.Bad) bool { return slices.Equal(b.Status, []int{405}) }), `"message":`)
	}
	e := intaketest.Read(t, tested.Name, "create.json")
	var bad []intaketest.Bad
	for _, c := range []struct {
		method, path, query string
		status              int
	}{
		{"PUT", "/v2/alerts", "", 405},
		{"OPTIONS", "/v2/alerts", "", 405},
		{"DELETE", "/v2/alerts", "", 404},
		{"POST", "/v2/alerts/x", "", 404},
		{"POST", "/v2/alerts/x/create", "", 404},
		{"POST", "/v2/alerts/close", "", 404},
		{"POST", "/v2/alerts/x/actions/", "", 404},
		{"POST", "/v2/alerts/x/attachments", "", 404},
		{"GET", "/v2/alerts", "query=alias%3Ax+AND+status%3Aopen", 403},
		{"GET", "/v2/alerts", "query=alias%3Ax*", 403},
		{"GET", "/v2/alerts", "query=free+text", 403},
		{"GET", "/v2/alerts/count", "", 403},
		{"GET", "/v2/alerts/requests/x", "", 404},
		{"GET", "/v2/alerts/requests/" + disk.ID(), "", 404},
	} {
		bad = append(bad, intaketest.Bad{Name: c.method + " " + c.path + " " + c.query, Event: with(e, c.method, c.path, c.query), Status: []int{c.status}})
	}
	tested.Refuse(t, bad, `"message":`)
}

func with(e events.APIGatewayV2HTTPRequest, method, path, query string) events.APIGatewayV2HTTPRequest {
	e.RequestContext.HTTP.Method, e.RawPath, e.RawQueryString = method, path, query
	return e
}

func TestQuestionsNeedTheKeyToo(t *testing.T) {
	e := with(intaketest.Read(t, tested.Name, "unknown-key.json"), "GET", "/v2/alerts/"+disk.ID(), "")
	tested.Refuse(t, []intaketest.Bad{{Name: "unknown key", Event: e, Status: []int{401}}}, `"message":"Could not authenticate"`)
}

func TestWhatMayPassIsWorthARepeat(t *testing.T) {
	o := serve(t)
	o.Failed = errors.New("throttled")
	status, got := o.ask("POST", "/v2/alerts", "", `{"message":"x"}`)
	if status != 503 || got.header["Retry-After"] == "" || !strings.HasPrefix(got.Message, "the delivery cannot be queued now") {
		t.Errorf("%d %+v", status, got)
	}
}
