// Package storetest holds what every engine under a [change.Store] must do.
package storetest

import (
	"reflect"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/change"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
)

// midnight is between two partitions.
var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// TestStoreSuite runs the suite on an empty table.
func TestStoreSuite(t *testing.T, table ddb.Table) {
	store := &change.Store{Table: table}
	t.Run("a service without changes has none", func(t *testing.T) { wants(t, store, "none", around(time.Hour)) })
	t.Run("changes are found newest first, of their service and window only", func(t *testing.T) { testOrder(t, store) })
	t.Run("a change told again is there once", func(t *testing.T) { testAgain(t, store) })
	t.Run("equal ids of two integrations are two changes", func(t *testing.T) { testApart(t, store) })
	t.Run("pages hold each change once", func(t *testing.T) { testPages(t, store) })
	t.Run("a cursor of somebody else's is refused", func(t *testing.T) {
		if _, _, err := store.Find(t.Context(), "shop", around(time.Hour), 5, "yesterday"); !fault.Is(err, fault.Invalid) {
			t.Errorf("err %v", err)
		}
	})
}

func around(d time.Duration) change.Window {
	return change.Window{From: midnight.Add(-d), Until: midnight.Add(d)}
}

func filed(service, id string, at time.Duration) change.Filed {
	return change.Filed{Integration: "ci", FiledAt: midnight.Add(time.Hour), Change: change.Change{
		ID: id, Title: "deploy " + id, Source: "github", Service: service, At: midnight.Add(at),
		Labels: map[string]string{"env": "prod"}, Links: []alert.Link{{Text: "Run", URL: "https://ci.example.com/" + id}},
	}}
}

func put(t *testing.T, store *change.Store, f change.Filed, wantAdded bool) change.Filed {
	t.Helper()
	kept, added, err := store.Put(t.Context(), f)
	if err != nil || added != wantAdded {
		t.Fatalf("put %s: added %v, err %v", f.ID, added, err)
	}
	return kept
}

func wants(t *testing.T, store *change.Store, service string, in change.Window, want ...change.Filed) {
	t.Helper()
	got, next, err := store.Find(t.Context(), service, in, 10, "")
	if err != nil || next != "" || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("changes of %s: %+v, next %q, err %v; want %+v", service, got, next, err, want)
	}
}

func testOrder(t *testing.T, store *change.Store) {
	before, first, last, after := filed("order", "1", -2*time.Hour), filed("order", "2", -time.Minute), filed("order", "3", time.Minute), filed("order", "4", 2*time.Hour)
	for _, f := range []change.Filed{last, before, after, first, filed("order-2", "5", 0)} {
		put(t, store, f, true)
	}
	wants(t, store, "order", around(time.Hour), last, first)
	wants(t, store, "order", around(2*time.Hour), after, last, first, before)
}

func testAgain(t *testing.T, store *change.Store) {
	first := filed("again", "6", 0)
	put(t, store, first, true)
	later := filed("again", "6", time.Minute)
	later.Title, later.FiledAt = "deploy 6, done", midnight.Add(2*time.Hour)
	if kept := put(t, store, later, false); !reflect.DeepEqual(kept, first) {
		t.Errorf("kept %+v, want the first", kept)
	}
	wants(t, store, "again", around(time.Hour), first)
}

func testApart(t *testing.T, store *change.Store) {
	ours, theirs := filed("apart", "7", 0), filed("apart", "7", time.Minute)
	theirs.Integration = "other"
	put(t, store, ours, true)
	put(t, store, theirs, true)
	wants(t, store, "apart", around(time.Hour), theirs, ours)
}

func testPages(t *testing.T, store *change.Store) {
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		put(t, store, filed("pages", id, -time.Minute), true) // of one instant
	}
	put(t, store, filed("pages", "f", time.Minute), true)
	seen, cursor := map[string]bool{}, ""
	for page := range 4 {
		got, next, err := store.Find(t.Context(), "pages", around(time.Hour), 2, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range got {
			if seen[f.ID] {
				t.Errorf("%s is on two pages", f.ID)
			}
			seen[f.ID] = true
		}
		if cursor = next; next == "" {
			if page != 2 {
				t.Errorf("the last page is %d", page)
			}
			break
		}
	}
	if len(seen) != 6 {
		t.Errorf("saw %v", seen)
	}
}
