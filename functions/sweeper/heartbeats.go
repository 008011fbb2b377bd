package main

import (
	"context"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
	"tocsin/shared/intake"
)

// overdueHeartbeats returns the heartbeats to be looked at one by one: those
// whose deadline has passed, unless so many at once that their path is broken.
// The guard counts before any of them is handed out. While the path is broken
// one alert says so, and they wait.
func (s *sweeper) overdueHeartbeats(ctx context.Context) ([]ddb.Item, error) {
	at := s.now()
	due, err := s.events.Due(ctx, heartbeat.DueKind, clock.Format(at), most)
	if err != nil {
		return nil, err
	}
	path, err := s.heartbeats.Store.Path(ctx)
	if err != nil {
		return nil, err
	}
	since := at
	if !path.Since.IsZero() {
		since = path.Since
	}
	census, names, err := s.heartbeats.Store.Count(ctx, due, since, at)
	switch {
	case err != nil:
		return nil, err
	case census.Broken():
		return nil, s.pathBroken(ctx, path, census, names)
	case !path.Since.IsZero():
		return due, s.pathWorks(ctx, path)
	}
	return due, nil
}

// pathBroken writes that the path is broken before it says so, and says so
// again where it is not known that the queue has it.
func (s *sweeper) pathBroken(ctx context.Context, path heartbeat.Path, c heartbeat.Census, names []string) error {
	if path.Told {
		return nil
	}
	if path.Since.IsZero() {
		broken := heartbeat.Path{Since: s.now()}
		if err := s.heartbeats.Store.SetPath(ctx, path, broken); err != nil {
			return unlessOther(err)
		}
		path = broken
	}
	s.log.ErrorContext(ctx, "heartbeats are not arriving", "overdue", c.Overdue, "armed", c.Armed)
	if err := s.tell(ctx, path.Report(c, names)); err != nil {
		return err
	}
	return unlessOther(s.heartbeats.Store.SetPath(ctx, path, heartbeat.Path{Since: path.Since, Told: true}))
}

func (s *sweeper) pathWorks(ctx context.Context, path heartbeat.Path) error {
	if err := s.tell(ctx, path.Recovery(s.now())); err != nil {
		return err
	}
	return unlessOther(s.heartbeats.Store.SetPath(ctx, path, heartbeat.Path{}))
}

// unlessOther lets a sweep that overlaps with another leave the rest to it.
func unlessOther(err error) error {
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// settleHeartbeat reads a heartbeat again, consistently, and tells what is owed
// about it: a miss only if it is still overdue.
func (s *sweeper) settleHeartbeat(ctx context.Context, id heartbeat.ID) error {
	h, err := s.heartbeats.Store.Get(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, told, err := s.heartbeats.Settle(ctx, h, s.now())
	for _, kind := range told {
		if kind == heartbeat.Missed {
			s.metrics.Add("HeartbeatsMissed", 1)
		}
	}
	if len(told) == 0 {
		return err
	}
	return s.repaired(ctx, "heartbeat", err)
}

// tell puts a report about heartbeats into the alerts queue.
func (s *sweeper) tell(ctx context.Context, r heartbeat.Report) error {
	d, err := intake.Own(r.ID, r.Service, r.At, r.Alert, r.Output)
	if err == nil {
		err = intake.SendOwn(ctx, s.alertsQueue, d)
	}
	if err == nil {
		s.metrics.Add("Accepted", len(d.Items))
	}
	return err
}
