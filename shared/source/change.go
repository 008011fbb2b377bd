package source

import (
	"tocsin/shared/change"
)

// Changed makes a change fit to keep, as [Fired] does with an alert.
func Changed(c Change) Change { return change.Clean(c) }
