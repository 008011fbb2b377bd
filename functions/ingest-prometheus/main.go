// Command ingest-prometheus is the Lambda function that accepts the webhooks
// of Prometheus Alertmanager and of Prometheus servers, which append
// /api/v2/alerts to their path_prefix (Prometheus documentation,
// "Configuration", alertmanager_config, api_version v2).
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/prometheus"
)

func main() { function.Serve(intake.Function(prometheus.Source)) }
