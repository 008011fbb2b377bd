package page_test

import (
	"testing"

	"tocsin/shared/event"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
)

// TestEnds is the closed table of what ends each reason, written out.
func TestEnds(t *testing.T) {
	is := func(change func(*event.Event)) event.Event {
		e := event.Event{ID: "E-12", State: event.Triggered, Cycle: 2, Opening: 1}
		if change != nil {
			change(&e)
		}
		return e
	}
	in := func(s event.State) event.Event { return is(func(e *event.Event) { e.State = s }) }
	resolved := in(event.Resolved)
	recorded := is(func(e *event.Event) {
		e.State = event.Resolved
		e.Record = event.Record{CauseClass: "capacity", Cause: "c", Solution: "s", By: event.ByMember("ann")}
	})
	halfRecorded := is(func(e *event.Event) {
		e.State = event.Resolved
		e.Record = event.Record{CauseClass: "unknown", By: event.Self}
	})
	for _, c := range []struct {
		name    string
		reasons []outbox.Reason
		event   event.Event
		why     string // "" goes on
	}{
		{"still triggered", []outbox.Reason{outbox.Page, outbox.LastResort}, is(nil), ""},
		{"acknowledged", []outbox.Reason{outbox.Page, outbox.LastResort}, in(event.AckedState), "acknowledged"},
		{"snoozed", []outbox.Reason{outbox.Page, outbox.LastResort}, in(event.Snoozed), "snoozed"},
		{"resolved", []outbox.Reason{outbox.Page, outbox.LastResort}, resolved, "resolved"},
		{"closed", []outbox.Reason{outbox.Page, outbox.LastResort}, in(event.Closed), "closed"},
		{"merged", []outbox.Reason{outbox.Page, outbox.LastResort}, is(func(e *event.Event) { e.State, e.MergedInto = event.Closed, "E-3" }), "merged"},
		{"newer cycle", []outbox.Reason{outbox.Page, outbox.LastResort}, is(func(e *event.Event) { e.Cycle = 3 }), "newer_cycle"},
		{"all alerts recovered, not yet resolved", []outbox.Reason{outbox.Page}, is(func(e *event.Event) { e.Progress.Stopped = true }), ""},

		{"told of the end while resolved", []outbox.Reason{outbox.Ended}, resolved, ""},
		{"told of the end once closed", []outbox.Reason{outbox.Ended}, in(event.Closed), ""},
		{"reopened before it was told", []outbox.Reason{outbox.Ended}, is(nil), "reopened"},
		{"reopened and ended again", []outbox.Reason{outbox.Ended}, is(func(e *event.Event) { e.State, e.Opening = event.Resolved, 2 }), "reopened"},

		{"record missing", []outbox.Reason{outbox.Record}, resolved, ""},
		{"record by nobody", []outbox.Reason{outbox.Record}, halfRecorded, ""},
		{"record complete", []outbox.Reason{outbox.Record}, recorded, "recorded"},
		{"closed without it", []outbox.Reason{outbox.Record}, in(event.Closed), "closed"},
		{"reopened", []outbox.Reason{outbox.Record}, in(event.AckedState), "reopened"},
		{"reopened and resolved", []outbox.Reason{outbox.Record}, is(func(e *event.Event) { e.State, e.Opening = event.Resolved, 2 }), "reopened"},

		{"nothing ends these", []outbox.Reason{outbox.Dead, outbox.News}, in(event.Closed), ""},
	} {
		for _, r := range c.reasons {
			t.Run(c.name+" "+string(r), func(t *testing.T) {
				m := outbox.Message{Key: outbox.Key{Event: "E-12", Cycle: 2, Reason: r}, Opening: 1}
				if over, why := page.Ends(m, c.event); over != (c.why != "") || over && why != c.why {
					t.Errorf("over %v, %q; want %q", over, why, c.why)
				}
			})
		}
	}
}

func TestFailedStep(t *testing.T) {
	m := outbox.Message{Key: outbox.Key{Event: "E-12", Cycle: 2, Reason: outbox.Page, Stage: "plan", Step: 1, Round: 3}}
	f, err := page.ParseFailedStep(page.FailedStepOf(&m).Encode())
	want := event.StepFailed{Cycle: 2, Progress: event.Progress{Stage: event.StagePlan, Step: 1, Round: 3}}
	if err != nil || f.Event != "E-12" || f.Op() != want {
		t.Errorf("%+v, %v", f, err)
	}
	for _, body := range []string{"", "[]", `{"v":2,"kind":"step_failed","event_id":"E-1"}`, `{"v":1,"kind":"event","event_id":"E-1"}`, `{"v":1,"kind":"step_failed"}`} {
		if _, err := page.ParseFailedStep(body); err == nil {
			t.Errorf("%s is taken", body)
		}
	}
}
