package event

import (
	"fmt"
	"slices"

	"tocsin/shared/fault"
	"tocsin/shared/outbox"
)

// MaxSubscribers bounds the subscribers of an event: one transaction has room
// for the messages to all.
const MaxSubscribers = 50

// News is a change of state of which the subscribers are still to be told. It
// is written with the change itself, and the lifecycle makes messages of it:
// only it knows how a member is reached at that moment.
//
// Who ends an event owes the all-clear, which subscribers get too; so there is
// no news of a resolution.
type News struct {
	Number int         `json:"number"` // rises by one with each news of the event
	Cycle  int         `json:"cycle"`
	About  outbox.Fact `json:"about"`
}

// What news tells.
const (
	NewsAcknowledged = "acknowledged"
	NewsReopened     = "reopened"
	NewsPromoted     = "promoted" // it belongs to an incident
	NewsMerged       = "merged"
	NewsClosed       = "closed" // after it was resolved
)

// Key is what the messages of the news share.
func (n News) Key(id ID) outbox.Key {
	return outbox.Key{Event: string(id), Cycle: n.Cycle, Reason: outbox.News, Step: n.Number}
}

// announce notes news for the subscribers, if there are any.
func (c *Change) announce(what string, by Actor) {
	e := &c.Event
	if len(e.Subscribers) == 0 || e.Test {
		return
	}
	e.NewsSeq++
	e.News = append(slices.Clone(e.News), News{
		Number: e.NewsSeq, Cycle: e.Cycle, About: outbox.Fact{What: what, By: string(by), At: c.At},
	})
	c.Wake = true
}

// Subscribe lets a member be told when the event changes state.
type Subscribe struct {
	Member string
}

func (o Subscribe) apply(c *Change) error {
	e := &c.Event
	if slices.Contains(e.Subscribers, o.Member) {
		return nil
	}
	if len(e.Subscribers) >= MaxSubscribers {
		return fault.New(fault.Conflict, "event %s has %d subscribers already", e.ID, MaxSubscribers)
	}
	e.Subscribers = append(slices.Clone(e.Subscribers), o.Member)
	c.note("event.subscribed", "member", o.Member)
	return nil
}

// Unsubscribe ends a subscription.
type Unsubscribe struct {
	Member string
}

func (o Unsubscribe) apply(c *Change) error {
	e := &c.Event
	if !slices.Contains(e.Subscribers, o.Member) {
		return nil
	}
	e.Subscribers = slices.DeleteFunc(slices.Clone(e.Subscribers), func(m string) bool { return m == o.Member })
	c.note("event.unsubscribed", "member", o.Member)
	return nil
}

// TellNews writes the messages that tell the subscribers, and says so also
// when nobody could be reached.
type TellNews struct {
	News     News
	Messages []outbox.Message
	Who      string
	WhyNot   string
}

func (o TellNews) apply(c *Change) error {
	e := &c.Event
	told := func(n News) bool { return n.Number == o.News.Number }
	if !slices.ContainsFunc(e.News, told) {
		return c.refuse(true)
	}
	e.News = slices.DeleteFunc(slices.Clone(e.News), told)
	c.Messages = o.Messages
	c.note("event.subscribers_told", "about", o.News.About.What, "news", fmt.Sprint(o.News.Number), "who", o.Who, "why_not", o.WhyNot)
	return nil
}
