// Command ingest-pagerduty-events is the Lambda function that stands for
// PagerDuty's Events API: whatever can send to that, sends here by another
// address, and gets the answers that it knows.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/pagerdutyevents"
)

func main() { function.Serve(intake.FunctionOf(pagerdutyevents.Source, routes)) }
