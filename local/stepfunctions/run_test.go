package stepfunctions

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// run is one execution played to its end.
type run struct {
	machine string
	input   string // {} if empty
	code    map[string]code
	status  types.ExecutionStatus
	output  string
	error   string
	cause   string // a part of it
	waits   []int  // seconds between the jumps
	kinds   string // of the history; not compared if empty
	moves   int    // transitions; not compared if 0
}

func play(t *testing.T, want run) {
	t.Helper()
	s := newStack(t, want.code)
	if want.input == "" {
		want.input = "{}"
	}
	arn := s.start(s.machine("m", want.machine), "x", want.input)
	waits := s.finish(arn)
	x := s.describe(arn)
	if x.Status != want.status || unset(x.Output) != want.output || unset(x.Error) != want.error || !strings.Contains(unset(x.Cause), want.cause) {
		t.Errorf("ended %s, output %s, error %q, cause %q", x.Status, unset(x.Output), unset(x.Error), unset(x.Cause))
	}
	if !slices.Equal(waits, want.waits) {
		t.Errorf("waited %v s, want %v", waits, want.waits)
	}
	if kinds := s.kinds(arn); want.kinds != "" && kinds != want.kinds {
		t.Errorf("history\n%s, want\n%s", kinds, want.kinds)
	}
	if moves := s.server.Transitions(arn); want.moves != 0 && moves != want.moves {
		t.Errorf("%d transitions, want %d", moves, want.moves)
	}
}

func playAll(t *testing.T, cases map[string]run) {
	t.Helper()
	for name, want := range cases {
		t.Run(name, func(t *testing.T) { t.Parallel(); play(t, want) })
	}
}

func TestDataFlow(t *testing.T) {
	playAll(t, map[string]run{
		"pass keeps its input": {
			machine: one(`{"Type":"Pass","End":true}`), input: `{"n":12345678901234567890}`,
			status: "SUCCEEDED", output: `{"n":12345678901234567890}`, moves: 1,
			kinds: "ExecutionStarted PassStateEntered PassStateExited ExecutionSucceeded",
		},
		"pass places a result": {
			machine: one(`{"Type":"Pass","Result":[1],"ResultPath":"$.a.b","End":true}`), input: `{"a":{"c":2}}`,
			status: "SUCCEEDED", output: `{"a":{"b":[1],"c":2}}`,
		},
		"paths cut input and output": {
			machine: one(`{"Type":"Pass","InputPath":"$.in","Parameters":{"x.$":"$.a[1]","list":[{"y.$":"$['a'][0]"}]},"ResultPath":"$.out","OutputPath":"$.out","End":true}`),
			input:   `{"in":{"a":[1,2]}}`, status: "SUCCEEDED", output: `{"list":[{"y":1}],"x":2}`,
		},
		"null paths": {
			machine: one(`{"Type":"Pass","InputPath":null,"OutputPath":null,"ResultPath":null,"End":true}`),
			input:   `{"a":1}`, status: "SUCCEEDED", output: `{}`,
		},
		"task result is wrapped": {
			machine: one(task(ResourceInvoke, `"End":true`)), input: `{"a":1}`,
			code: map[string]code{"f": answers(`{"b":2}`)}, status: "SUCCEEDED", moves: 1,
			output: `{"ExecutedVersion":"$LATEST","Payload":{"b":2},"StatusCode":200}`,
			kinds:  "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited ExecutionSucceeded",
		},
		"task result is selected and placed": {
			machine: one(task(ResourceInvoke, `"ResultSelector":{"b.$":"$.Payload.b"},"ResultPath":"$.r","End":true`)), input: `{"a":1}`,
			code: map[string]code{"f": answers(`{"b":2}`)}, status: "SUCCEEDED", output: `{"a":1,"r":{"b":2}}`,
		},
		"task result is dropped": {
			machine: one(task(ResourceInvoke, `"ResultPath":null,"End":true`)), input: `{"a":1}`,
			status: "SUCCEEDED", output: `{"a":1}`,
		},
		"context object": {
			machine: one(`{"Type":"Pass","Parameters":{"id.$":"$$.Execution.Id","name.$":"$$.Execution.Name","in.$":"$$.Execution.Input.a","state.$":"$$.State.Name","tries.$":"$$.State.RetryCount","machine.$":"$$.StateMachine.Id"},"End":true}`),
			input:   `{"a":7}`, status: "SUCCEEDED",
			output: `{"id":"arn:aws:states:us-east-1:000000000000:execution:m:x","in":7,"machine":"arn:aws:states:us-east-1:000000000000:stateMachine:m","name":"x","state":"S","tries":0}`,
		},
		"missing parameter is a runtime error": {
			machine: one(`{"Type":"Pass","Parameters":{"x.$":"$.no"},"End":true}`), status: "FAILED", error: "States.Runtime",
			cause: "the state 'S' (entered at the event id #2). The JSONPath '$.no' specified for the field 'x.$' could not be found",
			kinds: "ExecutionStarted PassStateEntered ExecutionFailed",
		},
		"result that does not fit": {
			machine: one(`{"Type":"Pass","ResultPath":"$.a.b","End":true}`), input: `{"a":[]}`,
			status: "FAILED", error: "States.ResultPathMatchFailure",
		},
		"too much data": {
			machine: one(task(ResourceInvoke, `"Retry":[{"ErrorEquals":["States.ALL"]}],"End":true`)),
			code:    map[string]code{"f": answers(`"` + strings.Repeat("x", maxData) + `"`)},
			status:  "FAILED", error: "States.DataLimitExceeded",
		},
		"fail": {
			machine: one(`{"Type":"Fail","Error":"E","Cause":"C"}`), status: "FAILED", error: "E", cause: "C", moves: 1,
			kinds: "ExecutionStarted FailStateEntered ExecutionFailed",
		},
		"endless loop ends with its history": {
			machine: `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Choice","Choices":[{"Variable":"$.x","IsPresent":true,"Next":"Z"}],"Default":"A"},"Z":{"Type":"Succeed"}}}`,
			status:  "FAILED", error: "States.Runtime", cause: "maximum number of history events (25000)",
		},
	})
}

func TestChoice(t *testing.T) {
	cases := map[string]struct{ rule, input, output string }{
		"string":             {`"Variable":"$.a","StringEquals":"x"`, `{"a":"x"}`, "yes"},
		"string of number":   {`"Variable":"$.a","StringEquals":"1"`, `{"a":1}`, "no"},
		"number":             {`"Variable":"$.a","NumericEquals":1`, `{"a":1.0}`, "yes"},
		"greater":            {`"Variable":"$.a","NumericGreaterThan":1`, `{"a":1}`, "no"},
		"greater or equal":   {`"Variable":"$.a","NumericGreaterThanEquals":1`, `{"a":1}`, "yes"},
		"less":               {`"Variable":"$.a","NumericLessThan":1`, `{"a":0}`, "yes"},
		"less or equal":      {`"Variable":"$.a","NumericLessThanEquals":1`, `{"a":2}`, "no"},
		"boolean":            {`"Variable":"$.a","BooleanEquals":false`, `{"a":false}`, "yes"},
		"present":            {`"Variable":"$.a","IsPresent":true`, `{"a":null}`, "yes"},
		"absent":             {`"Variable":"$.a","IsPresent":false`, `{}`, "yes"},
		"and stops early":    {`"And":[{"Variable":"$.a","IsPresent":true},{"Variable":"$.a","NumericEquals":1}]`, `{}`, "no"},
		"or":                 {`"Or":[{"Variable":"$.a","NumericEquals":1},{"Variable":"$.a","NumericEquals":2}]`, `{"a":2}`, "yes"},
		"not":                {`"Not":{"Variable":"$.a","NumericEquals":1}`, `{"a":2}`, "yes"},
		"context":            {`"Variable":"$$.Execution.Name","StringEquals":"x"`, `{}`, "yes"},
		"missing is runtime": {`"Variable":"$.a","NumericEquals":1`, `{}`, "States.Runtime"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, nil)
			machine := s.machine("m", `{"StartAt":"Q","States":{"Q":{"Type":"Choice","Choices":[{`+c.rule+`,"Next":"Y"}],"Default":"N"},"Y":{"Type":"Pass","Result":"yes","End":true},"N":{"Type":"Pass","Result":"no","End":true}}}`)
			x := s.describe(s.start(machine, "x", c.input))
			if got := strings.Trim(unset(x.Output), `"`) + unset(x.Error); got != c.output {
				t.Errorf("%s, want %s", got, c.output)
			}
		})
	}
}

func TestNoChoiceMatched(t *testing.T) {
	play(t, run{
		machine: `{"StartAt":"Q","States":{"Q":{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true,"Next":"Y"}]},"Y":{"Type":"Succeed"}}}`,
		status:  "FAILED", error: "States.NoChoiceMatched",
	})
}

func TestWait(t *testing.T) {
	playAll(t, map[string]run{
		"seconds": {
			machine: one(`{"Type":"Wait","Seconds":90,"End":true}`), status: "SUCCEEDED", output: "{}", waits: []int{90},
			kinds: "ExecutionStarted WaitStateEntered WaitStateExited ExecutionSucceeded",
		},
		"path":              {machine: one(`{"Type":"Wait","SecondsPath":"$.s","End":true}`), input: `{"s":5}`, status: "SUCCEEDED", output: `{"s":5}`, waits: []int{5}},
		"no length":         {machine: one(`{"Type":"Wait","Seconds":0,"End":true}`), status: "SUCCEEDED", output: "{}"},
		"past instant":      {machine: one(`{"Type":"Wait","TimestampPath":"$.t","End":true}`), input: `{"t":"2020-01-01T00:00:00Z"}`, status: "SUCCEEDED", output: `{"t":"2020-01-01T00:00:00Z"}`},
		"no instant":        {machine: one(`{"Type":"Wait","TimestampPath":"$.t","End":true}`), input: `{"t":"soon"}`, status: "FAILED", error: "States.Runtime"},
		"fraction of a sec": {machine: one(`{"Type":"Wait","SecondsPath":"$.s","End":true}`), input: `{"s":1.5}`, status: "FAILED", error: "States.Runtime"},
	})
}

func TestRetry(t *testing.T) {
	playAll(t, map[string]run{
		"backs off and gives up": {
			machine: one(task(ResourceInvoke, `"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":2,"MaxAttempts":3,"BackoffRate":3,"MaxDelaySeconds":10}],"End":true`)),
			code:    map[string]code{"f": throws("E")}, status: "FAILED", error: "E", cause: `{"errorType":"E"}`,
			waits: []int{2, 6, 10}, moves: 4,
			kinds: "ExecutionStarted TaskStateEntered" + strings.Repeat(" TaskScheduled TaskStarted TaskFailed", 4) + " ExecutionFailed",
		},
		"defaults": {
			machine: one(task(ResourceInvoke, `"Retry":[{"ErrorEquals":["States.ALL"]}],"End":true`)),
			code:    map[string]code{"f": throws("E")}, status: "FAILED", error: "E", cause: "E", waits: []int{1, 2, 4},
		},
		"succeeds later": {
			machine: one(task(ResourceInvoke, `"Retry":[{"ErrorEquals":["E"]}],"ResultPath":null,"End":true`)),
			code:    map[string]code{"f": inTurn(throws("E"), answers("1"))}, status: "SUCCEEDED", output: "{}", waits: []int{1}, moves: 2,
		},
		"retriers count apart and the first match decides": {
			machine: one(task(ResourceInvoke, `"Retry":[{"ErrorEquals":["A","B"],"BackoffRate":2,"MaxAttempts":2},{"ErrorEquals":["C"],"IntervalSeconds":5},{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught","ResultPath":"$.e"}],"End":true`)),
			code:    map[string]code{"f": inTurn(throws("A"), throws("B"), throws("C"), throws("B"))},
			status:  "SUCCEEDED", output: `{"e":{"Cause":"{\"errorType\":\"B\"}","Error":"B"}}`, waits: []int{1, 2, 5}, moves: 5,
		},
		"never": {
			machine: one(task(ResourceInvoke, `"Retry":[{"ErrorEquals":["E"],"MaxAttempts":0},{"ErrorEquals":["States.ALL"]}],"End":true`)),
			code:    map[string]code{"f": throws("E")}, status: "FAILED", error: "E", cause: "E",
		},
		"retry count is seen": {
			machine: one(`{"Type":"Task","Resource":"` + ResourceInvoke + `","Parameters":{"FunctionName":"f","Payload.$":"$$.State.RetryCount"},"Retry":[{"ErrorEquals":["E"]}],"ResultSelector":{"n.$":"$.Payload"},"End":true}`),
			code:    map[string]code{"f": inTurn(throws("E"), func(_ context.Context, p string) (*Reply, error) { return answers(p)(nil, "") })},
			status:  "SUCCEEDED", output: `{"n":1}`, waits: []int{1},
		},
		"jitter none is exact": {
			machine: one(task(ResourceInvoke, `"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":600,"MaxAttempts":1,"JitterStrategy":"NONE"}],"End":true`)),
			code:    map[string]code{"f": throws("E")}, status: "FAILED", error: "E", cause: "E", waits: []int{600},
		},
	})
}

func TestFullJitterStaysBelowTheDelay(t *testing.T) {
	s := newStack(t, map[string]code{"f": throws("E")})
	machine := s.machine("m", one(task(ResourceInvoke, `"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":100,"MaxAttempts":9,"BackoffRate":1,"JitterStrategy":"FULL"}],"End":true`)))
	waits := s.finish(s.start(machine, "x", "{}"))
	if slices.Max(waits) > 100 || slices.Min(waits) == slices.Max(waits) {
		t.Errorf("waits %v, want them spread up to 100", waits)
	}
}

func TestErrorMatching(t *testing.T) {
	timeout, heartbeat := failed(errTimeout, ""), failed(errTimeout, "")
	heartbeat.heartbeat = true
	cases := []struct {
		name    string
		failure failure
		matched []string
	}{
		{"function's own", failed("E", ""), []string{"E", errTaskFailed, errAll}},
		{"timeout", timeout, []string{errTimeout, errAll}},
		{"heartbeat", heartbeat, []string{errTimeout, errHeartbeatTimeout, errAll}},
		{"runtime", failed(errRuntime, ""), []string{errRuntime}},
		{"data limit", failed(errDataLimit, ""), []string{errDataLimit}},
		{"none given", failure{}, []string{errTaskFailed, errAll}},
	}
	for _, c := range cases {
		var matched []string
		for _, name := range []string{"E", errTimeout, errHeartbeatTimeout, errRuntime, errDataLimit, errTaskFailed, errAll} {
			if c.failure.is(name) {
				matched = append(matched, name)
			}
		}
		if !slices.Equal(matched, c.matched) {
			t.Errorf("%s: matched by %v, want %v", c.name, matched, c.matched)
		}
	}
}

func TestCatch(t *testing.T) {
	playAll(t, map[string]run{
		"error replaces the input": {
			machine: one(task(ResourceInvoke, `"Catch":[{"ErrorEquals":["X"],"Next":"Caught"},{"ErrorEquals":["States.TaskFailed"],"Next":"Caught"}],"End":true`)),
			code:    map[string]code{"f": throws("E")}, status: "SUCCEEDED", output: `{"Cause":"{\"errorType\":\"E\"}","Error":"E"}`,
			kinds: "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskFailed TaskStateExited SucceedStateEntered SucceedStateExited ExecutionSucceeded",
		},
		"output path does not apply": {
			machine: one(task(ResourceInvoke, `"OutputPath":"$.no","Catch":[{"ErrorEquals":["E"],"Next":"Caught","ResultPath":null}],"End":true`)),
			code:    map[string]code{"f": throws("E")}, input: `{"a":1}`, status: "SUCCEEDED", output: `{"a":1}`,
		},
		"runtime errors are not caught": {
			machine: one(`{"Type":"Task","Resource":"` + ResourceInvoke + `","Parameters":{"FunctionName.$":"$.no"},"Retry":[{"ErrorEquals":["States.Runtime","States.TaskFailed"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}],"End":true}`),
			status:  "FAILED", error: "States.Runtime",
		},
		"task failed leaves timeouts": {
			machine: one(task(ResourceInvokeCallback, `"TimeoutSeconds":9,"Catch":[{"ErrorEquals":["States.TaskFailed"],"Next":"Caught"}],"End":true`)),
			status:  "FAILED", error: "States.Timeout", waits: []int{9},
		},
	})
}

func TestLambdaFailures(t *testing.T) {
	refused := func(status int, kind string) code {
		return func(context.Context, string) (*Reply, error) { return &Reply{Status: status, ErrorType: kind}, nil }
	}
	cases := map[string]struct {
		code  code
		error string
	}{
		"function error": {throws("*lifecycle.Refused"), "*lifecycle.Refused"},
		"error without a type": {func(context.Context, string) (*Reply, error) {
			return &Reply{Status: 200, FunctionError: "Unhandled"}, nil
		}, "Lambda.Unknown"},
		"throttled":        {refused(429, "TooManyRequestsException"), "Lambda.TooManyRequestsException"},
		"service":          {refused(503, ""), "Lambda.ServiceException"},
		"no such function": {refused(404, ""), "Lambda.ResourceNotFoundException"},
		"other refusal":    {refused(400, "InvalidRequestContentException:http"), "Lambda.InvalidRequestContentException"},
		"no connection":    {func(context.Context, string) (*Reply, error) { return nil, errors.New("refused") }, "Lambda.SdkClientException"},
	}
	for name, c := range cases {
		for _, resource := range []string{ResourceInvoke, ResourceInvokeCallback} {
			t.Run(name+" "+resource, func(t *testing.T) {
				t.Parallel()
				s := newStack(t, map[string]code{"f": c.code})
				arn := s.start(s.machine("m", one(task(resource, `"End":true`))), "x", "{}")
				if x := s.describe(arn); x.Status != "FAILED" || unset(x.Error) != c.error {
					t.Errorf("%s %s, want %s", x.Status, unset(x.Error), c.error)
				}
			})
		}
	}
}

func TestTimeouts(t *testing.T) {
	wait := ResourceInvokeCallback
	history := "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSubmitted TaskTimedOut "
	playAll(t, map[string]run{
		"uncaught": {
			machine: one(task(wait, `"TimeoutSeconds":300,"End":true`)), status: "FAILED", error: "States.Timeout",
			waits: []int{300}, kinds: history + "ExecutionFailed",
		},
		"from the input and caught": {
			machine: one(task(wait, `"TimeoutSecondsPath":"$.s","Catch":[{"ErrorEquals":["States.Timeout"],"Next":"Caught","ResultPath":"$.e"}],"End":true`)),
			input:   `{"s":86400}`, status: "SUCCEEDED", output: `{"e":{"Cause":"","Error":"States.Timeout"},"s":86400}`, waits: []int{86400},
			kinds: history + "TaskStateExited SucceedStateEntered SucceedStateExited ExecutionSucceeded",
		},
		"path to nothing": {
			machine: one(task(wait, `"TimeoutSecondsPath":"$.s","End":true`)), status: "FAILED", error: "States.Runtime",
			kinds: "ExecutionStarted TaskStateEntered ExecutionFailed",
		},
		"path to zero": {machine: one(task(wait, `"TimeoutSecondsPath":"$.s","End":true`)), input: `{"s":0}`, status: "FAILED", error: "States.Runtime"},
		"heartbeat":    {machine: one(task(wait, `"TimeoutSeconds":600,"HeartbeatSeconds":5,"End":true`)), status: "FAILED", error: "States.Timeout", waits: []int{5}, kinds: history + "ExecutionFailed"},
		"heartbeat path": {
			machine: one(task(wait, `"HeartbeatSecondsPath":"$.h","Catch":[{"ErrorEquals":["States.HeartbeatTimeout"],"Next":"Caught","ResultPath":null}],"End":true`)),
			input:   `{"h":7}`, status: "SUCCEEDED", output: `{"h":7}`, waits: []int{7},
		},
		"of the machine": {
			machine: `{"TimeoutSeconds":3,"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":25,"End":true}}}`,
			status:  "TIMED_OUT", waits: []int{3}, kinds: "ExecutionStarted WaitStateEntered ExecutionTimedOut",
		},
		"retried": {
			machine: one(task(wait, `"TimeoutSeconds":10,"Retry":[{"ErrorEquals":["States.Timeout"],"MaxAttempts":1}],"End":true`)),
			status:  "FAILED", error: "States.Timeout", waits: []int{10, 1, 10}, moves: 2,
		},
	})
}

func TestHistoryDetails(t *testing.T) {
	s := newStack(t, nil)
	arn := s.start(s.machine("m", one(task(ResourceInvokeCallback, `"TimeoutSeconds":60,"HeartbeatSeconds":9,"End":true`))), "x", `{"a":1}`)
	if err := s.succeed(s.token("f"), `{"done":true}`); err != nil {
		t.Fatal(err)
	}
	events := s.history(arn)
	for i, e := range events {
		if previous := int64(max(0, i)); e.Id != int64(i+1) || (i > 1 && e.PreviousEventId != previous) || (i <= 1 && e.PreviousEventId != 0) {
			t.Errorf("event %d has id %d after %d", i, e.Id, e.PreviousEventId)
		}
	}
	scheduled := events[2].TaskScheduledEventDetails
	want := types.TaskScheduledEventDetails{
		Resource: new("invoke.waitForTaskToken"), ResourceType: new("lambda"), Region: new("us-east-1"),
		TimeoutInSeconds: new(int64(60)), HeartbeatInSeconds: new(int64(9)),
		Parameters: new(`{"FunctionName":"f","Payload":{"token":"` + s.token("f") + `"}}`),
	}
	if !reflect.DeepEqual(*scheduled, want) {
		t.Errorf("scheduled %s %d %d", *scheduled.Parameters, *scheduled.TimeoutInSeconds, *scheduled.HeartbeatInSeconds)
	}
	if *events[0].ExecutionStartedEventDetails.Input != `{"a":1}` || *events[1].StateEnteredEventDetails.Name != "S" ||
		*events[5].TaskSucceededEventDetails.Output != `{"done":true}` || *events[6].StateExitedEventDetails.Output != `{"done":true}` {
		t.Error("details are missing")
	}
	last, err := s.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, ReverseOrder: true, MaxResults: 1})
	if err != nil || last.Events[0].Type != "ExecutionSucceeded" || last.NextToken == nil {
		t.Errorf("last event %v, %v", last, err)
	}
}

func TestDeadlinesFireInOrder(t *testing.T) {
	s := newStack(t, nil)
	machine := s.machine("m", one(`{"Type":"Wait","SecondsPath":"$.s","End":true}`))
	var want []string
	for i := range 9 {
		s.start(machine, fmt.Sprint("x", i), fmt.Sprintf(`{"s":%d}`, 900-100*i))
		want = append(want, fmt.Sprint("x", 8-i))
	}
	if err := s.clock.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	s.settle()
	if ended := s.ended(); !slices.Equal(ended, want) {
		t.Errorf("ended %v, want %v", ended, want)
	}
}
