package main

import (
	"log/slog"
	"net/http"
	"os"

	"tocsin/shared/cloud"
	"tocsin/shared/httpapi"
	"tocsin/shared/intake"
	"tocsin/shared/source/prometheus"
	"tocsin/shared/telemetry"
)

// newHandler reads the environment and builds the clients, once per cold start.
func newHandler(log *slog.Logger, env cloud.Lookup) (http.Handler, error) {
	cfg, err := cloud.Config(env)
	if err != nil {
		return nil, err
	}
	metrics := telemetry.NewMetrics(os.Stdout, env)
	in, err := intake.Open(cfg, env, prometheus.Source, metrics)
	if err != nil {
		return nil, err
	}
	return routes(log, metrics, in), nil
}

// routes serves the webhook of Alertmanager, and the path that a Prometheus
// server appends to its path_prefix (Prometheus documentation,
// "Configuration", alertmanager_config, api_version v2).
func routes(log *slog.Logger, metrics *telemetry.Metrics, in *intake.Intake) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /in/prometheus/{key}", httpapi.Handler(in.Accept))
	mux.Handle("POST /in/prometheus/{key}/api/v2/alerts", httpapi.Handler(in.Accept))
	return httpapi.Serve(log, metrics, httpapi.Limit(intake.MaxBody, httpapi.Problems(mux)))
}
