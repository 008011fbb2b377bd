package stepfunctions

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// TestNotices: each end is told once, as the service tells it, and a notice
// that is refused holds nothing up.
func TestNotices(t *testing.T) {
	s := newStack(t, nil)
	told := make(chan Notice, 8)
	s.server.config.Notify = func(_ context.Context, n Notice) error {
		told <- n
		return errors.New("refused")
	}
	wait := `{"Type":"Wait","Seconds":60,"End":true}`
	for _, c := range []struct {
		status, state string
		end           func(arn string)
		want          Notice
	}{
		{"FAILED", `{"Type":"Fail","Error":"Broken","Cause":"by a test"}`, nil, Notice{Error: new("Broken"), Cause: new("by a test")}},
		{"SUCCEEDED", `{"Type":"Succeed"}`, nil, Notice{Output: new(`{"n":1}`), OutputDetails: &detail{true}}},
		{"TIMED_OUT", wait, func(string) { s.advance(30 * time.Second) }, Notice{}},
		{"ABORTED", wait, func(arn string) {
			if _, err := s.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: &arn}); err != nil {
				t.Fatal(err)
			}
		}, Notice{}},
	} {
		t.Run(c.status, func(t *testing.T) {
			machine := s.machine(c.status, `{"StartAt":"S","TimeoutSeconds":30,"States":{"S":`+c.state+`}}`)
			begun := s.clock.Now()
			x, err := s.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &machine, Name: new("E-1-g1"), Input: new(`{"n":1}`)})
			if err != nil {
				t.Fatal(err)
			}
			if c.end != nil {
				c.end(*x.ExecutionArn)
			}
			if err := s.server.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := <-told
			if got.StartDate < begun.UnixMilli() || got.StopDate < got.StartDate || got.StopDate > s.clock.Now().UnixMilli() {
				t.Errorf("from %d to %d", got.StartDate, got.StopDate)
			}
			want := c.want
			want.ExecutionArn, want.StateMachineArn, want.Name, want.Status = *x.ExecutionArn, machine, "E-1-g1", c.status
			want.Input, want.InputDetails, want.StartDate, want.StopDate = `{"n":1}`, detail{true}, got.StartDate, got.StopDate
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if len(told) > 0 {
				t.Errorf("told again: %+v", <-told)
			}
		})
	}
}
