// Command ingest-gitlab is the Lambda function that accepts the webhooks of
// GitLab.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/gitlab"
)

func main() { function.Serve(intake.Function(gitlab.Source)) }
