package page

import (
	"encoding/json"

	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/outbox"
)

// FailedStepKind is the kind of a [FailedStep] among the messages of the queue
// of repairs.
const FailedStepKind = "step_failed"

// FailedStep says that no message of a step reached anybody. Whoever sends
// messages writes no event, so it reports the step to the queue of repairs,
// whose reader applies [FailedStep.Op].
type FailedStep struct {
	Version int    `json:"v"`
	Kind    string `json:"kind"`
	Event   string `json:"event_id"`
	Cycle   int    `json:"cycle"`
	Stage   string `json:"stage"`
	Step    int    `json:"step"`
	Round   int    `json:"round"`
}

// FailedStepOf returns the report of a message's step.
func FailedStepOf(m *outbox.Message) FailedStep {
	return FailedStep{Version: 1, Kind: FailedStepKind, Event: m.Event, Cycle: m.Cycle, Stage: m.Stage, Step: m.Step, Round: m.Round}
}

// Encode returns the body of the queue's message.
func (f FailedStep) Encode() string {
	body, _ := json.Marshal(f) // numbers and strings: cannot fail
	return string(body)
}

// ParseFailedStep reads what [FailedStep.Encode] wrote. fault.Invalid: it is
// none.
func ParseFailedStep(body string) (FailedStep, error) {
	var f FailedStep
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		return FailedStep{}, fault.Wrap(fault.Invalid, err, "the report of a failed step is no JSON object")
	}
	if f.Version != 1 || f.Kind != FailedStepKind || f.Event == "" {
		return FailedStep{}, fault.New(fault.Invalid, "the report of a failed step is not of version 1 with event_id")
	}
	return f, nil
}

// Op is what the report means for its event. An event that has gone on, and a
// report that comes twice, are no matter.
func (f FailedStep) Op() event.StepFailed {
	return event.StepFailed{
		Cycle:    f.Cycle,
		Progress: event.Progress{Stage: event.Stage(f.Stage), Step: f.Step, Round: f.Round},
	}
}
