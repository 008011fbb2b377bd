package apitoken_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tocsin/shared/apitoken"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/tests/dynamo"
)

var began = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// clockwork is a clock that tests move.
type clockwork struct{ at time.Time }

func (c *clockwork) now() time.Time { return c.at }

func open(t *testing.T) (*apitoken.Store, *clockwork, ddb.Table) {
	t.Helper()
	table, c := dynamo.Start(t), &clockwork{began}
	return apitoken.NewStore(table, slog.New(slog.DiscardHandler), c.now), c, table
}

func create(t *testing.T, s *apitoken.Store, token apitoken.Token) (apitoken.Token, string) {
	t.Helper()
	made, secret, err := s.Create(t.Context(), token, began)
	if err != nil {
		t.Fatal(err)
	}
	return made, secret
}

func TestATokenIsFoundByItsSecretUntilItExpires(t *testing.T) {
	s, c, _ := open(t)
	made, secret := create(t, s, apitoken.Token{Name: "ci", Member: "ann", Scopes: []string{"admin"}})
	if len(secret) != 46 || !strings.HasPrefix(secret, "tt_") {
		t.Errorf("secret %q", secret)
	}
	found, err := s.Find(t.Context(), secret)
	if err != nil || found.Name != "ci" || found.Member != "ann" || !found.ExpiresAt.Equal(began.Add(apitoken.DefaultLife)) {
		t.Errorf("found %+v, err %v", found, err)
	}
	c.at = made.ExpiresAt
	if _, err := s.Find(t.Context(), secret); !errors.Is(err, apitoken.ErrUnknown) {
		t.Errorf("expired: %v", err)
	}
}

func TestWhatIsNoTokenIsUnknown(t *testing.T) {
	s, _, _ := open(t)
	_, secret := create(t, s, apitoken.Token{Name: "ci", Scopes: []string{"admin"}})
	for i := range secret {
		flipped := []byte(secret)
		flipped[i] ^= 1
		if _, err := s.Find(t.Context(), string(flipped)); !errors.Is(err, apitoken.ErrUnknown) {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
	}
	for _, no := range []string{"", "tt_", secret + "A", secret[:45], " " + secret, "Bearer " + secret, strings.Repeat("A", 1<<16)} {
		if _, err := s.Find(t.Context(), no); !errors.Is(err, apitoken.ErrUnknown) {
			t.Errorf("%.50q: %v", no, err)
		}
	}
}

func TestTheSecretIsNowhereInTheTable(t *testing.T) {
	s, _, table := open(t)
	_, secret := create(t, s, apitoken.Token{Name: "ci", Scopes: []string{"admin"}})
	for _, key := range []ddb.Item{ddb.Key("TOKENS", "NAME#ci")} {
		items, err := table.GetMany(t.Context(), []ddb.Item{key})
		if err != nil || len(items) != 1 {
			t.Fatalf("items %v, err %v", items, err)
		}
		hash := ddb.Text(items[0], "hash")
		token, err := table.Get(t.Context(), "TOKEN#"+hash, "TOKEN")
		if err != nil || token == nil {
			t.Fatalf("token %v, err %v", token, err)
		}
		if text := fmt.Sprintf("%s %v %v", hash, items[0], token); strings.Contains(text, secret[3:]) {
			t.Errorf("stored %s", text)
		}
	}
}

func TestARevokedTokenEndsAtOnceHereAndWithin30SecondsElsewhere(t *testing.T) {
	here, c, table := open(t)
	elsewhere := apitoken.NewStore(table, slog.New(slog.DiscardHandler), c.now)
	_, secret := create(t, here, apitoken.Token{Name: "ci", Scopes: []string{"admin"}})
	for _, s := range []*apitoken.Store{here, elsewhere} {
		if _, err := s.Find(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	if err := here.Revoke(t.Context(), "ci"); err != nil {
		t.Fatal(err)
	}
	if _, err := here.Find(t.Context(), secret); !errors.Is(err, apitoken.ErrUnknown) {
		t.Errorf("here: %v", err)
	}
	c.at = c.at.Add(30 * time.Second)
	if _, err := elsewhere.Find(t.Context(), secret); !errors.Is(err, apitoken.ErrUnknown) {
		t.Errorf("elsewhere: %v", err)
	}
	if err := here.Revoke(t.Context(), "ci"); !fault.Is(err, fault.NotFound) {
		t.Errorf("revoked twice: %v", err)
	}
}

func TestUseIsNotedHourly(t *testing.T) {
	s, c, _ := open(t)
	_, secret := create(t, s, apitoken.Token{Name: "ci", Scopes: []string{"admin"}})
	for _, step := range []struct{ after, want time.Duration }{{0, 0}, {10 * time.Minute, 0}, {61 * time.Minute, 61 * time.Minute}} {
		c.at = began.Add(step.after)
		if _, err := s.Find(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		list, err := s.List(t.Context())
		if err != nil || len(list) != 1 || !list[0].LastUsed.Equal(began.Add(step.want)) {
			t.Errorf("after %s: %+v, err %v", step.after, list, err)
		}
	}
}

func TestWhatCannotBeCreated(t *testing.T) {
	s, _, _ := open(t)
	create(t, s, apitoken.Token{Name: "ci", Scopes: []string{"admin"}})
	for name, c := range map[string]struct {
		token apitoken.Token
		kind  fault.Kind
	}{
		"name taken":     {apitoken.Token{Name: "ci", Scopes: []string{"admin"}}, fault.Conflict},
		"no name":        {apitoken.Token{Scopes: []string{"admin"}}, fault.Invalid},
		"no scope":       {apitoken.Token{Name: "x"}, fault.Invalid},
		"lives too long": {apitoken.Token{Name: "x", Scopes: []string{"admin"}, ExpiresAt: began.Add(apitoken.MaxLife + time.Second)}, fault.Invalid},
		"expired":        {apitoken.Token{Name: "x", Scopes: []string{"admin"}, ExpiresAt: began}, fault.Invalid},
	} {
		if _, secret, err := s.Create(t.Context(), c.token, began); !fault.Is(err, c.kind) || secret != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err := s.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("list %v, err %v", list, err)
	}
}

func TestAFailedReadIsNotAnUnknownToken(t *testing.T) {
	s, _, _ := open(t)
	_, secret := create(t, s, apitoken.Token{Name: "ci", Scopes: []string{"admin"}})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Find(ended, secret); err == nil || fault.Is(err, fault.Unauthenticated) {
		t.Errorf("err %v", err)
	}
}
