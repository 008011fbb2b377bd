// Package page turns a step of paging into messages: whom it tells, by which
// contact first, and with which key; it says what ends the reason of a message,
// and renders it for its reader. It sends nothing.
package page

import (
	"slices"
	"strings"
	"time"

	"tocsin/shared/catalog"
	"tocsin/shared/outbox"
)

// Person is a member with the contacts that they have at this moment.
type Person struct {
	Member   string
	Name     string // as shown to others
	Contacts []catalog.Contact
}

// Step is what all messages of a step share.
type Step struct {
	Key      outbox.Key // Member and Contact are filled in for each message
	Opening  int
	Channels []string // none: as each member prefers
	Next     outbox.Forecast
	Since    time.Time
	Test     bool
}

// Told is what became of a step: its messages, whom they go to, and why others
// are not reached.
type Told struct {
	Messages []outbox.Message
	Who      []string
	WhyNot   []string // also of those who are reached only by a contact that is not verified
}

// Tell returns the messages of a step: one for each person, to their first
// usable contact, with the others to fall back on.
func Tell(s Step, people []Person, at time.Time) Told {
	var t Told
	seen := map[string]bool{}
	for _, p := range people {
		if seen[p.Member] {
			continue
		}
		seen[p.Member] = true
		usable, why := Usable(p.Contacts, s.Channels)
		if why != "" {
			t.WhyNot = append(t.WhyNot, p.Name+" "+why)
		}
		if len(usable) == 0 && Unverified(s.Key.Reason) {
			usable = p.Contacts // a page that may not arrive beats none
		}
		if len(usable) == 0 {
			continue
		}
		t.Messages = append(t.Messages, s.message(p, usable, at))
		t.Who = append(t.Who, p.Name)
	}
	return t
}

func (s Step) message(p Person, usable []catalog.Contact, at time.Time) outbox.Message {
	key := s.Key
	key.Member, key.Contact = p.Member, usable[0].ID
	m := outbox.New(key, string(usable[0].Channel), at)
	for _, c := range usable[1:] {
		m.Others = append(m.Others, outbox.Fallback{Contact: c.ID, Channel: string(c.Channel)})
	}
	m.Opening, m.Next, m.Since, m.Test = s.Opening, s.Next, s.Since, s.Test
	return m
}

// Unverified reports whether messages of a reason go to contacts that are not
// verified when the member has no other: pages, and the all-clear after them.
func Unverified(r outbox.Reason) bool {
	return r == outbox.Page || r == outbox.LastResort || r == outbox.Ended
}

// Usable returns the contacts that pages may go to, in the order in which they
// are tried; if there are none, why says so. When none of the wanted channels
// is usable the others are: a page by another way beats none.
func Usable(contacts []catalog.Contact, channels []string) (usable []catalog.Contact, why string) {
	var verified, wanted []catalog.Contact
	for _, c := range contacts {
		if !c.Verified {
			continue
		}
		verified = append(verified, c)
		if slices.Contains(channels, string(c.Channel)) {
			wanted = append(wanted, c)
		}
	}
	byOrder := func(a, b catalog.Contact) int {
		if a.Order != b.Order {
			return a.Order - b.Order
		}
		return strings.Compare(a.ID, b.ID)
	}
	if len(wanted) > 0 {
		verified = wanted
	}
	slices.SortStableFunc(verified, byOrder)
	switch {
	case len(contacts) == 0:
		return nil, "has no contact"
	case len(verified) == 0:
		return nil, "has no verified contact"
	}
	return verified, ""
}
