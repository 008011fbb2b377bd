package stepfunctions

import (
	"math"
	"slices"
	"time"
)

// Error names of the Amazon States Language.
// Source: Step Functions Developer Guide, "Handling errors in Step Functions workflows".
const (
	errAll              = "States.ALL"
	errTaskFailed       = "States.TaskFailed"
	errTimeout          = "States.Timeout"
	errHeartbeatTimeout = "States.HeartbeatTimeout"
	errRuntime          = "States.Runtime"
	errDataLimit        = "States.DataLimitExceeded"
	errNoChoice         = "States.NoChoiceMatched"
	errResultPath       = "States.ResultPathMatchFailure"
)

// Resources that a Task may name.
const (
	ResourceInvoke         = "arn:aws:states:::lambda:invoke"
	ResourceInvokeCallback = "arn:aws:states:::lambda:invoke.waitForTaskToken"
)

// Machine is a state machine that can be run. It does not change once parsed.
type Machine struct {
	StartAt string
	Timeout time.Duration // of an execution; zero: none
	States  map[string]*State
}

// State is one state of a Machine. Which fields are set depends on Type.
type State struct {
	Name     string
	Type     string // Task, Choice, Pass, Wait, Succeed or Fail
	Next     string // empty where the state ends the execution
	Choices  []Choice
	Default  string // of a Choice; may be empty
	Resource string // of a Task: one of the Resource constants
	Retry    []Retrier
	Catch    []Catcher
	Error    string // of a Fail
	Cause    string // of a Fail

	inputPath, outputPath *path // nil: null, an empty object
	resultPath            *path // nil: null, the result is dropped
	parameters            *template
	resultSelector        *template
	result                *any // of a Pass
	timeout, heartbeat    limit
	wait                  limit
	timestamp             *path
}

// limit is a number of seconds, fixed or at a path of the input. The zero
// limit is none.
type limit struct {
	seconds int64
	path    *path
}

// Retrier says which failures of a Task are tried again, and when.
type Retrier struct {
	ErrorEquals []string
	Interval    time.Duration
	MaxAttempts int
	BackoffRate float64
	MaxDelay    time.Duration // zero: no bound
	FullJitter  bool
}

// Delay is the wait before attempt n, counted from 0, without jitter.
func (r Retrier) Delay(n int) time.Duration {
	delay := float64(r.Interval) * math.Pow(r.BackoffRate, float64(n))
	bound := float64(maxSeconds * int64(time.Second))
	if r.MaxDelay > 0 {
		bound = float64(r.MaxDelay)
	}
	return time.Duration(min(delay, bound))
}

// Catcher says where a failed Task leads.
type Catcher struct {
	ErrorEquals []string
	Next        string
	resultPath  *path
}

// failure is how a state failed. error and cause are nil where whoever
// reported the failure gave none.
type failure struct {
	error, cause *string
	heartbeat    bool // a States.Timeout for want of a heartbeat
}

func failed(error, cause string) failure { return failure{error: &error, cause: &cause} }

func (f failure) name() string {
	if f.error == nil {
		return ""
	}
	return *f.error
}

// final failures end the execution whatever the state says.
func (f failure) final() bool { return f.name() == errRuntime }

// in reports whether one of the names matches f.
func (f failure) in(names []string) bool { return slices.ContainsFunc(names, f.is) }

func (f failure) is(name string) bool {
	terminal := f.name() == errDataLimit || f.name() == errRuntime
	switch name {
	case errAll:
		return !terminal
	case errTaskFailed:
		return !terminal && f.name() != errTimeout
	case errHeartbeatTimeout:
		return f.heartbeat || f.name() == errHeartbeatTimeout
	}
	return f.error != nil && *f.error == name
}

// output is what a Catch passes on.
func (f failure) output() map[string]any {
	return map[string]any{"Error": orNull(f.error), "Cause": orNull(f.cause)}
}

func orNull(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

// targets are the states that s can lead to.
func (s *State) targets() []string {
	var names []string
	for _, c := range s.Choices {
		names = append(names, c.Next)
	}
	for _, c := range s.Catch {
		names = append(names, c.Next)
	}
	return append(names, s.Next, s.Default)
}
