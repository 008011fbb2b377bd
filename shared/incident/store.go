package incident

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/outbox"
)

// Store keeps incidents, their timelines, and which incident an event belongs
// to, in the events table. It is the only writer of them.
type Store struct {
	Table  ddb.Table
	Outbox *outbox.Store
}

// Attributes of an incident item, beside those of its execution.
const (
	attrBody     = "body"
	attrState    = "state"
	attrListPK   = "list_pk"
	attrListSK   = "list_sk"
	attrIncident = "incident_id" // of a claim
	listIndex    = "list"

	partitionPrefix = "INCIDENT#"
	sortKey         = "INCIDENT"
	timelinePrefix  = "TIMELINE#"
	claimSort       = "INCIDENT_OF"
)

// DueKind marks the incidents in the index of deadlines.
const DueKind = "incident"

// executions is how the executions of incidents are kept.
var executions = execution.Kind{Name: DueKind, Key: func(id string) ddb.Item { return key(ID(id)) }}

// Executions keeps what drives incidents.
func (s *Store) Executions() execution.Store {
	return execution.Store{Table: s.Table, Kind: executions}
}

func key(id ID) ddb.Item { return ddb.Key(partition(id), sortKey) }

func partition(id ID) string { return partitionPrefix + string(id) }

func claimKey(id event.ID) (pk, sk string) { return "INCIDENT_OF#" + string(id), claimSort }

func listPartition(open bool) string {
	if open {
		return "incident#open"
	}
	return "incident#closed"
}

// listKey sorts by the time of opening and ends in the id.
func listKey(openedAt time.Time, id ID) string { return clock.Format(openedAt) + "#" + string(id) }

// Get reads an incident consistently. fault.NotFound: there is none.
func (s *Store) Get(ctx context.Context, id ID) (Incident, error) {
	item, err := s.Table.Get(ctx, partition(id), sortKey)
	if err != nil {
		return Incident{}, fmt.Errorf("incident %s: %w", id, err)
	}
	if item == nil {
		return Incident{}, fault.New(fault.NotFound, "incident %s does not exist", id)
	}
	return decode(item)
}

// GetMany reads incidents consistently; one that does not exist is absent.
func (s *Store) GetMany(ctx context.Context, ids ...ID) (map[ID]Incident, error) {
	keys := make([]ddb.Item, len(ids))
	for n, id := range ids {
		keys[n] = key(id)
	}
	items, err := s.Table.GetMany(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read incidents: %w", err)
	}
	found := make(map[ID]Incident, len(items))
	for _, item := range items {
		i, err := decode(item)
		if err != nil {
			return nil, err
		}
		found[i.ID] = i
	}
	return found, nil
}

// Of reads which incident an event belongs to, consistently; "" none.
func (s *Store) Of(ctx context.Context, id event.ID) (ID, error) {
	pk, sk := claimKey(id)
	item, err := s.Table.Get(ctx, pk, sk)
	if err != nil {
		return "", fmt.Errorf("incident of event %s: %w", id, err)
	}
	return ID(ddb.Text(item, attrIncident)), nil
}

// NextID takes the next incident number. Numbers may have gaps.
func (s *Store) NextID(ctx context.Context) (ID, error) {
	n, err := s.Table.Increment(ctx, ddb.Key("COUNTER#incident", "COUNTER"), "number")
	if err != nil {
		return "", fmt.Errorf("take an incident number: %w", err)
	}
	return IDOf(n), nil
}

// HeldError says that an event belongs to another incident.
type HeldError struct {
	Event  event.ID
	Holder ID
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("event %s belongs to incident %s", e.Event, e.Holder)
}

// Open writes a new incident with its timeline, pending execution, first
// deadline, and the claim to its events, all or nothing, and returns it.
// *HeldError: an event belongs to another incident. fault.Conflict: there is
// an incident of that id.
func (s *Store) Open(ctx context.Context, i Incident, timeline []event.Item, at time.Time) (Incident, error) {
	i.Execution = i.Execution.Opened(at)
	item, err := encodeNew(i)
	if err != nil {
		return i, err
	}
	tx := transaction{table: s.Table, claims: map[int]event.ID{}}
	tx.put(item, "attribute_not_exists(pk)", nil)
	for _, id := range i.Events {
		tx.claim(id, i.ID)
	}
	tx.timeline(i.ID, i.Rev, timeline)
	if err := tx.write(ctx); err != nil {
		return i, fmt.Errorf("open incident %s: %w", i.ID, err)
	}
	return i, nil
}

// Commit writes a change: incident, timeline, messages and claims, all or
// nothing. fault.Conflict: the incident was written since Before was read; read
// and apply again. *HeldError: an added event belongs to another incident.
func (s *Store) Commit(ctx context.Context, c Change) (Incident, error) {
	i := c.Incident
	i.Rev = c.Before.Rev + 1
	tx := transaction{table: s.Table, claims: map[int]event.ID{}}
	if err := tx.update(c, i); err != nil {
		return c.Before, err
	}
	for _, id := range c.Claims {
		tx.claim(id, i.ID)
	}
	tx.timeline(i.ID, i.Rev, c.Timeline)
	for _, m := range c.Messages {
		write, err := s.Outbox.Insert(m)
		if err != nil {
			return c.Before, err
		}
		tx.items = append(tx.items, write)
	}
	if err := tx.write(ctx); err != nil {
		return c.Before, fmt.Errorf("commit incident %s: %w", i.ID, err)
	}
	return i, nil
}

// Timeline reads an incident's timeline, oldest first.
func (s *Store) Timeline(ctx context.Context, id ID) ([]event.Item, error) {
	stored, err := s.Table.QueryAll(ctx, partition(id), timelinePrefix, false)
	if err != nil {
		return nil, fmt.Errorf("timeline of incident %s: %w", id, err)
	}
	items := make([]event.Item, len(stored))
	for n, item := range stored {
		if err := ddb.Decode(item, attrBody, &items[n]); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// List returns a page of incidents, newest first: those that are not over, or
// those that were closed or cancelled. cursor is "" for the first page; next is
// "" after the last. fault.Invalid: the cursor is not one that List returned.
func (s *Store) List(ctx context.Context, open bool, limit int, cursor string) (incidents []Incident, next string, err error) {
	before := cursor
	if cursor == "" {
		before = "~" // above every time
	} else if at, id, ok := strings.Cut(cursor, "#I-"); !ok || id == "" || len(at) != len(clock.Layout) {
		return nil, "", fault.New(fault.Invalid, "cursor %q is not one that a list returned", cursor)
	}
	out, err := s.Table.Query(ctx, &dynamodb.QueryInput{
		TableName:                 &s.Table.Name,
		IndexName:                 aws.String(listIndex),
		KeyConditionExpression:    aws.String("list_pk = :p AND list_sk < :b"),
		ExpressionAttributeValues: ddb.Item{":p": ddb.S(listPartition(open)), ":b": ddb.S(before)},
		ScanIndexForward:          aws.Bool(false),
		Limit:                     aws.Int32(int32(limit)),
	})
	if err != nil {
		return nil, "", ddb.Fault(err, "list incidents")
	}
	ids := make([]ID, len(out.Items))
	for n, item := range out.Items {
		ids[n] = ID(strings.TrimPrefix(ddb.Text(item, ddb.PK), partitionPrefix))
	}
	found, err := s.GetMany(ctx, ids...)
	if err != nil {
		return nil, "", err
	}
	for _, id := range ids {
		if i, ok := found[id]; ok && !i.State.Ended() == open { // the index may be behind
			incidents = append(incidents, i)
		}
	}
	if len(out.LastEvaluatedKey) > 0 {
		next = ddb.Text(out.LastEvaluatedKey, attrListSK)
	}
	return incidents, next, nil
}

// transaction collects the items of one write.
type transaction struct {
	table  ddb.Table
	items  []types.TransactWriteItem
	claims map[int]event.ID // by position: whose refusal is a *HeldError
}

func (t *transaction) put(item ddb.Item, condition string, values ddb.Item) {
	p := &types.Put{TableName: &t.table.Name, Item: item, ExpressionAttributeValues: values}
	if condition != "" {
		p.ConditionExpression = &condition
	}
	t.items = append(t.items, types.TransactWriteItem{Put: p})
}

// claim gives an event to an incident, unless another has it.
func (t *transaction) claim(id event.ID, by ID) {
	item := ddb.Key(claimKey(id))
	item[attrIncident] = ddb.S(string(by))
	t.claims[len(t.items)] = id
	t.put(item, "attribute_not_exists(pk) OR incident_id = :by", ddb.Item{":by": ddb.S(string(by))})
	t.items[len(t.items)-1].Put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
}

func (t *transaction) timeline(id ID, rev int64, items []event.Item) {
	for n, item := range items {
		t.put(timelineItem(id, rev, n, item), "", nil)
	}
}

// update writes what Commit owns of the incident item and leaves the
// attributes that parking changes.
func (t *transaction) update(c Change, i Incident) error {
	body, err := json.Marshal(i)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encode incident %s", i.ID)
	}
	u := &ddb.Update{}
	u.Set(attrBody, ddb.B(body))
	u.Set(attrState, ddb.S(string(i.State)))
	u.Set(attrListPK, ddb.S(listPartition(!i.State.Ended())))
	executions.Commit(u, string(i.ID), c.Before.Execution, i.Execution)
	t.items = append(t.items, t.table.InTransaction(key(i.ID), u))
	return nil
}

func (t *transaction) write(ctx context.Context) error {
	err := t.table.Transact(ctx, t.items)
	if n, found, refused := ddb.RefusedAt(err); refused {
		if id, ok := t.claims[n]; ok {
			return &HeldError{Event: id, Holder: ID(ddb.Text(found, attrIncident))}
		}
		return fault.New(fault.Conflict, "it was written meanwhile")
	}
	return ddb.Fault(err, "write %d items", len(t.items))
}

func encodeNew(i Incident) (ddb.Item, error) {
	body, err := json.Marshal(i)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "encode incident %s", i.ID)
	}
	item := key(i.ID)
	item[attrBody] = ddb.B(body)
	item[attrState] = ddb.S(string(i.State))
	item[attrListPK] = ddb.S(listPartition(true))
	item[attrListSK] = ddb.S(listKey(i.OpenedAt, i.ID))
	executions.Encode(item, string(i.ID), i.Execution)
	return item, nil
}

func decode(item ddb.Item) (Incident, error) {
	var i Incident
	if err := ddb.Decode(item, attrBody, &i); err != nil {
		return i, err
	}
	i.Execution.Decode(item)
	return i, nil
}

func timelineItem(id ID, rev int64, n int, item event.Item) ddb.Item {
	body, _ := json.Marshal(item) // strings and a time: cannot fail
	stored := ddb.Key(partition(id), fmt.Sprintf("%s%s#%08d.%d", timelinePrefix, clock.Format(item.At), rev, n))
	stored[attrBody] = ddb.B(body)
	return stored
}
