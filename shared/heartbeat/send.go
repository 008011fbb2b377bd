package heartbeat

import (
	"context"

	"tocsin/shared/intake"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
)

// Outlet puts reports into the alerts queue and counts them.
type Outlet struct {
	Queue interface {
		Send(context.Context, queue.Entry) error
	}
	Metrics *telemetry.Metrics
}

// Send returns once the queue has the report.
func (o Outlet) Send(ctx context.Context, r Report) error {
	d, err := intake.Own(r.ID, r.Service, r.At, r.Alert, r.Output)
	if err == nil {
		err = intake.SendOwn(ctx, o.Queue, d)
	}
	if err == nil {
		o.Metrics.Add("Accepted", len(d.Items))
	}
	return err
}
