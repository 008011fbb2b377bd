package tests

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/local/inbox"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/ledger"
	"tocsin/shared/outbox"
	"tocsin/tests/harness"
)

// minute is an arrival so many minutes after the instant that a test names.
func minute(n int, member string) harness.Arrival {
	return harness.Arrival{After: time.Duration(n) * time.Minute, Member: member}
}

// says fails the test unless a message holds each of the texts.
func says(t *testing.T, m inbox.Message, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(m.Subject+"\n"+m.Text, text) {
			t.Errorf("the message to %s does not say %q:\n%s\n%s", harness.Reader(m), text, m.Subject, m.Text)
		}
	}
}

// tells fails the test unless an event's timeline holds each of the texts.
func tells(t *testing.T, h *harness.Harness, id string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if timeline := h.Timeline(id); !strings.Contains(timeline, text) {
			t.Errorf("the timeline of %s does not tell %q:\n%s", id, text, timeline)
		}
	}
}

// TestFlowNobodyAnswers runs the whole plan: its steps, its repeat, the last
// resort each hour, and an acknowledgement that ends it.
func TestFlowNobodyAnswers(t *testing.T) {
	h := harness.Start(t)
	start := h.Clock.Now()
	id := h.Disposed(h.Send(disk), ledger.Opened)
	h.Pass(2*time.Hour + 35*time.Minute)
	pages := h.Arrive(start,
		minute(0, "alice"), minute(5, "bob"), minute(15, "alice"), minute(20, "bob"),
		minute(30, "alice"), minute(30, "bob"), minute(30, "chen"), minute(30, "admin"),
		minute(90, "alice"), minute(90, "bob"), minute(90, "chen"), minute(90, "admin"),
		minute(150, "alice"), minute(150, "bob"), minute(150, "chen"), minute(150, "admin"),
	)
	says(t, pages[0], "next: Bob at "+start.Add(5*time.Minute).Format("15:04"))
	says(t, pages[1], "the plan begins again: Alice at ")
	says(t, pages[3], "last resort: Alice, Bob, 陈晨, Administrator at ")
	says(t, pages[7], "You are the last resort")
	says(t, pages[6], "您是最后的联系人")

	h.Act(harness.Link(t, pages[15]), "acknowledge")
	if e := h.Settled().In(id, event.AckedState); e.Owner != "administrator" {
		t.Errorf("owned by %q", e.Owner)
	}
	h.Pass(29 * time.Minute).Receives()
}

// TestFlowAcknowledgementExpires: each priority has its own time, and then the
// owner is paged first and the plan after.
func TestFlowAcknowledgementExpires(t *testing.T) {
	h := harness.Start(t)
	links := map[string]string{}
	for _, severity := range []string{"critical", "error", "warning"} {
		h.Disposed(h.Send(harness.Alert{Name: "Slow" + severity, Severity: severity}), ledger.Opened)
		links[severity] = harness.Link(t, h.Receives("alice")[0])
	}
	h.Pass(6*time.Minute).Receives("bob", "bob", "bob")
	start := h.Clock.Now()
	for _, link := range links {
		h.Act(link, "acknowledge")
	}
	h.Pass(41 * time.Minute)
	pages := h.Arrive(start, minute(30, "alice"), minute(35, "alice"), minute(40, "bob"))
	says(t, pages[0], "[P1]", "next: Alice at ")
	record := []string{"cause_class", "capacity", "cause", "too small", "solution", "grown"}
	h.Act(links["critical"], "resolve")
	h.Act(links["critical"], "close", record...)
	h.Receives("alice", "bob") // the all-clear

	h.Pass(start.Add(2*time.Hour + 6*time.Minute).Sub(h.Clock.Now()))
	pages = h.Arrive(start, minute(120, "alice"), minute(125, "alice"))
	says(t, pages[0], "[P2]")
	h.Act(links["error"], "resolve")
	h.Act(links["error"], "close", record...)
	h.Receives("alice", "bob")

	h.Pass(8 * 24 * time.Hour).Receives() // P3
}

// TestFlowSnoozeEnds: whoever snoozed is paged when it ends, and then the plan.
func TestFlowSnoozeEnds(t *testing.T) {
	h := harness.Start(t)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	link := harness.Link(t, h.Pass(5*time.Minute+2*time.Second).Receives("alice", "bob")[1])
	start := h.Clock.Now()
	h.Act(link, "snooze", "for", "1h")
	h.Settled().In(id, event.Snoozed)
	h.Pass(71 * time.Minute)
	h.Arrive(start, minute(60, "bob"), minute(65, "alice"), minute(70, "bob"))
	if status := h.API("POST", "/events/"+id+"/snooze", map[string]any{"for": "4h"}, nil); status != 200 {
		t.Fatalf("snoozing answered %d", status)
	}
	h.Pass(time.Hour).Receives()
	h.API("POST", "/events/"+id+"/wake", map[string]any{}, nil)
	h.Receives("alice") // she snoozed it last
}

// TestFlowRaisePagesAgain: an alert that becomes worse pages again, from every
// state of an open event, and one that becomes better does not.
func TestFlowRaisePagesAgain(t *testing.T) {
	h := harness.Start(t)
	alerts := map[event.State]harness.Alert{}
	ids := map[event.State]string{}
	for _, state := range []event.State{event.Triggered, event.AckedState, event.Snoozed} {
		alerts[state] = harness.Alert{Name: "Worse" + string(state), Severity: "error"}
		ids[state] = h.Disposed(h.Send(alerts[state]), ledger.Opened)
		link := harness.Link(t, h.Receives("alice")[0])
		switch state {
		case event.AckedState:
			h.Act(link, "acknowledge")
		case event.Snoozed:
			h.Act(link, "snooze", "for", "4h")
		}
		h.Settled().In(ids[state], state)
	}
	start := h.Clock.Now()
	for state, a := range alerts {
		a.Severity = "critical"
		h.Disposed(h.Send(a), ledger.Joined)
		says(t, h.Receives("alice")[0], "[P1]", ids[state])
		h.Disposed(h.Send(a), ledger.Repeated)
		a.Severity = "warning"
		h.Disposed(h.Send(a), ledger.Repeated)
		if e := h.In(ids[state], event.Triggered); e.Cycle != 2 || e.Opening != 1 {
			t.Errorf("from %s: cycle %d, opening %d", state, e.Cycle, e.Opening)
		}
		h.Receives()
	}
	// Who owned it or put it to sleep is paged first, then the plan.
	h.Pass(6 * time.Minute)
	h.Arrive(start, minute(5, "bob"), minute(5, "alice"), minute(5, "alice"))
}

// TestFlowAssigneeIsPagedFirst: one that a rule names, and one that a person
// names.
func TestFlowAssigneeIsPagedFirst(t *testing.T) {
	h := harness.Start(t)
	h.Change(`kind: rule
name: disks
spec:
  order: 15
  when: {field: labels.alertname, equals: DiskFull}
  outcome: event
  assignee: {member: chen}`)
	start := h.Clock.Now()
	id := h.Disposed(h.Send(disk), ledger.Opened)
	h.Pass(11 * time.Minute)
	says(t, h.Arrive(start, minute(0, "chen"), minute(5, "alice"), minute(10, "bob"))[0], "Alice")
	start = h.Clock.Now()
	if status := h.API("POST", "/events/"+id+"/assign", map[string]any{"member": "bob"}, nil); status != 200 {
		t.Fatalf("assigning answered %d", status)
	}
	h.Pass(6 * time.Minute)
	h.Arrive(start, minute(0, "bob"), minute(5, "alice"))
}

// TestFlowEscalateNow: the next step runs when a person asks for it, and the
// owner of an event calls the plan.
func TestFlowEscalateNow(t *testing.T) {
	h := harness.Start(t)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	link := harness.Link(t, h.Receives("alice")[0])
	h.Act(link, "escalate")
	h.Act(harness.Link(t, h.Receives("bob")[0]), "acknowledge")
	h.Settled().In(id, event.AckedState)
	h.Act(link, "escalate")
	h.Receives("alice")
	h.In(id, event.Triggered)
}

// TestFlowStepsThatReachNobody: a step whose people have no contact is
// skipped, and says so; one for other priorities is not run.
func TestFlowStepsThatReachNobody(t *testing.T) {
	h := harness.Start(t)
	h.Change(`kind: member
name: dora
spec: {display_name: Dora}
---
kind: plan
name: standard
spec:
  steps:
    - {targets: [{member: dora}]}
    - {targets: [{member: chen}], priorities: [P1, P2]}
    - {targets: [{member: bob}, {member: dora}], wait: 10m}
    - {targets: [{member: dora}]}
  repeats: 0
  last_resort: [{member: alice}]`)
	start := h.Clock.Now()
	calm := disk
	calm.Severity = "warning"
	id := h.Disposed(h.Send(calm), ledger.Opened)
	h.Pass(11 * time.Minute)
	h.Arrive(start, minute(0, "bob"), minute(10, "alice"))
	tells(t, h, id, "event.step_reached_nobody by tocsin map[round:1 stage:plan step:1 why_not:Dora has no contact]",
		"event.paged by tocsin map[round:1 stage:plan step:3 who:Bob why_not:Dora has no contact]",
		"event.step_reached_nobody by tocsin map[round:1 stage:plan step:4 why_not:Dora has no contact]")
}

// TestFlowContactsThatFail: a contact that is refused leads to the member's
// next one; when all of a step's are, the next step runs at once.
func TestFlowContactsThatFail(t *testing.T) {
	h := harness.Start(t)
	h.Inbox.Fail(inbox.Mail, inbox.Reject, 1)
	first := h.Disposed(h.Send(disk), ledger.Opened)
	page := h.Receives("alice")[0]
	if page.Channel != inbox.Push {
		t.Errorf("the page came by %s", page.Channel)
	}
	h.Act(harness.Link(t, page), "resolve")
	if clear := h.Receives("alice")[0]; harness.EventOf(clear) != first || clear.Channel != inbox.Push {
		t.Errorf("the all-clear is %q, by %s", clear.Subject, clear.Channel)
	}

	h.Inbox.Fail(inbox.Mail, inbox.Reject, 1)
	h.Inbox.Fail(inbox.Push, inbox.Reject, 1)
	start := h.Clock.Now()
	id := h.Disposed(h.Send(harness.Alert{Name: "Slow"}), ledger.Opened)
	h.Pass(11 * time.Minute)
	h.Arrive(start, minute(0, "bob"), minute(10, "alice"))
	tells(t, h, id, "event.step_failed by tocsin map[round:1 stage:plan step:1]")
}

// TestFlowTestPage: it travels the whole way, is titled TEST, pages nobody but
// whom it is for, needs no record, and ends by itself.
func TestFlowTestPage(t *testing.T) {
	h := harness.Start(t)
	var ids []string
	for range 2 {
		var made struct{ ID string }
		if status := h.API("POST", "/test-pages", map[string]any{"to": "chen"}, &made); status >= 300 {
			t.Fatalf("asking for a test page answered %d", status)
		}
		ids = append(ids, made.ID)
		page := h.Receives("chen")[0]
		if !strings.HasPrefix(page.Subject, "TEST ") || harness.EventOf(page) != made.ID {
			t.Errorf("the page of %s is titled %q", made.ID, page.Subject)
		}
		if len(ids) == 1 {
			h.Act(harness.Link(t, page), "resolve")
			if clear := h.Receives("chen")[0]; !strings.HasPrefix(clear.Subject, "TEST ") {
				t.Errorf("the all-clear is titled %q", clear.Subject)
			}
		}
	}
	h.Pass(4 * 24 * time.Hour).Receives()
	for _, id := range ids {
		h.In(id, event.Closed)
	}
}

// TestInvariant04NobodyIsPagedTwiceForOneReason: neither a new execution, nor a
// spurious wake, nor a ticket that comes again pages anybody, and the step's
// clock goes on.
func TestInvariant04NobodyIsPagedTwiceForOneReason(t *testing.T) {
	h := harness.Start(t)
	start := h.Clock.Now()
	id := h.Disposed(h.Send(disk), ledger.Opened)
	h.Receives("alice")
	for generation := 2; generation <= 3; generation++ {
		h.StopExecution(id).Swept()
		if e := h.In(id, event.Triggered); e.Generation != generation || e.Exec != execution.Running || e.Cycle != 1 {
			t.Fatalf("generation %d is %s in cycle %d, want generation %d", e.Generation, e.Exec, e.Cycle, generation)
		}
	}
	h.WakeMachine(id)
	h.PostAgain(id)
	h.Receives()
	h.Pass(6 * time.Minute)
	h.Arrive(start, minute(5, "bob"))
	h.PostAgain(id)
	h.Receives()
}

// TestInvariant04NoReasonGoesUnpaged: a message whose ticket was lost is sent
// all the same.
func TestInvariant04NoReasonGoesUnpaged(t *testing.T) {
	h := harness.Start(t)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	h.Receives("alice")
	start := h.Clock.Now()
	lost := outbox.New(outbox.Key{
		Event: id, Cycle: 1, Reason: outbox.Page, Stage: string(event.StagePlan), Step: 7, Member: "chen", Contact: "mail",
	}, "email", start)
	lost.Opening = 1
	if added, err := h.Outbox().Add(t.Context(), lost); err != nil || !added {
		t.Fatalf("added %t: %v", added, err)
	}
	h.Pass(4 * time.Minute)
	h.Arrive(start, minute(1, "chen"))
}

// TestInvariant06TheTokenOnlyWakesTheMachine: waking it changes nothing, and a
// token that is late is normal.
func TestInvariant06TheTokenOnlyWakesTheMachine(t *testing.T) {
	h := harness.Start(t)
	start := h.Clock.Now()
	id := h.Disposed(h.Send(disk), ledger.Opened)
	link := harness.Link(t, h.Receives("alice")[0])
	old := h.Event(id).Token
	for range 3 {
		h.WakeMachine(id)
	}
	h.WakeToken(old) // nobody waits for it any more
	h.In(id, event.Triggered)
	h.Pass(6 * time.Minute)
	h.Arrive(start, minute(5, "bob"))
	h.Act(link, "acknowledge")
	h.Settled().WakeMachine(id)
	h.In(id, event.AckedState)
	h.Receives()
}

// TestInvariant07DeadlinesAreKept: the state machine alone is late by at most
// 60 s, and where every execution dies a sweep each minute by at most 120 s.
func TestInvariant07DeadlinesAreKept(t *testing.T) {
	h := harness.Start(t).OnTheHour()
	start := h.Clock.Now()
	id := h.Disposed(h.Send(disk), ledger.Opened)
	for range 11 {
		h.Tick(30 * time.Second)
	}
	paged := h.Arrive(start, minute(0, "alice"), minute(5, "bob"))[1].ReceivedAt
	h.BreakMachine(harness.EventMachine)
	h.StopExecution(id).Minutes(4)
	says(t, h.Receives("admin")[0], "Tocsin cannot keep event "+id+" alive")
	for _, next := range []struct {
		harness.Arrival
		within int // minutes
	}{{minute(10, "alice"), 8}, {minute(5, "bob"), 6}} {
		page := h.Minutes(next.within).Receives(next.Member)[0]
		if late := page.ReceivedAt.Sub(paged) - next.After; late < 0 || late > 2*harness.Tolerance {
			t.Errorf("the page to %s is %s late", next.Member, late)
		}
		paged = page.ReceivedAt
	}
}

// TestInvariant09EveryPageIsExplained: an event says by which rule of which
// version it opened, whom it paged and what the provider said.
func TestInvariant09EveryPageIsExplained(t *testing.T) {
	h := harness.Start(t)
	h.Inbox.Fail(inbox.Mail, inbox.Reject, 1)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	h.Receives("alice")
	var e struct {
		Rule          string
		ConfigVersion int `json:"config_version"`
		Why           []string
		Messages      []struct {
			Member, Contact, State string
			Results                []struct{ Kind, Detail string }
		}
	}
	if status := h.API("GET", "/events/"+id, nil, &e); status != 200 {
		t.Fatalf("events.get answered %d", status)
	}
	if e.Rule != "shop" || e.ConfigVersion != 1 || !strings.Contains(strings.Join(e.Why, "\n"), "priority P1: from severity critical") {
		t.Errorf("opened by rule %q of version %d because %q", e.Rule, e.ConfigVersion, e.Why)
	}
	results := map[string]string{}
	for _, m := range e.Messages {
		results[m.Contact] = fmt.Sprint(m.State, len(m.Results))
	}
	if len(results) != 2 || results["mail"] != "failed1" || results["phone"] != "sent1" {
		t.Errorf("messages: %+v", e.Messages)
	}
}

// TestInvariant10AnOpenEventKeepsItsPlan: an edited plan is for new events;
// people and contacts are read as they are.
func TestInvariant10AnOpenEventKeepsItsPlan(t *testing.T) {
	h := harness.Start(t)
	start := h.Clock.Now()
	h.Send(disk)
	h.Settled() // the event opens by the plan before the change
	h.Change(`kind: plan
name: standard
spec:
  steps:
    - {targets: [{member: chen}], wait: 5m}
  last_resort: [{member: administrator}]`)
	if status := h.API("DELETE", "/members/bob/contacts/mail", nil, nil); status >= 300 {
		t.Fatalf("removing a contact answered %d", status)
	}
	h.Pass(6 * time.Minute)
	if page := h.Arrive(start, minute(0, "alice"), minute(5, "bob"))[1]; page.Channel != inbox.Push {
		t.Errorf("bob's page came by %s", page.Channel)
	}
	h.Send(harness.Alert{Name: "Slow"})
	h.Receives("chen")
}

// TestInvariant13ADeadExecutionIsRepaired: also when every new one dies before
// it waits. Then the last resort is told, each hour, while the sweeper goes on
// with the plan and with the repair.
func TestInvariant13ADeadExecutionIsRepaired(t *testing.T) {
	h := harness.Start(t)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	h.Receives("alice")
	restore := h.BreakMachine(harness.EventMachine)
	h.StopExecution(id).Minutes(4) // generations 2, 3 and 4 fail before they wait
	told := h.Receives("admin")
	says(t, told[0], "Tocsin cannot keep event "+id+" alive")

	h.Pass(65 * time.Minute)
	hours, paged := map[time.Time]int{}, []string{}
	for _, m := range append(told, h.New()...) {
		if strings.Contains(m.Subject, "cannot keep") {
			hours[m.ReceivedAt.Truncate(time.Hour)]++
		} else {
			paged = append(paged, harness.Reader(m))
		}
	}
	for hour, n := range hours {
		if n > 1 {
			t.Errorf("told %d times in the hour of %s", n, hour)
		}
	}
	if len(hours) < 2 || len(paged) < 3 || paged[0] != "bob" || paged[1] != "alice" || paged[2] != "bob" {
		t.Errorf("told in %d hours; meanwhile the plan paged %v", len(hours), paged)
	}

	restore()
	h.Pass(11 * time.Minute)
	if e := h.In(id, event.Triggered); e.Exec != execution.Running || e.Failures != 0 {
		t.Errorf("generation %d is %s after %d failures", e.Generation, e.Exec, e.Failures)
	}
}
