// Command empty is the function that the others are compared with: it does
// nothing, by the same library.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) error { return nil })
}
