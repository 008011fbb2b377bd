// Command ingest-cloudmonitor is the Lambda function that accepts the alerts of
// Alibaba Cloud's CloudMonitor: callbacks of
// threshold rules, system events, and events of CloudMonitor 2.0.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/cloudmonitor"
)

func main() { function.Serve(intake.Function(cloudmonitor.Source)) }
