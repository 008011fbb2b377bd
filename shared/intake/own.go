package intake

import (
	"context"
	"fmt"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/queue"
	"tocsin/shared/source"
)

// Own is the delivery of an alert that Tocsin itself found, with what goes
// along as its body. Its integration has the name of the alert's source. The
// same id and body are the same delivery, as often as it is sent.
func Own(id, service string, at time.Time, a alert.Alert, body string) (Delivery, error) {
	d := Delivery{
		Integration: a.Source, Source: a.Source, Service: service, ReceivedAt: at.UTC(), SenderID: id, BodyHash: hash([]byte(body)),
		Items: []Item{Item(source.Told(a))},
	}
	if body != "" {
		d.ContentType = "text/plain"
	}
	var err error
	if d.ID, err = idOf(d, false); err != nil {
		return Delivery{}, err
	}
	return d, d.setBody([]byte(body))
}

// SendOwn puts a delivery of [Own] into the alerts queue. A failure is of kind
// Unavailable.
func SendOwn(ctx context.Context, alerts sender, d Delivery) error {
	message, err := Encode(d)
	if err != nil {
		return fmt.Errorf("encode delivery %s: %w", d.ID, err)
	}
	if err := alerts.Send(ctx, queue.Entry{Group: d.Integration, Body: string(message)}); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the alert cannot be queued now; try again")
	}
	return nil
}
