package event

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
)

// MaxSplit bounds the alerts that are split off at once: each takes two items
// of a transaction, which has room for 100.
const MaxSplit = 40

// Attach gives an open event a firing alert that no other event works on. The
// alert is written on condition that it is still as it was read, so it never
// gets into two open events.
type Attach struct {
	Alert alert.State // as read
}

func (o Attach) apply(c *Change) error {
	e := &c.Event
	if !e.State.Open() {
		return c.refuse(false)
	}
	if !o.Alert.Firing() {
		return fault.New(fault.Conflict, "alert %s does not fire", o.Alert.ID)
	}
	st := o.Alert
	st.Event = string(e.ID)
	c.Alert = &st
	c.note("event.alert_attached", "alert", string(st.ID), "title", st.Alert.Title)
	return Refire{}.apply(c)
}

// Attach gives an open event a firing alert that is attached to none, or to
// one that is over. fault.NotFound: there is no such event or alert.
// fault.Conflict: the alert does not fire, or another event works on it.
func (d *Desk) Attach(ctx context.Context, id ID, a alert.ID, by Actor) (Event, error) {
	return d.DoWith(ctx, id, by, func(e Event, at time.Time) (Op, error) {
		found, err := d.Store.Alerts.Get(ctx, a)
		if err != nil {
			return nil, err
		}
		st, ok := found[a]
		if !ok {
			return nil, fault.New(fault.NotFound, "alert %s does not exist", a)
		}
		if st.Event != "" {
			holder, err := d.Follow(ctx, ID(st.Event))
			switch {
			case fault.Is(err, fault.NotFound):
			case err != nil:
				return nil, err
			case holder.ID == id && e.State.Open():
				return nil, nil
			case holder.HoldsSlot(at):
				return nil, fault.New(fault.Conflict, "alert %s belongs to event %s, which is %s", a, holder.ID, holder.State)
			}
		}
		return Attach{Alert: st}, nil
	})
}

// Part is what is split off an event: an event of its own with alerts that
// were attached to the old one.
type Part struct {
	Event    Event
	Alerts   []alert.State // as read, each with its attachment to Event set
	Timeline []Item
}

// Split makes some alerts of an open event an event of their own, in the same
// service and with an execution of its own. The slot stays with the old event.
type Split struct {
	ID       ID            // of the new event
	Alerts   []alert.State // as read, at least one of which fires
	Title    string        // of the new event; "" that of its first alert
	Priority alert.Priority
	Assignee Assignee
}

func (o Split) apply(c *Change) error {
	e := &c.Event
	if !e.State.Open() {
		return c.refuse(false)
	}
	first, fires := o.first()
	if !fires {
		return fault.New(fault.Conflict, "none of the alerts fires")
	}
	c.Part = &Part{Event: o.event(e, first, c.At), Alerts: make([]alert.State, len(o.Alerts))}
	for i, st := range o.Alerts {
		st.Event = string(o.ID)
		c.Part.Alerts[i] = st
	}
	n := fmt.Sprint(len(o.Alerts))
	c.Part.Timeline = []Item{{At: c.At, By: c.By, What: "event.opened", Data: map[string]string{
		"because": "split from " + string(e.ID), "alerts": n, "priority": string(c.Part.Event.Priority),
	}}}
	c.SameMembers = true
	c.note("event.split", "into", string(o.ID), "alerts", n)
	return nil
}

// first returns the alert after which the new event is named: the first one
// that fires.
func (o Split) first() (alert.State, bool) {
	for _, st := range o.Alerts {
		if st.Firing() {
			return st, true
		}
	}
	return alert.State{}, false
}

func (o Split) event(from *Event, first alert.State, at time.Time) Event {
	a := &first.Alert
	e := Event{
		ID: o.ID, State: Triggered, Title: o.Title, Description: a.Description, Priority: o.Priority,
		Service: from.Service, Assignee: o.Assignee, Source: a.Source, Integration: first.Integration, Labels: a.Labels, Links: a.Links,
		Test: from.Test, Rule: from.Rule, ConfigVersion: from.ConfigVersion, Plan: from.Plan, Recovery: from.Recovery,
		Why: []string{"split from " + string(from.ID)}, SplitFrom: from.ID,
		Execution: execution.First(at), Cycle: 1, Opening: 1, OpenedAt: at, TriggeredAt: at,
	}
	if e.Title == "" {
		e.Title = a.Title
	}
	if e.Priority == "" {
		e.Priority = from.Priority
	}
	return e
}

// SplitOff is what [Desk.Split] is asked for.
type SplitOff struct {
	Alerts   []alert.ID
	Title    string         // "": that of the first alert that fires
	Priority alert.Priority // "": that of the old event
	Assignee Assignee
}

// Split does [Split] and starts the new event's execution. It returns the new
// event. fault.Invalid: an alert is not one of the event's, or none would be
// left to it.
func (d *Desk) Split(ctx context.Context, id ID, o SplitOff, by Actor) (Event, error) {
	fresh, err := d.Store.NextID(ctx)
	if err != nil {
		return Event{}, err
	}
	_, err = d.DoWith(ctx, id, by, func(Event, time.Time) (Op, error) {
		alerts, err := d.toSplit(ctx, id, o.Alerts)
		return Split{ID: fresh, Alerts: alerts, Title: o.Title, Priority: o.Priority, Assignee: o.Assignee}, err
	})
	if err != nil {
		return Event{}, err
	}
	// What is left of the old event may be over. A check that fails leaves it
	// paging, which somebody notices.
	if err := d.CheckRecovered(ctx, id); err != nil {
		d.Log.ErrorContext(ctx, "recovery not looked at after a split", "event_id", id, "err", err)
	}
	opened, err := d.Store.Get(ctx, fresh)
	if err != nil {
		return Event{}, err
	}
	d.Driver().Start(ctx, string(fresh), opened.Execution)
	return opened, nil
}

// toSplit reads those alerts of an event that are to leave it.
func (d *Desk) toSplit(ctx context.Context, id ID, wanted []alert.ID) ([]alert.State, error) {
	attached, err := d.attached(ctx, id)
	if err != nil {
		return nil, err
	}
	var bad fault.Problems
	alerts := make([]alert.State, 0, len(wanted))
	for i, a := range wanted {
		st, ok := attached[a]
		switch {
		case slices.Contains(wanted[:i], a):
			bad.Add("alerts", "names %s twice", a)
		case !ok:
			bad.Add("alerts", "alert %s does not belong to event %s", a, id)
		}
		alerts = append(alerts, st)
	}
	switch {
	case len(wanted) == 0 || len(wanted) > MaxSplit:
		bad.Add("alerts", "names %d alerts, expected 1 to %d", len(wanted), MaxSplit)
	case len(wanted) >= len(attached):
		bad.Add("alerts", "leaves event %s no alert", id)
	}
	return alerts, bad.Err("the event cannot be split so")
}

// attached reads the alerts that belong to an event: those whose attachment
// names it, or an event merged into it, that they joined.
func (d *Desk) attached(ctx context.Context, id ID) (map[alert.ID]alert.State, error) {
	members, err := d.Store.Members(ctx, id)
	if err != nil {
		return nil, err
	}
	attached := map[alert.ID]alert.State{}
	for at, ids := range members {
		states, err := d.Store.Alerts.Get(ctx, ids...)
		if err != nil {
			return nil, err
		}
		for a, st := range states {
			if st.Event == string(at) {
				attached[a] = st
			}
		}
	}
	return attached, nil
}

// part opens the event that is split off, in the transaction of the split.
func (t *transaction) part(alerts *alert.Store, p Part, at time.Time) error {
	e := p.Event
	e.Execution = e.Opened(at)
	e.LastAlertAt, e.AlertCount = at, len(p.Alerts)
	item, err := encodeNew(e)
	if err != nil {
		return err
	}
	t.put(item, "attribute_not_exists(pk)", nil, nil)
	for _, st := range p.Alerts {
		if err := t.attach(alerts, st); err != nil {
			return err
		}
		t.put(member(e.ID, st.ID, at), "", nil, nil)
	}
	t.timeline(e.ID, e.Rev, p.Timeline)
	return nil
}
