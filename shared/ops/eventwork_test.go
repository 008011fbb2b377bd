package ops_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/ops"
	"tocsin/shared/ops/opstest"
)

// fires stores a firing alert, attached to an event ("" none), and returns its id.
func fires(t *testing.T, w *opstest.World, name string, at event.ID) string {
	t.Helper()
	st := alert.State{ID: alert.IDOf("prod", name), Integration: "prod"}
	st = st.Take(alert.Alert{Status: alert.Firing, DedupKey: name, Title: name + " is down"}, w.Now())
	st.Event = string(at)
	if err := w.Desk.Events.Store.Alerts.Put(t.Context(), &st); err != nil {
		t.Fatal(err)
	}
	if at != "" {
		if err := w.Desk.Events.Store.AddMembers(t.Context(), at, []alert.ID{st.ID}, w.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return string(st.ID)
}

func TestTasksOfAnEventByTheAPI(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.EventsWrite)
	at := "/v1/events/" + c.report(`{"title":"Slow"}`)
	c.want(200, "POST", at+"/add-task", `{"text":"tell the shop","member":"bob"}`)
	c.want(422, "POST", at+"/add-task", `{"text":"tell the shop","member":"zoe"}`)
	c.want(200, "POST", at+"/complete-task", `{"number":1}`)
	c.want(404, "POST", at+"/complete-task", `{"number":2}`)
	task := c.want(200, "GET", at, "").Body["tasks"].([]any)[0].(map[string]any)
	if task["assignee"] != "bob" || task["by"] != "member:ann" || task["done_by"] != "member:ann" || task["done_at"] == nil {
		t.Errorf("task %v", task)
	}
	task = c.want(200, "POST", at+"/reopen-task", `{"number":1}`).Body["tasks"].([]any)[0].(map[string]any)
	if task["done_at"] != nil {
		t.Errorf("reopened task %v", task)
	}
}

func TestAttachByTheAPI(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.EventsWrite)
	id, other := c.report(`{"title":"Slow"}`), c.report(`{"title":"Other"}`)
	kept := fires(t, w, "kept", "")
	if got := c.want(200, "POST", "/v1/events/"+id+"/attach", `{"alert":"`+kept+`"}`).Body; got["alerts"] != 1.0 {
		t.Errorf("attached: %v", got)
	}
	list := c.want(200, "GET", "/v1/events/"+id, "").Body["alert_list"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["id"] != kept {
		t.Errorf("alerts %v", list)
	}
	if again := c.want(200, "POST", "/v1/events/"+id+"/attach", `{"alert":"`+kept+`"}`).Body; again["alerts"] != 1.0 {
		t.Errorf("attached again: %v", again)
	}
	if got := c.want(409, "POST", "/v1/events/"+other+"/attach", `{"alert":"`+kept+`"}`); !strings.Contains(got.Text, "belongs to event "+id) {
		t.Errorf("of another event: %s", got.Text)
	}
	c.want(404, "POST", "/v1/events/"+id+"/attach", `{"alert":"a-none"}`)
	c.want(200, "POST", "/v1/events/"+id+"/resolve", "")
	c.want(409, "POST", "/v1/events/"+other+"/attach", `{"alert":"`+kept+`"}`)
	w.Pass(31 * time.Minute) // its reopen period is over
	c.want(200, "POST", "/v1/events/"+other+"/attach", `{"alert":"`+kept+`"}`)
	c.want(409, "POST", "/v1/events/"+id+"/attach", `{"alert":"`+kept+`"}`)
}

func TestSplitByTheAPI(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.EventsWrite)
	id := c.report(`{"title":"Slow","priority":"P2","service":"shop"}`)
	one, two := fires(t, w, "db-1", event.ID(id)), fires(t, w, "db-2", event.ID(id))
	c.want(200, "POST", "/v1/events/"+id+"/acknowledge", "")
	elsewhere := fires(t, w, "db-3", "")
	for _, bad := range []struct{ alerts, says string }{
		{`"` + one + `","` + two + `"`, "leaves event"},
		{`"` + one + `","` + one + `"`, "twice"},
		{`"` + elsewhere + `"`, "does not belong to"},
		{``, "at least 1"},
	} {
		if got := c.want(422, "POST", "/v1/events/"+id+"/split", `{"alerts":[`+bad.alerts+`]}`); !strings.Contains(got.Text, bad.says) {
			t.Errorf("%s: %s", bad.alerts, got.Text)
		}
	}
	got := c.want(200, "POST", "/v1/events/"+id+"/split", `{"alerts":["`+two+`"]}`).Body
	fresh := got["id"].(string)
	if got["split_from"] != id || got["state"] != "triggered" || got["priority"] != "P2" || got["title"] != "db-2 is down" ||
		got["assignee_team"] != "shop" || got["alerts"] != 1.0 {
		t.Errorf("split off %v", got)
	}
	detail := c.want(200, "GET", "/v1/events/"+fresh, "").Body
	if x := detail["execution"].(map[string]any); x["status"] != "running" || x["name"] != fresh+"-g1" {
		t.Errorf("execution %v", x)
	}
	for _, a := range c.want(200, "GET", "/v1/events/"+id, "").Body["alert_list"].([]any) {
		if a := a.(map[string]any); a["id"] == two && a["moved_to"] != fresh {
			t.Errorf("alert of the old event %v", a)
		}
	}
	c.want(422, "POST", "/v1/events/"+id+"/split", `{"alerts":["`+two+`"]}`)
}

// TestSplitLeavesWhatHasRecovered: an event from which all that fires was split
// off is recovered.
func TestSplitLeavesWhatHasRecovered(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.EventsWrite)
	id := c.report(`{"title":"Slow"}`)
	one, two := fires(t, w, "db-1", event.ID(id)), fires(t, w, "db-2", event.ID(id))
	states, err := w.Desk.Events.Store.Alerts.Get(t.Context(), alert.ID(one))
	if err != nil {
		t.Fatal(err)
	}
	over := states[alert.ID(one)]
	over.Alert.Status = alert.Resolved
	if err := w.Desk.Events.Store.Alerts.Put(t.Context(), &over); err != nil {
		t.Fatal(err)
	}
	c.want(409, "POST", "/v1/events/"+id+"/split", `{"alerts":["`+one+`"]}`)
	c.want(200, "POST", "/v1/events/"+id+"/split", `{"alerts":["`+two+`"]}`)
	if got := c.want(200, "GET", "/v1/events/"+id, "").Body; got["recovered_at"] == nil {
		t.Errorf("the old event %v", got)
	}
}

// TestATeamsOwnCauseClassByTheAPI: it is taken for the events of the team's
// services only, and offered with them.
func TestATeamsOwnCauseClassByTheAPI(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.Admin)
	shop, other := c.report(`{"title":"Slow","service":"shop"}`), c.report(`{"title":"Slow"}`)
	const class = `{"cause_class":"bank_closed"}`
	if got := c.want(422, "POST", "/v1/events/"+shop+"/record", class); !strings.Contains(got.Text, `"cause_class","detail":"is \"bank_closed\", expected one of false_positive, `) {
		t.Errorf("unknown class: %s", got.Text)
	}
	docs := c.want(200, "GET", "/v1/config", "").Body["documents"].([]any)
	for _, d := range docs {
		if d := d.(map[string]any); d["kind"] == "team" {
			d["spec"].(map[string]any)["cause_classes"] = []string{"bank_closed"}
		}
	}
	body, err := json.Marshal(map[string]any{"documents": docs, "expected_version": 1})
	if err != nil {
		t.Fatal(err)
	}
	c.want(200, "PUT", "/v1/config", string(body))
	if got := c.want(200, "POST", "/v1/events/"+shop+"/record", class).Body["record"].(map[string]any); got["cause_class"] != "bank_closed" {
		t.Errorf("record %v", got)
	}
	c.want(422, "POST", "/v1/events/"+other+"/close", class)
	for _, s := range c.want(200, "GET", "/v1/services", "").Body["items"].([]any) {
		s := s.(map[string]any)
		classes := s["cause_classes"].([]any)
		if own := classes[len(classes)-1] == "bank_closed"; own != (s["name"] == "shop") {
			t.Errorf("service %v offers %v", s["name"], classes)
		}
	}
}

func TestSubscribeByTheAPI(t *testing.T) {
	w := opstest.New(t)
	ann, program := newClient(t, w, "ann", ops.EventsWrite), newClient(t, w, "", ops.EventsWrite)
	id, into := ann.report(`{"title":"Slow"}`), ann.report(`{"title":"Slower"}`)
	at := "/v1/events/" + id
	ann.want(200, "POST", at+"/subscribe", "")
	program.want(422, "POST", at+"/subscribe", "")
	program.want(422, "POST", at+"/subscribe", `{"member":"zoe"}`)
	if got := program.want(200, "POST", at+"/subscribe", `{"member":"bob"}`).Body["subscribers"].([]any); len(got) != 2 {
		t.Errorf("subscribers %v", got)
	}
	if got := ann.want(200, "POST", at+"/unsubscribe", "").Body["subscribers"].([]any); len(got) != 1 || got[0] != "bob" {
		t.Errorf("subscribers %v", got)
	}
	if got := ann.want(200, "POST", at+"/merge", `{"into":"`+into+`"}`).Body["subscribers"].([]any); len(got) != 1 || got[0] != "bob" {
		t.Errorf("subscribers of the survivor %v", got)
	}
}
