// Command ingest-gcp is the Lambda function that accepts the webhooks of
// Google Cloud Monitoring and pushes of Pub/Sub.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/gcp"
)

func main() { function.Serve(intake.Function(gcp.Source)) }
