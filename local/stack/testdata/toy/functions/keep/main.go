// Command keep stores each queued name, and fails for "poison".
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/clock"
	"tocsin/shared/cloud"
)

func main() {
	config, err := cloud.Config(os.LookupEnv)
	if err != nil {
		slog.Error("start failed", "err", err)
		os.Exit(1)
	}
	table := dynamodb.NewFromConfig(config, func(o *dynamodb.Options) { o.BaseEndpoint = cloud.Endpoint(os.LookupEnv, "DYNAMODB") })
	lambda.Start(func(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
		var failed events.SQSEventResponse
		for _, m := range batch.Records {
			if err := keep(ctx, table, m.Body); err != nil {
				failed.BatchItemFailures = append(failed.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return failed, nil
	})
}

func keep(ctx context.Context, table *dynamodb.Client, name string) error {
	if name == "poison" {
		return os.ErrInvalid
	}
	_, err := table.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(os.Getenv("TABLE")),
		Item: map[string]types.AttributeValue{
			"pk":   &types.AttributeValueMemberS{Value: name},
			"kind": &types.AttributeValueMemberS{Value: "kept"},
			"at":   &types.AttributeValueMemberS{Value: clock.Format(clock.Now())},
		},
	})
	return err
}
