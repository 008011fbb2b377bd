package tests

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tocsin/shared/event"
	"tocsin/tests/harness"
)

// beat creates a heartbeat that is expected every five minutes, with one of
// grace, and returns what its job pings.
func beat(t *testing.T, h *harness.Harness, name string) string {
	t.Helper()
	var made struct {
		URL string `json:"url"`
	}
	if status := h.API("POST", "/heartbeats", map[string]any{"id": name, "name": name, "every": "5m", "grace": "1m", "max_run": "10m"}, &made); status != http.StatusCreated {
		t.Fatalf("creating %s answered %d", name, status)
	}
	u, err := url.Parse(made.URL)
	if err != nil {
		t.Fatal(err)
	}
	return h.Addresses.Front + u.Path
}

// pings sends a ping and fails the test unless it is answered by 200.
func pings(t *testing.T, method, address, body string) {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %d %s: %v", method, resp.StatusCode, answer, err)
	}
}

// TestFlowHeartbeat: a job that falls silent pages within 120 seconds of its
// deadline, once, and is over when it pings again; one that says that it failed
// pages at once.
func TestFlowHeartbeat(t *testing.T) {
	h := harness.Start(t)
	backup := beat(t, h, "backup")
	h.Minutes(7).Receives() // never armed
	pings(t, "GET", backup, "")
	h.Minutes(5).Receives()
	pings(t, "HEAD", backup, "")
	h.Minutes(5).Receives()
	h.Minutes(2)
	page := h.Receives("alice")[0]
	says(t, page, "backup is silent: expected every 5m")
	id := harness.EventOf(page)
	h.Act(harness.Link(t, page), "acknowledge")
	h.Settled().Minutes(10).Receives()
	pings(t, "POST", backup, "copied 1204 files")
	h.Settled().Minutes(3)
	pings(t, "GET", backup+"/start", "")
	h.Minutes(1)
	pings(t, "GET", backup+"/success", "")
	h.Minutes(3)
	says(t, h.Receives("alice")[0], "All alerts recovered", id)
	h.In(id, event.Resolved)

	pings(t, "POST", beat(t, h, "report")+"/3", "No space left on device")
	says(t, h.Receives("alice")[0], "report failed with exit code 3", "No space left on device")
}

// TestInvariant04AMassExpiryPagesOnce: when heartbeats fall silent all at once,
// one alert says that their path is broken.
func TestInvariant04AMassExpiryPagesOnce(t *testing.T) {
	h := harness.Start(t)
	var jobs []string
	for i := range 6 {
		jobs = append(jobs, beat(t, h, fmt.Sprint("job-", i)))
	}
	all := func() {
		t.Helper()
		for _, job := range jobs {
			pings(t, "GET", job, "")
		}
	}
	all()
	h.Minutes(8)
	page := h.Receives("alice")[0]
	says(t, page, "[P1]", "heartbeats are not arriving: 6 of 6 are overdue")
	h.Act(harness.Link(t, page), "acknowledge")
	h.Settled().Minutes(5).Receives()
	all()
	start := h.Settled().Clock.Now()
	h.Minutes(3)
	all()
	h.Minutes(4)
	h.Arrive(start, harness.Arrival{After: 6 * time.Minute, Member: "alice"})
	h.In(harness.EventOf(page), event.Resolved)
}
