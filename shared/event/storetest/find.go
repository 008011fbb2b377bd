package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
)

// openAt opens an event of no alert.
func (s *suite) openAt(t *testing.T, at time.Time, change func(*event.Event)) event.ID {
	t.Helper()
	id, err := s.store.NextID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := event.Event{
		ID: id, State: event.Triggered, Title: "Disk full", Priority: alert.P2, Service: "shop", Execution: execution.First(at), Cycle: 1, Opening: 1,
		OpenedAt: at, TriggeredAt: at,
	}
	if change != nil {
		change(&e)
	}
	if err := s.store.Open(t.Context(), event.Opening{Event: e, At: at}); err != nil {
		t.Fatal(err)
	}
	return id
}

// findAll reads every page of what a filter wants.
func (s *suite) findAll(t *testing.T, f event.Filter, limit int) (all []event.ID, pages int) {
	t.Helper()
	for cursor := ""; pages == 0 || cursor != ""; pages++ {
		found, next, err := s.store.Find(t.Context(), f, limit, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			all = append(all, e.ID)
		}
		cursor = next
	}
	return all, pages
}

func (s *suite) testFind(t *testing.T) {
	era := noon.AddDate(10, 0, 0)
	hour := func(n int) time.Time { return era.Add(time.Duration(n) * time.Hour) }
	closed := s.openAt(t, hour(0), nil)
	s.mustCommit(t, s.read(t, closed), event.Close{Record: &event.Record{CauseClass: "capacity", Cause: "c", Solution: "s"}})
	acked := s.openAt(t, hour(1), func(e *event.Event) { e.Service, e.Source, e.Integration = "pay", "prometheus", "prod" })
	s.mustCommit(t, s.read(t, acked), event.Acknowledge{})
	teams := s.openAt(t, hour(2), func(e *event.Event) { e.Priority, e.Assignee = alert.P4, event.Assignee{Team: "db"} })
	slow := s.openAt(t, hour(2), func(e *event.Event) { e.Title = "Checkout is SLOW" })
	for _, c := range []struct {
		name string
		f    event.Filter
		want []event.ID
	}{
		{"all but closed", event.Filter{}, []event.ID{slow, teams, acked}},
		{"closed", event.Filter{States: []event.State{event.Closed}}, []event.ID{closed}},
		{"of several states", event.Filter{States: []event.State{event.AckedState, event.Closed}}, []event.ID{acked, closed}},
		{"of several priorities", event.Filter{Priorities: []alert.Priority{alert.P4, alert.P1}}, []event.ID{teams}},
		{"of a service", event.Filter{Service: "pay"}, []event.ID{acked}},
		{"of a source", event.Filter{Source: "prometheus"}, []event.ID{acked}},
		{"of an integration", event.Filter{Integration: "prod"}, []event.ID{acked}},
		{"of a member", event.Filter{Member: "ann"}, []event.ID{acked}},
		{"of a team", event.Filter{Team: "db"}, []event.ID{teams}},
		{"by title", event.Filter{Title: "slow"}, []event.ID{slow}},
		{"until", event.Filter{Until: hour(2)}, []event.ID{acked}},
		{"since", event.Filter{Since: hour(2)}, []event.ID{slow, teams}},
		{"nothing", event.Filter{Title: "slow", Team: "db"}, nil},
	} {
		if c.f.Since.IsZero() {
			c.f.Since = era
		}
		if c.f.Until.IsZero() {
			c.f.Until = hour(24)
		}
		for _, limit := range []int{1, 100} {
			if got, _ := s.findAll(t, c.f, limit); !slices.Equal(got, c.want) {
				t.Errorf("%s, %d at once: %v, want %v", c.name, limit, got, c.want)
			}
		}
	}
	for _, cursor := range []string{"nonsense", "#E-1", "2026-03-14T12:00:00.000Z", "2026-03-14T12:00:00.000Z#7"} {
		if _, _, err := s.store.Find(t.Context(), event.Filter{}, 1, cursor); !fault.Is(err, fault.Invalid) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}

// testFindRare: a filter that few events pass leads on, page by page.
func (s *suite) testFindRare(t *testing.T) {
	era := noon.AddDate(12, 0, 0)
	rare := s.openAt(t, era, func(e *event.Event) { e.Service = "rare" })
	for i := range 120 {
		s.openAt(t, era.Add(time.Duration(i+1)*time.Second), nil)
	}
	f := event.Filter{Service: "rare", Since: era, Until: era.Add(time.Hour)}
	if got, _ := s.findAll(t, f, 10); !slices.Equal(got, []event.ID{rare}) {
		t.Errorf("found %v, want %s", got, rare)
	}
}

func (s *suite) testTimelinePages(t *testing.T) {
	e := s.open(t)
	for i := range 6 {
		e = s.mustCommit(t, e, event.Note{Text: fmt.Sprint(i)})
	}
	var texts []string
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		items, next, err := s.store.TimelinePage(t.Context(), e.ID, 3, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			texts = append(texts, item.Data["text"])
		}
		cursor = next
	}
	if want := []string{"5", "4", "3", "2", "1", "0", ""}; !slices.Equal(texts, want) {
		t.Errorf("notes %q, want %q", texts, want)
	}
	for _, cursor := range []string{"nonsense", "#1"} {
		if _, _, err := s.store.TimelinePage(t.Context(), e.ID, 3, cursor); !fault.Is(err, fault.Invalid) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}
