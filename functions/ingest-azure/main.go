// Command ingest-azure is the Lambda function that accepts the webhooks of
// Azure Monitor's action groups.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/azure"
)

func main() { function.Serve(intake.Function(azure.Source)) }
