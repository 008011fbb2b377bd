package heartbeat

import (
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"tocsin/shared/defaults"
	"tocsin/shared/fault"
	"tocsin/shared/plan"
)

// Expectation is when a heartbeat is expected: either every so often, counted
// from the last ping, or at the instants of a cron expression in a zone.
type Expectation struct {
	Every  plan.Duration `json:"every,omitempty"`
	Cron   string        `json:"cron,omitempty"`    // minute, hour, day of month, month, day of week; or @daily and the like
	Zone   string        `json:"zone,omitempty"`    // IANA, of Cron; "" is UTC
	Grace  plan.Duration `json:"grace,omitempty"`   // by which it may be late; 0 is [defaults.HeartbeatGrace]
	MaxRun plan.Duration `json:"max_run,omitempty"` // from start to the end of a run; 0 is the grace
}

// Bounds of an expectation. The sweeper comes once a minute.
const (
	MinEvery = time.Minute
	MaxEvery = 366 * 24 * time.Hour
	MaxGrace = 30 * 24 * time.Hour
)

// String is the expectation as alerts and lists show it.
func (e Expectation) String() string {
	if e.Cron == "" {
		return "every " + e.Every.String()
	}
	zone := e.Zone
	if zone == "" {
		zone = "UTC"
	}
	return "at " + e.Cron + " " + zone
}

// Timetable is an expectation that was checked and is ready to be asked. It is
// immutable.
type Timetable struct {
	every, grace, maxRun time.Duration
	cron                 *cron.SpecSchedule // nil: every
	zone                 *time.Location
}

// Timetable checks the expectation. Its error is of kind Invalid and names
// every bad field.
func (e Expectation) Timetable() (Timetable, error) {
	var bad fault.Problems
	t := e.timetable(&bad)
	return t, bad.Err("the expectation is not valid")
}

func (e Expectation) timetable(bad *fault.Problems) Timetable {
	t := Timetable{every: time.Duration(e.Every), grace: e.Grace.Or(defaults.HeartbeatGrace)}
	t.maxRun = e.MaxRun.Or(t.grace)
	switch {
	case e.Every == 0 && e.Cron == "":
		bad.Add("every", "missing; give every, or cron")
		bad.Add("cron", "missing; give cron, or every")
	case e.Every != 0 && e.Cron != "":
		bad.Add("every", "cannot be together with cron")
		bad.Add("cron", "cannot be together with every")
	case e.Every != 0 && (t.every < MinEvery || t.every > MaxEvery):
		bad.Add("every", "is %s, expected 1m to 366d", e.Every)
	case e.Every != 0 && e.Zone != "":
		bad.Add("zone", "only cron has one")
	case e.Cron != "":
		e.readCron(&t, bad)
	}
	if t.grace > MaxGrace {
		bad.Add("grace", "is %s, expected at most 30d", e.Grace)
	}
	if time.Duration(e.MaxRun) > MaxGrace {
		bad.Add("max_run", "is %s, expected at most 30d", e.MaxRun)
	}
	return t
}

const maxCron = 200

func (e Expectation) readCron(t *Timetable, bad *fault.Problems) {
	var err error
	if t.zone, err = time.LoadLocation(e.Zone); err != nil || e.Zone == "Local" {
		bad.Add("zone", "is %.60q, expected an IANA zone like Europe/Berlin", e.Zone)
		return
	}
	if len(e.Cron) > maxCron || strings.Contains(e.Cron, "TZ=") {
		bad.Add("cron", "expected five fields without a zone, at most %d bytes", maxCron)
		return
	}
	found, err := cron.ParseStandard(withSunday(e.Cron))
	spec, ok := found.(*cron.SpecSchedule)
	switch {
	case err != nil:
		bad.Add("cron", "%v", err)
	case !ok:
		bad.Add("cron", "has an interval; give it as every")
	default:
		spec.Location = t.zone
		if t.cron = spec; t.next(time.Unix(0, 0)).IsZero() {
			bad.Add("cron", "never comes")
		}
	}
}

// withSunday writes day 7 of the week, which is Sunday in every crontab, as
// robfig/cron knows it: 0.
func withSunday(expression string) string {
	fields := strings.Fields(expression)
	if len(fields) != 5 || !strings.Contains(fields[4], "7") {
		return expression
	}
	parts := strings.Split(fields[4], ",")
	for i, part := range parts {
		days, step, stepped := strings.Cut(part, "/")
		first, last, isRange := strings.Cut(days, "-")
		if first == "7" && !isRange {
			parts[i] = "0"
		}
		if last == "7" {
			parts[i] = daysUntilSunday(part, first, step, stepped)
		}
	}
	fields[4] = strings.Join(parts, ",")
	return strings.Join(fields, " ")
}

// daysUntilSunday lists the days of a range that ends on day 7; part itself if
// it is none.
func daysUntilSunday(part, first, step string, stepped bool) string {
	from, err := strconv.Atoi(first)
	by := 1
	if stepped && err == nil {
		by, err = strconv.Atoi(step)
	}
	if err != nil || from < 0 || by < 1 {
		return part
	}
	var days []string
	for day := from; day <= 7; day += by {
		days = append(days, strconv.Itoa(day%7))
	}
	return strings.Join(days, ",")
}

// early is by how much a ping may come before the instant that it is meant
// for: clocks of senders differ.
const early = 15 * time.Second

// Deadline is until when the next ping must come, after one at heard.
func (t Timetable) Deadline(heard time.Time) time.Time {
	if t.cron == nil {
		return heard.Add(t.every + t.grace)
	}
	return t.next(heard.Add(early)).Add(t.grace)
}

// RunDeadline is until when a run must end that began at started.
func (t Timetable) RunDeadline(started time.Time) time.Time { return started.Add(t.maxRun) }

const allHours = 1<<24 - 1

// next is the first instant of the cron expression after from. Where a clock
// change repeats an hour, what runs at fixed hours is expected once, at the
// first; where it skips one, not on that day. A change by half an hour, which
// only Lord Howe has, can make robfig/cron (v3.0.1) pass over a midnight.
func (t Timetable) next(from time.Time) time.Time {
	at := t.cron.Next(from.In(t.zone))
	for t.cron.Hour&allHours != allHours && repeated(at) {
		at = t.cron.Next(at)
	}
	return at.UTC()
}

// repeated reports whether the clock showed the same before, ahead of being
// put back.
func repeated(at time.Time) bool {
	const longAgo = 3 * time.Hour // more than any clock is put back
	_, before := at.Add(-longAgo).Zone()
	_, now := at.Zone()
	_, then := at.Add(-time.Duration(before-now) * time.Second).Zone()
	return before > now && then == before
}
