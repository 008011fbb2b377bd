package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"tocsin/shared/cloud"
	"tocsin/shared/httpapi"
	"tocsin/shared/integration"
	"tocsin/shared/source"
	"tocsin/shared/telemetry"
)

// Function opens the handler of the ingest function of src: POST
// /in/<source>/{key}; what stands after the key is the source's business.
func Function(src source.Source) func(*slog.Logger, cloud.Lookup) (http.Handler, error) {
	return FunctionOf(src, func(log *slog.Logger, in *Intake) http.Handler { return in.Routes(log, src.Name) })
}

// FunctionOf is Function with routes of its own.
func FunctionOf(src source.Source, routes func(*slog.Logger, *Intake) http.Handler) func(*slog.Logger, cloud.Lookup) (http.Handler, error) {
	return func(log *slog.Logger, env cloud.Lookup) (http.Handler, error) {
		in, err := ofEnvironment(src, env)
		if err != nil {
			return nil, err
		}
		return routes(log, in), nil
	}
}

// DirectFunction is [Function] for a source of AWS, whose services also invoke
// the function themselves, without HTTP; see [Intake.Direct].
func DirectFunction(src source.Source) func(*slog.Logger, cloud.Lookup) (http.Handler, func(context.Context, json.RawMessage) error, error) {
	return func(log *slog.Logger, env cloud.Lookup) (http.Handler, func(context.Context, json.RawMessage) error, error) {
		in, err := ofEnvironment(src, env)
		if err != nil {
			return nil, nil, err
		}
		return in.Routes(log, src.Name), in.Direct(log, src.Name), nil
	}
}

func ofEnvironment(src source.Source, env cloud.Lookup) (*Intake, error) {
	cfg, err := cloud.Config(env)
	if err != nil {
		return nil, err
	}
	return Open(cfg, env, src, telemetry.NewMetrics(os.Stdout, env))
}

// Direct takes an invocation by a service of AWS. Its error makes Lambda repeat
// the invocation, so it has one only for what may pass by itself; what cannot
// be read is accepted and shows in the ledger.
func (in *Intake) Direct(log *slog.Logger, name string) func(context.Context, json.RawMessage) error {
	found := integration.Found{Integration: integration.Integration{ID: integration.AWS, Name: "Services of AWS", Source: name, Auth: integration.None}}
	return func(ctx context.Context, event json.RawMessage) error {
		defer in.Metrics.Flush(ctx)
		_, receipt, err := in.TakeFrom(ctx, found, &source.Request{Header: http.Header{"Content-Type": {"application/json"}}, Body: event, At: in.Now().UTC()})
		if err != nil {
			return fmt.Errorf("take an event of AWS: %w", err)
		}
		log.InfoContext(ctx, "event taken", slog.String("integration", integration.AWS), slog.String("source", name), slog.String("delivery_id", receipt.DeliveryID),
			slog.Int("alerts", len(receipt.Keys)), slog.Int("rejected", len(receipt.Rejected)))
		return nil
	}
}

// Routes serves the webhook of a source.
func (in *Intake) Routes(log *slog.Logger, name string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /in/"+name+"/{key}", httpapi.Handler(in.Accept))
	mux.Handle("POST /in/"+name+"/{key}/{path...}", httpapi.Handler(in.Accept))
	return in.Wrap(log, mux)
}

// Wrap puts around routes what all ingest functions have in common.
func (in *Intake) Wrap(log *slog.Logger, mux *http.ServeMux) http.Handler {
	return httpapi.Serve(log, in.Metrics, httpapi.Limit(MaxBody, httpapi.Straight(httpapi.Problems(mux))))
}
