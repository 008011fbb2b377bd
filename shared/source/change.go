package source

import (
	"tocsin/shared/alert"
)

// Changed makes a change fit to keep, as [Fired] does with an alert: within
// the same limits, with a title, and with an id where the sender gave none.
func Changed(c Change) Change {
	if c.ID == "" {
		c.ID = alert.HashKey(map[string]string{"source": c.Source, "service": c.Service, "title": c.Title, "at": Episode(c.At)})
	}
	a := alert.Alert{DedupKey: c.ID, Title: c.Title, Labels: c.Labels, Links: c.Links}
	if a.Labels == nil {
		a.Labels = map[string]string{}
	}
	if a.Links == nil {
		a.Links = []alert.Link{}
	}
	hideSecrets(&a)
	alert.Clean(&a)
	c.Title, c.Labels, c.Links = a.Title, a.Labels, a.Links
	return c
}
