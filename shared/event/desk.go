package event

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tocsin/shared/ddb"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/outbox"
)

// Post hands messages to whoever sends them.
type Post interface {
	Send(ctx context.Context, messages []outbox.Message) error
}

// Desk does operations on events: it reads, applies, commits, and then tells
// the machine and the post. What it cannot tell them is not lost: the event's
// deadline and the messages' lead the sweeper to it.
type Desk struct {
	Store   *Store
	Machine execution.Machine
	Post    Post
	Now     func() time.Time
	Log     *slog.Logger
}

// tries bounds how often an operation is applied anew when the event was
// written meanwhile.
const tries = 12

// Do applies an operation to an event and commits it, again on the newest
// event while others write it. *StateError: the state forbids the operation.
// fault.NotFound: there is no such event.
func (d *Desk) Do(ctx context.Context, id ID, op Op, by Actor) (Event, error) {
	return d.DoWith(ctx, id, by, func(Event, time.Time) (Op, error) { return op, nil })
}

// DoWith is Do with an operation that is chosen on each reading of the event.
// A nil operation changes nothing.
func (d *Desk) DoWith(ctx context.Context, id ID, by Actor, choose func(Event, time.Time) (Op, error)) (Event, error) {
	var conflict error
	for try := range tries {
		e, err := d.Store.Get(ctx, id)
		if err != nil {
			return Event{}, err
		}
		at := d.Now()
		op, err := choose(e, at)
		if err != nil || op == nil {
			return e, err
		}
		change, err := Apply(e, op, by, at)
		if err != nil {
			return e, err
		}
		after, err := d.Commit(ctx, change)
		if !fault.Is(err, fault.Conflict) {
			return after, err
		}
		conflict = err
		if err := ddb.Pause(ctx, try); err != nil {
			return e, err
		}
	}
	return Event{}, fault.Wrap(fault.Unavailable, conflict, "event %s is written too often; try again", id)
}

// Commit writes a change and tells machine and post of it. A change that does
// nothing is not written.
func (d *Desk) Commit(ctx context.Context, c Change) (Event, error) {
	if len(c.Timeline) == 0 && len(c.Messages) == 0 && !c.Wake && c.Alert == nil {
		return c.Before, nil
	}
	c, err := d.resolveSlot(ctx, c)
	if err != nil {
		return c.Before, err
	}
	after, err := d.Store.Commit(ctx, c)
	if err != nil {
		return c.Before, err
	}
	d.tell(ctx, c, after)
	return after, nil
}

// resolveSlot finds out whether the slot that a reopening retakes is free.
// *SlotError: another event holds it.
func (d *Desk) resolveSlot(ctx context.Context, c Change) (Change, error) {
	if !c.Retake {
		return c, nil
	}
	holder, err := d.Holder(ctx, c.Event.Slot, c.At)
	if err != nil {
		return c, err
	}
	if holder.Held && holder.Event.ID != c.Event.ID {
		return c, &SlotError{Slot: c.Event.Slot, Holder: holder.Event.ID}
	}
	c.Over = holder.Named
	return c, nil
}

// Holder is the event that a slot leads to.
type Holder struct {
	Named Hold  // what the slot item names
	Event Event // the same or, following merges, the survivor
	Held  bool  // a new firing belongs to Event
}

// Holder reads what a slot leads to, consistently.
func (d *Desk) Holder(ctx context.Context, slot string, at time.Time) (Holder, error) {
	named, err := d.Store.SlotHolders(ctx, slot)
	if err != nil {
		return Holder{}, err
	}
	h := Holder{Named: named[slot]}
	if h.Named == (Hold{}) {
		return h, nil
	}
	h.Event, err = d.Follow(ctx, h.Named.Event)
	if fault.Is(err, fault.NotFound) {
		return Holder{Named: h.Named}, nil
	}
	h.Held = h.Event.HoldsSlot(at)
	return h, err
}

// Follow reads an event or, following merges, the one that survived it.
func (d *Desk) Follow(ctx context.Context, id ID) (Event, error) {
	for range mostMerges {
		e, err := d.Store.Get(ctx, id)
		if err != nil || e.MergedInto == "" {
			return e, err
		}
		id = e.MergedInto
	}
	return Event{}, fault.New(fault.Internal, "event %s was merged more than %d times", id, mostMerges)
}

// mostMerges bounds how long a chain of merges is followed.
const mostMerges = 100

// Open opens an event and starts its execution. Whoever commits an opening
// starts it once; a start that fails stays pending and never fails the
// opening. Errors are those of [Store.Open].
func (d *Desk) Open(ctx context.Context, o Opening) error {
	if err := d.Store.Open(ctx, o); err != nil {
		return err
	}
	d.Driver().Start(ctx, string(o.Event.ID), o.Event.Execution)
	return nil
}

// Driver starts and wakes the executions of events.
func (d *Desk) Driver() execution.Driver {
	return execution.Driver{Store: d.Store.Executions(), Machine: d.Machine, Now: d.Now, Log: d.Log}
}

func (d *Desk) tell(ctx context.Context, c Change, after Event) {
	if len(c.Messages) > 0 {
		if err := d.Post.Send(ctx, c.Messages); err != nil {
			d.Log.WarnContext(ctx, "messages not handed over", "event_id", after.ID, "messages", len(c.Messages), "err", err)
		}
	}
	d.Driver().Tell(ctx, string(after.ID), c.Before.Execution, after.Execution, c.Wake)
}

// CheckRecovered notes that all alerts of an open event are recovered, if a
// strong query of its members says so. The event is read before the query, and
// the note is refused when an alert joined since.
func (d *Desk) CheckRecovered(ctx context.Context, id ID) error {
	return d.checkRecovered(ctx, id, Recover{})
}

// CheckExpired is [Desk.CheckRecovered] after an alert that nobody repeated in
// time.
func (d *Desk) CheckExpired(ctx context.Context, id ID) error {
	return d.checkRecovered(ctx, id, Recover{Expired: true})
}

func (d *Desk) checkRecovered(ctx context.Context, id ID, op Recover) error {
	for try := range tries {
		e, err := d.Follow(ctx, id)
		if err != nil || !e.State.Open() || !e.RecoveredAt.IsZero() {
			return err
		}
		firing, err := d.Store.AnyFiring(ctx, e.ID)
		if err != nil || firing {
			return err
		}
		change, err := Apply(e, op, Self, d.Now())
		if err != nil {
			return err
		}
		if _, err = d.Commit(ctx, change); !fault.Is(err, fault.Conflict) {
			return err
		}
		if err := ddb.Pause(ctx, try); err != nil {
			return err
		}
	}
	return fault.New(fault.Unavailable, "event %s is written too often; try again", id)
}

// IsState returns the *StateError in err's chain.
func IsState(err error) (*StateError, bool) { return errors.AsType[*StateError](err) }
