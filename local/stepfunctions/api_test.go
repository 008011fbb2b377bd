package stepfunctions

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

const (
	pass = `{"StartAt":"S","States":{"S":{"Type":"Pass","End":true}}}`
	hour = `{"StartAt":"S","States":{"S":{"Type":"Wait","Seconds":3600,"End":true}}}`
	role = "arn:aws:iam::000000000000:role/r"
	none = "arn:aws:states:us-east-1:000000000000:stateMachine:none"
	nil0 = "arn:aws:states:us-east-1:000000000000:execution:m:none"
)

func TestErrors(t *testing.T) {
	s := newStack(t, nil)
	ctx := t.Context()
	machine := s.machine("m", hour)
	execution := s.start(machine, "x", "{}")
	describe := func(arn string) error {
		_, err := s.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &arn})
		return err
	}
	execute := func(arn string) error {
		_, err := s.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		return err
	}
	start := func(in sfn.StartExecutionInput) error { _, err := s.StartExecution(ctx, &in); return err }
	create := func(in sfn.CreateStateMachineInput) error {
		in.RoleArn = new(role)
		_, err := s.CreateStateMachine(ctx, &in)
		return err
	}
	failure := func(token, error string) error {
		_, err := s.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: &token, Error: &error})
		return err
	}
	cases := map[string]struct {
		err  error
		want string
	}{
		"machine: no arn":            {describe("m"), "InvalidArn"},
		"machine: other arn":         {describe(execution), "InvalidArn"},
		"machine: unknown":           {describe(none), "StateMachineDoesNotExist"},
		"execution: no arn":          {execute("x"), "InvalidArn"},
		"execution: other arn":       {execute(machine), "InvalidArn"},
		"execution: unknown":         {execute(nil0), "ExecutionDoesNotExist"},
		"start: unknown machine":     {start(sfn.StartExecutionInput{StateMachineArn: new(none)}), "StateMachineDoesNotExist"},
		"start: bad name":            {start(sfn.StartExecutionInput{StateMachineArn: &machine, Name: new("a b")}), "InvalidName"},
		"start: long name":           {start(sfn.StartExecutionInput{StateMachineArn: &machine, Name: new(strings.Repeat("n", 81))}), "InvalidName"},
		"start: input is no JSON":    {start(sfn.StartExecutionInput{StateMachineArn: &machine, Input: new("not JSON")}), "InvalidExecutionInput"},
		"start: input is empty":      {start(sfn.StartExecutionInput{StateMachineArn: &machine, Input: new("")}), "InvalidExecutionInput"},
		"create: bad name":           {create(sfn.CreateStateMachineInput{Name: new("a:b"), Definition: new(pass)}), "InvalidName"},
		"create: bad definition":     {create(sfn.CreateStateMachineInput{Name: new("n"), Definition: new("{}")}), "InvalidDefinition"},
		"create: other definition":   {create(sfn.CreateStateMachineInput{Name: new("m"), Definition: new(pass)}), "StateMachineAlreadyExists"},
		"create: express":            {create(sfn.CreateStateMachineInput{Name: new("n"), Definition: new(pass), Type: "EXPRESS"}), "StateMachineTypeNotSupported"},
		"token: malformed":           {s.succeed("no token", "{}"), "InvalidToken"},
		"token: output is no JSON":   {s.succeed("no token", "x"), "InvalidOutput"},
		"token: of no execution":     {s.succeed(s.server.env.tokens.issue(nil0, 3), "{}"), "TaskDoesNotExist"},
		"token: of no waiting state": {s.succeed(s.server.env.tokens.issue(execution, 3), "{}"), "TaskTimedOut"},
		"failure: long error":        {failure("t", strings.Repeat("e", 257)), "ValidationException"},
	}
	for name, c := range cases {
		if got := errorType(c.err); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestUnknownOperation(t *testing.T) {
	s := newStack(t, nil)
	_, err := s.ListActivities(t.Context(), &sfn.ListActivitiesInput{})
	if errorType(err) != "UnknownOperationException" {
		t.Error(err)
	}
	get := httptest.NewRecorder()
	s.server.ServeHTTP(get, httptest.NewRequest(http.MethodGet, "/", nil))
	if get.Code != http.StatusBadRequest {
		t.Errorf("GET: %d", get.Code)
	}
}

func TestStartIsIdempotentWhileRunning(t *testing.T) {
	s := newStack(t, nil)
	machine := s.machine("m", hour)
	arn := s.start(machine, "x", `{"a":1}`)
	start := func(input string) string {
		again, err := s.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &machine, Name: new("x"), Input: &input})
		if err == nil && *again.ExecutionArn != arn {
			t.Errorf("started %s", *again.ExecutionArn)
		}
		return errorType(err)
	}
	if got := start(`{"a":1}`); got != "" {
		t.Errorf("same input while running: %s", got)
	}
	if got := start(`{"a":2}`); got != "ExecutionAlreadyExists" {
		t.Errorf("other input while running: %q", got)
	}
	s.finish(arn)
	if got := start(`{"a":1}`); got != "ExecutionAlreadyExists" {
		t.Errorf("same input when closed: %q", got)
	}
}

func TestCreateIsIdempotent(t *testing.T) {
	s := newStack(t, nil)
	first := s.machine("m", pass)
	again, err := s.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{Name: new("m"), Definition: new(pass), RoleArn: new("arn:aws:iam::000000000000:role/other")})
	if err != nil || *again.StateMachineArn != first {
		t.Fatal(err)
	}
	m, err := s.DescribeStateMachine(t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: &first})
	if err != nil || *m.RoleArn != role || *m.Definition != pass || m.Status != types.StateMachineStatusActive {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestUpdateLeavesRunningExecutions(t *testing.T) {
	s := newStack(t, nil)
	machine := s.machine("m", hour)
	before := s.start(machine, "before", "{}")
	_, err := s.UpdateStateMachine(t.Context(), &sfn.UpdateStateMachineInput{StateMachineArn: &machine})
	if errorType(err) != "MissingRequiredParameter" {
		t.Errorf("update of nothing: %v", err)
	}
	if _, err := s.server.Put("m", `{"StartAt":"S","States":{"S":{"Type":"Fail"}}}`, role); err != nil {
		t.Fatal(err)
	}
	after := s.start(machine, "after", "{}")
	s.finish(before)
	if a, b := s.describe(before).Status, s.describe(after).Status; a != "SUCCEEDED" || b != "FAILED" {
		t.Errorf("before %s, after %s", a, b)
	}
}

func TestDeleteEndsExecutionsAtTheNextTransition(t *testing.T) {
	s := newStack(t, nil)
	machine := s.machine("m", `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":60,"Next":"E"},"E":{"Type":"Succeed"}}}`)
	arn := s.start(machine, "x", "{}")
	for range 2 {
		if _, err := s.DeleteStateMachine(t.Context(), &sfn.DeleteStateMachineInput{StateMachineArn: &machine}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := s.DescribeStateMachine(t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: &machine})
	if err != nil || m.Status != types.StateMachineStatusDeleting {
		t.Fatalf("%v, %v", m, err)
	}
	if _, err := s.server.Put("m", pass, role); errorType(err) == "" {
		t.Error("a machine being deleted was replaced")
	}
	s.finish(arn)
	if x := s.describe(arn); x.Status != "FAILED" || *x.Error != "States.Runtime" || *x.Cause != "State machine m has been deleted." {
		t.Errorf("%s %s %s", x.Status, unset(x.Error), unset(x.Cause))
	}
	if _, err := s.DescribeStateMachine(t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: &machine}); errorType(err) != "StateMachineDoesNotExist" {
		t.Error(err)
	}
}

func TestStop(t *testing.T) {
	s := newStack(t, nil)
	arn := s.start(s.machine("m", one(task(ResourceInvokeCallback, `"End":true`))), "x", "{}")
	stop := func() float64 {
		stopped, err := s.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: &arn, Error: new("E"), Cause: new("C")})
		if err != nil {
			t.Fatal(err)
		}
		return float64(stopped.StopDate.UnixMilli())
	}
	if first := stop(); first != stop() {
		t.Error("a second stop answers another instant")
	}
	if x := s.describe(arn); x.Status != "ABORTED" || *x.Error != "E" || *x.Cause != "C" {
		t.Errorf("%s", x.Status)
	}
	if kinds := s.kinds(arn); !strings.HasSuffix(kinds, "TaskSubmitted ExecutionAborted") {
		t.Error(kinds)
	}
	if got := errorType(s.succeed(s.token("f"), "{}")); got != "TaskTimedOut" {
		t.Errorf("token of a stopped execution: %q", got)
	}
}

func TestLists(t *testing.T) {
	s := newStack(t, nil)
	machine := s.machine("m", hour)
	s.machine("n", pass)
	for i := range 5 {
		s.start(machine, fmt.Sprint("x", i), "{}")
		s.advance(10 * time.Second)
	}
	if _, err := s.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: new(s.server.executionArn("m", "x2"))}); err != nil {
		t.Fatal(err)
	}
	var names []string
	pages := sfn.NewListExecutionsPaginator(s.Client, &sfn.ListExecutionsInput{StateMachineArn: &machine, StatusFilter: "RUNNING", MaxResults: 3})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page.Executions {
			names = append(names, *x.Name)
		}
	}
	if got := strings.Join(names, " "); got != "x4 x3 x1 x0" {
		t.Errorf("running: %s", got)
	}
	machines, err := s.ListStateMachines(t.Context(), &sfn.ListStateMachinesInput{})
	if err != nil || len(machines.StateMachines) != 2 {
		t.Errorf("%v, %v", machines, err)
	}
	if _, err := s.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: &machine, NextToken: new("?")}); errorType(err) != "InvalidToken" {
		t.Error(err)
	}
}

func TestHTTPInvoker(t *testing.T) {
	lambda := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Amz-Executed-Version", "7")
		fmt.Fprintf(w, `{"path":%q,"body":%s}`, r.URL.RequestURI(), body)
	}))
	defer lambda.Close()
	for function, path := range map[string]string{
		"f":                       "/2015-03-31/functions/f/invocations",
		"f:live":                  "/2015-03-31/functions/f/invocations?Qualifier=live",
		"000000000000:function:f": "/2015-03-31/functions/f/invocations",
		"arn:aws:lambda:us-east-1:000000000000:function:f":   "/2015-03-31/functions/f/invocations",
		"arn:aws:lambda:us-east-1:000000000000:function:f:3": "/2015-03-31/functions/f/invocations?Qualifier=3",
	} {
		result, f := outcome((&HTTPInvoker{Endpoint: lambda.URL}).Invoke(context.Background(), function, []byte(`{"a":1}`)))
		if want := `{"ExecutedVersion":"7","Payload":{"body":{"a":1},"path":"` + path + `"},"StatusCode":200}`; f != nil || encode(result) != want {
			t.Errorf("%s: %s, %v", function, encode(result), f)
		}
	}
	lambda.Close()
	if _, f := outcome((&HTTPInvoker{Endpoint: lambda.URL}).Invoke(context.Background(), "f", nil)); f == nil || f.name() != "Lambda.SdkClientException" {
		t.Error("a refused connection is no Lambda.SdkClientException")
	}
}
