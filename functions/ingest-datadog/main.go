// Command ingest-datadog is the Lambda function that accepts the webhooks
// of Datadog.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/datadog"
)

func main() { function.Serve(intake.Function(datadog.Source)) }
