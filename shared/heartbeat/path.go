package heartbeat

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/clock"
)

// The guard of the path. When many heartbeats fall silent at about the same
// time, not their jobs are silent but their way to us is broken: one alert says
// so, and misses are held back.
//
//	path      leaves by
//	works     a mass falls silent: the alert is told, misses are held back
//	broken    pings arrive again: what is silent is awaited anew; [HoldFor] passes: misses are told
//	told out  pings arrive again
const (
	// massAtLeast is how many must fall silent before it is asked whether their
	// path is broken, and how many must be heard before it works again.
	massAtLeast = 5

	// HoldFor is for how long misses are held back. Whoever was paged about the
	// path has looked by then, and most jobs were due once more; a job that died
	// for good is told of an hour late at most. When pings arrive again, each
	// that is still silent has its next turn, if that comes within as long again;
	// else it is told of at once.
	HoldFor = time.Hour

	// recent is how long a silence counts as one of the same failure: pings stop
	// one by one, as their deadlines come.
	recent = 15 * time.Minute

	// lately is how long a ping counts at least. Those that are silent were
	// awaited a short while ago, and most jobs that ping every few minutes were
	// heard in that time if their path works; one that pings once a day says
	// nothing about the path either way.
	lately = 5 * time.Minute
)

// Census says how many heartbeats fell silent and how many were heard at about
// the same time. Those that are paused, were never pinged, or are spared say
// nothing.
type Census struct {
	Overdue []Heartbeat // whose miss was not found yet
	Lost    int         // of these, and of those missed recently
	Silent  int         // whose deadline passed recently, found or not
	Heard   int         // were heard since half of the silent should have been, at least lately
	Down    int         // were missed, and not heard since
}

// Count takes the census of all heartbeats, read consistently, at an instant.
func Count(all []Heartbeat, at time.Time) Census {
	c := Census{}
	var expected []time.Time // when the silent should have been heard
	for _, h := range all {
		overdue := h.Overdue(at)
		if h.Paused || h.Removed || !h.Spared.IsZero() || !overdue && !h.down() {
			continue
		}
		deadline := h.Missed
		if overdue {
			deadline = h.Deadline
			c.Overdue = append(c.Overdue, h)
		} else {
			c.Down++
		}
		late := deadline.After(at.Add(-recent))
		if late {
			expected = append(expected, deadline.Add(-h.timetable.grace))
		}
		if late || overdue {
			c.Lost++
		}
	}
	c.Silent = len(expected)
	since := at.Add(-lately)
	if half := median(expected); c.Silent > 0 && half.Before(since) {
		since = half
	}
	for _, h := range all {
		if !h.Paused && !h.Removed && !h.Overdue(at) && !h.down() && !h.LastPing.Before(since) {
			c.Heard++
		}
	}
	return c
}

func median(times []time.Time) time.Time {
	if len(times) == 0 {
		return time.Time{}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times[len(times)/2]
}

// broken reports whether so many fell silent, beside those that were heard,
// that their path must be broken.
func (c Census) broken() bool { return c.Silent >= massAtLeast && c.Silent >= c.Heard }

// works reports whether so many are heard that their path works, or nobody is
// left who could be.
func (c Census) works() bool {
	enough := c.Heard >= massAtLeast || 2*c.Heard >= len(c.Overdue)
	nobody := len(c.Overdue)+c.Down == 0
	return !c.broken() && (c.Heard > 0 && enough || nobody)
}

// Path is what is kept of the alert about the path of all heartbeats. The zero
// Path is a path that works.
type Path struct {
	Since time.Time // when it was found broken; zero: it works
	At    time.Time // of the newest report
	Lost  int       // as that report says
	Told  bool      // the queue has it
}

// Verdict is what is done with the misses that a sweep finds.
type Verdict string

// The verdicts.
const (
	Tells    Verdict = "tells"    // they are told one by one
	Holds    Verdict = "holds"    // the path is broken: they wait
	Recovers Verdict = "recovers" // the path works again: they are awaited anew
)

// Judge says what is done with the misses that the census found.
func (p Path) Judge(c Census, at time.Time) Verdict {
	switch {
	case p.Since.IsZero() && c.broken():
		return Holds
	case p.Since.IsZero():
		return Tells
	case c.works():
		return Recovers
	case at.Before(p.Since.Add(HoldFor)):
		return Holds
	}
	return Tells
}

// Next is the path with the report that is owed about it: the first, one for
// each time that half as many again are lost, else the one before.
func (p Path) Next(c Census, at time.Time) Path {
	switch {
	case p.Since.IsZero():
		return Path{Since: at, At: at, Lost: c.Lost}
	case 2*c.Lost >= 3*p.Lost && at.After(p.At):
		return Path{Since: p.Since, At: at, Lost: c.Lost}
	}
	return p
}

// HasTurn reports whether h, awaited anew at an instant, is expected soon
// enough that it may be.
func (h *Heartbeat) HasTurn(at time.Time) bool {
	next := h.spared(at).Deadline.Add(-h.timetable.grace)
	return !next.After(at.Add(HoldFor))
}

// Report says that the path is broken. Each is an episode of its own: it pages
// again when a person resolved the one before, and joins it otherwise.
func (p Path) Report(c Census) Report {
	r := p.report(Missed, p.At)
	r.Alert.Status, r.Alert.Severity = alert.Firing, alert.Critical
	r.Alert.Title = fmt.Sprintf("heartbeats are not arriving: %d of %d are overdue", c.Lost, c.Lost+c.Heard)
	r.Alert.Description = fmt.Sprintf("So many at once mean that pings do not reach us. Single misses wait until %s, or until pings arrive again. Overdue: %s.",
		p.Since.Add(HoldFor).Format("15:04 UTC"), namesOf(c.Overdue))
	return r
}

// Recovery says that the path works again, and who was not heard yet.
func (p Path) Recovery(c Census, at time.Time) Report {
	if !at.After(p.At) {
		at = p.At.Add(time.Millisecond)
	}
	r := p.report(Recovered, at)
	r.Alert.Status, r.Alert.EndedAt, r.Alert.Title = alert.Resolved, at, "heartbeats are arriving again"
	if len(c.Overdue) > 0 {
		r.Alert.Description = "Not heard yet: " + namesOf(c.Overdue) + "."
	}
	return r
}

func (p Path) report(kind Kind, at time.Time) Report {
	return Report{
		ID: "path " + string(kind) + " " + clock.Format(p.At), Kind: kind, At: at,
		Alert: alert.Alert{
			Source: Source, DedupKey: alert.SenderKey("heartbeats", "path"), Episode: clock.Format(p.At), StartedAt: p.Since,
			Labels: map[string]string{"report": "path"}, Links: []alert.Link{},
		},
	}
}

// namesOf lists heartbeats by name, as many as a person reads.
func namesOf(list []Heartbeat) string {
	const most = 30
	names := make([]string, len(list))
	for i, h := range list {
		names[i] = h.Name
	}
	slices.Sort(names)
	if rest := len(names) - most; rest > 0 {
		names = append(names[:most], fmt.Sprintf("%d more", rest))
	}
	return strings.Join(names, ", ")
}
