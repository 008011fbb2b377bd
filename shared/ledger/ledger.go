// Package ledger owns what became of every delivery: its raw body and, for
// each alert in it by original position, the disposition. It is put once and
// never changed, so that a redelivery changes nothing. An item is kept small:
// it is written for each delivery, and most of what that costs.
package ledger

import "time"

// PartSize is the number of alerts that one part of a delivery holds.
const PartSize = 100

// Kind is where an alert of a delivery ended, without its detail.
type Kind string

// The dispositions.
const (
	Opened         Kind = "opened"         // an event
	Joined         Kind = "joined"         // an open event
	Reopened       Kind = "reopened"       // an event that was resolved
	Recovered      Kind = "recovered"      // the alert's firing period ended
	Repeated       Kind = "repeated"       // nothing new
	Late           Kind = "late"           // received before the newest report that was written; or a request to which no event belongs
	Suppressed     Kind = "suppressed"     // filed under a suppressor
	Counted        Kind = "counted"        // by a threshold not yet reached
	Kept           Kind = "kept"           // by a rule: no event
	Discarded      Kind = "discarded"      // by a rule: nothing kept but this
	Acknowledged   Kind = "acknowledged"   // the source's own acknowledgement, passed to the event
	Unacknowledged Kind = "unacknowledged" // the source took it back, and so did the event
	Noted          Kind = "noted"          // a note of the source, passed to the event
	Rejected       Kind = "rejected"       // could not be understood
)

// Disposition is where one alert of a delivery ended, and why.
type Disposition struct {
	Position int      `json:"position"`
	Alert    string   `json:"alert_id,omitempty"`
	DedupKey string   `json:"dedup_key,omitempty"`
	Title    string   `json:"title,omitempty"`
	Kind     Kind     `json:"disposition"`
	Event    string   `json:"event_id,omitempty"`
	Rule     string   `json:"rule,omitempty"`
	Why      []string `json:"why,omitempty"`
}

// Part is one stored piece of a delivery. Part 0 also holds the raw body.
type Part struct {
	Delivery     string            `json:"delivery_id"`
	Part         int               `json:"part"`
	Parts        int               `json:"parts"`
	Integration  string            `json:"integration"`
	Source       string            `json:"source"`
	ReceivedAt   time.Time         `json:"received_at"`
	DisposedAt   time.Time         `json:"disposed_at"`
	ContentType  string            `json:"content_type,omitempty"`
	Headers      map[string]string `json:"headers,omitempty"`    // those that the source read
	Query        map[string]string `json:"query,omitempty"`      // likewise, parameters of the address
	Path         string            `json:"path,omitempty"`       // what stood after the key
	Raw          []byte            `json:"-"`                    // the body as received; part 0 only
	RawObject    string            `json:"raw_object,omitempty"` // or the object that holds it
	Notes        []string          `json:"notes,omitempty"`
	Refused      int               `json:"refused,omitempty"` // requests that were refused, of which this is the last; 0: it was accepted
	Alerts       int               `json:"alerts"`            // of the whole delivery
	Dispositions []Disposition     `json:"dispositions"`

	// Writer tells whoever puts the part their own put from another's, when
	// its answer was lost.
	Writer string `json:"-"`
}
