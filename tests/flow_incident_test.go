package tests

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/ledger"
	"tocsin/tests/harness"
)

// shownIncident is an incident as the API shows it.
type shownIncident struct {
	ID        string
	State     string
	Severity  string
	Events    []string
	Roles     map[string]string
	Timeline  []struct{ What, By string }
	Execution struct{ Name string }
}

// TestFlowIncident: an event becomes an incident by its link; whoever promoted
// it leads it and is reminded of updates until it is resolved; it closes with
// its review.
func TestFlowIncident(t *testing.T) {
	h := harness.Start(t)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	link := harness.Link(t, h.Receives("alice")[0])
	h.Act(link, "acknowledge")
	start := h.Clock.Now()
	h.Act(link, "promote")
	name := h.Settled().In(id, event.AckedState).Incident
	if name == "" {
		t.Fatalf("no incident was opened; timeline:\n%s", h.Timeline(id))
	}
	i := incidentOf(t, h, name)
	if i.State != "open" || i.Severity != "SEV1" || !slices.Equal(i.Events, []string{id}) || i.Roles["commander"] != "alice" {
		t.Errorf("opened as %+v", i)
	}
	h.Act(link, "promote") // once is enough
	if again := h.Settled().Event(id).Incident; again != name {
		t.Errorf("promoted again into %s", again)
	}

	// A reminder each hour that no update came.
	h.Act(link, "resolve")
	h.Receives("alice")
	h.Act(link, "close", record...)
	h.Pass(2*time.Hour + 5*time.Minute)
	says(t, h.Arrive(start, minute(60, "alice"), minute(120, "alice"))[0], name, "owes an update")
	start = h.Clock.Now()
	does(t, h, name, "update", map[string]any{"text": "Traffic is moving."})
	h.Pass(50 * time.Minute).Receives()
	does(t, h, name, "mitigate", map[string]any{"text": "Traffic was moved."})
	h.Stopped(harness.IncidentMachine, incidentOf(t, h, name).Execution.Name) // the sweeper goes on
	h.Pass(65 * time.Minute)
	h.Arrive(start, minute(110, "alice"))
	does(t, h, name, "resolve", nil)
	if status := h.API("POST", "/incidents/"+name+"/close", map[string]any{}, nil); status < 400 {
		t.Errorf("closing a SEV1 without a review answered %d", status)
	}
	does(t, h, name, "close", map[string]any{"summary": "Orders failed for an hour.", "root_cause": "A disk was full."})
	h.Pass(10 * 24 * time.Hour).Receives()

	i = incidentOf(t, h, name)
	var told []string
	for _, item := range i.Timeline {
		told = append(told, item.What)
	}
	want := "incident.opened incident.update_asked incident.update_asked incident.updated incident.mitigated incident.execution_replaced incident.update_asked incident.resolved incident.closed"
	if got := strings.Join(told, " "); i.State != "closed" || got != want {
		t.Errorf("it is %s after\n%s, want\n%s", i.State, got, want)
	}
}

func incidentOf(t *testing.T, h *harness.Harness, name string) (i shownIncident) {
	t.Helper()
	if status := h.API("GET", "/incidents/"+name, nil, &i); status != 200 {
		t.Fatalf("incidents.get answered %d", status)
	}
	return i
}

func does(t *testing.T, h *harness.Harness, name, verb string, in map[string]any) {
	t.Helper()
	if in == nil {
		in = map[string]any{}
	}
	if status := h.API("POST", "/incidents/"+name+"/"+verb, in, nil); status != 200 {
		t.Fatalf("incidents.%s answered %d", verb, status)
	}
	h.Settled()
}
