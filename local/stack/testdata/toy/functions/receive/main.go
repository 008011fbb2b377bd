// Command receive queues what is posted to it, and starts an execution for
// each post that names a number of seconds.
package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tocsin/shared/cloud"
)

func main() {
	config, err := cloud.Config(os.LookupEnv)
	if err != nil {
		slog.Error("start failed", "err", err)
		os.Exit(1)
	}
	h := handler{
		queue:  sqs.NewFromConfig(config, func(o *sqs.Options) { o.BaseEndpoint = cloud.Endpoint(os.LookupEnv, "SQS") }),
		states: sfn.NewFromConfig(config, func(o *sfn.Options) { o.BaseEndpoint = cloud.Endpoint(os.LookupEnv, "SFN") }),
	}
	lambda.Start(h.handle)
}

type handler struct {
	queue  *sqs.Client
	states *sfn.Client
}

func (h handler) handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	if r.RequestContext.HTTP.Method != http.MethodPost {
		seen := r.RawPath + "?" + r.RawQueryString + r.Headers["content-encoding"]
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK, Body: seen}, nil
	}
	name := r.PathParameters["name"]
	_, err := h.queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(os.Getenv("QUEUE")), MessageBody: &name})
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusAccepted}, h.start(ctx, name, r.Body)
}

func (h handler) start(ctx context.Context, name, body string) error {
	var input struct {
		Name    string `json:"name"`
		Seconds int    `json:"seconds"`
	}
	if json.Unmarshal([]byte(body), &input) != nil || input.Seconds == 0 {
		return nil
	}
	input.Name = name
	text, err := json.Marshal(input)
	if err != nil {
		return err
	}
	_, err = h.states.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(os.Getenv("MACHINE")), Name: &name, Input: aws.String(string(text)),
	})
	return err
}
