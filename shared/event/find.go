package event

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
)

// Filter says which events are wanted. Of each field any value will do; the
// zero field wants all. States and times of opening are looked up by an index,
// the others in what that yields.
type Filter struct {
	States      []State // none: all but closed
	Priorities  []alert.Priority
	Service     string
	Member      string // who owns it, or for whom it is meant
	Team        string // for which it is meant
	Source      string
	Integration string
	Title       string    // part of the title, in letters of any case
	Since       time.Time // opened then or later
	Until       time.Time // opened before
}

func (f *Filter) wants(e *Event) bool {
	is := func(want, got string) bool { return want == "" || want == got }
	return f.wantsState(e.State) &&
		(len(f.Priorities) == 0 || slices.Contains(f.Priorities, e.Priority)) &&
		is(f.Service, e.Service) && is(f.Team, e.Assignee.Team) && is(f.Source, e.Source) && is(f.Integration, e.Integration) &&
		(is(f.Member, e.Owner) || is(f.Member, e.Assignee.Member)) &&
		strings.Contains(strings.ToLower(e.Title), strings.ToLower(f.Title))
}

func (f *Filter) wantsState(s State) bool {
	if len(f.States) == 0 {
		return s != Closed
	}
	return slices.Contains(f.States, s)
}

// partitions are the parts of the index that hold wanted events.
func (f *Filter) partitions() []string {
	var parts []string
	for _, open := range []bool{true, false} {
		if slices.ContainsFunc([]State{Triggered, AckedState, Snoozed, Resolved, Closed}, func(s State) bool {
			return (s != Closed) == open && f.wantsState(s)
		}) {
			parts = append(parts, listPartition(open))
		}
	}
	return parts
}

// Bounds of one call of Find: it reads so many events at once, and no more than
// that many in all, however few of them are wanted.
const (
	findAtOnce = 100
	mostFound  = 1000
)

// Find returns a page of the events that are wanted, newest first. cursor is ""
// for the first page; next is "" after the last. A page may hold fewer than
// limit before the last, even none, because a call reads a bounded number of
// events. fault.Invalid: the cursor is not one that Find returned.
func (s *Store) Find(ctx context.Context, f Filter, limit int, cursor string) (events []Event, next string, err error) {
	position, err := f.begin(cursor)
	if err != nil {
		return nil, "", err
	}
	for read := 0; read < mostFound; read += findAtOnce {
		entries, err := s.newest(ctx, f, position)
		if err != nil {
			return nil, "", err
		}
		found, err := s.GetMany(ctx, idsOf(entries)...)
		if err != nil {
			return nil, "", err
		}
		for _, entry := range entries {
			position = entry.position
			if e, ok := found[entry.id]; ok && f.wants(&e) {
				events = append(events, e)
			}
			if len(events) == limit {
				return events, position, nil
			}
		}
		if len(entries) < findAtOnce {
			return events, "", nil
		}
	}
	return events, position, nil
}

// begin returns the position behind which Find goes on.
func (f *Filter) begin(cursor string) (string, error) {
	if cursor == "" {
		if f.Until.IsZero() {
			return "9", nil // behind every time
		}
		return clock.Format(f.Until), nil
	}
	opened, id, _ := strings.Cut(cursor, "#")
	at, err := clock.Parse(opened)
	if _, wrong := ID(id).Number(); err != nil || at.IsZero() || wrong != nil {
		return "", fault.New(fault.Invalid, "cursor %q is not one that a list returned", cursor)
	}
	return cursor, nil
}

// entry is an event in the index of lists.
type entry struct {
	id       ID
	position string // time of opening and id
}

func idsOf(entries []entry) []ID {
	ids := make([]ID, len(entries))
	for i, e := range entries {
		ids[i] = e.id
	}
	return ids
}

// newest reads the next entries behind a position, newest first. An event that
// moves from one part to the other between two reads is there once.
func (s *Store) newest(ctx context.Context, f Filter, position string) ([]entry, error) {
	var all []entry
	for _, part := range f.partitions() {
		items, err := s.Table.Below(ctx, listIndex, attrListPK, attrListSK, part, position, findAtOnce)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			at := ddb.Text(item, attrListSK)
			if !f.Since.IsZero() && at < clock.Format(f.Since) {
				break
			}
			all = append(all, entry{ID(strings.TrimPrefix(ddb.Text(item, ddb.PK), "EVENT#")), at})
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(b.position, a.position) })
	all = slices.CompactFunc(all, func(a, b entry) bool { return a.id == b.id })
	return all[:min(findAtOnce, len(all))], nil
}

// TimelinePage returns a page of an event's timeline, newest first. cursor is ""
// for the first page; next is "" after the last. fault.Invalid: the cursor is
// not one that it returned.
func (s *Store) TimelinePage(ctx context.Context, id ID, limit int, cursor string) (items []Item, next string, err error) {
	after := ""
	if cursor != "" {
		written, _, _ := strings.Cut(cursor, "#")
		if at, err := clock.Parse(written); err != nil || at.IsZero() {
			return nil, "", fault.New(fault.Invalid, "cursor %q is not one that a timeline returned", cursor)
		}
		after = timelinePrefix + cursor
	}
	stored, last, err := s.Table.PageDown(ctx, partition(id), timelinePrefix, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("timeline of event %s: %w", id, err)
	}
	items = make([]Item, len(stored))
	for i, item := range stored {
		if err := ddb.Decode(item, attrBody, &items[i]); err != nil {
			return nil, "", fmt.Errorf("timeline of event %s: %w", id, err)
		}
	}
	return items, strings.TrimPrefix(last, timelinePrefix), nil
}
