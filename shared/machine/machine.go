// Package machine is thin plumbing over Step Functions: it starts executions
// by name, wakes waits by token, and says whether an execution still runs. It
// knows nothing of what the machines do.
package machine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"tocsin/shared/cloud"
	"tocsin/shared/fault"
)

// Client talks about one state machine. It is safe for concurrent use.
type Client struct {
	api *sfn.Client
	arn string
}

// Open returns the client of the machine whose ARN the environment variable
// arnVar holds.
func Open(cfg aws.Config, env cloud.Lookup, arnVar string) (*Client, error) {
	arn, ok := env(arnVar)
	if !ok || arn == "" {
		return nil, fmt.Errorf("%s is not set", arnVar)
	}
	api := sfn.NewFromConfig(cfg, func(o *sfn.Options) { o.BaseEndpoint = cloud.Endpoint(env, "SFN") })
	return &Client{api: api, arn: arn}, nil
}

// Start starts the execution name. That it exists already is no error: it was
// started, and whether it still runs is the sweeper's question.
func (c *Client) Start(ctx context.Context, name string, input []byte) error {
	_, err := c.api.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &c.arn, Name: &name, Input: aws.String(string(input)),
	})
	if _, exists := errors.AsType[*types.ExecutionAlreadyExists](err); exists || err == nil {
		return nil
	}
	return fault.Wrap(fault.Unavailable, err, "start execution %s", name)
}

// Wake ends the wait of a token. A token that nobody waits for any more is
// normal: the conditional write decided, and the machine only reads it.
func (c *Client) Wake(ctx context.Context, token string) error {
	_, err := c.api.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String("{}")})
	if _, late := errors.AsType[*types.TaskTimedOut](err); late {
		return nil
	}
	if _, gone := errors.AsType[*types.TaskDoesNotExist](err); gone || err == nil {
		return nil
	}
	if _, malformed := errors.AsType[*types.InvalidToken](err); malformed {
		return nil
	}
	return fault.Wrap(fault.Unavailable, err, "wake a wait")
}

// Status is what the service says of an execution.
type Status string

// An execution runs, or it is over, or there never was one of that name.
const (
	Running Status = "running"
	Over    Status = "over"
	Absent  Status = "absent"
)

// Describe says whether the execution name runs. detail is the service's own
// word for how it ended.
func (c *Client) Describe(ctx context.Context, name string) (s Status, detail string, err error) {
	out, err := c.api.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(c.executionARN(name))})
	if _, absent := errors.AsType[*types.ExecutionDoesNotExist](err); absent {
		return Absent, "", nil
	}
	if err != nil {
		return "", "", fault.Wrap(fault.Unavailable, err, "describe execution %s", name)
	}
	if out.Status == types.ExecutionStatusRunning || out.Status == types.ExecutionStatusPendingRedrive {
		return Running, string(out.Status), nil
	}
	return Over, strings.TrimSpace(string(out.Status) + " " + aws.ToString(out.Error)), nil
}

// executionARN follows the form documented for executions of standard
// workflows: the machine's ARN with "execution" in place of "stateMachine".
func (c *Client) executionARN(name string) string {
	return strings.Replace(c.arn, ":stateMachine:", ":execution:", 1) + ":" + name
}
