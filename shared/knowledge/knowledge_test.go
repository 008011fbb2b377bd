package knowledge

import (
	"context"
	"errors"
	"testing"

	"tocsin/shared/event"
	"tocsin/shared/fault"
)

// past holds events by id; reading one that is "" fails.
type past map[event.ID]event.Event

var errDown = errors.New("down")

func (p past) Get(_ context.Context, id event.ID) (event.Event, error) {
	e, known := p[id]
	if !known {
		return e, fault.New(fault.NotFound, "event %s does not exist", id)
	}
	if e.ID == "" {
		return e, errDown
	}
	return e, nil
}

func former(id, previous event.ID, solution string) event.Event {
	return event.Event{ID: id, Previous: previous, Record: event.Record{Solution: solution}}
}

func TestLastTime(t *testing.T) {
	events := past{
		"E-1": former("E-1", "", "restarted"), "E-2": former("E-2", "E-1", ""), "E-3": {ID: "E-3", MergedInto: "E-4"},
		"E-4": former("E-4", "", "rolled back"), "E-5": {}, "E-6": former("E-6", "E-6", ""), "E-7": former("E-7", "gone", ""),
	}
	for _, c := range []struct {
		name     string
		now      event.Event
		want     event.ID
		solution string
		err      error
	}{
		{name: "the first of its kind", now: former("E-9", "", "")},
		{name: "the one before", now: former("E-9", "E-1", ""), want: "E-1", solution: "restarted"},
		{name: "one further back", now: former("E-9", "E-2", ""), want: "E-1", solution: "restarted"},
		{name: "merged into another", now: former("E-9", "E-3", ""), want: "E-4", solution: "rolled back"},
		{name: "merged into this one", now: former("E-4", "E-3", "rolled back")},
		{name: "none that says a solution", now: former("E-9", "E-6", "")},
		{name: "one that is gone", now: former("E-9", "E-7", "")},
		{name: "one that cannot be read", now: former("E-9", "E-5", ""), err: errDown},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, found, err := LastTime(t.Context(), events, c.now)
			if !errors.Is(err, c.err) || found != (c.want != "") || found && (got.ID != c.want || got.Record.Solution != c.solution) {
				t.Errorf("LastTime = %s %q, %t, %v; want %q", got.ID, got.Record.Solution, found, err, c.want)
			}
		})
	}
}
