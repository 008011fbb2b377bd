// Command ingest-newrelic is the Lambda function that accepts the webhooks
// of New Relic: issues of workflows and incidents of notification channels.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/newrelic"
)

func main() { function.Serve(intake.Function(newrelic.Source)) }
