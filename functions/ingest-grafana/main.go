// Command ingest-grafana is the Lambda function that accepts the webhooks
// of Grafana: unified alerting and legacy alerting.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/grafana"
)

func main() { function.Serve(intake.Function(grafana.Source)) }
