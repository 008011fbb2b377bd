package lifecycle_test

import (
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/lifecycle"
	"tocsin/shared/plan"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return noon.Add(d) }

var twoSteps = func() plan.Plan {
	once := 1
	return plan.Plan{
		Steps: []plan.Step{
			{Targets: []plan.Target{{Member: "ann"}}},
			{Targets: []plan.Target{{Member: "bob"}}, Wait: plan.Duration(10 * time.Minute)},
		},
		Repeats:    &once,
		LastResort: []plan.Target{{Team: "leads"}},
	}
}()

func newEvent(change func(*event.Event)) event.Event {
	e := event.Event{
		ID: "E-1", State: event.Triggered, Priority: alert.P1, Execution: execution.First(noon), Cycle: 1, Opening: 1,
		OpenedAt: noon, TriggeredAt: noon,
	}
	if change != nil {
		change(&e)
	}
	return e
}

func paged(stage event.Stage, round, step int, deadline time.Duration) func(*event.Event) {
	return func(e *event.Event) {
		e.Progress = event.Progress{Stage: stage, Round: round, Step: step, PagedAt: noon, Deadline: after(deadline)}
	}
}

// TestNext is the table of the lifecycle: what an event needs at noon.
func TestNext(t *testing.T) {
	week := after(7 * 24 * time.Hour)
	for _, c := range []struct {
		name   string
		change func(*event.Event)
		want   lifecycle.Step
	}{
		{"just opened", nil, lifecycle.Step{Do: lifecycle.Page, Progress: event.Progress{Stage: event.StagePlan}}},
		{"a named assignee comes first", func(e *event.Event) { e.Assignee = event.Assignee{Member: "eve", Named: true} },
			lifecycle.Step{Do: lifecycle.Page, Progress: event.Progress{Stage: event.StageAssignee}}},
		{"an assignee by default does not", func(e *event.Event) { e.Assignee = event.Assignee{Team: "db"} },
			lifecycle.Step{Do: lifecycle.Page, Progress: event.Progress{Stage: event.StagePlan}}},
		{"the plan follows the assignee", paged(event.StageAssignee, 0, 0, 0),
			lifecycle.Step{Do: lifecycle.Page, Progress: event.Progress{Stage: event.StagePlan}}},
		{"waits for an acknowledgement", paged(event.StagePlan, 0, 0, time.Minute),
			lifecycle.Step{Do: lifecycle.Page, Until: after(time.Minute)}},
		{"the second step", paged(event.StagePlan, 0, 0, 0),
			lifecycle.Step{Do: lifecycle.Page, Progress: event.Progress{Stage: event.StagePlan, Step: 1}}},
		{"the plan repeats", paged(event.StagePlan, 0, 1, -time.Hour),
			lifecycle.Step{Do: lifecycle.Page, Progress: event.Progress{Stage: event.StagePlan, Round: 1}}},
		{"the last resort", paged(event.StagePlan, 1, 1, 0),
			lifecycle.Step{Do: lifecycle.Page, Progress: event.Progress{Stage: event.StageLastResort, Round: 2}}},
		{"the last resort again", paged(event.StageLastResort, 2, 0, 0),
			lifecycle.Step{Do: lifecycle.Page, Progress: event.Progress{Stage: event.StageLastResort, Round: 3}}},
		{"recovered: the clock stands still", func(e *event.Event) {
			e.RecoveredAt, e.Progress.Stopped = after(-time.Minute), true
		}, lifecycle.Step{Do: lifecycle.AwaitResolution, Until: after(4 * time.Minute)}},
		{"recovered for the quiet time", func(e *event.Event) {
			e.RecoveredAt, e.Progress.Stopped = after(-5*time.Minute), true
		}, lifecycle.Step{Do: lifecycle.ResolveRecovered}},
		{"recovered, resolved by hand only", func(e *event.Event) {
			e.RecoveredAt, e.Progress.Stopped = after(-time.Hour), true
			e.Recovery = map[alert.Priority]event.Recovery{alert.P1: {ByHand: true}}
		}, lifecycle.Step{Do: lifecycle.AwaitResolution, Until: week}},
		{"acknowledged", func(e *event.Event) { e.State, e.AckExpiresAt = event.AckedState, after(time.Minute) },
			lifecycle.Step{Do: lifecycle.AwaitResolution, Until: after(time.Minute)}},
		{"acknowledged for good", func(e *event.Event) { e.State = event.AckedState },
			lifecycle.Step{Do: lifecycle.AwaitResolution, Until: week}},
		{"acknowledgement expired", func(e *event.Event) { e.State, e.AckExpiresAt = event.AckedState, noon },
			lifecycle.Step{Do: lifecycle.ExpireAck}},
		{"acknowledgement expired, but all alerts are recovered", func(e *event.Event) {
			e.State, e.AckExpiresAt, e.RecoveredAt = event.AckedState, noon, after(-time.Minute)
		}, lifecycle.Step{Do: lifecycle.AwaitResolution, Until: after(4 * time.Minute)}},
		{"snoozed", func(e *event.Event) { e.State, e.SnoozedUntil = event.Snoozed, after(time.Hour) },
			lifecycle.Step{Do: lifecycle.AwaitSnoozeEnd, Until: after(time.Hour)}},
		{"snoozed and recovered", func(e *event.Event) {
			e.State, e.SnoozedUntil, e.RecoveredAt = event.Snoozed, after(time.Hour), noon
		}, lifecycle.Step{Do: lifecycle.AwaitSnoozeEnd, Until: after(5 * time.Minute)}},
		{"snooze over", func(e *event.Event) { e.State, e.SnoozedUntil = event.Snoozed, noon },
			lifecycle.Step{Do: lifecycle.EndSnooze}},
		{"resolved, the all-clear is owed", func(e *event.Event) { e.State, e.OweAllClear = event.Resolved, true },
			lifecycle.Step{Do: lifecycle.TellEnd}},
		{"resolved, closes by itself later", func(e *event.Event) { e.State, e.AutoCloseAt = event.Resolved, after(time.Hour) },
			lifecycle.Step{Do: lifecycle.AwaitClosure, Until: after(time.Hour)}},
		{"resolved, closes by itself now", func(e *event.Event) { e.State, e.AutoCloseAt = event.Resolved, noon },
			lifecycle.Step{Do: lifecycle.CloseUnattended}},
		{"resolved, a record is owed", func(e *event.Event) { e.State, e.RecordAskedAt = event.Resolved, after(-time.Hour) },
			lifecycle.Step{Do: lifecycle.AwaitClosure, Until: after(23 * time.Hour)}},
		{"resolved, the record is overdue", func(e *event.Event) { e.State, e.RecordAskedAt = event.Resolved, after(-24*time.Hour) },
			lifecycle.Step{Do: lifecycle.AskForRecord}},
		{"closed", func(e *event.Event) { e.State = event.Closed }, lifecycle.Step{Do: lifecycle.End}},
		{"closed, the all-clear is owed", func(e *event.Event) { e.State, e.OweAllClear = event.Closed, true },
			lifecycle.Step{Do: lifecycle.TellEnd}},
		{"subscribers are to be told", func(e *event.Event) { e.News = []event.News{{Number: 1}} }, lifecycle.Step{Do: lifecycle.TellSubscribers}},
		{"closed, subscribers are to be told", func(e *event.Event) { e.State, e.News = event.Closed, []event.News{{Number: 1}} },
			lifecycle.Step{Do: lifecycle.TellSubscribers}},
		{"a test pages whom it is for", func(e *event.Event) { e.Test, e.Assignee = true, event.Assignee{Member: "ann", Named: true} },
			lifecycle.Step{Do: lifecycle.Page, Progress: event.Progress{Stage: event.StageAssignee}}},
		{"a test pages nobody else", func(e *event.Event) {
			paged(event.StageAssignee, 0, 0, -time.Minute)(e)
			e.Test = true
		}, lifecycle.Step{Do: lifecycle.AwaitResolution, Until: after(time.Hour)}},
		{"a test ends by itself", func(e *event.Event) { e.Test, e.OpenedAt = true, after(-time.Hour) }, lifecycle.Step{Do: lifecycle.EndTest}},
		{"promoted", func(e *event.Event) { e.PromotedBy = "member:ann" }, lifecycle.Step{Do: lifecycle.OpenIncident}},
		{"800 wakes", func(e *event.Event) { e.Wakes = 800 }, lifecycle.Step{Do: lifecycle.StartNext}},
		{"300 days", func(e *event.Event) { e.GenerationAt = after(-300 * 24 * time.Hour) }, lifecycle.Step{Do: lifecycle.StartNext}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lifecycle.Next(newEvent(c.change), twoSteps, noon); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestSecondsAreClamped(t *testing.T) {
	for _, c := range []struct {
		name  string
		until time.Time
		want  int
	}{
		{"overdue", after(-time.Hour), 1},
		{"a fraction is rounded up", after(1500 * time.Millisecond), 2},
		{"more than a week", after(30 * 24 * time.Hour), 7 * 24 * 3600},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lifecycle.Seconds(c.until, noon); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
