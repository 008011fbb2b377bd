package incident

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/outbox"
)

// Post hands messages to whoever sends them.
type Post interface {
	Send(ctx context.Context, messages []outbox.Message) error
}

// Desk does operations on incidents: it reads, applies, commits, and then
// tells the machine and the post. What it cannot tell them is not lost: the
// incident's deadline and the messages' lead the sweeper to it.
type Desk struct {
	Store   *Store
	Machine execution.Machine
	Post    Post
	Now     func() time.Time
	Log     *slog.Logger
}

// tries bounds how often an operation is applied anew when the incident was
// written meanwhile.
const tries = 12

// Do applies an operation to an incident and commits it, again on the newest
// incident while others write it. *StateError, *ReviewMissingError, *HeldError
// and fault.Invalid: the operation is refused. fault.NotFound: there is no such
// incident, or no such action item.
func (d *Desk) Do(ctx context.Context, id ID, op Op, by event.Actor) (Incident, error) {
	return d.DoWith(ctx, id, by, func(Incident, time.Time) (Op, error) { return op, nil })
}

// DoWith is Do with an operation that is chosen on each reading of the
// incident. A nil operation changes nothing.
func (d *Desk) DoWith(ctx context.Context, id ID, by event.Actor, choose func(Incident, time.Time) (Op, error)) (Incident, error) {
	var conflict error
	for try := range tries {
		i, err := d.Store.Get(ctx, id)
		if err != nil {
			return Incident{}, err
		}
		at := d.Now()
		op, err := choose(i, at)
		if err != nil || op == nil {
			return i, err
		}
		change, err := Apply(i, op, by, at)
		if err != nil {
			return i, err
		}
		after, err := d.Commit(ctx, change)
		if !fault.Is(err, fault.Conflict) {
			return after, err
		}
		conflict = err
		if err := ddb.Pause(ctx, try); err != nil {
			return i, err
		}
	}
	return Incident{}, fault.Wrap(fault.Unavailable, conflict, "incident %s is written too often; try again", id)
}

// Commit writes a change and tells machine and post of it. A change that does
// nothing is not written.
func (d *Desk) Commit(ctx context.Context, c Change) (Incident, error) {
	if len(c.Timeline) == 0 && len(c.Messages) == 0 && !c.Wake {
		return c.Before, nil
	}
	after, err := d.Store.Commit(ctx, c)
	if err != nil {
		return c.Before, err
	}
	if len(c.Messages) > 0 {
		if err := d.Post.Send(ctx, c.Messages); err != nil {
			d.Log.WarnContext(ctx, "messages not handed over", "incident_id", after.ID, "messages", len(c.Messages), "err", err)
		}
	}
	d.Driver().Tell(ctx, string(after.ID), c.Before.Execution, after.Execution, c.Wake)
	return after, nil
}

// OpenFor opens the incident of an event, once: whatever became of an earlier
// attempt, there is one incident, and a retry returns it. Number apart, all is
// one transaction, so an attempt that ended halfway left only a gap in the
// numbers, or an incident whose execution is started now.
func (d *Desk) OpenFor(ctx context.Context, e event.Event, at time.Time) (string, error) {
	id, err := d.Store.Of(ctx, e.ID)
	if err != nil {
		return "", err
	}
	if id == "" {
		i, err := d.open(ctx, e, at)
		held, lost := errors.AsType[*HeldError](err)
		if !lost {
			return string(i.ID), err
		}
		id = held.Holder
	}
	i, err := d.Store.Get(ctx, id)
	if err != nil {
		return "", err
	}
	if i.Exec == execution.Pending {
		d.Driver().Start(ctx, string(i.ID), i.Execution)
	}
	return string(id), nil
}

func (d *Desk) open(ctx context.Context, e event.Event, at time.Time) (Incident, error) {
	id, err := d.Store.NextID(ctx)
	if err != nil {
		return Incident{}, err
	}
	opened := Opened(id, e, at)
	i, err := d.Store.Open(ctx, opened, []event.Item{{
		At: at, By: opened.OpenedBy, What: "incident.opened",
		Data: map[string]string{"event": string(e.ID), "severity": string(opened.Severity)},
	}}, at)
	if err != nil {
		return Incident{}, err
	}
	d.Driver().Start(ctx, string(i.ID), i.Execution)
	return i, nil
}

// Driver starts and wakes the executions of incidents.
func (d *Desk) Driver() execution.Driver {
	return execution.Driver{Store: d.Store.Executions(), Machine: d.Machine, Now: d.Now, Log: d.Log}
}
