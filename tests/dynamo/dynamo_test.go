package dynamo_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/shared/ddb"
	"tocsin/tests/dynamo"
)

func put(t *testing.T, table ddb.Table, item ddb.Item) {
	t.Helper()
	if _, err := table.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name, Item: item}); err != nil {
		t.Fatalf("put: %v", err)
	}
}

func TestStartGivesEachTestItsOwnTable(t *testing.T) {
	a, b := dynamo.Start(t), dynamo.Start(t)
	put(t, a, ddb.Key("P", "S"))
	for _, c := range []struct {
		name  string
		table ddb.Table
		want  bool
	}{{"written", a, true}, {"other", b, false}} {
		item, err := c.table.Get(t.Context(), "P", "S")
		if err != nil || (item != nil) != c.want {
			t.Errorf("%s: item %v, err %v; want found %v", c.name, item, err, c.want)
		}
	}
}

func TestIndexOfDeadlinesHoldsOnlyItemsThatHaveOne(t *testing.T) {
	table := dynamo.Start(t)
	put(t, table, ddb.Key("P", "idle"))
	due := ddb.Key("P", "due")
	due[ddb.DueShard], due[ddb.DueAt] = ddb.S("0"), ddb.S("2026-01-01T00:00:00.000Z")
	put(t, table, due)
	out, err := table.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &table.Name, IndexName: aws.String(ddb.DueIndex),
		KeyConditionExpression:    aws.String("due_shard = :s AND due_at <= :now"),
		ExpressionAttributeValues: ddb.Item{":s": ddb.S("0"), ":now": ddb.S("2026-01-02T00:00:00.000Z")},
	})
	if err != nil || len(out.Items) != 1 || ddb.Text(out.Items[0], ddb.SK) != "due" {
		t.Errorf("due items %v, err %v", out, err)
	}
}
