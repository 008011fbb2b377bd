// Command ingest-cloudwatch is the Lambda function that accepts what Amazon SNS
// posts. Within the account, alarms and topics also invoke it themselves.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/cloudwatch"
)

func main() { function.ServeDirect(intake.DirectFunction(cloudwatch.Source)) }
