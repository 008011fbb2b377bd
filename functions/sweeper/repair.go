package main

import (
	"context"
	"errors"
	"strings"

	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/lifecycle"
	"tocsin/shared/machine"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
	"tocsin/shared/telemetry"
)

// driven is an event or incident, and the machine whose executions drive it.
type driven struct {
	lifecycle.Life
	machine *machine.Client
}

func (s *sweeper) event(id string) driven {
	return driven{s.engine.Life(event.ID(id)), s.machine}
}

func (s *sweeper) incident(id string) driven {
	return driven{s.incidents.Life(incident.ID(id)), s.crises}
}

// repairExecution does what is overdue of an event or incident itself, and
// makes sure that an execution drives it again.
//
//	the execution               what happens beside the evaluation
//	runs, or is needed no more  it is woken
//	never was                   it is started
//	is over                     the next generation begins, at its time
func (s *sweeper) repairExecution(ctx context.Context, d driven) error {
	x, err := d.Read(ctx)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if fault.Is(err, fault.Internal) {
		return s.repaired(ctx, "unreadable", s.tellDead(ctx, d))
	}
	if err != nil || x.Due.IsZero() || x.Due.After(s.now().Add(-overdue)) {
		return err
	}
	status, how, err := d.machine.Describe(ctx, execution.Name(d.ID, x.Generation))
	if err != nil {
		return err
	}
	s.log.InfoContext(ctx, "execution repaired", d.Kind.Name+"_id", d.ID, "execution", string(status), "how", how, "generation", x.Generation)
	_, err = d.Repair(ctx) // the execution is only a timer
	if status == machine.Running || x.Done {
		return s.repaired(ctx, "timer", err)
	}
	if err != nil { // it keeps no execution from being started
		s.log.WarnContext(ctx, "what is overdue was not evaluated", d.Kind.Name+"_id", d.ID, "err", err)
	}
	switch {
	case status == machine.Absent:
		return s.start(ctx, d)
	case s.now().Before(x.ReplaceAt()):
		return s.repaired(ctx, "timer", d.LookBy(ctx, x.ReplaceAt().Add(-overdue)))
	}
	return s.replace(ctx, d, x.Execution, how)
}

// start starts an execution that whoever made its generation could not start.
func (s *sweeper) start(ctx context.Context, d driven) error {
	x, err := d.Read(ctx)
	if err != nil {
		return err
	}
	d.Start(ctx, d.ID, x.Execution)
	return s.repaired(ctx, "start", d.LookBy(ctx, s.now().Add(overdue)))
}

// replace begins the next generation in place of an execution that is over,
// and tells the last resort where generation after generation fails.
func (s *sweeper) replace(ctx context.Context, d driven, over execution.Execution, how string) error {
	err := d.Replace(ctx, over, how)
	if !over.Hopeless() {
		return s.repaired(ctx, "execution", err)
	}
	return s.repaired(ctx, "dead", errors.Join(err, s.tellDead(ctx, d)))
}

// tellDead pages the last resort of the default plan that an event or incident
// cannot be kept alive, once an hour. It needs nothing of it but its id.
func (s *sweeper) tellDead(ctx context.Context, d driven) error {
	s.metrics.Add("EventsDead", 1)
	s.log.ErrorContext(ctx, "cannot be kept alive", d.Kind.Name+"_id", d.ID)
	at := s.now()
	people, err := s.engine.LastResort(ctx)
	if err != nil {
		return err
	}
	told := page.Tell(page.Step{
		Key: outbox.Key{Event: d.ID, Reason: outbox.Dead, Stage: string(event.StageLastResort), Round: int(at.Unix() / 3600)},
	}, people, at)
	for _, m := range told.Messages {
		m.Subject = "Tocsin cannot keep " + d.Kind.Name + " " + d.ID + " alive"
		if _, err := s.outbox.Add(ctx, m); err != nil {
			return err
		}
	}
	return s.desk.Post.Send(ctx, told.Messages)
}

// executionEnded takes the service's notice that an execution failed, timed
// out or was stopped: what it drove is due at once.
func (s *sweeper) executionEnded(ctx context.Context, name, status string) error {
	s.metrics.Add("ExecutionsFailed", 1, telemetry.Reason(strings.ToLower(status)))
	s.log.ErrorContext(ctx, "execution ended badly", "execution", name, "status", status)
	id, generation, ok := execution.ParseName(name)
	due := s.now().Add(-overdue)
	switch {
	case ok && strings.HasPrefix(id, "E-"):
		return s.event(id).Mark(ctx, id, generation, execution.Dead, due)
	case ok && strings.HasPrefix(id, "I-"):
		return s.incident(id).Mark(ctx, id, generation, execution.Dead, due)
	}
	return nil
}
