package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"tocsin/shared/apitoken"
	"tocsin/shared/change"
	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/config"
	"tocsin/shared/heartbeat"
	"tocsin/shared/httpapi"
	"tocsin/shared/incident"
	"tocsin/shared/integration"
	"tocsin/shared/machine"
	"tocsin/shared/object"
	"tocsin/shared/ops"
	"tocsin/shared/wiring"
)

// publicURLVariable names the environment variable of the address that
// webhooks are given; without it they get the one that the caller uses.
const publicURLVariable = "PUBLIC_URL"

// mailDomainVariable names the one of the domain whose mails become alerts.
const mailDomainVariable = "MAIL_DOMAIN"

// askAlways is how seldom the version in force is looked up: who has published
// one names in the next request what is in it.
const askAlways = 0

// version is set by the linker.
var version = "development"

// newHandler reads the environment and builds the clients, once per cold start.
func newHandler(log *slog.Logger, env cloud.Lookup) (http.Handler, error) {
	p, err := wiring.Open(log, env)
	if err != nil {
		return nil, err
	}
	bodies, err := object.Open(p.AWS, env)
	if err != nil {
		return nil, err
	}
	incidents, err := machine.Open(p.AWS, env, "INCIDENT_MACHINE_ARN")
	if err != nil {
		return nil, err
	}
	public, err := publicURL(env)
	if err != nil {
		return nil, err
	}
	secrets, _ := env(integration.SecretsPrefixVariable)
	mailDomain, _ := env(mailDomainVariable)
	versions := config.NewStore(p.Settings)
	tokens := apitoken.NewStore(p.Settings, log, clock.Now)
	desk := &ops.Desk{
		Events: p.Desk, Executions: p.Machine,
		Incidents: &incident.Desk{
			Store:   &incident.Store{Table: p.Events, Outbox: p.Outbox},
			Machine: incidents, Post: p.Desk.Post, Now: clock.Now, Log: log,
		}, IncidentExecutions: incidents,
		Config: config.NewCache(versions, askAlways, clock.Now, log), Versions: versions, Contacts: p.Contacts,
		Integrations: &integration.Store{Table: p.Settings, SecretsPrefix: secrets}, Secrets: integration.NewSecrets(p.AWS, env),
		Heartbeats: &heartbeat.Store{Table: p.Events}, Ledger: p.Ledger, Changes: &change.Store{Table: p.Events}, Bodies: bodies, Webhooks: webhooks(), Tokens: tokens, Audit: &ops.AuditLog{Table: p.Settings},
		PublicURL: public, MailDomain: mailDomain, Now: clock.Now,
	}
	api := &ops.API{
		Operations: ops.All(desk), Tokens: ops.Tokens{Store: tokens}, Audit: desk.Audit,
		Answers: &ops.Answers{Table: p.Settings}, Version: version, Now: clock.Now, Log: log,
	}
	return httpapi.Serve(log, p.Metrics, api.Handler()), nil
}

// webhookTimeout is above what an ingest function takes, and below what
// callers of the API wait.
const webhookTimeout = 15 * time.Second

// webhooks goes where it is sent and nowhere else: its requests hold a key.
func webhooks() *http.Client {
	return &http.Client{Timeout: webhookTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func publicURL(env cloud.Lookup) (*url.URL, error) {
	text, ok := env(publicURLVariable)
	if !ok || text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%s is not an address like https://tocsin.example.com", publicURLVariable)
	}
	return u, nil
}
