package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/shared/alert"
	"tocsin/shared/ddb"
	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
	"tocsin/shared/incident"
	"tocsin/shared/lifecycle"
	"tocsin/shared/lifecycle/lifecycletest"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
	"tocsin/tests/fakes/account"
)

const (
	folder    = "../../events/sweeper"
	theEvent  = lifecycletest.TheEvent
	theCrisis = lifecycletest.TheIncident
	theAlert  = "fingerprint:00aa11bb22cc33d1"
	theToken  = "exampleTaskToken"
)

// begin is when everything of these tests was opened.
var begin = time.Date(2026, 3, 11, 19, 2, 0, 0, time.UTC)

// yard is the function over one table and an account of its own.
type yard struct {
	*lifecycletest.Bench
	*sweeper
	at     time.Time
	counts bytes.Buffer
}

func newYard(t testing.TB) *yard {
	t.Helper()
	y := &yard{Bench: lifecycletest.New(t, folder), at: begin}
	env := y.Account.Environment(y.Table)
	s, err := newSweeper(slog.New(slog.DiscardHandler), env)
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return y.at }
	s.metrics = telemetry.NewMetrics(&y.counts, env)
	s.heartbeats.Send = heartbeat.Outlet{Queue: y.Account.AlertsQueue(y.Table), Metrics: s.metrics}.Send
	y.sweeper = s
	y.Drives(s.engine, s.incidents, s.now)
	return y
}

// opened stores the event that the files name, with its alert where there is one.
func (y *yard) opened(st *alert.State) *yard {
	y.T.Helper()
	y.Open(st)
	return y
}

// does lets a person act on the event.
func (y *yard) does(op event.Op) *yard {
	y.T.Helper()
	y.Act(op)
	return y
}

// parked lets the event's execution page and wait, as the lifecycle does.
func (y *yard) parked() *yard {
	y.T.Helper()
	e := y.Event()
	life := y.engine.Life(theEvent)
	v, err := life.Evaluate(y.T.Context(), e.Generation)
	if err == nil {
		err = life.Enter(y.T.Context(), e.Generation, lifecycle.Wait{State: v.Next, Token: theToken})
	}
	if err != nil {
		y.T.Fatal(err)
	}
	y.Account.Has(account.Events, e.ExecutionName(), "RUNNING", "")
	y.Account.Sent(account.Messages)
	return y
}

// declared stores the incident that the files name.
func (y *yard) declared(ops ...incident.Op) *yard {
	y.T.Helper()
	y.Declare(ops...)
	return y
}

// after moves the clock to d after everything was opened.
func (y *yard) after(d time.Duration) *yard {
	y.at = begin.Add(d)
	return y
}

// invoke calls the function as it is wired.
func (y *yard) invoke(payload []byte) (string, error) {
	y.T.Helper()
	call := y.entry(queue.Each(y.log, y.metrics, y.repairMessage))
	answer, err := lambda.NewHandler(call).Invoke(y.T.Context(), payload)
	return string(answer), err
}

// told fails the test unless the function takes a schedule or notice.
func (y *yard) told(name string) *yard {
	y.T.Helper()
	if answer, err := y.invoke(y.File(name)); err != nil || answer != "null" {
		y.T.Fatalf("%s: answered %s, %v", name, answer, err)
	}
	return y
}

// batch is the file of repairs, or those messages of it whose kinds are named.
func (y *yard) batch(name string, kinds ...string) (b lambdaevents.SQSEvent) {
	y.T.Helper()
	if err := json.Unmarshal(y.File(name), &b); err != nil {
		y.T.Fatal(err)
	}
	if len(kinds) > 0 {
		b.Records = slices.DeleteFunc(b.Records, func(m lambdaevents.SQSMessage) bool {
			return !slices.ContainsFunc(kinds, func(k string) bool { return strings.Contains(m.Body, `"kind":"`+k+`"`) })
		})
	}
	return b
}

// failed gives a batch to the function and returns which messages failed.
func (y *yard) failed(b lambdaevents.SQSEvent) []string {
	y.T.Helper()
	payload, err := json.Marshal(b)
	if err != nil {
		y.T.Fatal(err)
	}
	answer, err := y.invoke(payload)
	var told lambdaevents.SQSEventResponse
	if err == nil {
		err = json.Unmarshal([]byte(answer), &told)
	}
	if err != nil {
		y.T.Fatalf("answered %s, %v", answer, err)
	}
	var failed []string
	for _, f := range told.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

// repairs fails the test unless the repairs of these kinds succeed, and
// returns what was counted.
func (y *yard) repairs(kinds ...string) (counted []string) {
	y.T.Helper()
	y.counts.Reset()
	b := y.batch("repairs", kinds...)
	if len(b.Records) == 0 {
		y.T.Fatalf("the file has none of %q", kinds)
	}
	if failed := y.failed(b); len(failed) > 0 {
		y.T.Fatalf("repairs of %q failed: %q", kinds, failed)
	}
	for line := range bytes.Lines(y.counts.Bytes()) {
		var object struct {
			Repaired int
			Reason   string
		}
		if err := json.Unmarshal(line, &object); err != nil {
			y.T.Fatal(err)
		}
		if object.Repaired > 0 {
			counted = append(counted, fmt.Sprint(object.Repaired, " ", object.Reason))
		}
	}
	return counted
}

// executionOfEvent is a start of the event's generation, as [account.Account.Started] tells it.
func executionOfEvent(generation int) string {
	return fmt.Sprintf(`%s E-4821-g%d {"v": 1, "event_id": "E-4821", "generation": %d}`, account.Events, generation, generation)
}

// messages returns what is stored for an event or incident with a reason,
// oldest first.
func (y *yard) messages(of string, reason outbox.Reason) []outbox.Message {
	y.T.Helper()
	all, err := y.outbox.OfEvent(y.T.Context(), of)
	if err != nil {
		y.T.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(m outbox.Message) bool { return m.Reason != reason })
	slices.SortFunc(all, func(a, b outbox.Message) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return all
}

// firing is the alert that the files name, as it fired at the beginning until
// its expiry ten minutes later.
func firing() *alert.State {
	return &alert.State{
		ID: alert.IDOf("prod", theAlert), Integration: "prod", ReceivedAt: begin, FiringSince: begin, Event: string(theEvent), Episodes: 1,
		Alert: alert.Alert{
			Source: "prometheus", DedupKey: theAlert, Status: alert.Firing, Severity: alert.Critical, Priority: alert.P1,
			Title: "Disk of db-1 is full", ExpiresAt: begin.Add(10 * time.Minute),
		},
	}
}

// message is the page that the files name.
func message() outbox.Message {
	return outbox.New(outbox.Key{Event: string(theEvent), Cycle: 1, Reason: outbox.Page, Stage: "plan", Member: "ann", Contact: "mail"}, "email", begin)
}

// TestTheScheduleFindsWhatIsOverdue: each minute every overdue entry becomes
// one message of the queue of repairs.
func TestTheScheduleFindsWhatIsOverdue(t *testing.T) {
	y := newYard(t).opened(firing()).declared()
	if _, err := y.outbox.Add(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	y.told("schedule")
	if sent := y.Account.Sent(account.Sweeps); len(sent) != 0 {
		t.Errorf("nothing is overdue, and %+v was sent", sent)
	}
	y.after(10 * time.Minute).told("schedule")
	var want []account.Message
	for _, m := range y.batch("repairs", event.DueKind, incident.DueKind, alert.DueKind, outbox.DueKind).Records {
		want = append(want, account.Message{Group: m.Attributes["MessageGroupId"], Body: m.Body})
	}
	if sent := y.Account.Sent(account.Sweeps); len(want) != 4 || !slices.Equal(sent, want) {
		t.Errorf("sent %+v, want %+v", sent, want)
	}
	y.Called(nil, nil)
	y.Account.Refuse("SendMessageBatch", "AccessDeniedException")
	if answer, err := y.invoke(y.File("schedule")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("answered %s, %v", answer, err)
	}
}

// TestUnknownCalls: what is no object is refused; an object that is neither
// notice nor batch, such as a person's {}, is a sweep.
func TestUnknownCalls(t *testing.T) {
	y := newYard(t).opened(nil).after(time.Hour)
	for _, payload := range []string{`[]`, `"sweep"`, `{"Records":"none"}`, `{"source":"aws.states","detail":"{}"}`, `{"source":"aws.states"}`} {
		if answer, err := y.invoke([]byte(payload)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: answered %s, %v", payload, answer, err)
		}
	}
	if sent := y.Account.Sent(account.Sweeps); len(sent) != 0 {
		t.Errorf("sent %+v", sent)
	}
	for _, payload := range []string{`{}`, `{"Records":[]}`, `{"source":"aws.events","detail":{}}`} {
		if answer, err := y.invoke([]byte(payload)); err != nil {
			t.Errorf("%s: answered %s, %v", payload, answer, err)
		}
		if sent := y.Account.Sent(account.Sweeps); len(sent) != 1 {
			t.Errorf("%s: sent %+v, want the overdue event", payload, sent)
		}
	}
}

// TestANoticeMarksWhatItNames: an execution that ended badly makes its event
// or incident due at once.
func TestANoticeMarksWhatItNames(t *testing.T) {
	for _, name := range []string{"execution-failed", "execution-aborted"} {
		y := newYard(t).opened(nil).parked()
		if y.told(name); y.Event().Exec != execution.Dead {
			t.Errorf("%s: the event's execution is %s", name, y.Event().Exec)
		}
		y.told("schedule")
		if sent := y.Account.Sent(account.Sweeps); len(sent) != 1 {
			t.Errorf("%s: sent %+v, want the event", name, sent)
		}
	}
	y := newYard(t).declared()
	if y.told("execution-timed-out"); y.Incident(theCrisis).Exec != execution.Dead {
		t.Errorf("the incident's execution is %s", y.Incident(theCrisis).Exec)
	}
	y.told("schedule")
	if sent := y.Account.Sent(account.Sweeps); len(sent) != 1 {
		t.Errorf("sent %+v, want the incident", sent)
	}
}

// TestANoticeOfThePastChangesNothing: of a generation that was replaced, of
// what does not exist, and of another machine.
func TestANoticeOfThePastChangesNothing(t *testing.T) {
	y := newYard(t).told("execution-failed").told("execution-timed-out")
	if _, err := y.desk.Store.Get(t.Context(), theEvent); !fault.Is(err, fault.NotFound) {
		t.Errorf("a notice made an event: %v", err)
	}
	before := y.opened(nil).does(event.NextGeneration{}).Event()
	y.told("execution-failed")
	for _, name := range []string{"nightly", "E-4821", "E-4821-gx", "X-4821-g1"} {
		payload := strings.ReplaceAll(string(y.File("execution-failed")), "E-4821-g1", name)
		if answer, err := y.invoke([]byte(payload)); err != nil {
			t.Errorf("%s: answered %s, %v", name, answer, err)
		}
	}
	if after := y.Event(); after.Rev != before.Rev || !after.Due.Equal(before.Due) {
		t.Errorf("a notice of the past wrote the event: %s, due %s", after.Exec, after.Due)
	}
}

// TestRepairsOfWhatIsGone: entries and reports whose ids no longer exist are
// done with.
func TestRepairsOfWhatIsGone(t *testing.T) {
	y := newYard(t)
	if counted := y.repairs(event.DueKind, incident.DueKind, alert.DueKind, outbox.DueKind, page.FailedStepKind); len(counted) != 0 {
		t.Errorf("counted %q", counted)
	}
	y.Called(nil, nil)
	if sent := y.Account.Sent(account.Messages); len(sent) != 0 {
		t.Errorf("sent %+v", sent)
	}
}

func TestRepairsThatCannotBeReadFail(t *testing.T) {
	y := newYard(t)
	b := y.batch("repairs-unreadable")
	var want []string
	for _, m := range b.Records {
		want = append(want, m.MessageId)
	}
	if failed := y.failed(b); len(want) != 4 || !slices.Equal(failed, want) {
		t.Errorf("failed %q, want %q", failed, want)
	}
}

// TestWhatIsNotDueAnyMoreIsLeftAlone: between the sweep and the repair its
// execution has come to it.
func TestWhatIsNotDueAnyMoreIsLeftAlone(t *testing.T) {
	y := newYard(t).opened(firing()).declared()
	if _, err := y.outbox.Add(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	y.Account.Refuse("DescribeExecution", "AccessDeniedException") // nobody asks
	before := y.Event()
	if counted := y.repairs(event.DueKind, incident.DueKind, alert.DueKind, outbox.DueKind); len(counted) != 0 {
		t.Errorf("counted %q", counted)
	}
	if after := y.Event(); after.Rev != before.Rev || !after.Due.Equal(before.Due) {
		t.Errorf("the event was written: due %s", after.Due)
	}
	y.after(10*time.Minute).Account.Refuse("DescribeExecution", "AccessDeniedException")
	if failed := y.failed(y.batch("repairs", event.DueKind, incident.DueKind)); len(failed) != 2 {
		t.Errorf("failed %q, want both: they cannot be described now", failed)
	}
}

// TestAnAbsentExecutionIsStarted: whoever opened the event could not start it.
// What is overdue is done meanwhile.
func TestAnAbsentExecutionIsStarted(t *testing.T) {
	y := newYard(t).opened(nil).after(5 * time.Minute)
	if counted := y.repairs(event.DueKind); !slices.Equal(counted, []string{"1 start"}) {
		t.Errorf("counted %q", counted)
	}
	y.Called([]string{executionOfEvent(1)}, nil)
	e := y.Event()
	if e.Exec != execution.Started || e.Generation != 1 || !e.Due.After(y.at) || e.Progress.PagedAt.IsZero() {
		t.Errorf("generation %d is %s, due %s, paged at %s", e.Generation, e.Exec, e.Due, e.Progress.PagedAt)
	}
	if pages := y.messages(string(theEvent), outbox.Page); len(pages) != 1 || len(y.Account.Sent(account.Messages)) != 1 {
		t.Errorf("stored %+v, want one page, handed over once", pages)
	}
	if counted := y.repairs(event.DueKind); len(counted) != 0 {
		t.Errorf("a second repair at the same instant counted %q", counted)
	}
}

// TestAnExecutionThatIsOverIsReplaced, whatever it ended as.
func TestAnExecutionThatIsOverIsReplaced(t *testing.T) {
	for _, how := range []string{"FAILED", "ABORTED", "TIMED_OUT", "SUCCEEDED"} {
		t.Run(how, func(t *testing.T) {
			y := newYard(t).opened(nil).parked().after(2 * time.Minute)
			y.Account.Has(account.Events, "E-4821-g1", how, "")
			y.told("execution-failed")
			if counted := y.repairs(event.DueKind); !slices.Equal(counted, []string{"1 execution"}) {
				t.Errorf("counted %q", counted)
			}
			e := y.Event()
			if e.Generation != 2 || e.Exec != execution.Started || e.Failures != 0 || e.Token != "" || e.Cycle != 1 {
				t.Errorf("generation %d is %s after %d failures in cycle %d", e.Generation, e.Exec, e.Failures, e.Cycle)
			}
			if got := y.Account.Started(); !slices.Equal(got, []string{executionOfEvent(2)}) {
				t.Errorf("started %q", got)
			}
			if pages := y.messages(string(theEvent), outbox.Page); len(pages) != 1 {
				t.Errorf("a new generation paged again: %+v", pages)
			}
			timeline, err := y.desk.Store.Timeline(t.Context(), theEvent)
			if last := timeline[len(timeline)-1]; err != nil || last.What != "event.execution_replaced" || last.Data["because"] != how {
				t.Errorf("the timeline ends in %+v, %v", last, err)
			}
		})
	}
}

// dying lets minutes pass in which the sweeper comes and its repairs are done,
// and every execution that starts fails at once, of which the service gives
// notice. It returns the minutes at which one was started.
func (y *yard) dying(minutes int) (started []int) {
	y.T.Helper()
	for minute := range minutes {
		y.at = y.at.Add(time.Minute)
		y.told("schedule")
		var b lambdaevents.SQSEvent
		for n, m := range y.Account.Sent(account.Sweeps) {
			b.Records = append(b.Records, lambdaevents.SQSMessage{MessageId: fmt.Sprint(n), Body: m.Body})
		}
		if len(b.Records) > 0 {
			if failed := y.failed(b); len(failed) > 0 {
				y.T.Fatalf("minute %d: repairs %q failed", minute+1, failed)
			}
		}
		for _, execution := range y.Account.Started() {
			started = append(started, minute+1)
			machine, name, _ := strings.Cut(execution, " ")
			name, _, _ = strings.Cut(name, " ")
			y.fails(machine, name)
		}
	}
	return started
}

// fails ends an execution badly, and gives the service's notice of it.
func (y *yard) fails(machine, name string) {
	y.T.Helper()
	y.Account.Has(machine, name, "FAILED", "LifecycleTaskFailed")
	notice := strings.ReplaceAll(string(y.File("execution-failed")), "E-4821-g1", name)
	if answer, err := y.invoke([]byte(notice)); err != nil {
		y.T.Fatalf("answered %s, %v", answer, err)
	}
}

// dyingEvent is the event, whose first execution has failed.
func dyingEvent(t *testing.T) *yard {
	y := newYard(t).opened(nil)
	y.fails(account.Events, "E-4821-g1")
	return y
}

// dyingIncident is the incident, whose first execution has failed.
func dyingIncident(t *testing.T) *yard {
	y := newYard(t).declared()
	y.fails(account.Incidents, "I-7-g1")
	return y
}

// TestInvariant13ThreeFailedGenerationsTellTheLastResort: with fixed text, and
// repair goes on every ten minutes, which no notice hurries; the last resort
// hears of it once an hour.
func TestInvariant13ThreeFailedGenerationsTellTheLastResort(t *testing.T) {
	for _, c := range []struct {
		id      string
		dying   func(*testing.T) *yard
		subject string
	}{
		{string(theEvent), dyingEvent, "Tocsin cannot keep event E-4821 alive"},
		{string(theCrisis), dyingIncident, "Tocsin cannot keep incident I-7 alive"},
	} {
		t.Run(c.id, func(t *testing.T) {
			y := c.dying(t)
			if started := y.dying(2); !slices.Equal(started, []int{1, 2}) || len(y.messages(c.id, outbox.Dead)) > 0 {
				t.Fatalf("started at %d, told %+v; want two, and nobody told", started, y.messages(c.id, outbox.Dead))
			}
			if started := y.dying(65); !slices.Equal(started, []int{1, 11, 21, 31, 41, 51, 61}) {
				t.Errorf("started at %d", started)
			}
			dead := y.messages(c.id, outbox.Dead)
			if len(dead) != 2 || dead[0].Member != "administrator" || dead[0].Subject != c.subject || !dead[0].CreatedAt.Equal(begin.Add(3*time.Minute)) {
				t.Errorf("told %+v, want the last resort at once and in the next hour", dead)
			}
		})
	}
}

// TestInvariant07DeadlinesAreKeptWithoutExecutions: what is overdue is done
// within 120 s although every execution dies, and between two of them.
func TestInvariant07DeadlinesAreKeptWithoutExecutions(t *testing.T) {
	inTime := func(t *testing.T, what string, deadline, done time.Time) {
		t.Helper()
		if late := done.Sub(deadline); late < 0 || late > 120*time.Second {
			t.Errorf("%s was due at %s and done at %s, %s late", what, deadline.Format(time.TimeOnly), done.Format(time.TimeOnly), late)
		}
	}
	t.Run("steps of an event", func(t *testing.T) {
		y := dyingEvent(t)
		y.dying(30)
		pages := y.messages(string(theEvent), outbox.Page)
		if len(pages) != 4 {
			t.Fatalf("paged %d times, want the plan's step and its repeats", len(pages))
		}
		due := begin
		for n, p := range pages {
			inTime(t, fmt.Sprint("page ", n+1), due, p.CreatedAt)
			due = p.CreatedAt.Add(defaults.StepWait)
		}
	})
	t.Run("updates of an incident", func(t *testing.T) {
		y := dyingIncident(t)
		y.dying(130)
		asked := y.messages(string(theCrisis), outbox.Update)
		if len(asked) != 2 {
			t.Fatalf("asked %d times, want once an hour", len(asked))
		}
		inTime(t, "the first update", begin.Add(time.Hour), asked[0].CreatedAt)
		inTime(t, "the second update", asked[0].CreatedAt.Add(time.Hour), asked[1].CreatedAt)
	})
}

// TestInvariant13WhatCannotBeRead tells the last resort, once an hour, without
// being read.
func TestInvariant13WhatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		kind, id string
		key      ddb.Item
	}{
		{event.DueKind, string(theEvent), lifecycletest.EventKey},
		{incident.DueKind, string(theCrisis), lifecycletest.IncidentKey},
	} {
		t.Run(c.kind, func(t *testing.T) {
			y := newYard(t).opened(nil).declared()
			y.Break(c.key)
			// 19:03 and 19:59 are one hour, 20:00 is the next.
			for _, at := range []struct {
				after time.Duration
				told  int
			}{{time.Minute, 1}, {2 * time.Minute, 1}, {57 * time.Minute, 1}, {58 * time.Minute, 2}} {
				if counted := y.after(at.after).repairs(c.kind); !slices.Equal(counted, []string{"1 unreadable"}) {
					t.Errorf("counted %q", counted)
				}
				dead := y.messages(c.id, outbox.Dead)
				if len(dead) != at.told {
					t.Fatalf("%s after: %d messages, want %d", at.after, len(dead), at.told)
				}
				last := dead[len(dead)-1]
				if last.Member != "administrator" || last.Contact != "mail" || last.Subject != "Tocsin cannot keep "+c.kind+" "+c.id+" alive" {
					t.Errorf("told %+v", last)
				}
				if sent := y.Account.Sent(account.Messages); len(sent) != 1 || sent[0].Body != outbox.TicketOf(&last).Encode() {
					t.Errorf("handed over %+v, want the ticket of %s", sent, last.ID())
				}
			}
			y.Called(nil, nil)
		})
	}
}

// TestARunningExecutionIsOnlyATimer: what is overdue is done without it, and
// it is woken to look again.
func TestARunningExecutionIsOnlyATimer(t *testing.T) {
	y := newYard(t).opened(nil).parked().after(6 * time.Minute)
	if counted := y.repairs(event.DueKind); !slices.Equal(counted, []string{"1 timer"}) {
		t.Errorf("counted %q", counted)
	}
	y.Called(nil, []string{theToken})
	e := y.Event()
	if e.Generation != 1 || e.Progress.Round != 1 || !e.Progress.PagedAt.Equal(y.at) || !e.Due.Equal(e.Progress.Deadline) {
		t.Errorf("generation %d at %+v, due %s; want the plan's next round paged", e.Generation, e.Progress, e.Due)
	}
	if pages := y.messages(string(theEvent), outbox.Page); len(pages) != 2 || len(y.Account.Sent(account.Messages)) != 1 {
		t.Errorf("stored %d pages, want two, the second handed over once", len(pages))
	}
}

func TestAnExpiredAcknowledgementPagesWithoutItsExecution(t *testing.T) {
	y := newYard(t).opened(nil).does(event.Acknowledge{}).parked().after(31 * time.Minute)
	y.repairs(event.DueKind)
	if e := y.Event(); e.State != event.Triggered || e.Cycle != 2 || !e.Progress.PagedAt.Equal(y.at) {
		t.Errorf("event is %s in cycle %d, %+v", e.State, e.Cycle, e.Progress)
	}
	if woken := y.Account.Woken(); !slices.Contains(woken, theToken) {
		t.Errorf("woken %q", woken)
	}
}

// TestAClosedEventsStaleEntryGoes and no execution is started for it.
func TestAClosedEventsStaleEntryGoes(t *testing.T) {
	for _, status := range []string{"SUCCEEDED", "FAILED", "RUNNING", ""} {
		t.Run(status, func(t *testing.T) {
			y := newYard(t).opened(nil).does(event.Close{Record: &event.Record{CauseClass: "capacity", Cause: "logs", Solution: "rotated"}})
			if v, err := y.engine.Life(theEvent).Evaluate(t.Context(), 1); err != nil {
				t.Fatalf("answered %+v, %v", v, err)
			}
			if err := y.desk.Store.Executions().Mark(t.Context(), string(theEvent), 1, execution.Dead, begin); err != nil {
				t.Fatal(err)
			}
			if status != "" {
				y.Account.Has(account.Events, "E-4821-g1", status, "")
			}
			y.after(time.Hour).repairs(event.DueKind)
			if e := y.Event(); !e.Due.IsZero() || e.Generation != 1 {
				t.Errorf("generation %d, still due %s", e.Generation, e.Due)
			}
			y.Called(nil, nil)
		})
	}
}

func TestIncidentsAreRepaired(t *testing.T) {
	start := func(generation int) []string {
		return []string{fmt.Sprintf(`%s I-7-g%d {"v": 1, "incident_id": "I-7", "generation": %d}`, account.Incidents, generation, generation)}
	}
	for _, c := range []struct {
		name, status string
		after        time.Duration
		counted      string
		started      []string
		woken        []string
		generation   int
	}{
		{"absent", "", 2 * time.Minute, "1 start", start(1), nil, 1},
		{"over", "ABORTED", 2 * time.Hour, "1 execution", start(2), []string{theToken}, 2},
		{"running", "RUNNING", 2 * time.Hour, "1 timer", nil, []string{theToken}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			y := newYard(t).declared()
			if c.status != "" {
				if err := y.incidents.Life(theCrisis).Enter(t.Context(), 1, lifecycle.Wait{State: lifecycle.AwaitMitigation, Token: theToken}); err != nil {
					t.Fatal(err)
				}
				y.Account.Has(account.Incidents, "I-7-g1", c.status, "")
			}
			if counted := y.after(c.after).repairs(incident.DueKind); !slices.Equal(counted, []string{c.counted}) {
				t.Errorf("counted %q, want %q", counted, c.counted)
			}
			y.Called(c.started, c.woken)
			i := y.Incident(theCrisis)
			if i.Generation != c.generation || !i.Due.After(y.at) {
				t.Errorf("generation %d, due %s", i.Generation, i.Due)
			}
			if asked := c.after > time.Hour; asked == i.UpdateAskedAt.IsZero() {
				t.Errorf("the overdue update was asked for at %q", i.UpdateAskedAt)
			}
		})
	}
	t.Run("closed", func(t *testing.T) {
		y := newYard(t).declared()
		for _, op := range []incident.Op{incident.Resolve{}, incident.Close{}} {
			if _, err := y.incidents.Desk.Do(t.Context(), theCrisis, op, event.ByMember("administrator")); err != nil {
				t.Fatal(err)
			}
		}
		y.Account.Has(account.Incidents, "I-7-g1", "SUCCEEDED", "")
		y.after(time.Hour).repairs(incident.DueKind)
		if i := y.Incident(theCrisis); !i.Due.IsZero() || i.Generation != 1 {
			t.Errorf("generation %d, still due %s", i.Generation, i.Due)
		}
		y.Called(nil, nil)
	})
}

// TestAnAlertExpires visibly, and its event knows; a second message finds it
// done.
func TestAnAlertExpires(t *testing.T) {
	y := newYard(t).opened(firing()).parked().after(10 * time.Minute)
	for i := range 2 {
		y.repairs(alert.DueKind)
		found, err := y.alerts.Get(t.Context(), firing().ID)
		if st := found[firing().ID]; err != nil || !st.Expired || st.Alert.Status != alert.Resolved || !st.RecoveredAt.Equal(y.at) {
			t.Errorf("expired as %+v, %v", st, err)
		}
		if e := y.Event(); !e.RecoveredAt.Equal(y.at) || !e.Progress.Stopped {
			t.Errorf("event is recovered since %q, %+v", e.RecoveredAt, e.Progress)
		}
		if woken := y.Account.Woken(); i == 0 && !slices.Equal(woken, []string{theToken}) || i == 1 && len(woken) != 0 {
			t.Errorf("repair %d: woken %q", i+1, woken)
		}
	}
}

// TestAMessageIsHandedOverAgain when nobody claimed it in time or its lease
// ended, and not otherwise.
func TestAMessageIsHandedOverAgain(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*outbox.Message)
		again  bool
	}{
		{"nobody claimed it", func(*outbox.Message) {}, true},
		{"its lease ended", func(m *outbox.Message) { m.Claim(begin, time.Minute) }, true},
		{"its lease runs", func(m *outbox.Message) { m.Claim(begin, time.Hour) }, false},
		{"it waits to be tried again", func(m *outbox.Message) { m.Release(outbox.Result{At: begin}, time.Hour) }, false},
		{"it was sent", func(m *outbox.Message) { m.Settle(outbox.Sent, outbox.Result{At: begin}) }, false},
		{"it was overtaken", func(m *outbox.Message) { m.Settle(outbox.Overtaken, outbox.Result{At: begin}) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			y := newYard(t)
			m := message()
			c.change(&m)
			if _, err := y.outbox.Add(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			y.after(2 * time.Minute)
			for i := range 2 {
				counted := y.repairs(outbox.DueKind)
				var want []account.Message
				if c.again && i == 0 {
					want = []account.Message{{Group: string(theEvent), Body: outbox.TicketOf(&m).Encode()}}
				}
				if sent := y.Account.Sent(account.Messages); !slices.Equal(sent, want) || len(counted) != len(want) {
					t.Errorf("repair %d: handed over %+v, counted %q", i+1, sent, counted)
				}
			}
			stored, err := y.outbox.Get(t.Context(), string(theEvent), m.ID())
			if err != nil || stored.State != m.State || c.again && !stored.Due.Equal(y.at.Add(time.Minute)) {
				t.Errorf("stored as %s, due %s, %v", stored.State, stored.Due, err)
			}
		})
	}
}

// TestAFailedStepIsFollowedByTheNext: the notifier's report makes the next
// step due at once, while it is the present one.
func TestAFailedStepIsFollowedByTheNext(t *testing.T) {
	y := newYard(t).opened(nil).parked().after(time.Minute)
	if counted := y.repairs(page.FailedStepKind); !slices.Equal(counted, []string{"1 step_failed"}) {
		t.Errorf("counted %q", counted)
	}
	y.Called(nil, []string{theToken})
	if e := y.Event(); !e.Progress.Deadline.Equal(y.at) {
		t.Errorf("the next step is due at %s, want now", e.Progress.Deadline)
	}

	y = newYard(t).opened(nil).parked().does(event.Acknowledge{})
	y.Account.Woken()
	before := y.Event()
	y.repairs(page.FailedStepKind)
	if after := y.Event(); after.Rev != before.Rev {
		t.Errorf("the report of a step that nobody needs wrote the event")
	}
	y.Called(nil, nil)

	y = newYard(t).opened(nil).does(event.Close{Record: &event.Record{CauseClass: "capacity", Cause: "logs", Solution: "rotated"}})
	y.repairs(page.FailedStepKind)
	if e := y.Event(); e.State != event.Closed {
		t.Errorf("event is %s", e.State)
	}
}

// TestRepairsAreSafeToRepeat: the queue delivers at least once, and sweeps
// overlap.
func TestRepairsAreSafeToRepeat(t *testing.T) {
	y := newYard(t).opened(firing()).declared()
	if _, err := y.outbox.Add(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	y.after(10 * time.Minute)
	y.repairs()
	before, crisis := y.Event(), y.Incident(theCrisis)
	if got := len(y.Account.Started()); got != 2 {
		t.Errorf("%d executions started, want one for the event and one for the incident", got)
	}
	y.Account.Sent(account.Messages)
	y.Account.Woken()
	y.repairs()
	if after, i := y.Event(), y.Incident(theCrisis); after.Rev != before.Rev || i.Rev != crisis.Rev {
		t.Errorf("a repeated batch wrote event %d to %d, incident %d to %d", before.Rev, after.Rev, crisis.Rev, i.Rev)
	}
	y.Called(nil, nil)
	if sent := y.Account.Sent(account.Messages); len(sent) != 0 {
		t.Errorf("a repeated batch handed over %+v", sent)
	}
}

// TestFilesAreWhatTheFunctionsSend: the notifier's report is the one of the
// page that the files name.
func TestFilesAreWhatTheFunctionsSend(t *testing.T) {
	m := message()
	y := &yard{Bench: &lifecycletest.Bench{T: t, Folder: folder}}
	report := y.batch("repairs", page.FailedStepKind).Records
	if want := page.FailedStepOf(&m).Encode(); len(report) != 1 || report[0].Body != want {
		t.Errorf("the file has %+v, want %s", report, want)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) != 6 {
		t.Errorf("%d files in %s, %v; the tests above name 6", len(files), folder, err)
	}
}

func TestStartNamesTheMissingVariable(t *testing.T) {
	env := account.Start(t).Environment(ddb.Table{Client: dynamodb.New(dynamodb.Options{BaseEndpoint: aws.String("http://127.0.0.1:1")}), Name: "tocsin"})
	for _, missing := range []string{
		"AWS_REGION", "EVENTS_TABLE", "CONFIG_TABLE", "LEDGER_TABLE", "MESSAGES_QUEUE_URL", "SWEEPS_QUEUE_URL", "ALERTS_QUEUE_URL", "EVENT_MACHINE_ARN", "INCIDENT_MACHINE_ARN",
	} {
		_, err := newSweeper(slog.New(slog.DiscardHandler), func(name string) (string, bool) {
			v, ok := env(name)
			return v, ok && name != missing
		})
		if err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}
