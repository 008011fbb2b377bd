// Command api is the Lambda function that serves the operations of package
// ops to people and programs, below /v1.
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
