package execution

import (
	"context"
	"time"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
)

// Attributes of an entity's item that this package writes.
const (
	attrRev        = "rev"
	attrGeneration = "generation"
	attrWakeSeq    = "wake_seq"
	attrExec       = "exec"
	attrWakes      = "wakes"
	attrFailures   = "failures"
	attrToken      = "token"
)

// Encode puts x into the item of an entity that is stored for the first time.
func (k Kind) Encode(item ddb.Item, id string, x Execution) {
	item[attrRev] = ddb.N(x.Rev)
	item[attrGeneration] = ddb.N(x.Generation)
	item[attrWakeSeq] = ddb.N(x.WakeSeq)
	item[attrExec] = ddb.S(string(x.Exec))
	item[ddb.DueShard] = ddb.S(ddb.Shard(k.Name, id))
	item[ddb.DueAt] = ddb.S(clock.Format(x.Due))
}

// Decode reads from an item what is no part of the entity's body.
func (x *Execution) Decode(item ddb.Item) {
	x.Rev = ddb.Number(item, attrRev)
	x.WakeSeq = int(ddb.Number(item, attrWakeSeq))
	x.Exec = Phase(ddb.Text(item, attrExec))
	x.Wakes = int(ddb.Number(item, attrWakes))
	x.Failures = int(ddb.Number(item, attrFailures))
	x.Token = ddb.Text(item, attrToken)
	x.Due, _ = clock.Parse(ddb.Text(item, ddb.DueAt))
}

// Commit makes of u, which writes an entity's change, one that also leads from
// before to after, on condition that nothing was written since before was
// read. What parking changes stays as it is, unless a new generation begins.
func (k Kind) Commit(u *ddb.Update, id string, before, after Execution) {
	u.Set(attrRev, ddb.N(after.Rev))
	u.Set(attrGeneration, ddb.N(after.Generation))
	u.Set(attrWakeSeq, ddb.N(after.WakeSeq))
	if after.Generation != before.Generation {
		u.Set(attrExec, ddb.S(string(after.Exec)))
		u.Set(attrFailures, ddb.N(after.Failures))
		u.Set(attrWakes, ddb.N(after.Wakes))
		u.Remove(attrToken)
	}
	if !after.Due.Equal(before.Due) {
		u.Due(k.Name, id, clock.Format(after.Due))
	}
	u.Require(attrRev, ddb.N(before.Rev))
}

// Store writes what changes of an execution while its entity stays as it is.
type Store struct {
	Table ddb.Table
	Kind  Kind
}

// Park stores the token of a wait on condition that neither wake_seq nor
// generation changed since the wait was decided on reading x. false: they did;
// the machine must be woken at once.
func (s Store) Park(ctx context.Context, id string, x Execution, token string, deadline time.Time) (bool, error) {
	u := &ddb.Update{}
	u.Set(attrToken, ddb.S(token))
	u.Set(attrExec, ddb.S(string(Running)))
	u.Set(attrFailures, ddb.N(0))
	u.Due(s.Kind.Name, id, clock.Format(deadline))
	u.Add(attrRev, 1)
	u.Add(attrWakes, 1)
	u.Require(attrWakeSeq, ddb.N(x.WakeSeq))
	u.Require(attrGeneration, ddb.N(x.Generation))
	return s.apply(ctx, id, u, "park")
}

// Mark notes how far the execution of a generation got, and when somebody must
// look at it. It changes nothing when the entity is at another generation, or
// further; dead it may become from anywhere.
func (s Store) Mark(ctx context.Context, id string, generation int, phase Phase, due time.Time) error {
	u := &ddb.Update{}
	u.Set(attrExec, ddb.S(string(phase)))
	u.Due(s.Kind.Name, id, clock.Format(due))
	u.Add(attrRev, 1)
	u.Require(attrGeneration, ddb.N(generation))
	if phase != Dead {
		u.Require(attrExec, ddb.S(string(Pending)))
	}
	_, err := s.apply(ctx, id, u, "mark the execution of")
	return err
}

// SetDue moves the entity's entry in the index of deadlines, on condition that
// nothing was written since x was read. The zero time removes it.
func (s Store) SetDue(ctx context.Context, id string, x Execution, due time.Time) error {
	u := &ddb.Update{}
	u.Due(s.Kind.Name, id, clock.Format(due))
	u.Require(attrRev, ddb.N(x.Rev))
	_, err := s.apply(ctx, id, u, "set the deadline of")
	return err
}

// apply reports false when the update is refused: losing a race is normal.
func (s Store) apply(ctx context.Context, id string, u *ddb.Update, what string) (bool, error) {
	err := s.Table.Apply(ctx, s.Kind.Key(id), u)
	if _, refused := ddb.Refused(err); refused {
		return false, nil
	}
	return err == nil, ddb.Fault(err, "%s %s %s", what, s.Kind.Name, id)
}
