package incident

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"tocsin/shared/catalog"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/outbox"
)

// How much one incident holds, so that its item stays far below the store's
// limit of 400 KB and its reminders within one transaction.
const (
	MaxEvents  = 200
	MaxRoles   = 20
	MaxActions = 50
	MaxText    = 3072 // bytes of one text
)

// Op is one operation on an incident. The operations are the types of this
// package with an apply method.
type Op interface {
	apply(c *Change) error
}

// Change is what an operation makes of an incident: everything that one
// transaction of the store writes.
type Change struct {
	Before   Incident
	Incident Incident // after the operation
	By       event.Actor
	At       time.Time
	Timeline []event.Item
	Messages []outbox.Message
	Wake     bool       // it alters the machine's next step
	Claims   []event.ID // events that belong to the incident from now on, and to no other
}

// StateError says that the incident's state forbids an operation, and who
// brought it there.
type StateError struct {
	ID    ID
	State State
	Done  bool // the operation's effect is already there
	By    event.Actor
	At    time.Time
}

func (e *StateError) Error() string {
	return fmt.Sprintf("incident %s is %s since %s (by %s)", e.ID, e.State, e.At.Format(time.RFC3339), e.By)
}

// ReviewMissingError says that SEV1 and SEV2 close only with a review by a
// person.
type ReviewMissingError struct {
	ID       ID
	Severity Severity
	Missing  []string
}

func (e *ReviewMissingError) Error() string {
	return fmt.Sprintf("incident %s is %s and closes only with a review; missing: %v", e.ID, e.Severity, e.Missing)
}

// All does several operations as one change, in order.
type All []Op

func (ops All) apply(c *Change) error {
	for _, op := range ops {
		if c.Incident.State.Ended() && !afterEnd(op) {
			return c.refuse(false)
		}
		if err := op.apply(c); err != nil {
			return err
		}
	}
	return nil
}

// afterEnd reports whether an operation may touch an incident that ended.
// Action items outlive the review.
func afterEnd(op Op) bool {
	switch op.(type) {
	case Note, CompleteAction, RemindActions, NextGeneration:
		return true
	}
	return false
}

// Apply returns what op by an actor at an instant makes of i. It is pure and
// leaves i's maps and slices alone. *StateError: the incident's state forbids
// it. *ReviewMissingError: it does not close without. fault.Invalid: the
// operation itself is wrong.
func Apply(i Incident, op Op, by event.Actor, at time.Time) (Change, error) {
	c := Change{Before: i, Incident: i, By: by, At: at}
	c.Incident.Services, c.Incident.Events = slices.Clone(i.Services), slices.Clone(i.Events)
	c.Incident.Actions, c.Incident.Roles = slices.Clone(i.Actions), maps.Clone(i.Roles)
	if err := (All{op}).apply(&c); err != nil {
		return Change{}, err
	}
	if c.Wake {
		c.Incident.Altered(at)
	}
	return c, nil
}

func (c *Change) refuse(done bool) error {
	i := &c.Before
	return &StateError{ID: i.ID, State: i.State, Done: done, By: i.ChangedBy, At: i.ChangedAt}
}

func (c *Change) note(what string, pairs ...string) {
	item := event.Item{At: c.At, By: c.By, What: what}
	for n := 0; n+1 < len(pairs); n += 2 {
		if pairs[n+1] == "" {
			continue
		}
		if item.Data == nil {
			item.Data = map[string]string{}
		}
		item.Data[pairs[n]] = pairs[n+1]
	}
	c.Timeline = append(c.Timeline, item)
}

// enter brings the incident into a state.
func (c *Change) enter(s State) {
	i := &c.Incident
	i.State, i.ChangedAt, i.ChangedBy = s, c.At, c.By
	if !s.Active() {
		i.UpdateDueAt = time.Time{}
	}
	c.Wake = true
}

// status keeps text as the newest update; "" says nothing.
func (c *Change) status(text string) {
	i := &c.Incident
	if text == "" {
		return
	}
	i.Status = Status{Text: text, By: c.By, At: c.At}
	c.oweUpdate()
}

// oweUpdate begins the time until the next update anew.
func (c *Change) oweUpdate() {
	i := &c.Incident
	i.UpdateCycle++ // reminders begin anew, and with them the rounds of their keys
	i.UpdateAskedAt, i.UpdateReminders = time.Time{}, 0
	if i.State.Active() {
		i.UpdateDueAt = c.At.Add(updateEvery)
	}
}

// needText reports an Invalid fault when a text is empty or too long.
func needText(field, text string) error {
	if text == "" {
		return invalid(field, "missing")
	}
	return fits(field, text)
}

func fits(field, text string) error {
	if len(text) > MaxText {
		return invalid(field, "has %d bytes, more than %d", len(text), MaxText)
	}
	return nil
}

func invalid(field, format string, args ...any) error {
	var bad fault.Problems
	bad.Add(field, format, args...)
	return bad.Err("the input is not valid")
}

// Update says how it stands. It wakes nobody: the next update is due later
// than the one before, and the machine finds that out by itself.
type Update struct {
	Text string
}

func (o Update) apply(c *Change) error {
	if err := needText("text", o.Text); err != nil {
		return err
	}
	if !c.Incident.State.Active() {
		return c.refuse(false)
	}
	c.status(o.Text)
	c.note("incident.updated", "text", o.Text)
	return nil
}

// Mitigate says that the impact is over and the cause is not. Text, if any, is
// an update.
type Mitigate struct {
	Text string
}

func (o Mitigate) apply(c *Change) error {
	if err := fits("text", o.Text); err != nil {
		return err
	}
	i := &c.Incident
	if i.State != Open {
		return c.refuse(i.State == Mitigated || i.State == Resolved)
	}
	c.enter(Mitigated)
	i.MitigatedAt = c.At
	c.status(o.Text)
	c.note("incident.mitigated", "text", o.Text)
	return nil
}

// Resolve says that it is fixed; the review begins. Text, if any, is an update.
type Resolve struct {
	Text string
}

func (o Resolve) apply(c *Change) error {
	if err := fits("text", o.Text); err != nil {
		return err
	}
	i := &c.Incident
	if !i.State.Active() {
		return c.refuse(true)
	}
	c.enter(Resolved)
	i.ResolvedAt = c.At
	if i.MitigatedAt.IsZero() {
		i.MitigatedAt = c.At
	}
	c.status(o.Text)
	c.note("incident.resolved", "text", o.Text)
	return nil
}

// Reopen says that it is not over after all. Reopening what was resolved asks
// for the review again.
type Reopen struct {
	Because string
}

func (o Reopen) apply(c *Change) error {
	if err := fits("because", o.Because); err != nil {
		return err
	}
	i := &c.Incident
	switch i.State {
	case Resolved:
		i.Opening++
		i.Review.By, i.Review.At = "", time.Time{}
	case Mitigated:
	default:
		return c.refuse(true)
	}
	c.enter(Open)
	i.MitigatedAt, i.ResolvedAt = time.Time{}, time.Time{}
	c.oweUpdate()
	c.note("incident.reopened", "because", o.Because)
	return nil
}

// Findings is what a person writes into the review.
type Findings struct {
	Summary   string
	RootCause string
}

func (f Findings) check() error {
	if err := fits("summary", f.Summary); err != nil {
		return err
	}
	return fits("root_cause", f.RootCause)
}

// SaveReview keeps what is known of summary and root cause.
type SaveReview struct {
	Review Findings
}

func (o SaveReview) apply(c *Change) error {
	if err := c.review(o.Review); err != nil {
		return err
	}
	c.note("incident.reviewed")
	return nil
}

func (c *Change) review(f Findings) error {
	if err := f.check(); err != nil {
		return err
	}
	c.Incident.Review = Review{Summary: f.Summary, RootCause: f.RootCause, By: c.By, At: c.At}
	return nil
}

// Close archives a resolved incident with its review. Review nil keeps what
// was saved. Action items that are not done go on reminding.
type Close struct {
	Review *Findings
}

func (o Close) apply(c *Change) error {
	i := &c.Incident
	if i.State != Resolved {
		return c.refuse(false)
	}
	if o.Review != nil {
		if err := c.review(*o.Review); err != nil {
			return err
		}
	}
	if missing := i.Review.missing(); i.NeedsReview() && len(missing) > 0 {
		return &ReviewMissingError{ID: i.ID, Severity: i.Severity, Missing: missing}
	}
	c.enter(Closed)
	i.EndedAt = c.At
	c.note("incident.closed")
	return nil
}

// Cancel says that it was no incident, and why.
type Cancel struct {
	Reason string
}

func (o Cancel) apply(c *Change) error {
	if err := needText("reason", o.Reason); err != nil {
		return err
	}
	i := &c.Incident
	c.enter(Cancelled)
	i.EndedAt, i.Reason = c.At, o.Reason
	c.note("incident.cancelled", "reason", o.Reason)
	return nil
}

// Note adds a text to the timeline. It is no update.
type Note struct {
	Text string
}

func (o Note) apply(c *Change) error {
	if err := needText("text", o.Text); err != nil {
		return err
	}
	c.note("incident.noted", "text", o.Text)
	return nil
}

// SetSeverity changes how bad the impact is.
type SetSeverity struct {
	Severity Severity
}

func (o SetSeverity) apply(c *Change) error {
	i := &c.Incident
	if !o.Severity.Valid() {
		return invalid("severity", "found %q, expected SEV1, SEV2, SEV3 or SEV4", o.Severity)
	}
	if o.Severity == i.Severity {
		return nil
	}
	c.note("incident.severity_changed", "from", string(i.Severity), "to", string(o.Severity))
	i.Severity = o.Severity
	return nil
}

// AddEvent adds an event and the service that it is about. One that the
// incident holds already changes nothing.
type AddEvent struct {
	Event   event.ID
	Service string
}

func (o AddEvent) apply(c *Change) error {
	i := &c.Incident
	if _, err := o.Event.Number(); err != nil {
		return invalid("event", "%v", err)
	}
	if i.Holds(o.Event) {
		return nil
	}
	if len(i.Events) == MaxEvents {
		return invalid("event", "the incident holds %d events already", MaxEvents)
	}
	i.Events = append(i.Events, o.Event)
	if o.Service != "" && !slices.Contains(i.Services, o.Service) {
		i.Services = append(i.Services, o.Service)
		slices.Sort(i.Services)
	}
	c.Claims = append(c.Claims, o.Event)
	c.note("incident.event_added", "event", string(o.Event), "service", o.Service)
	return nil
}

// AssignRole gives a role to a member; Member "" takes it away. It wakes
// nobody: whoever has the role when a reminder is due gets it.
type AssignRole struct {
	Role   Role
	Member string
}

func (o AssignRole) apply(c *Change) error {
	i := &c.Incident
	before, had := i.Roles[o.Role]
	switch {
	case !catalog.ValidName(string(o.Role)):
		return invalid("role", "expected 1 to %d of a-z, 0-9 and -, not beginning with -", catalog.MaxName)
	case o.Member == before:
		return nil
	case o.Member == "":
		delete(i.Roles, o.Role)
	case !catalog.ValidName(o.Member):
		return invalid("member", "expected the name of a member")
	case !had && len(i.Roles) == MaxRoles:
		return invalid("role", "the incident has %d roles already", MaxRoles)
	default:
		if i.Roles == nil {
			i.Roles = map[Role]string{}
		}
		i.Roles[o.Role] = o.Member
	}
	c.note("incident.role_assigned", "role", string(o.Role), "member", o.Member, "before", before)
	return nil
}

// AddAction adds an action item. Owner "" leaves it to the commander; the zero
// Due never reminds.
type AddAction struct {
	Text  string
	Owner string
	Due   time.Time
}

func (o AddAction) apply(c *Change) error {
	i := &c.Incident
	if err := needText("text", o.Text); err != nil {
		return err
	}
	if o.Owner != "" && !catalog.ValidName(o.Owner) {
		return invalid("owner", "expected the name of a member")
	}
	if len(i.Actions) == MaxActions {
		return invalid("action", "the incident has %d action items already", MaxActions)
	}
	a := Action{Number: len(i.Actions) + 1, Text: o.Text, Owner: o.Owner, Due: o.Due}
	i.Actions = append(i.Actions, a)
	c.Wake = c.Wake || !o.Due.IsZero() // it may be due before all else
	pairs := []string{"action", fmt.Sprint(a.Number), "text", a.Text, "owner", a.Owner}
	if !a.Due.IsZero() {
		pairs = append(pairs, "due", a.Due.UTC().Format(time.RFC3339))
	}
	c.note("incident.action_added", pairs...)
	return nil
}

// CompleteAction marks an action item as done; once done it stays so.
type CompleteAction struct {
	Number int
}

func (o CompleteAction) apply(c *Change) error {
	i := &c.Incident
	if o.Number < 1 || o.Number > len(i.Actions) {
		return fault.New(fault.NotFound, "incident %s has no action item %d", i.ID, o.Number)
	}
	a := &i.Actions[o.Number-1]
	if a.Done() {
		return nil
	}
	a.DoneAt, a.DoneBy = c.At, c.By
	c.Wake = c.Wake || i.State == Closed // nothing may be left to wait for
	c.note("incident.action_done", "action", fmt.Sprint(a.Number))
	return nil
}

// RemindUpdate asks for the update that is missing. It is the lifecycle's own
// write and wakes nobody.
type RemindUpdate struct {
	Messages []outbox.Message
	Who      string // names, for the timeline; "" it reached nobody
	WhyNot   string
}

func (o RemindUpdate) apply(c *Change) error {
	i := &c.Incident
	if next := i.RemindUpdateAt(); next.IsZero() || c.At.Before(next) {
		return c.refuse(true)
	}
	i.UpdateAskedAt = c.At
	i.UpdateReminders++
	c.Messages = append(c.Messages, o.Messages...)
	c.note("incident.update_asked", "who", o.Who, "why_not", o.WhyNot)
	return nil
}

// RemindActions reminds of the action items whose reminder is due. It is the
// lifecycle's own write and wakes nobody.
type RemindActions struct {
	Messages []outbox.Message
	Who      string
	WhyNot   string
}

func (o RemindActions) apply(c *Change) error {
	i := &c.Incident
	if next := i.RemindActionsAt(); next.IsZero() || c.At.Before(next) {
		return c.refuse(true)
	}
	for n := range i.Actions {
		if next := i.Actions[n].RemindAt(); !next.IsZero() && !c.At.Before(next) {
			i.Actions[n].RemindedAt = c.At
		}
	}
	i.ActionReminders++
	c.Messages = append(c.Messages, o.Messages...)
	c.note("incident.actions_reminded", "who", o.Who, "why_not", o.WhyNot)
	return nil
}

// NextGeneration hands the incident over to a new execution.
type NextGeneration struct {
	Because string
	Failed  bool // the old one failed before it reached a wait
}

func (o NextGeneration) apply(c *Change) error {
	i := &c.Incident
	i.HandOver(c.At, o.Failed)
	c.Wake = true
	c.note("incident.execution_replaced", "because", o.Because, "generation", fmt.Sprint(i.Generation))
	return nil
}
