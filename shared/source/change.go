package source

import (
	"tocsin/shared/alert"
	"tocsin/shared/change"
)

// Changed makes a change fit to keep, as [Fired] does with an alert.
func Changed(c Change) Change {
	a := alert.Alert{Title: c.Title, Group: c.Service, DedupKey: c.ID, Labels: c.Labels, Links: c.Links}
	hideSecrets(&a)
	c.Title, c.Service, c.ID, c.Labels, c.Links = a.Title, a.Group, a.DedupKey, a.Labels, a.Links
	return change.Clean(c)
}
