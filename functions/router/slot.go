package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/ledger"
	"tocsin/shared/plan"
	"tocsin/shared/rule"
)

type timeOf = time.Time

// fillSlots gives every decided report an event, slot by slot.
func (r *router) fillSlots(ctx context.Context, slots map[string][]*report) {
	groups := make([][]*report, 0, len(slots))
	for _, reports := range slots {
		// The most urgent opens, so that the event needs no raise; of equals the
		// one that was received first.
		slices.SortStableFunc(reports, func(a, b *report) int {
			return cmp.Or(cmp.Compare(a.decision.Priority, b.decision.Priority), a.received.Compare(b.received), a.position-b.position)
		})
		groups = append(groups, reports)
	}
	each(groups, func(reports []*report) {
		if err := r.fillSlot(ctx, reports); err != nil {
			for _, rep := range reports {
				if rep.done == nil && rep.err == nil {
					rep.fail(err)
				}
			}
		}
	})
}

// fillSlot opens, reopens or joins the event of one slot with its reports.
// Losing the slot to another router is normal: its event is joined.
func (r *router) fillSlot(ctx context.Context, reports []*report) error {
	holder, err := r.desk.Holder(ctx, reports[0].decision.Slot, r.now())
	if err != nil {
		return err
	}
	first, rest := reports[0], reports[1:]
	e := holder.Event
	switch {
	case !holder.Held:
		e, err = r.open(ctx, first, holder.Named)
	case e.State == event.Resolved:
		e, err = r.reopen(ctx, first, e)
	default:
		rest = reports
	}
	if _, taken := errors.AsType[*event.SlotError](err); taken {
		return errAgain
	}
	if err != nil {
		return err
	}
	return r.join(ctx, e, rest)
}

// open opens a new event for a report. over is the former holder of the slot.
func (r *router) open(ctx context.Context, rep *report, over event.Hold) (event.Event, error) {
	id, err := r.desk.Store.NextID(ctx)
	if err != nil {
		return event.Event{}, err
	}
	at := r.now()
	e := rep.newEvent(id, at)
	e.Previous = cmp.Or(rep.event.ID, over.Event)
	st := rep.next(ledger.Opened, string(id))
	err = r.desk.Open(ctx, event.Opening{
		Event: e, Alert: &st, Over: over, At: at,
		Timeline: []event.Item{{At: at, By: event.ByRule(rep.decision.Rule), What: "event.opened", Data: map[string]string{
			"alert": string(rep.id), "delivery": rep.delivery.ID, "priority": string(e.Priority),
		}}},
	})
	if err != nil {
		return event.Event{}, err
	}
	rep.dispose(ledger.Opened, id)
	return e, nil
}

// newEvent makes the event that a report opens.
func (rep *report) newEvent(id event.ID, at time.Time) event.Event {
	a, d := &rep.alert, &rep.decision
	return event.Event{
		ID: id, State: event.Triggered, Title: a.Title, Description: a.Description, Priority: d.Priority,
		Service: d.Service, Assignee: assignee(d.Assignee, d.Named),
		Source: a.Source, Integration: rep.delivery.Integration, Labels: a.Labels, Links: a.Links,
		Rule: d.Rule, ConfigVersion: d.ConfigVersion, Plan: d.Plan, Recovery: recovery(d.Recovery), Why: d.Reasons, Slot: d.Slot,
		Since: rep.received, Execution: execution.First(at), Cycle: 1, Opening: 1, OpenedAt: at, TriggeredAt: at,
	}
}

func assignee(t plan.Target, named bool) event.Assignee {
	return event.Assignee{Member: t.Member, Team: t.Team, Named: named}
}

func recovery(said map[alert.Priority]rule.Recovery) map[alert.Priority]event.Recovery {
	out := make(map[alert.Priority]event.Recovery, len(said))
	for p, r := range said {
		out[p] = event.Recovery{ByHand: r.ByHand, Quiet: time.Duration(r.Quiet), Reopen: time.Duration(r.Reopen)}
	}
	return out
}

// reopen makes the resolved holder of the slot work again for a report.
func (r *router) reopen(ctx context.Context, rep *report, e event.Event) (event.Event, error) {
	st := rep.next(ledger.Reopened, string(e.ID))
	op := event.All{
		event.Reopen{Because: rep.alert.Title, Since: rep.received},
		event.Raise{Priority: rep.decision.Priority, Because: rep.alert.Title},
	}
	change, err := event.Apply(e, op, event.ByRule(rep.decision.Rule), r.now())
	if err != nil {
		return e, errAgain
	}
	change.Alert = &st
	after, err := r.desk.Commit(ctx, change)
	if err != nil {
		return e, err
	}
	rep.dispose(ledger.Reopened, e.ID)
	return after, nil
}

// join attaches reports to an open event: memberships, then the alerts
// themselves, then one plain update of the event, which is refused when it is
// no longer open; whoever is refused decides again.
func (r *router) join(ctx context.Context, e event.Event, reports []*report) error {
	if len(reports) == 0 {
		return nil
	}
	ids := make([]alert.ID, len(reports))
	for i, rep := range reports {
		ids[i] = rep.id
	}
	if err := r.desk.Store.AddMembers(ctx, e.ID, ids, r.now()); err != nil {
		return err
	}
	each(reports, func(rep *report) { r.write(ctx, rep, ledger.Joined, string(e.ID)) })
	reports = slices.DeleteFunc(slices.Clone(reports), func(rep *report) bool { return rep.err != nil })
	if len(reports) == 0 {
		return nil
	}
	open, err := r.joined(ctx, e, reports, len(reports))
	if err != nil {
		return err
	}
	if !open {
		return errAgain
	}
	for _, rep := range reports {
		rep.dispose(ledger.Joined, e.ID)
	}
	return nil
}

// joined tells the event of its joins, of which some are new, and raises it to
// the most urgent of them. It reports false when the event is not open any
// more.
func (r *router) joined(ctx context.Context, e event.Event, reports []*report, fresh int) (bool, error) {
	urgent := reports[0]
	for _, rep := range reports {
		if rep.decision.Priority.Higher(urgent.decision.Priority) {
			urgent = rep
		}
	}
	note := event.Item{At: later(urgent.received, e.OpenedAt), By: event.Self, What: "event.alerts_joined", Data: map[string]string{
		"alerts": fmt.Sprint(len(reports)), "delivery": urgent.delivery.ID, "title": urgent.alert.Title,
	}}
	ok, err := r.desk.Store.Joined(ctx, e.ID, fresh, note, urgent.delivery.ID+fmt.Sprint(urgent.position))
	if err != nil {
		return false, err
	}
	if ok && !urgent.decision.Priority.Higher(e.Priority) {
		return true, nil
	}
	open, err := r.refire(ctx, e.ID, urgent.decision.Priority, urgent.alert.Title)
	if err != nil || !open || ok {
		return open, err
	}
	ok, err = r.desk.Store.Joined(ctx, e.ID, fresh, note, urgent.delivery.ID+fmt.Sprint(urgent.position))
	if err != nil {
		return false, err
	}
	if !ok {
		return false, fault.New(fault.Unavailable, "event %s changes too fast to be joined", e.ID)
	}
	return true, nil
}

// later returns the later of two instants. The note of a join stands at one
// that a redelivery computes too, so that it is there once.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
