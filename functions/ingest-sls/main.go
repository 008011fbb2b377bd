// Command ingest-sls is the Lambda function that accepts the alerts of
// Alibaba Cloud's Simple Log Service.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/sls"
)

func main() { function.Serve(intake.Function(sls.Source)) }
