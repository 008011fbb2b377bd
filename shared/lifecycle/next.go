// Package lifecycle drives an event from its opening to its archive. It alone
// knows event and plan together. [Next] decides what an event needs at an
// instant and is pure; [Engine] does it, for the state machine's tasks and for
// the sweeper alike, so the execution is only a timer.
package lifecycle

import (
	"time"

	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/plan"
)

// Do is what an event needs next.
type Do string

// The first group waits, each in a state of the machine of its own; the second
// is done at once by the engine itself.
const (
	Page             Do = "page"              // tell a step's people, then wait for an acknowledgement
	AwaitResolution  Do = "await_resolution"  // acknowledged, or all alerts are recovered
	AwaitSnoozeEnd   Do = "await_snooze_end"  //
	AwaitClosure     Do = "await_closure"     // resolved: the record is being completed
	OpenIncident     Do = "open_incident"     //
	StartNext        Do = "next_generation"   // this execution is too old
	End              Do = "closed"            // nothing is left to do
	ExpireAck        Do = "expire_ack"        //
	EndSnooze        Do = "end_snooze"        //
	ResolveRecovered Do = "resolve_recovered" // quiet for long enough
	TellEnd          Do = "tell_end"          // the all-clear
	TellSubscribers  Do = "tell_subscribers"  // news
	AskForRecord     Do = "ask_record"        //
	EndTest          Do = "end_test"          // a test that nobody needs any more
	CloseUnattended  Do = "close_unattended"  // P3 and P4
)

// answered reports whether the machine is told of it, which has a state for
// it. All else is done at once.
func (d Do) answered() bool {
	switch d {
	case Page, AwaitResolution, AwaitSnoozeEnd, AwaitClosure, AwaitMitigation, AwaitReview, OpenIncident, StartNext, End:
		return true
	}
	return false
}

// What an execution may last: Step Functions closes one after a year and after
// 25,000 history entries (Step Functions developer guide, "Service quotas").
const (
	maxWakes = 800
	maxAge   = 300 * 24 * time.Hour
)

// maxWait is the longest that one wait lasts; the event is evaluated then.
const maxWait = 7 * 24 * time.Hour

// Step is what an event or incident needs next.
type Step struct {
	Do       Do
	Progress event.Progress // of Page: the step to tell
	Until    time.Time      // of what waits: when to look again; of a Page, once its people were told
}

// waits reports whether nothing is left to do until then.
func (s Step) waits() bool { return !s.Until.IsZero() }

// Next returns what an event needs at an instant. What is overdue is done, not
// waited for. It is pure.
func Next(e event.Event, p plan.Plan, at time.Time) Step {
	switch {
	case e.OweAllClear:
		return Step{Do: TellEnd}
	case len(e.News) > 0:
		return Step{Do: TellSubscribers}
	case owesIncident(e):
		return Step{Do: OpenIncident}
	case done(e):
		return Step{Do: End}
	case e.State == event.Resolved:
		return resolved(e, at)
	}
	if e.Test {
		return test(e, p, at)
	}
	if due, quiet := recovered(e, at); due {
		return Step{Do: ResolveRecovered}
	} else if aged(e.Execution, at) {
		return Step{Do: StartNext}
	} else {
		return open(e, p, at).sooner(quiet)
	}
}

// done reports whether nothing is left to do for an event.
func done(e event.Event) bool { return e.State == event.Closed && !e.OweAllClear && !owesIncident(e) }

// owesIncident reports whether a person asked for an incident that was not
// opened yet.
func owesIncident(e event.Event) bool {
	return e.PromotedBy != "" && e.Incident == "" && e.MergedInto == ""
}

// test pages whom the test is for and nobody else, and ends by itself.
func test(e event.Event, p plan.Plan, at time.Time) Step {
	end := e.OpenedAt.Add(defaults.TestLife)
	switch {
	case !at.Before(end):
		return Step{Do: EndTest}
	case e.State == event.Triggered && e.Progress.Stage == event.StageAssignee:
		return wait(AwaitResolution, end, at)
	}
	return open(e, p, at).sooner(end)
}

// recovered reports whether recovery resolves the event now, and if not, when
// it will; the zero time when it will not.
func recovered(e event.Event, at time.Time) (due bool, quiet time.Time) {
	r := e.RecoveryFor()
	if e.RecoveredAt.IsZero() || r.ByHand {
		return false, time.Time{}
	}
	quiet = e.RecoveredAt.Add(r.Quiet)
	return !at.Before(quiet), quiet
}

// aged reports whether an execution hands over to the next.
func aged(x execution.Execution, at time.Time) bool {
	return x.Wakes >= maxWakes || at.Sub(x.GenerationAt) >= maxAge
}

func open(e event.Event, p plan.Plan, at time.Time) Step {
	switch e.State {
	case event.AckedState:
		switch {
		case !e.RecoveredAt.IsZero(): // nobody is paged for what has recovered
			return wait(AwaitResolution, time.Time{}, at)
		case !e.AckExpiresAt.IsZero() && !at.Before(e.AckExpiresAt):
			return Step{Do: ExpireAck}
		}
		return wait(AwaitResolution, e.AckExpiresAt, at)
	case event.Snoozed:
		if !at.Before(e.SnoozedUntil) {
			return Step{Do: EndSnooze}
		}
		return wait(AwaitSnoozeEnd, e.SnoozedUntil, at)
	}
	return triggered(e, p, at)
}

// triggered runs the step's clock, which stands still while all alerts are
// recovered.
func triggered(e event.Event, p plan.Plan, at time.Time) Step {
	if e.Progress.Stopped {
		return wait(AwaitResolution, time.Time{}, at)
	}
	if e.Progress.PagedAt.IsZero() || !at.Before(e.Progress.Deadline) {
		return Step{Do: Page, Progress: after(e, p)}
	}
	return wait(Page, e.Progress.Deadline, at)
}

// after returns the progress that follows the event's: the named assignee,
// then the plan's rounds, then the last resort.
func after(e event.Event, p plan.Plan) event.Progress {
	if e.Progress.Stage == "" && e.Assignee.Named && !e.Assignee.IsZero() {
		return event.Progress{Stage: event.StageAssignee}
	}
	done := plan.Start
	if e.Progress.Stage == event.StagePlan || e.Progress.Stage == event.StageLastResort {
		done = plan.Progress{Round: e.Progress.Round, Step: e.Progress.Step}
	}
	next, kind := plan.Next(p, e.Priority, done)
	stage := event.StagePlan
	if kind == plan.LastResort {
		stage = event.StageLastResort
	}
	return event.Progress{Stage: stage, Round: next.Round, Step: next.Step}
}

func resolved(e event.Event, at time.Time) Step {
	if !e.AutoCloseAt.IsZero() {
		if !at.Before(e.AutoCloseAt) {
			return Step{Do: CloseUnattended}
		}
		return wait(AwaitClosure, e.AutoCloseAt, at)
	}
	if aged(e.Execution, at) {
		return Step{Do: StartNext}
	}
	if remind := e.RecordAskedAt.Add(recordAgain); !at.Before(remind) {
		return Step{Do: AskForRecord}
	} else {
		return wait(AwaitClosure, remind, at)
	}
}

// recordAgain is how often the owner of a P1 or P2 is reminded of its record.
const recordAgain = defaults.RecordAgain

func wait(do Do, until, at time.Time) Step {
	if longest := at.Add(maxWait); until.IsZero() || until.After(longest) {
		until = longest
	}
	return Step{Do: do, Until: until}
}

// sooner ends a wait at t when that comes first.
func (s Step) sooner(t time.Time) Step {
	if !t.IsZero() && s.waits() && t.Before(s.Until) {
		s.Until = t
	}
	return s
}
