package alert

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
)

// Store keeps alerts in the events table, one item each.
type Store struct {
	Table ddb.Table
}

const (
	sortKey    = "ALERT"
	attrBody   = "body"   // the State, packed
	attrRev    = "rev"    // number, for conditions
	attrStatus = "status" // beside the body so that membership checks read little
	attrEvent  = "event_id"
)

// kept is how long an alert that no longer fires is remembered.
const kept = 90 * 24 * time.Hour

// DueKind marks the alerts in the index of deadlines.
const DueKind = "alert"

func partition(id ID) string { return "ALERT#" + string(id) }

// Key returns the item key of an alert.
func Key(id ID) ddb.Item { return ddb.Key(partition(id), sortKey) }

// Get reads alerts consistently. An unknown alert is absent from the answer.
func (s *Store) Get(ctx context.Context, ids ...ID) (map[ID]State, error) {
	keys := make([]ddb.Item, len(ids))
	for i, id := range ids {
		keys[i] = Key(id)
	}
	items, err := s.Table.GetMany(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	states := make(map[ID]State, len(items))
	for _, item := range items {
		st, err := decode(item)
		if err != nil {
			return nil, err
		}
		states[st.ID] = st
	}
	return states, nil
}

// StillFiring returns those of ids that fire and are attached to event, read
// consistently. With stopEarly it returns after the first page that has one.
func (s *Store) StillFiring(ctx context.Context, event string, ids []ID, stopEarly bool) ([]ID, error) {
	var firing []ID
	const page = 100
	for len(ids) > 0 && !(stopEarly && len(firing) > 0) {
		part := ids[:min(page, len(ids))]
		ids = ids[len(part):]
		keys := make([]ddb.Item, len(part))
		for i, id := range part {
			keys[i] = Key(id)
		}
		items, err := s.Table.GetMany(ctx, keys, ddb.PK, attrStatus, attrEvent)
		if err != nil {
			return nil, fmt.Errorf("read alerts of event %s: %w", event, err)
		}
		for _, item := range items {
			if ddb.Text(item, attrStatus) == string(Firing) && ddb.Text(item, attrEvent) == event {
				firing = append(firing, ID(ddb.Text(item, ddb.PK)[len("ALERT#"):]))
			}
		}
	}
	return firing, nil
}

func decode(item ddb.Item) (State, error) {
	var st State
	err := ddb.Decode(item, attrBody, &st)
	return st, err
}

// Put writes st on condition that the stored alert still has the revision
// st.Rev, and raises st.Rev. fault.Conflict: somebody wrote it meanwhile.
func (s *Store) Put(ctx context.Context, st *State) error {
	put, err := s.put(*st)
	if err != nil {
		return err
	}
	err = ddb.Retry(ctx, func() error {
		_, err := s.Table.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: put.TableName, Item: put.Item,
			ConditionExpression:       put.ConditionExpression,
			ExpressionAttributeNames:  put.ExpressionAttributeNames,
			ExpressionAttributeValues: put.ExpressionAttributeValues,
		})
		return err
	})
	if _, refused := ddb.Refused(err); refused {
		return fault.New(fault.Conflict, "alert %s was written meanwhile", st.ID)
	}
	if err != nil {
		return ddb.Fault(err, "write alert %s", st.ID)
	}
	st.Rev++
	return nil
}

// Attach returns the write of st as one item of a transaction; its condition
// is that of Put. The caller raises st.Rev when the transaction succeeded.
func (s *Store) Attach(st State) (types.TransactWriteItem, error) {
	put, err := s.put(st)
	return types.TransactWriteItem{Put: put}, err
}

func (s *Store) put(st State) (*types.Put, error) {
	read := st.Rev
	st.Rev++
	body, err := ddb.Pack(st)
	if err != nil {
		return nil, fmt.Errorf("alert %s: %w", st.ID, err)
	}
	item := Key(st.ID)
	item[attrBody] = body
	item[attrRev] = ddb.N(st.Rev)
	item[attrStatus] = ddb.S(string(st.Alert.Status))
	if !st.Firing() {
		item[ddb.ExpireAt] = ddb.N(st.ReceivedAt.Add(kept).Unix())
	}
	if st.Event != "" {
		item[attrEvent] = ddb.S(st.Event)
	}
	if st.Firing() && !st.Alert.ExpiresAt.IsZero() {
		item[ddb.DueShard] = ddb.S(ddb.Shard(DueKind, string(st.ID)))
		item[ddb.DueAt] = ddb.S(clock.Format(st.Alert.ExpiresAt))
	}
	p := &types.Put{TableName: &s.Table.Name, Item: item}
	if read == 0 {
		p.ConditionExpression = aws.String("attribute_not_exists(pk)")
		return p, nil
	}
	p.ConditionExpression = aws.String("#rev = :rev")
	p.ExpressionAttributeNames = map[string]string{"#rev": attrRev}
	p.ExpressionAttributeValues = ddb.Item{":rev": ddb.N(read)}
	return p, nil
}
