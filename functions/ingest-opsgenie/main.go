// Command ingest-opsgenie is the Lambda function that accepts the webhooks of
// Opsgenie.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/opsgenie"
)

func main() { function.Serve(intake.Function(opsgenie.Source)) }
