// Command setup is the Lambda function behind a custom resource of the stack:
// it makes what a new deployment cannot run without and what no template can
// hold, and leaves alone whatever is there already.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/shared/actionlink"
	"tocsin/shared/catalog"
	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/ddb"
	"tocsin/shared/telemetry"
)

func main() {
	log := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	log.Info("function started", "version", telemetry.Version)
	h := &handler{
		log: log, now: clock.Now,
		open: func() (*account, error) { return open(os.LookupEnv) },
	}
	lambda.Start(h.handle)
}

// open reads the environment and builds the clients. It runs within a request,
// not at the start: CloudFormation must be told what is missing.
func open(env cloud.Lookup) (*account, error) {
	cfg, err := cloud.Config(env)
	if err != nil {
		return nil, err
	}
	ring, err := actionlink.Open(cfg, env)
	if err != nil {
		return nil, err
	}
	table, err := ddb.Open(cfg, env, "CONFIG_TABLE")
	if err != nil {
		return nil, err
	}
	email, _ := env("ADMIN_EMAIL")
	return &account{ring: ring, contacts: catalog.NewStore(table), email: email}, nil
}
