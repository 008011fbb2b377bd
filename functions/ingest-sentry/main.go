// Command ingest-sentry is the Lambda function that accepts the webhooks of
// Sentry.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/sentry"
)

func main() { function.Serve(intake.Function(sentry.Source)) }
