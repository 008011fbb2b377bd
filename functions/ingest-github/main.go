// Command ingest-github is the Lambda function that accepts the webhooks of
// GitHub.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/github"
)

func main() { function.Serve(intake.Function(github.Source)) }
