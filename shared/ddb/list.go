package ddb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// ListShard returns the partition, of n, in which the item id of a kind is
// listed.
func ListShard(kind, id string, n int) string {
	return fmt.Sprintf("%s#%d", kind, hash(id)%uint32(n))
}

// Newest returns the keys of a kind's items in a sharded index, newest first,
// whose sort value is below before, at most limit, and the sort value of the
// last of them, "" when there are no more. pk and sk name the index's key
// attributes.
func (t Table) Newest(ctx context.Context, index, pk, sk, kind string, shards int, before string, limit int) (keys []Item, last string, err error) {
	var found []Item
	for shard := range shards {
		out, err := t.Query(ctx, &dynamodb.QueryInput{
			TableName:                 &t.Name,
			IndexName:                 &index,
			KeyConditionExpression:    aws.String("#p = :p AND #s < :b"),
			ExpressionAttributeNames:  map[string]string{"#p": pk, "#s": sk},
			ExpressionAttributeValues: Item{":p": S(fmt.Sprintf("%s#%d", kind, shard)), ":b": S(before)},
			ScanIndexForward:          aws.Bool(false),
			Limit:                     aws.Int32(int32(limit)),
		})
		if err != nil {
			return nil, "", Fault(err, "list %s", kind)
		}
		found = append(found, out.Items...)
	}
	slices.SortFunc(found, func(a, b Item) int { return strings.Compare(Text(b, sk), Text(a, sk)) })
	if len(found) >= limit {
		found = found[:limit]
		last = Text(found[limit-1], sk)
	}
	keys = make([]Item, len(found))
	for i, item := range found {
		keys[i] = Item{PK: item[PK], SK: item[SK]}
	}
	return keys, last, nil
}
