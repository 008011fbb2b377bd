// Command notifier is the Lambda function that sends messages: each ticket of
// the messages queue names one, which goes to one contact of one member.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
)

func main() {
	log := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	log.Info("function started", "version", telemetry.Version)
	n, err := open(log, os.LookupEnv)
	if err != nil {
		log.Error("start failed", "err", err)
		os.Exit(1)
	}
	lambda.Start(queue.Batch(log, n.metrics, n.handleAll))
}
