package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/machine"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
	"tocsin/shared/plan"
	"tocsin/shared/telemetry"
)

// deadAfter is how many generations in a row may fail before they reach a wait
// until the last resort is told; repair goes on every deadEvery.
const (
	deadAfter = 3
	deadEvery = 10 * time.Minute
)

// repairEvent does what an overdue event needs itself, and makes sure that an
// execution drives it again.
func (s *sweeper) repairEvent(ctx context.Context, id event.ID) error {
	e, err := s.desk.Store.Get(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if fault.Is(err, fault.Internal) {
		return s.repaired(ctx, "unreadable", s.tellDead(ctx, id))
	}
	if err != nil || e.Due.IsZero() || e.Due.After(s.now().Add(-overdue)) {
		return err
	}
	status, how, err := s.machine.Describe(ctx, e.ExecutionName())
	if err != nil {
		return err
	}
	s.log.InfoContext(ctx, "event repaired", "event_id", id, "execution", string(status), "how", how, "generation", e.Generation)
	switch {
	case status == machine.Running || e.State == event.Closed && !e.OweAllClear:
		_, err := s.engine.Repair(ctx, id)
		return s.repaired(ctx, "timer", err)
	case status == machine.Absent:
		if e, err = s.meanwhile(ctx, e); err != nil {
			return err
		}
		s.desk.Start(ctx, e)
		return s.repaired(ctx, "start", s.desk.Store.SetDue(ctx, e, s.now().Add(overdue)))
	}
	return s.replaceExecution(ctx, e, how)
}

// meanwhile does what is overdue of an event that no execution drives, and
// returns the event as it is then: the execution is only a timer. That it
// fails keeps no execution from being started.
func (s *sweeper) meanwhile(ctx context.Context, e event.Event) (event.Event, error) {
	if _, err := s.engine.Repair(ctx, e.ID); err != nil {
		s.log.WarnContext(ctx, "overdue event not evaluated", "event_id", e.ID, "err", err)
	}
	return s.desk.Store.Get(ctx, e.ID)
}

// replaceExecution starts the next generation of an event whose execution is
// over, and does meanwhile what is overdue.
func (s *sweeper) replaceExecution(ctx context.Context, e event.Event, how string) error {
	failed := e.Wakes == 0 // it never reached a wait
	dead := failed && e.Failures >= deadAfter-1
	if _, err := s.meanwhile(ctx, e); err != nil {
		return err
	}
	_, err := s.desk.DoWith(ctx, e.ID, event.Self, func(now event.Event, _ time.Time) (event.Op, error) {
		if now.Generation != e.Generation {
			return nil, nil
		}
		return event.NextGeneration{Because: how, Failed: failed}, nil
	})
	if err != nil {
		return err
	}
	if dead {
		if err := s.tellDead(ctx, e.ID); err != nil {
			return err
		}
		return s.repaired(ctx, "dead", s.later(ctx, e.ID, deadEvery))
	}
	return s.repaired(ctx, "execution", nil)
}

// repairIncident does for an incident what repairEvent does for an event.
func (s *sweeper) repairIncident(ctx context.Context, id incident.ID) error {
	desk := s.incidents.Desk
	i, err := desk.Store.Get(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || i.Due.IsZero() || i.Due.After(s.now().Add(-overdue)) {
		return err
	}
	status, how, err := s.crises.Describe(ctx, i.ExecutionName())
	if err != nil {
		return err
	}
	if status == machine.Running || status == machine.Over && i.State.Ended() {
		_, err := s.incidents.Repair(ctx, id)
		return s.repaired(ctx, "timer", err)
	}
	if _, err := s.incidents.Repair(ctx, id); err != nil { // the execution is only a timer
		s.log.WarnContext(ctx, "overdue incident not evaluated", "incident_id", id, "err", err)
	}
	if i, err = desk.Store.Get(ctx, id); err != nil {
		return err
	}
	if status == machine.Absent {
		desk.Start(ctx, i)
		return s.repaired(ctx, "start", desk.Store.SetDue(ctx, i, s.now().Add(overdue)))
	}
	_, err = desk.DoWith(ctx, id, event.Self, func(now incident.Incident, _ time.Time) (incident.Op, error) {
		if now.Generation != i.Generation {
			return nil, nil
		}
		return incident.NextGeneration{Because: how, Failed: i.Wakes == 0}, nil
	})
	return s.repaired(ctx, "execution", err)
}

func (s *sweeper) later(ctx context.Context, id event.ID, pause time.Duration) error {
	e, err := s.desk.Store.Get(ctx, id)
	if err != nil {
		return err
	}
	return s.desk.Store.SetDue(ctx, e, s.now().Add(pause-overdue))
}

// tellDead pages the last resort of the default plan that an event cannot be
// kept alive, once an hour. It needs nothing of the event but its id.
func (s *sweeper) tellDead(ctx context.Context, id event.ID) error {
	s.metrics.Add("EventsDead", 1)
	s.log.ErrorContext(ctx, "event cannot be kept alive", "event_id", id)
	at := s.now()
	people, err := s.lastResort(ctx)
	if err != nil {
		return err
	}
	told := page.Tell(page.Step{
		Key: outbox.Key{Event: string(id), Reason: outbox.Dead, Stage: string(event.StageLastResort), Round: int(at.Unix() / 3600)},
	}, people, at)
	for _, m := range told.Messages {
		m.Subject = "Tocsin cannot keep event " + string(id) + " alive"
		if _, err := s.outbox.Add(ctx, m); err != nil {
			return err
		}
	}
	return s.desk.Post.Send(ctx, told.Messages)
}

func (s *sweeper) lastResort(ctx context.Context) ([]page.Person, error) {
	p, err := s.people.Plan(ctx, 0, defaults.Plan)
	if err != nil {
		return nil, err
	}
	var people []page.Person
	for _, t := range append(p.LastResort, plan.Target{Member: defaults.Administrator}) {
		members, err := s.people.Members(ctx, t)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		for _, m := range members {
			contacts, err := s.contacts.List(ctx, m.Name)
			if err != nil {
				return nil, err
			}
			people = append(people, page.Person{Member: m.Name, Name: m.Name, Contacts: contacts})
		}
	}
	return people, nil
}

// executionEnded takes the service's notice that an execution failed, timed
// out or was stopped: its event is due at once, unless it is one that cannot
// be kept alive, whose repair goes on at its own pace.
func (s *sweeper) executionEnded(ctx context.Context, name, status string) error {
	id, generation, ok := executionOf(name)
	s.metrics.Add("ExecutionsFailed", 1, telemetry.Reason(strings.ToLower(status)))
	s.log.ErrorContext(ctx, "execution ended badly", "execution", name, "status", status)
	due := s.now().Add(-overdue)
	switch {
	case ok && strings.HasPrefix(id, "E-"):
		if e, err := s.desk.Store.Get(ctx, event.ID(id)); err == nil && e.Failures >= deadAfter {
			due = s.now().Add(deadEvery - overdue)
		}
		return s.desk.Store.MarkExec(ctx, event.ID(id), generation, event.ExecDead, due)
	case ok && strings.HasPrefix(id, "I-"):
		return s.incidents.Desk.Store.MarkExec(ctx, incident.ID(id), generation, event.ExecDead, due)
	}
	return nil
}

// executionOf splits the name of an execution into the event and the
// generation that it names.
func executionOf(name string) (id string, generation int, ok bool) {
	i := strings.LastIndex(name, "-g")
	if i < 0 {
		return "", 0, false
	}
	generation, err := strconv.Atoi(name[i+2:])
	return name[:i], generation, err == nil
}
