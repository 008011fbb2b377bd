package tests

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/local/inbox"
	"tocsin/local/stack"
	"tocsin/shared/event"
	"tocsin/shared/ledger"
	"tocsin/tests/faults"
	"tocsin/tests/harness"
)

// faulty starts a stack whose calls to AWS can be harmed.
func faulty(t *testing.T) (*harness.Harness, *faults.Proxy) {
	t.Helper()
	p := faults.New(t)
	return harness.Start(t, harness.Route(p.Route)), p
}

// insist sends an alert as Alertmanager does: again while the answer is 5xx.
func insist(t *testing.T, h *harness.Harness, a harness.Alert) {
	t.Helper()
	for range 5 {
		status, body := h.Post(h.Webhook(), h.Body(a))
		if status == http.StatusAccepted {
			return
		}
		if status < 500 {
			t.Fatalf("the webhook answered %d: %s", status, body)
		}
	}
	t.Fatal("the webhook never accepted the alert")
}

// press clicks a button of a link as a person does: again while it fails.
func press(t *testing.T, link, action string) {
	t.Helper()
	for range 5 {
		resp, err := http.PostForm(link, url.Values{"action": {action}})
		if err != nil {
			t.Error(err)
			return
		}
		resp.Body.Close()
		if resp.StatusCode < 500 {
			return
		}
	}
	t.Errorf("the link never answered to %s", action)
}

// repaired lets two minutes pass, with a sweep at each.
func repaired(h *harness.Harness) { h.Settled().Minutes(2) }

// arrived returns what arrived for each event since the last look.
func arrived(h *harness.Harness) map[string][]inbox.Message {
	got := map[string][]inbox.Message{}
	for _, m := range h.New() {
		got[harness.EventOf(m)] = append(got[harness.EventOf(m)], m)
	}
	return got
}

// walk takes an alert through its life and fails the test unless its people
// receive exactly what they should, late at most by a repair.
func walk(t *testing.T, h *harness.Harness, name string) {
	t.Helper()
	receive := func(what string) inbox.Message {
		t.Helper()
		got := h.New()
		if len(got) == 0 {
			repaired(h)
			got = h.New()
		}
		if len(got) != 1 || harness.Reader(got[0]) != "alice" {
			t.Fatalf("%s: %d messages, want one to alice", what, len(got))
		}
		return got[0]
	}
	insist(t, h, harness.Alert{Name: name, Instance: "db-1"})
	page := receive("page")
	id, link := harness.EventOf(page), harness.Link(t, page)
	press(t, link, "acknowledge")
	h.Settled().In(id, event.AckedState)
	press(t, link, "resolve")
	if clear := receive("all-clear"); harness.EventOf(clear) != id {
		t.Fatalf("the all-clear is about %s, want %s", harness.EventOf(clear), id)
	}
	h.In(id, event.Resolved)
	h.Receives()
}

// TestFlowLostAnswers loses the answer of each call that changes something, one
// after another, through an event's life: everyone receives what they should,
// once.
func TestFlowLostAnswers(t *testing.T) {
	h, p := faulty(t)
	walk(t, h, "warm")
	changes := 0
	for _, c := range p.Record(func() { walk(t, h, "sound") }) {
		if c.Changes() {
			changes++
		}
	}
	for n := 1; n <= changes; n++ {
		rule := p.Harm(&faults.Rule{Changing: true, Nth: n, Fault: faults.Lose})
		walk(t, h, fmt.Sprint("lost-", n))
		p.Heal()
		if !rule.Harmed() {
			t.Logf("call %d of %d was not made", n, changes)
		}
	}
}

// TestFlowRefusedCalls refuses calls at each step for as long as the SDK tries:
// the step is done again by whoever repairs it, and everyone receives what they
// should, once.
func TestFlowRefusedCalls(t *testing.T) {
	h, p := faulty(t)
	type harm struct {
		name      string
		service   stack.Service
		operation string
		holding   func(id string) []string
		fault     faults.Fault
	}
	holding := func(parts ...string) func(string) []string { return func(string) []string { return parts } }
	of := func(parts ...string) func(string) []string {
		return func(id string) []string { return append(parts, id+`"`) }
	}
	opening := []harm{
		{"ingest cannot send", stack.Cloud, "SendMessage", holding("AlertsQueue"), faults.Throttle},
		{"the execution cannot be started", stack.States, "StartExecution", holding(), faults.Throttle},
		{"the execution's start is unknown", stack.States, "StartExecution", holding(), faults.Lose},
		{"the start cannot be noted", stack.Cloud, "UpdateItem", of(`"started"`), faults.Refuse},
		{"the ledger cannot be written", stack.Cloud, "PutItem", holding("DELIVERIES#"), faults.Throttle},
		{"the page cannot be written", stack.Cloud, "TransactWriteItems", of("MESSAGE#"), faults.Refuse},
		{"the page is written and nobody knows", stack.Cloud, "TransactWriteItems", of("MESSAGE#"), faults.Lose},
		{"the page cannot be handed over", stack.Cloud, "SendMessageBatch", holding("MessagesQueue"), faults.Cut},
		{"the wait cannot be parked", stack.Cloud, "UpdateItem", of(`":token"`), faults.Throttle},
		{"the page cannot be claimed", stack.Cloud, "PutItem", of("MESSAGES#"), faults.Refuse},
		{"the slot cannot be taken", stack.Cloud, "TransactWriteItems", of("SLOT#"), faults.Throttle},
	}
	acting := []harm{
		{"it cannot be written", stack.Cloud, "TransactWriteItems", of(), faults.Throttle},
		{"it is written and nobody knows", stack.Cloud, "TransactWriteItems", of(), faults.Lose},
		{"the machine cannot be woken", stack.States, "SendTaskSuccess", nil, faults.Throttle},
		{"the machine is woken and nobody knows", stack.States, "SendTaskSuccess", nil, faults.Lose},
	}
	links := map[string]string{}
	number := int64(0)
	for i, c := range opening {
		number++
		id := string(event.IDOf(number))
		rule := p.Harm(&faults.Rule{Service: c.service, Operation: c.operation, Holding: c.holding(id), Whole: true, Fault: c.fault})
		insist(t, h, harness.Alert{Name: fmt.Sprint("refused-", i), Instance: "db-1"})
		h.Await(c.name, rule.Harmed)
	}
	repaired(h)
	for id, messages := range arrived(h) {
		if len(messages) != 1 || harness.Reader(messages[0]) != "alice" {
			t.Errorf("event %s: %d messages, want one to alice; timeline:\n%s", id, len(messages), h.Timeline(id))
		}
		links[id] = harness.Link(t, messages[0])
	}
	if len(links) != len(opening) {
		t.Fatalf("%d events were paged, want %d", len(links), len(opening))
	}
	for _, step := range []struct {
		action string
		state  event.State
		told   int
	}{{"acknowledge", event.AckedState, 0}, {"resolve", event.Resolved, 1}} {
		p.Heal()
		i := 0
		var people sync.WaitGroup
		for id, link := range links {
			c := acting[i%len(acting)]
			i++
			parts := []string{h.Event(id).Token}
			if c.holding != nil {
				parts = c.holding("EVENT#" + id)
			}
			p.Harm(&faults.Rule{Service: c.service, Operation: c.operation, Holding: parts, Whole: true, Fault: c.fault})
			people.Go(func() { press(t, link, step.action) })
		}
		people.Wait()
		repaired(h)
		got := arrived(h)
		for id := range links {
			h.In(id, step.state)
			if len(got[id]) != step.told {
				t.Errorf("event %s after %s: %d messages, want %d; timeline:\n%s", id, step.action, len(got[id]), step.told, h.Timeline(id))
			}
		}
	}
	t.Run("Invariant12NoSecretInLogs", func(t *testing.T) {
		secrets := map[string]string{"the webhook's key": path.Base(h.Webhook()), "the API token": h.Token(), "a contact": "alice@tocsin.example"}
		for id, link := range links {
			secrets["the link of "+id] = path.Base(link)
		}
		log := h.FunctionLog()
		for name, secret := range secrets {
			if i := strings.Index(log, secret[:len(secret)-1]); i >= 0 {
				t.Errorf("%s is in the log: %.300s", name, log[max(0, i-150):])
			}
		}
	})
}

// TestFlowKilledFunctions ends the process of a function in the middle of each
// kind of step: the person still gets the page, and once unless it is unknown
// whether the provider took it.
func TestFlowKilledFunctions(t *testing.T) {
	h, p := faulty(t)
	walk(t, h, "warm")
	kill := func(function string) func() {
		return func() {
			if n, err := h.Kill(function); err != nil || n == 0 {
				t.Errorf("killed %d processes of %s: %v", n, function, err)
			}
		}
	}
	const (
		last    = 1 // the event of the walk
		unknown = "notifier after the provider"
	)
	type death struct {
		name      string
		function  string
		service   stack.Service
		operation string
		holding   string // "%s" is the event
		after     bool   // the call was delivered
	}
	deaths := []death{
		{"ingest before it accepts", "IngestPrometheusFunction", stack.Cloud, "SendMessage", "AlertsQueue", false},
		{"ingest before it answers", "IngestPrometheusFunction", stack.Cloud, "SendMessage", "AlertsQueue", true},
		{"router before it opens", "RouterFunction", stack.Cloud, "TransactWriteItems", "EVENT#%s\"", false},
		{"router after it opened", "RouterFunction", stack.Cloud, "TransactWriteItems", "EVENT#%s\"", true},
		{"router before the ledger", "RouterFunction", stack.Cloud, "PutItem", "DELIVERIES#", false},
		{"router after the ledger", "RouterFunction", stack.Cloud, "PutItem", "DELIVERIES#", true},
		{"lifecycle while it evaluates", "LifecycleFunction", stack.Cloud, "GetItem", "EVENT#%s\"", false},
		{"lifecycle before it pages", "LifecycleFunction", stack.Cloud, "TransactWriteItems", "MESSAGES#%s\"", false},
		{"lifecycle after it paged", "LifecycleFunction", stack.Cloud, "TransactWriteItems", "MESSAGES#%s\"", true},
		{"lifecycle after it parked", "LifecycleFunction", stack.Cloud, "UpdateItem", ":token", true},
		{"notifier before it claims", "NotifierFunction", stack.Cloud, "PutItem", "MESSAGES#%s\"", false},
		{"notifier before the provider", "NotifierFunction", stack.Cloud, "PutItem", "MESSAGES#%s\"", true},
		{unknown, "NotifierFunction", stack.Cloud, "PutItem", "MESSAGES#%s\"", false},
	}
	number := int64(last)
	for i, d := range deaths {
		number++
		if d.name == "router after it opened" {
			number++ // the router that died before took a number
		}
		holding := strings.ReplaceAll(d.holding, "%s", string(event.IDOf(number)))
		r := &faults.Rule{Service: d.service, Operation: d.operation, Holding: []string{holding}, Fault: faults.Cut, Before: kill(d.function)}
		if d.after {
			r.Fault, r.Before, r.After = faults.Lose, nil, kill(d.function)
		}
		if d.name == unknown {
			r.Nth = 2 // the first is the claim
		}
		if d.function == "NotifierFunction" {
			h.Settled() // it dies with all that it sends: another event's page would be sent again too
		}
		p.Harm(r)
		insist(t, h, harness.Alert{Name: fmt.Sprint("killed-", i), Instance: "db-1"})
		h.Await(d.name, r.Harmed)
	}
	twice := string(event.IDOf(number))
	number++
	p.Harm(&faults.Rule{Operation: "StartExecution", Holding: []string{string(event.IDOf(number)) + "-g"}, Whole: true, Fault: faults.Throttle})
	insist(t, h, harness.Alert{Name: "killed-sweeper", Instance: "db-1"})
	sweeper := p.Harm(&faults.Rule{
		Operation: "DescribeExecution", Holding: []string{string(event.IDOf(number)) + "-g"}, Fault: faults.Cut, Before: kill("SweeperFunction"),
	})
	if err := h.Clock.Advance(46 * time.Second); err != nil { // leases of the dead end
		t.Fatal(err)
	}
	repaired(h)
	if !sweeper.Harmed() {
		t.Error("no sweeper died")
	}
	got := arrived(h)
	for id, messages := range got {
		want := 1
		if id == twice {
			want = 2
		}
		if len(messages) != want || harness.Reader(messages[0]) != "alice" {
			t.Errorf("event %s: %d messages, want %d to alice; timeline:\n%s", id, len(messages), want, h.Timeline(id))
		}
	}
	if len(got) != len(deaths)+1 {
		t.Errorf("%d events were paged, want %d", len(got), len(deaths)+1)
	}
}

// TestFlowRestart stops the whole stack with events open and starts it again.
func TestFlowRestart(t *testing.T) {
	dir := t.TempDir()
	h := harness.Start(t, harness.State(dir))
	start := h.Clock.Now()
	waits := h.Disposed(h.Send(disk), ledger.Opened)
	owned := h.Disposed(h.Send(harness.Alert{Name: "Slow", Instance: "web-1"}), ledger.Opened)
	pages := map[string]string{}
	for id, messages := range arrived(h) {
		pages[id] = harness.Link(t, messages[0])
	}
	h.Act(pages[owned], "acknowledge")
	h.Settled()
	front := h.Addresses.Front
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}

	h = harness.Start(t, harness.State(dir))
	h.New() // what was received before
	h.In(owned, event.AckedState)
	h.Act(strings.Replace(pages[owned], front, h.Addresses.Front, 1), "resolve")
	h.Settled().In(owned, event.Resolved)
	h.Receives("alice")
	h.Pass(6 * time.Minute)
	h.Arrive(start, minute(5, "bob"))
	h.Act(strings.Replace(pages[waits], front, h.Addresses.Front, 1), "acknowledge")
	h.Settled().In(waits, event.AckedState)
}

// TestFlowProviderFails: an answer that is lost leads to the message being sent
// again, and a provider that is down to the member's next contact.
func TestFlowProviderFails(t *testing.T) {
	h := harness.Start(t)
	h.Inbox.Fail(inbox.Mail, inbox.Unanswered, 1)
	h.Disposed(h.Send(disk), ledger.Opened)
	h.Act(harness.Link(t, h.Receives("alice", "alice")[0]), "resolve") // twice beats never
	h.Receives("alice")

	h.Change("kind: plan\nname: standard\nspec:\n  steps:\n    - {targets: [{member: alice}], wait: 1h}\n  last_resort: [{member: bob}]")
	h.Inbox.Fail(inbox.Mail, inbox.Broken, -1)
	r := h.Send(harness.Alert{Name: "Slow", Instance: "web-1"})
	h.Await("the mail was tried", func() bool { return strings.Contains(h.FunctionLog(), `"detail":"HTTP 500`) })
	if err := h.Clock.Advance(11 * time.Minute); err != nil {
		t.Fatal(err)
	}
	if page := h.Receives("alice")[0]; page.Channel != inbox.Push || harness.EventOf(page) != h.Disposed(r, ledger.Opened) {
		t.Errorf("received %q by %s", page.Subject, page.Channel)
	}
}
