// Command ingest-jira is the Lambda function that accepts the webhooks of
// Jira.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/jira"
)

func main() { function.Serve(intake.Function(jira.Source)) }
