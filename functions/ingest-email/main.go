// Command ingest-email is the Lambda function that SES invokes for each mail
// that it received and put into the bucket: the mail becomes a delivery of the
// integration whose key is in the recipient's address.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	_ "github.com/emersion/go-message/charset" // of mails

	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/config"
	"tocsin/shared/ddb"
	"tocsin/shared/defaults"
	"tocsin/shared/intake"
	"tocsin/shared/mapping"
	"tocsin/shared/object"
	"tocsin/shared/source/email"
	"tocsin/shared/telemetry"
)

func main() {
	log := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	h, err := newHandler(log, os.LookupEnv)
	if err != nil {
		log.Error("start failed", slog.Any("err", err))
		os.Exit(1)
	}
	lambda.Start(h.handle)
}

func newHandler(log *slog.Logger, env cloud.Lookup) (*handler, error) {
	cfg, err := cloud.Config(env)
	if err != nil {
		return nil, err
	}
	metrics := telemetry.NewMetrics(os.Stdout, env)
	in, err := intake.Open(cfg, env, email.Source, metrics)
	if err != nil {
		return nil, err
	}
	mails, err := object.Open(cfg, env)
	if err != nil {
		return nil, err
	}
	settings, err := ddb.Open(cfg, env, "CONFIG_TABLE")
	if err != nil {
		return nil, err
	}
	in.Pick = pick(&mapping.Finder{Config: config.NewCache(config.NewStore(settings), defaults.ConfigCheckEvery, clock.Now, log), Log: log})
	own, _ := env("MAIL_FROM")
	return &handler{mails: mails, intake: in, own: own, metrics: metrics, log: log}, nil
}
