package execution

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Machine is the engine that waits for an entity. A token that nobody waits
// for any more and an execution that runs already are no errors.
type Machine interface {
	Start(ctx context.Context, name string, input []byte) error
	Wake(ctx context.Context, token string) error
}

// Driver starts and wakes the executions of one kind. What it cannot tell the
// machine is not lost: the entity's deadline leads the sweeper to it.
type Driver struct {
	Store
	Machine Machine
	Now     func() time.Time
	Log     *slog.Logger
}

// Start starts the execution of an entity's present generation. A start that
// fails stays pending and fails nothing.
func (d Driver) Start(ctx context.Context, id string, x Execution) {
	field := d.Kind.Name + "_id"
	input := fmt.Appendf(nil, `{"v": 1, %q: %q, "generation": %d}`, field, id, x.Generation)
	if err := d.Machine.Start(ctx, Name(id, x.Generation), input); err != nil {
		d.Log.WarnContext(ctx, "execution not started", field, id, "generation", x.Generation, "err", err)
		return
	}
	if err := d.Mark(ctx, id, x.Generation, Started, d.Now().Add(dueAfterWake)); err != nil {
		d.Log.WarnContext(ctx, "start of execution not noted", field, id, "err", err)
	}
}

// Wake wakes the machine that waits for an entity, if one does.
func (d Driver) Wake(ctx context.Context, id string, x Execution) {
	if x.Token == "" {
		return
	}
	if err := d.Machine.Wake(ctx, x.Token); err != nil {
		d.Log.WarnContext(ctx, "machine not woken", d.Kind.Name+"_id", id, "err", err)
	}
}

// Tell tells the machine of a committed change: a new generation is started;
// whoever waited when before was read is woken where the change asks for it.
func (d Driver) Tell(ctx context.Context, id string, before, after Execution, wake bool) {
	switch {
	case after.Generation != before.Generation:
		d.Start(ctx, id, after)
	case wake:
		d.Wake(ctx, id, before)
	}
}
