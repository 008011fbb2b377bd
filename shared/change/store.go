package change

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/defaults"
	"tocsin/shared/fault"
)

// Store keeps changes in the events table, in a partition for each service and
// day, in the order in which they happened. A second item, known by the
// integration and the change's id, says that a change is there, so that one
// told again, whenever that is said to have been, is there once.
type Store struct {
	Table ddb.Table
}

const (
	attrBody   = "body" // the Filed, packed
	markSort   = "CHANGE"
	dayLayout  = "2006-01-02"
	aDay       = 24 * time.Hour
	endOfTime  = "~" // behind every id of an instant
	hashLength = 32
)

// Names and ids are of senders, so keys hold their hashes.
func listPartition(service string, day time.Time) string {
	return "CHANGES#" + hash(service) + "#" + day.UTC().Format(dayLayout)
}

func markPartition(integration, id string) string { return "CHANGE#" + hash(integration, id) }

func position(f Filed) string { return clock.Format(f.At) + "#" + hash(f.Integration, f.ID) }

func hash(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return hex.EncodeToString(sum[:])[:hashLength]
}

// Put keeps a change, whose Service and At are set, unless its integration
// told of it before; added tells. It returns the change as it is kept.
func (s *Store) Put(ctx context.Context, f Filed) (kept Filed, added bool, err error) {
	body, err := ddb.Pack(f)
	if err != nil {
		return f, false, fmt.Errorf("change %s: %w", f.ID, err)
	}
	writes := []types.TransactWriteItem{
		s.put(ddb.Key(markPartition(f.Integration, f.ID), markSort), body, f.FiledAt),
		s.put(ddb.Key(listPartition(f.Service, f.At), position(f)), body, f.FiledAt),
	}
	err = ddb.Retry(ctx, func() error {
		_, err := s.Table.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		return err
	})
	for _, r := range ddb.Cancelled(err) {
		if ddb.ReasonOf(r) == ddb.Condition {
			kept, err = decode(r.Item)
			return kept, false, err
		}
	}
	return f, err == nil, ddb.Fault(err, "keep change %s", f.ID)
}

func (s *Store) put(item ddb.Item, body types.AttributeValue, at time.Time) types.TransactWriteItem {
	item[attrBody], item[ddb.ExpireAt] = body, ddb.N(at.Add(defaults.ChangeTTL).Unix())
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &s.Table.Name, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

func decode(item ddb.Item) (Filed, error) {
	var f Filed
	err := ddb.Decode(item, attrBody, &f)
	return f, err
}

// Find returns a page of the changes of a service, newest first. cursor is ""
// for the first page; next is "" after the last. It may miss one that was kept
// a moment ago. fault.Invalid: the cursor is not one that it returned.
func (s *Store) Find(ctx context.Context, service string, in Window, limit int, cursor string) (found []Filed, next string, err error) {
	before, day := clock.Format(in.Until)+endOfTime, in.Until
	if cursor != "" {
		written, _, _ := strings.Cut(cursor, "#")
		if day, err = clock.Parse(written); err != nil || day.IsZero() {
			return nil, "", fault.New(fault.Invalid, "cursor %q is not one that a list returned", cursor)
		}
		before = cursor
	}
	for last := in.From.UTC().Truncate(aDay); !day.UTC().Truncate(aDay).Before(last); day = day.Add(-aDay) {
		items, err := s.day(ctx, listPartition(service, day), before, limit-len(found)+1)
		if err != nil {
			return nil, "", err
		}
		for _, f := range items {
			switch {
			case f.At.Before(in.From):
				return found, "", nil
			case len(found) == limit:
				return found, position(found[limit-1]), nil
			}
			found = append(found, f)
		}
	}
	return found, "", nil
}

// day reads what stands in a partition below a position, the highest first.
func (s *Store) day(ctx context.Context, partition, before string, limit int) ([]Filed, error) {
	out, err := s.Table.Query(ctx, &dynamodb.QueryInput{
		TableName:                 &s.Table.Name,
		KeyConditionExpression:    aws.String("pk = :p AND sk < :b"),
		ExpressionAttributeValues: ddb.Item{":p": ddb.S(partition), ":b": ddb.S(before)},
		ScanIndexForward:          aws.Bool(false),
		Limit:                     aws.Int32(int32(limit)),
	})
	if err != nil {
		return nil, ddb.Fault(err, "read changes")
	}
	all := make([]Filed, len(out.Items))
	for i, item := range out.Items {
		if all[i], err = decode(item); err != nil {
			return nil, err
		}
	}
	return all, nil
}
