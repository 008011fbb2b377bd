package ops_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/ops"
	"tocsin/shared/ops/opstest"
)

var update = flag.Bool("update", false, "write what is made instead of comparing with it")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("%s is not what the registry makes; run go test ./shared/ops -update", name)
	}
}

func TestDocsAreMadeFromTheRegistry(t *testing.T) {
	page, err := ops.Markdown(ops.All(&ops.Desk{}))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../../docs/api.md", []byte(page))
}

func TestEveryOperationIsWhole(t *testing.T) {
	names, routes := map[string]bool{}, map[string]bool{}
	for _, o := range ops.Resolved(ops.All(&ops.Desk{})) {
		route := o.Method + " " + o.Path
		if names[o.Name] || routes[route] {
			t.Errorf("%s (%s) is there twice", o.Name, route)
		}
		names[o.Name], routes[route] = true, true
		if o.Summary == "" || !strings.HasSuffix(o.Summary, ".") {
			t.Errorf("%s: summary %q is no sentence", o.Name, o.Summary)
		}
		if o.Scope != "" && !o.Scope.Valid() {
			t.Errorf("%s: scope %q does not exist", o.Name, o.Scope)
		}
		if o.Method == http.MethodGet && (o.Creates || o.Reads || o.Large) {
			t.Errorf("%s: a GET has no body", o.Name)
		}
		for _, f := range o.In.Fields {
			if f.In == "path" != strings.Contains(o.Path, "{"+f.Name+"}") {
				t.Errorf("%s: field %s and path %s differ", o.Name, f.Name, o.Path)
			}
			if f.Schema.Description == "" {
				t.Errorf("%s: field %s has no description", o.Name, f.Name)
			}
		}
		checkExamples(t, o)
	}
}

func checkExamples(t *testing.T, o *ops.Operation) {
	t.Helper()
	if len(o.In.Fields) > 0 && len(o.Examples) == 0 {
		t.Errorf("%s has input and no example", o.Name)
	}
	for _, e := range o.Examples {
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Check(text); err != nil {
			t.Errorf("%s: example %s: %v", o.Name, text, err)
		}
		if path, _ := o.Place(e); strings.Contains(path, "{") {
			t.Errorf("%s: example lacks a parameter of %s", o.Name, path)
		}
	}
}

func TestEnumsNameWhatTheCodeKnows(t *testing.T) {
	var scopes []string
	for _, o := range ops.Resolved(ops.All(&ops.Desk{})) {
		if f, ok := o.In.Field("scopes"); ok {
			scopes = f.Schema.Items.Enum
		}
		if f, ok := o.In.Field("cause_class"); ok {
			for _, class := range defaults.CauseClasses {
				if !strings.Contains(f.Schema.Description, class+",") {
					t.Errorf("%s: the description of cause_class does not name %s", o.Name, class)
				}
			}
		}
	}
	var want []string
	for _, s := range ops.Scopes() {
		want = append(want, string(s))
	}
	if !slices.Equal(scopes, want) {
		t.Errorf("scopes %v", scopes)
	}
}

// everyRef collects the references of a document.
func everyRef(v any, refs map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			refs[ref] = true
		}
		for _, inner := range v {
			everyRef(inner, refs)
		}
	case []any:
		for _, inner := range v {
			everyRef(inner, refs)
		}
	}
}

func TestOpenAPIHasEveryOperationAndResolves(t *testing.T) {
	all := ops.Resolved(ops.All(&ops.Desk{}))
	text, err := ops.OpenAPI(all, "test")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if doc.Paths[o.Path][strings.ToLower(o.Method)].OperationID != o.Name {
			t.Errorf("%s is not at %s %s", o.Name, o.Method, o.Path)
		}
	}
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	refs := map[string]bool{}
	everyRef(whole, refs)
	for ref := range refs {
		name, ok := strings.CutPrefix(ref, "#/components/schemas/")
		if _, known := doc.Components.Schemas[name]; ok && !known {
			t.Errorf("%s leads nowhere", ref)
		}
	}
}

func TestAWriteScopeAllowsReadingAndAdminEverything(t *testing.T) {
	for _, c := range []struct {
		has, wants ops.Scope
		may        bool
	}{
		{ops.EventsRead, ops.EventsRead, true},
		{ops.EventsRead, ops.EventsWrite, false},
		{ops.EventsWrite, ops.EventsRead, true},
		{ops.EventsWrite, ops.ConfigRead, false},
		{ops.ConfigWrite, ops.Admin, false},
		{ops.Admin, ops.ConfigWrite, true},
		{ops.EventsRead, "", true},
	} {
		if got := (&ops.Caller{Scopes: []ops.Scope{c.has}}).May(c.wants); got != c.may {
			t.Errorf("%q for %q: %v, want %v", c.has, c.wants, got, c.may)
		}
	}
}

func TestAnIncidentGoesItsWholeWayByTheAPI(t *testing.T) {
	w := opstest.New(t)
	ann := newClient(t, w, "ann", ops.EventsWrite, ops.IncidentsWrite)
	first := ann.report(`{"title":"Customers cannot log in","priority":"P1","service":"shop"}`)
	second := ann.report(`{"title":"Slow","priority":"P2"}`)
	ann.want(200, "POST", "/v1/events/"+first+"/promote", "")
	e, err := w.Desk.Events.Store.Get(t.Context(), event.ID(first))
	if err != nil {
		t.Fatal(err)
	}
	id, err := w.Desk.Incidents.OpenFor(t.Context(), e, w.Now())
	if err != nil {
		t.Fatal(err)
	}
	at := "/v1/incidents/" + id + "/"
	ann.want(404, "POST", "/v1/incidents/I-99/note", `{"text":"x"}`)
	ann.want(422, "POST", "/v1/incidents/7/note", `{"text":"x"}`)
	for _, step := range []struct{ verb, body, state string }{
		{"update", `{"text":"Traffic is moving"}`, "open"},
		{"add-event", `{"event":"` + second + `"}`, "open"},
		{"assign-role", `{"role":"scribe","member":"bob"}`, "open"},
		{"set-severity", `{"severity":"SEV2"}`, "open"},
		{"mitigate", `{"text":"Traffic moved"}`, "mitigated"},
		{"reopen", `{"because":"errors again"}`, "open"},
		{"note", `{"text":"ticket 4711"}`, "open"},
		{"resolve", "", "resolved"},
		{"add-action", `{"text":"Version the configuration","owner":"bob"}`, "resolved"},
		{"complete-action", `{"number":1}`, "resolved"},
		{"review", `{"summary":"Login failed"}`, "resolved"},
		{"close", `{"root_cause":"A switch"}`, "closed"},
	} {
		if got := ann.want(200, "POST", at+step.verb, step.body).Body; got["state"] != step.state {
			t.Fatalf("after %s: %v, want %s", step.verb, got["state"], step.state)
		}
	}
	ann.want(409, "POST", at+"mitigate", "")
	detail := ann.want(200, "GET", "/v1/incidents/"+id, "").Body
	if detail["summary"] != "Login failed" || detail["root_cause"] != "A switch" || len(detail["events"].([]any)) != 2 {
		t.Errorf("incident %v", detail)
	}
	if joined := ann.want(200, "GET", "/v1/events/"+second, "").Body; joined["incident"] != id {
		t.Errorf("event %v", joined["incident"])
	}
	if list := ann.want(200, "GET", "/v1/incidents?closed=true", "").Body["items"].([]any); len(list) != 1 {
		t.Errorf("list %v", list)
	}
}

func FuzzInputIsRefusedOrUnderstood(f *testing.F) {
	all := ops.Resolved(ops.All(&ops.Desk{}))
	for i, o := range all {
		for _, e := range o.Examples {
			text, err := json.Marshal(e)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(i, text)
		}
	}
	f.Add(0, []byte(`{"limit":1e3,"cursor":7}`))
	f.Add(3, []byte(`{"id":null}`))
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		o := all[((i%len(all))+len(all))%len(all)]
		if err := o.Check(body); err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s of %q: %v is not of kind invalid", o.Name, body, err)
		}
	})
}
