// Package change owns the change: a deployment or configuration change that a
// sender told of, as context of events of the same service. It decides
// nothing and pages nobody.
//
//	kept, err := store.Put(ctx, change.Filed{Change: c, Integration: "github", FiledAt: at})
//	recent, next, err := store.Find(ctx, "shop", change.Around(opened, until), 20, "")
package change

import (
	"net/url"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/defaults"
)

// Change is a deployment or configuration change: context of later events.
type Change struct {
	ID      string            `json:"id"` // the sender's own, or a hash of what it says
	Title   string            `json:"title"`
	Source  string            `json:"source"`
	Service string            `json:"service,omitempty"` // "" is the integration's
	At      time.Time         `json:"at,omitzero"`       // by the sender's clock, until [Change.Settle]
	Labels  map[string]string `json:"labels"`
	Links   []alert.Link      `json:"links"`
}

// Filed is a change as it is kept: of a service, and from whom.
type Filed struct {
	Change
	Integration string    `json:"integration,omitempty"` // "": told through the API
	FiledAt     time.Time `json:"filed_at"`
}

// maxID bounds an id in bytes; a longer one is known by its hash.
const maxID = 256

// Clean returns c fit to keep, as [alert.Clean] does with an alert: within the
// same limits, with a title, links to http and https alone, and with an id
// where the sender gave none.
func Clean(c Change) Change {
	if c.ID == "" {
		c.ID = alert.HashKey(map[string]string{"source": c.Source, "service": c.Service, "title": c.Title, "at": stamp(c.At)})
	}
	if len(c.ID) > maxID {
		c.ID = alert.HashKey(map[string]string{"id": c.ID})
	}
	a := alert.Alert{DedupKey: c.ID, Title: c.Title, Group: c.Service, Labels: c.Labels, Links: webLinks(c.Links)}
	if a.Labels == nil {
		a.Labels = map[string]string{}
	}
	alert.Clean(&a)
	c.Title, c.Service, c.Labels, c.Links = a.Title, a.Group, a.Labels, a.Links
	return c
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

func webLinks(links []alert.Link) []alert.Link {
	web := []alert.Link{}
	for _, l := range links {
		if u, err := url.Parse(l.URL); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
			web = append(web, l)
		}
	}
	return web
}

// believed is how long before it was told of a change may have been.
const believed = 24 * time.Hour

// Settle returns c with the instant at which it counts, told at an instant
// that is received by the sender's clock and at by ours: the sender's own,
// moved onto our clock, where that is within the day before; else at.
func (c Change) Settle(received, at time.Time) Change {
	ago := received.Sub(c.At)
	if c.At.IsZero() || ago < 0 || ago > believed {
		ago = 0
	}
	c.At = at.Add(-ago).UTC().Truncate(time.Millisecond)
	return c
}

// Window is a span of time, both ends included.
type Window struct{ From, Until time.Time }

// Around is the window of the changes that may explain an event: what changed
// shortly before it opened, and until an instant.
func Around(opened, until time.Time) Window {
	return Window{From: opened.Add(-defaults.ChangesBefore), Until: until}
}
