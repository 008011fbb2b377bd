// Command ingest-prometheus is the Lambda function that accepts the webhooks
// of Prometheus Alertmanager and of Prometheus servers.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/shared/httpapi"
	"tocsin/shared/telemetry"
)

func main() {
	log := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	log.Info("function started", "version", telemetry.Version)
	h, err := newHandler(log, os.LookupEnv)
	if err != nil {
		log.Error("start failed", slog.Any("err", err))
		os.Exit(1)
	}
	lambda.Start(httpapi.Lambda(h))
}
