package ddb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// ListShard returns the partition, of n, in which the item id of a kind is
// listed.
func ListShard(kind, id string, n int) string {
	return fmt.Sprintf("%s#%d", kind, hash(id)%uint32(n))
}

// Below returns the entries of one partition of an index whose sort value is
// below before, the highest first, at most limit.
func (t Table) Below(ctx context.Context, index, pk, sk, partition, before string, limit int) ([]Item, error) {
	out, err := t.Query(ctx, &dynamodb.QueryInput{
		TableName:                 &t.Name,
		IndexName:                 &index,
		KeyConditionExpression:    aws.String("#p = :p AND #s < :b"),
		ExpressionAttributeNames:  map[string]string{"#p": pk, "#s": sk},
		ExpressionAttributeValues: Item{":p": S(partition), ":b": S(before)},
		ScanIndexForward:          aws.Bool(false),
		Limit:                     aws.Int32(int32(limit)),
	})
	if err != nil {
		return nil, Fault(err, "list %s", partition)
	}
	return out.Items, nil
}

// PageDown returns those items of a partition whose sort key begins with
// prefix, the highest first, behind the sort key after ("" from the highest),
// and the last sort key, "" when there are no more.
func (t Table) PageDown(ctx context.Context, pk, prefix, after string, limit int) (items []Item, last string, err error) {
	in := &dynamodb.QueryInput{
		TableName:                 &t.Name,
		KeyConditionExpression:    aws.String("pk = :p AND begins_with(sk, :s)"),
		ExpressionAttributeValues: Item{":p": S(pk), ":s": S(prefix)},
		ScanIndexForward:          aws.Bool(false),
		Limit:                     aws.Int32(int32(limit)),
	}
	if after != "" {
		in.ExclusiveStartKey = Key(pk, after)
	}
	out, err := t.Query(ctx, in)
	if err != nil {
		return nil, "", Fault(err, "query")
	}
	return out.Items, Text(out.LastEvaluatedKey, SK), nil
}
