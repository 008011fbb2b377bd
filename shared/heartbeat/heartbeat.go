// Package heartbeat owns the heartbeat: an address that a job pings, and when
// it is expected to. It holds what a ping changes, when a silence is a miss,
// what is told about it ([Report]), and the store. A miss, a failure and the
// recovery from either are alerts of source "heartbeat", which take the way of
// all alerts.
//
//	state      meaning                          leaves by
//	new        never pinged: nothing is missed  ping
//	up         pinged in time                   miss, start, fail, pause
//	running    a run was started                success, fail, miss, pause
//	down       a miss was found                 success, start, fail, pause
//	failed     the job said that it failed      success, pause
//	paused     not watched                      resume
package heartbeat

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/integration"
	"tocsin/shared/source/redact"
)

// Source is the source of alerts about heartbeats, and their integration.
const Source = integration.Heartbeats

// ID names a heartbeat.
type ID string

// Definition is what people decide of a heartbeat. Its JSON is what the store
// keeps; it holds no secret, only the hashes of its keys.
type Definition struct {
	ID       ID             `json:"id"` // a-z, 0-9 and hyphens, at most MaxID
	Name     string         `json:"name"`
	Service  string         `json:"service,omitempty"`
	Severity alert.Severity `json:"severity,omitempty"` // of its alerts; "" is error
	Paused   bool           `json:"paused,omitempty"`

	RedactFields   []string `json:"redact_fields,omitempty"` // taken out of what a job sends along, see package redact
	RedactPatterns []string `json:"redact_patterns,omitempty"`

	KeyHashes []string  `json:"key_hashes"` // the current one first, then the previous one while both are valid
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Expectation
}

// Bounds of a definition.
const (
	MaxID   = 63
	maxName = 200
	maxKeys = 2
)

func (d *Definition) check() (Timetable, error) {
	var bad fault.Problems
	if d.ID == "" || len(d.ID) > MaxID || strings.Trim(string(d.ID), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		bad.Add("id", "expected 1 to %d of a-z, 0-9 and hyphens", MaxID)
	}
	switch n := len(d.Name); {
	case n > maxName || strings.TrimSpace(d.Name) == "":
		bad.Add("name", "has %d bytes, expected 1 to %d, not only spaces", n, maxName)
	case strings.ContainsFunc(d.Name, unicode.IsControl):
		bad.Add("name", "expected one line without control characters")
	}
	if !d.Severity.Valid() {
		bad.Add("severity", "expected critical, error, warning or info")
	}
	_, err := redact.Compile(d.RedactFields, d.RedactPatterns)
	if e, ok := errors.AsType[*fault.Error](err); ok {
		bad = append(bad, e.Fields...)
	}
	t := d.timetable(&bad)
	return t, bad.Err("the heartbeat is not valid")
}

// redacted is what may be kept of what a job sent along.
func (d *Definition) redacted(output string) (string, error) {
	rules, err := redact.Compile(d.RedactFields, d.RedactPatterns)
	if err != nil {
		return "", err
	}
	return rules.Text(output), nil
}

// Heartbeat is what is kept of one.
type Heartbeat struct {
	Definition
	Rev int64 // of the definition
	Seq int64 // rises with every write, pings included

	LastPing time.Time
	Started  time.Time // of a run that did not end yet
	RunBy    time.Time // until when that run must end: a start that comes meanwhile moves it no further
	Deadline time.Time // for the next ping; zero: none is awaited
	Spared   time.Time // since when it is awaited anew because the path was broken, until a ping; its miss is held back no more
	Missed   time.Time // the deadline that passed, until a recovery was told
	Failed   time.Time // the first failure, until a recovery was told
	ExitCode int       // of the last failure; 0: it named none
	Output   string    // of the last failure
	Heard    bool      // a success came after the last miss or failure
	Owed     Kind      // what the alerts queue may not know yet: Missed, Failed
	OwedAt   time.Time
	ToldAt   time.Time // receive time of the last report: the next is later
	Removed  bool

	timetable Timetable
}

// State is what a heartbeat is in.
type State string

// The states, as shown.
const (
	New     State = "new"
	Up      State = "up"
	Running State = "running"
	Down    State = "down"
	Failing State = "failed"
	Paused  State = "paused"
)

// State returns the state of h.
func (h *Heartbeat) State() State {
	bad := h.alarmed() && !h.Heard
	switch {
	case h.Paused:
		return Paused
	case h.LastPing.IsZero():
		return New
	case bad && h.down():
		return Down
	case bad && !h.Failed.IsZero():
		return Failing
	case bad:
		return Down
	case !h.Started.IsZero():
		return Running
	}
	return Up
}

// down reports whether h awaits a ping without a deadline, after a miss.
func (h *Heartbeat) down() bool { return !h.Missed.IsZero() && h.Deadline.IsZero() && !h.Heard }

// alarmed reports whether a firing alert may be about h.
func (h *Heartbeat) alarmed() bool { return !h.Missed.IsZero() || !h.Failed.IsZero() }

// Overdue reports whether h should have been pinged by an instant, and its miss
// was not found yet.
func (h *Heartbeat) Overdue(at time.Time) bool {
	return !h.Paused && !h.Removed && !h.Deadline.IsZero() && !at.Before(h.Deadline)
}

// signal is one kind of ping.
type signal uint8

const (
	success signal = iota
	start
	fail
)

// Ping is one request of a job.
type Ping struct {
	signal   signal
	exitCode int
	Output   string // what it sent along
}

// MaxOutput is how many bytes of what a failing job sends along are kept: the
// last ones.
const MaxOutput = 10 << 10

// ParsePing reads what stands after the key in the address: nothing, start,
// success, fail, or the exit code of the job, of which all but 0 are failures.
func ParsePing(word string) (Ping, error) {
	switch word {
	case "", "success":
		return Ping{}, nil
	case "start":
		return Ping{signal: start}, nil
	case "fail":
		return Ping{signal: fail}, nil
	}
	code, err := strconv.ParseUint(word, 10, 8)
	if err != nil {
		return Ping{}, fault.New(fault.NotFound, "expected start, success, fail or an exit code from 0 to 255 after the key")
	}
	if code == 0 {
		return Ping{}, nil
	}
	return Ping{signal: fail, exitCode: int(code)}, nil
}

// deadline is what a ping at an instant sets; zero while paused.
func (h *Heartbeat) deadline(p Ping, at time.Time) time.Time {
	switch {
	case h.Paused:
		return time.Time{}
	case p.signal == start:
		return h.timetable.RunDeadline(at)
	}
	return h.timetable.Deadline(at)
}

// rearm awaits the next ping anew, as after a person changed what is expected.
// What was never pinged and what is down await one without a deadline.
func (h *Heartbeat) rearm(at time.Time) {
	h.RunBy, h.Spared = time.Time{}, time.Time{}
	switch {
	case h.Paused || h.Removed || h.LastPing.IsZero() || h.down():
		h.Deadline = time.Time{}
	case !h.Started.IsZero():
		h.RunBy = h.timetable.RunDeadline(at)
		h.Deadline = h.RunBy
	default:
		h.Deadline = h.timetable.Deadline(at)
	}
}

// spared is h that is awaited anew because the path was broken.
func (h Heartbeat) spared(at time.Time) Heartbeat {
	h.rearm(at)
	h.Spared = at
	return h
}

// missed is h after its miss was found. The run that was missed is over.
func (h Heartbeat) missed(at time.Time) Heartbeat {
	h.Missed, h.Deadline, h.RunBy, h.Heard = h.Deadline, time.Time{}, time.Time{}, false
	h.Owed, h.OwedAt = Missed, h.after(at)
	return h
}

// after is at, or a later instant that is after every report so far: the
// router orders reports by their receive times.
func (h *Heartbeat) after(at time.Time) time.Time {
	for _, before := range []time.Time{h.ToldAt, h.OwedAt, h.LastPing} {
		if !at.After(before) {
			at = before.Add(time.Millisecond)
		}
	}
	return at
}

// told is h after the queue took what was owed.
func (h Heartbeat) told(at time.Time) Heartbeat {
	if h.RunBy.IsZero() {
		h.Started = time.Time{}
	}
	h.ToldAt, h.Owed, h.OwedAt = at, "", time.Time{}
	return h
}

// recovered is h after the queue took its recovery.
func (h Heartbeat) recovered(at time.Time) Heartbeat {
	h = h.told(at)
	h.Missed, h.Failed, h.Heard, h.ExitCode, h.Output = time.Time{}, time.Time{}, false, 0, ""
	return h
}

// Kinds of entries in the index of deadlines. Those of DueKind are judged by
// the guard before any of them is looked at.
const (
	DueKind  = "heartbeat"      // a ping is awaited until then
	OwedKind = "heartbeat-owed" // a report may not have reached the queue
)

// resend is after what time a report that is owed is told by the sweeper.
const resend = time.Minute

// look is where h stands in the index of deadlines; "" nowhere.
func (h *Heartbeat) look() (kind string, at time.Time) {
	switch {
	case h.alarmed() && (h.Paused || h.Removed):
		return OwedKind, h.UpdatedAt
	case h.Owed != "":
		return OwedKind, h.OwedAt.Add(resend)
	case !h.Deadline.IsZero():
		return DueKind, h.Deadline
	}
	return "", time.Time{}
}

func (h *Heartbeat) severity() alert.Severity { return cmp.Or(h.Severity, alert.Error) }

// HasKey reports whether the key with this hash is valid for h.
func (h *Heartbeat) HasKey(hash string) bool { return !h.Removed && slices.Contains(h.KeyHashes, hash) }
