package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
	"tocsin/shared/incident"
	"tocsin/shared/lifecycle"
	"tocsin/shared/machine"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
)

type sweeper struct {
	desk      *event.Desk
	alerts    *alert.Store
	outbox    *outbox.Store
	machine   *machine.Client // of events
	crises    *machine.Client // of incidents
	queue     *queue.Sender
	engine    *lifecycle.Engine
	incidents *lifecycle.IncidentEngine
	events    ddb.Table
	journal   ddb.Table

	heartbeats heartbeat.Teller

	log     *slog.Logger
	metrics *telemetry.Metrics
	now     func() time.Time
}

// overdue is how long after its deadline an event is the sweeper's business:
// until then its execution is expected to act.
const overdue = 30 * time.Second

// most bounds what one sweep takes from one shard; the next sweep goes on.
const most = 1000

// repair is one message of the queue of repairs: an entry of the index of
// deadlines, by its key.
type repair struct {
	V    int    `json:"v"`
	Kind string `json:"kind"`
	PK   string `json:"pk"`
	SK   string `json:"sk"`
}

// sweep reads the index of deadlines and hands each overdue entry to the queue.
// What fails of heartbeats is no reason to leave the rest.
func (s *sweeper) sweep(ctx context.Context) error {
	silent, failed := s.overdueHeartbeats(ctx)
	found, err := s.handOut(nil, heartbeat.DueKind, silent)
	if err != nil {
		return err
	}
	for _, look := range []struct {
		table ddb.Table
		kind  string
		until time.Time
	}{
		{s.events, event.DueKind, s.now().Add(-overdue)},
		{s.events, incident.DueKind, s.now().Add(-overdue)},
		{s.events, alert.DueKind, s.now()},
		{s.events, heartbeat.OwedKind, s.now()},
		{s.journal, outbox.DueKind, s.now()},
	} {
		items, err := look.table.Due(ctx, look.kind, clock.Format(look.until), most)
		if err != nil {
			return err
		}
		if found, err = s.handOut(found, look.kind, items); err != nil {
			return err
		}
	}
	s.metrics.Add("Sweeps", 1)
	s.log.InfoContext(ctx, "swept", "overdue", len(found))
	return errors.Join(failed, s.queue.SendAll(ctx, found))
}

// handOut adds a message for each overdue entry of a kind.
func (s *sweeper) handOut(found []queue.Entry, kind string, items []ddb.Item) ([]queue.Entry, error) {
	for _, item := range items {
		body, err := json.Marshal(repair{V: 1, Kind: kind, PK: ddb.Text(item, ddb.PK), SK: ddb.Text(item, ddb.SK)})
		if err != nil {
			return nil, err
		}
		found = append(found, queue.Entry{Body: string(body), Group: kind})
	}
	reason, _, _ := strings.Cut(kind, "-") // one series for all that is of heartbeats
	s.metrics.Add("Overdue", len(items), telemetry.Reason(reason))
	return found, nil
}

// repairMessage repairs one entry.
func (s *sweeper) repairMessage(ctx context.Context, m queue.Message) error {
	var r repair
	if err := json.Unmarshal([]byte(m.Body), &r); err != nil || r.V != 1 {
		return fault.Wrap(fault.Invalid, err, "the message names no overdue entry")
	}
	_, id, _ := strings.Cut(r.PK, "#")
	switch r.Kind {
	case event.DueKind:
		return s.repairExecution(ctx, s.event(id))
	case incident.DueKind:
		return s.repairExecution(ctx, s.incident(id))
	case alert.DueKind:
		return s.expireAlert(ctx, alert.ID(id))
	case heartbeat.DueKind, heartbeat.OwedKind:
		return s.settleHeartbeat(ctx, heartbeat.ID(id))
	case outbox.DueKind:
		_, message, _ := strings.Cut(r.SK, "#")
		return s.repostMessage(ctx, id, message)
	case page.FailedStepKind:
		return s.failStep(ctx, m.Body)
	}
	return fault.New(fault.Invalid, "kind %q is not one that this release sweeps", r.Kind)
}

func (s *sweeper) repaired(ctx context.Context, kind string, err error) error {
	if err == nil {
		s.metrics.Add("Repaired", 1, telemetry.Reason(kind))
	}
	return err
}

// failStep runs the next step of an event when the present one reached nobody:
// the notifier, which saw it, may not write events.
func (s *sweeper) failStep(ctx context.Context, body string) error {
	f, err := page.ParseFailedStep(body)
	if err != nil {
		return err
	}
	_, err = s.desk.Do(ctx, event.ID(f.Event), f.Op(), event.Self)
	if _, over := event.IsState(err); over || fault.Is(err, fault.NotFound) {
		return nil
	}
	return s.repaired(ctx, page.FailedStepKind, err)
}

// expireAlert ends a firing alert that nobody reported again in time, and lets
// its event know.
func (s *sweeper) expireAlert(ctx context.Context, id alert.ID) error {
	found, err := s.alerts.Get(ctx, id)
	if err != nil {
		return err
	}
	st, ok := found[id]
	if !ok {
		return nil
	}
	expired, due := st.Expire(s.now())
	switch {
	case due:
		if err := s.alerts.Put(ctx, &expired); err != nil {
			return err
		}
	case !expired.Expired: // else it was ended before, and its event may not know yet
		return nil
	}
	if expired.Event != "" {
		err = s.desk.CheckExpired(ctx, event.ID(expired.Event))
	}
	return s.repaired(ctx, "alert_expired", err)
}

// again is when a message that was handed over once more is looked at next.
const again = time.Minute

// repostMessage hands a message over again that nobody claimed in time, or
// whose claim ended without a result.
func (s *sweeper) repostMessage(ctx context.Context, eventID, id string) error {
	m, err := s.outbox.Get(ctx, eventID, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || m.Final() || m.Due.After(s.now()) {
		return err
	}
	m.Due = s.now().Add(again)
	if err := s.outbox.Put(ctx, &m); err != nil {
		if fault.Is(err, fault.Conflict) {
			return nil // somebody works on it
		}
		return err
	}
	return s.repaired(ctx, "message", s.desk.Post.Send(ctx, []outbox.Message{m}))
}
