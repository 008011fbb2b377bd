package main

import (
	"context"
	"log/slog"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/lifecycle"
	"tocsin/shared/telemetry"
)

// task is the payload of a state machine's task, version 1. The state machine
// of an earlier release may still send it.
type task struct {
	V          int         `json:"v"`
	Op         string      `json:"op"`
	EventID    event.ID    `json:"event_id,omitempty"`
	IncidentID incident.ID `json:"incident_id,omitempty"`
	Generation int         `json:"generation"`
	Token      string      `json:"token,omitempty"`        // of a wait
	Wait       int         `json:"wait_seconds,omitempty"` // that the state was told; 0: it does not say
}

type handler struct {
	events    *lifecycle.Engine
	incidents *lifecycle.IncidentEngine
	log       *slog.Logger
	metrics   *telemetry.Metrics
}

// Unavailable is what the state machines retry. Step Functions knows an error
// of a Go function by the name of its type.
type Unavailable struct{ text string }

func (e Unavailable) Error() string { return e.text }

// Refused is what the state machines do not retry: trying again cannot help.
type Refused struct{ text string }

func (e Refused) Error() string { return e.text }

// handle does one task and returns the bare typed error that the machines
// know.
func (h *handler) handle(ctx context.Context, t task) (lifecycle.Verdict, error) {
	start := time.Now()
	v, err := h.do(ctx, t)
	h.metrics.Flush(ctx)
	attrs := []any{
		"op", t.Op, "event_id", t.EventID, "incident_id", t.IncidentID, "generation", t.Generation,
		"next", v.Next, "wait_seconds", v.WaitSeconds, "duration_ms", time.Since(start).Milliseconds(),
	}
	if err == nil {
		h.log.InfoContext(ctx, "task done", attrs...)
		return v, nil
	}
	h.log.ErrorContext(ctx, "task failed", append(attrs, "err", err)...)
	if retryable(err) {
		return v, Unavailable{err.Error()}
	}
	return v, Refused{err.Error()}
}

func retryable(err error) bool {
	k := fault.KindOf(err)
	return k.Retryable() || k == fault.Conflict || k == fault.Internal
}

func (h *handler) do(ctx context.Context, t task) (v lifecycle.Verdict, err error) {
	if err := t.check(); err != nil {
		return v, err
	}
	switch t.Op {
	case "evaluate":
		return h.events.Life(t.EventID).Evaluate(ctx, t.Generation)
	case "page", "await_resolution", "await_snooze_end", "await_closure":
		return v, h.events.Life(t.EventID).Enter(ctx, t.Generation, t.wait(lifecycle.Do(t.Op)))
	case "open_incident":
		return v, h.events.OpenIncident(ctx, t.EventID, t.Generation)
	case "next_generation":
		return v, h.events.Life(t.EventID).StartNext(ctx, t.Generation)
	case "evaluate_incident":
		return h.incidents.Life(t.IncidentID).Evaluate(ctx, t.Generation)
	case "await_mitigation", "await_review":
		return v, h.incidents.Life(t.IncidentID).Enter(ctx, t.Generation, t.wait(lifecycle.Do(t.Op)))
	case "await_incident_resolution":
		return v, h.incidents.Life(t.IncidentID).Enter(ctx, t.Generation, t.wait(lifecycle.AwaitResolution))
	case "next_incident_generation":
		return v, h.incidents.Life(t.IncidentID).StartNext(ctx, t.Generation)
	}
	return v, fault.New(fault.Invalid, "op %q is not one that this release knows", t.Op)
}

func (t task) wait(state lifecycle.Do) lifecycle.Wait {
	return lifecycle.Wait{State: state, Token: t.Token, For: time.Duration(t.Wait) * time.Second}
}

func (t task) check() error {
	var bad fault.Problems
	if t.V != 1 {
		bad.Add("v", "is %d; expected 1", t.V)
	}
	if (t.EventID == "") == (t.IncidentID == "") {
		bad.Add("event_id", "exactly one of event_id and incident_id is expected")
	}
	if t.Generation < 1 {
		bad.Add("generation", "is %d; expected 1 or more", t.Generation)
	}
	return bad.Err("the task is not one of a state machine")
}
