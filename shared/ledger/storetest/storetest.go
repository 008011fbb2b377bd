// Package storetest holds what every engine under a [ledger.Store] must do.
package storetest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/shared/ledger"
)

// TestStoreSuite runs the suite on a table without indexes.
func TestStoreSuite(t *testing.T, table ddb.Table) {
	store := &ledger.Store{Table: table}
	t.Run("a part is put once", func(t *testing.T) { testPut(t, store) })
	t.Run("parts are read in order, with the raw body", func(t *testing.T) { testGet(t, store) })
	t.Run("existing parts are told from others", func(t *testing.T) { testExisting(t, store) })
	t.Run("deliveries are listed newest first, each once", func(t *testing.T) { testList(t, store) })
	t.Run("an entry without its part is passed over", func(t *testing.T) { testListTwice(t, store) })
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
	for _, id := range []string{"d-get", stamped(noon, 1)} {
		testGetOne(t, s, id)
	}
}

func testGetOne(t *testing.T, s *ledger.Store, id string) {
	for _, n := range []int{2, 0, 1} {
		put(t, s, part(id, n, noon))
	}
	got, err := s.Get(t.Context(), id)
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
	id := stamped(noon, 2)
	put(t, s, part("d-there", 1, noon))
	put(t, s, part(id, 0, noon))
	want := map[ledger.PartID]bool{{Delivery: "d-there", Part: 1}: true, {Delivery: id}: true}
	got, err := s.Existing(t.Context(), []ledger.PartID{
		{Delivery: "d-there"}, {Delivery: "d-there", Part: 1}, {Delivery: "d-not"}, {Delivery: id}, {Delivery: id, Part: 1},
	})
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, err %v", got, err)
	}
}

// named is an id made from the sender's own, stamped one that tells the time.
func named(i int) string { return fmt.Sprintf("d-%032x", i) }

func stamped(received time.Time, i int) string {
	id := ulid.MustNew(ulid.Timestamp(received), zero{})
	id[15] = byte(i)
	return "d-" + strings.ToLower(id.String())
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { return len(p), nil }

// testList: days with and without deliveries, several in one instant, ids that
// tell their time and ids that do not. Whatever the size of pages, their
// deliveries are all of them, each once.
func testList(t *testing.T, s *ledger.Store) {
	var want []ledger.Part
	since := noon.AddDate(1, 0, 0)
	for i := range 24 {
		received := since.AddDate(0, 0, i/8*3).Add(time.Duration(i%8/4) * time.Millisecond)
		p := part(named(i), 0, received)
		if i%2 == 0 {
			p.Delivery = stamped(received, i)
		}
		put(t, s, p)
		if i%3 == 0 {
			put(t, s, part(p.Delivery, 1, received))
		}
		want = append(want, p)
	}
	put(t, s, part("d-before", 0, since.Add(-time.Millisecond)))
	slices.SortFunc(want, func(a, b ledger.Part) int { return strings.Compare(b.Position(), a.Position()) })
	for _, size := range []int{1, 2, 3, 5, 24, 100} {
		var got []ledger.Part
		position := clock.Format(since.AddDate(0, 1, 0))
		for range len(want) + 1 {
			page, err := s.List(t.Context(), since, position, size)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, page...); len(page) < size {
				break
			}
			position = page[size-1].Position()
		}
		if !slices.EqualFunc(got, want, func(a, b ledger.Part) bool { return a.Delivery == b.Delivery && len(a.Raw) == 0 }) {
			t.Errorf("pages of %d list %v\nwant %v", size, ids(got), ids(want))
		}
	}
}

func ids(parts []ledger.Part) (all []string) {
	for _, p := range parts {
		all = append(all, p.Delivery)
	}
	return all
}

// testListTwice: a delivery that its sender repeats later is listed at the
// time at which it was kept.
func testListTwice(t *testing.T, s *ledger.Store) {
	since := noon.AddDate(2, 0, 0)
	for _, later := range []time.Duration{0, time.Second, 26 * time.Hour} {
		put(t, s, part("d-twice", 0, since.Add(later)))
	}
	got, err := s.List(t.Context(), since, clock.Format(since.AddDate(0, 0, 3)), 10)
	if err != nil || len(got) != 1 || !got[0].ReceivedAt.Equal(since) {
		t.Errorf("listed %+v, err %v", got, err)
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
