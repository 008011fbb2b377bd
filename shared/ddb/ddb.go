// Package ddb is thin plumbing over DynamoDB that every store shares: keys,
// the classification of errors, and reads that resend what was not processed.
// It knows no entity; each entity's keys and conditions stand in its store.
package ddb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"tocsin/shared/cloud"
	"tocsin/shared/fault"
)

// Names of the key attributes of every table, and of the sparse index of
// deadlines: DueShard is present only on items that have one.
const (
	PK       = "pk"
	SK       = "sk"
	DueShard = "due_shard"
	DueAt    = "due_at"
	DueIndex = "due"
	ExpireAt = "expire_at" // TTL, epoch seconds
)

// Item is a stored item.
type Item = map[string]types.AttributeValue

// Table is one DynamoDB table.
type Table struct {
	*dynamodb.Client
	Name string
}

// Open returns the table whose name the environment variable nameVar holds.
func Open(cfg aws.Config, env cloud.Lookup, nameVar string) (Table, error) {
	name, ok := env(nameVar)
	if !ok || name == "" {
		return Table{}, fmt.Errorf("%s is not set", nameVar)
	}
	return Table{Client: NewClient(cfg, env), Name: name}, nil
}

// NewClient returns a client for the endpoint that the environment names.
func NewClient(cfg aws.Config, env cloud.Lookup) *dynamodb.Client {
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = cloud.Endpoint(env, "DYNAMODB") })
}

// Key returns the primary key of an item.
func Key(pk, sk string) Item { return Item{PK: S(pk), SK: S(sk)} }

// S is the attribute value of a string.
func S(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }

// N is the attribute value of an integer.
func N[T ~int | ~int64 | ~uint64](v T) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprintf("%d", v)}
}

// B is the attribute value of bytes.
func B(v []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: v} }

// Text returns the string attribute name of item, "" when absent.
func Text(item Item, name string) string {
	if v, ok := item[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// Refused reports whether a write was refused by its condition, and returns
// the item found where the write asked for it (nil: there is none).
func Refused(err error) (found Item, refused bool) {
	if e, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return e.Item, true
	}
	return nil, false
}

// Reason is why one item of a transaction was cancelled.
type Reason string

// The reasons that callers tell apart; anything else is a failure.
const (
	None      Reason = "None"
	Condition Reason = "ConditionalCheckFailed"
	Conflict  Reason = "TransactionConflict"
)

// Cancelled returns the reasons of a cancelled transaction, one for each item
// in order, with the items found; nil when err is no cancellation.
func Cancelled(err error) []types.CancellationReason {
	if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return e.CancellationReasons
	}
	return nil
}

// ReasonOf returns the code of one cancellation reason.
func ReasonOf(r types.CancellationReason) Reason { return Reason(aws.ToString(r.Code)) }

// Contended reports whether a write lost against another write in flight and
// may be tried again as it is.
func Contended(err error) bool {
	if _, ok := errors.AsType[*types.TransactionConflictException](err); ok {
		return true
	}
	reasons := Cancelled(err)
	conflict := false
	for _, r := range reasons {
		switch ReasonOf(r) {
		case Conflict:
			conflict = true
		case Condition:
			return false
		}
	}
	return conflict
}

// contendedTries bounds Retry: about a second in all.
const contendedTries = 6

// Retry runs write until it succeeds or fails for another reason than
// contention, waiting with jitter in between.
func Retry(ctx context.Context, write func() error) error {
	var err error
	for try := range contendedTries {
		if err = write(); err == nil || !Contended(err) {
			return err
		}
		if err := Pause(ctx, try); err != nil {
			return err
		}
	}
	return err
}

// Pause waits a jittered, doubling time: at most 20 ms at try 0, 1 s from 6 on.
func Pause(ctx context.Context, try int) error {
	ceiling := min(20*time.Millisecond<<min(try, 6), time.Second)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(ceiling)):
		return nil
	}
}

// Fault sorts an error of a call: throttled and failed calls are worth a
// retry, all else is internal. what says what was tried and on which id.
func Fault(err error, what string, args ...any) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(kind(err), err, what, args...)
}

func kind(err error) fault.Kind {
	if Contended(err) {
		return fault.Unavailable
	}
	for _, r := range Cancelled(err) {
		switch aws.ToString(r.Code) {
		case "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded":
			return fault.TooMany
		}
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fault.Unavailable // no answer: connection, deadline
	}
	switch api.ErrorCode() {
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "LimitExceededException":
		return fault.TooMany
	case "InternalServerError", "InternalFailure", "ServiceUnavailable", "TransactionInProgressException":
		return fault.Unavailable
	}
	if api.ErrorFault() == smithy.FaultServer {
		return fault.Unavailable
	}
	return fault.Internal
}

// batchGet is the service's limit of keys in one BatchGetItem.
const batchGet = 100

// GetMany reads the items of keys consistently, resending what the service
// did not process. Absent items are absent from the answer; its order is not
// that of keys. Keys must differ.
func (t Table) GetMany(ctx context.Context, keys []Item, project ...string) ([]Item, error) {
	return t.getMany(ctx, keys, true, project)
}

// Glance reads as GetMany does, but eventually consistently, for half the
// price: it may miss what was written a moment ago.
func (t Table) Glance(ctx context.Context, keys []Item, project ...string) ([]Item, error) {
	return t.getMany(ctx, keys, false, project)
}

func (t Table) getMany(ctx context.Context, keys []Item, consistent bool, project []string) ([]Item, error) {
	var found []Item
	for len(keys) > 0 {
		part := keys[:min(batchGet, len(keys))]
		keys = keys[len(part):]
		items, err := t.getPart(ctx, part, consistent, project)
		if err != nil {
			return nil, err
		}
		found = append(found, items...)
	}
	return found, nil
}

func (t Table) getPart(ctx context.Context, keys []Item, consistent bool, project []string) ([]Item, error) {
	var found []Item
	want := types.KeysAndAttributes{Keys: keys, ConsistentRead: aws.Bool(consistent)}
	if len(project) > 0 {
		want.ProjectionExpression, want.ExpressionAttributeNames = projection(project)
	}
	for try := 0; len(want.Keys) > 0; try++ {
		out, err := t.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{t.Name: want}})
		if err != nil {
			return nil, Fault(err, "read %d items", len(want.Keys))
		}
		found = append(found, out.Responses[t.Name]...)
		want.Keys = out.UnprocessedKeys[t.Name].Keys
		if len(want.Keys) > 0 {
			if err := Pause(ctx, try); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

func projection(names []string) (*string, map[string]string) {
	expr, alias := "", map[string]string{}
	for i, n := range names {
		if i > 0 {
			expr += ","
		}
		a := fmt.Sprintf("#p%d", i)
		alias[a], expr = n, expr+a
	}
	return &expr, alias
}

// Get reads one item consistently; nil when there is none.
func (t Table) Get(ctx context.Context, pk, sk string) (Item, error) {
	out, err := t.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.Name, Key: Key(pk, sk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, Fault(err, "read item")
	}
	return out.Item, nil
}

// QueryAll reads every item of a partition whose sort key begins with prefix,
// in ascending order.
func (t Table) QueryAll(ctx context.Context, pk, prefix string, consistent bool) ([]Item, error) {
	var items []Item
	pages := dynamodb.NewQueryPaginator(t.Client, &dynamodb.QueryInput{
		TableName:                 &t.Name,
		ConsistentRead:            aws.Bool(consistent),
		KeyConditionExpression:    aws.String("pk = :p AND begins_with(sk, :s)"),
		ExpressionAttributeValues: Item{":p": S(pk), ":s": S(prefix)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, Fault(err, "query")
		}
		items = append(items, page.Items...)
	}
	return items, nil
}

// Shards is the number of partitions of the index of deadlines for each kind
// of item.
const Shards = 4

// Shard returns the index partition of the item id of a kind.
func Shard(kind, id string) string { return ListShard(kind, id, Shards) }

// hash is FNV-1a.
func hash(s string) uint32 {
	var h uint32 = 2166136261
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// Due returns the keys of a kind's items whose deadline is not after at,
// oldest first, at most limit from each shard. The index is read eventually
// consistently: whoever acts on an entry reads the item again.
func (t Table) Due(ctx context.Context, kind, at string, limit int) ([]Item, error) {
	var due []Item
	for shard := range Shards {
		pages := dynamodb.NewQueryPaginator(t.Client, &dynamodb.QueryInput{
			TableName:                 &t.Name,
			IndexName:                 aws.String(DueIndex),
			KeyConditionExpression:    aws.String("due_shard = :s AND due_at <= :t"),
			ExpressionAttributeValues: Item{":s": S(fmt.Sprintf("%s#%d", kind, shard)), ":t": S(at)},
			Limit:                     aws.Int32(int32(limit)),
		})
		found := 0
		for pages.HasMorePages() && found < limit {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, Fault(err, "query due %s", kind)
			}
			found += len(page.Items)
			due = append(due, page.Items...)
		}
	}
	return due, nil
}
