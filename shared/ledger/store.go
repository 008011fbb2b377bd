package ledger

import (
	"context"
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

// Store keeps deliveries in the ledger table.
type Store struct {
	Table ddb.Table
}

const (
	attrBody   = "body" // the Part, packed
	attrRaw    = "raw"
	attrWriter = "writer"
	attrListPK = "list_pk"
	attrListSK = "list_sk"
	listIndex  = "list"
	prefix     = "PART#"
)

// lists spreads the index of deliveries over partitions.
const lists = 4

func partition(delivery string) string { return "DELIVERY#" + delivery }
func partKey(n int) string             { return fmt.Sprintf("%s%05d", prefix, n) }

// PartID names one part of one delivery.
type PartID struct {
	Delivery string
	Part     int
}

// Existing returns which of the parts are in the ledger, read consistently.
func (s *Store) Existing(ctx context.Context, parts []PartID) (map[PartID]bool, error) {
	keys := make([]ddb.Item, len(parts))
	for i, p := range parts {
		keys[i] = ddb.Key(partition(p.Delivery), partKey(p.Part))
	}
	items, err := s.Table.GetMany(ctx, keys, ddb.PK, ddb.SK)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	found := make(map[PartID]bool, len(items))
	for _, item := range items {
		var n int
		if _, err := fmt.Sscanf(ddb.Text(item, ddb.SK), prefix+"%d", &n); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "ledger key %s", ddb.Text(item, ddb.SK))
		}
		found[PartID{strings.TrimPrefix(ddb.Text(item, ddb.PK), "DELIVERY#"), n}] = true
	}
	return found, nil
}

// Put writes a part unless it is there already; added tells, also when it is
// there by a put of the same writer whose answer was lost.
func (s *Store) Put(ctx context.Context, p Part) (added bool, err error) {
	raw := p.Raw
	p.Raw = nil
	body, err := ddb.Pack(p)
	if err != nil {
		return false, fmt.Errorf("delivery %s: %w", p.Delivery, err)
	}
	item := ddb.Key(partition(p.Delivery), partKey(p.Part))
	item[attrBody] = body
	if p.Writer != "" {
		item[attrWriter] = ddb.S(p.Writer)
	}
	item[ddb.ExpireAt] = ddb.N(p.DisposedAt.Add(defaults.LedgerTTL).Unix())
	if p.Part == 0 {
		item[attrListPK] = ddb.S(ddb.ListShard("delivery", p.Delivery, lists))
		item[attrListSK] = ddb.S(Position(p.ReceivedAt, p.Delivery))
		if len(raw) > 0 {
			item[attrRaw] = ddb.B(raw)
		}
	}
	_, err = s.Table.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.Table.Name, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if found, refused := ddb.Refused(err); refused {
		return p.Writer != "" && ddb.Text(found, attrWriter) == p.Writer, nil
	}
	return err == nil, ddb.Fault(err, "write part %d of delivery %s", p.Part, p.Delivery)
}

// Get reads the parts of a delivery, in order. fault.NotFound: there is none.
func (s *Store) Get(ctx context.Context, delivery string) ([]Part, error) {
	items, err := s.Table.QueryAll(ctx, partition(delivery), prefix, true)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, fault.New(fault.NotFound, "delivery %s is not in the ledger", delivery)
	}
	parts := make([]Part, len(items))
	for i, item := range items {
		if parts[i], err = decode(item); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// Position is where a delivery stands in the list. Behind the position of an
// instant and no delivery stand those received before it.
func Position(received time.Time, delivery string) string {
	if delivery == "" {
		return clock.Format(received)
	}
	return clock.Format(received) + "#" + delivery
}

// List returns the first parts of deliveries, newest first, that stand behind a
// position, at most limit, and the position of the last, "" when there are no
// more. Raw bodies are left out.
func (s *Store) List(ctx context.Context, behind string, limit int) (parts []Part, last string, err error) {
	keys, last, err := s.Table.Newest(ctx, listIndex, attrListPK, attrListSK, "delivery", lists, behind, limit)
	if err != nil {
		return nil, "", err
	}
	items, err := s.Table.GetMany(ctx, keys)
	if err != nil {
		return nil, "", err
	}
	byID := make(map[string]Part, len(items))
	for _, item := range items {
		p, err := decode(item)
		if err != nil {
			return nil, "", err
		}
		p.Raw = nil
		byID[p.Delivery] = p
	}
	parts = make([]Part, 0, len(keys))
	for _, k := range keys {
		if p, ok := byID[strings.TrimPrefix(ddb.Text(k, ddb.PK), "DELIVERY#")]; ok {
			parts = append(parts, p)
		}
	}
	return parts, last, nil
}

func decode(item ddb.Item) (Part, error) {
	var p Part
	if err := ddb.Decode(item, attrBody, &p); err != nil {
		return p, err
	}
	if raw, ok := item[attrRaw].(*types.AttributeValueMemberB); ok {
		p.Raw = raw.Value
	}
	return p, nil
}
