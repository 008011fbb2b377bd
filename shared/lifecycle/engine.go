package lifecycle

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
	"tocsin/shared/plan"
)

// Incidents opens the incident of a promoted event, once.
type Incidents interface {
	OpenFor(ctx context.Context, e event.Event, at time.Time) (id string, err error)
}

// Engine does what [Next] decides. It is safe for concurrent use: every write
// is conditional, and losing a race means reading again.
type Engine struct {
	Desk   *event.Desk
	Outbox *outbox.Store
	People
	Incidents Incidents
	Log       *slog.Logger
	Now       func() time.Time
}

// Life is an event as its executions drive it.
func (g *Engine) Life(id event.ID) Life {
	return Life{
		Driver: g.Desk.Driver(), ID: string(id),
		look: func(ctx context.Context) (turn, error) { return g.look(ctx, id) },
		read: func(ctx context.Context) (Standing, error) {
			e, err := g.Desk.Store.Get(ctx, id)
			return Standing{Execution: e.Execution, Done: done(e)}, err
		},
		handOver: func(ctx context.Context, h Handover) error {
			_, err := g.Desk.DoWith(ctx, id, event.Self, func(e event.Event, _ time.Time) (event.Op, error) {
				if e.Generation != h.From {
					return nil, nil
				}
				return event.NextGeneration{Because: h.Because, Failed: h.Failed}, nil
			})
			return err
		},
	}
}

// look reads the event and decides.
func (g *Engine) look(ctx context.Context, id event.ID) (turn, error) {
	e, err := g.Desk.Store.Get(ctx, id)
	if err != nil {
		return turn{}, err
	}
	p, err := g.planOf(ctx, e)
	if err != nil {
		return turn{}, err
	}
	t := turn{Execution: e.Execution, Step: Next(e, p, g.Now())}
	if t.ends = t.Until; t.Do == Page && !t.waits() {
		t.ends = g.Now().Add(waitOf(p, t.Progress) + margin)
	}
	t.act = func(ctx context.Context) error { return g.do(ctx, e, t.Step) }
	return t, nil
}

// planOf reads the plan that the event keeps; only an open event needs it.
func (g *Engine) planOf(ctx context.Context, e event.Event) (plan.Plan, error) {
	if e.State != event.Triggered {
		return plan.Plan{}, nil
	}
	return g.Config.Plan(ctx, e.ConfigVersion, e.Plan)
}

// margin lets the timer of a step, which begins before its task sets the
// deadline, end after it.
const margin = time.Second

func waitOf(p plan.Plan, at event.Progress) time.Duration {
	if at.Stage == event.StageAssignee {
		return plan.Step{}.WaitOrDefault()
	}
	return p.At(plan.Progress{Round: at.Round, Step: at.Step}).WaitOrDefault()
}

// do does a step.
func (g *Engine) do(ctx context.Context, e event.Event, s Step) error {
	switch s.Do {
	case Page:
		return g.page(ctx, e, s)
	case OpenIncident:
		return g.OpenIncident(ctx, e.ID, e.Generation)
	}
	return g.act(ctx, e, s)
}

// act does one of the steps that need no state of their own.
func (g *Engine) act(ctx context.Context, e event.Event, s Step) error {
	switch s.Do {
	case ExpireAck:
		return g.commit(ctx, e, event.ExpireAcknowledgement{})
	case EndSnooze:
		return g.commit(ctx, e, event.Awake{})
	case ResolveRecovered:
		return g.resolveRecovered(ctx, e)
	case EndTest:
		return g.commit(ctx, e, event.EndTest{})
	case CloseUnattended:
		return g.commit(ctx, e, event.CloseByItself{})
	case TellEnd:
		return g.tellEnd(ctx, e)
	case TellSubscribers:
		return g.tellSubscribers(ctx, e)
	case AskForRecord:
		return g.askForRecord(ctx, e)
	}
	return fault.New(fault.Internal, "event %s: unknown step %q", e.ID, s.Do)
}

// commit applies op to the event as read. Losing against another writer is
// normal: the caller reads and decides again.
func (g *Engine) commit(ctx context.Context, e event.Event, op event.Op) error {
	change, err := event.Apply(e, op, event.Self, g.Now())
	if err != nil {
		return err
	}
	_, err = g.Desk.Commit(ctx, change)
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// resolveRecovered resolves after the quiet time, unless a strong query of the
// members finds one that fires after all.
func (g *Engine) resolveRecovered(ctx context.Context, e event.Event) error {
	firing, err := g.Desk.Store.AnyFiring(ctx, e.ID)
	if err != nil {
		return err
	}
	if firing {
		return g.commit(ctx, e, event.Refire{})
	}
	return g.commit(ctx, e, event.ResolveByRecovery{})
}

// page tells the people of a step. A step that reaches nobody is noted, and
// the next one is due at once; the last resort stays hourly.
func (g *Engine) page(ctx context.Context, e event.Event, s Step) error {
	p, err := g.planOf(ctx, e)
	if err != nil {
		return err
	}
	at := g.Now()
	progress := s.Progress
	progress.PagedAt = at
	progress.Deadline = at.Add(waitOf(p, progress))
	told, err := g.tell(ctx, e, p, progress, at)
	if err != nil {
		return err
	}
	if len(told.Messages) == 0 && progress.Stage != event.StageLastResort {
		progress.Deadline = at
	}
	if len(told.Messages) == 0 && progress.Stage == event.StageLastResort {
		g.Log.ErrorContext(ctx, "the last resort reaches nobody", "event_id", e.ID, "why", told.WhyNot)
	}
	return g.commitWith(ctx, e, told.Messages, func(messages []outbox.Message) event.Op {
		return event.Paged{
			Progress: progress, Messages: messages,
			Who: strings.Join(told.Who, ", "), WhyNot: strings.Join(told.WhyNot, "; "),
		}
	})
}

func (g *Engine) tell(ctx context.Context, e event.Event, p plan.Plan, at event.Progress, now time.Time) (page.Told, error) {
	targets, channels, reason := targetsOf(e, p, at)
	people, missing, err := g.Behind(ctx, targets)
	if err != nil {
		return page.Told{}, err
	}
	next, err := g.forecast(ctx, e, p, at)
	if err != nil {
		return page.Told{}, err
	}
	told := page.Tell(page.Step{
		Key:     outbox.Key{Event: string(e.ID), Cycle: e.Cycle, Reason: reason, Stage: string(at.Stage), Step: at.Step, Round: at.Round},
		Opening: e.Opening, Channels: channels, Next: next, Since: e.Since, Test: e.Test,
	}, people, now)
	told.WhyNot = append(told.WhyNot, missing...)
	return told, nil
}

func targetsOf(e event.Event, p plan.Plan, at event.Progress) ([]plan.Target, []string, outbox.Reason) {
	if at.Stage == event.StageAssignee {
		return []plan.Target{{Member: e.Assignee.Member, Team: e.Assignee.Team}}, nil, outbox.Page
	}
	step := p.At(plan.Progress{Round: at.Round, Step: at.Step})
	if at.Stage == event.StageLastResort {
		return step.Targets, step.Channels, outbox.LastResort
	}
	return step.Targets, step.Channels, outbox.Page
}

// forecast says what happens after a step if nobody acts.
func (g *Engine) forecast(ctx context.Context, e event.Event, p plan.Plan, now event.Progress) (outbox.Forecast, error) {
	if e.Test {
		return outbox.Forecast{}, nil
	}
	e.Progress = now
	next := after(e, p)
	f := outbox.Forecast{What: "step", At: now.Deadline}
	switch {
	case next.Stage == event.StageLastResort:
		f.What = "last_resort"
	case next.Round > now.Round && now.Stage == event.StagePlan:
		f.What = "repeat"
	}
	targets, _, _ := targetsOf(e, p, next)
	for _, t := range targets {
		members, err := g.Config.Members(ctx, t)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return f, err
		}
		for _, m := range members {
			f.Who = append(f.Who, nameOf(m))
		}
	}
	return f, nil
}

// inTransaction is how many messages one transaction takes beside the event
// and its timeline.
const inTransaction = 80

// commitWith commits an operation with its messages. Where they are more than
// one transaction takes, all are written before it, idempotently by key: when
// it fails, the next try writes the same, and those who were told were meant.
func (g *Engine) commitWith(ctx context.Context, e event.Event, messages []outbox.Message, op func([]outbox.Message) event.Op) error {
	within, beyond := messages, []outbox.Message(nil)
	if len(messages) > inTransaction {
		within, beyond = nil, messages
	}
	for _, m := range beyond {
		if _, err := g.Outbox.Add(ctx, m); err != nil {
			return err
		}
	}
	if err := g.commit(ctx, e, op(within)); err != nil || len(beyond) == 0 {
		return err
	}
	return g.Desk.Post.Send(ctx, beyond)
}

// tellEnd tells everyone once to whom a page of this opening was sent or may
// have been, and those subscribers who are not among them.
func (g *Engine) tellEnd(ctx context.Context, e event.Event) error {
	sent, err := g.paged(ctx, e)
	if err != nil {
		return err
	}
	at := g.Now()
	var messages []outbox.Message
	told := map[string]bool{}
	for _, m := range sent {
		if told[m.Member+"\x00"+m.Contact] {
			continue
		}
		told[m.Member+"\x00"+m.Contact] = true
		messages = append(messages, endOf(e, m, at))
	}
	others, err := g.subscribersBeside(ctx, e, messages, at)
	if err != nil {
		return err
	}
	messages = append(messages, others...)
	return g.commitWith(ctx, e, messages, func(m []outbox.Message) event.Op { return event.TellAllClear{Messages: m} })
}

// paged reads the pages of the present opening that were sent or may have
// been, also those of events that were merged into this one.
func (g *Engine) paged(ctx context.Context, e event.Event) ([]outbox.Message, error) {
	members, err := g.Desk.Store.Members(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	var reached []outbox.Message
	for id := range members {
		of := e
		if id != e.ID {
			if of, err = g.Desk.Store.Get(ctx, id); err != nil {
				return nil, err
			}
		}
		sent, err := g.Outbox.OfEvent(ctx, string(id))
		if err != nil {
			return nil, err
		}
		for _, m := range sent {
			if m.Reason.Pages() && m.Opening == of.Opening && m.Reached() {
				reached = append(reached, m)
			}
		}
	}
	return reached, nil
}

func endOf(e event.Event, paged outbox.Message, at time.Time) outbox.Message {
	m := outbox.New(outbox.Key{
		Event: string(e.ID), Cycle: e.Opening, Reason: outbox.Ended, Member: paged.Member, Contact: paged.Contact,
	}, paged.Channel, at)
	m.Opening, m.Test, m.Others = e.Opening, e.Test, paged.Others
	return m
}

// askForRecord reminds the owner, or else whoever resolved the event, or the
// assignee, that the record is missing.
func (g *Engine) askForRecord(ctx context.Context, e event.Event) error {
	people, _, err := g.Behind(ctx, []plan.Target{recorder(e)})
	if err != nil {
		return err
	}
	at := g.Now()
	told := page.Tell(page.Step{
		Key:     outbox.Key{Event: string(e.ID), Cycle: e.Opening, Reason: outbox.Record, Round: int(at.Sub(e.ResolvedAt) / recordAgain)},
		Opening: e.Opening, Test: e.Test,
	}, people, at)
	return g.commitWith(ctx, e, told.Messages, func(m []outbox.Message) event.Op { return event.AskRecord{Messages: m} })
}

func recorder(e event.Event) plan.Target {
	if e.Owner != "" {
		return plan.Target{Member: e.Owner}
	}
	if member, ok := e.ResolvedBy.Member(); ok {
		return plan.Target{Member: member}
	}
	return plan.Target{Member: e.Assignee.Member, Team: e.Assignee.Team}
}

// OpenIncident opens the incident that a person asked for.
func (g *Engine) OpenIncident(ctx context.Context, id event.ID, generation int) error {
	e, err := g.Desk.Store.Get(ctx, id)
	if err != nil || e.Generation != generation || e.PromotedBy == "" || e.Incident != "" {
		return err
	}
	incident, err := g.Incidents.OpenFor(ctx, e, g.Now())
	if err != nil {
		return err
	}
	_, err = g.Desk.Do(ctx, id, event.JoinIncident{Incident: incident}, event.Self)
	return err
}
