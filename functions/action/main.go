// Command action is the Lambda function behind signed links: GET shows an
// event or incident and what can be done, POST does it once, in the name of the member
// whose link it is.
package main

import (
	"log/slog"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/shared/actionlink"
	"tocsin/shared/change"
	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/httpapi"
	"tocsin/shared/incident"
	"tocsin/shared/machine"
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
	lambda.Start(httpapi.Lambda(h))
}

// newHandler reads the environment and builds the clients, once per cold start.
func newHandler(log *slog.Logger, env cloud.Lookup) (http.Handler, error) {
	p, err := wiring.Open(log, env)
	if err != nil {
		return nil, err
	}
	ring, err := actionlink.Open(p.AWS, env)
	if err != nil {
		return nil, err
	}
	incidents, err := machine.Open(p.AWS, env, "INCIDENT_MACHINE_ARN")
	if err != nil {
		return nil, err
	}
	desk := &incident.Desk{
		Store: &incident.Store{Table: p.Events, Outbox: p.Outbox}, Machine: incidents, Post: p.Desk.Post, Now: clock.Now, Log: log,
	}
	return routes(log, &handler{
		links: actionlink.NewKeys(ring, clock.Now), desk: p.Desk, events: p.Desk.Store, incidentDesk: desk, incidents: desk.Store, changes: &change.Store{Table: p.Events},
		messages: p.Outbox, post: p.Desk.Post, contacts: p.Contacts, config: p.Config, metrics: p.Metrics, now: clock.Now,
	}), nil
}
