package stepfunctions

import (
	"fmt"
	"strings"
	"time"
)

// Statuses of an execution.
const (
	statusRunning   = "RUNNING"
	statusSucceeded = "SUCCEEDED"
	statusFailed    = "FAILED"
	statusTimedOut  = "TIMED_OUT"
	statusAborted   = "ABORTED"
)

// phase is what a running execution waits for.
//
//	calling   the answer of a function; a restart calls again
//	waiting   a task token, the function having answered
//	pausing   the end of a Wait state
//	retrying  the end of a retry's delay
type phase string

const (
	calling  phase = "calling"
	waiting  phase = "waiting"
	pausing  phase = "pausing"
	retrying phase = "retrying"
)

// header is what an execution was started with; it does not change.
type header struct {
	Arn        string    `json:"arn"`
	Name       string    `json:"name"`
	Machine    string    `json:"machine"` // arn
	Definition string    `json:"definition"`
	Role       string    `json:"role"`
	Input      string    `json:"input"`
	Start      time.Time `json:"start"`
}

// position is where an execution stands between two transitions.
type position struct {
	Status  string    `json:"status"`
	Stopped time.Time `json:"stopped,omitzero"`
	Output  *string   `json:"output,omitempty"`
	Error   *string   `json:"error,omitempty"`
	Cause   *string   `json:"cause,omitempty"`

	State      string    `json:"state"`
	Input      string    `json:"input"` // raw input of State
	Entered    time.Time `json:"entered"`
	EnteredID  int64     `json:"entered_id"`
	Attempts   []int     `json:"attempts,omitempty"` // per retrier
	RetryCount int       `json:"retry_count,omitempty"`

	Phase        phase     `json:"phase,omitempty"`
	Due          time.Time `json:"due,omitzero"`  // of the task, pause or delay
	Task         int64     `json:"task,omitzero"` // id of its TaskScheduled event
	Parameters   string    `json:"parameters,omitempty"`
	Heartbeat    int64     `json:"heartbeat,omitempty"` // seconds
	HeartbeatDue time.Time `json:"heartbeat_due,omitzero"`

	Transitions int `json:"transitions"`
}

// execution runs one execution of a machine. Its methods change it in memory
// only; the server keeps what they did before it answers anybody.
type execution struct {
	header
	env      *environment
	machine  *Machine
	at       position
	events   []Event
	kept     int   // events on disk
	launched int64 // task whose function was called by this process
	deleted  bool  // the machine was; ends at the next transition
}

// environment is what all executions of a server share.
type environment struct {
	now       func() time.Time
	tokens    tokenKey
	region    string
	jitter    func(time.Duration) time.Duration
	maxEvents int
}

func (x *execution) running() bool { return x.at.Status == statusRunning }

// emit appends to the history. It ends the execution when the history is full.
func (x *execution) emit(kind string, details Details) {
	if !x.running() {
		return
	}
	if len(x.events) == x.env.maxEvents-1 && !strings.HasPrefix(kind, "Execution") {
		x.end(statusFailed, failed(errRuntime, fmt.Sprintf("The execution reached the maximum number of history events (%d).", x.env.maxEvents)))
		return
	}
	id := int64(len(x.events) + 1)
	previous := id - 1
	if id == 2 || kind == "ExecutionAborted" || kind == "ExecutionTimedOut" {
		previous = 0
	}
	x.events = append(x.events, Event{ID: id, PreviousID: previous, Type: kind, Time: x.env.now(), Details: details})
}

// start enters the first state.
func (x *execution) start(input any) {
	x.at.Status = statusRunning
	x.emit("ExecutionStarted", withInput(Details{RoleArn: x.Role}, x.Input))
	x.run(x.machine.StartAt, input)
}

// run enters states from name on until one waits or the execution ends.
func (x *execution) run(name string, input any) {
	for name != "" && x.running() {
		name, input = x.enter(name, input)
	}
}

// succeed ends the execution with an output.
func (x *execution) succeed(output any) {
	if !x.running() {
		return
	}
	text := encode(output)
	x.emit("ExecutionSucceeded", withOutput(Details{}, text))
	x.close(statusSucceeded)
	x.at.Output = &text
}

// end ends the execution without an output.
func (x *execution) end(status string, f failure) {
	if !x.running() {
		return
	}
	kind := map[string]string{
		statusFailed: "ExecutionFailed", statusTimedOut: "ExecutionTimedOut", statusAborted: "ExecutionAborted",
	}[status]
	details := withFailure(Details{}, f)
	x.emit(kind, details)
	x.close(status)
	if status != statusTimedOut {
		x.at.Error, x.at.Cause = details.Error, details.Cause
	}
}

func (x *execution) close(status string) {
	x.at.Status, x.at.Stopped = status, x.env.now()
	x.idle()
}

// idle forgets what was waited for.
func (x *execution) idle() {
	x.at.Phase, x.at.Due, x.at.Task, x.at.Parameters = "", time.Time{}, 0, ""
	x.at.Heartbeat, x.at.HeartbeatDue = 0, time.Time{}
}

// deadline is the next instant at which x acts by itself; zero: none.
func (x *execution) deadline() time.Time {
	if !x.running() {
		return time.Time{}
	}
	return earliest(x.timeLimit(), x.at.HeartbeatDue, x.at.Due)
}

// timeLimit is the end that the machine sets; zero: none.
func (x *execution) timeLimit() time.Time {
	if x.machine.Timeout == 0 {
		return time.Time{}
	}
	return x.Start.Add(x.machine.Timeout)
}

func earliest(instants ...time.Time) time.Time {
	var first time.Time
	for _, t := range instants {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// fire does what the earliest deadline stands for.
func (x *execution) fire() {
	at := x.deadline()
	state := x.machine.States[x.at.State]
	switch {
	case at.IsZero():
	case at.Equal(x.timeLimit()):
		x.end(statusTimedOut, failed(errTimeout, ""))
	case x.at.Phase == pausing:
		x.resume(state)
	case x.at.Phase == retrying:
		x.at.RetryCount++
		x.at.Transitions++
		x.run(x.schedule(state))
	default:
		heartbeat := !at.Equal(x.at.Due)
		x.timeOut(state, heartbeat)
	}
}

// awaits reports whether the task may still be completed by its token.
func (x *execution) awaits(task int64) bool {
	return x.running() && x.at.Task == task && (x.at.Phase == calling || x.at.Phase == waiting)
}

// context is the context object as the present state sees it.
func (x *execution) context() map[string]any {
	input, _ := decode([]byte(x.Input))
	return map[string]any{
		"Execution": map[string]any{
			"Id": x.Arn, "Name": x.Name, "Input": input, "RoleArn": x.Role, "StartTime": stamp(x.Start),
		},
		"State": map[string]any{
			"Name": x.at.State, "EnteredTime": stamp(x.at.Entered), "RetryCount": number(x.at.RetryCount),
		},
		"StateMachine": map[string]any{"Id": x.Machine, "Name": lastPart(x.Machine)},
		"Task":         map[string]any{"Token": x.env.tokens.issue(x.Arn, x.at.Task)},
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }
