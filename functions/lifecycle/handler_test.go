package main

import (
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/lifecycle"
	"tocsin/shared/lifecycle/lifecycletest"
	"tocsin/shared/outbox"
	"tocsin/tests/fakes/account"
)

const (
	folder     = "../../events/lifecycle"
	theEvent   = lifecycletest.TheEvent
	theCrisis  = lifecycletest.TheIncident
	theToken   = "AQCEAAAAKgAAAAMAAAAAAAAAAexampleTaskTokenexampleTaskTokenexampleTaskToken=="
	startInput = `{"v": 1, "event_id": "E-4821", "generation": 2}`
)

var discard = slog.New(slog.DiscardHandler)

// bench is the function over one table and an account of its own.
type bench struct {
	*lifecycletest.Bench
	*handler
}

func newBench(t testing.TB) *bench {
	t.Helper()
	return on(lifecycletest.New(t, folder))
}

// on is the function on a bench.
func on(b *lifecycletest.Bench) *bench {
	b.T.Helper()
	h, err := newHandler(discard, b.Account.Environment(b.Table))
	if err != nil {
		b.T.Fatal(err)
	}
	b.Drives(h.events, h.incidents, nil)
	return &bench{b, h}
}

// opened stores the event that the files name, after operations by a person.
func (b *bench) opened(ops ...event.Op) *bench {
	b.T.Helper()
	b.Open(nil)
	b.Act(ops...)
	return b
}

// declared stores the incident that the files name, after operations by a person.
func (b *bench) declared(ops ...incident.Op) *bench {
	b.T.Helper()
	b.Declare(ops...)
	return b
}

// invoke does the task of a file as the runtime does.
func (b *bench) invoke(name string) (lifecycle.Verdict, error) {
	b.T.Helper()
	answer, err := lambda.NewHandler(b.handle).Invoke(b.T.Context(), b.File(name))
	if err != nil {
		return lifecycle.Verdict{}, err
	}
	var v lifecycle.Verdict
	if err := json.Unmarshal(answer, &v); err != nil {
		b.T.Fatalf("%s answered %s: %v", name, answer, err)
	}
	return v, nil
}

// does fails the test unless the task of a file succeeds.
func (b *bench) does(name string) lifecycle.Verdict {
	b.T.Helper()
	v, err := b.invoke(name)
	if err != nil {
		b.T.Fatalf("%s: %v", name, err)
	}
	return v
}

// TestEvaluateSaysWhatToWaitFor: the answer names the state to go to.
func TestEvaluateSaysWhatToWaitFor(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  []event.Op
		want lifecycle.Verdict
	}{
		{"triggered", nil, lifecycle.Verdict{Next: lifecycle.Page, WaitSeconds: 301}},
		{"acknowledged", []event.Op{event.Acknowledge{}}, lifecycle.Verdict{Next: lifecycle.AwaitResolution, WaitSeconds: 1800}},
		{"snoozed", []event.Op{event.Snooze{Until: clock.Now().Add(time.Hour)}}, lifecycle.Verdict{Next: lifecycle.AwaitSnoozeEnd, WaitSeconds: 3600}},
		{"resolved", []event.Op{event.Resolve{}}, lifecycle.Verdict{Next: lifecycle.AwaitClosure, WaitSeconds: 86400}},
		{"promoted", []event.Op{event.Promote{}}, lifecycle.Verdict{Next: lifecycle.OpenIncident, WaitSeconds: 1}},
		{"another generation", []event.Op{event.NextGeneration{}}, lifecycle.Verdict{Next: lifecycle.End, WaitSeconds: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := newBench(t).opened(c.ops...).does("evaluate")
			if got.Next != c.want.Next || got.WaitSeconds > c.want.WaitSeconds || got.WaitSeconds < c.want.WaitSeconds-60 {
				t.Errorf("answered %+v, want about %+v", got, c.want)
			}
		})
	}
}

func TestPageTellsAndParks(t *testing.T) {
	b := newBench(t).opened()
	b.does("page")
	e := b.Event()
	if e.Token != theToken || e.Exec != execution.Running || e.Wakes != 1 || !e.Due.Equal(e.Progress.Deadline) || e.Progress.Stage != event.StagePlan {
		t.Errorf("parked as %+v, due %s, token %q", e.Progress, e.Due, e.Token)
	}
	stored, err := b.events.Outbox.OfEvent(t.Context(), string(theEvent))
	if err != nil || len(stored) != 1 || stored[0].Member != "administrator" || stored[0].State != outbox.Pending {
		t.Fatalf("stored %+v, %v", stored, err)
	}
	want := []account.Message{{Group: string(theEvent), Body: outbox.TicketOf(&stored[0]).Encode()}}
	if got := b.Account.Sent(account.Messages); !slices.Equal(got, want) {
		t.Errorf("handed over %+v, want %+v", got, want)
	}
	b.Called(nil, nil)

	b.does("page") // the service calls at least once
	if again := b.Event(); again.Cycle != e.Cycle || again.Progress != e.Progress || len(b.Account.Sent(account.Messages)) != 0 {
		t.Errorf("a repeated call paged again: %+v", again.Progress)
	}
	b.Called(nil, nil)
}

// TestWaitsParkOrWake: a wait that the event needs keeps its token; any other
// is ended at once.
func TestWaitsParkOrWake(t *testing.T) {
	waits := map[string]func() []event.Op{
		"page":             func() []event.Op { return nil },
		"await-resolution": func() []event.Op { return []event.Op{event.Acknowledge{}} },
		"await-snooze-end": func() []event.Op { return []event.Op{event.Snooze{Until: clock.Now().Add(time.Hour)}} },
		"await-closure":    func() []event.Op { return []event.Op{event.Resolve{}} },
	}
	for task := range waits {
		for state, ops := range waits {
			t.Run(task+" while it needs "+state, func(t *testing.T) {
				t.Parallel()
				b := newBench(t).opened(ops()...)
				b.does("evaluate") // as the machine does before: it tells the all-clear
				b.does(task)
				if task == state {
					if e := b.Event(); e.Token != theToken || e.Exec != execution.Running || !e.Due.After(clock.Now()) {
						t.Errorf("not parked: %s, due %s, token %q", e.Exec, e.Due, e.Token)
					}
					b.Called(nil, nil)
					return
				}
				if e := b.Event(); e.Token != "" || e.Wakes != 0 {
					t.Errorf("parked with %q", e.Token)
				}
				b.Called(nil, []string{theToken})
			})
		}
	}
	t.Run("of another generation", func(t *testing.T) {
		t.Parallel()
		b := newBench(t).opened(event.NextGeneration{})
		b.Called([]string{account.Events + " E-4821-g2 " + startInput}, nil)
		b.does("page")
		if e := b.Event(); e.Token != "" || len(b.Account.Sent(account.Messages)) != 0 {
			t.Errorf("an execution that was replaced paged or parked: %q", e.Token)
		}
		b.Called(nil, []string{theToken})
	})
}

// TestATimerThatEndsTooLate: an acknowledgement that expires long before the
// state's timer ends wakes the machine at once; an older machine does not say
// when its timer ends, and parks.
func TestATimerThatEndsTooLate(t *testing.T) {
	for name, woken := range map[string][]string{"await-resolution": {theToken}, "await-resolution-of-an-older-machine": nil} {
		b := newBench(t).opened()
		b.events.Desk.Now = func() time.Time { return clock.Now().Add(-20 * time.Minute) }
		if _, err := b.events.Desk.Do(t.Context(), theEvent, event.Acknowledge{}, event.ByMember("administrator")); err != nil {
			t.Fatal(err)
		}
		b.events.Desk.Now = clock.Now
		b.does(name)
		b.Called(nil, woken)
		if e := b.Event(); (e.Token == "") != (woken != nil) {
			t.Errorf("%s: parked with %q", name, e.Token)
		}
	}
}

func TestOpenIncidentOnce(t *testing.T) {
	b := newBench(t).opened(event.Promote{})
	for range 2 {
		b.does("open-incident")
	}
	i := b.Incident("I-1")
	if e := b.Event(); e.Incident != "I-1" || !i.Holds(theEvent) || i.Severity != incident.SEV1 || i.Exec != execution.Started {
		t.Errorf("event of incident %q; incident %+v", e.Incident, i)
	}
	b.Called([]string{account.Incidents + ` I-1-g1 {"v": 1, "incident_id": "I-1", "generation": 1}`}, nil)
	if _, err := b.incidents.Desk.Store.Get(t.Context(), "I-2"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a second incident: %v", err)
	}
}

func TestNextGenerationOnce(t *testing.T) {
	b := newBench(t).opened()
	for range 2 {
		b.does("next-generation")
	}
	if e := b.Event(); e.Generation != 2 || e.Exec != execution.Started || e.Cycle != 1 || e.Failures != 1 {
		t.Errorf("generation %d is %s in cycle %d after %d failures", e.Generation, e.Exec, e.Cycle, e.Failures)
	}
	b.Called([]string{account.Events + " E-4821-g2 " + startInput}, nil)
}

// TestInvariant13AHandoverBeforeAWaitHasFailed: functions that are newer than
// their machine do not make generations without end. The third in a row is
// left to the sweeper; one that waited has not failed.
func TestInvariant13AHandoverBeforeAWaitHasFailed(t *testing.T) {
	b := newBench(t).opened().declared()
	for _, c := range []struct {
		life lifecycle.Life
		wait lifecycle.Do
		read func() execution.Execution
	}{
		{b.events.Life(theEvent), lifecycle.Page, func() execution.Execution { return b.Event().Execution }},
		{b.incidents.Life(theCrisis), lifecycle.AwaitMitigation, func() execution.Execution { return b.Incident(theCrisis).Execution }},
	} {
		t.Run(c.life.ID, func(t *testing.T) {
			next := func(generation, want, failures int) {
				t.Helper()
				if err := c.life.StartNext(t.Context(), generation); err != nil {
					t.Fatal(err)
				}
				if x := c.read(); x.Generation != want || x.Failures != failures {
					t.Fatalf("generation %d after %d failures, want %d after %d", x.Generation, x.Failures, want, failures)
				}
			}
			next(1, 2, 1)
			next(2, 3, 2)
			next(3, 3, 2)
			if started := b.Account.Started(); len(started) != 2 {
				t.Errorf("started %q, want two", started)
			}
			if err := c.life.Enter(t.Context(), 3, lifecycle.Wait{State: c.wait, Token: theToken}); err != nil {
				t.Fatal(err)
			}
			next(3, 4, 0)
			b.Account.Started()
		})
	}
}

func TestTasksOfAnIncident(t *testing.T) {
	states := []struct {
		task, answer string
		ops          []incident.Op
	}{
		{"await-mitigation", "await_mitigation", nil},
		{"await-incident-resolution", "await_resolution", []incident.Op{incident.Mitigate{Text: "traffic was moved"}}},
		{"await-review", "await_review", []incident.Op{incident.Resolve{}}},
	}
	for _, state := range states {
		t.Run(state.answer, func(t *testing.T) {
			t.Parallel()
			b := newBench(t).declared(state.ops...)
			if v := b.does("evaluate-incident"); string(v.Next) != state.answer || v.WaitSeconds < 3500 {
				t.Errorf("answered %+v", v)
			}
			for _, other := range states {
				if other.task != state.task {
					b.does(other.task)
					b.Called(nil, []string{theToken})
				}
			}
			b.does(state.task)
			b.Called(nil, nil)
			if i := b.Incident(theCrisis); i.Token != theToken || i.Exec != execution.Running || i.Wakes != 1 {
				t.Errorf("not parked: %s, token %q", i.Exec, i.Token)
			}
		})
	}
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		b := newBench(t).declared(incident.Resolve{}, incident.Close{})
		if v := b.does("evaluate-incident"); v.Next != lifecycle.End {
			t.Errorf("answered %+v", v)
		}
		if i := b.Incident(theCrisis); !i.Due.IsZero() {
			t.Errorf("still due %s", i.Due)
		}
	})
	t.Run("next generation, once", func(t *testing.T) {
		t.Parallel()
		b := newBench(t).declared()
		for range 2 {
			b.does("next-incident-generation")
		}
		b.Called([]string{account.Incidents + ` I-7-g2 {"v": 1, "incident_id": "I-7", "generation": 2}`}, nil)
		if v := b.does("evaluate-incident"); v.Next != lifecycle.End {
			t.Errorf("the execution that was replaced is told %+v", v)
		}
	})
}

// TestClosedEventEnds: the all-clear is told before the machine ends, and the
// entry in the index goes.
func TestClosedEventEnds(t *testing.T) {
	b := newBench(t).opened(event.Close{Record: &event.Record{CauseClass: "capacity", Cause: "logs", Solution: "rotated"}})
	if v := b.does("evaluate"); v.Next != lifecycle.End {
		t.Errorf("answered %+v", v)
	}
	if e := b.Event(); e.OweAllClear || !e.Due.IsZero() {
		t.Errorf("all-clear owed %v, due %s", e.OweAllClear, e.Due)
	}
}

// TestErrorsAsStepFunctionsSeesThem: a machine retries by the name of the
// error's type.
func TestErrorsAsStepFunctionsSeesThem(t *testing.T) {
	broken := func(b *bench) { b.opened().Break(lifecycletest.EventKey) }
	gone := func(b *bench) {
		options := b.Table.Options()
		b.events.Desk.Store.Table.Client = dynamodb.New(options, func(o *dynamodb.Options) {
			o.BaseEndpoint, o.Retryer = aws.String("http://127.0.0.1:1"), aws.NopRetryer{}
		})
	}
	for _, c := range []struct {
		name, file string
		prepare    func(*bench)
		want       error
		says       string
	}{
		{"unknown op", "unknown-op", nil, Refused{}, "page_by_voice"},
		{"unknown version", "unknown-version", nil, Refused{}, "v: is 2"},
		{"no id", "no-id", nil, Refused{}, "event_id"},
		{"two ids", "two-ids", nil, Refused{}, "exactly one"},
		{"generation zero", "generation-zero", nil, Refused{}, "generation: is 0"},
		{"no such event", "evaluate", nil, Refused{}, "E-4821 does not exist"},
		{"no such incident", "evaluate-incident", nil, Refused{}, "I-7 does not exist"},
		{"an event that cannot be read", "evaluate", broken, Unavailable{}, "EVENT#E-4821"},
		{"no table", "evaluate", gone, Unavailable{}, "E-4821"},
		{"the wait cannot be ended", "await-closure", func(b *bench) {
			b.opened().Account.Refuse("SendTaskSuccess", "AccessDeniedException")
		}, Unavailable{}, "wake a wait"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			if c.prepare != nil {
				c.prepare(b)
			}
			_, err := b.invoke(c.file)
			if typeName(err) != typeName(c.want) {
				t.Fatalf("answered %T: %v, want %T", err, err, c.want)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %q, want %q in it", err, c.says)
			}
		})
	}
}

// TestAStartThatFailsFailsNoTask: the new generation stays pending and due,
// for the sweeper.
func TestAStartThatFailsFailsNoTask(t *testing.T) {
	b := newBench(t).opened()
	b.Account.Refuse("StartExecution", "StateMachineDeleting")
	b.does("next-generation")
	if e := b.Event(); e.Generation != 2 || e.Exec != execution.Pending || e.Due.IsZero() {
		t.Errorf("generation %d is %s, due %s", e.Generation, e.Exec, e.Due)
	}
}

// TestFilesAreWhatTheMachinesSend: each task of a machine has a file with the
// same fields, and the machine retries what is worth it.
func TestFilesAreWhatTheMachinesSend(t *testing.T) {
	files := lifecycletest.Bench{T: t, Folder: folder}
	sent := map[string]bool{}
	for _, machine := range []string{"event", "incident"} {
		text, err := os.ReadFile("../../statemachines/" + machine + "-lifecycle.asl.json")
		if err != nil {
			t.Fatal(err)
		}
		var definition struct {
			States map[string]struct {
				Type       string
				Parameters struct{ Payload map[string]any }
				Retry      []struct{ ErrorEquals []string }
			}
		}
		if err := json.Unmarshal(text, &definition); err != nil {
			t.Fatal(err)
		}
		for name, state := range definition.States {
			if state.Type != "Task" {
				continue
			}
			op, _ := state.Parameters.Payload["op"].(string)
			sent[op] = true
			var payload map[string]any
			if err := json.Unmarshal(files.File(strings.ReplaceAll(op, "_", "-")), &payload); err != nil {
				t.Fatal(err)
			}
			if payload["v"] != state.Parameters.Payload["v"] || payload["op"] != op || !slices.Equal(fields(payload), fields(state.Parameters.Payload)) {
				t.Errorf("%s sends %v, the file has %v", name, state.Parameters.Payload, payload)
			}
			for _, r := range state.Retry {
				if !slices.Contains(r.ErrorEquals, typeName(Unavailable{})) || slices.Contains(r.ErrorEquals, typeName(Refused{})) {
					t.Errorf("%s retries %v", name, r.ErrorEquals)
				}
			}
		}
	}
	if len(sent) != 12 {
		t.Errorf("the machines send %d ops: %v", len(sent), slices.Sorted(maps.Keys(sent)))
	}
}

// fields returns the names of a payload's fields.
func fields(payload map[string]any) []string {
	var names []string
	for name := range payload {
		names = append(names, strings.TrimSuffix(name, ".$"))
	}
	slices.Sort(names)
	return names
}

func TestEveryFileIsInvoked(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) != 18 {
		t.Errorf("%d files in %s, %v; the tests above name 18", len(files), folder, err)
	}
}

func TestStartNamesTheMissingVariable(t *testing.T) {
	a := account.Start(t)
	table := ddb.Table{Client: dynamodb.New(dynamodb.Options{BaseEndpoint: aws.String("http://127.0.0.1:1")}), Name: "tocsin"}
	env := a.Environment(table)
	for _, missing := range []string{"AWS_REGION", "EVENTS_TABLE", "CONFIG_TABLE", "LEDGER_TABLE", "MESSAGES_QUEUE_URL", "EVENT_MACHINE_ARN", "INCIDENT_MACHINE_ARN"} {
		_, err := newHandler(discard, func(name string) (string, bool) {
			v, ok := env(name)
			return v, ok && name != missing
		})
		if err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}
