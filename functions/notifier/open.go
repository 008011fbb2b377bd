package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/shared/actionlink"
	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/config"
	"tocsin/shared/ddb"
	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/incident"
	"tocsin/shared/notify"
	"tocsin/shared/notify/email"
	"tocsin/shared/notify/ntfy"
	"tocsin/shared/outbox"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
)

// publicVariable names the environment variable of the address under which the
// deployment is reached from outside.
const publicVariable = "PUBLIC_URL"

// repairsVariable names the environment variable of the queue that takes what
// others must write: the notifier's role writes messages and no event.
const repairsVariable = "SWEEPS_QUEUE_URL"

func open(log *slog.Logger, env cloud.Lookup) (*notifier, error) {
	cfg, err := cloud.Config(env)
	if err != nil {
		return nil, err
	}
	n := &notifier{now: clock.Now, log: log, metrics: telemetry.NewMetrics(os.Stdout, env)}
	for _, part := range []func(aws.Config, cloud.Lookup) error{n.openTables, n.openQueues, n.openLinks, n.openChannels} {
		if err := part(cfg, env); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *notifier) openTables(cfg aws.Config, env cloud.Lookup) error {
	var events, settings, journal ddb.Table
	for _, t := range []struct {
		into *ddb.Table
		name string
	}{{&events, "EVENTS_TABLE"}, {&settings, "CONFIG_TABLE"}, {&journal, "LEDGER_TABLE"}} {
		var err error
		if *t.into, err = ddb.Open(cfg, env, t.name); err != nil {
			return err
		}
	}
	n.messages = &outbox.Store{Table: journal}
	n.events, n.incidents = &event.Store{Table: events}, &incident.Store{Table: events}
	n.changes = &change.Store{Table: events}
	n.people = directory{
		catalog.NewStore(settings),
		config.NewCache(config.NewStore(settings), defaults.ConfigCheckEvery, clock.Now, n.log),
	}
	return nil
}

func (n *notifier) openQueues(cfg aws.Config, env cloud.Lookup) error {
	messages, err := queue.Open(cfg, env, outbox.QueueVariable)
	if err != nil {
		return err
	}
	n.post = &outbox.Post{Queue: messages}
	n.repairs, err = queue.Open(cfg, env, repairsVariable)
	return err
}

func (n *notifier) openLinks(cfg aws.Config, env cloud.Lookup) error {
	public, ok := env(publicVariable)
	if !ok || public == "" {
		return fmt.Errorf("%s is not set", publicVariable)
	}
	keys, err := actionlink.Open(cfg, env)
	if err != nil {
		return err
	}
	n.links = signer{keys: actionlink.NewKeys(keys, clock.Now), base: public, now: clock.Now}
	return nil
}

func (n *notifier) openChannels(cfg aws.Config, env cloud.Lookup) error {
	mail, err := email.Open(cfg, env)
	if err != nil {
		return err
	}
	push, err := ntfy.Open(env, pushToken(cfg, env))
	if err != nil {
		return err
	}
	n.channels = map[catalog.Channel]notify.Channel{catalog.Email: mail, catalog.Ntfy: push}
	return nil
}

// tokenVariable names the environment variable of the parameter that holds the
// access token of the ntfy server; without it the server asks for none.
const tokenVariable = "NTFY_TOKEN_PARAMETER"

func pushToken(cfg aws.Config, env cloud.Lookup) ntfy.Token {
	name, _ := env(tokenVariable)
	if name == "" {
		return nil
	}
	return (&secret{from: actionlink.OpenNamed(cfg, env, name), now: clock.Now}).Value
}

// directory reads people live: contacts from the store, members and services
// from the configuration in force.
type directory struct {
	*catalog.Store
	config *config.Cache
}

// Catalogue returns the members and services in force, with the installation's
// language and zone where a member has none.
func (d directory) Catalogue(ctx context.Context) (catalogue, error) {
	c, err := d.config.Current(ctx)
	if err != nil {
		return catalogue{}, err
	}
	return catalogue{members: c.Members, services: c.Services, language: c.Settings.Language, zone: c.Settings.TimeZone}, nil
}

// catalogue is how people and services are shown. The zero value knows none.
type catalogue struct {
	members        map[string]catalog.Member
	services       map[string]catalog.Service
	language, zone string
}

// member returns a member with language and zone filled in.
func (c catalogue) member(name string) catalog.Member {
	m := c.members[name]
	m.Name = name
	m.Language = cmp.Or(m.Language, c.language, defaults.Language)
	m.TimeZone = cmp.Or(m.TimeZone, c.zone, defaults.TimeZone)
	return m
}

func (c catalogue) nameOf(member string) string {
	return cmp.Or(c.members[member].DisplayName, member)
}

func (c catalogue) service(name string) string { return cmp.Or(c.services[name].DisplayName, name) }

// signer makes the links of messages.
type signer struct {
	keys *actionlink.Keys
	base string
	now  func() time.Time
}

// Links returns the address by which a member acts on an event, and one that
// only shows it.
func (s signer) Links(ctx context.Context, e event.Event, member string) (act, view string, err error) {
	kind, number, err := actionlink.ParseSubject(string(e.ID))
	if err != nil {
		return "", "", err
	}
	actions := actionlink.EventActions
	if kind == actionlink.Incident {
		actions = actionlink.IncidentActions
	}
	claims := actionlink.Claims{
		Kind: kind, Number: number, Opening: e.Opening, Actions: actions,
		Member: actionlink.MemberOf(member), Expires: s.now().Add(defaults.LinkActs),
	}
	if act, err = s.keys.Sign(ctx, claims); err != nil {
		return "", "", err
	}
	claims.Actions = 0
	if view, err = s.keys.Sign(ctx, claims); err != nil {
		return "", "", err
	}
	return actionlink.URL(s.base, act), actionlink.URL(s.base, view), nil
}
