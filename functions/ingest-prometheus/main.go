// Command ingest-prometheus is the Lambda function that accepts the webhooks
// of Prometheus Alertmanager and of Prometheus servers, which append
// /api/v2/alerts to their path_prefix (Prometheus documentation,
// "Configuration", alertmanager_config, api_version v2).
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/shared/httpapi"
	"tocsin/shared/intake"
	"tocsin/shared/source/prometheus"
	"tocsin/shared/telemetry"
)

func main() {
	log := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	h, err := intake.New(log, os.LookupEnv, prometheus.Source)
	if err != nil {
		log.Error("start failed", slog.Any("err", err))
		os.Exit(1)
	}
	lambda.Start(httpapi.Lambda(h))
}
