package heartbeat

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/plan"
)

// fleet is n heartbeats that are expected so often, last heard at an instant.
func fleet(n int, every, grace time.Duration, heard time.Time) []Heartbeat {
	all := make([]Heartbeat, n)
	for i := range all {
		d := Definition{
			ID: ID(fmt.Sprintf("%s-%d", plan.Duration(every), i)), Name: fmt.Sprint("job-", i),
			Expectation: Expectation{Every: plan.Duration(every), Grace: plan.Duration(grace)},
		}
		table, err := d.Timetable()
		if err != nil {
			panic(err)
		}
		all[i] = Heartbeat{Definition: d, LastPing: heard, timetable: table, Deadline: table.Deadline(heard)}
	}
	return all
}

// spread lets them have been pinged evenly over their last period before an instant.
func spread(all []Heartbeat, before time.Time) []Heartbeat {
	for i := range all {
		h := &all[i]
		h.LastPing = before.Add(-time.Duration(i) * h.timetable.every / time.Duration(len(all)))
		h.Deadline = h.timetable.Deadline(h.LastPing)
	}
	return all
}

func TestTheCensus(t *testing.T) {
	const minute, hour, day = time.Minute, time.Hour, 24 * time.Hour
	at := nine
	dead := func(n int, every, grace time.Duration) []Heartbeat {
		return fleet(n, every, grace, at.Add(-every-grace))
	}
	alive := func(n int, every time.Duration, ago time.Duration) []Heartbeat {
		return fleet(n, every, minute, at.Add(-ago))
	}
	with := func(all []Heartbeat, change func(*Heartbeat)) []Heartbeat {
		for i := range all {
			change(&all[i])
		}
		return all
	}
	for _, c := range []struct {
		name                string
		all                 [][]Heartbeat
		lost, silent, heard int
		broken              bool
	}{
		{"none", nil, 0, 0, 0, false},
		{"one", [][]Heartbeat{dead(1, 5*minute, minute)}, 1, 1, 0, false},
		{"two", [][]Heartbeat{dead(2, 5*minute, minute)}, 2, 2, 0, false},
		{"four, which is all", [][]Heartbeat{dead(4, 5*minute, minute)}, 4, 4, 0, false},
		{"five, which is all", [][]Heartbeat{dead(5, 5*minute, minute)}, 5, 5, 0, true},
		{"half", [][]Heartbeat{dead(5, 5*minute, minute), alive(5, 5*minute, 2*minute)}, 5, 5, 5, true},
		{"fewer than half", [][]Heartbeat{dead(5, 5*minute, minute), alive(6, 5*minute, 4*minute)}, 5, 5, 6, false},
		{"those that ping once a day say nothing", [][]Heartbeat{dead(6, 5*minute, minute), alive(7, day, 6*minute)}, 6, 6, 0, true},
		{"nor do those of each hour that were not due since", [][]Heartbeat{dead(6, 5*minute, minute), alive(9, hour, 20*minute), alive(9, day, 5*hour)}, 6, 6, 0, true},
		{"those of each hour that pinged when the silent should have", [][]Heartbeat{dead(6, hour, 5*minute), alive(94, hour, 5*minute)}, 6, 6, 94, false},
		{"5m, 1h and 24h, all dead", [][]Heartbeat{dead(2, 5*minute, minute), dead(2, hour, 5*minute), dead(2, day, hour)}, 6, 6, 0, true},
		{"a night's jobs with long grace, beside what pings", [][]Heartbeat{dead(6, day, hour), alive(8, 5*minute, minute)}, 6, 6, 8, false},
		{"paused", [][]Heartbeat{with(dead(6, 5*minute, minute), func(h *Heartbeat) { h.Paused = true })}, 0, 0, 0, false},
		{"removed", [][]Heartbeat{with(dead(6, 5*minute, minute), func(h *Heartbeat) { h.Removed = true })}, 0, 0, 0, false},
		{"never armed", [][]Heartbeat{with(dead(6, 5*minute, minute), func(h *Heartbeat) { h.LastPing, h.Deadline = time.Time{}, time.Time{} })}, 0, 0, 0, false},
		{"paused and never armed beside the dead", [][]Heartbeat{
			dead(5, 5*minute, minute), with(alive(9, 5*minute, 0), func(h *Heartbeat) { h.Paused = true }),
			with(alive(9, 5*minute, 0), func(h *Heartbeat) { h.LastPing, h.Deadline = time.Time{}, time.Time{} }),
		}, 5, 5, 0, true},
		{"spared before", [][]Heartbeat{with(dead(6, 5*minute, minute), func(h *Heartbeat) { h.Spared = at })}, 0, 0, 0, false},
		{"told one by one a short while ago", [][]Heartbeat{
			dead(1, 5*minute, minute), with(dead(4, 5*minute, minute), func(h *Heartbeat) { *h = h.missed(at) }),
		}, 5, 5, 0, true},
		{"told one by one long ago", [][]Heartbeat{
			dead(1, 5*minute, minute), with(dead(9, 5*minute, 30*minute), func(h *Heartbeat) { h.Deadline = at.Add(-16 * minute); *h = h.missed(at) }),
		}, 1, 1, 0, false},
		{"held back for long", [][]Heartbeat{fleet(6, 5*minute, minute, at.Add(-hour))}, 6, 0, 0, false},
		{"failing jobs are heard", [][]Heartbeat{dead(5, 5*minute, minute), with(alive(6, 5*minute, minute), func(h *Heartbeat) { h.Failed = h.LastPing })}, 5, 5, 6, false},
		{"a hundred hourly ones, eight minutes after the path broke", [][]Heartbeat{spread(fleet(100, hour, 5*minute, at), at.Add(-8*minute))}, 5, 5, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Count(slices.Concat(c.all...), at)
			if got.Lost != c.lost || got.Silent != c.silent || got.Heard != c.heard || got.broken() != c.broken {
				t.Errorf("lost %d, silent %d, heard %d, broken %t", got.Lost, got.Silent, got.Heard, got.broken())
			}
		})
	}
}

func TestTheVerdict(t *testing.T) {
	some := func(n int) []Heartbeat { return make([]Heartbeat, n) }
	broken := Path{Since: nine, At: nine, Lost: 6}
	for _, c := range []struct {
		name  string
		path  Path
		of    Census
		after time.Duration
		want  Verdict
	}{
		{"some silent", Path{}, Census{Silent: 4, Overdue: some(4)}, 0, Tells},
		{"a mass", Path{}, Census{Silent: 6, Overdue: some(6), Heard: 6}, 0, Holds},
		{"nobody is heard", broken, Census{Overdue: some(6)}, 59 * time.Minute, Holds},
		{"nobody is heard for an hour", broken, Census{Overdue: some(6)}, time.Hour, Tells},
		{"more fall silent than are heard", broken, Census{Silent: 6, Overdue: some(6), Heard: 6}, 0, Holds},
		{"one is heard", broken, Census{Overdue: some(6), Heard: 1}, 0, Holds},
		{"half are heard", broken, Census{Silent: 3, Overdue: some(3), Heard: 3}, 0, Recovers},
		{"five of many are heard", broken, Census{Silent: 4, Overdue: some(60), Heard: 5}, 0, Recovers},
		{"told out, and one is heard", broken, Census{Down: 6, Heard: 1}, 2 * time.Hour, Recovers},
		{"told out, and nobody is heard", broken, Census{Down: 6}, 2 * time.Hour, Tells},
		{"nobody is left", broken, Census{}, 0, Recovers},
	} {
		if got := c.path.Judge(c.of, nine.Add(c.after)); got != c.want {
			t.Errorf("%s: it %s, want %s", c.name, got, c.want)
		}
	}
}

func TestWhoHasATurn(t *testing.T) {
	for _, c := range []struct {
		of   Expectation
		want bool
	}{
		{Expectation{Every: minutes(5)}, true},
		{Expectation{Every: minutes(60), Grace: minutes(30)}, true},
		{Expectation{Every: minutes(61)}, false},
		{Expectation{Cron: "@daily"}, false},
		{Expectation{Cron: "50 9 * * *"}, true},
	} {
		table, err := c.of.Timetable()
		if err != nil {
			t.Fatal(err)
		}
		h := Heartbeat{Definition: Definition{Expectation: c.of}, LastPing: nine.Add(-time.Hour), Deadline: nine, timetable: table}
		if got := h.HasTurn(nine); got != c.want {
			t.Errorf("%s: %t", c.of, got)
		}
	}
}

func TestReportsOfThePath(t *testing.T) {
	c := Census{Lost: 12, Heard: 2, Overdue: fleet(12, time.Minute, time.Minute, nine)}
	p := Path{}.Next(c, nine)
	r := p.Report(c)
	if r.Alert.Title != "heartbeats are not arriving: 12 of 14 are overdue" || r.Alert.Severity != "critical" ||
		!strings.Contains(r.Alert.Description, "job-0, job-1, job-10") || !strings.Contains(r.Alert.Description, "until 10:00 UTC") {
		t.Errorf("told %+v", r.Alert)
	}
	p.Told = true
	later := nine.Add(time.Minute)
	if c.Lost = 17; p.Next(c, later) != p {
		t.Error("17 are told after 12")
	}
	c.Lost = 18
	more := p.Next(c, later)
	again := more.Report(c)
	if more.Told || again.ID == r.ID || again.Alert.Episode == r.Alert.Episode || again.Alert.DedupKey != r.Alert.DedupKey || !again.At.After(r.At) || !again.Alert.StartedAt.Equal(nine) {
		t.Errorf("told %+v, then %+v", r, again)
	}
	over := more.Recovery(c, later)
	if over.Alert.DedupKey != r.Alert.DedupKey || !over.At.After(again.At) || over.ID == again.ID || !strings.HasPrefix(over.Alert.Description, "Not heard yet: job-0,") {
		t.Errorf("recovery %+v", over)
	}
	if names := namesOf(fleet(40, time.Minute, time.Minute, nine)); !strings.HasSuffix(names, ", 10 more") {
		t.Errorf("named %s", names)
	}
}
