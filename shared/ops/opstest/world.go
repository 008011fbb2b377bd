// Package opstest gives tests the real API over real stores on DynamoDB Local,
// with fakes only for the state machine, the queue of messages and SSM.
//
//	w := opstest.New(t)
//	server := httptest.NewServer(w.Handler)
package opstest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/alert"
	"tocsin/shared/apitoken"
	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/config"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
	"tocsin/shared/httpapi"
	"tocsin/shared/incident"
	"tocsin/shared/integration"
	"tocsin/shared/ledger"
	"tocsin/shared/machine"
	"tocsin/shared/ops"
	"tocsin/shared/outbox"
	"tocsin/tests/dynamo"
)

// World is the API with what stands behind it.
type World struct {
	Handler http.Handler
	Desk    *ops.Desk
	API     *ops.API
	Machine *Machine
	Bodies  Bodies
	Hooks   *Webhooks
	Ledger  ddb.Table

	mu  sync.Mutex
	now time.Time
}

// Began is the instant at which a world begins.
var Began = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// New returns a world with the members ann and bob, the team shop, the service
// shop and the built-in documents, at version 1 of the configuration.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{now: Began, Machine: &Machine{}, Bodies: Bodies{}}
	log := slog.New(slog.DiscardHandler)
	events, settings, journal := Table(t), dynamo.Start(t), Table(t)
	w.Ledger = journal
	versions := config.NewStore(settings)
	tokens := apitoken.NewStore(settings, log, w.Now)
	w.Desk = &ops.Desk{
		Events: &event.Desk{
			Store:   &event.Store{Table: events, Alerts: &alert.Store{Table: events}, Outbox: &outbox.Store{Table: journal}},
			Machine: w.Machine, Post: post{}, Now: w.Now, Log: log,
		},
		Incidents: &incident.Desk{
			Store:   &incident.Store{Table: events, Outbox: &outbox.Store{Table: journal}},
			Machine: w.Machine, Post: post{}, Now: w.Now, Log: log,
		},
		Executions: w.Machine, IncidentExecutions: w.Machine, Config: config.NewCache(versions, 0, w.Now, log), Versions: versions,
		Contacts:     catalog.NewStore(settings),
		Integrations: &integration.Store{Table: settings, SecretsPrefix: "/tocsin/test/"},
		Heartbeats:   &heartbeat.Store{Table: events},
		Secrets:      secrets(t), Ledger: &ledger.Store{Table: journal}, Changes: &change.Store{Table: events}, Bodies: w.Bodies, Tokens: tokens,
		Audit:     &ops.AuditLog{Table: settings},
		PublicURL: &url.URL{Scheme: "https", Host: "tocsin.example.com"}, Now: w.Now,
	}
	w.Hooks = webhooks(settings, w.Desk.Secrets, w)
	w.Desk.Webhooks = w.Hooks
	w.API = &ops.API{
		Operations: ops.All(w.Desk), Tokens: ops.Tokens{Store: tokens}, Audit: w.Desk.Audit,
		Answers: &ops.Answers{Table: settings}, Version: "test", Now: w.Now, Log: log,
	}
	w.Handler = httpapi.Serve(log, nil, w.API.Handler())
	w.publish(t, versions)
	return w
}

func (w *World) publish(t testing.TB, versions *config.Store) {
	t.Helper()
	docs := []config.Document{
		{Kind: config.KindMember, Name: "ann", Spec: json.RawMessage(`{"display_name":"Ann","time_zone":"Europe/Berlin"}`)},
		{Kind: config.KindMember, Name: "bob", Spec: json.RawMessage(`{"display_name":"Bob"}`)},
		{Kind: config.KindTeam, Name: "shop", Spec: json.RawMessage(`{"members":["ann","bob"]}`)},
		{Kind: config.KindService, Name: "shop", Spec: json.RawMessage(`{"tier":1,"team":"shop"}`)},
	}
	if _, err := versions.Publish(t.Context(), docs, "test", "first", 0, Began); err != nil {
		t.Fatalf("publish: %v", err)
	}
}

// Table returns a table that also has the index of lists, as template.yaml
// gives it to the tables of events and of the ledger.
func Table(t testing.TB) ddb.Table {
	t.Helper()
	table := dynamo.Start(t)
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	about, err := table.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table.Name})
	if err != nil {
		t.Fatalf("describe table: %v", err)
	}
	for _, index := range about.Table.GlobalSecondaryIndexes {
		if aws.ToString(index.IndexName) == "list" {
			return table
		}
	}
	_, err = table.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
		TableName:            &table.Name,
		AttributeDefinitions: []types.AttributeDefinition{text("list_pk"), text("list_sk")},
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
			IndexName:  aws.String("list"),
			KeySchema:  []types.KeySchemaElement{key("list_pk", types.KeyTypeHash), key("list_sk", types.KeyTypeRange)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}}},
	})
	if err != nil {
		t.Fatalf("add index of lists: %v", err)
	}
	return table
}

// Now is the world's clock.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Pass lets time pass.
func (w *World) Pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Token makes a token and returns its secret.
func (w *World) Token(t testing.TB, name, member string, scopes ...ops.Scope) string {
	t.Helper()
	token := apitoken.Token{Name: name, Member: member}
	for _, s := range scopes {
		token.Scopes = append(token.Scopes, string(s))
	}
	_, secret, err := w.Desk.Tokens.Create(t.Context(), token, w.Now())
	if err != nil {
		t.Fatalf("create token: %v", err)
	}
	return secret
}

// Machine stands for the state machine.
type Machine struct {
	mu      sync.Mutex
	Started []string
	Woken   []string
	Err     error // of Describe
}

// Start notes the name.
func (m *Machine) Start(_ context.Context, name string, _ []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Started = append(m.Started, name)
	return nil
}

// Wake notes the token.
func (m *Machine) Wake(_ context.Context, token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Woken = append(m.Woken, token)
	return nil
}

// Describe knows what was started.
func (m *Machine) Describe(_ context.Context, name string) (machine.Status, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.Started {
		if s == name {
			return machine.Running, "RUNNING", m.Err
		}
	}
	return machine.Absent, "", m.Err
}

type post struct{}

func (post) Send(context.Context, []outbox.Message) error { return nil }

// Bodies are objects by name.
type Bodies map[string][]byte

// Get returns an object.
func (b Bodies) Get(_ context.Context, name string) ([]byte, error) {
	body, ok := b[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "no object %s", name)
	}
	return body, nil
}

// secrets keeps parameters in the memory of a small server that answers as SSM
// does.
func secrets(t testing.TB) *integration.Secrets {
	t.Helper()
	var mu sync.Mutex
	values := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var in struct{ Name, Value string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		rw.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, verb, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		value, known := values[in.Name]
		switch {
		case verb == "PutParameter":
			values[in.Name] = in.Value
			_, _ = rw.Write([]byte(`{"Version":1}`))
		case known:
			_ = json.NewEncoder(rw).Encode(map[string]any{"Parameter": map[string]string{"Name": in.Name, "Value": value}})
		default:
			rw.WriteHeader(http.StatusBadRequest)
			_, _ = rw.Write([]byte(`{"__type":"ParameterNotFound"}`))
		}
	}))
	t.Cleanup(server.Close)
	credentials := func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	}
	cfg := aws.Config{Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(credentials)}
	return integration.NewSecrets(cfg, func(name string) (string, bool) { return server.URL, name == "AWS_ENDPOINT_URL" })
}
