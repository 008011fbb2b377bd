package ops_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/shared/ops"
	"tocsin/shared/ops/opstest"
)

func titles(list any) string {
	var all []string
	for _, item := range list.([]any) {
		all = append(all, item.(map[string]any)["title"].(string))
	}
	return strings.Join(all, ", ")
}

// TestAnEventShowsTheChangesOfItsService: of its service, from two hours
// before it opened until it closed.
func TestAnEventShowsTheChangesOfItsService(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.EventsWrite)
	tell := func(title, service string) {
		c.want(201, "POST", "/v1/changes", `{"title":"`+title+`","service":"`+service+`"}`)
	}
	tell("too long ago", "shop")
	w.Pass(121 * time.Minute)
	tell("deploy v1.8", "shop")
	tell("of another", "default")
	w.Pass(12 * time.Minute)
	id := c.report(`{"title":"Slow","priority":"P4","service":"shop"}`)
	w.Pass(time.Minute)
	tell("rollback to v1.7", "shop")
	c.want(200, "POST", "/v1/events/"+id+"/close", "")
	w.Pass(time.Minute)
	tell("after the end", "shop")
	if got := titles(c.want(200, "GET", "/v1/events/"+id, "").Body["changes"]); got != "rollback to v1.7, deploy v1.8" {
		t.Errorf("shows %q", got)
	}
	for query, want := range map[string]string{
		"service=shop": "after the end, rollback to v1.7, deploy v1.8, too long ago",
		"":             "of another",
		"service=none": "",
		"service=shop&since=2026-03-02T12:02:00Z": "after the end, rollback to v1.7",
		"service=shop&until=2026-03-02T11:00:00Z": "too long ago",
		"service=shop&limit=1":                    "after the end",
	} {
		if got := titles(c.want(200, "GET", "/v1/changes?"+query, "").Body["items"]); got != want {
			t.Errorf("%q lists %q, want %q", query, got, want)
		}
	}
	first := c.want(200, "GET", "/v1/changes?service=shop&limit=3", "").Body
	if got := titles(c.want(200, "GET", "/v1/changes?service=shop&limit=3&cursor="+first["next_cursor"].(string), "").Body["items"]); got != "too long ago" {
		t.Errorf("the second page lists %q", got)
	}
	c.want(422, "GET", "/v1/changes?cursor=eA", "")
}

func TestAReportedChangeIsThereOnce(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.EventsWrite)
	body := `{"title":"deploy\n v1.8","id":"run-1","service":"shop","link":"https://ci.example.com/1","labels":["env=prod"]}`
	first := c.want(201, "POST", "/v1/changes", body)
	w.Pass(time.Hour)
	if again := c.want(201, "POST", "/v1/changes", body); again.Text != first.Text {
		t.Errorf("answered %s, then %s", first.Text, again.Text)
	}
	if first.Body["title"] != "deploy v1.8" || first.Body["labels"].(map[string]any)["env"] != "prod" || !strings.Contains(first.Text, "https://ci.example.com/1") {
		t.Errorf("kept %s", first.Text)
	}
	if got := titles(c.want(200, "GET", "/v1/changes?service=shop", "").Body["items"]); got != "deploy v1.8" {
		t.Errorf("lists %q", got)
	}
}

func TestProblemsOfChanges(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.EventsWrite)
	for body, want := range map[string]string{
		`{}`:                                        "title",
		`{"title":" \u200b"}`:                       "title",
		`{"title":"x","service":"nowhere"}`:         "service",
		`{"title":"x","link":"javascript:x"}`:       "link",
		`{"title":"x","labels":["prod"]}`:           "labels",
		`{"title":"x","at":"2026-01-01T00:00:00Z"}`: "at",
	} {
		if a := c.want(422, "POST", "/v1/changes", body); !strings.Contains(a.Text, `"`+want+`"`) {
			t.Errorf("%s: %s does not name %s", body, a.Text, want)
		}
	}
	newClient(t, w, "ann", ops.EventsRead).want(403, "POST", "/v1/changes", `{"title":"x"}`)
}
