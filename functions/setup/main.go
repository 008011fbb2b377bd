package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/shared/actionlink"
	"tocsin/shared/cloud"
)

func main() {
	lambda.Start(cfn.LambdaWrap(func(ctx context.Context, e cfn.Event) (string, map[string]any, error) {
		cfg, err := cloud.Config(os.LookupEnv)
		if err != nil {
			return "x", nil, err
		}
		p, err := actionlink.Open(cfg, os.LookupEnv)
		if err != nil {
			return "x", nil, err
		}
		r, err := actionlink.NewRing(time.Now().Add(-time.Hour))
		if err != nil {
			return "x", nil, err
		}
		_, err = p.Create(ctx, r)
		return "x", nil, err
	}))
}
