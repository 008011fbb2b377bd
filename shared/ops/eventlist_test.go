package ops_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/ops"
	"tocsin/shared/ops/opstest"
)

func ids(a answer) string {
	var all []string
	for _, item := range a.Body["items"].([]any) {
		all = append(all, item.(map[string]any)["id"].(string))
	}
	return strings.Join(all, " ")
}

func TestEventsAreListedByWhatTheyAre(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.EventsWrite)
	slow := c.report(`{"title":"Checkout is SLOW","priority":"P1","service":"shop","member":"bob"}`)
	w.Pass(time.Hour)
	disk := c.report(`{"title":"Disk full","priority":"P2"}`)
	w.Pass(time.Hour)
	over := c.report(`{"title":"Over","priority":"P4"}`)
	c.want(200, "POST", "/v1/events/"+disk+"/acknowledge", "")
	c.want(200, "POST", "/v1/events/"+over+"/close", "")
	for query, want := range map[string]string{
		"":                                  disk + " " + slow,
		"closed=true":                       over,
		"state=acknowledged&state=closed":   over + " " + disk,
		"priority=P1&priority=P4":           slow,
		"service=shop":                      slow,
		"member=bob":                        slow,
		"member=ann":                        disk,
		"team=shop":                         "",
		"source=prometheus":                 "",
		"text=slow":                         slow,
		"since=2026-03-02T11:00:00Z":        disk,
		"until=2026-03-02T11:00:00Z":        slow,
		"state=triggered&text=disk&limit=1": "",
	} {
		if got := ids(c.want(200, "GET", "/v1/events?"+query, "")); got != want {
			t.Errorf("%q lists %q, want %q", query, got, want)
		}
	}
	c.want(422, "GET", "/v1/events?closed=true&state=closed", "")
	c.want(422, "GET", "/v1/events?state=asleep", "")
	c.want(422, "GET", "/v1/events?since=yesterday", "")
}

// TestALongTimelineIsShownInPages: an event shows the newest items, and the
// timeline goes on behind them without a gap.
func TestALongTimelineIsShownInPages(t *testing.T) {
	w := opstest.New(t)
	c := newClient(t, w, "ann", ops.EventsWrite)
	id := c.report(`{"title":"Slow"}`)
	const notes = 120
	for i := range notes {
		w.Pass(time.Second)
		if _, err := w.Desk.Events.Do(t.Context(), event.ID(id), event.Note{Text: fmt.Sprint(i)}, "member:ann"); err != nil {
			t.Fatal(err)
		}
	}
	text := func(item any) string {
		data, _ := item.(map[string]any)["data"].(map[string]any)
		return fmt.Sprint(data["text"])
	}
	detail := c.want(200, "GET", "/v1/events/"+id, "").Body
	shown := detail["timeline"].([]any)
	if len(shown) != 100 || text(shown[0]) != "20" || text(shown[99]) != "119" {
		t.Fatalf("shows %d items, from %s", len(shown), text(shown[0]))
	}
	cursor, next := detail["timeline_cursor"].(string), 19
	for cursor != "" {
		page := c.want(200, "GET", "/v1/events/"+id+"/timeline?limit=9&cursor="+cursor, "").Body
		for _, item := range page["items"].([]any) {
			if next >= 0 && text(item) != fmt.Sprint(next) {
				t.Fatalf("item %s, want %d", text(item), next)
			}
			next--
		}
		cursor, _ = page["next_cursor"].(string)
	}
	if next != -2 { // the opening comes last
		t.Errorf("ended at %d", next)
	}
	c.want(404, "GET", "/v1/events/E-999999/timeline", "")
	c.want(422, "GET", "/v1/events/"+id+"/timeline?cursor=eA", "")
	short := c.want(200, "GET", "/v1/events/"+c.report(`{"title":"Short"}`), "").Body
	if _, more := short["timeline_cursor"]; more {
		t.Error("a short timeline goes on")
	}
}
