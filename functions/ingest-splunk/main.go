// Command ingest-splunk is the Lambda function that accepts the webhooks of
// Splunk, its Observability Cloud, ITSI and On-Call.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/splunk"
)

func main() { function.Serve(intake.Function(splunk.Source)) }
