package intake

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/integration"
	"tocsin/shared/object"
	"tocsin/shared/queue"
	"tocsin/shared/source"
	"tocsin/shared/telemetry"
)

// MaxBody is the size of a request body in bytes up to which it is read.
const MaxBody = 1 << 20

// finder, sender and keeper are what intake needs of the directory of
// integrations, of the alerts queue and of the bucket.
type finder interface {
	Find(ctx context.Context, key string) (integration.Found, error)
}

type sender interface {
	Send(ctx context.Context, e queue.Entry) error
}

type keeper interface {
	Put(ctx context.Context, name string, body []byte) error
}

// visitor visits the address by which a sender asks for a confirmation.
type visitor interface {
	Do(*http.Request) (*http.Response, error)
}

// Intake accepts the requests of one source, or of several that one function
// serves.
type Intake struct {
	// Pick returns the source of an integration, false if it is none that is
	// served here.
	Pick         func(context.Context, integration.Integration) (source.Source, bool)
	Function     string // what serves, for metrics
	Integrations finder
	Queue        sender
	Objects      keeper
	Metrics      *telemetry.Metrics
	Confirm      visitor          // nil: confirmations are noted only
	Now          func() time.Time // real time, for senders' times
	Clock        func() time.Time // the time on which deadlines are judged

	limits   Limits
	refusals refusals
}

// Only picks the one source of a function.
func Only(src source.Source) func(context.Context, integration.Integration) (source.Source, bool) {
	return func(_ context.Context, in integration.Integration) (source.Source, bool) {
		return src, in.Source == src.Name
	}
}

// Open returns the intake of src as the environment configures it.
func Open(cfg aws.Config, env cloud.Lookup, src source.Source, metrics *telemetry.Metrics) (*Intake, error) {
	table, err := ddb.Open(cfg, env, "CONFIG_TABLE")
	if err != nil {
		return nil, err
	}
	alerts, err := queue.Open(cfg, env, "ALERTS_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	objects, err := object.Open(cfg, env)
	if err != nil {
		return nil, err
	}
	directory := integration.NewDirectory(&integration.Store{Table: table}, integration.NewSecrets(cfg, env))
	return &Intake{
		Pick: Only(src), Function: src.Name, Integrations: directory, Queue: alerts, Objects: objects,
		Metrics: metrics, Confirm: confirmer(), Now: time.Now, Clock: clock.Now,
	}, nil
}

// Take accepts a request for the integration of key: once it returns, the
// delivery is in the queue. It counts and annotates what came of it.
func (in *Intake) Take(ctx context.Context, key string, req *source.Request) (source.Parsed, Receipt, error) {
	d, parsed, err := in.take(ctx, key, req)
	return in.tell(ctx, d, parsed, err)
}

// TakeFrom is [Intake.Take] for an integration that is known already, from
// whose sender nobody reads an answer: what cannot be understood is accepted
// as a delivery whose one item says why, so that it shows in the ledger. An
// error may pass by itself.
func (in *Intake) TakeFrom(ctx context.Context, found integration.Found, req *source.Request) (source.Parsed, Receipt, error) {
	d, parsed, err := in.takeFrom(ctx, found, req)
	return in.tell(ctx, d, parsed, err)
}

// TakeUnanswered is [Intake.Take] for a sender that reads no answer: once it is
// known, nothing of what it sent is refused. An error of kind Unauthenticated
// or Forbidden is final.
func (in *Intake) TakeUnanswered(ctx context.Context, key string, req *source.Request) (source.Parsed, Receipt, error) {
	found, _, err := in.Admit(ctx, key, req)
	if err != nil {
		return in.tell(ctx, Delivery{}, source.Parsed{}, err)
	}
	return in.TakeFrom(ctx, found, req)
}

// tell counts and annotates what came of a request.
func (in *Intake) tell(ctx context.Context, d Delivery, parsed source.Parsed, err error) (source.Parsed, Receipt, error) {
	if err != nil {
		in.count(outcomeOf(err), Receipt{})
		return parsed, Receipt{}, err
	}
	if d.onlyRead {
		return parsed, Receipt{Again: true, Reading: &Reading{Items: d.Items, Notes: d.Notes, Changes: d.Changes}}, nil
	}
	receipt := receiptOf(d)
	receipt.Again = d.again
	in.count("accepted", receipt)
	httpapi.Annotate(ctx, slog.String("delivery_id", d.ID), slog.Int("alerts", len(receipt.Keys)))
	if n := len(receipt.Rejected); n > 0 {
		httpapi.Annotate(ctx, slog.Int("rejected", n))
	}
	return parsed, receipt, nil
}

// take checks, parses and sends, in this order: nothing of a body is looked at
// before its sender is known.
func (in *Intake) take(ctx context.Context, key string, req *source.Request) (Delivery, source.Parsed, error) {
	found, src, err := in.Admit(ctx, key, req)
	if err != nil {
		return Delivery{}, source.Parsed{}, err
	}
	annotate(ctx, found, src)
	parsed, req, err := read(found, src, req)
	if err == nil && !found.OnlyRead() {
		err = understood(parsed)
	}
	if err != nil {
		in.tellOwner(ctx, found, src, req, err)
		return Delivery{}, parsed, err
	}
	return in.pass(ctx, found, src, req, parsed)
}

func (in *Intake) takeFrom(ctx context.Context, found integration.Found, req *source.Request) (Delivery, source.Parsed, error) {
	src, served := in.Pick(ctx, found.Integration)
	if !served {
		return Delivery{}, source.Parsed{}, fault.New(fault.Internal, "the source %s is not served here", found.Source)
	}
	annotate(ctx, found, src)
	parsed, req, err := read(found, src, req)
	if err != nil {
		parsed = source.Parsed{Items: []source.Item{{Rejected: shown(err)}}}
	}
	return in.pass(ctx, found, src, req, parsed)
}

func annotate(ctx context.Context, found integration.Found, src source.Source) {
	httpapi.Annotate(ctx, slog.String("integration", found.ID), slog.String("source", src.Name))
}

// pass makes a delivery of what was understood and sends it.
func (in *Intake) pass(ctx context.Context, found integration.Found, src source.Source, req *source.Request, parsed source.Parsed) (Delivery, source.Parsed, error) {
	d, err := in.deliver(found, src, req, parsed)
	if err != nil {
		return Delivery{}, parsed, err
	}
	d.again = found.Again != nil
	if d.onlyRead = found.OnlyRead(); d.onlyRead {
		return d, parsed, nil
	}
	if err := in.confirm(ctx, parsed.Confirm); err != nil {
		return Delivery{}, parsed, err
	}
	return d, parsed, in.send(ctx, d)
}

// outcomeOf tells requests that are wrong, and those that are too many, from
// failures of ours.
func outcomeOf(err error) string {
	if _, over := errors.AsType[limitError](err); over {
		return "limited"
	}
	if httpapi.Status(err) >= http.StatusInternalServerError {
		return "failed"
	}
	return "refused"
}

// count: Accepted has no dimension, because it is compared with what the
// router disposed of, whatever the source.
func (in *Intake) count(outcome string, r Receipt) {
	from := telemetry.Source(in.Function)
	in.Metrics.Add("Deliveries", 1, from, telemetry.Outcome(outcome))
	if outcome != "accepted" {
		return
	}
	in.Metrics.Add("Accepted", len(r.Keys))
	if len(r.Rejected) > 0 {
		in.Metrics.Add("Rejected", len(r.Rejected), from)
	}
}
