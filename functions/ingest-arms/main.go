// Command ingest-arms is the Lambda function that accepts the alerts of
// Alibaba Cloud's ARMS (alert management).
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/arms"
)

func main() { function.Serve(intake.Function(arms.Source)) }
