// Command ingest-huawei is the Lambda function that accepts the alerts of
// Huawei Cloud Eye, delivered and signed by SMN.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/huawei"
)

func main() { function.Serve(intake.Function(huawei.Source)) }
