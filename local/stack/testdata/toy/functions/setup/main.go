// Command setup answers a custom resource.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(cfn.LambdaWrap(func(_ context.Context, e cfn.Event) (string, map[string]any, error) {
		return "setup", map[string]any{"Prepared": "for " + e.ResourceProperties["Address"].(string)}, nil
	}))
}
