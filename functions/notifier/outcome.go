package main

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/notify"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
)

// A contact is tried at these pauses, and within window of its first failure;
// then the member's next contact is.
var pauses = [...]time.Duration{
	2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute,
}

const window = 10 * time.Minute

// Words of results beside the kinds of package notify.
const (
	untried   = "untried"   // something of ours failed before the provider was called
	overtaken = "overtaken" // the reason had ended
)

// settle records what an attempt came to, and does what follows from it.
func (n *notifier) settle(ctx context.Context, m outbox.Message, r notify.Result) error {
	pause, again := pauseAfter(&m, r, n.now())
	n.tell(ctx, &m, r, again)
	switch {
	case r.Kind == notify.Sent:
		return n.sent(ctx, m, r)
	case again:
		return n.again(ctx, m, n.result(string(r.Kind), r.Detail), pause)
	}
	return n.failed(ctx, m, r)
}

func (n *notifier) result(kind, detail string) outbox.Result {
	return outbox.Result{At: n.now(), Kind: kind, Detail: detail}
}

// pauseAfter returns how long to wait before the same contact is tried again;
// false: it is not.
func pauseAfter(m *outbox.Message, r notify.Result, now time.Time) (time.Duration, bool) {
	if !r.Kind.Again() {
		return 0, false
	}
	first, tries := now, 0
	for _, past := range m.Results {
		if !notify.Kind(past.Kind).Again() {
			continue
		}
		if tries == 0 {
			first = past.At
		}
		tries++
	}
	if tries >= len(pauses) {
		return 0, false
	}
	pause := max(pauses[tries], r.Pause)
	return pause, !now.Add(pause).After(first.Add(window))
}

// sent records that the message left. When the record was written meanwhile
// the fact that it left is still true: it is written over whatever is there.
func (n *notifier) sent(ctx context.Context, m outbox.Message, r notify.Result) error {
	result := n.result(string(r.Kind), r.Detail)
	result.ID = r.ID
	for range claimTries {
		m.Settle(outbox.Sent, result)
		err := n.messages.Put(ctx, &m)
		if err == nil {
			n.count(m, func() {
				n.metrics.Add("PagesSent", 1)
				n.metrics.Add("PagesSentBy", 1, telemetry.Channel(m.Channel))
			})
			return n.firstPage(ctx, m)
		}
		if !fault.Is(err, fault.Conflict) {
			return err
		}
		if m, err = n.messages.Get(ctx, m.Event, m.ID()); err != nil || m.State == outbox.Sent {
			return err
		}
	}
	return fault.New(fault.Unavailable, "message %s of %s is written too often", m.ID(), m.Event)
}

// firstPage measures the time from delivery to the first page of a cycle.
func (n *notifier) firstPage(ctx context.Context, m outbox.Message) error {
	if m.Since.IsZero() || m.Test || !m.Reason.Pages() {
		return nil
	}
	all, err := n.messages.OfEvent(ctx, m.Event)
	if err != nil {
		n.log.WarnContext(ctx, "first page not measured", "err", err)
		return nil // the message is sent and recorded
	}
	earlier := slices.ContainsFunc(all, func(o outbox.Message) bool {
		return o.State == outbox.Sent && o.Cycle == m.Cycle && o.Reason.Pages() && o.ID() != m.ID() &&
			(o.SentAt.Before(m.SentAt) || o.SentAt.Equal(m.SentAt) && o.ID() < m.ID())
	})
	if !earlier {
		n.metrics.Observe("SecondsToFirstPage", telemetry.Seconds, max(m.SentAt.Sub(m.Since), 0).Seconds())
	}
	return nil
}

// again gives the message back, to be tried after a pause. One that may have
// arrived stays claimed meanwhile, so that its reader is told of an end.
func (n *notifier) again(ctx context.Context, m outbox.Message, r outbox.Result, pause time.Duration) error {
	m.Release(r, pause)
	if mayHaveArrived(&m) {
		m.State, m.Lease = outbox.Claimed, m.Due
	}
	// Whoever wrote it meanwhile has it now, or it was us and the answer was
	// lost: a ticket too many does no harm.
	if err := n.messages.Put(ctx, &m); err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	return n.post.SendAfter(ctx, pause, m)
}

func mayHaveArrived(m *outbox.Message) bool {
	return slices.ContainsFunc(m.Results, func(r outbox.Result) bool { return r.Kind == string(notify.Unknown) })
}

// giveBack returns a message that could not even be tried. What is wrong is
// ours, so no contact is given up for it.
func (n *notifier) giveBack(ctx context.Context, m outbox.Message, cause error) error {
	if fault.Is(cause, fault.NotFound) {
		return n.overtaken(ctx, m, "event_gone")
	}
	pause := pauses[min(m.Attempts, len(pauses))-1]
	n.log.WarnContext(ctx, "message not tried", "err", cause, "attempt", m.Attempts, "pause_s", pause.Seconds())
	return n.again(ctx, m, n.result(untried, fault.KindOf(cause).String()), pause)
}

// overtaken ends a message whose reason has ended.
func (n *notifier) overtaken(ctx context.Context, m outbox.Message, why string) error {
	n.log.InfoContext(ctx, "message overtaken", "reason", string(m.Reason), "why", why, "member", m.Member)
	state, kind := outbox.Overtaken, overtaken
	if mayHaveArrived(&m) {
		state, kind = outbox.Sent, string(notify.Unknown) // its reader is told of the end
	}
	m.Settle(state, n.result(kind, why))
	if err := n.messages.Put(ctx, &m); err != nil {
		if fault.Is(err, fault.Conflict) {
			return nil // whoever has it now finds the same
		}
		return err
	}
	n.count(m, func() { n.metrics.Add("PagesOvertaken", 1) })
	return nil
}

// failed gives up a contact. The next one is stored before this one is final,
// so that a step whose messages have all failed has nobody left to try.
func (n *notifier) failed(ctx context.Context, m outbox.Message, r notify.Result) error {
	if next, more := m.Fallback(n.now()); more {
		if _, err := n.messages.Add(ctx, next); err != nil {
			return err
		}
	}
	m.Settle(outbox.Failed, n.result(string(r.Kind), r.Detail))
	err := n.messages.Put(ctx, &m)
	if fault.Is(err, fault.Conflict) {
		if m, err = n.messages.Get(ctx, m.Event, m.ID()); err == nil && m.State != outbox.Failed {
			return nil // somebody else has it now
		}
	}
	if err != nil {
		return err
	}
	n.count(m, func() {
		n.metrics.Add("PagesFailed", 1) // the alarm's: it has no dimension
		n.metrics.Add("PagesFailedBy", 1, telemetry.Reason(string(r.Kind)))
	})
	return n.afterFailure(ctx, m)
}

// afterFailure hands over the message to the member's next contact, or reports
// the step when it has nobody left, so that the next one runs at once. It may
// run twice.
func (n *notifier) afterFailure(ctx context.Context, m outbox.Message) error {
	if next, more := m.Fallback(n.now()); more {
		if _, err := n.messages.Add(ctx, next); err != nil {
			return err
		}
		return n.post.Send(ctx, []outbox.Message{next})
	}
	if !m.Reason.Pages() {
		return nil
	}
	all, err := n.messages.OfEvent(ctx, m.Event)
	if err != nil {
		return err
	}
	for _, o := range all {
		if sameStep(&o, &m) && o.State != outbox.Failed {
			return nil
		}
	}
	return n.repairs.Send(ctx, queue.Entry{Group: m.Event, Body: page.FailedStepOf(&m).Encode()})
}

func sameStep(a, b *outbox.Message) bool {
	return a.Cycle == b.Cycle && a.Reason == b.Reason && a.Stage == b.Stage && a.Step == b.Step && a.Round == b.Round
}

// count counts unless the message is a test.
func (n *notifier) count(m outbox.Message, add func()) {
	if !m.Test {
		add()
	}
}

// tell logs the attempt in one line. The address is not in it.
func (n *notifier) tell(ctx context.Context, m *outbox.Message, r notify.Result, again bool) {
	level := slog.LevelWarn
	switch {
	case r.Kind == notify.Sent:
		level = slog.LevelInfo
	case r.Kind == notify.Misconfigured, !again && len(m.Others) == 0:
		level = slog.LevelError
	}
	n.log.LogAttrs(ctx, level, "message tried",
		slog.String("outcome", string(r.Kind)), slog.String("reason", string(m.Reason)), slog.String("channel", m.Channel),
		slog.String("member", m.Member), slog.String("contact", m.Contact), slog.Int("attempt", m.Attempts), slog.Bool("again", again),
		slog.Int("step", m.Step), slog.Int("round", m.Round), slog.String("detail", r.Detail), slog.String("provider_id", r.ID))
}
