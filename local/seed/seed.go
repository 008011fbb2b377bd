// Package seed gives a new local stack a small team, an integration and a
// token, once. It writes what an administrator of a deployment would enter.
package seed

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/local/stack"
	"tocsin/shared/apitoken"
	"tocsin/shared/catalog"
	"tocsin/shared/config"
	"tocsin/shared/config/yamldoc"
	"tocsin/shared/ddb"
	"tocsin/shared/integration"
)

//go:embed team.yaml
var team []byte

// Seeded is what was made, and is shown only once by a deployment. The local
// stack keeps it beside its state.
type Seeded struct {
	Webhook string `json:"webhook"` // path below the front, with its key
	Token   string `json:"token"`   // of member alice, with every scope
}

// Stack seeds a stack that was not seeded before, and returns what it was
// seeded with. state is the folder in which the stack keeps itself.
func Stack(ctx context.Context, s *stack.Stack, state string) (Seeded, error) {
	file := filepath.Join(state, "seed.json")
	var seeded Seeded
	text, err := os.ReadFile(file)
	if err == nil {
		return seeded, json.Unmarshal(text, &seeded)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return seeded, err
	}
	table := ddb.Table{Client: dynamodb.NewFromConfig(s.SDK()), Name: s.Output("ConfigTable")}
	if seeded, err = plant(ctx, table, s.Clock.Now()); err != nil {
		return seeded, fmt.Errorf("seed: %w", err)
	}
	if text, err = json.Marshal(seeded); err != nil {
		return seeded, err
	}
	return seeded, os.WriteFile(file, text, 0o600)
}

func plant(ctx context.Context, table ddb.Table, at time.Time) (Seeded, error) {
	if err := Publish(ctx, table, team, at); err != nil {
		return Seeded{}, err
	}
	for _, c := range contacts() {
		if err := catalog.NewStore(table).Put(ctx, c); err != nil {
			return Seeded{}, err
		}
	}
	integrations := &integration.Store{Table: table}
	made, key, err := integrations.Create(ctx, integration.Integration{
		ID: "prometheus", Name: "Prometheus", Source: "prometheus", Auth: integration.None,
	}, at)
	if err != nil {
		return Seeded{}, err
	}
	_, token, err := apitoken.NewStore(table, slog.Default(), func() time.Time { return at }).Create(ctx, apitoken.Token{
		Name: "local", Member: "alice", Scopes: []string{"admin"}, ExpiresAt: at.Add(apitoken.MaxLife),
	}, at)
	return Seeded{Webhook: "/in/" + made.Source + "/" + key, Token: token}, err
}

// Publish makes YAML documents the next version of the configuration.
func Publish(ctx context.Context, table ddb.Table, text []byte, at time.Time) error {
	file, problems := yamldoc.Parse("team.yaml", text)
	docs, problems := yamldoc.Check([]yamldoc.File{file}, problems)
	if err := problems.Err(); err != nil {
		return err
	}
	store := config.NewStore(table)
	current, err := store.Current(ctx)
	if err != nil {
		return err
	}
	_, err = store.Publish(ctx, docs, "local", "seeded", current.Number, at)
	return err
}

func contacts() []catalog.Contact {
	var all []catalog.Contact
	for _, name := range []string{"alice", "bob", "chen", "administrator"} {
		all = append(all, catalog.Contact{
			ID: "mail", Member: name, Channel: catalog.Email, Address: name + "@tocsin.example", Verified: true, Order: 2,
		})
		if name != "administrator" {
			all = append(all, catalog.Contact{
				ID: "phone", Member: name, Channel: catalog.Ntfy, Address: "tocsin-" + name, Verified: true, Order: 3,
			})
		}
	}
	return all
}
