package lifecycle

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
	"tocsin/shared/plan"
)

// What an incident needs beside [AwaitResolution], [StartNext] and [End]. The
// first two wait, the others are done at once by the engine itself.
const (
	AwaitMitigation Do = "await_mitigation" // open
	AwaitReview     Do = "await_review"     // resolved, or closed with action items that have a due date
	RemindUpdate    Do = "remind_update"    //
	RemindActions   Do = "remind_actions"   //
)

// IncidentStep is what an incident needs next.
type IncidentStep struct {
	Do    Do
	Until time.Time // of what waits: when to look again
}

// Waits reports whether the machine waits for this in a state of its own.
func (s IncidentStep) Waits() bool { return !s.Until.IsZero() }

// NextIncident returns what an incident needs at an instant. What is overdue
// is done, not waited for. It is pure.
func NextIncident(i incident.Incident, at time.Time) IncidentStep {
	update, actions := i.RemindUpdateAt(), i.RemindActionsAt()
	switch {
	case i.State.Ended() && actions.IsZero():
		return IncidentStep{Do: End}
	case reached(update, at):
		return IncidentStep{Do: RemindUpdate}
	case reached(actions, at):
		return IncidentStep{Do: RemindActions}
	case i.Wakes >= maxWakes || at.Sub(i.GenerationAt) >= maxAge:
		return IncidentStep{Do: StartNext}
	}
	s := wait(awaits(i.State), earlier(update, actions), at)
	return IncidentStep{Do: s.Do, Until: s.Until}
}

// awaits is the wait of a state.
func awaits(s incident.State) Do {
	switch s {
	case incident.Open:
		return AwaitMitigation
	case incident.Mitigated:
		return AwaitResolution
	}
	return AwaitReview
}

// reached reports whether a deadline, if there is one, has passed.
func reached(deadline, at time.Time) bool { return !deadline.IsZero() && !at.Before(deadline) }

// earlier returns the first of two deadlines; the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Events reads an event or, following merges, the one that survived it.
type Events interface {
	Follow(ctx context.Context, id event.ID) (event.Event, error)
}

// IncidentEngine does what [NextIncident] decides, as [Engine] does for
// events. It is safe for concurrent use.
type IncidentEngine struct {
	Desk     *incident.Desk
	Events   Events
	Config   Config
	Contacts Contacts
	Log      *slog.Logger
	Now      func() time.Time
}

// Evaluate does what the incident needs at this moment and returns what to
// wait for. An execution of another generation than the incident's has nothing
// to do.
func (g *IncidentEngine) Evaluate(ctx context.Context, id incident.ID, generation int) (Verdict, error) {
	for range steps {
		i, step, err := g.next(ctx, id)
		if err != nil {
			return Verdict{}, err
		}
		if generation != AnyGeneration && i.Generation != generation {
			return Verdict{Next: End, WaitSeconds: 1}, nil
		}
		if step.Waits() || step.Do == StartNext || step.Do == End {
			return g.verdict(ctx, i, step)
		}
		if err := g.act(ctx, i, step); err != nil {
			return Verdict{}, err
		}
	}
	return Verdict{}, fault.New(fault.Internal, "incident %s: no end of steps", id)
}

// next reads the incident and decides.
func (g *IncidentEngine) next(ctx context.Context, id incident.ID) (incident.Incident, IncidentStep, error) {
	i, err := g.Desk.Store.Get(ctx, id)
	if err != nil {
		return i, IncidentStep{}, err
	}
	return i, NextIncident(i, g.Now()), nil
}

func (g *IncidentEngine) verdict(ctx context.Context, i incident.Incident, s IncidentStep) (Verdict, error) {
	if s.Do == End && !i.Due.IsZero() {
		if err := g.Desk.Store.SetDue(ctx, i, time.Time{}); err != nil {
			return Verdict{}, err
		}
	}
	return Verdict{Next: s.Do, WaitSeconds: Seconds(s.Until, g.Now())}, nil
}

// Enter is the task of a waiting state: it parks the token until the
// incident's next deadline. When the incident needs something else by now, or
// earlier than the state's timer ends, the machine is woken at once.
func (g *IncidentEngine) Enter(ctx context.Context, id incident.ID, generation int, w Wait) error {
	i, step, err := g.next(ctx, id)
	if err != nil {
		return err
	}
	if i.Generation == generation && step.Do == w.State && step.Waits() && !w.tooLong(step.Until, g.Now()) {
		parked, err := g.Desk.Store.Park(ctx, i, w.Token, step.Until)
		if parked || err != nil {
			return err
		}
	}
	return g.Desk.Machine.Wake(ctx, w.Token)
}

// Repair does what an overdue incident needs without a machine, and then wakes
// the machine so that it looks again. It is the sweeper's evaluation. The
// incident's new deadline becomes its entry in the index.
func (g *IncidentEngine) Repair(ctx context.Context, id incident.ID) (Verdict, error) {
	v, err := g.Evaluate(ctx, id, AnyGeneration)
	if err != nil {
		return v, err
	}
	i, step, err := g.next(ctx, id)
	if err != nil {
		return v, err
	}
	if step.Waits() {
		err = g.Desk.Store.SetDue(ctx, i, step.Until)
	}
	g.Desk.Wake(ctx, i)
	return Verdict{Next: step.Do, WaitSeconds: Seconds(step.Until, g.Now())}, err
}

// StartNext hands the incident over to a new execution.
func (g *IncidentEngine) StartNext(ctx context.Context, id incident.ID, generation int) error {
	_, err := g.Desk.DoWith(ctx, id, event.Self, func(i incident.Incident, _ time.Time) (incident.Op, error) {
		if i.Generation != generation {
			return nil, nil
		}
		return incident.NextGeneration{Because: "the execution is handed over"}, nil
	})
	return err
}

// act does one of the steps that need no state of their own. Losing against
// another writer is normal: the caller reads and decides again.
func (g *IncidentEngine) act(ctx context.Context, i incident.Incident, s IncidentStep) error {
	var op incident.Op
	var err error
	at := g.Now()
	switch s.Do {
	case RemindUpdate:
		op, err = g.remindUpdate(ctx, i, at)
	case RemindActions:
		op, err = g.remindActions(ctx, i, at)
	default:
		err = fault.New(fault.Internal, "incident %s: unknown step %q", i.ID, s.Do)
	}
	if err != nil {
		return err
	}
	change, err := incident.Apply(i, op, event.Self, at)
	if err != nil {
		return err
	}
	_, err = g.Desk.Commit(ctx, change)
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// remindUpdate asks the commander for the missing update; where nobody is
// reached that way, whoever owns the newest event that can be reached.
func (g *IncidentEngine) remindUpdate(ctx context.Context, i incident.Incident, at time.Time) (incident.Op, error) {
	told, err := g.tell(ctx, i, i.UpdateKey(), []plan.Target{{Member: i.Roles[incident.Commander]}}, at)
	if err != nil {
		return nil, err
	}
	for n := len(i.Events) - 1; n >= 0 && len(told.Messages) == 0; n-- {
		e, err := g.Events.Follow(ctx, i.Events[n])
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		instead, err := g.tell(ctx, i, i.UpdateKey(), []plan.Target{recorder(e)}, at)
		if err != nil {
			return nil, err
		}
		instead.WhyNot = append(told.WhyNot, instead.WhyNot...)
		told = instead
	}
	g.complain(ctx, i, told)
	return incident.RemindUpdate{Messages: told.Messages, Who: strings.Join(told.Who, ", "), WhyNot: reasons(told.WhyNot)}, nil
}

// remindActions reminds the owners of the action items whose time has come,
// each once for all of theirs.
func (g *IncidentEngine) remindActions(ctx context.Context, i incident.Incident, at time.Time) (incident.Op, error) {
	var owners []plan.Target
	for _, a := range i.Actions {
		if reached(a.RemindAt(), at) {
			owners = append(owners, plan.Target{Member: i.ActionOwner(a)})
		}
	}
	told, err := g.tell(ctx, i, i.ActionsKey(), owners, at)
	if err != nil {
		return nil, err
	}
	g.complain(ctx, i, told)
	return incident.RemindActions{Messages: told.Messages, Who: strings.Join(told.Who, ", "), WhyNot: reasons(told.WhyNot)}, nil
}

// tell returns the messages to the members behind targets; one that names
// nobody reaches nobody.
func (g *IncidentEngine) tell(ctx context.Context, i incident.Incident, k outbox.Key, targets []plan.Target, at time.Time) (page.Told, error) {
	var named []plan.Target
	for _, t := range targets {
		if t != (plan.Target{}) {
			named = append(named, t)
		}
	}
	people, missing, err := (&Engine{Config: g.Config, Contacts: g.Contacts}).people(ctx, named)
	if err != nil {
		return page.Told{}, err
	}
	told := page.Tell(page.Step{Key: k, Opening: i.Opening, Test: i.Test}, people, at)
	told.Messages = told.Messages[:min(len(told.Messages), inTransaction)] // a reminder to so many is heard
	told.WhyNot = append(told.WhyNot, missing...)
	if len(named) == 0 {
		told.WhyNot = append(told.WhyNot, "nobody is named")
	}
	return told, nil
}

// reasons joins reasons without repeating any.
func reasons(why []string) string {
	var once []string
	for _, w := range why {
		if !slices.Contains(once, w) {
			once = append(once, w)
		}
	}
	return strings.Join(once, "; ")
}

// complain calls a person: a reminder that reaches nobody is noted and tried
// again at its next time.
func (g *IncidentEngine) complain(ctx context.Context, i incident.Incident, told page.Told) {
	if len(told.Messages) == 0 {
		g.Log.ErrorContext(ctx, "a reminder of the incident reaches nobody", "incident_id", i.ID, "why", told.WhyNot)
	}
}
