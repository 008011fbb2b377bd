package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/ledger"
)

// What a source itself does with its alert, like acknowledging it, is a request
// on the event that owns the alert. The queue keeps no order, and two routers
// take two batches at once, so a request may be here before its alert. It waits
// for a moment, and no longer: an acknowledgement that is lost pages somebody
// once more, one that comes into force minutes later silences what nobody
// works on.
const (
	earlyFor  = 3 * time.Second // since ingest accepted it
	earlyWait = 100 * time.Millisecond
	maxWaits  = int(earlyFor / earlyWait)
)

// errEarly says that a request waits for its alert.
var errEarly = errors.New("its alert does not fire yet")

// early reports whether the alert of a request may be on its way.
func (rep *report) early(now time.Time) bool {
	hasEvent := rep.event.ID != "" && (rep.event.State.Open() || rep.alert.Status == alert.Noted)
	return !hasEvent && !rep.state.Firing() && now.Sub(rep.received) < earlyFor && rep.waits < maxWaits
}

// await puts the requests of a round that wait behind the next report of their
// alerts. Where there is none they stay first of what is said of it; and where
// nothing else was done in the round, time passes.
func await(ctx context.Context, now, open []*report) []*report {
	waiting := 0
	for _, rep := range slices.Backward(now) {
		if !errors.Is(rep.err, errEarly) {
			continue
		}
		rep.err = nil
		next := slices.IndexFunc(open, func(o *report) bool { return o.id == rep.id && !o.alert.Status.Request() })
		if next < 0 {
			waiting++
			rep.waits++
		}
		open = slices.Insert(open, next+1, rep)
	}
	if waiting > 0 && waiting == len(now) {
		select {
		case <-time.After(earlyWait):
		case <-ctx.Done():
		}
	}
	return open
}

// request passes to the event what the source itself did with its alert.
func (r *router) request(ctx context.Context, rep *report) {
	if rep.event.ID == "" {
		rep.unowned()
		return
	}
	var kind ledger.Kind
	var why []string
	var err error
	switch rep.alert.Status {
	case alert.Acknowledged:
		kind = ledger.Acknowledged
		why, err = r.ask(ctx, rep, event.Triggered, event.Acknowledge{})
	case alert.Unacknowledged:
		kind = ledger.Unacknowledged
		why, err = r.ask(ctx, rep, event.AckedState, event.Unacknowledge{})
	case alert.Noted:
		kind, err = ledger.Noted, r.note(ctx, rep)
	}
	if err != nil {
		rep.fail(err)
		return
	}
	rep.dispose(kind, rep.event.ID, why...)
}

// unowned disposes of a request on an alert that no event owns.
func (rep *report) unowned() {
	asked := "the request of the source (" + string(rep.alert.Status) + ") changes nothing: "
	switch {
	case rep.state.Firing():
		rep.dispose(ledger.Kept, "", asked+"its alert is kept without an event")
	case rep.state.Rev > 0:
		rep.dispose(ledger.Late, "", asked+"its alert is over and had no event")
	default:
		rep.dispose(ledger.Late, "", asked+"nothing is known of its alert, which was not reported before or is discarded by a rule")
	}
}

// ask does an operation on the event if it is in the one state where it says
// something new, and else says why not.
func (r *router) ask(ctx context.Context, rep *report, in event.State, op event.Op) (why []string, err error) {
	state := rep.event.State
	if state == in {
		_, err = r.desk.Do(ctx, rep.event.ID, op, rep.sender())
		refused, late := event.IsState(err)
		if !late {
			return nil, err
		}
		state = refused.State
	}
	return []string{"the event was " + string(state) + " already, and stayed so"}, nil
}

// note puts a note of the source on the event's timeline, at an instant that
// a redelivery computes too, so that it is there once.
func (r *router) note(ctx context.Context, rep *report) error {
	item := event.Item{At: later(rep.received, rep.event.OpenedAt), By: rep.sender(), What: "event.noted", Data: map[string]string{"text": rep.alert.Description}}
	return r.desk.Store.Note(ctx, rep.event.ID, item, rep.delivery.ID+fmt.Sprint(rep.position))
}

// sender is the source as an actor.
func (rep *report) sender() event.Actor { return event.Actor("source:" + rep.alert.Source) }
