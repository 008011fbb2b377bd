// Package storetest holds what every engine under a [config.Store] must do.
package storetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"tocsin/shared/config"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
)

// TestStoreSuite runs the suite on an empty table. Its parts build on another.
func TestStoreSuite(t *testing.T, table ddb.Table) {
	store := config.NewStore(table)
	t.Run("before the first version the built-in one is in force", func(t *testing.T) { testEmpty(t, store) })
	t.Run("nothing is written unless all is valid", func(t *testing.T) { testInvalid(t, store) })
	t.Run("a published version is in force and loads as it was", func(t *testing.T) { testPublish(t, store) })
	t.Run("publishing over another version is a conflict", func(t *testing.T) { testConflict(t, store) })
	t.Run("of many publishers at once one wins", func(t *testing.T) { testRace(t, store) })
	t.Run("rollback publishes the old documents as a new version", func(t *testing.T) { testRollback(t, store) })
	t.Run("a large configuration takes several items", func(t *testing.T) { testLarge(t, store) })
	t.Run("history is newest first", func(t *testing.T) { testHistory(t, store) })
}

var at = time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)

func member(name, displayName string) config.Document {
	spec, _ := json.Marshal(map[string]string{"display_name": displayName}) // strings always encode
	return config.Document{Kind: config.KindMember, Name: name, Spec: spec}
}

func publish(t *testing.T, store *config.Store, expected int, docs ...config.Document) config.Version {
	t.Helper()
	v, err := store.Publish(t.Context(), docs, "ann", fmt.Sprintf("after %d", expected), expected, at)
	if err != nil {
		t.Fatalf("publish after version %d: %v", expected, err)
	}
	return v
}

func current(t *testing.T, store *config.Store) config.Version {
	t.Helper()
	v, err := store.Current(t.Context())
	if err != nil {
		t.Fatalf("current: %v", err)
	}
	return v
}

func wantDocuments(t *testing.T, store *config.Store, version int, want []config.Document) {
	t.Helper()
	cfg, err := store.Load(t.Context(), version)
	if err != nil || cfg.Version != version || len(cfg.Documents) != len(want) || len(want) > 0 && !reflect.DeepEqual(cfg.Documents, want) {
		t.Errorf("version %d: %+v, err %v; want documents %s", version, cfg, err, want)
	}
}

func testEmpty(t *testing.T, store *config.Store) {
	if v := current(t, store); v != (config.Version{}) {
		t.Errorf("current %+v", v)
	}
	wantDocuments(t, store, 0, nil)
	if _, err := store.Load(t.Context(), 1); !fault.Is(err, fault.NotFound) {
		t.Errorf("load version 1: %v", err)
	}
	if past, err := store.History(t.Context(), 0, 10); err != nil || len(past) != 0 {
		t.Errorf("history %+v, err %v", past, err)
	}
}

func testInvalid(t *testing.T, store *config.Store) {
	bad := config.Document{Kind: config.KindTeam, Name: "t", Spec: []byte(`{"members":["ghost"]}`)}
	if _, err := store.Publish(t.Context(), []config.Document{member("ann", "Ann"), bad}, "ann", "", 0, at); !fault.Is(err, fault.Invalid) {
		t.Errorf("err %v", err)
	}
	if v := current(t, store); v.Number != 0 {
		t.Errorf("current %+v", v)
	}
}

func testPublish(t *testing.T, store *config.Store) {
	got := publish(t, store, 0, member("bob", "Bob"), member("ann", "Ann"))
	if now := current(t, store); !reflect.DeepEqual(now, got) || got.Number != 1 || got.By != "ann" || got.Comment != "after 0" || !got.At.Equal(at) {
		t.Errorf("published %+v, current %+v", got, now)
	}
	wantDocuments(t, store, 1, []config.Document{member("ann", "Ann"), member("bob", "Bob")})
}

func testConflict(t *testing.T, store *config.Store) {
	before := current(t, store)
	for _, expected := range []int{before.Number - 1, before.Number + 1} {
		if _, err := store.Publish(t.Context(), []config.Document{member("eve", "")}, "eve", "", expected, at); !fault.Is(err, fault.Conflict) {
			t.Errorf("expecting %d: %v", expected, err)
		}
	}
	if now := current(t, store); !reflect.DeepEqual(now, before) {
		t.Errorf("current %+v, before %+v", now, before)
	}
	wantDocuments(t, store, before.Number, []config.Document{member("ann", "Ann"), member("bob", "Bob")})
}

func testRace(t *testing.T, store *config.Store) {
	const publishers = 6
	expected := current(t, store).Number
	won := make([]bool, publishers)
	var wg sync.WaitGroup
	for i := range publishers {
		wg.Go(func() {
			_, err := store.Publish(t.Context(), []config.Document{member("winner", fmt.Sprint(i))}, "ann", "", expected, at)
			won[i] = err == nil
			if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Unavailable) {
				t.Errorf("publisher %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	var winners []int
	for i, w := range won {
		if w {
			winners = append(winners, i)
		}
	}
	if len(winners) != 1 {
		t.Fatalf("winners %v", winners)
	}
	wantDocuments(t, store, expected+1, []config.Document{member("winner", fmt.Sprint(winners[0]))})
}

func testRollback(t *testing.T, store *config.Store) {
	v := current(t, store)
	back, err := store.Rollback(t.Context(), 1, "bob", v.Number, at)
	if err != nil || back.Number != v.Number+1 || back.Comment != "rollback to version 1" {
		t.Fatalf("rolled back to %+v, err %v", back, err)
	}
	wantDocuments(t, store, back.Number, []config.Document{member("ann", "Ann"), member("bob", "Bob")})
}

// testLarge uses text that does not compress, so that it fills several chunks.
func testLarge(t *testing.T, store *config.Store) {
	rng := rand.New(rand.NewPCG(1, 1))
	var docs []config.Document
	for i := range 400 {
		name := make([]byte, 3000)
		for j := range name {
			name[j] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[rng.IntN(64)]
		}
		docs = append(docs, member(fmt.Sprintf("m%03d", i), string(name)))
	}
	v := publish(t, store, current(t, store).Number, docs...)
	wantDocuments(t, store, v.Number, docs)
}

func testHistory(t *testing.T, store *config.Store) {
	newest := current(t, store).Number
	past, err := store.History(t.Context(), 0, 2)
	if err != nil || len(past) != 2 || past[0].Number != newest || past[1].Number != newest-1 {
		t.Errorf("history %+v, err %v", past, err)
	}
	if past, err = store.History(t.Context(), 2, 10); err != nil || len(past) != 1 || past[0].Number != 1 || past[0].Comment != "after 0" {
		t.Errorf("history before 2: %+v, err %v", past, err)
	}
}
