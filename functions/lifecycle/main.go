// Command lifecycle is the Lambda function behind the tasks of the state
// machines: it reads an event or incident, does one step, and says what to
// wait for.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/shared/cloud"
	"tocsin/shared/lifecycle"
	"tocsin/shared/telemetry"
	"tocsin/shared/wiring"
)

func main() {
	log := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	log.Info("function started", "version", telemetry.Version)
	h, err := newHandler(log, os.LookupEnv)
	if err != nil {
		log.Error("start failed", "err", err)
		os.Exit(1)
	}
	lambda.Start(h.handle)
}

func newHandler(log *slog.Logger, env cloud.Lookup) (*handler, error) {
	p, err := wiring.Open(log, env)
	if err != nil {
		return nil, err
	}
	events, incidents, err := lifecycle.Open(p)
	if err != nil {
		return nil, err
	}
	return &handler{events: events, incidents: incidents, log: log, metrics: p.Metrics}, nil
}
