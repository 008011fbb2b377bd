// Command sweeper is the Lambda function that finds, each minute, what is
// overdue, and repairs it: events whose execution is late or dead, messages
// that nobody claimed, alerts that nobody reports any more, heartbeats that are
// silent.
package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
	"tocsin/shared/lifecycle"
	"tocsin/shared/machine"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
	"tocsin/shared/wiring"
)

func main() {
	log := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	log.Info("function started", "version", telemetry.Version)
	s, err := newSweeper(log, os.LookupEnv)
	if err != nil {
		log.Error("start failed", "err", err)
		os.Exit(1)
	}
	lambda.Start(s.entry(queue.Each(log, s.metrics, s.repairMessage)))
}

func newSweeper(log *slog.Logger, env cloud.Lookup) (*sweeper, error) {
	p, err := wiring.Open(log, env)
	if err != nil {
		return nil, err
	}
	sweeps, err := queue.Open(p.AWS, env, "SWEEPS_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	engine, incidents, err := lifecycle.Open(p)
	if err != nil {
		return nil, err
	}
	crises, err := machine.Open(p.AWS, env, "INCIDENT_MACHINE_ARN")
	if err != nil {
		return nil, err
	}
	alerts, err := queue.Open(p.AWS, env, "ALERTS_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	return &sweeper{
		desk: p.Desk, alerts: p.Alerts, outbox: p.Outbox, machine: p.Machine, crises: crises, queue: sweeps,
		engine: engine, incidents: incidents, events: p.Events, journal: p.Journal, log: log, metrics: p.Metrics, now: clock.Now,
		heartbeats: heartbeat.Teller{Store: &heartbeat.Store{Table: p.Events}, Send: heartbeat.Outlet{Queue: alerts, Metrics: p.Metrics}.Send},
	}, nil
}

// entry tells the three callers apart: the queue of repairs, the service's
// notice of an execution that ended badly, and the schedule.
func (s *sweeper) entry(repairs queue.Response) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		var call struct {
			events.SQSEvent
			Source string          `json:"source"`
			Detail json.RawMessage `json:"detail"` // an object in a notice, a text in a schedule
		}
		if err := json.Unmarshal(raw, &call); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the call is neither a schedule, a notice nor a batch")
		}
		switch {
		case len(call.Records) > 0:
			return repairs(ctx, call.SQSEvent)
		case call.Source == "aws.states":
			defer s.metrics.Flush(ctx)
			var notice struct {
				Name   string `json:"name"`
				Status string `json:"status"`
			}
			if err := json.Unmarshal(call.Detail, &notice); err != nil {
				return nil, fault.Wrap(fault.Invalid, err, "the notice names no execution")
			}
			return nil, s.executionEnded(ctx, notice.Name, notice.Status)
		}
		defer s.metrics.Flush(ctx)
		return nil, s.sweep(ctx)
	}
}
