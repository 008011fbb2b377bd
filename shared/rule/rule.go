// Package rule owns ordered routing rules: their conditions over a normalised
// alert and what they decide for it. Matching is pure.
package rule

import (
	"cmp"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/defaults"
	"tocsin/shared/plan"
)

// Outcome is what a rule decides for an alert.
type Outcome string

// Discard forgets the alert, Keep records it without an event, Open makes it
// work for a person.
const (
	Discard Outcome = "discard"
	Keep    Outcome = "keep"
	Open    Outcome = "event"
)

// Rule is one routing rule. Rules are tried by Order, then Name; the first
// whose condition holds decides. The one named [defaults.CatchAll] is tried
// last whatever its Order, and always holds.
type Rule struct {
	Name     string                      `json:"-"`
	ID       string                      `json:"id,omitempty"` // stable: scopes slots over renames and versions; "": the name
	Order    int                         `json:"order,omitempty"`
	When     Condition                   `json:"when,omitzero"` // the zero condition always holds
	Outcome  Outcome                     `json:"outcome"`
	Priority alert.Priority              `json:"priority,omitempty"` // "": from severity
	Service  string                      `json:"service,omitempty"`  // "": the integration's, else "default"
	Plan     string                      `json:"plan,omitempty"`     // "": the service's, else the default plan
	Assignee plan.Target                 `json:"assignee,omitzero"`  // none: the service's team
	Merge    []string                    `json:"merge,omitempty"`    // fields whose values make the merge key; none: group, else dedup key
	Recovery map[alert.Priority]Recovery `json:"recovery,omitempty"` // none for a priority: the defaults
}

// StableID returns what scopes the rule's slots: its id, else its name.
func (r Rule) StableID() string { return cmp.Or(r.ID, r.Name) }

// RecoveryOf returns what recovery does to an event of priority p, with the
// defaults filled in.
func (r Rule) RecoveryOf(p alert.Priority) Recovery {
	said := r.Recovery[p]
	said.Quiet = plan.Duration(said.Quiet.Or(defaults.Quiet))
	said.Reopen = plan.Duration(said.Reopen.Or(reopen(p)))
	return said
}

// reopen is the default reopen period, never longer than the automatic close.
func reopen(p alert.Priority) time.Duration {
	if closes := defaults.AutoClose(p); closes > 0 {
		return min(defaults.Reopen, closes)
	}
	return defaults.Reopen
}

// CatchAll is the rule that decides where no other does and the configuration
// does not say otherwise.
func CatchAll() Rule {
	return Rule{Name: defaults.CatchAll, Outcome: Open}
}

// Recovery says what the recovery of all alerts does to an event.
type Recovery struct {
	ByHand bool          `json:"by_hand,omitempty"` // true: recovery never resolves the event
	Quiet  plan.Duration `json:"quiet,omitempty"`   // quiet time before it resolves; 0: the default (5 min)
	Reopen plan.Duration `json:"reopen,omitempty"`  // how long after resolving a firing reopens; 0: the default (30 min)
}

// Condition is a tree over fields of an alert. Either Field is set with one of
// Equals, In and Match, or one of All, Any and Not is. As a rule's whole
// condition, the zero condition always holds. Fields are source, integration,
// title, description, severity, group, dedup_key and labels.<name>; one that
// the alert lacks is "".
type Condition struct {
	Field  string      `json:"field,omitempty"`
	Equals *string     `json:"equals,omitempty"`
	In     []string    `json:"in,omitempty"`
	Match  string      `json:"match,omitempty"` // RE2, unanchored
	All    []Condition `json:"all,omitempty"`
	Any    []Condition `json:"any,omitempty"`
	Not    *Condition  `json:"not,omitempty"`
}
