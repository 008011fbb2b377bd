package intake

import (
	"log/slog"
	"net/http"
	"os"

	"tocsin/shared/cloud"
	"tocsin/shared/httpapi"
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
		cfg, err := cloud.Config(env)
		if err != nil {
			return nil, err
		}
		in, err := Open(cfg, env, src, telemetry.NewMetrics(os.Stdout, env))
		if err != nil {
			return nil, err
		}
		return routes(log, in), nil
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
	return httpapi.Serve(log, in.Metrics, httpapi.Limit(MaxBody, httpapi.Problems(mux)))
}
