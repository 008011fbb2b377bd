package incident_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/ddb"
	"tocsin/shared/incident/storetest"
	"tocsin/tests/dynamo"
)

func TestStoreOnDynamoDBLocal(t *testing.T) {
	table := dynamo.Start(t)
	index(t, table)
	storetest.TestStoreSuite(t, table)
}

// index gives a table the index "list", unless it has it, and waits until it
// answers.
func index(t *testing.T, table ddb.Table) {
	t.Helper()
	const name = "list"
	for added := false; ; added = true {
		out, err := table.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table.Name})
		if err != nil {
			t.Fatalf("describe table: %v", err)
		}
		found := false
		for _, i := range out.Table.GlobalSecondaryIndexes {
			if aws.ToString(i.IndexName) == name {
				if found = true; i.IndexStatus == types.IndexStatusActive {
					return
				}
			}
		}
		if !found && !added {
			add(t, table, name)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func add(t *testing.T, table ddb.Table, name string) {
	t.Helper()
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	_, err := table.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
		TableName:            &table.Name,
		AttributeDefinitions: []types.AttributeDefinition{text("list_pk"), text("list_sk")},
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
			IndexName: &name,
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String("list_pk"), KeyType: types.KeyTypeHash},
				{AttributeName: aws.String("list_sk"), KeyType: types.KeyTypeRange},
			},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}}},
	})
	if err != nil {
		t.Fatalf("add index: %v", err)
	}
}
