package heartbeat

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/shared/alert"
	"tocsin/shared/clock"
	"tocsin/shared/fault"
	"tocsin/shared/plan"
)

// Kind is what a report says.
type Kind string

// The kinds of reports.
const (
	Missed    Kind = "missed"
	Failed    Kind = "failed"
	Recovered Kind = "recovered"
)

// Report is one alert about a heartbeat, or about their path, for the alerts
// queue. The same report has the same ID, so that sending it again changes
// nothing.
type Report struct {
	ID      string
	Kind    Kind
	Service string
	At      time.Time // as the receive time of its delivery
	Alert   alert.Alert
	Output  string // what the job sent along
}

// next is what must be told of h at an instant: "" nothing. A recovery goes
// first: it ends what came before it, and what is owed with it.
func (h *Heartbeat) next(at time.Time) Kind {
	switch {
	case h.alarmed() && (h.Heard || h.Paused || h.Removed):
		return Recovered
	case h.Owed != "":
		return h.Owed
	case h.Overdue(at):
		return Missed
	}
	return ""
}

// report is the firing that h owes.
func (h *Heartbeat) report() Report {
	r := h.reportOf(h.Owed, h.OwedAt)
	if !r.At.After(h.ToldAt) { // a ping does not know what was told
		r.At = h.ToldAt.Add(time.Millisecond)
	}
	r.Alert.Status, r.Alert.Severity = alert.Firing, h.severity()
	if h.Owed == Missed {
		r.Alert.Episode, r.Alert.StartedAt = clock.Format(h.Missed), h.Missed
		r.Alert.Title, r.Alert.Description = h.silence(), h.lastHeard()
		return r
	}
	r.Output = h.Output
	r.Alert.Episode, r.Alert.StartedAt = clock.Format(h.Failed), h.Failed
	r.Alert.Title, r.Alert.Description = h.Name+" failed", tail(h.Output, alert.MaxDescription)
	if h.ExitCode != 0 {
		r.Alert.Title = fmt.Sprintf("%s failed with exit code %d", h.Name, h.ExitCode)
		r.Alert.Labels["exit_code"] = fmt.Sprint(h.ExitCode)
	}
	return r
}

// recovery is the report that ends what was told of h.
func (h *Heartbeat) recovery(at time.Time) Report {
	r := h.reportOf(Recovered, h.after(at))
	r.ID = strings.Join([]string{"recovered", string(h.ID), clock.Format(h.Missed), clock.Format(h.Failed)}, " ")
	r.Alert.Status, r.Alert.EndedAt, r.Alert.Title = alert.Resolved, r.At, h.Name+" is heard again"
	switch {
	case h.Removed:
		r.Alert.Title = h.Name + " is not watched any more"
	case h.Paused:
		r.Alert.Title = h.Name + " is paused"
	}
	return r
}

func (h *Heartbeat) reportOf(kind Kind, at time.Time) Report {
	return Report{
		ID: string(kind) + " " + string(h.ID) + " " + clock.Format(at), Kind: kind, Service: h.Service, At: at,
		Alert: alert.Alert{
			Source: Source, DedupKey: alert.SenderKey(Source, string(h.ID)), // no group: each heartbeat is an event of its own
			Labels: map[string]string{"heartbeat": string(h.ID), "name": h.Name, "expected": h.Expectation.String(), "report": string(kind)},
			Links:  []alert.Link{},
		},
	}
}

// silence is the title of a miss.
func (h *Heartbeat) silence() string {
	if !h.Started.IsZero() {
		return fmt.Sprintf("%s did not finish: started %s, expected to end by %s", h.Name, shown(h.Started, h.Missed), shown(h.Missed, h.Missed))
	}
	return fmt.Sprintf("%s is silent: expected %s, last heard %s", h.Name, h.Expectation, shown(h.LastPing, h.Missed))
}

func (h *Heartbeat) lastHeard() string {
	return fmt.Sprintf("Expected %s with %s of grace. Last heard %s, missed %s.",
		h.Expectation, plan.Duration(h.timetable.grace), h.LastPing.Format(time.RFC3339), h.Missed.Format(time.RFC3339))
}

// shown is an instant as a person reads it beside another.
func shown(at, beside time.Time) string {
	if beside.Sub(at).Abs() < 12*time.Hour {
		return at.UTC().Format("15:04 UTC")
	}
	return at.UTC().Format("2006-01-02 15:04 UTC")
}

// tail is the end of a text, at most n bytes of whole characters.
func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[len(s)-n:]
	for len(s) > 0 && !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return s
}

// Teller brings what is owed about heartbeats to the alerts queue.
//
// A firing is written before it is sent and stands in the index of deadlines
// until it was; a recovery is sent before it is written, because the ping that
// caused it is written already. So whoever dies in between leaves something
// that the next ping or the sweeper finds, and finding it sends the same report
// once more, under the same id.
type Teller struct {
	Store *Store
	Send  func(context.Context, Report) error // returns once the queue has it
}

// settles bounds how often h is read again because something else wrote it.
const settles = 12

// Settle tells all that must be told of h at an instant, and returns it as it
// is then, with the kinds of the reports that were sent. What it does is on
// condition that h, which was read consistently, is still what is stored; else
// it reads h again.
func (t *Teller) Settle(ctx context.Context, h Heartbeat, at time.Time) (Heartbeat, []Kind, error) {
	var sent []Kind
	for range settles {
		kind := h.next(at)
		if kind == "" {
			return h, sent, nil
		}
		after, said, err := t.step(ctx, h, kind, at)
		if said {
			sent = append(sent, kind)
		}
		if fault.Is(err, fault.Conflict) {
			after, err = t.Store.Get(ctx, h.ID)
		}
		if fault.Is(err, fault.NotFound) {
			return h, sent, nil
		}
		if err != nil {
			return h, sent, err
		}
		h = after
	}
	return h, sent, fault.New(fault.Unavailable, "heartbeat %s is written too often", h.ID)
}

// step finds a miss, or sends one report. It returns h as written.
func (t *Teller) step(ctx context.Context, h Heartbeat, kind Kind, at time.Time) (after Heartbeat, said bool, err error) {
	if kind == Missed && h.Owed == "" {
		after, err = t.Store.write(ctx, h, h.missed(at))
		return after, false, err
	}
	r, done := h.recovery(at), h.recovered
	if kind != Recovered {
		r, done = h.report(), h.told
	}
	if err := t.Send(ctx, r); err != nil {
		return h, false, err
	}
	after, err = t.Store.write(ctx, h, done(r.At))
	return after, true, err
}
