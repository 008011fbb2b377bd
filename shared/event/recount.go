package event

import (
	"context"

	"tocsin/shared/ddb"
)

// Recount raises the count of an event's alerts to the number of those that
// joined it, where a router that died had attached alerts and not counted
// them. It may be repeated: a count is never lowered, and never above the
// number of alerts by this.
func (s *Store) Recount(ctx context.Context, id ID) error {
	members, err := s.Table.QueryAll(ctx, partition(id), memberPrefix, true)
	if err != nil {
		return err
	}
	u := &ddb.Update{}
	u.Set(attrAlerts, ddb.N(len(members)))
	u.RequireBelow(attrAlerts, len(members))
	err = s.Table.Apply(ctx, ddb.Key(partition(id), sortKey), u)
	if _, counted := ddb.Refused(err); counted {
		return nil
	}
	return ddb.Fault(err, "count the alerts of event %s", id)
}
