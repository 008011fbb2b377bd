package integration

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/shared/awscall"
	"tocsin/shared/cloud"
)

// ssm reads and writes parameters. It is safe for concurrent use.
type ssm struct{ client *awscall.Client }

func newSSM(cfg aws.Config, env cloud.Lookup) ssm {
	return ssm{awscall.Open(cfg, env, awscall.Service{Name: "ssm", Target: "AmazonSSM", Media: "application/x-amz-json-1.1"})}
}

// GetParameter returns a parameter in the clear. fault.NotFound: there is none.
func (s ssm) GetParameter(ctx context.Context, name string) (string, error) {
	var out struct{ Parameter struct{ Value string } }
	err := s.client.JSON(ctx, "GetParameter", map[string]any{"Name": name, "WithDecryption": true}, &out)
	return out.Parameter.Value, err
}

// PutParameter keeps a value as a SecureString, in place of what was there.
func (s ssm) PutParameter(ctx context.Context, name, value string) error {
	in := map[string]any{"Name": name, "Value": value, "Type": "SecureString", "Overwrite": true}
	return s.client.JSON(ctx, "PutParameter", in, &struct{}{})
}
