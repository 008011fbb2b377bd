package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/defaults"
)

// file says of which service each change of a delivery is: the one that it
// names, else the integration's, else the default, as far as there is one.
func (d *delivery) file(services map[string]catalog.Service) {
	known := func(name string) string {
		if _, ok := services[name]; !ok {
			return ""
		}
		return name
	}
	for _, c := range d.Changes {
		c.Service = cmp.Or(known(c.Service), known(d.Service), defaults.Service)
		if c.At.IsZero() {
			c.At = d.ReceivedAt // accepted by an older version of ingest
		}
		d.changes = append(d.changes, change.Filed{Change: c, Integration: d.Integration, FiledAt: d.ReceivedAt})
	}
}

// keepChanges keeps what a delivery told of. It stands before the delivery's
// first part in the ledger, so that one that is there has its changes too.
func (r *router) keepChanges(ctx context.Context, d *delivery) error {
	for _, f := range d.changes {
		_, added, err := r.changes.Put(ctx, f)
		if err != nil {
			return err
		}
		if added {
			r.metrics.Add("Changes", 1)
		}
	}
	return nil
}

// mostNoted bounds the changes that a delivery's notes name.
const mostNoted = 5

// notes are those of the delivery, and what changes it told of.
func (d *delivery) notes() []string {
	notes := slices.Clone(d.Notes)
	for i, f := range d.changes {
		if i == mostNoted {
			return append(notes, fmt.Sprintf("%d more changes", len(d.changes)-i))
		}
		notes = append(notes, fmt.Sprintf("change of service %s: %s", f.Service, f.Title))
	}
	return notes
}
