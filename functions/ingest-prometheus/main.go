// Command ingest-prometheus is the Lambda function that accepts the webhooks
// of Prometheus Alertmanager and of Prometheus servers, which append
// /api/v2/alerts to their path_prefix (Prometheus documentation,
// "Configuration", alertmanager_config, api_version v2).
package main

import (
	"log/slog"
	"net/http"

	"tocsin/shared/function"
	"tocsin/shared/httpapi"
	"tocsin/shared/intake"
	"tocsin/shared/source/prometheus"
)

func main() { function.Serve(intake.FunctionOf(prometheus.Source, routes)) }

// routes answers what stands for Alertmanager's API with 200: its own client
// takes 202 for an error (Alertmanager v0.34, api/v2/client/alert).
func routes(log *slog.Logger, in *intake.Intake) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /in/"+prometheus.Name+"/{key}", httpapi.Handler(in.Accept))
	mux.Handle("POST /in/"+prometheus.Name+"/{key}/{path...}", httpapi.Handler(in.Accept))
	mux.Handle("POST /in/"+prometheus.Name+"/{key}/api/v2/alerts", in.AcceptAs(http.StatusOK))
	return in.Wrap(log, mux)
}
