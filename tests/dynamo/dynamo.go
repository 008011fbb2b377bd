// Package dynamo gives tests a real DynamoDB engine: DynamoDB Local, in
// memory, pinned through npm and run by the Java at hand. A test binary starts
// at most one, on first need, and each test gets a table of its own:
//
//	table := dynamo.Start(t)
//
// It ends with the test binary, however that ends. It listens on every
// interface, because DynamoDB Local knows no other way; it holds invented data
// only. Where TOCSIN_TEST_DYNAMODB names an endpoint, that engine is used.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/cloud"
	"tocsin/shared/ddb"
)

// EndpointVariable names the environment variable that holds the URL of an
// engine to use instead of DynamoDB Local.
const EndpointVariable = "TOCSIN_TEST_DYNAMODB"

// endpoint returns where the one engine of this test binary answers.
var endpoint = sync.OnceValues(func() (string, error) {
	if url := os.Getenv(EndpointVariable); url != "" {
		return url, nil
	}
	return launch(context.Background())
})

var tables atomic.Int64

// Start returns a new, empty table with the keys and the index of deadlines
// that every table of the product has; it is deleted when the test ends.
// Without Java or npm the test fails where CI is "true", and is skipped
// elsewhere, with the reason.
func Start(t testing.TB) ddb.Table {
	t.Helper()
	url, err := endpoint()
	if missing, ok := errors.AsType[*MissingError](err); ok && os.Getenv("CI") != "true" {
		t.Skipf("not run on DynamoDB Local: %v", missing)
	}
	if err != nil {
		t.Fatalf("start DynamoDB Local: %v", err)
	}
	table, err := open(url)
	if err != nil {
		t.Fatalf("open DynamoDB Local: %v", err)
	}
	create(t, table)
	return table
}

// open names a table that no other test binary uses on the same engine.
func open(url string) (ddb.Table, error) {
	env := environment(url, fmt.Sprintf("test-%d-%d-%d", os.Getpid(), time.Now().UnixNano(), tables.Add(1)))
	cfg, err := cloud.Config(env)
	if err != nil {
		return ddb.Table{}, err
	}
	return ddb.Open(cfg, env, "TABLE")
}

func environment(url, table string) cloud.Lookup {
	values := map[string]string{
		"AWS_REGION":                "us-east-1",
		"AWS_ACCESS_KEY_ID":         "test",
		"AWS_SECRET_ACCESS_KEY":     "test",
		"AWS_ENDPOINT_URL_DYNAMODB": url,
		"TABLE":                     table,
	}
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

func create(t testing.TB, table ddb.Table) {
	t.Helper()
	if _, err := table.CreateTable(context.Background(), definition(table.Name)); err != nil {
		t.Fatalf("create table: %v", err)
	}
	t.Cleanup(func() {
		if _, err := table.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table.Name}); err != nil {
			t.Errorf("delete table: %v", err)
		}
	})
	ready := dynamodb.NewTableExistsWaiter(table.Client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 50 * time.Millisecond })
	if err := ready.Wait(context.Background(), &dynamodb.DescribeTableInput{TableName: &table.Name}, 10*time.Second); err != nil {
		t.Fatalf("wait for table: %v", err)
	}
}

// definition is the shape that template.yaml gives every table.
func definition(name string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			text(ddb.PK), text(ddb.SK), text(ddb.DueShard), text(ddb.DueAt), text("list_pk"), text("list_sk"),
		},
		KeySchema:              keys(ddb.PK, ddb.SK),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{index(ddb.DueIndex, ddb.DueShard, ddb.DueAt), index("list", "list_pk", "list_sk")},
	}
}

// index is one of the two that tables of template.yaml have.
func index(name, partition, sort string) types.GlobalSecondaryIndex {
	return types.GlobalSecondaryIndex{
		IndexName: &name, KeySchema: keys(partition, sort), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
	}
}

func text(name string) types.AttributeDefinition {
	return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
}

func keys(hash, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: &hash, KeyType: types.KeyTypeHash},
		{AttributeName: &sort, KeyType: types.KeyTypeRange},
	}
}

// On creates a table like [Start]'s on another engine that speaks DynamoDB at
// url, and deletes it when the test ends.
func On(t testing.TB, url string) ddb.Table {
	t.Helper()
	table, err := open(url)
	if err != nil {
		t.Fatal(err)
	}
	create(t, table)
	return table
}
