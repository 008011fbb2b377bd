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

// NextIncident returns what an incident needs at an instant. What is overdue
// is done, not waited for. It is pure.
func NextIncident(i incident.Incident, at time.Time) Step {
	update, actions := i.RemindUpdateAt(), i.RemindActionsAt()
	switch {
	case over(i):
		return Step{Do: End}
	case reached(update, at):
		return Step{Do: RemindUpdate}
	case reached(actions, at):
		return Step{Do: RemindActions}
	case aged(i.Execution, at):
		return Step{Do: StartNext}
	}
	return wait(awaits(i.State), earlier(update, actions), at)
}

// over reports whether nothing is left to do for an incident.
func over(i incident.Incident) bool { return i.State.Ended() && i.RemindActionsAt().IsZero() }

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
	Desk   *incident.Desk
	Events Events
	People
	Log *slog.Logger
	Now func() time.Time
}

// Life is an incident as its executions drive it.
func (g *IncidentEngine) Life(id incident.ID) Life {
	return Life{
		Driver: g.Desk.Driver(), ID: string(id),
		look: func(ctx context.Context) (turn, error) {
			i, err := g.Desk.Store.Get(ctx, id)
			if err != nil {
				return turn{}, err
			}
			t := turn{Execution: i.Execution, Step: NextIncident(i, g.Now())}
			t.ends = t.Until
			t.act = func(ctx context.Context) error { return g.act(ctx, i, t.Step) }
			return t, nil
		},
		read: func(ctx context.Context) (Standing, error) {
			i, err := g.Desk.Store.Get(ctx, id)
			return Standing{Execution: i.Execution, Done: over(i)}, err
		},
		handOver: func(ctx context.Context, h Handover) error {
			_, err := g.Desk.DoWith(ctx, id, event.Self, func(i incident.Incident, _ time.Time) (incident.Op, error) {
				if i.Generation != h.From {
					return nil, nil
				}
				return incident.NextGeneration{Because: h.Because, Failed: h.Failed}, nil
			})
			return err
		},
	}
}

// act does one of the steps that need no state of their own. Losing against
// another writer is normal: the caller reads and decides again.
func (g *IncidentEngine) act(ctx context.Context, i incident.Incident, s Step) error {
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
	people, missing, err := g.Behind(ctx, named)
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
