// Package outbox owns messages: one outbound page to one contact. A message is
// written in the transaction of the change that is its reason, so that no
// reason goes unpaged; it is claimed with a lease before the provider is
// called, so that nobody is paged twice for one reason; and it keeps what the
// provider said. It knows no event and no provider.
package outbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Reason is why a message is sent. A closed table (package notify) says what
// ends each reason.
type Reason string

// The reasons that exist.
const (
	Page       Reason = "page"        // a step of the plan, or the named assignee
	LastResort Reason = "last_resort" // the plan and its repeats are over
	Ended      Reason = "ended"       // the all-clear to everyone who was paged
	Record     Reason = "record"      // the record is still missing
	Update     Reason = "update"      // an incident owes an update
	News       Reason = "news"        // a subscriber is told that the event changed state
	Link       Reason = "link"        // a new link in place of one that ran out, asked for by its reader
	Dead       Reason = "dead"        // the execution cannot be kept alive: fixed text, the event is not read
)

// Pages reports whether it is a page: it asks for somebody to answer, and
// whoever got it is told of the end.
func (r Reason) Pages() bool { return r == Page || r == LastResort }

// State is how far a message got.
type State string

// pending → claimed → sent | failed | overtaken. A lease that ends leads back
// to a claim: sending again beats never sending.
const (
	Pending   State = "pending"
	Claimed   State = "claimed"
	Sent      State = "sent"
	Failed    State = "failed"    // for good; the next contact was tried where there is one
	Overtaken State = "overtaken" // its reason ended before it left
)

// Key is what makes a message the same message: nobody gets two for one key.
type Key struct {
	Event   string `json:"event_id"` // or incident id
	Cycle   int    `json:"cycle"`
	Reason  Reason `json:"reason"`
	Stage   string `json:"stage,omitempty"` // assignee, plan, last_resort
	Step    int    `json:"step"`
	Round   int    `json:"round"`
	Member  string `json:"member"`
	Contact string `json:"contact"`
}

// ID returns the message id: a hash of the key, behind its event.
func (k Key) ID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %d %q %q %d %d %q %q", k.Event, k.Cycle, k.Reason, k.Stage, k.Step, k.Round, k.Member, k.Contact))
	return hex.EncodeToString(sum[:12])
}

// Message is one outbound page to one contact.
type Message struct {
	Key
	Opening   int        `json:"opening"`            // which links of the event it carries
	Channel   string     `json:"channel"`            // of the contact
	Others    []Fallback `json:"others,omitempty"`   // the member's further contacts, tried in order when this one fails
	Next      Forecast   `json:"next,omitzero"`      // what happens if nobody acts
	CreatedAt time.Time  `json:"created_at"`         //
	Since     time.Time  `json:"since,omitzero"`     // when the delivery that caused it was accepted
	Test      bool       `json:"test,omitempty"`     // titled TEST, counts nowhere
	Subject   string     `json:"subject,omitempty"`  // fixed text of reason Dead
	About     Fact       `json:"about,omitzero"`     // of reason News
	State     State      `json:"state"`              //
	Lease     time.Time  `json:"lease,omitzero"`     // while claimed
	Claimer   string     `json:"claimer,omitempty"`  // set by whoever claims it, to know its own claim again
	Due       time.Time  `json:"due,omitzero"`       // when the sweeper must look at it
	Attempts  int        `json:"attempts,omitempty"` // claims so far
	Results   []Result   `json:"results,omitempty"`  // newest last
	SentAt    time.Time  `json:"sent_at,omitzero"`
	Rev       int64      `json:"rev"`
}

// Fact is what a message of reason News tells.
type Fact struct {
	What string    `json:"what,omitempty"` // acknowledged, reopened, promoted, merged, closed
	By   string    `json:"by,omitempty"`   // who did it
	At   time.Time `json:"at,omitzero"`
}

// Fallback is a further contact of the same member.
type Fallback struct {
	Contact string `json:"contact"`
	Channel string `json:"channel"`
}

// Forecast is what happens next if nobody acts. The zero value: nothing.
type Forecast struct {
	What string    `json:"what,omitempty"` // "step", "repeat", "last_resort"
	Who  []string  `json:"who,omitempty"`  // display names
	At   time.Time `json:"at,omitzero"`
}

// Result is what one attempt came to.
type Result struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"` // sent, retry, rejected ... (package notify)
	Detail string    `json:"detail,omitempty"`
	ID     string    `json:"provider_id,omitempty"`
}

// maxResults bounds what is kept of a message's attempts.
const maxResults = 10

// unclaimed is when the sweeper looks at a message that nobody claimed.
const unclaimed = 60 * time.Second

// New returns a pending message.
func New(k Key, channel string, at time.Time) Message {
	return Message{Key: k, Channel: channel, CreatedAt: at, State: Pending, Due: at.Add(unclaimed)}
}

// Final reports whether nothing more happens to the message.
func (m *Message) Final() bool { return m.State == Sent || m.State == Failed || m.State == Overtaken }

// Reached reports whether the message was sent or may have been: it is
// claimed, or an attempt had no answer.
func (m *Message) Reached() bool {
	return m.State == Sent || m.State == Claimed ||
		slices.ContainsFunc(m.Results, func(r Result) bool { return r.Kind == UnknownOutcome })
}

// UnknownOutcome is the kind of a [Result] of which only the reader knows
// whether the message arrived.
const UnknownOutcome = "unknown"

// Claimable reports whether a sender may take the message at an instant.
func (m *Message) Claimable(at time.Time) bool {
	return m.State == Pending || m.State == Claimed && !at.Before(m.Lease)
}

// Claim takes the message until the lease ends.
func (m *Message) Claim(at time.Time, lease time.Duration) {
	m.State, m.Lease, m.Due = Claimed, at.Add(lease), at.Add(lease)
	m.Attempts++
}

// Settle ends the message in a final state.
func (m *Message) Settle(s State, r Result) {
	m.note(r)
	m.State, m.Lease, m.Due = s, time.Time{}, time.Time{}
	if s == Sent {
		m.SentAt = r.At
	}
}

// Release gives the message back to be tried again after a pause.
func (m *Message) Release(r Result, after time.Duration) {
	m.note(r)
	m.State, m.Lease, m.Due = Pending, time.Time{}, r.At.Add(after)
}

// Fallback returns the message to the member's next contact, if there is one.
func (m *Message) Fallback(at time.Time) (Message, bool) {
	if len(m.Others) == 0 {
		return Message{}, false
	}
	next := *m
	next.Contact, next.Channel, next.Others = m.Others[0].Contact, m.Others[0].Channel, m.Others[1:]
	next.State, next.Attempts, next.Results, next.Rev = Pending, 0, nil, 0
	next.CreatedAt, next.Lease, next.Due = at, time.Time{}, at.Add(unclaimed)
	return next, true
}

func (m *Message) note(r Result) {
	m.Results = append(m.Results, r)
	if extra := len(m.Results) - maxResults; extra > 0 {
		m.Results = m.Results[extra:]
	}
}
