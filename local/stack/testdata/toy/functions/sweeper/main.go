// Command sweeper counts its calls and records the names that executions give it.
package main

import (
	"context"
	"log/slog"
	"os"

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
	lambda.Start(func(ctx context.Context, in struct {
		Name string `json:"name"`
	}) error {
		_, err := table.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:                aws.String(os.Getenv("TABLE")),
			Key:                      map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "sweep#" + in.Name}},
			UpdateExpression:         aws.String("ADD calls :one SET #at = :at"),
			ExpressionAttributeNames: map[string]string{"#at": "at"},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":one": &types.AttributeValueMemberN{Value: "1"},
				":at":  &types.AttributeValueMemberS{Value: clock.Format(clock.Now())},
			},
		})
		return err
	})
}
