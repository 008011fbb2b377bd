// Command ingest-pagerduty is the Lambda function that accepts the webhooks of
// PagerDuty.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/pagerduty"
)

func main() { function.Serve(intake.Function(pagerduty.Source)) }
