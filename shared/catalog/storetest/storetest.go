// Package storetest holds what every engine under a [catalog.Store] must do.
package storetest

import (
	"reflect"
	"testing"

	"tocsin/shared/catalog"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
)

// TestStoreSuite runs the suite on an empty table.
func TestStoreSuite(t *testing.T, table ddb.Table) {
	store := catalog.NewStore(table)
	t.Run("a member without contacts has none", func(t *testing.T) { wantContacts(t, store, "nobody") })
	t.Run("contacts are listed in order, of one member only", func(t *testing.T) { testOrder(t, store) })
	t.Run("put replaces", func(t *testing.T) { testReplace(t, store) })
	t.Run("put refuses a bad contact", func(t *testing.T) { testInvalid(t, store) })
	t.Run("remove", func(t *testing.T) { testRemove(t, store) })
}

func email(member, id string, order int) catalog.Contact {
	return catalog.Contact{ID: id, Member: member, Channel: catalog.Email, Address: id + "@example.com", Verified: true, Order: order}
}

func put(t *testing.T, store *catalog.Store, contacts ...catalog.Contact) {
	t.Helper()
	for _, c := range contacts {
		if err := store.Put(t.Context(), c); err != nil {
			t.Fatalf("put %s: %v", c.ID, err)
		}
	}
}

func wantContacts(t *testing.T, store *catalog.Store, member string, want ...catalog.Contact) {
	t.Helper()
	got, err := store.List(t.Context(), member)
	if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("contacts of %s: %+v, err %v; want %+v", member, got, err, want)
	}
}

func testOrder(t *testing.T, store *catalog.Store) {
	last, first, second := email("ann", "a", 7), email("ann", "c", -1), email("ann", "d", -1)
	put(t, store, last, first, second, email("ann-2", "x", 0))
	wantContacts(t, store, "ann", first, second, last)
}

func testReplace(t *testing.T, store *catalog.Store) {
	after := catalog.Contact{ID: "phone", Member: "bob", Channel: catalog.Ntfy, Address: "topic_1", Order: 3}
	put(t, store, email("bob", "phone", 1), after)
	wantContacts(t, store, "bob", after)
}

func testInvalid(t *testing.T, store *catalog.Store) {
	if err := store.Put(t.Context(), catalog.Contact{ID: "x", Member: "cleo", Channel: catalog.Email}); !fault.Is(err, fault.Invalid) {
		t.Errorf("err %v", err)
	}
	wantContacts(t, store, "cleo")
}

func testRemove(t *testing.T, store *catalog.Store) {
	put(t, store, email("dan", "a", 1), email("dan", "b", 2))
	if err := store.Remove(t.Context(), "dan", "a"); err != nil {
		t.Errorf("remove: %v", err)
	}
	wantContacts(t, store, "dan", email("dan", "b", 2))
	if err := store.Remove(t.Context(), "dan", "a"); !fault.Is(err, fault.NotFound) {
		t.Errorf("remove again: %v", err)
	}
}
