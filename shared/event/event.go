// Package event owns the event: work that a person owns. It holds the type,
// the operations on it as a pure function ([Apply]), and the only writer of
// it ([Store]). It knows alerts and messages by name, and no plan, schedule or
// channel.
//
//	change, err := event.Apply(e, event.Acknowledge{}, event.ByMember("alice"), now)
//	e, err = store.Commit(ctx, change)
package event

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/execution"
)

// ID names an event: "E-" and its number.
type ID string

// IDOf returns the id of the n-th event.
func IDOf(n int64) ID { return ID("E-" + strconv.FormatInt(n, 10)) }

// Number returns the number in the id. Its error names the form expected.
func (id ID) Number() (int64, error) {
	digits, ok := strings.CutPrefix(string(id), "E-")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n <= 0 {
		return 0, fmt.Errorf("event id %q is not of the form E-4821", string(id))
	}
	return n, nil
}

// State is where an event stands in its lifecycle.
type State string

// The states. Apply enforces how they follow each other.
//
//	triggered     nobody has answered yet; the plan runs
//	acknowledged  the owner works on it
//	snoozed       asleep until an instant; a raise wakes it
//	resolved      fixed; the record is being completed
//	closed        archived with its record, or merged; final
const (
	Triggered  State = "triggered"
	AckedState State = "acknowledged"
	Snoozed    State = "snoozed"
	Resolved   State = "resolved"
	Closed     State = "closed"
)

// Open reports whether an event in this state is work to be done.
func (s State) Open() bool { return s == Triggered || s == AckedState || s == Snoozed }

// Actor is who did something: "member:alice", "token:ci", "rule:catch-all",
// "source:prometheus" or "tocsin".
type Actor string

// Self is the actor of what the lifecycle does by itself.
const Self Actor = "tocsin"

// ByMember is the actor of what a person does.
func ByMember(name string) Actor { return Actor("member:" + name) }

// ByToken is the actor of what a program does.
func ByToken(name string) Actor { return Actor("token:" + name) }

// ByRule is the actor of what a rule decided.
func ByRule(name string) Actor { return Actor("rule:" + name) }

// Member returns the member's name when the actor is a person.
func (a Actor) Member() (string, bool) { return strings.CutPrefix(string(a), "member:") }

// Person reports whether a person acted, themselves or through a token.
func (a Actor) Person() bool {
	return strings.HasPrefix(string(a), "member:") || strings.HasPrefix(string(a), "token:")
}

// Assignee is whom the event is meant for: a member or a team.
type Assignee struct {
	Member string `json:"member,omitempty"`
	Team   string `json:"team,omitempty"`
	Named  bool   `json:"named,omitempty"` // by a rule or a person, not by default: a cycle pages it first
}

// IsZero reports that there is no assignee.
func (a Assignee) IsZero() bool { return a.Member == "" && a.Team == "" }

// Stage is the part of paging that runs in a cycle.
type Stage string

// A cycle pages the named assignee, then the plan's rounds, then the last
// resort until somebody acts.
const (
	StageAssignee   Stage = "assignee"
	StagePlan       Stage = "plan"
	StageLastResort Stage = "last_resort"
)

// Progress is how far paging got in the present cycle. The zero value: nobody
// was paged yet.
type Progress struct {
	Stage    Stage         `json:"stage,omitempty"`
	Round    int           `json:"round"`
	Step     int           `json:"step"`
	PagedAt  time.Time     `json:"paged_at,omitzero"`
	Deadline time.Time     `json:"deadline,omitzero"` // when the next step is due
	Left     time.Duration `json:"left,omitempty"`    // what was left of the wait when the clock was stopped
	Stopped  bool          `json:"stopped,omitempty"` // all alerts are recovered
}

// Recovery is what the recovery of all alerts does to an event of a priority,
// as its rule said when the event opened.
type Recovery struct {
	ByHand bool          `json:"by_hand,omitempty"`
	Quiet  time.Duration `json:"quiet"`
	Reopen time.Duration `json:"reopen"`
}

// Record is how an event ended.
type Record struct {
	CauseClass string    `json:"cause_class,omitempty"`
	Cause      string    `json:"cause,omitempty"`
	Solution   string    `json:"solution,omitempty"`
	Reasoning  string    `json:"reasoning,omitempty"`
	Tags       []string  `json:"tags,omitempty"`
	By         Actor     `json:"by,omitempty"`
	At         time.Time `json:"at,omitzero"`
}

// Complete reports whether a person said what was wrong and what fixed it.
func (r Record) Complete() bool {
	return r.CauseClass != "" && r.Cause != "" && r.Solution != "" && r.By.Person()
}

// Event is work that a person owns.
//
// Cycle rises whenever paging begins anew; Opening rises on reopening only and
// binds links.
type Event struct {
	ID          ID                `json:"id"`
	State       State             `json:"state"`
	Title       string            `json:"title"`
	Description string            `json:"description,omitempty"`
	Priority    alert.Priority    `json:"priority"`
	Service     string            `json:"service"`
	Assignee    Assignee          `json:"assignee,omitzero"`
	Owner       string            `json:"owner,omitempty"` // the member who acknowledged
	Source      string            `json:"source,omitempty"`
	Integration string            `json:"integration,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"` // of the alert that opened it
	Links       []alert.Link      `json:"links,omitempty"`
	Test        bool              `json:"test,omitempty"`

	Rule          string                      `json:"rule,omitempty"`
	ConfigVersion int                         `json:"config_version"` // of rule and plan
	Plan          string                      `json:"plan"`
	Recovery      map[alert.Priority]Recovery `json:"recovery,omitempty"`
	Why           []string                    `json:"why,omitempty"` // reasons of the decision that opened it
	Slot          string                      `json:"slot,omitempty"`
	Since         time.Time                   `json:"since,omitzero"` // when the delivery that began this cycle was accepted

	execution.Execution
	Cycle    int      `json:"cycle"`
	Opening  int      `json:"opening"`
	Progress Progress `json:"progress"`

	OpenedAt       time.Time `json:"opened_at"`
	TriggeredAt    time.Time `json:"triggered_at"` // when the present cycle began
	AcknowledgedAt time.Time `json:"acknowledged_at,omitzero"`
	AcknowledgedBy Actor     `json:"acknowledged_by,omitempty"`
	AckExpiresAt   time.Time `json:"ack_expires_at,omitzero"`
	SnoozedAt      time.Time `json:"snoozed_at,omitzero"`
	SnoozedUntil   time.Time `json:"snoozed_until,omitzero"`
	SnoozedBy      Actor     `json:"snoozed_by,omitempty"`
	RecoveredAt    time.Time `json:"recovered_at,omitzero"` // all alerts are recovered since
	ResolvedAt     time.Time `json:"resolved_at,omitzero"`
	ResolvedBy     Actor     `json:"resolved_by,omitempty"`
	ReopenUntil    time.Time `json:"reopen_until,omitzero"` // the slot is held until then
	AutoCloseAt    time.Time `json:"auto_close_at,omitzero"`
	ClosedAt       time.Time `json:"closed_at,omitzero"`
	ClosedBy       Actor     `json:"closed_by,omitempty"`
	Record         Record    `json:"record,omitzero"`
	MergedInto     ID        `json:"merged_into,omitempty"`
	MergedOpening  int       `json:"merged_opening,omitempty"` // the survivor's opening at the merge
	Incident       string    `json:"incident,omitempty"`
	PromotedBy     Actor     `json:"promoted_by,omitempty"`
	OweAllClear    bool      `json:"owe_all_clear,omitempty"` // everyone paged must still be told that it ended
	RecordAskedAt  time.Time `json:"record_asked_at,omitzero"`

	Tasks       []Task   `json:"tasks,omitempty"`
	Subscribers []string `json:"subscribers,omitempty"` // members, told of changes and not paged
	News        []News   `json:"news,omitempty"`        // of which they are still to be told
	NewsSeq     int      `json:"news_seq,omitempty"`    // number of the last news
	SplitFrom   ID       `json:"split_from,omitempty"`
	Previous    ID       `json:"previous,omitempty"` // the former event of the alert that opened it, else of its slot

	// Attributes of their own, because writers other than Commit change them.
	MemberSeq   int       `json:"-"` // rises with every join and refire
	AlertCount  int       `json:"-"`
	LastAlertAt time.Time `json:"-"`
}

// Ended reports whether an event is no longer work to be done.
func (e *Event) Ended() bool { return !e.State.Open() }

// HoldsSlot reports whether a new firing in the event's slot belongs to it at
// an instant: it is open, or resolved and still within its reopen period.
func (e *Event) HoldsSlot(at time.Time) bool {
	return e.State.Open() || e.State == Resolved && at.Before(e.ReopenUntil)
}

// ByPerson reports whether a person resolved the event: repeats of what still
// fires then wait for the end of the reopen period.
func (e *Event) ByPerson() bool { return e.State == Resolved && e.ResolvedBy.Person() }

// RecoveryFor returns what recovery does at the event's present priority.
func (e *Event) RecoveryFor() Recovery {
	if r, ok := e.Recovery[e.Priority]; ok {
		return r
	}
	return DefaultRecovery
}

// SnoozedSince is when the event was put to sleep. Releases that kept no
// SnoozedAt noted it in TriggeredAt.
func (e *Event) SnoozedSince() time.Time {
	if e.SnoozedAt.IsZero() {
		return e.TriggeredAt
	}
	return e.SnoozedAt
}

// NeedsRecord reports whether a person must complete the record before the
// event can be closed.
func (e *Event) NeedsRecord() bool {
	return !e.Test && (e.Priority == alert.P1 || e.Priority == alert.P2)
}

// ExecutionName is the name of the present generation's execution.
func (e *Event) ExecutionName() string { return execution.Name(string(e.ID), e.Generation) }

// Item is one entry of an event's timeline.
type Item struct {
	At   time.Time         `json:"at"`
	By   Actor             `json:"by"`
	What string            `json:"what"` // past tense: "event.acknowledged"
	Data map[string]string `json:"data,omitempty"`
}
