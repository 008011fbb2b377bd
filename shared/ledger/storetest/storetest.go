// Package storetest holds what every engine under a [ledger.Store] must do.
package storetest

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/shared/ledger"
)

// TestStoreSuite runs the suite on a table with the index of lists.
func TestStoreSuite(t *testing.T, table ddb.Table) {
	store := &ledger.Store{Table: table}
	t.Run("a part is put once", func(t *testing.T) { testPut(t, store) })
	t.Run("parts are read in order, with the raw body", func(t *testing.T) { testGet(t, store) })
	t.Run("existing parts are told from others", func(t *testing.T) { testExisting(t, store) })
	t.Run("deliveries are listed newest first", func(t *testing.T) { testList(t, store) })
	t.Run("deliveries of one instant are listed once each", func(t *testing.T) { testListTies(t, store) })
	t.Run("a put whose answer was lost is its writer's", func(t *testing.T) { testLostAnswer(t, store) })
	t.Run("what is absent is not found", func(t *testing.T) {
		if _, err := store.Get(t.Context(), "d-none"); !fault.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
	})
}

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func part(delivery string, n int, received time.Time) ledger.Part {
	return ledger.Part{
		Delivery: delivery, Part: n, Parts: n + 1, Integration: "it", Source: "prometheus", ReceivedAt: received, DisposedAt: received,
		Raw: []byte("raw"), Dispositions: []ledger.Disposition{{Position: n * ledger.PartSize, Kind: ledger.Opened, Event: "E-1"}},
	}
}

func put(t *testing.T, s *ledger.Store, p ledger.Part) bool {
	t.Helper()
	added, err := s.Put(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

func testPut(t *testing.T, s *ledger.Store) {
	p := part("d-put", 0, noon)
	if !put(t, s, p) {
		t.Error("the first put added nothing")
	}
	p.Dispositions[0].Kind = ledger.Joined
	if put(t, s, p) {
		t.Error("the second put added")
	}
	got, err := s.Get(t.Context(), "d-put")
	if err != nil || got[0].Dispositions[0].Kind != ledger.Opened {
		t.Errorf("got %+v, err %v; want what was put first", got, err)
	}
}

func testGet(t *testing.T, s *ledger.Store) {
	for _, n := range []int{2, 0, 1} {
		put(t, s, part("d-get", n, noon))
	}
	got, err := s.Get(t.Context(), "d-get")
	if err != nil || len(got) != 3 {
		t.Fatalf("got %d parts, err %v", len(got), err)
	}
	for n, p := range got {
		if p.Part != n {
			t.Errorf("part %d stands at %d", p.Part, n)
		}
	}
	if !bytes.Equal(got[0].Raw, []byte("raw")) || len(got[1].Raw) != 0 {
		t.Errorf("raw bodies %q and %q, want it once", got[0].Raw, got[1].Raw)
	}
}

func testExisting(t *testing.T, s *ledger.Store) {
	put(t, s, part("d-there", 1, noon))
	got, err := s.Existing(t.Context(), []ledger.PartID{{Delivery: "d-there", Part: 0}, {Delivery: "d-there", Part: 1}, {Delivery: "d-not", Part: 0}})
	if err != nil || len(got) != 1 || !got[ledger.PartID{Delivery: "d-there", Part: 1}] {
		t.Errorf("got %v, err %v", got, err)
	}
}

func testList(t *testing.T, s *ledger.Store) {
	for i := range 5 {
		put(t, s, part(fmt.Sprint("d-list-", i), 0, noon.AddDate(1, 0, i)))
	}
	got, last, err := s.List(t.Context(), ledger.Position(noon.AddDate(1, 0, 4), ""), 2)
	if err != nil || len(got) != 2 || got[0].Delivery != "d-list-3" || got[1].Delivery != "d-list-2" || len(got[0].Raw) != 0 {
		t.Errorf("got %+v, err %v", got, err)
	}
	if want := ledger.Position(noon.AddDate(1, 0, 2), "d-list-2"); last != want {
		t.Errorf("goes on behind %q, want %q", last, want)
	}
}

// testListTies: deliveries of one millisecond are each on one page.
func testListTies(t *testing.T, s *ledger.Store) {
	at, want := noon.AddDate(2, 0, 0), 9
	for i := range want {
		put(t, s, part(fmt.Sprint("d-tie-", i), 0, at))
	}
	seen := map[string]bool{}
	behind := ledger.Position(at.Add(time.Millisecond), "")
	for len(seen) < want {
		got, last, err := s.List(t.Context(), behind, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range got {
			if seen[p.Delivery] || !p.ReceivedAt.Equal(at) {
				t.Fatalf("%s of %s is there twice or too early; seen %v", p.Delivery, p.ReceivedAt, seen)
			}
			seen[p.Delivery] = true
			if len(seen) == want {
				return
			}
		}
		behind = last
	}
}

// testLostAnswer: a put whose answer was lost is known again by its writer, and
// by nobody else.
func testLostAnswer(t *testing.T, s *ledger.Store) {
	p := part("d-lost", 0, noon)
	p.Writer = "me"
	for range 2 {
		if !put(t, s, p) {
			t.Error("its writer does not know it again")
		}
	}
	for _, other := range []string{"", "you"} {
		p.Writer = other
		if put(t, s, p) {
			t.Errorf("writer %q takes it for their own", other)
		}
	}
}
