// Command ingest-site24x7 is the Lambda function that accepts the webhooks of
// Site24x7.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/site24x7"
)

func main() { function.Serve(intake.Function(site24x7.Source)) }
