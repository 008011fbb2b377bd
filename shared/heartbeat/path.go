package heartbeat

import (
	"fmt"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/clock"
)

// massAtLeast is the number of overdue heartbeats from which on it is asked
// whether their path is broken.
const massAtLeast = 5

// Recent is how long a miss counts for the guard after its deadline: pings
// stop one by one as their deadlines come, and those that were told before are
// of the same failure.
const Recent = 15 * time.Minute

// Census counts the heartbeats that are watched.
type Census struct {
	Armed   int // await a ping, or missed one a short while ago
	Overdue int // of these: whose deadline passed
}

// Broken reports whether so many are overdue at once that not the jobs are
// silent but their way to us is broken: at least 5, and at least half.
func (c Census) Broken() bool { return c.Overdue >= massAtLeast && 2*c.Overdue >= c.Armed }

// Path is what is kept of the alert about the path of all heartbeats. The zero
// Path is a path that works.
type Path struct {
	Since time.Time // when it was found broken; zero: it works
	Told  bool      // the queue has it
}

// Report says that the path is broken, and names some heartbeats.
func (p Path) Report(c Census, names []string) Report {
	r := p.report(Missed, p.Since)
	r.Alert.Status, r.Alert.Severity = alert.Firing, alert.Critical
	r.Alert.Title = fmt.Sprintf("heartbeats are not arriving: %d of %d are overdue", c.Overdue, c.Armed)
	r.Alert.Description = "So many at once mean that pings do not reach us. Single misses wait until they do. Overdue: " + strings.Join(names, ", ") + "."
	return r
}

// Recovery says that the path works again.
func (p Path) Recovery(at time.Time) Report {
	if !at.After(p.Since) {
		at = p.Since.Add(time.Millisecond)
	}
	r := p.report(Recovered, at)
	r.Alert.Status, r.Alert.EndedAt, r.Alert.Title = alert.Resolved, at, "heartbeats are arriving again"
	return r
}

func (p Path) report(kind Kind, at time.Time) Report {
	since := clock.Format(p.Since)
	return Report{
		ID: "path " + string(kind) + " " + since, Kind: kind, At: at,
		Alert: alert.Alert{
			Source: Source, DedupKey: alert.SenderKey("heartbeats", "path"), Episode: since, StartedAt: p.Since,
			Labels: map[string]string{"report": "path"}, Links: []alert.Link{},
		},
	}
}
