package source

import (
	"tocsin/shared/alert"
	"tocsin/shared/change"
)

// Changed makes a change fit to keep, as [Fired] does with an alert.
func Changed(c Change) Change {
	a := alert.Alert{Title: c.Title, Labels: c.Labels}
	hideSecrets(&a)
	c.Title, c.Labels = a.Title, a.Labels
	return change.Clean(c)
}
