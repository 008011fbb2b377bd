package integration

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/shared/fault"
	"tocsin/tests/dynamo"
)

func newStore(t *testing.T) *Store {
	t.Helper()
	return &Store{Table: dynamo.Start(t), SecretsPrefix: "/tocsin/integrations/"}
}

func create(t *testing.T, s *Store, id string) (Integration, string) {
	t.Helper()
	in, key, err := s.Create(t.Context(), Integration{ID: id, Name: "Production", Source: "prometheus", Auth: None}, now)
	if err != nil {
		t.Fatal(err)
	}
	return in, key
}

// found reports whether a key leads to an integration.
func found(t *testing.T, s *Store, key string) bool {
	t.Helper()
	_, err := s.ByKeyHash(t.Context(), HashKey(key))
	if err != nil && !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func TestCreatedIntegrationIsFoundByIDAndKey(t *testing.T) {
	s := newStore(t)
	in, key := create(t, s, "")
	byID, err := s.Get(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	byKey, err := s.ByKeyHash(t.Context(), HashKey(key))
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c := text(t, in), text(t, byID), text(t, byKey); a != b || a != c || strings.Contains(a, key) {
		t.Errorf("created %s\nby id   %s\nby key  %s", a, b, c)
	}
	create(t, s, "prod")
	if all, err := s.List(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("listed %v, %v", all, err)
	}
	if _, _, err := s.Create(t.Context(), Integration{ID: "prod", Name: "x", Source: "prometheus", Auth: None}, now); !errors.Is(err, ErrExists) {
		t.Errorf("created twice: %v", err)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestUpdateChangesEveryCopy(t *testing.T) {
	s := newStore(t)
	in, key := create(t, s, "prod")
	_, err := s.Update(t.Context(), in.ID, now.Add(time.Hour), func(in *Integration) {
		in.Auth, in.Paused, in.ID, in.KeyHashes = HMAC, true, "other", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.ByKeyHash(t.Context(), HashKey(key))
	if err != nil || !got.Paused || got.ID != "prod" || got.SecretRef != "/tocsin/integrations/prod" || got.Rev != 2 || !got.UpdatedAt.Equal(now.Add(time.Hour)) {
		t.Errorf("stored %+v, %v", got, err)
	}
	if _, err := s.Update(t.Context(), "nobody", now, func(*Integration) {}); !errors.Is(err, ErrNotFound) {
		t.Errorf("update of nobody: %v", err)
	}
	if _, err := s.Update(t.Context(), "prod", now, func(in *Integration) { in.Name = "" }); !fault.Is(err, fault.Invalid) {
		t.Errorf("update to no name: %v", err)
	}
}

func TestUpdateOfAnOldRevisionIsRefused(t *testing.T) {
	s := newStore(t)
	before, _ := create(t, s, "prod")
	if _, err := s.Update(t.Context(), "prod", now, func(in *Integration) { in.Paused = true }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.commit(t.Context(), before, before, now); !errors.Is(err, ErrChanged) {
		t.Errorf("err %v", err)
	}
}

func TestTwoKeysAreValidWhileSendersChangeOver(t *testing.T) {
	s := newStore(t)
	_, first := create(t, s, "prod")
	rotate := func() string {
		_, key, err := s.RotateKey(t.Context(), "prod", now)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	valid := func(want ...bool) func(keys ...string) {
		return func(keys ...string) {
			t.Helper()
			for i, key := range keys {
				if found(t, s, key) != want[i] {
					t.Errorf("key %d valid: %v, want %v", i+1, !want[i], want[i])
				}
			}
		}
	}
	second := rotate()
	valid(true, true)(first, second)
	third := rotate()
	valid(false, true, true)(first, second, third)
	if _, err := s.RetireKey(t.Context(), "prod", now); err != nil {
		t.Fatal(err)
	}
	valid(false, false, true)(first, second, third)
	if err := s.Delete(t.Context(), "prod"); err != nil {
		t.Fatal(err)
	}
	valid(false, false, false)(first, second, third)
}

// drawer is a parameter store in memory.
type drawer map[string]string

func (d drawer) GetParameter(_ context.Context, name string) (string, error) {
	v, ok := d[name]
	if !ok {
		return "", fault.New(fault.NotFound, "there is none")
	}
	return v, nil
}

func (d drawer) PutParameter(_ context.Context, name, value string) error {
	d[name] = value
	return nil
}

func TestRotatedSecretsKeepThePreviousOne(t *testing.T) {
	d := drawer{}
	s := &Secrets{api: d}
	first, err := s.Rotate(t.Context(), "/t/a", Bearer)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Rotate(t.Context(), "/t/a", Basic)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), "/t/a")
	if err != nil || got != (Pair{Current: second, Previous: first}) || !strings.HasPrefix(second, basicUser+":") {
		t.Errorf("pair %+v, %v", got, err)
	}
}

func TestSecretsThatCannotBeReadDoNotShow(t *testing.T) {
	s := &Secrets{api: drawer{"/t/a": `{"current": "hush`}}
	if _, err := s.Get(t.Context(), "/t/a"); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("err %v", err)
	}
	if _, err := s.Get(t.Context(), "/t/b"); !fault.Is(err, fault.NotFound) {
		t.Errorf("err %v", err)
	}
}
