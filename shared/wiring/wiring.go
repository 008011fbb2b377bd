// Package wiring opens what several functions use in the same way, from the
// environment of a function: tables, stores, the desk and the configuration.
// It decides nothing.
package wiring

import (
	"log/slog"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/config"
	"tocsin/shared/ddb"
	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/ledger"
	"tocsin/shared/machine"
	"tocsin/shared/outbox"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
)

// Parts are what a function that works on events is made of.
type Parts struct {
	AWS      aws.Config
	Env      cloud.Lookup
	Log      *slog.Logger
	Metrics  *telemetry.Metrics
	Events   ddb.Table // tables
	Settings ddb.Table
	Journal  ddb.Table
	Alerts   *alert.Store
	Ledger   *ledger.Store
	Outbox   *outbox.Store
	Contacts *catalog.Store
	Config   *config.Cache
	Machine  *machine.Client // of events
	Messages *queue.Sender
	Desk     *event.Desk
}

// Open reads EVENTS_TABLE, CONFIG_TABLE, LEDGER_TABLE, MESSAGES_QUEUE_URL and
// EVENT_MACHINE_ARN. Nothing is called before it is needed.
func Open(log *slog.Logger, env cloud.Lookup) (*Parts, error) {
	cfg, err := cloud.Config(env)
	if err != nil {
		return nil, err
	}
	p := &Parts{AWS: cfg, Env: env, Log: log, Metrics: telemetry.NewMetrics(os.Stdout, env)}
	if err := p.openTables(); err != nil {
		return nil, err
	}
	if p.Machine, err = machine.Open(cfg, env, "EVENT_MACHINE_ARN"); err != nil {
		return nil, err
	}
	if p.Messages, err = queue.Open(cfg, env, "MESSAGES_QUEUE_URL"); err != nil {
		return nil, err
	}
	p.Alerts = &alert.Store{Table: p.Events}
	p.Outbox = &outbox.Store{Table: p.Journal}
	p.Ledger = &ledger.Store{Table: p.Journal}
	p.Contacts = catalog.NewStore(p.Settings)
	p.Config = config.NewCache(config.NewStore(p.Settings), defaults.ConfigCheckEvery, clock.Now, log)
	p.Desk = &event.Desk{
		Store:   &event.Store{Table: p.Events, Alerts: p.Alerts, Outbox: p.Outbox},
		Machine: p.Machine, Post: &outbox.Post{Queue: p.Messages}, Now: clock.Now, Log: log,
	}
	return p, nil
}

func (p *Parts) openTables() (err error) {
	for _, t := range []struct {
		into *ddb.Table
		name string
	}{{&p.Events, "EVENTS_TABLE"}, {&p.Settings, "CONFIG_TABLE"}, {&p.Journal, "LEDGER_TABLE"}} {
		if *t.into, err = ddb.Open(p.AWS, p.Env, t.name); err != nil {
			return err
		}
	}
	return nil
}
