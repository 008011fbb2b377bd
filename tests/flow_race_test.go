package tests

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/ledger"
	"tocsin/shared/outbox"
	"tocsin/tests/faults"
	"tocsin/tests/harness"
)

// TestFlowTwoPeopleAcknowledge at once, several times: one is the owner, and
// the page of the other says who.
func TestFlowTwoPeopleAcknowledge(t *testing.T) {
	h := harness.Start(t)
	for round := range 4 {
		id := h.Disposed(h.Send(harness.Alert{Name: fmt.Sprint("Disk-", round), Instance: "db-1"}), ledger.Opened)
		links := []string{harness.Link(t, h.Receives("alice")[0])}
		h.Pass(5*time.Minute + time.Second)
		links = append(links, harness.Link(t, h.Receives("bob")[0]))

		said := make([]string, 2)
		var people sync.WaitGroup
		for i, link := range links {
			people.Go(func() { said[i] = posted(t, link, "acknowledge") })
		}
		people.Wait()
		owner := h.Settled().In(id, event.AckedState).Owner
		names := map[string]string{"alice": "Alice", "bob": "Bob"}
		for i, me := range []string{"alice", "bob"} {
			if me != owner && !strings.Contains(said[i], names[owner]) {
				t.Errorf("%s owns it, and the page of %s does not say so:\n%s", owner, me, said[i])
			}
		}
		if n := strings.Count(h.Timeline(id), "event.acknowledged"); n != 1 || names[owner] == "" {
			t.Errorf("acknowledged %d times, owner %q", n, owner)
		}
		h.Act(links[0], "resolve")
		h.Receives("alice", "bob")
	}
}

// posted clicks a button and returns the page that follows. Unlike
// [harness.Harness.Act] it may run beside the test.
func posted(t *testing.T, link, action string) string {
	resp, err := http.PostForm(link, url.Values{"action": {action}})
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s answered %d: %v", action, resp.StatusCode, err)
	}
	return string(body)
}

// TestFlowOvertakenInTheQueue: what is acknowledged while its message waits is
// not sent.
func TestFlowOvertakenInTheQueue(t *testing.T) {
	h, p := faulty(t)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	link := harness.Link(t, h.Receives("alice")[0])
	waiting := p.Harm(&faults.Rule{
		Operation: "GetItem", Holding: []string{"MESSAGES#" + id + `"`}, Before: func() { posted(t, link, "acknowledge") },
	})
	h.Pass(5*time.Minute + time.Second)
	if !waiting.Harmed() {
		t.Fatal("no second message was looked at")
	}
	h.Receives()
	h.In(id, event.AckedState)
	messages, err := h.Outbox().OfEvent(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if m.Member == "bob" && m.State != outbox.Overtaken {
			t.Errorf("the message to bob is %s, want overtaken", m.State)
		}
	}
}

// TestInvariant02FlowRoutersRaceForASlot: deliveries that arrive at once make
// one event and one page.
func TestInvariant02FlowRoutersRaceForASlot(t *testing.T) {
	h := harness.Start(t)
	const rounds, senders = 3, 8
	for round := range rounds {
		var bodies [][]byte
		for i := range senders {
			bodies = append(bodies, h.Body(harness.Alert{Name: fmt.Sprint("Storm-", round), Instance: fmt.Sprint("node-", i)}))
		}
		var all sync.WaitGroup
		for _, body := range bodies {
			all.Go(func() {
				resp, err := http.Post(h.Webhook(), "application/json", bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
			})
		}
		all.Wait()
		page := h.Receives("alice")[0]
		if e := h.In(harness.EventOf(page), event.Triggered); e.AlertCount != senders {
			t.Errorf("event %s has %d alerts, want %d", e.ID, e.AlertCount, senders)
		}
	}
	var open struct {
		Items []struct{} `json:"items"`
	}
	if h.API("GET", "/events", nil, &open); len(open.Items) != rounds {
		t.Errorf("%d events are open, want %d", len(open.Items), rounds)
	}
}

// TestInvariant08GetAndHeadChangeNothing: a scanner that follows a link, twice,
// is no reader, and the link still works after it.
func TestInvariant08GetAndHeadChangeNothing(t *testing.T) {
	h := harness.Start(t)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	link := harness.Link(t, h.Receives("alice")[0])
	before := h.Event(id)
	for range 2 {
		h.Scan(link)
	}
	if after := h.Settled().In(id, event.Triggered); after.Rev != before.Rev {
		t.Errorf("the scanner wrote the event: revision %d after %d", after.Rev, before.Rev)
	}
	h.Act(link, "acknowledge")
	acknowledged := h.Settled().In(id, event.AckedState)
	h.Scan(link)
	if after := h.Settled().Event(id); after.Rev != acknowledged.Rev {
		t.Errorf("the scanner wrote the event: revision %d after %d", after.Rev, acknowledged.Rev)
	}
	h.Receives()
}
