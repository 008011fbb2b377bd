package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/knowledge"
	"tocsin/shared/notify"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
)

// messages keeps them; [outbox.Store] is one.
type messages interface {
	Get(ctx context.Context, event, id string) (outbox.Message, error)
	Put(ctx context.Context, m *outbox.Message) error
	Add(ctx context.Context, m outbox.Message) (added bool, err error)
	OfEvent(ctx context.Context, event string) ([]outbox.Message, error)
}

// events reads an event consistently; [event.Store] is one.
type events interface {
	Get(ctx context.Context, id event.ID) (event.Event, error)
}

// incidents reads an incident consistently; [incident.Store] is one.
type incidents interface {
	Get(ctx context.Context, id incident.ID) (incident.Incident, error)
}

// repairs takes reports for whoever may write events; [queue.Sender] is one.
type repairs interface {
	Send(ctx context.Context, e queue.Entry) error
}

// people says how members are reached, live, and how they are shown.
type people interface {
	List(ctx context.Context, member string) ([]catalog.Contact, error)
	Catalogue(ctx context.Context) (catalogue, error)
}

// changes finds what was changed of a service; [change.Store] is one.
type changes interface {
	Find(ctx context.Context, service string, in change.Window, limit int, cursor string) (found []change.Filed, next string, err error)
}

// links makes the links of a message.
type links interface {
	Links(ctx context.Context, e event.Event, member string) (act, view string, err error)
}

// notifier sends messages. It is safe for concurrent use: whoever claims a
// message sends it.
type notifier struct {
	messages  messages
	events    events
	incidents incidents
	changes   changes
	post      *outbox.Post
	repairs   repairs
	people    people
	links     links
	channels  map[catalog.Channel]notify.Channel
	now       func() time.Time
	log       *slog.Logger
	metrics   *telemetry.Metrics
}

// A claim lasts lease. Everything between claim and send fits into sendWithin,
// so that no message leaves after its lease; the function's own deadline, less
// recordWithin, ends a send too, so that its result is recorded.
const (
	lease        = 45 * time.Second
	contextFor   = 500 * time.Millisecond // what a page waits for changes, and for what helped last time
	sendWithin   = 20 * time.Second
	recordWithin = 3 * time.Second
)

var (
	errSlow  = errors.New("sending a message took too long")
	errLate  = errors.New("it took too long to find")
	errPanic = errors.New("panic")
)

// handleAll handles a batch at once: no page waits for another's provider.
func (n *notifier) handleAll(ctx context.Context, batch []queue.Message) []error {
	results := make([]error, len(batch))
	var all sync.WaitGroup
	for i, q := range batch {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					results[i] = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
				}
			}()
			results[i] = n.handle(ctx, q)
		})
	}
	all.Wait()
	return results
}

// sending bounds what happens between claim and result.
func sending(ctx context.Context) (context.Context, context.CancelFunc) {
	until := time.Now().Add(sendWithin)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-recordWithin).Before(until) {
		until = deadline.Add(-recordWithin)
	}
	return context.WithDeadlineCause(ctx, until, errSlow)
}

// handle sends the message that a ticket names, if it is still to be sent.
//
//	stored state                what happens
//	final                       nothing (a failed step is told again)
//	claimed, lease running      the ticket comes back when the lease ends
//	pending, or lease over      claim, then send
//
// An error brings the ticket back by the queue; a ticket that is lost, by the
// sweeper: the message stays due until it is final.
func (n *notifier) handle(ctx context.Context, q queue.Message) error {
	t, err := outbox.ParseTicket(q.Body)
	if err != nil {
		return err
	}
	ctx = telemetry.With(ctx, slog.String("event_id", t.Event), slog.String("outbox_id", t.Message))
	m, claimed, err := n.claim(ctx, t)
	switch {
	case err != nil:
		return err
	case claimed:
		return n.deliver(ctx, m)
	case m.State == outbox.Failed:
		return n.afterFailure(ctx, m)
	case !m.Final():
		return n.post.SendAfter(ctx, m.Lease.Sub(n.now())+time.Second, m)
	}
	return nil
}

// claimTries bounds how often a claim is tried while others write the message.
const claimTries = 3

// claim takes the message before anything else is read: whoever ends the event
// from now on sees that its reader may have been paged. It returns the message
// as found when it is not to be claimed.
//
// A claim that was refused although it is the one that is stored had succeeded,
// and only its answer was lost.
func (n *notifier) claim(ctx context.Context, t outbox.Ticket) (outbox.Message, bool, error) {
	me := rand.Text()
	for range claimTries {
		m, err := n.messages.Get(ctx, t.Event, t.Message)
		if err == nil && m.State == outbox.Claimed && m.Claimer == me {
			return m, true, nil
		}
		if err != nil || !m.Claimable(n.now()) {
			return m, false, err
		}
		m.Claim(n.now(), lease)
		m.Claimer = me
		if err = n.messages.Put(ctx, &m); !fault.Is(err, fault.Conflict) {
			return m, err == nil, err
		}
	}
	return outbox.Message{}, false, fault.New(fault.Unavailable, "message %s of %s is written too often", t.Message, t.Event)
}

// deliver sends a claimed message, unless its reason has ended.
func (n *notifier) deliver(ctx context.Context, m outbox.Message) error {
	within, cancel := sending(ctx)
	defer cancel()
	e, why, err := n.read(within, m)
	if err != nil {
		return n.giveBack(ctx, m, err)
	}
	if why != "" {
		return n.overtaken(ctx, m, why)
	}
	c, ok, err := n.contact(within, m)
	if err != nil {
		return n.giveBack(ctx, m, err)
	}
	if !ok {
		return n.settle(ctx, m, notify.Result{Kind: notify.RejectedAddress, Detail: "the contact is gone or not verified"})
	}
	m.Channel = string(c.Channel) // the contact may have changed since
	channel, ok := n.channels[c.Channel]
	if !ok {
		return n.settle(ctx, m, notify.Result{Kind: notify.Misconfigured, Detail: "there is no channel " + string(c.Channel)})
	}
	return n.settle(ctx, m, channel.Send(within, c.Address, n.render(within, m, e)))
}

// read returns the event of a message whose reason is judged by it, and what
// ended the reason; "": it holds.
func (n *notifier) read(ctx context.Context, m outbox.Message) (e event.Event, why string, err error) {
	switch {
	case page.Reads(m.Reason):
		e, err = n.events.Get(ctx, event.ID(m.Event))
		return e, endedBy(page.Ends(m, e)), err
	case m.Reason == outbox.Update:
		var i incident.Incident
		i, err = n.incidents.Get(ctx, incident.ID(m.Event))
		why = endedBy(page.UpdateEnds(m, i, n.now()))
	}
	return event.Event{ID: event.ID(m.Event), Opening: m.Opening, Test: m.Test}, why, err
}

func endedBy(over bool, why string) string {
	if !over {
		return ""
	}
	return why
}

// contact returns where the message goes at this moment; false: nowhere. One
// that is not verified is the last resort of a member who has no other.
func (n *notifier) contact(ctx context.Context, m outbox.Message) (catalog.Contact, bool, error) {
	contacts, err := n.people.List(ctx, m.Member)
	if err != nil {
		return catalog.Contact{}, false, fmt.Errorf("contacts of %s: %w", m.Member, err)
	}
	verified := func(c catalog.Contact) bool { return c.Verified }
	last := page.Unverified(m.Reason) && !slices.ContainsFunc(contacts, verified)
	for _, c := range contacts {
		if c.ID == m.Contact {
			return c, c.Verified || last, nil
		}
	}
	return catalog.Contact{}, false, nil
}

// render writes the message. Names and links make it better, and a page
// without them beats none.
func (n *notifier) render(ctx context.Context, m outbox.Message, e event.Event) notify.Content {
	known, err := n.people.Catalogue(ctx)
	if err != nil {
		n.log.WarnContext(ctx, "message sent without names", "err", err)
	}
	l := page.Letter{
		Message: m, Event: e, Reader: known.member(m.Member), Service: known.service(e.Service), Names: known.nameOf, At: n.now(),
	}
	if l.Act, l.View, err = n.links.Links(ctx, e, m.Member); err != nil {
		n.log.ErrorContext(ctx, "message sent without links", "err", err)
	}
	if m.Reason.Pages() {
		l.Changes, l.Helped = n.changed(ctx, e), n.helped(ctx, e)
	}
	return page.Render(l)
}

// changed returns the changes that may have caused an event. A page goes
// without them rather than late.
func (n *notifier) changed(ctx context.Context, e event.Event) []change.Filed {
	ctx, cancel := context.WithTimeoutCause(ctx, contextFor, errLate)
	defer cancel()
	found, _, err := n.changes.Find(ctx, e.Service, change.Around(e.OpenedAt, n.now()), defaults.ChangesShown, "")
	if err != nil {
		n.log.WarnContext(ctx, "message sent without changes", "err", cmp.Or(context.Cause(ctx), err))
	}
	return found
}

// helped returns what fixed it last time, "" when that is not known. A page
// goes without it rather than late.
func (n *notifier) helped(ctx context.Context, e event.Event) string {
	ctx, cancel := context.WithTimeoutCause(ctx, contextFor, errLate)
	defer cancel()
	last, found, err := knowledge.LastTime(ctx, n.events, e)
	if err != nil {
		n.log.WarnContext(ctx, "message sent without what helped last time", "err", cmp.Or(context.Cause(ctx), err))
	}
	if !found {
		return ""
	}
	return fmt.Sprintf("%s (%s)", last.Record.Solution, last.ID)
}
