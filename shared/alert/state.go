package alert

import (
	"slices"
	"time"
)

// State is what is kept of an alert: its newest report, the event it is
// attached to, and enough of the past to recognise a repeated delivery.
//
// An attachment outlives recovery and the end of the event: it is what a new
// firing is compared with. It is replaced only by the attachment to another
// event, so an alert is never in two open events.
type State struct {
	ID          ID        `json:"id"`
	Integration string    `json:"integration"`
	Alert       Alert     `json:"alert"`       // the newest report that was written
	ReceivedAt  time.Time `json:"received_at"` // when ingest accepted that report
	FiringSince time.Time `json:"firing_since,omitzero"`
	RecoveredAt time.Time `json:"recovered_at,omitzero"`
	Expired     bool      `json:"expired,omitempty"`  // ended because nobody reported it again
	Episodes    int       `json:"episodes"`           // firing periods so far
	Event       string    `json:"event_id,omitempty"` // attachment
	Why         []string  `json:"why,omitempty"`      // reasons of the newest decision
	Rule        string    `json:"rule,omitempty"`
	Taken       []Taken   `json:"taken,omitempty"` // newest last, at most keptDeliveries
	Rev         int64     `json:"rev"`             // 0: not stored yet; every write raises it
}

// Taken says where an alert of a delivery ended, so that a redelivery halfway
// gives the same answer.
type Taken struct {
	Delivery    string `json:"delivery"`
	Position    int    `json:"position"`
	Disposition string `json:"disposition"`
	Event       string `json:"event_id,omitempty"`
	Left        string `json:"left,omitempty"` // the event that the alert was taken from, whose recovery is still to be looked at
}

// keptDeliveries bounds State.Taken: more than the retries of one delivery
// that can overlap before its ledger part exists.
const keptDeliveries = 8

// Meaning says what a report changes.
type Meaning uint8

// What a report can mean to an alert.
const (
	Fires     Meaning = iota + 1 // a new firing period begins
	Repeats                      // fires as before
	Changes                      // fires as before with another severity
	Recovers                     // the firing period ends
	StaysOver                    // a recovery of what does not fire
	Late                         // received before the newest report written
	Requests                     // the source's own acknowledgement, or the like: a request on the event
)

// Firing reports whether the alert fires.
func (s *State) Firing() bool { return s.Rev > 0 && s.Alert.Status == Firing }

// Meaning says what report a, accepted by ingest at received, changes.
//
// Only receive times order reports: senders' clocks are never compared. A
// firing that was received after the recovery of its own episode is a new
// period, and one that was received before it is late.
func (s *State) Meaning(a *Alert, received time.Time) Meaning {
	switch {
	case a.Status.Request():
		return Requests
	case s.Rev > 0 && received.Before(s.ReceivedAt):
		return Late
	case a.Status == Resolved && s.Firing():
		return Recovers
	case a.Status == Resolved:
		return StaysOver
	case !s.Firing() || a.Episode != s.Alert.Episode:
		return Fires
	case a.Severity != s.Alert.Severity:
		return Changes
	default:
		return Repeats
	}
}

// Take returns the state after report a. It changes neither attachment nor
// revision.
func (s State) Take(a Alert, received time.Time) State {
	switch s.Meaning(&a, received) {
	case Late, Requests:
		return s
	case Fires:
		s.Episodes++
		s.FiringSince = received
		s.RecoveredAt = time.Time{}
	case Recovers, StaysOver:
		if s.RecoveredAt.IsZero() {
			s.RecoveredAt = received
		}
		a = a.withContextOf(&s.Alert)
	}
	s.Expired = false
	s.Alert, s.ReceivedAt = a, received
	return s
}

// withContextOf keeps what a recovery often leaves out.
func (a Alert) withContextOf(fired *Alert) Alert {
	if a.Severity == "" {
		a.Severity, a.Priority = fired.Severity, fired.Priority
	}
	if a.Description == "" {
		a.Description = fired.Description
	}
	if a.Episode == "" {
		a.Episode = fired.Episode
	}
	if fired.Title != "" && a.Title == a.DedupKey { // as Clean titles what has no title
		a.Title = fired.Title
	}
	if len(a.Labels) == 0 && len(fired.Labels) > 0 {
		a.Labels = fired.Labels
	}
	return a
}

// Expire returns the state after nobody reported a firing alert until its
// expiry. It reports false when the alert does not fire or is not due.
func (s State) Expire(at time.Time) (State, bool) {
	if !s.Firing() || s.Alert.ExpiresAt.IsZero() || at.Before(s.Alert.ExpiresAt) {
		return s, false
	}
	s.Alert.Status, s.Expired, s.RecoveredAt = Resolved, true, at
	return s, true
}

// NeedsRefresh reports whether a repeat must be written because it moves the
// expiry by more than a third of its period.
func (s *State) NeedsRefresh(a *Alert, received time.Time) bool {
	if a.ExpiresAt.IsZero() {
		return !s.Alert.ExpiresAt.IsZero()
	}
	period := a.ExpiresAt.Sub(received)
	return a.ExpiresAt.Sub(s.Alert.ExpiresAt) >= period/3
}

// Record notes where an alert of a delivery ended, in place of what was noted
// of it before it was decided again.
func (s *State) Record(t Taken) {
	s.Taken = slices.DeleteFunc(slices.Clone(s.Taken), func(o Taken) bool { return o.Delivery == t.Delivery && o.Position == t.Position })
	s.Taken = append(s.Taken, t)
	if extra := len(s.Taken) - keptDeliveries; extra > 0 {
		s.Taken = append([]Taken(nil), s.Taken[extra:]...)
	}
}

// TakenFrom returns what was recorded for an alert of a delivery.
func (s *State) TakenFrom(delivery string, position int) (Taken, bool) {
	for _, t := range s.Taken {
		if t.Delivery == delivery && t.Position == position {
			return t, true
		}
	}
	return Taken{}, false
}
