package stepfunctions

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// maxData bounds inputs, outputs and results, in bytes.
// Source: Step Functions Developer Guide, "Step Functions service quotas".
const maxData = 256 << 10

// The methods here return the state to enter next with its input, or "" where
// the execution waits or has ended.

// enter enters a state and does its work, as far as it can without waiting.
func (x *execution) enter(name string, input any) (string, any) {
	s := x.machine.States[name]
	if x.deleted {
		x.end(statusFailed, failed(errRuntime, "State machine "+lastPart(x.Machine)+" has been deleted."))
		return "", nil
	}
	x.begin(s, encode(input))
	if s.Type == "Task" {
		return x.schedule(s)
	}
	data, f := x.take(s.inputPath, input)
	if f != nil {
		return x.fail(s, *f)
	}
	switch s.Type {
	case "Choice":
		return x.choose(s, data)
	case "Pass":
		return x.pass(s, data)
	case "Wait":
		return x.pause(s, data)
	case "Fail":
		x.end(statusFailed, failed(s.Error, s.Cause))
		return "", nil
	}
	return x.exit(s, s.Next, data)
}

func (x *execution) begin(s *State, input string) {
	x.idle()
	x.at.State, x.at.Input, x.at.Entered, x.at.EnteredID = s.Name, input, x.env.now(), int64(len(x.events)+1)
	x.at.Attempts, x.at.RetryCount = nil, 0
	x.at.Transitions++
	x.emit(s.Type+"StateEntered", withInput(Details{Name: s.Name}, input))
}

// exit leaves a state for next; without one the execution has succeeded.
func (x *execution) exit(s *State, next string, output any) (string, any) {
	output, f := x.take(s.outputPath, output)
	if f == nil {
		f = x.tooLarge(output)
	}
	if f != nil {
		return x.fail(s, *f)
	}
	x.leave(s, output)
	if next == "" {
		x.succeed(output)
	}
	return next, output
}

func (x *execution) leave(s *State, output any) {
	x.idle()
	x.emit(s.Type+"StateExited", withOutput(Details{Name: s.Name}, encode(output)))
}

func (x *execution) choose(s *State, data any) (string, any) {
	for _, rule := range s.Choices {
		holds, missing := rule.test(data, x.context())
		if missing != nil {
			return x.fail(s, x.runtime("Invalid path '%s': The choice state's condition path references an invalid value.", missing.path))
		}
		if holds {
			return x.exit(s, rule.Next, data)
		}
	}
	if s.Default == "" {
		return x.fail(s, failed(errNoChoice, "Failed to transition out of the state '"+s.Name+"'. The Choice state reached no Default."))
	}
	return x.exit(s, s.Default, data)
}

func (x *execution) pass(s *State, data any) (string, any) {
	if s.parameters != nil {
		var f *failure
		if data, f = x.render(s.parameters, data); f != nil {
			return x.fail(s, *f)
		}
	}
	if s.result != nil {
		data = *s.result
	}
	return x.combine(s, data)
}

// combine applies ResultPath and leaves the state.
func (x *execution) combine(s *State, result any) (string, any) {
	output := x.input()
	if s.resultPath != nil {
		var ok bool
		if output, ok = s.resultPath.put(output, result); !ok {
			return x.fail(s, failed(errResultPath, fmt.Sprintf("Unable to apply step output %q to input %s", s.resultPath.text, x.at.Input)))
		}
	}
	return x.exit(s, s.Next, output)
}

func (x *execution) pause(s *State, data any) (string, any) {
	until, f := x.waitEnd(s, data)
	if f != nil {
		return x.fail(s, *f)
	}
	x.wait(pausing, until)
	return "", nil
}

// wait lets x act at an instant, in the clock's steps: a clock that is moved
// to a deadline has reached it.
func (x *execution) wait(p phase, until time.Time) {
	x.at.Phase, x.at.Due = p, until.UTC().Add(time.Millisecond-1).Truncate(time.Millisecond)
}

func (x *execution) waitEnd(s *State, data any) (time.Time, *failure) {
	if s.timestamp == nil {
		seconds, f := x.seconds(s.wait, data, 0)
		return x.at.Entered.Add(time.Duration(seconds) * time.Second), f
	}
	found, f := x.take(s.timestamp, data)
	if f != nil {
		return time.Time{}, f
	}
	text, _ := found.(string)
	until, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, new(x.runtime("The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s", s.timestamp.text, encode(found)))
	}
	return until, nil
}

// resume ends a pause.
func (x *execution) resume(s *State) {
	data, _ := x.take(s.inputPath, x.input()) // it was found when the state was entered
	x.run(x.exit(s, s.Next, data))
}

// schedule begins an attempt of a task.
func (x *execution) schedule(s *State) (string, any) {
	x.idle()
	x.at.Task = int64(len(x.events) + 1)
	call, f := x.prepare(s)
	if f != nil {
		x.idle()
		return x.fail(s, *f)
	}
	x.at.Phase, x.at.Parameters, x.at.Heartbeat = calling, call.Parameters, call.HeartbeatInSeconds
	x.beat()
	if call.TimeoutInSeconds > 0 {
		x.at.Due = x.env.now().Add(time.Duration(call.TimeoutInSeconds) * time.Second)
	}
	x.emit("TaskScheduled", call)
	x.emit("TaskStarted", taskDetails(s))
	return "", nil
}

// prepare works out the parameters and limits of a task.
func (x *execution) prepare(s *State) (call Details, f *failure) {
	call = taskDetails(s)
	call.Region = x.env.region
	data, f := x.take(s.inputPath, x.input())
	if f != nil {
		return call, f
	}
	parameters, f := x.render(s.parameters, data)
	if f != nil {
		return call, f
	}
	if f = x.tooLarge(parameters); f != nil {
		return call, f
	}
	call.Parameters = encode(parameters)
	if call.TimeoutInSeconds, f = x.seconds(s.timeout, data, 1); f != nil {
		return call, f
	}
	call.HeartbeatInSeconds, f = x.seconds(s.heartbeat, data, 1)
	return call, f
}

func taskDetails(s *State) Details {
	details := Details{Resource: "invoke", ResourceType: "lambda"}
	if s.Resource == ResourceInvokeCallback {
		details.Resource = "invoke.waitForTaskToken"
	}
	return details
}

// invocation is what lambda:invoke was asked to call.
type invocation struct {
	FunctionName string          `json:"FunctionName"`
	Payload      json.RawMessage `json:"Payload"`
}

// beat moves the heartbeat's deadline on.
func (x *execution) beat() {
	if x.at.Heartbeat > 0 {
		x.at.HeartbeatDue = x.env.now().Add(time.Duration(x.at.Heartbeat) * time.Second)
	}
}

// returned takes the answer of the function that task called. An answer that
// comes after the task was decided otherwise changes nothing.
func (x *execution) returned(task int64, result map[string]any, f *failure) {
	if !x.awaits(task) || x.at.Phase != calling {
		return
	}
	s := x.machine.States[x.at.State]
	switch {
	case f != nil:
		x.failTask(*f)
	case s.Resource == ResourceInvokeCallback:
		x.at.Phase, x.at.Parameters = waiting, ""
		x.emit("TaskSubmitted", withOutput(taskDetails(s), encode(result)))
	default:
		x.succeedTask(result)
	}
}

// succeedTask completes the present task.
func (x *execution) succeedTask(result any) {
	s := x.machine.States[x.at.State]
	if f := x.tooLarge(result); f != nil {
		x.failTask(*f)
		return
	}
	x.emit("TaskSucceeded", withOutput(taskDetails(s), encode(result)))
	x.idle()
	if s.resultSelector != nil {
		selected, f := x.render(s.resultSelector, result)
		if f != nil {
			x.run(x.fail(s, *f))
			return
		}
		result = selected
	}
	x.run(x.combine(s, result))
}

// failTask fails the present task.
func (x *execution) failTask(f failure) {
	s := x.machine.States[x.at.State]
	x.emit("TaskFailed", withFailure(taskDetails(s), f))
	x.run(x.fail(s, f))
}

// timeOut fails the present task for want of an answer or of a heartbeat.
func (x *execution) timeOut(s *State, heartbeat bool) {
	f := failed(errTimeout, "")
	f.heartbeat = heartbeat
	x.emit("TaskTimedOut", withFailure(taskDetails(s), f))
	x.run(x.fail(s, f))
}

// fail decides what a failure of the state leads to: a retry, a catch or the
// end of the execution.
func (x *execution) fail(s *State, f failure) (string, any) {
	x.idle()
	if !f.final() && x.running() {
		if x.retry(s, f) {
			return "", nil
		}
		if next, output, caught := x.catch(s, f); caught {
			return next, output
		}
	}
	x.end(statusFailed, f)
	return "", nil
}

// retry plans another attempt. The first retrier that matches decides: once
// its attempts are used up, none of the others is asked.
func (x *execution) retry(s *State, f failure) bool {
	for i, r := range s.Retry {
		if !f.in(r.ErrorEquals) {
			continue
		}
		if x.at.Attempts == nil {
			x.at.Attempts = make([]int, len(s.Retry))
		}
		if x.at.Attempts[i] >= r.MaxAttempts {
			return false
		}
		delay := r.Delay(x.at.Attempts[i])
		if r.FullJitter {
			delay = x.env.jitter(delay)
		}
		x.at.Attempts[i]++
		x.wait(retrying, x.env.now().Add(delay))
		return true
	}
	return false
}

// catch leaves the state by its first catcher that matches. OutputPath does
// not apply then.
func (x *execution) catch(s *State, f failure) (next string, output any, caught bool) {
	for _, c := range s.Catch {
		if !f.in(c.ErrorEquals) {
			continue
		}
		output = x.input()
		if c.resultPath != nil {
			var ok bool
			if output, ok = c.resultPath.put(output, f.output()); !ok {
				return "", nil, false
			}
		}
		x.leave(s, output)
		return c.Next, output, true
	}
	return "", nil, false
}

// input is the raw input of the present state.
func (x *execution) input() any {
	value, _ := decode([]byte(x.at.Input)) // encode wrote it
	return value
}

// take applies a path to the data; a null path yields an empty object.
func (x *execution) take(p *path, data any) (any, *failure) {
	if p == nil {
		return map[string]any{}, nil
	}
	found, ok := p.find(data, x.context())
	if !ok {
		return nil, new(x.runtime("Invalid path '%s': No results for it in %s", p.text, encode(data)))
	}
	return found, nil
}

func (x *execution) render(t *template, data any) (any, *failure) {
	filled, missing := t.render(data, x.context())
	if missing != nil {
		return nil, new(x.runtime("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
			missing.path, missing.field, encode(data)))
	}
	return filled, nil
}

// seconds is the limit's value; 0 where it is none.
func (x *execution) seconds(l limit, data any, least int64) (int64, *failure) {
	if l.path == nil {
		return l.seconds, nil
	}
	found, f := x.take(l.path, data)
	if f != nil {
		return 0, f
	}
	n, ok := wholeNumber(found)
	if !ok || n < least || n > maxSeconds {
		return 0, new(x.runtime("The path '%s' references %s; expected a whole number of seconds from %d to %d",
			l.path.text, encode(found), least, maxSeconds))
	}
	return n, nil
}

func (x *execution) runtime(format string, args ...any) failure {
	where := fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). ", x.at.State, x.at.EnteredID)
	return failed(errRuntime, where+fmt.Sprintf(format, args...))
}

func (x *execution) tooLarge(data any) *failure {
	if len(encode(data)) <= maxData {
		return nil
	}
	return new(failed(errDataLimit, "The state/task '"+x.at.State+"' returned a result with a size exceeding the maximum number of bytes service limit."))
}

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }
