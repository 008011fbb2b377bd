// Command ingest-email is the Lambda function that SES invokes for each mail
// that it received and put into the bucket: the mail becomes a delivery of the
// integration whose key is in the recipient's address. By HTTP it takes only
// what people send or read again.
package main

import (
	"log/slog"
	"net/http"
	"os"

	_ "github.com/emersion/go-message/charset" // of mails

	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/config"
	"tocsin/shared/ddb"
	"tocsin/shared/defaults"
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/mapping"
	"tocsin/shared/object"
	"tocsin/shared/source/email"
	"tocsin/shared/telemetry"
)

func main() { function.ServeDirect(open) }

func open(log *slog.Logger, env cloud.Lookup) (http.Handler, function.Direct, error) {
	h, err := newHandler(log, env)
	if err != nil {
		return nil, nil, err
	}
	return h.routes(log), h.invoked, nil
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
