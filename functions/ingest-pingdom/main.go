// Command ingest-pingdom is the Lambda function that accepts the webhooks
// of Pingdom.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/pingdom"
)

func main() { function.Serve(intake.Function(pingdom.Source)) }
