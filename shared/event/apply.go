package event

import (
	"cmp"
	"fmt"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/defaults"
	"tocsin/shared/outbox"
)

// DefaultRecovery applies where a rule says nothing for a priority.
var DefaultRecovery = Recovery{Quiet: defaults.Quiet, Reopen: defaults.Reopen}

// Op is one operation on an event. The operations are the types of this
// package with an apply method.
type Op interface {
	apply(c *Change) error
}

// Change is what an operation makes of an event: everything that one
// transaction of the store writes.
type Change struct {
	Before   Event
	Event    Event // after the operation
	By       Actor
	At       time.Time
	Timeline []Item
	Messages []outbox.Message // pages that are due because of it
	Wake     bool             // it alters the machine's next step

	Retake      bool         // the slot is taken again, from the holder Over
	Over        Hold         // the slot's holder as read: this event, or one that was seen to be over
	SameMembers bool         // refuse when an alert joined or fired again since Before was read
	Alert       *alert.State // the alert that caused it, to be written with it as it was read
	Part        *Part        // what is split off, to be opened with it
}

// StateError says that the event's state forbids an operation, and who
// brought it there.
type StateError struct {
	ID    ID
	State State
	Done  bool // the operation's effect is already there
	By    Actor
	At    time.Time
	Into  ID // the survivor, when the event was merged
}

func (e *StateError) Error() string {
	return fmt.Sprintf("event %s is %s since %s (by %s)", e.ID, e.State, e.At.Format(time.RFC3339), e.By)
}

// All does several operations as one change, in order.
type All []Op

func (ops All) apply(c *Change) error {
	for _, op := range ops {
		if err := op.apply(c); err != nil {
			return err
		}
	}
	return nil
}

// afterEnd reports whether an operation may touch a closed event.
func afterEnd(op Op) bool {
	switch op.(type) {
	case TellAllClear, TellNews, Note, JoinIncident, NextGeneration:
		return true
	}
	return false
}

// Apply returns what op by an actor at an instant makes of e. It is pure.
// *StateError: the event's state forbids it.
func Apply(e Event, op Op, by Actor, at time.Time) (Change, error) {
	c := Change{Before: e, Event: e, By: by, At: at}
	if e.State == Closed && !afterEnd(op) {
		return Change{}, c.refuse(false)
	}
	if err := op.apply(&c); err != nil {
		return Change{}, err
	}
	if c.Wake {
		c.Event.Altered(at)
	}
	return c, nil
}

func (c *Change) refuse(done bool) error {
	e := &c.Before
	err := &StateError{ID: e.ID, State: e.State, Done: done, Into: e.MergedInto}
	switch e.State {
	case AckedState:
		err.By, err.At = e.AcknowledgedBy, e.AcknowledgedAt
	case Snoozed:
		err.By, err.At = e.SnoozedBy, e.SnoozedSince()
	case Resolved:
		err.By, err.At = e.ResolvedBy, e.ResolvedAt
	case Closed:
		err.By, err.At = e.ClosedBy, e.ClosedAt
	default:
		err.By, err.At = Self, e.TriggeredAt
	}
	return err
}

func (c *Change) note(what string, pairs ...string) {
	item := Item{At: c.At, By: c.By, What: what}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if item.Data == nil {
			item.Data = map[string]string{}
		}
		item.Data[pairs[i]] = pairs[i+1]
	}
	c.Timeline = append(c.Timeline, item)
}

// page begins a new cycle: whoever was paged before is paged again.
func (c *Change) page() {
	e := &c.Event
	e.State = Triggered
	e.Cycle++
	e.Progress = Progress{}
	e.TriggeredAt = c.At
	e.Owner = ""
	e.AcknowledgedAt, e.AckExpiresAt, e.SnoozedAt, e.SnoozedUntil = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	e.AcknowledgedBy, e.SnoozedBy = "", ""
	e.Progress.Stopped = !e.RecoveredAt.IsZero() && !e.RecoveryFor().ByHand
	if e.Since.Equal(c.Before.Since) {
		e.Since = time.Time{} // no delivery began this cycle
	}
	c.Wake = true
}

func (c *Change) ackExpiry() time.Time { return c.after(defaults.AckExpiry(c.Event.Priority)) }

// autoClose is when the event closes by itself: never while a person owes a
// record. A test counts nowhere, so it does not stay open.
func (c *Change) autoClose() time.Time {
	if c.Event.Test {
		return c.after(defaults.AutoClose(alert.P4))
	}
	return c.after(defaults.AutoClose(c.Event.Priority))
}

// after is the instant d from now; the zero time when d is 0: never.
func (c *Change) after(d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return c.At.Add(d)
}

// Acknowledge makes the acting member the owner and ends the paging. By the
// owner again it renews the expiry; by another member it is refused and names
// the owner.
type Acknowledge struct{}

func (Acknowledge) apply(c *Change) error {
	e := &c.Event
	member, ok := c.By.Member()
	if e.State == Resolved || e.State == AckedState && (!ok || member != e.Owner) {
		return c.refuse(e.State == AckedState)
	}
	if ok {
		e.Owner = member
		e.Assignee = Assignee{Member: member, Named: true}
	}
	renewed := e.State == AckedState
	e.State = AckedState
	e.AcknowledgedAt, e.AcknowledgedBy, e.AckExpiresAt = c.At, c.By, c.ackExpiry()
	e.SnoozedAt, e.SnoozedUntil, e.SnoozedBy = time.Time{}, time.Time{}, ""
	e.Progress = Progress{}
	c.Wake = true
	c.note("event.acknowledged")
	if !renewed {
		c.announce(NewsAcknowledged, c.By)
	}
	return nil
}

// Unacknowledge gives the event back: paging begins anew.
type Unacknowledge struct{}

func (Unacknowledge) apply(c *Change) error {
	if c.Event.State != AckedState {
		return c.refuse(c.Event.State == Triggered)
	}
	c.note("event.unacknowledged", "owner", c.Event.Owner)
	c.page()
	return nil
}

// ExpireAcknowledgement returns the event to triggered when its owner let the
// acknowledgement run out.
type ExpireAcknowledgement struct{}

func (ExpireAcknowledgement) apply(c *Change) error {
	e := &c.Event
	if e.State != AckedState || e.AckExpiresAt.IsZero() || c.At.Before(e.AckExpiresAt) {
		return c.refuse(e.State == Triggered)
	}
	c.note("event.acknowledgement_expired", "owner", e.Owner)
	c.page()
	return nil
}

// Resolve says that the event is fixed.
type Resolve struct {
	Note string
}

func (o Resolve) apply(c *Change) error {
	if !c.Event.State.Open() {
		return c.refuse(true)
	}
	c.resolve()
	c.note("event.resolved", "note", o.Note)
	return nil
}

func (c *Change) resolve() {
	e := &c.Event
	e.State = Resolved
	e.ResolvedAt, e.ResolvedBy = c.At, c.By
	e.ReopenUntil = c.At.Add(e.RecoveryFor().Reopen)
	e.AutoCloseAt = c.autoClose()
	e.AckExpiresAt, e.SnoozedUntil = time.Time{}, time.Time{}
	e.Progress = Progress{}
	e.RecordAskedAt = c.At
	e.OweAllClear = true
	c.Wake = true
}

// ResolveByRecovery resolves an event whose alerts have all been recovered
// for the quiet time. It is refused when an alert joined since Before was read.
type ResolveByRecovery struct{}

func (ResolveByRecovery) apply(c *Change) error {
	e := &c.Event
	if !e.State.Open() || e.RecoveredAt.IsZero() {
		return c.refuse(e.State == Resolved)
	}
	c.SameMembers = true
	c.resolve()
	c.note("event.resolved", "because", "all alerts recovered")
	return nil
}

// Recover notes that all alerts are recovered: the step's clock stands still
// and the quiet time begins. Where only a person resolves, the clock goes on:
// somebody must hear of the event.
type Recover struct {
	Expired bool // the last of them was not repeated in time; its sender did not end it
}

func (r Recover) apply(c *Change) error {
	e := &c.Event
	if !e.State.Open() || !e.RecoveredAt.IsZero() {
		return c.refuse(true)
	}
	c.SameMembers = true
	e.RecoveredAt = c.At
	if !e.RecoveryFor().ByHand {
		e.Progress.stop(c.At)
	}
	c.Wake = true
	if r.Expired {
		c.note("event.recovered", "because", "an alert was not repeated and expired")
		return nil
	}
	c.note("event.recovered")
	return nil
}

// stop keeps what is left of the step's wait.
func (p *Progress) stop(at time.Time) {
	if !p.Deadline.IsZero() {
		p.Left = max(p.Deadline.Sub(at), 0)
		p.Deadline = time.Time{}
	}
	p.Stopped = true
}

// Refire notes that an alert fires again before the event resolved: the
// step's clock goes on.
type Refire struct{}

func (Refire) apply(c *Change) error {
	e := &c.Event
	if !e.State.Open() {
		return c.refuse(false)
	}
	if e.RecoveredAt.IsZero() {
		return nil
	}
	e.RecoveredAt = time.Time{}
	if p := &e.Progress; p.Stopped {
		if !p.PagedAt.IsZero() {
			p.Deadline = c.At.Add(p.Left)
		}
		p.Stopped, p.Left = false, 0
	}
	c.Wake = true
	c.note("event.fires_again")
	return nil
}

// Snooze puts the event to sleep until an instant.
type Snooze struct {
	Until time.Time
}

func (o Snooze) apply(c *Change) error {
	e := &c.Event
	if !e.State.Open() {
		return c.refuse(false)
	}
	e.State = Snoozed
	e.SnoozedAt, e.SnoozedUntil, e.SnoozedBy = c.At, o.Until, c.By
	if member, ok := c.By.Member(); ok {
		e.Owner = member
		e.Assignee = Assignee{Member: member, Named: true}
	}
	e.AckExpiresAt = time.Time{}
	e.Progress = Progress{}
	c.Wake = true
	c.note("event.snoozed", "until", o.Until.UTC().Format(time.RFC3339))
	return nil
}

// Awake ends a snooze: when its time has come, or at once by a person.
type Awake struct{}

func (Awake) apply(c *Change) error {
	e := &c.Event
	if e.State != Snoozed || c.By == Self && c.At.Before(e.SnoozedUntil) {
		return c.refuse(e.State == Triggered)
	}
	c.note("event.snooze_ended")
	c.page()
	return nil
}

// Raise gives the event a higher priority and pages again, also from
// acknowledged and snoozed. A priority that is not higher changes nothing.
type Raise struct {
	Priority alert.Priority
	Because  string
}

func (o Raise) apply(c *Change) error {
	e := &c.Event
	if !e.State.Open() {
		return c.refuse(false)
	}
	if !o.Priority.Higher(e.Priority) {
		return nil
	}
	c.note("event.raised", "from", string(e.Priority), "to", string(o.Priority), "because", o.Because)
	e.Priority = o.Priority
	c.page()
	return nil
}

// SetPriority changes the priority. A higher one is a raise.
type SetPriority struct {
	Priority alert.Priority
}

func (o SetPriority) apply(c *Change) error {
	e := &c.Event
	if o.Priority.Higher(e.Priority) && e.State.Open() {
		return Raise{Priority: o.Priority}.apply(c)
	}
	if o.Priority == e.Priority {
		return nil
	}
	c.note("event.priority_changed", "from", string(e.Priority), "to", string(o.Priority))
	e.Priority = o.Priority
	switch e.State {
	case AckedState:
		e.AckExpiresAt = c.ackExpiry()
	case Resolved:
		e.AutoCloseAt = c.autoClose()
	}
	c.Wake = true
	return nil
}

// Assign gives the event to a member or team, who is paged first.
type Assign struct {
	To Assignee
}

func (o Assign) apply(c *Change) error {
	e := &c.Event
	if !e.State.Open() {
		return c.refuse(false)
	}
	e.Assignee = Assignee{Member: o.To.Member, Team: o.To.Team, Named: true}
	c.note("event.assigned", "member", o.To.Member, "team", o.To.Team)
	c.page()
	return nil
}

// Escalate runs the plan's next step at once. The owner of an acknowledged
// event thereby calls the plan from its first step, and is not paged as its
// assignee.
type Escalate struct{}

func (Escalate) apply(c *Change) error {
	e := &c.Event
	switch e.State {
	case AckedState:
		c.page()
		e.Progress = Progress{Stage: StageAssignee, PagedAt: c.At, Deadline: c.At}
	case Triggered:
		e.Progress.Deadline, e.Progress.Left, e.Progress.Stopped = c.At, 0, false
		c.Wake = true
	default:
		return c.refuse(false)
	}
	c.note("event.escalated")
	return nil
}

// Note adds a text to the timeline.
type Note struct {
	Text string
}

func (o Note) apply(c *Change) error {
	c.note("event.noted", "text", o.Text)
	return nil
}

// Reopen makes a resolved event work again. By a firing it carries the alert.
type Reopen struct {
	Because string
	Since   time.Time // when the delivery that reopens it was accepted
}

func (o Reopen) apply(c *Change) error {
	e := &c.Event
	if e.State != Resolved {
		return c.refuse(e.State.Open())
	}
	e.Opening++
	e.Since = o.Since
	e.RecoveredAt, e.ResolvedAt, e.ReopenUntil, e.AutoCloseAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	e.ResolvedBy, e.OweAllClear, e.RecordAskedAt = "", false, time.Time{}
	e.Record.By, e.Record.At = "", time.Time{}
	c.Retake = e.Slot != ""
	c.note("event.reopened", "because", o.Because)
	c.page()
	c.announce(NewsReopened, c.By)
	return nil
}

// SaveRecord keeps what is known of cause and solution.
type SaveRecord struct {
	Record Record
}

func (o SaveRecord) apply(c *Change) error {
	c.record(o.Record)
	c.note("event.recorded", "cause_class", o.Record.CauseClass)
	return nil
}

func (c *Change) record(r Record) {
	r.By, r.At = c.By, c.At
	c.Event.Record = r
}

// Close archives the event with its record. Record nil keeps what was saved.
type Close struct {
	Record *Record
}

// ErrRecordMissing says that P1 and P2 close only with a record by a person.
type ErrRecordMissing struct {
	ID       ID
	Priority alert.Priority
	Missing  []string
}

func (e *ErrRecordMissing) Error() string {
	return fmt.Sprintf("event %s is %s and closes only with a record; missing: %v", e.ID, e.Priority, e.Missing)
}

func (o Close) apply(c *Change) error {
	e := &c.Event
	if o.Record != nil {
		c.record(*o.Record)
	}
	if missing := e.Record.missing(); e.NeedsRecord() && len(missing) > 0 {
		return &ErrRecordMissing{ID: e.ID, Priority: e.Priority, Missing: missing}
	}
	c.close()
	c.note("event.closed", "cause_class", e.Record.CauseClass)
	return nil
}

func (r Record) missing() []string {
	var m []string
	if r.CauseClass == "" {
		m = append(m, "cause_class")
	}
	if r.Cause == "" {
		m = append(m, "cause")
	}
	if r.Solution == "" {
		m = append(m, "solution")
	}
	if len(m) == 0 && !r.By.Person() {
		m = append(m, "by")
	}
	return m
}

func (c *Change) close() {
	e := &c.Event
	if e.State == Resolved {
		c.announce(NewsClosed, c.By)
	}
	e.OweAllClear = e.OweAllClear || e.State.Open()
	e.State = Closed
	e.ClosedAt, e.ClosedBy = c.At, c.By
	e.AckExpiresAt, e.SnoozedUntil, e.AutoCloseAt = time.Time{}, time.Time{}, time.Time{}
	e.Progress = Progress{}
	c.Wake = true
}

// CloseByItself archives a P3 or P4 event when its time has come.
type CloseByItself struct{}

func (CloseByItself) apply(c *Change) error {
	e := &c.Event
	if e.State != Resolved || e.AutoCloseAt.IsZero() || c.At.Before(e.AutoCloseAt) {
		return c.refuse(false)
	}
	if e.Record.CauseClass == "" {
		e.Record = Record{CauseClass: "unknown", By: Self, At: c.At}
	}
	c.close()
	c.note("event.closed", "because", "nobody added to its record")
	return nil
}

// EndTest closes a test that nobody ended. Nobody is told: it was a test.
type EndTest struct{}

func (EndTest) apply(c *Change) error {
	if !c.Event.Test || !c.Event.State.Open() {
		return c.refuse(false)
	}
	c.close()
	c.Event.OweAllClear = false
	c.note("event.closed", "because", "the test is over")
	return nil
}

// Merge closes the event in favour of another: its slot, alerts and links lead
// there from now on.
type Merge struct {
	Into        ID
	IntoOpening int
}

func (o Merge) apply(c *Change) error {
	e := &c.Event
	if !e.State.Open() {
		return c.refuse(false)
	}
	c.SameMembers = true
	c.close()
	e.OweAllClear = false
	e.MergedInto, e.MergedOpening = o.Into, o.IntoOpening
	c.note("event.merged", "into", string(o.Into))
	c.announce(NewsMerged, c.By)
	return nil
}

// Promote asks for an incident. The lifecycle opens it.
type Promote struct{}

func (Promote) apply(c *Change) error {
	e := &c.Event
	if e.Incident != "" || e.PromotedBy != "" {
		return c.refuse(true)
	}
	e.PromotedBy = c.By
	c.Wake = true
	c.note("event.promoted")
	return nil
}

// JoinIncident notes the incident that was opened for the event.
type JoinIncident struct {
	Incident string
}

func (o JoinIncident) apply(c *Change) error {
	if c.Event.Incident == o.Incident {
		return nil
	}
	c.Event.Incident = o.Incident
	c.Wake = true
	c.note("event.joined_incident", "incident", o.Incident)
	c.announce(NewsPromoted, cmp.Or(c.Event.PromotedBy, c.By))
	return nil
}

// Paged notes that a step told its people. It is the step's own write and
// wakes nobody.
type Paged struct {
	Progress Progress
	Messages []outbox.Message
	Who      string // names, for the timeline; "" the step reached nobody
	WhyNot   string
}

func (o Paged) apply(c *Change) error {
	e := &c.Event
	if e.State != Triggered {
		return c.refuse(false)
	}
	e.Progress = o.Progress
	c.Messages = o.Messages
	what := "event.paged"
	if o.Who == "" {
		what = "event.step_reached_nobody"
	}
	c.note(what, "stage", string(o.Progress.Stage), "step", fmt.Sprint(o.Progress.Step+1),
		"round", fmt.Sprint(o.Progress.Round+1), "who", o.Who, "why_not", o.WhyNot)
	return nil
}

// StepFailed notes that no message of the present step reached anybody: the
// next step is due at once.
type StepFailed struct {
	Cycle    int
	Progress Progress
}

func (o StepFailed) apply(c *Change) error {
	e := &c.Event
	p := &e.Progress
	if e.State != Triggered || e.Cycle != o.Cycle || p.Stage != o.Progress.Stage || p.Step != o.Progress.Step || p.Round != o.Progress.Round {
		return nil
	}
	if p.Stage == StageLastResort {
		c.note("event.step_failed", "stage", string(p.Stage))
		return nil
	}
	switch {
	case p.Stopped && p.Left > 0:
		p.Left = 0
	case !p.Stopped && p.Deadline.After(c.At):
		p.Deadline = c.At
	default:
		return nil // the next step is due already: the report came before
	}
	c.Wake = true
	c.note("event.step_failed", "stage", string(p.Stage), "step", fmt.Sprint(p.Step+1), "round", fmt.Sprint(p.Round+1))
	return nil
}

// TellAllClear writes the messages that tell everyone that the event ended,
// and notes it also when nobody had been paged: the debt is paid by then.
type TellAllClear struct {
	Messages []outbox.Message
}

func (o TellAllClear) apply(c *Change) error {
	if !c.Event.OweAllClear {
		return c.refuse(true)
	}
	c.Event.OweAllClear = false
	c.Messages = o.Messages
	c.note("event.all_clear", "told", fmt.Sprint(len(o.Messages)))
	return nil
}

// AskRecord reminds of the missing record.
type AskRecord struct {
	Messages []outbox.Message
}

func (o AskRecord) apply(c *Change) error {
	if c.Event.State != Resolved {
		return c.refuse(false)
	}
	c.Event.RecordAskedAt = c.At
	c.Messages = o.Messages
	c.note("event.record_asked")
	return nil
}

// NextGeneration hands the event over to a new execution.
type NextGeneration struct {
	Because string
	Failed  bool // the old one failed before it reached a wait
}

func (o NextGeneration) apply(c *Change) error {
	e := &c.Event
	e.HandOver(c.At, o.Failed)
	c.Wake = true
	c.note("event.execution_replaced", "because", o.Because, "generation", fmt.Sprint(e.Generation))
	return nil
}
