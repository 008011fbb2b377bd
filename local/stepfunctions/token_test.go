package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// waitFor is a machine that waits 300 s for its token and passes the result on.
var waitFor = one(task(ResourceInvokeCallback, `"TimeoutSeconds":300,"End":true`))

func TestTokenSucceedsOnce(t *testing.T) {
	s := newStack(t, nil)
	arn := s.start(s.machine("m", waitFor), "x", "{}")
	token := s.token("f")
	if len(token) > 1024 {
		t.Errorf("token of %d characters", len(token))
	}
	if err := s.succeed(token, `{"by":"bob"}`); err != nil {
		t.Fatal(err)
	}
	if x := s.describe(arn); *x.Output != `{"by":"bob"}` {
		t.Error(*x.Output)
	}
	if got := errorType(s.succeed(token, "{}")); got != "TaskTimedOut" {
		t.Errorf("second: %q", got)
	}
}

func TestTokenFailure(t *testing.T) {
	s := newStack(t, nil)
	machine := s.machine("m", one(task(ResourceInvokeCallback, `"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}],"End":true`)))
	cases := map[string]struct {
		error, cause *string
		output       string
	}{
		"both":    {new("E"), new("C"), `{"Cause":"C","Error":"E"}`},
		"neither": {nil, nil, `{"Cause":null,"Error":null}`},
	}
	for name, c := range cases {
		arn := s.start(machine, name, "{}")
		if _, err := s.SendTaskFailure(t.Context(), &sfn.SendTaskFailureInput{TaskToken: new(s.token("f")), Error: c.error, Cause: c.cause}); err != nil {
			t.Fatal(err)
		}
		if x := s.describe(arn); unset(x.Output) != c.output {
			t.Errorf("%s: %s", name, unset(x.Output))
		}
	}
}

func TestTokenAfterTimeout(t *testing.T) {
	s := newStack(t, nil)
	machine := s.machine("m", waitFor)
	s.finish(s.start(machine, "x", "{}"))
	if got := errorType(s.succeed(s.token("f"), "{}")); got != "TaskTimedOut" {
		t.Errorf("after the timeout: %q", got)
	}
}

func TestTokenOfAFormerAttempt(t *testing.T) {
	s := newStack(t, nil)
	s.start(s.machine("m", one(task(ResourceInvokeCallback, `"TimeoutSeconds":5,"Retry":[{"ErrorEquals":["States.Timeout"]}],"End":true`))), "x", "{}")
	first := s.token("f")
	s.jump()
	if got := errorType(s.succeed(first, "{}")); got != "TaskTimedOut" {
		t.Errorf("between attempts: %q", got)
	}
	s.jump()
	if got := errorType(s.succeed(first, "{}")); got != "TaskTimedOut" {
		t.Errorf("token of the first attempt: %q", got)
	}
	if err := s.succeed(s.token("f"), "{}"); err != nil {
		t.Errorf("token of the second attempt: %v", err)
	}
}

func TestTokenRace(t *testing.T) {
	s := newStack(t, nil)
	machine := s.machine("m", waitFor)
	for i := range 20 {
		arn := s.start(machine, fmt.Sprint("x", i), "{}")
		token := s.token("f")
		got := make([]string, 2)
		var both sync.WaitGroup
		for i := range got {
			both.Go(func() { got[i] = errorType(s.succeed(token, fmt.Sprint(i))) })
		}
		both.Wait()
		winner := "0"
		if got[0] != "" {
			winner = "1"
		}
		if got[0]+got[1] != "TaskTimedOut" || *s.describe(arn).Output != winner {
			t.Errorf("answers %q, output %s", got, *s.describe(arn).Output)
		}
	}
}

func TestTokenBeforeTheFunctionReturns(t *testing.T) {
	var s *stack
	for name, end := range map[string]code{"answers": answers("1"), "fails": throws("E")} {
		t.Run(name, func(t *testing.T) {
			s = newStack(t, map[string]code{"f": func(ctx context.Context, payload string) (*Reply, error) {
				var in struct{ Token string }
				if err := json.Unmarshal([]byte(payload), &in); err != nil {
					t.Error(err)
				}
				if err := s.succeed(in.Token, `"early"`); err != nil {
					t.Error(err)
				}
				return end(ctx, payload)
			}})
			arn := s.start(s.machine("m", waitFor), "x", "{}")
			if x := s.describe(arn); x.Status != "SUCCEEDED" || unset(x.Output) != `"early"` {
				t.Errorf("%s %s", x.Status, unset(x.Output))
			}
		})
	}
}

func TestHeartbeatKeepsTheTask(t *testing.T) {
	s := newStack(t, nil)
	arn := s.start(s.machine("m", one(task(ResourceInvokeCallback, `"TimeoutSeconds":60,"HeartbeatSeconds":20,"End":true`))), "x", "{}")
	beat := func() string {
		_, err := s.SendTaskHeartbeat(t.Context(), &sfn.SendTaskHeartbeatInput{TaskToken: new(s.token("f"))})
		return errorType(err)
	}
	for range 3 {
		s.advance(15 * time.Second)
		s.settle()
		if got := beat(); got != "" {
			t.Fatal(got)
		}
	}
	if wait := s.jump(); wait != 15 { // the timeout of 60 s counts from the start
		t.Errorf("ended after %d s more", wait)
	}
	if x := s.describe(arn); x.Status != "FAILED" || beat() != "TaskTimedOut" {
		t.Errorf("%s", x.Status)
	}
}

func TestHangingFunctionTimesOut(t *testing.T) {
	s := newStack(t, map[string]code{"f": hangs})
	started, err := s.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: new(s.machine("m", one(task(ResourceInvoke, `"TimeoutSeconds":30,"End":true`))))})
	if err != nil {
		t.Fatal(err)
	}
	if n := s.server.InFlight(); n != 1 {
		t.Errorf("%d in flight while the function runs", n)
	}
	s.advance(31 * time.Second)
	for s.describe(*started.ExecutionArn).Status == "RUNNING" {
		time.Sleep(time.Millisecond)
	}
	if x := s.describe(*started.ExecutionArn); *x.Error != "States.Timeout" {
		t.Error(*x.Error)
	}
}

func TestRestart(t *testing.T) {
	s := newStack(t, nil)
	machine := s.machine("m", waitFor)
	arn := s.start(machine, "x", `{"a":1}`)
	ended := s.start(s.machine("done", pass), "x", "{}")
	token := s.token("f")
	before, _ := s.server.NextDeadline()

	s.copyDir() // nothing was closed: as a kill leaves it
	s.open()
	s.settle()
	if calls := len(s.lambda.payloads("f")); calls != 1 {
		t.Errorf("called %d times: a task whose function has answered is not called again", calls)
	}
	if after, _ := s.server.NextDeadline(); !after.Equal(before) {
		t.Errorf("deadline %v, was %v", after, before)
	}
	if got := s.server.Transitions(arn); got != 1 {
		t.Errorf("%d transitions", got)
	}
	if err := s.succeed(token, `"late"`); err != nil {
		t.Fatal(err)
	}
	if x := s.describe(arn); *x.Output != `"late"` || *x.Input != `{"a":1}` {
		t.Errorf("%s", *x.Output)
	}
	_, err := s.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: new(strings.Replace(machine, ":m", ":done", 1)), Name: new("x"), Input: new("{}")})
	if errorType(err) != "ExecutionAlreadyExists" || s.kinds(ended) != "ExecutionStarted PassStateEntered PassStateExited ExecutionSucceeded" {
		t.Errorf("closed name: %v; %s", err, s.kinds(ended))
	}
}

func TestRestartCallsAgain(t *testing.T) {
	s := newStack(t, map[string]code{"f": inTurn(hangs, answers("1"))})
	machine := s.machine("m", waitFor)
	started, err := s.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &machine})
	if err != nil {
		t.Fatal(err)
	}
	for len(s.lambda.payloads("f")) == 0 {
		time.Sleep(time.Millisecond)
	}
	s.server.Close()
	s.open()
	s.settle()
	calls := s.lambda.payloads("f")
	if len(calls) != 2 || calls[0] != calls[1] {
		t.Errorf("calls %q, want the same twice", calls)
	}
	if err := s.succeed(s.token("f"), "2"); err != nil {
		t.Fatal(err)
	}
	if kinds := s.kinds(*started.ExecutionArn); strings.Count(kinds, "TaskScheduled") != 1 {
		t.Error(kinds)
	}
}

func TestRestartFiresWhatFellDue(t *testing.T) {
	s := newStack(t, nil)
	arn := s.start(s.machine("m", waitFor), "x", "{}")
	s.server.Close()
	s.advance(time.Hour)
	s.open()
	s.settle()
	if x := s.describe(arn); *x.Error != "States.Timeout" {
		t.Error(*x.Error)
	}
}

func TestTornWriteIsCutOff(t *testing.T) {
	s := newStack(t, nil)
	arn := s.start(s.machine("m", waitFor), "x", "{}")
	s.server.Close()
	file := filepath.Join(s.dir, "executions", "m:x.jsonl")
	if err := errors.Join(appendFile(file, []byte(`{"events":[{"id`)), appendFile(filepath.Join(s.dir, "executions", "m:y.jsonl"), []byte(`{"hea`))); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s.open()
		if x := s.describe(arn); x.Status != "RUNNING" {
			t.Errorf("%s", x.Status)
		}
		s.server.Close()
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "executions", "*")); len(left) != 1 {
		t.Errorf("files %v", left)
	}
}

func TestFailedWriteAnswersNobody(t *testing.T) {
	s := newStack(t, nil)
	machine := s.machine("m", pass)
	if err := os.RemoveAll(filepath.Join(s.dir, "executions")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := s.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &machine})
		if errorType(err) != "InternalFailure" {
			t.Errorf("start: %v", err)
		}
	}
}

func TestManyExecutions(t *testing.T) {
	const executions, rounds = 100, 3
	s := newStack(t, nil)
	machine := s.machine("m", `{"StartAt":"E","States":{
		"E":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"e","Payload.$":"$"},"ResultPath":null,"Next":"P"},
		"P":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","Parameters":{"FunctionName":"f","Payload":{"token.$":"$$.Task.Token"}},"TimeoutSecondsPath":"$.s",
			"Catch":[{"ErrorEquals":["States.Timeout"],"Next":"E","ResultPath":null}],"ResultPath":null,"Next":"Z"},
		"Z":{"Type":"Succeed"}}}`)
	var starts sync.WaitGroup
	for i := range executions {
		starts.Go(func() {
			_, err := s.StartExecution(context.Background(), &sfn.StartExecutionInput{
				StateMachineArn: &machine, Name: new(fmt.Sprint("x", i)), Input: new(fmt.Sprintf(`{"s":%d}`, 60+i)),
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
	s.settle()
	for range rounds { // every wait times out and is entered anew
		s.advance(200 * time.Second)
		s.settle()
	}
	won := map[string]bool{}
	for _, payload := range s.lambda.payloads("f") {
		var in struct{ Token string }
		if err := json.Unmarshal([]byte(payload), &in); err != nil {
			t.Fatal(err)
		}
		if got := errorType(s.succeed(in.Token, "{}")); got == "" {
			won[in.Token] = true
		} else if got != "TaskTimedOut" {
			t.Fatal(got)
		}
	}
	if len(won) != executions || s.server.InFlight() != 0 || len(s.server.open) != 0 {
		t.Errorf("%d tokens of %d won, %d open", len(won), executions, len(s.server.open))
	}
	if got, want := s.server.Transitions(s.server.executionArn("m", "x0")), 2*(rounds+1)+1; got != want {
		t.Errorf("%d transitions, want %d", got, want)
	}
}

func TestRealTimeGoesOn(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	arn := s.start(s.machine("m", one(`{"Type":"Wait","Seconds":1,"End":true}`)), "x", "{}")
	for s.describe(arn).Status == "RUNNING" {
		time.Sleep(10 * time.Millisecond)
	}
	if x := s.describe(arn); x.StopDate.Sub(*x.StartDate) > 2*time.Second {
		t.Errorf("took %v", x.StopDate.Sub(*x.StartDate))
	}
}
