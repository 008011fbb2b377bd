package event

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/shared/ddb"
)

// Recount raises the count of an event's alerts to the number of those that
// joined it, where a router that died had attached alerts and not counted
// them. It may be repeated: a count is never lowered, and never above the
// number of alerts by this.
func (s *Store) Recount(ctx context.Context, id ID) error {
	members, err := s.Table.QueryAll(ctx, partition(id), memberPrefix, true)
	if err != nil {
		return err
	}
	in := &dynamodb.UpdateItemInput{
		TableName:                 &s.Table.Name,
		Key:                       ddb.Key(partition(id), sortKey),
		UpdateExpression:          aws.String("SET #n = :n"),
		ConditionExpression:       aws.String("#n < :n"),
		ExpressionAttributeNames:  map[string]string{"#n": attrAlerts},
		ExpressionAttributeValues: ddb.Item{":n": ddb.N(len(members))},
	}
	err = s.update(ctx, in)
	if _, counted := ddb.Refused(err); counted {
		return nil
	}
	return ddb.Fault(err, "count the alerts of event %s", id)
}
