// Command router is the Lambda function that takes deliveries from the alerts
// queue, decides what each alert means, and writes events.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/shared/change"
	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/decide"
	"tocsin/shared/intake"
	"tocsin/shared/object"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
	"tocsin/shared/wiring"
)

func main() {
	log := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	log.Info("function started", "version", telemetry.Version)
	r, err := newRouter(log, os.LookupEnv)
	if err != nil {
		log.Error("start failed", "err", err)
		os.Exit(1)
	}
	lambda.Start(queue.Batch(log, r.metrics, r.handle))
}

func newRouter(log *slog.Logger, env cloud.Lookup) (*router, error) {
	p, err := wiring.Open(log, env)
	if err != nil {
		return nil, err
	}
	bucket, err := object.Open(p.AWS, env)
	if err != nil {
		return nil, err
	}
	return &router{
		fetch: func(ctx context.Context, message string) (intake.Delivery, error) {
			return intake.Fetch(ctx, bucket, message)
		},
		config: func(ctx context.Context) (decide.Config, error) {
			c, err := p.Config.Current(ctx)
			if err != nil {
				return decide.Config{}, err
			}
			return decide.Config{Version: c.Version, Rules: c.RuleSet(), Services: c.Services, DefaultPlan: c.Settings.DefaultPlan}, nil
		},
		alerts: p.Alerts, desk: p.Desk, ledger: p.Ledger, changes: &change.Store{Table: p.Events}, metrics: p.Metrics, log: log, now: clock.Now,
	}, nil
}
