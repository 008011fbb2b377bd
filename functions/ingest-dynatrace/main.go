// Command ingest-dynatrace is the Lambda function that accepts the problem
// notifications of Dynatrace.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/dynatrace"
)

func main() { function.Serve(intake.Function(dynatrace.Source)) }
