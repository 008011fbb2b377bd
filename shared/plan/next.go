package plan

import (
	"tocsin/shared/alert"
	"tocsin/shared/defaults"
)

// Progress names the step of a plan that ran last within a cycle. Round and
// Step count from 0; [Start] is before the first step. A round at or above
// [Plan.Rounds] is one of the last resort, whose Step is 0: each hourly page
// of it has a round, and so a message key, of its own.
type Progress struct {
	Round int `json:"round"`
	Step  int `json:"step"`
}

// Start is the progress of a cycle in which nothing has run.
var Start = Progress{Step: -1}

// Kind says what a progress runs.
type Kind string

// A step of the plan, or its last resort.
const (
	RunStep    Kind = "step"
	LastResort Kind = "last_resort"
)

// Next returns what runs after done: the next step that applies to priority,
// in this round or a later one; after the last round the last resort, again
// and again. A plan without a step for priority goes there at once.
func Next(p Plan, priority alert.Priority, done Progress) (Progress, Kind) {
	rounds := p.Rounds()
	if done.Round >= rounds {
		return Progress{Round: done.Round + 1}, LastResort
	}
	if step, ok := p.stepFrom(done.Step+1, priority); ok {
		return Progress{Round: max(0, done.Round), Step: step}, RunStep
	}
	step, found := p.stepFrom(0, priority)
	if round := max(0, done.Round) + 1; found && round < rounds {
		return Progress{Round: round, Step: step}, RunStep
	}
	return Progress{Round: rounds}, LastResort
}

// stepFrom returns the first step at or after i that applies to priority.
func (p Plan) stepFrom(i int, priority alert.Priority) (int, bool) {
	for i = max(0, i); i < len(p.Steps); i++ {
		if p.Steps[i].AppliesTo(priority) {
			return i, true
		}
	}
	return 0, false
}

// At returns the step that a progress names; for one of the last resort its
// targets and the wait until the next, for [Start] the zero Step.
func (p Plan) At(at Progress) Step {
	switch {
	case at.Round >= p.Rounds():
		return Step{Targets: p.LastResort, Wait: Duration(defaults.LastResortEvery)}
	case at.Step < 0 || at.Step >= len(p.Steps):
		return Step{}
	}
	return p.Steps[at.Step]
}
