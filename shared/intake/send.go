package intake

import (
	"context"
	"fmt"
	"log/slog"

	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/queue"
)

// send puts the delivery into the queue with one message. A large one goes to
// the bucket first, and the message names the object.
func (in *Intake) send(ctx context.Context, d Delivery) error {
	message, err := Encode(d)
	if err != nil {
		return fmt.Errorf("encode delivery %s: %w", d.ID, err)
	}
	if len(message) > queue.MaxBody {
		if message, err = in.keep(ctx, d, message); err != nil {
			return err
		}
	}
	if err := in.Queue.Send(ctx, queue.Entry{Group: d.Integration, Body: string(message)}); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the delivery cannot be queued now; send it again")
	}
	return nil
}

func (in *Intake) keep(ctx context.Context, d Delivery, message []byte) ([]byte, error) {
	name := objectName(d)
	body, err := compress(message)
	if err != nil {
		return nil, err
	}
	if err := in.Objects.Put(ctx, name, body); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the delivery cannot be stored now; send it again")
	}
	httpapi.Annotate(ctx, slog.String("object", name))
	return encodePointer(d, name)
}
