package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/decide"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/ledger"
	"tocsin/shared/rule"
)

// round disposes of reports of different alerts. What loses a race is marked
// errAgain; an error returned concerns all that have no disposition.
func (r *router) round(ctx context.Context, config decide.Config, reports []*report) error {
	if err := r.load(ctx, reports); err != nil {
		return err
	}
	slots := map[string][]*report{}
	var recovered events
	each(reports, func(rep *report) {
		switch todo := rep.classify(config, r.now()); todo {
		case disposed:
		case record:
			r.record(ctx, rep, &recovered)
		case request:
			r.request(ctx, rep)
		case raise:
			r.raise(ctx, rep)
		case file:
			r.file(ctx, rep)
		}
	})
	for _, rep := range reports {
		if rep.done == nil && rep.err == nil {
			slots[rep.decision.Slot] = append(slots[rep.decision.Slot], rep)
		}
	}
	r.finishJoins(ctx, reports)
	r.fillSlots(ctx, slots)
	for _, rep := range reports {
		if rep.done != nil && rep.left != "" {
			recovered.list = append(recovered.list, rep.left)
		}
	}
	if err := r.checkRecovered(ctx, recovered.list); err != nil {
		for _, rep := range reports {
			rep.undo()
		}
		return err
	}
	return nil
}

// load reads the alerts, and the events to which they are attached.
func (r *router) load(ctx context.Context, reports []*report) error {
	ids := make([]alert.ID, len(reports))
	for i, rep := range reports {
		ids[i] = rep.id
	}
	states, err := r.alerts.Get(ctx, ids...)
	if err != nil {
		return err
	}
	var attached []event.ID
	for _, st := range states {
		if st.Event != "" {
			attached = append(attached, event.ID(st.Event))
		}
	}
	slices.Sort(attached)
	found, err := r.desk.Store.GetMany(ctx, slices.Compact(attached)...)
	if err != nil {
		return err
	}
	for _, rep := range reports {
		rep.state, rep.event, rep.decision, rep.left = states[rep.id], event.Event{}, decide.Decision{}, ""
		if rep.state.Rev == 0 {
			rep.state = alert.State{ID: rep.id, Integration: rep.delivery.Integration}
		}
		if rep.event = found[event.ID(rep.state.Event)]; rep.event.MergedInto != "" {
			if rep.event, err = r.desk.Follow(ctx, rep.event.MergedInto); err != nil {
				return err
			}
		}
	}
	return nil
}

// todo is what a report needs after it was compared with what is known.
type todo uint8

const (
	disposed todo = iota // nothing
	record               // the alert is written, its event stays
	request              // a request on the event
	raise                // the alert is written and its event may be raised
	file                 // the alert is written without an event
	fill                 // its slot is opened, joined or reopened
)

// classify compares a report with what is known and decides it where rules
// decide: a new episode, an unattached firing, or a changed severity.
func (rep *report) classify(config decide.Config, now time.Time) todo {
	if taken, ok := rep.state.TakenFrom(rep.delivery.ID, rep.position); ok {
		rep.unfold()
		return rep.repeatTaken(config, taken)
	}
	meaning := rep.state.Meaning(&rep.alert, rep.received)
	switch meaning {
	case alert.Late:
		rep.unfold()
		rep.dispose(ledger.Late, rep.event.ID, "received before the newest report of this alert")
		return disposed
	case alert.Requests:
		if rep.early(now) {
			rep.err = errEarly
			return disposed
		}
		return request
	case alert.Recovers, alert.StaysOver:
		return record
	}
	attached := rep.event.ID != "" && rep.event.HoldsSlot(rep.received)
	if meaning == alert.Repeats && attached && (rep.event.State.Open() || rep.event.ByPerson()) {
		return rep.repeat()
	}
	rep.decide(config)
	switch {
	case meaning == alert.Changes && attached && rep.event.State.Open():
		if rep.decision.Outcome != rule.Open {
			return record // it stays where it is, and nobody is paged
		}
		return raise
	case meaning == alert.Changes && attached && rep.event.ByPerson():
		return record
	}
	return rep.outcome()
}

func (rep *report) decide(config decide.Config) {
	rep.decision = decide.Decide(config, &rep.alert, decide.Facts{Integration: rep.delivery.Integration, Service: rep.delivery.Service})
	rep.alert.Priority = rep.decision.Priority
}

// outcome does what the rules decided.
func (rep *report) outcome() todo {
	switch rep.decision.Outcome {
	case rule.Discard:
		rep.dispose(ledger.Discarded, "")
		return disposed
	case rule.Keep:
		return file
	}
	return fill
}

// repeatTaken gives a report that was taken before the same answer, and does
// to its end what may be missing. A join whose event is not open any more is
// decided again: nobody was told of it yet, and twice beats never.
func (rep *report) repeatTaken(config decide.Config, t alert.Taken) todo {
	kind := ledger.Kind(t.Disposition)
	if kind == ledger.Joined && rep.state.Firing() { // else a later report ended it, and told the event
		rep.decide(config)
		if !rep.event.State.Open() {
			return rep.outcome()
		}
	}
	rep.dispose(kind, event.ID(t.Event), "delivered again")
	rep.left = event.ID(t.Left)
	if kind == ledger.Joined && rep.state.Firing() || kind == ledger.Recovered {
		return record
	}
	return disposed
}

// repeat leaves a repeat unwritten when nothing would change.
func (rep *report) repeat() todo {
	if rep.event.State.Open() && !rep.state.NeedsRefresh(&rep.alert, rep.received) {
		rep.dispose(ledger.Repeated, rep.event.ID)
		return disposed
	}
	return record
}

// record writes a report that moves neither attachment nor event: a recovery,
// a repeat that must be remembered, or the rest of a join cut short.
func (r *router) record(ctx context.Context, rep *report, recovered *events) {
	if rep.done != nil {
		finishTaken(rep, recovered)
		return
	}
	kind := ledger.Repeated
	meaning := rep.state.Meaning(&rep.alert, rep.received)
	if meaning == alert.Recovers || rep.state.Rev == 0 {
		kind = ledger.Recovered
	}
	if !r.write(ctx, rep, kind, rep.state.Event) {
		return
	}
	rep.dispose(kind, rep.event.ID)
	if kind == ledger.Recovered {
		recovered.add(rep.event)
	}
}

// finishTaken does the rest of what a redelivered report began.
func finishTaken(rep *report, recovered *events) {
	if rep.done.Kind == ledger.Recovered {
		recovered.add(rep.event)
		return
	}
	rep.rejoin = true
}

// finishJoins tells events of joins that were taken before and may have been
// cut short. They were counted then, or are by the recount.
func (r *router) finishJoins(ctx context.Context, reports []*report) {
	joins := map[event.ID][]*report{}
	for _, rep := range reports {
		if rep.rejoin {
			joins[rep.event.ID] = append(joins[rep.event.ID], rep)
			rep.rejoin = false
		}
	}
	for _, group := range joins {
		open, err := r.joined(ctx, group[0].event, group, 0)
		if err == nil && !open {
			err = errAgain
		}
		if err == nil {
			err = r.desk.Store.Recount(ctx, group[0].event.ID)
		}
		if err == nil {
			continue
		}
		for _, rep := range group {
			rep.undo()
			rep.fail(err)
		}
	}
}

// write takes the report into the alert's state, attached to eventID.
func (r *router) write(ctx context.Context, rep *report, kind ledger.Kind, eventID string) bool {
	st := rep.next(kind, eventID)
	if err := r.alerts.Put(ctx, &st); err != nil {
		rep.fail(err)
		return false
	}
	return true
}

// next returns the alert's state after the report.
func (rep *report) next(kind ledger.Kind, eventID string) alert.State {
	st := rep.state.Take(rep.alert, rep.received)
	st.Event = eventID
	if rep.decision.Rule != "" {
		st.Rule, st.Why = rep.decision.Rule, rep.decision.Reasons
	}
	rep.left = rep.leaves(eventID)
	st.Record(alert.Taken{
		Delivery: rep.delivery.ID, Position: rep.position, Disposition: string(kind), Event: eventID, Left: string(rep.left),
	})
	return st
}

// leaves returns the open event from which the report takes its alert, for
// another or for none. It is noted with the alert, because after a redelivery
// nobody else knows that its recovery is still to be looked at.
func (rep *report) leaves(to string) event.ID {
	if rep.event.State.Open() && string(rep.event.ID) != to && rep.state.Event != to {
		return rep.event.ID
	}
	taken, _ := rep.state.TakenFrom(rep.delivery.ID, rep.position)
	return event.ID(taken.Left)
}

// raise writes a firing whose severity changed, and raises its event when the
// rules now say so. It joins nothing: the alert stays with its event.
func (r *router) raise(ctx context.Context, rep *report) {
	kind := ledger.Repeated
	if rep.decision.Priority.Higher(rep.event.Priority) {
		kind = ledger.Joined
	}
	if !r.write(ctx, rep, kind, rep.state.Event) { // not the survivor of a merge: the membership stands there
		return
	}
	stays, err := r.refire(ctx, rep.event.ID, rep.decision.Priority, rep.alert.Title)
	if err != nil {
		rep.fail(err)
		return
	}
	if !stays && kind == ledger.Joined {
		rep.err = errAgain
		return
	}
	rep.dispose(kind, rep.event.ID)
}

// file writes a firing that a rule keeps without an event.
func (r *router) file(ctx context.Context, rep *report) {
	if r.write(ctx, rep, ledger.Kept, "") {
		rep.dispose(ledger.Kept, "")
	}
}

// refire makes sure that an open event knows that an alert fires, and raises
// it to a higher priority. It reports false when the event is not open.
func (r *router) refire(ctx context.Context, id event.ID, p alert.Priority, because string) (bool, error) {
	e, err := r.desk.DoWith(ctx, id, event.Self, func(e event.Event, _ timeOf) (event.Op, error) {
		if !e.State.Open() {
			return nil, nil
		}
		return event.All{event.Refire{}, event.Raise{Priority: p, Because: because}}, nil
	})
	return e.State.Open(), err
}

// checkRecovered looks whether the events have firing alerts left.
func (r *router) checkRecovered(ctx context.Context, ids []event.ID) error {
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if err := r.desk.CheckRecovered(ctx, id); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// events collects ids of events from concurrent reports.
type events struct {
	mu   sync.Mutex
	list []event.ID
}

func (l *events) add(e event.Event) {
	if e.ID == "" || !e.State.Open() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, e.ID)
}

// parallel is how many alerts are written at once.
const parallel = 16

// each runs f for every item, several at once.
func each[T any](items []T, f func(T)) {
	var wg sync.WaitGroup
	gate := make(chan struct{}, parallel)
	for _, item := range items {
		wg.Add(1)
		gate <- struct{}{}
		go func() {
			defer wg.Done()
			defer func() { <-gate }()
			f(item)
		}()
	}
	wg.Wait()
}
