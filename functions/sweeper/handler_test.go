package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
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
	"tocsin/shared/catalog"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/lifecycle"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
	"tocsin/tests/dynamo"
	"tocsin/tests/fakes/account"
)

const (
	folder    = "../../events/sweeper"
	theEvent  = event.ID("E-4821")
	theCrisis = incident.ID("I-7")
	theAlert  = "fingerprint:00aa11bb22cc33d1"
	theToken  = "exampleTaskToken"
)

// begin is when everything of these tests was opened.
var begin = time.Date(2026, 3, 11, 19, 2, 0, 0, time.UTC)

// yard is the function over one table and an account of its own. The built-in
// configuration pages the administrator.
type yard struct {
	*sweeper
	t       testing.TB
	table   ddb.Table
	account *account.Account
	at      time.Time
	counts  bytes.Buffer
}

func newYard(t testing.TB) *yard {
	t.Helper()
	y := &yard{t: t, table: dynamo.Start(t), account: account.Start(t), at: begin}
	env := y.account.Environment(y.table)
	s, err := newSweeper(slog.New(slog.DiscardHandler), env)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return y.at }
	s.now, s.desk.Now, s.engine.Now, s.incidents.Now, s.incidents.Desk.Now = now, now, now, now, now
	s.metrics = telemetry.NewMetrics(&y.counts, env)
	y.sweeper = s
	mail := catalog.Contact{ID: "mail", Member: "administrator", Channel: catalog.Email, Address: "ops@example.com", Verified: true}
	if err := catalog.NewStore(y.table).Put(t.Context(), mail); err != nil {
		t.Fatal(err)
	}
	return y
}

// opened stores the event that the files name, with its alert where there is one.
func (y *yard) opened(st *alert.State) *yard {
	y.t.Helper()
	e := event.Event{
		ID: theEvent, State: event.Triggered, Title: "Disk of db-1 is full", Priority: alert.P1, Service: "default", Plan: "default",
		Generation: 1, Cycle: 1, Opening: 1, OpenedAt: y.at, TriggeredAt: y.at, GenerationAt: y.at, Since: y.at,
	}
	if err := y.desk.Store.Open(y.t.Context(), event.Opening{Event: e, Alert: st, At: y.at}); err != nil {
		y.t.Fatal(err)
	}
	return y
}

// does lets a person act on the event.
func (y *yard) does(op event.Op) *yard {
	y.t.Helper()
	if _, err := y.desk.Do(y.t.Context(), theEvent, op, event.ByMember("administrator")); err != nil {
		y.t.Fatal(err)
	}
	return y
}

// parked lets the event's execution page and wait, as the lifecycle does.
func (y *yard) parked() *yard {
	y.t.Helper()
	e := y.event()
	v, err := y.engine.Evaluate(y.t.Context(), theEvent, e.Generation)
	if err == nil {
		err = y.engine.Enter(y.t.Context(), theEvent, e.Generation, lifecycle.Wait{State: v.Next, Token: theToken})
	}
	if err != nil {
		y.t.Fatal(err)
	}
	y.account.Has(account.Events, e.ExecutionName(), "RUNNING", "")
	y.account.Sent(account.Messages)
	return y
}

// declared stores the incident that the files name.
func (y *yard) declared() *yard {
	y.t.Helper()
	i := incident.Opened(theCrisis, event.Event{ID: theEvent, Title: "Orders fail", Priority: alert.P3, PromotedBy: event.ByMember("administrator")}, y.at)
	if _, err := y.incidents.Desk.Store.Open(y.t.Context(), i, nil, y.at); err != nil {
		y.t.Fatal(err)
	}
	return y
}

func (y *yard) event() event.Event {
	y.t.Helper()
	e, err := y.desk.Store.Get(y.t.Context(), theEvent)
	if err != nil {
		y.t.Fatal(err)
	}
	return e
}

func (y *yard) incident() incident.Incident {
	y.t.Helper()
	i, err := y.incidents.Desk.Store.Get(y.t.Context(), theCrisis)
	if err != nil {
		y.t.Fatal(err)
	}
	return i
}

// after moves the clock to d after everything was opened.
func (y *yard) after(d time.Duration) *yard {
	y.at = begin.Add(d)
	return y
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// invoke calls the function as it is wired.
func (y *yard) invoke(payload []byte) (string, error) {
	y.t.Helper()
	call := y.entry(queue.Each(y.log, y.metrics, y.repairMessage))
	answer, err := lambda.NewHandler(call).Invoke(y.t.Context(), payload)
	return string(answer), err
}

// told fails the test unless the function takes a schedule or notice.
func (y *yard) told(name string) *yard {
	y.t.Helper()
	if answer, err := y.invoke(file(y.t, name)); err != nil || answer != "null" {
		y.t.Fatalf("%s: answered %s, %v", name, answer, err)
	}
	return y
}

// batch is the file of repairs, or those messages of it whose kinds are named.
func batch(t testing.TB, name string, kinds ...string) (b lambdaevents.SQSEvent) {
	t.Helper()
	if err := json.Unmarshal(file(t, name), &b); err != nil {
		t.Fatal(err)
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
	y.t.Helper()
	payload, err := json.Marshal(b)
	if err != nil {
		y.t.Fatal(err)
	}
	answer, err := y.invoke(payload)
	var told lambdaevents.SQSEventResponse
	if err == nil {
		err = json.Unmarshal([]byte(answer), &told)
	}
	if err != nil {
		y.t.Fatalf("answered %s, %v", answer, err)
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
	y.t.Helper()
	y.counts.Reset()
	b := batch(y.t, "repairs", kinds...)
	if len(b.Records) == 0 {
		y.t.Fatalf("the file has none of %q", kinds)
	}
	if failed := y.failed(b); len(failed) > 0 {
		y.t.Fatalf("repairs of %q failed: %q", kinds, failed)
	}
	for line := range bytes.Lines(y.counts.Bytes()) {
		var object struct {
			Repaired int
			Reason   string
		}
		if err := json.Unmarshal(line, &object); err != nil {
			y.t.Fatal(err)
		}
		if object.Repaired > 0 {
			counted = append(counted, fmt.Sprint(object.Repaired, " ", object.Reason))
		}
	}
	return counted
}

// called fails the test unless these executions were started and these waits
// ended since it was last asked.
func (y *yard) called(started, woken []string) {
	y.t.Helper()
	if got := y.account.Started(); !slices.Equal(got, started) {
		y.t.Errorf("started %q, want %q", got, started)
	}
	if got := y.account.Woken(); !slices.Equal(got, woken) {
		y.t.Errorf("woken %q, want %q", got, woken)
	}
}

// executionOfEvent is a start of the event's generation, as [account.Account.Started] tells it.
func executionOfEvent(generation int) string {
	return fmt.Sprintf(`%s E-4821-g%d {"v": 1, "event_id": "E-4821", "generation": %d}`, account.Events, generation, generation)
}

// messages returns what is stored for the event with a reason, oldest first.
func (y *yard) messages(reason outbox.Reason) []outbox.Message {
	y.t.Helper()
	all, err := y.outbox.OfEvent(y.t.Context(), string(theEvent))
	if err != nil {
		y.t.Fatal(err)
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
	if sent := y.account.Sent(account.Sweeps); len(sent) != 0 {
		t.Errorf("nothing is overdue, and %+v was sent", sent)
	}
	y.after(10 * time.Minute).told("schedule")
	var want []account.Message
	for _, m := range batch(t, "repairs", event.DueKind, incident.DueKind, alert.DueKind, outbox.DueKind).Records {
		want = append(want, account.Message{Group: m.Attributes["MessageGroupId"], Body: m.Body})
	}
	if sent := y.account.Sent(account.Sweeps); len(want) != 4 || !slices.Equal(sent, want) {
		t.Errorf("sent %+v, want %+v", sent, want)
	}
	y.called(nil, nil)
	y.account.Refuse("SendMessageBatch", "AccessDeniedException")
	if answer, err := y.invoke(file(t, "schedule")); !fault.Is(err, fault.Unavailable) {
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
	if sent := y.account.Sent(account.Sweeps); len(sent) != 0 {
		t.Errorf("sent %+v", sent)
	}
	for _, payload := range []string{`{}`, `{"Records":[]}`, `{"source":"aws.events","detail":{}}`} {
		if answer, err := y.invoke([]byte(payload)); err != nil {
			t.Errorf("%s: answered %s, %v", payload, answer, err)
		}
		if sent := y.account.Sent(account.Sweeps); len(sent) != 1 {
			t.Errorf("%s: sent %+v, want the overdue event", payload, sent)
		}
	}
}

// TestANoticeMarksWhatItNames: an execution that ended badly makes its event
// or incident due at once.
func TestANoticeMarksWhatItNames(t *testing.T) {
	for _, name := range []string{"execution-failed", "execution-aborted"} {
		y := newYard(t).opened(nil).parked()
		if y.told(name); y.event().Exec != event.ExecDead {
			t.Errorf("%s: the event's execution is %s", name, y.event().Exec)
		}
		y.told("schedule")
		if sent := y.account.Sent(account.Sweeps); len(sent) != 1 {
			t.Errorf("%s: sent %+v, want the event", name, sent)
		}
	}
	y := newYard(t).declared()
	if y.told("execution-timed-out"); y.incident().Exec != event.ExecDead {
		t.Errorf("the incident's execution is %s", y.incident().Exec)
	}
	y.told("schedule")
	if sent := y.account.Sent(account.Sweeps); len(sent) != 1 {
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
	before := y.opened(nil).does(event.NextGeneration{}).event()
	y.told("execution-failed")
	for _, name := range []string{"nightly", "E-4821", "E-4821-gx", "X-4821-g1"} {
		payload := strings.ReplaceAll(string(file(t, "execution-failed")), "E-4821-g1", name)
		if answer, err := y.invoke([]byte(payload)); err != nil {
			t.Errorf("%s: answered %s, %v", name, answer, err)
		}
	}
	if after := y.event(); after.Rev != before.Rev || !after.Due.Equal(before.Due) {
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
	y.called(nil, nil)
	if sent := y.account.Sent(account.Messages); len(sent) != 0 {
		t.Errorf("sent %+v", sent)
	}
}

func TestRepairsThatCannotBeReadFail(t *testing.T) {
	y := newYard(t)
	b := batch(t, "repairs-unreadable")
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
	y.account.Refuse("DescribeExecution", "AccessDeniedException") // nobody asks
	before := y.event()
	if counted := y.repairs(event.DueKind, incident.DueKind, alert.DueKind, outbox.DueKind); len(counted) != 0 {
		t.Errorf("counted %q", counted)
	}
	if after := y.event(); after.Rev != before.Rev || !after.Due.Equal(before.Due) {
		t.Errorf("the event was written: due %s", after.Due)
	}
	y.after(10*time.Minute).account.Refuse("DescribeExecution", "AccessDeniedException")
	if failed := y.failed(batch(t, "repairs", event.DueKind, incident.DueKind)); len(failed) != 2 {
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
	y.called([]string{executionOfEvent(1)}, nil)
	e := y.event()
	if e.Exec != event.ExecStarted || e.Generation != 1 || !e.Due.After(y.at) || e.Progress.PagedAt.IsZero() {
		t.Errorf("generation %d is %s, due %s, paged at %s", e.Generation, e.Exec, e.Due, e.Progress.PagedAt)
	}
	if pages := y.messages(outbox.Page); len(pages) != 1 || len(y.account.Sent(account.Messages)) != 1 {
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
			y.account.Has(account.Events, "E-4821-g1", how, "")
			y.told("execution-failed")
			if counted := y.repairs(event.DueKind); !slices.Equal(counted, []string{"1 execution"}) {
				t.Errorf("counted %q", counted)
			}
			e := y.event()
			if e.Generation != 2 || e.Exec != event.ExecStarted || e.Failures != 0 || e.Token != "" || e.Cycle != 1 {
				t.Errorf("generation %d is %s after %d failures in cycle %d", e.Generation, e.Exec, e.Failures, e.Cycle)
			}
			if got := y.account.Started(); !slices.Equal(got, []string{executionOfEvent(2)}) {
				t.Errorf("started %q", got)
			}
			if pages := y.messages(outbox.Page); len(pages) != 1 {
				t.Errorf("a new generation paged again: %+v", pages)
			}
			timeline, err := y.desk.Store.Timeline(t.Context(), theEvent)
			if last := timeline[len(timeline)-1]; err != nil || last.What != "event.execution_replaced" || last.Data["because"] != how {
				t.Errorf("the timeline ends in %+v, %v", last, err)
			}
		})
	}
}

// TestInvariant13ThreeFailedGenerationsTellTheLastResort: with fixed text, and
// repair goes on every ten minutes; the last resort hears of it once an hour.
func TestInvariant13ThreeFailedGenerationsTellTheLastResort(t *testing.T) {
	y := newYard(t).opened(nil).after(5 * time.Minute)
	for generation := 1; generation <= 4; generation++ {
		y.account.Has(account.Events, fmt.Sprintf("E-4821-g%d", generation), "FAILED", "LifecycleTaskFailed")
		want := []string{"1 execution"}
		if generation >= 3 {
			want = []string{"1 dead"}
		}
		if counted := y.repairs(event.DueKind); !slices.Equal(counted, want) {
			t.Fatalf("generation %d: counted %q, want %q", generation, counted, want)
		}
		e := y.event()
		if e.Generation != generation+1 || e.Failures != generation {
			t.Fatalf("generation %d after %d failures", e.Generation, e.Failures)
		}
		if got := y.account.Started(); !slices.Equal(got, []string{executionOfEvent(generation + 1)}) {
			t.Fatalf("started %q", got)
		}
		pause := 10 * time.Minute
		if generation < 3 {
			pause = time.Minute
		}
		if next := e.Due.Add(overdue).Sub(y.at); next != pause {
			t.Errorf("generation %d is looked at in %s, want %s", e.Generation, next, pause)
		}
		y.at = y.at.Add(pause)
	}
	dead := y.messages(outbox.Dead)
	if len(dead) != 1 || dead[0].Member != "administrator" || dead[0].Subject != "Tocsin cannot keep event E-4821 alive" {
		t.Errorf("told %+v, want the last resort once in the hour", dead)
	}
	if pages := y.messages(outbox.Page); len(pages) == 0 {
		t.Error("nobody was paged meanwhile")
	}
}

// TestInvariant13ANoticeDoesNotHurryADeadEvent: the notice of a generation
// after the third that failed leaves ten minutes to the next repair.
func TestInvariant13ANoticeDoesNotHurryADeadEvent(t *testing.T) {
	y := newYard(t).opened(nil).after(5 * time.Minute)
	for generation := 1; generation <= 3; generation++ {
		y.account.Has(account.Events, fmt.Sprintf("E-4821-g%d", generation), "FAILED", "")
		y.repairs(event.DueKind)
		y.at = y.at.Add(time.Minute)
	}
	y.account.Has(account.Events, "E-4821-g4", "FAILED", "")
	payload := strings.ReplaceAll(string(file(t, "execution-failed")), "E-4821-g1", "E-4821-g4")
	if answer, err := y.invoke([]byte(payload)); err != nil {
		t.Fatalf("answered %s, %v", answer, err)
	}
	e := y.event()
	if next := e.Due.Add(overdue).Sub(y.at); e.Exec != event.ExecDead || next < 9*time.Minute || next > 10*time.Minute {
		t.Errorf("%s, looked at in %s", e.Exec, next)
	}
}

// TestInvariant13AnEventThatCannotBeRead tells the last resort, once an hour,
// without reading the event.
func TestInvariant13AnEventThatCannotBeRead(t *testing.T) {
	y := newYard(t).opened(nil)
	broken := &ddb.Update{}
	broken.Set("body", ddb.B([]byte("no JSON")))
	if err := y.table.Apply(t.Context(), ddb.Key("EVENT#"+string(theEvent), "EVENT"), broken); err != nil {
		t.Fatal(err)
	}
	// 19:03 and 19:59 are one hour, 20:00 is the next.
	for _, c := range []struct {
		after time.Duration
		told  int
	}{{time.Minute, 1}, {2 * time.Minute, 1}, {57 * time.Minute, 1}, {58 * time.Minute, 2}} {
		if counted := y.after(c.after).repairs(event.DueKind); !slices.Equal(counted, []string{"1 unreadable"}) {
			t.Errorf("counted %q", counted)
		}
		dead := y.messages(outbox.Dead)
		if len(dead) != c.told {
			t.Fatalf("%s after: %d messages, want %d", c.after, len(dead), c.told)
		}
		last := dead[len(dead)-1]
		if last.Member != "administrator" || last.Contact != "mail" || last.Subject != "Tocsin cannot keep event E-4821 alive" {
			t.Errorf("told %+v", last)
		}
		if sent := y.account.Sent(account.Messages); len(sent) != 1 || sent[0].Body != outbox.TicketOf(&last).Encode() {
			t.Errorf("handed over %+v, want the ticket of %s", sent, last.ID())
		}
	}
	y.called(nil, nil)
}

// TestARunningExecutionIsOnlyATimer: what is overdue is done without it, and
// it is woken to look again.
func TestARunningExecutionIsOnlyATimer(t *testing.T) {
	y := newYard(t).opened(nil).parked().after(6 * time.Minute)
	if counted := y.repairs(event.DueKind); !slices.Equal(counted, []string{"1 timer"}) {
		t.Errorf("counted %q", counted)
	}
	y.called(nil, []string{theToken})
	e := y.event()
	if e.Generation != 1 || e.Progress.Round != 1 || !e.Progress.PagedAt.Equal(y.at) || !e.Due.Equal(e.Progress.Deadline) {
		t.Errorf("generation %d at %+v, due %s; want the plan's next round paged", e.Generation, e.Progress, e.Due)
	}
	if pages := y.messages(outbox.Page); len(pages) != 2 || len(y.account.Sent(account.Messages)) != 1 {
		t.Errorf("stored %d pages, want two, the second handed over once", len(pages))
	}
}

func TestAnExpiredAcknowledgementPagesWithoutItsExecution(t *testing.T) {
	y := newYard(t).opened(nil).does(event.Acknowledge{}).parked().after(31 * time.Minute)
	y.repairs(event.DueKind)
	if e := y.event(); e.State != event.Triggered || e.Cycle != 2 || !e.Progress.PagedAt.Equal(y.at) {
		t.Errorf("event is %s in cycle %d, %+v", e.State, e.Cycle, e.Progress)
	}
	if woken := y.account.Woken(); !slices.Contains(woken, theToken) {
		t.Errorf("woken %q", woken)
	}
}

// TestAClosedEventsStaleEntryGoes and no execution is started for it.
func TestAClosedEventsStaleEntryGoes(t *testing.T) {
	for _, status := range []string{"SUCCEEDED", "FAILED", "RUNNING", ""} {
		t.Run(status, func(t *testing.T) {
			y := newYard(t).opened(nil).does(event.Close{Record: &event.Record{CauseClass: "capacity", Cause: "logs", Solution: "rotated"}})
			if v, err := y.engine.Evaluate(t.Context(), theEvent, 1); err != nil {
				t.Fatalf("answered %+v, %v", v, err)
			}
			if err := y.desk.Store.MarkExec(t.Context(), theEvent, 1, event.ExecDead, begin); err != nil {
				t.Fatal(err)
			}
			if status != "" {
				y.account.Has(account.Events, "E-4821-g1", status, "")
			}
			y.after(time.Hour).repairs(event.DueKind)
			if e := y.event(); !e.Due.IsZero() || e.Generation != 1 {
				t.Errorf("generation %d, still due %s", e.Generation, e.Due)
			}
			y.called(nil, nil)
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
				if err := y.incidents.Enter(t.Context(), theCrisis, 1, lifecycle.Wait{State: lifecycle.AwaitMitigation, Token: theToken}); err != nil {
					t.Fatal(err)
				}
				y.account.Has(account.Incidents, "I-7-g1", c.status, "")
			}
			if counted := y.after(c.after).repairs(incident.DueKind); !slices.Equal(counted, []string{c.counted}) {
				t.Errorf("counted %q, want %q", counted, c.counted)
			}
			y.called(c.started, c.woken)
			i := y.incident()
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
		y.account.Has(account.Incidents, "I-7-g1", "SUCCEEDED", "")
		y.after(time.Hour).repairs(incident.DueKind)
		if i := y.incident(); !i.Due.IsZero() || i.Generation != 1 {
			t.Errorf("generation %d, still due %s", i.Generation, i.Due)
		}
		y.called(nil, nil)
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
		if e := y.event(); !e.RecoveredAt.Equal(y.at) || !e.Progress.Stopped {
			t.Errorf("event is recovered since %q, %+v", e.RecoveredAt, e.Progress)
		}
		if woken := y.account.Woken(); i == 0 && !slices.Equal(woken, []string{theToken}) || i == 1 && len(woken) != 0 {
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
				if sent := y.account.Sent(account.Messages); !slices.Equal(sent, want) || len(counted) != len(want) {
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
	y.called(nil, []string{theToken})
	if e := y.event(); !e.Progress.Deadline.Equal(y.at) {
		t.Errorf("the next step is due at %s, want now", e.Progress.Deadline)
	}

	y = newYard(t).opened(nil).parked().does(event.Acknowledge{})
	y.account.Woken()
	before := y.event()
	y.repairs(page.FailedStepKind)
	if after := y.event(); after.Rev != before.Rev {
		t.Errorf("the report of a step that nobody needs wrote the event")
	}
	y.called(nil, nil)

	y = newYard(t).opened(nil).does(event.Close{Record: &event.Record{CauseClass: "capacity", Cause: "logs", Solution: "rotated"}})
	y.repairs(page.FailedStepKind)
	if e := y.event(); e.State != event.Closed {
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
	before, crisis := y.event(), y.incident()
	if got := len(y.account.Started()); got != 2 {
		t.Errorf("%d executions started, want one for the event and one for the incident", got)
	}
	y.account.Sent(account.Messages)
	y.account.Woken()
	y.repairs()
	if after, i := y.event(), y.incident(); after.Rev != before.Rev || i.Rev != crisis.Rev {
		t.Errorf("a repeated batch wrote event %d to %d, incident %d to %d", before.Rev, after.Rev, crisis.Rev, i.Rev)
	}
	y.called(nil, nil)
	if sent := y.account.Sent(account.Messages); len(sent) != 0 {
		t.Errorf("a repeated batch handed over %+v", sent)
	}
}

// TestFilesAreWhatTheFunctionsSend: the notifier's report is the one of the
// page that the files name.
func TestFilesAreWhatTheFunctionsSend(t *testing.T) {
	m := message()
	report := batch(t, "repairs", page.FailedStepKind).Records
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
		"AWS_REGION", "EVENTS_TABLE", "CONFIG_TABLE", "LEDGER_TABLE", "MESSAGES_QUEUE_URL", "SWEEPS_QUEUE_URL", "EVENT_MACHINE_ARN", "INCIDENT_MACHINE_ARN",
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
