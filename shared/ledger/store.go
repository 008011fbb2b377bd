package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/defaults"
	"tocsin/shared/fault"
)

// Store keeps deliveries in the ledger table. There is no index: it would
// double the price of each write. First parts stand in the list, a partition
// by day and shard, in the order in which they were received. Where that is,
// an id made here tells by itself; for an id made from the sender's own, which
// tells no time, the first part stands with the others and the list has an
// entry that names it.
type Store struct {
	Table ddb.Table
}

const (
	attrPart   = "part"
	attrWriter = "writer"
	prefix     = "PART#"
	idPrefix   = "d-"
	dayLayout  = "2006-01-02"
	aDay       = 24 * time.Hour
	separator  = "#" // between time and id in the list; a cursor has the same shape
	deliveries = "DELIVERY#"
)

// lists is the number of shards of a day. A partition takes about a thousand
// writes a second (DynamoDB developer guide, "Partitions and data distribution").
const lists = 4

func listPartition(day time.Time, shard string) string {
	return "DELIVERIES#" + day.UTC().Format(dayLayout) + "#" + shard
}

func shardOf(delivery string) string {
	_, shard, _ := strings.Cut(ddb.ListShard("", delivery, lists), "#")
	return shard
}

// entryKey is the key of a delivery in the list.
func entryKey(delivery string, received time.Time) ddb.Item {
	return ddb.Key(listPartition(received, shardOf(delivery)), clock.Format(received)+separator+delivery)
}

// partKey is the key of a part.
func partKey(p PartID) ddb.Item {
	if received, ok := timeOf(p.Delivery); ok && p.Part == 0 {
		return entryKey(p.Delivery, received)
	}
	return ddb.Key(deliveries+p.Delivery, fmt.Sprintf("%s%05d", prefix, p.Part))
}

// timeOf returns when a delivery was received, where its id tells.
func timeOf(delivery string) (time.Time, bool) {
	id, err := ulid.ParseStrict(strings.ToUpper(strings.TrimPrefix(delivery, idPrefix)))
	if err != nil || idPrefix+strings.ToLower(id.String()) != delivery {
		return time.Time{}, false
	}
	return ulid.Time(id.Time()).UTC(), true
}

// PartID names one part of one delivery.
type PartID struct {
	Delivery string
	Part     int
}

// Existing returns which of the parts are in the ledger. It may miss one that
// was put a moment ago: a redelivery that soon finds its reports remembered by
// their alerts, as one does that came before the ledger was written, and
// [Store.Put] refuses it.
func (s *Store) Existing(ctx context.Context, parts []PartID) (map[PartID]bool, error) {
	keys, named := make([]ddb.Item, len(parts)), make(map[string]PartID, len(parts))
	for i, p := range parts {
		keys[i] = partKey(p)
		named[flat(keys[i])] = p
	}
	items, err := s.Table.Glance(ctx, keys, ddb.PK, ddb.SK)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	found := make(map[PartID]bool, len(items))
	for _, item := range items {
		found[named[flat(item)]] = true
	}
	return found, nil
}

// flat is the key of an item as one text.
func flat(item ddb.Item) string { return ddb.Text(item, ddb.PK) + "\x00" + ddb.Text(item, ddb.SK) }

// Put writes a part unless it is there already; added tells, also when it is
// there by a put of the same writer whose answer was lost.
func (s *Store) Put(ctx context.Context, p Part) (added bool, err error) {
	if p.Part != 0 {
		p.Raw = nil
	}
	packed, err := pack(p)
	if err != nil {
		return false, fmt.Errorf("delivery %s: %w", p.Delivery, err)
	}
	item := partKey(PartID{p.Delivery, p.Part})
	item[attrPart] = ddb.B(packed)
	if p.Writer != "" {
		item[attrWriter] = ddb.S(p.Writer)
	}
	item[ddb.ExpireAt] = ddb.N(p.DisposedAt.Add(defaults.LedgerTTL).Unix())
	if err := s.enter(ctx, p); err != nil {
		return false, err
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

// enter puts the list's entry of a first part that does not stand in the list
// itself. It goes ahead of the part, so that what is kept is listed; an entry
// whose part is missing, or was received at another time, is passed over.
func (s *Store) enter(ctx context.Context, p Part) error {
	if _, ok := timeOf(p.Delivery); ok || p.Part != 0 {
		return nil
	}
	entry := entryKey(p.Delivery, p.ReceivedAt)
	entry[ddb.ExpireAt] = ddb.N(p.DisposedAt.Add(defaults.LedgerTTL).Unix())
	_, err := s.Table.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.Table.Name, Item: entry})
	return ddb.Fault(err, "list delivery %s", p.Delivery)
}

// Get reads the parts of a delivery, in order. fault.NotFound: there is none.
func (s *Store) Get(ctx context.Context, delivery string) ([]Part, error) {
	items, err := s.Table.QueryAll(ctx, deliveries+delivery, prefix, true)
	if err != nil {
		return nil, err
	}
	if _, ok := timeOf(delivery); ok {
		first, err := s.Table.GetMany(ctx, []ddb.Item{partKey(PartID{Delivery: delivery})})
		if err != nil {
			return nil, err
		}
		items = slices.Concat(first, items)
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

// Position is where a delivery stands in the list: [Store.List] goes on behind
// it.
func (p Part) Position() string {
	received, ok := timeOf(p.Delivery)
	if !ok {
		received = p.ReceivedAt
	}
	return clock.Format(received) + separator + p.Delivery
}

// CheckPosition says whether a text has the shape of a position.
func CheckPosition(position string) error {
	_, err := dayOf(position)
	return err
}

func dayOf(position string) (time.Time, error) {
	text, _, _ := strings.Cut(position, separator)
	at, err := clock.Parse(text)
	if err != nil || at.IsZero() {
		return time.Time{}, fault.New(fault.Invalid, "%q is no position in the list of deliveries", position)
	}
	return at.Truncate(aDay), nil
}

// List returns the first parts of deliveries, newest first, that stand behind
// a position and were received since an instant, at most limit. Fewer are
// returned only at the end. Raw bodies are left out.
func (s *Store) List(ctx context.Context, since time.Time, position string, limit int) ([]Part, error) {
	day, err := dayOf(position)
	if err != nil {
		return nil, err
	}
	var parts []Part
	for len(parts) < limit && !day.Before(since.UTC().Truncate(aDay)) {
		entries, err := s.entries(ctx, day, position, limit-len(parts))
		if err != nil {
			return nil, err
		}
		found, err := s.listed(ctx, entries)
		if err != nil {
			return nil, err
		}
		parts = append(parts, found...)
		if len(entries) == 0 {
			day = day.Add(-aDay)
			continue
		}
		position = ddb.Text(entries[len(entries)-1], ddb.SK)
	}
	return until(parts, since), nil
}

// until cuts off what was received before an instant.
func until(parts []Part, since time.Time) []Part {
	end := slices.IndexFunc(parts, func(p Part) bool { return p.ReceivedAt.Before(since) })
	if end < 0 {
		return parts
	}
	return parts[:end]
}

// entries returns the newest items of a day's list behind a position, at most
// limit.
func (s *Store) entries(ctx context.Context, day time.Time, position string, limit int) ([]ddb.Item, error) {
	var all []ddb.Item
	for shard := range lists {
		found, err := s.shard(ctx, listPartition(day, fmt.Sprint(shard)), position, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b ddb.Item) int { return strings.Compare(ddb.Text(b, ddb.SK), ddb.Text(a, ddb.SK)) })
	return all[:min(limit, len(all))], nil
}

func (s *Store) shard(ctx context.Context, partition, position string, limit int) ([]ddb.Item, error) {
	pages := dynamodb.NewQueryPaginator(s.Table.Client, &dynamodb.QueryInput{
		TableName:                 &s.Table.Name,
		KeyConditionExpression:    aws.String("pk = :p AND sk < :s"),
		ExpressionAttributeValues: ddb.Item{":p": ddb.S(partition), ":s": ddb.S(position)},
		ScanIndexForward:          aws.Bool(false),
		Limit:                     aws.Int32(int32(limit)),
	})
	var found []ddb.Item
	for pages.HasMorePages() && len(found) < limit {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, ddb.Fault(err, "list deliveries")
		}
		found = append(found, page.Items...)
	}
	return found[:min(limit, len(found))], nil
}

// listed returns the parts of items of the list, in their order, also of those
// that only name one.
func (s *Store) listed(ctx context.Context, entries []ddb.Item) ([]Part, error) {
	var keys []ddb.Item
	for _, e := range entries {
		if e[attrPart] == nil {
			keys = append(keys, partKey(PartID{Delivery: namedBy(e)}))
		}
	}
	items, err := s.Table.GetMany(ctx, uniqueKeys(keys))
	if err != nil {
		return nil, err
	}
	named := make(map[string]ddb.Item, len(items))
	for _, item := range items {
		named[flat(item)] = item
	}
	var parts []Part
	for _, e := range entries {
		item := e
		if e[attrPart] == nil {
			if item = named[flat(partKey(PartID{Delivery: namedBy(e)}))]; item == nil {
				continue
			}
		}
		p, err := decode(item)
		if err != nil {
			return nil, err
		}
		if p.Raw = nil; p.Position() == ddb.Text(e, ddb.SK) {
			parts = append(parts, p)
		}
	}
	return parts, nil
}

// namedBy returns the id of the delivery of an item of the list.
func namedBy(entry ddb.Item) string {
	_, delivery, _ := strings.Cut(ddb.Text(entry, ddb.SK), separator)
	return delivery
}

// uniqueKeys: a delivery that was sent twice may have two entries.
func uniqueKeys(keys []ddb.Item) []ddb.Item {
	seen := make(map[string]bool, len(keys))
	return slices.DeleteFunc(keys, func(k ddb.Item) bool {
		before := seen[flat(k)]
		seen[flat(k)] = true
		return before
	})
}

func decode(item ddb.Item) (Part, error) {
	packed, ok := item[attrPart].(*types.AttributeValueMemberB)
	if !ok {
		return Part{}, fault.New(fault.Internal, "item %s %s has no %s", ddb.Text(item, ddb.PK), ddb.Text(item, ddb.SK), attrPart)
	}
	p, err := unpack(packed.Value)
	if err != nil {
		return Part{}, fault.Wrap(fault.Internal, err, "item %s %s", ddb.Text(item, ddb.PK), ddb.Text(item, ddb.SK))
	}
	return p, nil
}
