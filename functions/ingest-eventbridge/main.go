// Command ingest-eventbridge is the Lambda function that accepts what API
// destinations of Amazon EventBridge post. Within the account, rules also
// invoke it themselves.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/eventbridge"
)

func main() { function.ServeDirect(intake.DirectFunction(eventbridge.Source)) }
