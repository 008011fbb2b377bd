// Package knowledge offers what is on record when the same thing happens
// again.
package knowledge

import (
	"context"

	"tocsin/shared/event"
	"tocsin/shared/fault"
)

// Events reads an event consistently; [event.Store] is one.
type Events interface {
	Get(ctx context.Context, id event.ID) (event.Event, error)
}

// looksBack bounds how many former events are read to find a solution.
const looksBack = 5

// LastTime returns the newest former event of the same alert, or of the same
// rule and merge key, in whose record a solution stands. It reports false when
// there is none among the last few.
func LastTime(ctx context.Context, events Events, e event.Event) (event.Event, bool, error) {
	for id, n := e.Previous, 0; id != "" && n < looksBack; n++ {
		former, err := events.Get(ctx, id)
		switch {
		case fault.Is(err, fault.NotFound):
			return event.Event{}, false, nil
		case err != nil:
			return event.Event{}, false, err
		case former.MergedInto != "":
			id = former.MergedInto
		case former.Record.Solution != "":
			return former, former.ID != e.ID, nil
		default:
			id = former.Previous
		}
	}
	return event.Event{}, false, nil
}
