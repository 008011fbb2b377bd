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

// beat creates a heartbeat that is expected so often, with a minute of grace,
// and returns what its job pings.
func beat(t *testing.T, h *harness.Harness, name, every string) string {
	t.Helper()
	var made struct {
		URL string `json:"url"`
	}
	if status := h.API("POST", "/heartbeats", map[string]any{"id": name, "name": name, "every": every, "grace": "1m", "max_run": "10m"}, &made); status != http.StatusCreated {
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
	backup := beat(t, h, "backup", "5m")
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

	pings(t, "POST", beat(t, h, "report", "5m")+"/3", "No space left on device")
	says(t, h.Receives("alice")[0], "report failed with exit code 3", "No space left on device")
}

// TestInvariant04AMassExpiryPagesOnce: when heartbeats fall silent all at once,
// one alert says that their path is broken, beside others that ping once a day.
// When more fall silent after a person resolved it, it pages again; and when
// pings arrive again, what is due a little later pages nobody.
func TestInvariant04AMassExpiryPagesOnce(t *testing.T) {
	h := harness.Start(t)
	var jobs []string
	for i := range 10 {
		jobs = append(jobs, beat(t, h, fmt.Sprint("job-", i), "5m"))
	}
	for i := range 7 {
		pings(t, "GET", beat(t, h, fmt.Sprint("daily-", i), "24h"), "")
	}
	all := func(jobs []string) {
		t.Helper()
		for _, job := range jobs {
			pings(t, "GET", job, "")
		}
		h.Settled()
	}
	all(jobs)
	h.Minutes(4)
	all(jobs[6:])
	h.Minutes(4)
	page := h.Receives("alice")[0]
	says(t, page, "[P1]", "heartbeats are not arriving: 6 of 10 are overdue")
	h.Act(harness.Link(t, page), "resolve")
	h.Settled().New() // that it ended
	h.Minutes(4)
	again := h.Receives("alice")[0]
	var e map[string]any
	h.API("GET", "/events/"+harness.EventOf(again), nil, &e)
	if told := fmt.Sprint(e["alert_list"]); harness.EventOf(again) != harness.EventOf(page) || !strings.Contains(told, "10 of 10 are overdue") {
		t.Errorf("%s pages beside %s, with the alerts %s", harness.EventOf(again), harness.EventOf(page), told)
	}
	h.Act(harness.Link(t, again), "acknowledge")
	h.Settled()
	start := h.Clock.Now()
	all(jobs[:7])
	h.Minutes(4)
	all(jobs)
	h.Minutes(5)
	all(jobs)
	h.Minutes(2)
	h.Arrive(start, harness.Arrival{After: 6 * time.Minute, Member: "alice"})
	h.In(harness.EventOf(page), event.Resolved)
}

// TestInvariant04WhatTheGuardHoldsIsTold: within an hour and two minutes of the
// page about the path, also when a person resolved it.
func TestInvariant04WhatTheGuardHoldsIsTold(t *testing.T) {
	h := harness.Start(t)
	for i := range 5 {
		pings(t, "GET", beat(t, h, fmt.Sprint("job-", i), "5m"), "")
	}
	h.Minutes(8)
	h.Act(harness.Link(t, h.Receives("alice")[0]), "resolve")
	h.Settled().New()
	h.Minutes(62)
	told := map[string]bool{}
	for _, m := range h.New() {
		for i := range 5 {
			if name := fmt.Sprint("job-", i); strings.Contains(m.Subject, name+" is silent") {
				told[name] = true
			}
		}
	}
	if len(told) != 5 {
		t.Errorf("told of %v", told)
	}
}

// TestFlowACrashLoop: a job that starts and dies again and again is missed.
func TestFlowACrashLoop(t *testing.T) {
	h := harness.Start(t)
	loop := beat(t, h, "loop", "5m")
	pings(t, "GET", loop, "")
	for range 3 {
		pings(t, "GET", loop+"/start", "")
		h.Settled().Minutes(4)
	}
	says(t, h.Receives("alice")[0], "loop did not finish")
}
