package outbox

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
)

// Store keeps messages in the ledger table, under their event.
type Store struct {
	Table ddb.Table
}

const (
	attrBody = "body"
	attrRev  = "rev"
	prefix   = "MESSAGE#"
)

// DueKind marks the messages in the index of deadlines.
const DueKind = "message"

// kept is how long a message is remembered.
const kept = 90 * 24 * time.Hour

func partition(event string) string { return "MESSAGES#" + event }

// Insert returns the write of a new message as one item of a transaction, on
// condition that its key was never used.
func (s *Store) Insert(m Message) (types.TransactWriteItem, error) {
	m.Rev = 1
	item, err := encode(m)
	if err != nil {
		return types.TransactWriteItem{}, err
	}
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &s.Table.Name, Item: item,
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}}, nil
}

// Add writes a message unless its key was used before; that is no error.
func (s *Store) Add(ctx context.Context, m Message) (added bool, err error) {
	write, err := s.Insert(m)
	if err != nil {
		return false, err
	}
	_, err = s.Table.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: write.Put.TableName, Item: write.Put.Item, ConditionExpression: write.Put.ConditionExpression,
	})
	if _, refused := ddb.Refused(err); refused {
		return false, nil
	}
	return err == nil, ddb.Fault(err, "add message %s of %s", m.ID(), m.Event)
}

// Get reads a message consistently. fault.NotFound: there is none.
func (s *Store) Get(ctx context.Context, event, id string) (Message, error) {
	item, err := s.Table.Get(ctx, partition(event), prefix+id)
	if err != nil {
		return Message{}, err
	}
	if item == nil {
		return Message{}, fault.New(fault.NotFound, "message %s of %s does not exist", id, event)
	}
	return decode(item)
}

// Put writes m on condition that it still has the revision m.Rev, and raises
// it. fault.Conflict: somebody wrote it meanwhile.
func (s *Store) Put(ctx context.Context, m *Message) error {
	next := *m
	next.Rev++
	item, err := encode(next)
	if err != nil {
		return err
	}
	_, err = s.Table.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.Table.Name, Item: item,
		ConditionExpression:       aws.String("#rev = :rev"),
		ExpressionAttributeNames:  map[string]string{"#rev": attrRev},
		ExpressionAttributeValues: ddb.Item{":rev": ddb.N(m.Rev)},
	})
	if _, refused := ddb.Refused(err); refused {
		return fault.New(fault.Conflict, "message %s of %s was written meanwhile", m.ID(), m.Event)
	}
	if err != nil {
		return ddb.Fault(err, "write message %s of %s", m.ID(), m.Event)
	}
	*m = next
	return nil
}

// OfEvent reads every message of an event consistently.
func (s *Store) OfEvent(ctx context.Context, event string) ([]Message, error) {
	items, err := s.Table.QueryAll(ctx, partition(event), prefix, true)
	if err != nil {
		return nil, err
	}
	messages := make([]Message, 0, len(items))
	for _, item := range items {
		m, err := decode(item)
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, nil
}

func encode(m Message) (ddb.Item, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encode message of %s", m.Event)
	}
	item := ddb.Key(partition(m.Event), prefix+m.ID())
	item[attrBody] = ddb.B(body)
	item[attrRev] = ddb.N(m.Rev)
	item[ddb.ExpireAt] = ddb.N(m.CreatedAt.Add(kept).Unix())
	if !m.Due.IsZero() {
		item[ddb.DueShard] = ddb.S(ddb.Shard(DueKind, m.Event))
		item[ddb.DueAt] = ddb.S(clock.Format(m.Due))
	}
	return item, nil
}

func decode(item ddb.Item) (Message, error) {
	var m Message
	body, ok := item[attrBody].(*types.AttributeValueMemberB)
	if !ok {
		return m, fault.New(fault.Internal, "message item %s has no body", ddb.Text(item, ddb.SK))
	}
	if err := json.Unmarshal(body.Value, &m); err != nil {
		return m, fault.Wrap(fault.Internal, err, "message item %s", ddb.Text(item, ddb.SK))
	}
	return m, nil
}
