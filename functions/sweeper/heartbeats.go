package main

import (
	"context"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
)

// overdueHeartbeats returns the heartbeats to be looked at one by one: those
// that are overdue, unless so many at once that their path is broken. The guard
// takes its census before any of them is handed out.
func (s *sweeper) overdueHeartbeats(ctx context.Context) ([]ddb.Item, error) {
	at := s.now()
	due, err := s.events.Due(ctx, heartbeat.DueKind, clock.Format(at), most)
	if err != nil {
		return nil, err
	}
	path, err := s.heartbeats.Store.Path(ctx)
	if err != nil || len(due) == 0 && path.Since.IsZero() {
		return nil, err
	}
	all, err := s.heartbeats.Store.List(ctx) // consistently: an index that lags makes no broken path
	if err != nil {
		return nil, err
	}
	census := heartbeat.Count(all, at)
	held := map[heartbeat.ID]bool{}
	switch path.Judge(census, at) {
	case heartbeat.Holds:
		for _, h := range census.Overdue {
			held[h.ID] = true
		}
		err = s.pathBroken(ctx, path, census)
	case heartbeat.Recovers:
		held, err = s.pathWorks(ctx, path, census)
	}
	if err != nil {
		return nil, err
	}
	var tell []ddb.Item
	for _, h := range all {
		if h.Overdue(at) && !held[h.ID] && len(tell) < most {
			tell = append(tell, heartbeat.Key(h.ID))
		}
	}
	return tell, nil
}

// pathBroken writes that the path is broken, or that more are lost than was
// told, before it says so, and says so again where it is not known that the
// queue has it.
func (s *sweeper) pathBroken(ctx context.Context, path heartbeat.Path, c heartbeat.Census) error {
	next := path.Next(c, s.now())
	if next != path {
		if err := s.heartbeats.Store.SetPath(ctx, path, next); err != nil {
			return unlessOther(err)
		}
	}
	if next.Told {
		return nil
	}
	s.log.ErrorContext(ctx, "heartbeats are not arriving", "lost", c.Lost, "heard", c.Heard)
	if err := s.heartbeats.Send(ctx, next.Report(c)); err != nil {
		return err
	}
	told := next
	told.Told = true
	return unlessOther(s.heartbeats.Store.SetPath(ctx, next, told))
}

// pathWorks awaits anew what was held back and has a turn soon, before it says
// that the path works again. It returns what it spared.
func (s *sweeper) pathWorks(ctx context.Context, path heartbeat.Path, c heartbeat.Census) (spared map[heartbeat.ID]bool, err error) {
	at := s.now()
	spared = map[heartbeat.ID]bool{}
	for _, h := range c.Overdue {
		if !h.HasTurn(at) {
			continue
		}
		spared[h.ID] = true
		if err := unlessOther(s.heartbeats.Store.Spare(ctx, h, at)); err != nil {
			return nil, err
		}
	}
	if err := s.heartbeats.Send(ctx, path.Recovery(c, at)); err != nil {
		return nil, err
	}
	return spared, unlessOther(s.heartbeats.Store.SetPath(ctx, path, heartbeat.Path{}))
}

// unlessOther lets a sweep that overlaps with another, or with a ping, leave
// the rest to it.
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
