package tests

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/shared/change"
	"tocsin/shared/ledger"
	"tocsin/tests/harness"
)

// TestFlowFromChangeToPage: a change that was told of before an alert of its
// service is in the page, on the link's page and in what the API says.
func TestFlowFromChangeToPage(t *testing.T) {
	h := harness.Start(t)
	var told struct{ ID string }
	if status := h.API("POST", "/changes", map[string]any{"title": "deploy shop v1.8", "id": "run-7", "service": "shop", "at": h.Clock.Now().Add(-12 * time.Minute)}, &told); status != 201 || told.ID != "run-7" {
		t.Fatalf("reporting a change answered %d, %+v", status, told)
	}
	id := h.Disposed(h.Send(disk), ledger.Opened)
	page := h.Receives("alice")[0]
	for what, text := range map[string]string{"text": page.Text, "HTML": page.HTML} {
		if !strings.Contains(text, "12 min before: deploy shop v1.8") {
			t.Errorf("the %s of the page does not tell of the change:\n%s", what, text)
		}
	}
	var event struct{ Changes []change.Change }
	if h.API("GET", "/events/"+id, nil, &event); len(event.Changes) != 1 || event.Changes[0].Title != "deploy shop v1.8" {
		t.Errorf("the API shows %+v", event.Changes)
	}
	resp, err := http.Get(harness.Link(t, page))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "deploy shop v1.8") {
		t.Errorf("the link's page does not show the change (%v)", err)
	}
}
