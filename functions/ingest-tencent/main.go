// Command ingest-tencent is the Lambda function that accepts the alerts of
// Tencent Cloud's Observability Platform.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/tencent"
)

func main() { function.Serve(intake.Function(tencent.Source)) }
