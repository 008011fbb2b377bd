// Command ingest-statuscake is the Lambda function that accepts the forms that
// StatusCake posts.
package main

import (
	"tocsin/shared/function"
	"tocsin/shared/intake"
	"tocsin/shared/source/statuscake"
)

func main() { function.Serve(intake.Function(statuscake.Source)) }
