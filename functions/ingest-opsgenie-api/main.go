// Command ingest-opsgenie-api is the Lambda function that stands for
// Opsgenie's Alert API: whatever can send to that, sends here by another
// address, and gets the answers that it knows.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/opsgenieapi"
)

func main() { function.Serve(intake.FunctionOf(opsgenieapi.Source, routes)) }
