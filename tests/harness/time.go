package harness

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/local/inbox"
	"tocsin/shared/alert"
	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/heartbeat"
	"tocsin/shared/incident"
	"tocsin/shared/outbox"
)

// Tolerance is by how much a message may be late where a state machine waits
// (DESIGN §3.7).
const Tolerance = 60 * time.Second

// overdue is how long after a deadline that a state machine keeps the sweeper
// takes it up.
const overdue = 30 * time.Second

// deadlines finds for Skip the first instant after another at which only the
// sweeper acts: deadlines of alerts and messages, and those of events and
// incidents that their executions missed. What is overdue by then waits for
// the schedule, which comes each minute.
func (h *Harness) deadlines(ctx context.Context, after time.Time) (time.Time, bool, error) {
	var first time.Time
	for _, table := range []string{"EventsTable", "LedgerTable"} {
		found, err := h.due(ctx, h.table(table))
		if err != nil {
			return first, false, err
		}
		for _, at := range found {
			if !at.After(after) {
				at = after.Add(time.Minute)
			}
			if first.IsZero() || at.Before(first) {
				first = at
			}
		}
	}
	return first, !first.IsZero(), nil
}

// due reads when the sweeper takes up each entry of a table's index of
// deadlines.
func (h *Harness) due(ctx context.Context, t ddb.Table) ([]time.Time, error) {
	var found []time.Time
	pages := dynamodb.NewScanPaginator(t.Client, &dynamodb.ScanInput{TableName: &t.Name, IndexName: aws.String(ddb.DueIndex)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			at, err := clock.Parse(ddb.Text(item, ddb.DueAt))
			if err != nil {
				return nil, err
			}
			kind, _, _ := strings.Cut(ddb.Text(item, ddb.DueShard), "#")
			switch kind {
			case event.DueKind, incident.DueKind:
				at = at.Add(overdue)
			case alert.DueKind, outbox.DueKind, heartbeat.DueKind, heartbeat.OwedKind:
			default:
				return nil, fmt.Errorf("the index of deadlines holds the kind %q, which the harness does not know", kind)
			}
			found = append(found, at)
		}
	}
	return found, nil
}

// Minutes lets time pass minute by minute, with a sweep at each, as the
// schedule of a deployment does: the sweeper comes when it comes and not when
// something is due.
func (h *Harness) Minutes(n int) *Harness {
	h.t.Helper()
	for range n {
		h.Tick(time.Minute).Swept()
	}
	return h
}

// OnTheHour lets time pass until a minute after a full hour: what is told once
// an hour is then told once within the next.
func (h *Harness) OnTheHour() *Harness {
	h.t.Helper()
	now := h.Clock.Now()
	return h.Tick(now.Truncate(time.Hour).Add(61 * time.Minute).Sub(now))
}

// Tick lets time pass without a sweep: only state machines act.
func (h *Harness) Tick(d time.Duration) *Harness {
	h.t.Helper()
	if err := h.Clock.Advance(d); err != nil {
		h.t.Fatal(err)
	}
	return h.Settled()
}

// Arrival is a message that a member receives.
type Arrival struct {
	After  time.Duration // since the instant that the test names
	Member string
}

// Arrive fails the test unless exactly these messages arrived since the last
// look, each at its instant and late by at most Tolerance. It returns them in
// the order of want, which is that of their instants.
func (h *Harness) Arrive(since time.Time, want ...Arrival) []inbox.Message {
	h.t.Helper()
	fresh := h.New()
	rest := fresh
	var found []inbox.Message
	for _, w := range want {
		i := indexOf(rest, since, w)
		if i < 0 {
			h.t.Fatalf("%s received nothing %s after; received:\n%s", w.Member, w.After, received(since, fresh))
		}
		found = append(found, rest[i])
		rest = append(append([]inbox.Message(nil), rest[:i]...), rest[i+1:]...)
	}
	if len(rest) > 0 {
		h.t.Fatalf("nobody should have received:\n%s", received(since, rest))
	}
	return found
}

func indexOf(messages []inbox.Message, since time.Time, w Arrival) int {
	for i, m := range messages {
		late := m.ReceivedAt.Sub(since) - w.After
		if Reader(m) == w.Member && late > -time.Second && late <= Tolerance {
			return i
		}
	}
	return -1
}

func received(since time.Time, messages []inbox.Message) string {
	var b strings.Builder
	for _, m := range messages {
		fmt.Fprintf(&b, "  %s %s by %s: %s\n", m.ReceivedAt.Sub(since).Round(time.Second), Reader(m), m.Channel, m.Subject)
	}
	return b.String()
}
