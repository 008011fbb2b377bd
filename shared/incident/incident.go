// Package incident owns the incident: a major event with business impact. It
// holds the type, the operations on it as a pure function ([Apply]), and the
// only writer of it ([Store]). It knows events by id, and no schedule or
// channel; when it reminds whom is package lifecycle's to decide.
//
//	change, err := incident.Apply(i, incident.Mitigate{Text: "traffic moved"}, event.ByMember("alice"), now)
//	i, err = store.Commit(ctx, change)
package incident

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/outbox"
)

// ID names an incident: "I-" and its number.
type ID string

// IDOf returns the id of the n-th incident.
func IDOf(n int64) ID { return ID("I-" + strconv.FormatInt(n, 10)) }

// Number returns the number in the id. Its error names the form expected.
func (id ID) Number() (int64, error) {
	digits, ok := strings.CutPrefix(string(id), "I-")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n <= 0 {
		return 0, fmt.Errorf("incident id %q is not of the form I-7", string(id))
	}
	return n, nil
}

// State is where an incident stands in its lifecycle.
type State string

// The states. Apply enforces how they follow each other.
//
//	open       the impact lasts               mitigate, resolve, cancel
//	mitigated  the impact is over, the cause not  resolve, reopen, cancel
//	resolved   fixed; in review               close, reopen, cancel
//	closed     archived with its review; final
//	cancelled  was no incident; final
const (
	Open      State = "open"
	Mitigated State = "mitigated"
	Resolved  State = "resolved"
	Closed    State = "closed"
	Cancelled State = "cancelled"
)

// Ended reports whether the state is final.
func (s State) Ended() bool { return s == Closed || s == Cancelled }

// Active reports whether an incident in this state is work to be done now, and
// therefore owes updates.
func (s State) Active() bool { return s == Open || s == Mitigated }

// Severity is how bad the impact is: SEV1 to SEV4.
type Severity string

// From worst to least. Their text sorts that way too.
const (
	SEV1 Severity = "SEV1"
	SEV2 Severity = "SEV2"
	SEV3 Severity = "SEV3"
	SEV4 Severity = "SEV4"
)

// Valid reports whether s is one of SEV1 to SEV4.
func (s Severity) Valid() bool { return s == SEV1 || s == SEV2 || s == SEV3 || s == SEV4 }

// SeverityOf is the severity of the incident that an event of a priority
// becomes; a missing priority is SEV3, as a missing severity is P3.
func SeverityOf(p alert.Priority) Severity {
	if !p.Valid() {
		return SEV3
	}
	return Severity("SEV" + strings.TrimPrefix(string(p), "P"))
}

// Role is a part that a member plays in an incident. [Commander] is known to
// the code, any other name is the team's own.
type Role string

// Commander leads the incident and owes its updates.
const Commander Role = "commander"

// Status is the newest update: what is told to those who ask.
type Status struct {
	Text string      `json:"text,omitempty"`
	By   event.Actor `json:"by,omitempty"`
	At   time.Time   `json:"at,omitzero"`
}

// Review is what was learned. Its action items stand in [Incident.Actions].
type Review struct {
	Summary   string      `json:"summary,omitempty"`
	RootCause string      `json:"root_cause,omitempty"`
	By        event.Actor `json:"by,omitempty"`
	At        time.Time   `json:"at,omitzero"`
}

// missing returns the fields without which SEV1 and SEV2 do not close.
func (r Review) missing() []string {
	var m []string
	if r.Summary == "" {
		m = append(m, "summary")
	}
	if r.RootCause == "" {
		m = append(m, "root_cause")
	}
	if len(m) == 0 && !r.By.Person() {
		m = append(m, "by")
	}
	return m
}

// Action is an action item of the review.
type Action struct {
	Number     int         `json:"number"` // 1, 2, ... within the incident
	Text       string      `json:"text"`
	Owner      string      `json:"owner,omitempty"` // a member; "": the commander
	Due        time.Time   `json:"due,omitzero"`    // zero: never overdue
	DoneAt     time.Time   `json:"done_at,omitzero"`
	DoneBy     event.Actor `json:"done_by,omitempty"`
	RemindedAt time.Time   `json:"reminded_at,omitzero"`
}

// Done reports whether the item was done.
func (a Action) Done() bool { return !a.DoneAt.IsZero() }

// Overdue reports whether the item should have been done by an instant.
func (a Action) Overdue(at time.Time) bool {
	return !a.Done() && !a.Due.IsZero() && !at.Before(a.Due)
}

// RemindAt is when the item's owner is reminded next; the zero time: never.
func (a Action) RemindAt() time.Time {
	if a.Done() || a.Due.IsZero() {
		return time.Time{}
	}
	if again := a.RemindedAt.Add(actionAgain); !a.RemindedAt.IsZero() && again.After(a.Due) {
		return again
	}
	return a.Due
}

const (
	updateEvery = defaults.UpdateEvery
	actionAgain = defaults.RecordAgain // an action item is part of the record of an incident
)

// Incident is a major event with business impact. Opening means what it means
// for an event.
type Incident struct {
	ID          ID              `json:"id"`
	State       State           `json:"state"`
	Title       string          `json:"title"`
	Description string          `json:"description,omitempty"`
	Severity    Severity        `json:"severity"`
	Services    []string        `json:"services,omitempty"` // affected, sorted
	Events      []event.ID      `json:"events"`             // in the order in which they were added
	Roles       map[Role]string `json:"roles,omitempty"`    // members by name
	Test        bool            `json:"test,omitempty"`

	Status  Status   `json:"status,omitzero"`
	Review  Review   `json:"review,omitzero"`
	Actions []Action `json:"actions,omitempty"`

	UpdateCycle     int       `json:"update_cycle"`           // rises with every update and reopening
	UpdateDueAt     time.Time `json:"update_due_at,omitzero"` // while open or mitigated
	UpdateAskedAt   time.Time `json:"update_asked_at,omitzero"`
	UpdateReminders int       `json:"update_reminders,omitempty"` // in this update cycle
	ActionReminders int       `json:"action_reminders,omitempty"`

	execution.Execution
	Opening int `json:"opening"`

	OpenedAt    time.Time   `json:"opened_at"`
	OpenedBy    event.Actor `json:"opened_by"`
	ChangedAt   time.Time   `json:"changed_at"` // when it came into its state
	ChangedBy   event.Actor `json:"changed_by"`
	MitigatedAt time.Time   `json:"mitigated_at,omitzero"`
	ResolvedAt  time.Time   `json:"resolved_at,omitzero"`
	EndedAt     time.Time   `json:"ended_at,omitzero"` // closed or cancelled
	Reason      string      `json:"reason,omitempty"`  // why it was cancelled
}

// Opened returns the incident that an event becomes. Whoever promoted it is
// the commander, if they are a member.
func Opened(id ID, e event.Event, at time.Time) Incident {
	by := e.PromotedBy
	if by == "" {
		by = event.Self
	}
	i := Incident{
		ID: id, State: Open, Title: e.Title, Description: e.Description, Severity: SeverityOf(e.Priority),
		Events: []event.ID{e.ID}, Test: e.Test,
		UpdateDueAt: at.Add(updateEvery),
		Execution:   execution.First(at), Opening: 1,
		OpenedAt: at, OpenedBy: by, ChangedAt: at, ChangedBy: by,
	}
	if e.Service != "" {
		i.Services = []string{e.Service}
	}
	if member, ok := by.Member(); ok {
		i.Roles = map[Role]string{Commander: member}
	}
	return i
}

// NeedsReview reports whether a person must say what happened and why before
// the incident can be closed.
func (i *Incident) NeedsReview() bool {
	return !i.Test && (i.Severity == SEV1 || i.Severity == SEV2)
}

// Holds reports whether an event belongs to the incident.
func (i *Incident) Holds(id event.ID) bool { return slices.Contains(i.Events, id) }

// RemindUpdateAt is when the missing update is asked for next; the zero time:
// the incident owes none.
func (i *Incident) RemindUpdateAt() time.Time {
	if !i.State.Active() {
		return time.Time{}
	}
	if again := i.UpdateAskedAt.Add(updateEvery); !i.UpdateAskedAt.IsZero() && again.After(i.UpdateDueAt) {
		return again
	}
	return i.UpdateDueAt
}

// RemindActionsAt is when the owner of an action item is reminded next; the
// zero time: none will be.
func (i *Incident) RemindActionsAt() time.Time {
	var next time.Time
	if i.State == Cancelled {
		return next
	}
	for _, a := range i.Actions {
		if t := a.RemindAt(); !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// ActionOwner is the member who answers for an action item; "" when neither
// the item nor the incident names one.
func (i *Incident) ActionOwner(a Action) string {
	if a.Owner != "" {
		return a.Owner
	}
	return i.Roles[Commander]
}

// Stages of an incident's messages, so that one key is never two reasons.
const (
	StageUpdate  = "update"
	StageActions = "actions"
)

// UpdateKey is what the messages that ask for the missing update share.
func (i *Incident) UpdateKey() outbox.Key {
	return outbox.Key{Event: string(i.ID), Cycle: i.UpdateCycle, Reason: outbox.Update, Stage: StageUpdate, Round: i.UpdateReminders}
}

// ActionsKey is what the messages that remind of overdue action items share.
func (i *Incident) ActionsKey() outbox.Key {
	return outbox.Key{Event: string(i.ID), Cycle: i.Opening, Reason: outbox.Update, Stage: StageActions, Round: i.ActionReminders}
}

// StillAsks reports whether the reason of a message with key k holds at an
// instant: the update it asks for is still owed, or an action item of its
// member is still overdue. Otherwise the message is overtaken.
func (i *Incident) StillAsks(k outbox.Key, at time.Time) bool {
	switch k.Stage {
	case StageUpdate:
		return i.State.Active() && k.Cycle == i.UpdateCycle
	case StageActions:
		return i.State != Cancelled && slices.ContainsFunc(i.Actions, func(a Action) bool {
			return a.Overdue(at) && (a.Owner == k.Member || a.Owner == "")
		})
	}
	return false
}

// ExecutionName is the name of the present generation's execution.
func (i *Incident) ExecutionName() string { return execution.Name(string(i.ID), i.Generation) }
