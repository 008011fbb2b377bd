package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/queue"
)

// QueueVariable names the environment variable of the messages queue's URL.
const QueueVariable = "MESSAGES_QUEUE_URL"

// Queue takes entries for whoever sends messages.
type Queue interface {
	SendAll(ctx context.Context, entries []queue.Entry) error
}

// Post hands messages over by queue: each as a [Ticket] that only names it, so
// that the sender acts on what is stored by then. Handing over a message twice
// does no harm.
type Post struct {
	Queue Queue
}

// Send hands messages over.
func (p *Post) Send(ctx context.Context, messages []Message) error {
	return p.SendAfter(ctx, 0, messages...)
}

// SendAfter hands messages over, to be seen after a delay of at most 15
// minutes.
func (p *Post) SendAfter(ctx context.Context, delay time.Duration, messages ...Message) error {
	entries := make([]queue.Entry, len(messages))
	for i, m := range messages {
		entries[i] = queue.Entry{Group: m.Event, Body: TicketOf(&m).Encode(), Delay: delay}
	}
	if err := p.Queue.SendAll(ctx, entries); err != nil {
		return fmt.Errorf("hand over %d messages: %w", len(messages), err)
	}
	return nil
}

// Ticket is what the queue carries: the name of one message.
type Ticket struct {
	Version int    `json:"v"`
	Event   string `json:"event_id"`
	Message string `json:"message_id"`
}

// ticketVersion is the only one so far.
const ticketVersion = 1

// TicketOf returns the ticket of a message.
func TicketOf(m *Message) Ticket {
	return Ticket{Version: ticketVersion, Event: m.Event, Message: m.ID()}
}

// Encode returns the body of the queue's message.
func (t Ticket) Encode() string {
	body, _ := json.Marshal(t) // a number and two strings: cannot fail
	return string(body)
}

// ParseTicket reads what [Ticket.Encode] wrote. fault.Invalid: it is none.
func ParseTicket(body string) (Ticket, error) {
	var t Ticket
	if err := json.Unmarshal([]byte(body), &t); err != nil {
		return Ticket{}, fault.Wrap(fault.Invalid, err, "the ticket is no JSON object")
	}
	if t.Version != ticketVersion || t.Event == "" || t.Message == "" {
		return Ticket{}, fault.New(fault.Invalid, "the ticket is not of version %d with event_id and message_id", ticketVersion)
	}
	return t, nil
}
