// Package plan owns escalation plans: who is told, how, and how long to wait
// for an acknowledgement before the next step. It decides which step comes
// next; it knows no event, no contact and no clock.
package plan

import (
	"slices"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/defaults"
)

// Plan is an escalation plan. Its steps run in order, then again Repeats
// times, then the last resort is told, hourly until someone acts.
type Plan struct {
	Name       string   `json:"-"`
	Steps      []Step   `json:"steps"`
	Repeats    *int     `json:"repeats,omitempty"` // rounds after the first; nil: the default (3)
	LastResort []Target `json:"last_resort"`       // mandatory
}

// Step tells Targets and waits.
type Step struct {
	Targets    []Target         `json:"targets"`
	Wait       Duration         `json:"wait,omitempty"`       // for an acknowledgement; 0: the default (5 min)
	Channels   []string         `json:"channels,omitempty"`   // none: as each member prefers
	Priorities []alert.Priority `json:"priorities,omitempty"` // none: all
}

// Target is one of member or team; exactly one is set.
type Target struct {
	Member string `json:"member,omitempty"`
	Team   string `json:"team,omitempty"`
}

// WaitOrDefault returns how long to wait for an acknowledgement.
func (s Step) WaitOrDefault() time.Duration { return s.Wait.Or(defaults.StepWait) }

// AppliesTo reports whether the step runs for an event of priority p.
func (s Step) AppliesTo(p alert.Priority) bool {
	return len(s.Priorities) == 0 || slices.Contains(s.Priorities, p)
}

// Rounds returns how often the steps run in all before the last resort; at
// least 1.
func (p Plan) Rounds() int {
	if p.Repeats == nil {
		return 1 + defaults.Repeats
	}
	return 1 + max(0, *p.Repeats)
}
