// Package cloud builds the AWS configuration of a function from its
// environment. The SDK's own loader more than doubles the time a function
// takes to initialise, and a function needs none of what it looks for.
package cloud

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// Lookup reads an environment variable, as os.LookupEnv does.
type Lookup func(name string) (string, bool)

// attempts and maxBackoff bound what one call may take: callers have queues
// and state machines that retry for longer.
const (
	attempts   = 4
	maxBackoff = 2 * time.Second
)

// Config returns the configuration that the Lambda service gives a function
// by AWS_REGION and the three credential variables. It fails when the region
// is missing; missing credentials fail at the first call.
func Config(env Lookup) (aws.Config, error) {
	region, ok := env("AWS_REGION")
	if !ok {
		return aws.Config{}, fmt.Errorf("AWS_REGION is not set")
	}
	return aws.Config{
		Region:      region,
		Credentials: aws.CredentialsProviderFunc(credentials(env)),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = attempts
				o.MaxBackoff = maxBackoff
			})
		},
	}, nil
}

func credentials(env Lookup) func(context.Context) (aws.Credentials, error) {
	return func(context.Context) (aws.Credentials, error) {
		var c aws.Credentials
		c.AccessKeyID, _ = env("AWS_ACCESS_KEY_ID")
		c.SecretAccessKey, _ = env("AWS_SECRET_ACCESS_KEY")
		c.SessionToken, _ = env("AWS_SESSION_TOKEN")
		if c.AccessKeyID == "" || c.SecretAccessKey == "" {
			return c, fmt.Errorf("AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set")
		}
		c.Source = "environment"
		return c, nil
	}
}

// Endpoint returns where a service is reached when it is not AWS: the value of
// AWS_ENDPOINT_URL_<service>, else of AWS_ENDPOINT_URL, else nil. service is
// the suffix that the AWS SDKs define, e.g. "DYNAMODB", "SQS", "SFN".
func Endpoint(env Lookup, service string) *string {
	for _, name := range [...]string{"AWS_ENDPOINT_URL_" + service, "AWS_ENDPOINT_URL"} {
		if v, ok := env(name); ok && v != "" {
			return aws.String(v)
		}
	}
	return nil
}
