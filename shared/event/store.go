package event

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/alert"
	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/outbox"
)

// Store keeps events, their slots, memberships and timelines in the events
// table. It is the only writer of them.
type Store struct {
	Table  ddb.Table
	Alerts *alert.Store
	Outbox *outbox.Store
}

// Attributes of an event item, beside those of its execution. The body holds
// what only Commit changes; the others are also changed by joins.
const (
	attrBody      = "body"
	attrState     = "state"
	attrMemberSeq = "member_seq"
	attrAlerts    = "alert_count"
	attrLastAlert = "last_alert_at"
	attrLastJoin  = "last_join" // key of the newest join
	attrRecovered = "recovered"
	attrListPK    = "list_pk"
	attrListSK    = "list_sk"
	attrEvent     = "event_id"
	attrOpening   = "opening"
	listIndex     = "list"

	sortKey        = "EVENT"
	memberPrefix   = "MEMBER#"
	mergedPrefix   = "MERGED#"
	timelinePrefix = "TIMELINE#"
	slotSort       = "SLOT"
)

// DueKind marks the events in the index of deadlines.
const DueKind = "event"

// executions is how the executions of events are kept.
var executions = execution.Kind{Name: DueKind, Key: func(id string) ddb.Item { return key(ID(id)) }}

// Executions keeps what drives events.
func (s *Store) Executions() execution.Store {
	return execution.Store{Table: s.Table, Kind: executions}
}

func key(id ID) ddb.Item               { return ddb.Key(partition(id), sortKey) }
func partition(id ID) string           { return "EVENT#" + string(id) }
func slotPartition(slot string) string { return "SLOT#" + slot }

// Get reads an event consistently. fault.NotFound: there is none.
func (s *Store) Get(ctx context.Context, id ID) (Event, error) {
	item, err := s.Table.Get(ctx, partition(id), sortKey)
	if err != nil {
		return Event{}, fmt.Errorf("event %s: %w", id, err)
	}
	if item == nil {
		return Event{}, fault.New(fault.NotFound, "event %s does not exist", id)
	}
	return decode(item)
}

// GetMany reads events consistently; one that does not exist is absent.
func (s *Store) GetMany(ctx context.Context, ids ...ID) (map[ID]Event, error) {
	keys := make([]ddb.Item, len(ids))
	for i, id := range ids {
		keys[i] = key(id)
	}
	items, err := s.Table.GetMany(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	found := make(map[ID]Event, len(items))
	for _, item := range items {
		e, err := decode(item)
		if err != nil {
			return nil, err
		}
		found[e.ID] = e
	}
	return found, nil
}

// Hold is what a slot names: an event and the opening in which it took the
// slot. The zero Hold: the slot was never taken.
type Hold struct {
	Event   ID
	Opening int
}

// SlotHolders reads which events the slots name, consistently; a slot never
// taken is absent.
func (s *Store) SlotHolders(ctx context.Context, slots ...string) (map[string]Hold, error) {
	keys := make([]ddb.Item, len(slots))
	for i, slot := range slots {
		keys[i] = ddb.Key(slotPartition(slot), slotSort)
	}
	items, err := s.Table.GetMany(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read slots: %w", err)
	}
	holders := make(map[string]Hold, len(items))
	for _, item := range items {
		holders[strings.TrimPrefix(ddb.Text(item, ddb.PK), "SLOT#")] = Hold{ID(ddb.Text(item, attrEvent)), int(ddb.Number(item, attrOpening))}
	}
	return holders, nil
}

// NextID takes the next event number. Numbers may have gaps.
func (s *Store) NextID(ctx context.Context) (ID, error) {
	n, err := s.Table.Increment(ctx, ddb.Key("COUNTER#event", "COUNTER"), "number")
	if err != nil {
		return "", fmt.Errorf("take an event number: %w", err)
	}
	return IDOf(n), nil
}

// Opening is what one transaction writes to open an event.
type Opening struct {
	Event    Event
	Alert    *alert.State // as read, with its attachment to Event set; nil for an event made by hand
	Over     Hold         // the slot's holder that was seen to be over; zero: the slot was never taken
	Timeline []Item
	At       time.Time
}

// SlotError says that a slot is another event's.
type SlotError struct {
	Slot   string
	Holder ID
}

func (e *SlotError) Error() string { return "the slot is held by event " + string(e.Holder) }

// Open writes a new event with its slot, attachment, membership, timeline,
// pending execution and first deadline, all or nothing.
// *SlotError: another event holds the slot. fault.Conflict: the alert was
// written meanwhile; read and decide again.
func (s *Store) Open(ctx context.Context, o Opening) error {
	e := o.Event
	e.Execution = e.Execution.Opened(o.At)
	e.LastAlertAt = o.At
	if o.Alert != nil {
		e.AlertCount = 1
	}
	item, err := encodeNew(e)
	if err != nil {
		return err
	}
	tx := s.transaction()
	tx.put(item, "attribute_not_exists(pk)", nil, nil)
	if e.Slot != "" {
		tx.slot(e.Slot, Hold{e.ID, e.Opening}, o.Over)
	}
	if o.Alert != nil {
		if err := tx.attach(s.Alerts, *o.Alert); err != nil {
			return err
		}
		tx.put(member(e.ID, o.Alert.ID, o.At), "", nil, nil)
	}
	tx.timeline(e.ID, e.Rev, o.Timeline)
	if err := tx.write(ctx); err != nil {
		return fmt.Errorf("open event %s: %w", e.ID, err)
	}
	if o.Alert != nil {
		o.Alert.Rev++
	}
	return nil
}

// Commit writes a change: event, timeline, messages, and where the change says
// so slot and alert, all or nothing.
// fault.Conflict: the event, its members or the alert were written since
// Before was read; read and apply again. *SlotError: a reopening found its
// slot taken.
func (s *Store) Commit(ctx context.Context, c Change) (Event, error) {
	e := c.Event
	e.Rev = c.Before.Rev + 1
	tx := s.transaction()
	if err := tx.update(c, e); err != nil {
		return c.Before, err
	}
	if c.Retake {
		tx.slot(e.Slot, Hold{e.ID, e.Opening}, c.Over)
	}
	if c.Alert != nil {
		if err := tx.attach(s.Alerts, *c.Alert); err != nil {
			return c.Before, err
		}
		tx.put(member(e.ID, c.Alert.ID, c.At), "", nil, nil)
	}
	if c.Part != nil {
		if err := tx.part(s.Alerts, *c.Part, c.At); err != nil {
			return c.Before, err
		}
	}
	if e.MergedInto != "" && c.Before.MergedInto == "" {
		tx.put(merged(e.MergedInto, e.ID), "", nil, nil)
		tx.grow(e.MergedInto)
	}
	tx.timeline(e.ID, e.Rev, c.Timeline)
	for _, m := range c.Messages {
		write, err := s.Outbox.Insert(m)
		if err != nil {
			return c.Before, err
		}
		tx.items = append(tx.items, write)
	}
	if err := tx.write(ctx); err != nil {
		return c.Before, fmt.Errorf("commit event %s: %w", e.ID, err)
	}
	if c.Alert != nil {
		c.Alert.Rev++
		e.MemberSeq, e.AlertCount, e.LastAlertAt = e.MemberSeq+1, e.AlertCount+1, c.At
	}
	return e, nil
}

// AddMembers notes that alerts belong to an event. Membership alone means
// nothing until the alert's attachment names the event too.
func (s *Store) AddMembers(ctx context.Context, id ID, alerts []alert.ID, at time.Time) error {
	const batch = 25
	for len(alerts) > 0 {
		part := alerts[:min(batch, len(alerts))]
		alerts = alerts[len(part):]
		writes := make([]types.WriteRequest, len(part))
		for i, a := range part {
			writes[i] = types.WriteRequest{PutRequest: &types.PutRequest{Item: member(id, a, at)}}
		}
		if err := s.writeAll(ctx, writes); err != nil {
			return fmt.Errorf("add members to event %s: %w", id, err)
		}
	}
	return nil
}

func (s *Store) writeAll(ctx context.Context, writes []types.WriteRequest) error {
	for try := 0; len(writes) > 0; try++ {
		out, err := s.Table.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.Table.Name: writes}})
		if err != nil {
			return ddb.Fault(err, "write %d items", len(writes))
		}
		if writes = out.UnprocessedItems[s.Table.Name]; len(writes) > 0 {
			if err := ddb.Pause(ctx, try); err != nil {
				return err
			}
		}
	}
	return nil
}

// Joined tells an event that n alerts joined or fired again, so that a
// resolution by recovery that is under way is refused. It is one plain update
// and no transaction: a storm never blocks a person's acknowledgement.
// It reports false when the event is not open, or all its alerts were
// recovered, so that the caller decides again or applies [Refire]. A join that
// is there by its key already, because the answer was lost, is not counted again.
func (s *Store) Joined(ctx context.Context, id ID, n int, item Item, join string) (bool, error) {
	u := &ddb.Update{}
	u.Set(attrLastAlert, ddb.S(clock.Format(item.At)))
	u.Set(attrLastJoin, ddb.S(join))
	u.Add(attrMemberSeq, 1)
	u.Add(attrAlerts, n)
	requireOpen(u)
	u.RequireAbsent(attrRecovered)
	u.RequireNot(attrLastJoin, ddb.S(join))
	err := s.Table.Apply(ctx, key(id), u)
	if found, refused := ddb.Refused(err); refused && !joinedBy(found, join) {
		return false, nil
	} else if err != nil && !refused {
		return false, ddb.Fault(err, "join event %s", id)
	}
	return true, s.Note(ctx, id, item, join)
}

// Note puts an item on an event's timeline and changes nothing else. Put again
// at the same instant and under the same key, it is there once.
func (s *Store) Note(ctx context.Context, id ID, item Item, key string) error {
	_, err := s.Table.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.Table.Name, Item: timelineItem(id, key, item)})
	if err != nil {
		return ddb.Fault(err, "note on event %s", id)
	}
	return nil
}

// requireOpen refuses the write unless the event is open.
func requireOpen(u *ddb.Update) {
	u.RequireAny(attrState, ddb.S(string(Triggered)), ddb.S(string(AckedState)), ddb.S(string(Snoozed)))
}

// joinedBy reports whether the newest join of an event that takes joins is the
// one of a key.
func joinedBy(item ddb.Item, key string) bool {
	return ddb.Text(item, attrLastJoin) == key && ddb.Text(item, attrRecovered) == "" && State(ddb.Text(item, attrState)).Open()
}

// Members reads the alerts that joined an event, consistently, by the event
// that each joined: the event itself and those merged into it.
func (s *Store) Members(ctx context.Context, id ID) (map[ID][]alert.ID, error) {
	members := map[ID][]alert.ID{}
	for todo := []ID{id}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		if _, seen := members[at]; seen {
			continue
		}
		items, err := s.Table.QueryAll(ctx, partition(at), "ME", true) // MEMBER# and MERGED#
		if err != nil {
			return nil, fmt.Errorf("members of event %s: %w", id, err)
		}
		members[at] = nil
		for _, item := range items {
			sk := ddb.Text(item, ddb.SK)
			if from, ok := strings.CutPrefix(sk, mergedPrefix); ok {
				todo = append(todo, ID(from))
			} else if a, ok := strings.CutPrefix(sk, memberPrefix); ok {
				members[at] = append(members[at], alert.ID(a))
			}
		}
	}
	return members, nil
}

// AnyFiring reports whether an alert attached to the event, or to one merged
// into it, still fires. All reads are consistent.
func (s *Store) AnyFiring(ctx context.Context, id ID) (bool, error) {
	members, err := s.Members(ctx, id)
	if err != nil {
		return false, err
	}
	for at, alerts := range members {
		firing, err := s.Alerts.StillFiring(ctx, string(at), alerts, true)
		if err != nil || len(firing) > 0 {
			return len(firing) > 0, err
		}
	}
	return false, nil
}

// Timeline reads an event's timeline, oldest first.
func (s *Store) Timeline(ctx context.Context, id ID) ([]Item, error) {
	stored, err := s.Table.QueryAll(ctx, partition(id), timelinePrefix, false)
	if err != nil {
		return nil, fmt.Errorf("timeline of event %s: %w", id, err)
	}
	items := make([]Item, len(stored))
	for i, item := range stored {
		if err := ddb.Decode(item, attrBody, &items[i]); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func listPartition(open bool) string {
	if open {
		return "event#open"
	}
	return "event#closed"
}

// transaction collects the items of one write.
type transaction struct {
	table *ddb.Table
	items []types.TransactWriteItem
	slots map[int]string // by position: whose refusal is a *SlotError
}

func (s *Store) transaction() *transaction {
	return &transaction{table: &s.Table, slots: map[int]string{}}
}

func (t *transaction) put(item ddb.Item, condition string, names map[string]string, values ddb.Item) {
	p := &types.Put{TableName: &t.table.Name, Item: item, ExpressionAttributeNames: names, ExpressionAttributeValues: values}
	if condition != "" {
		p.ConditionExpression = &condition
	}
	t.items = append(t.items, types.TransactWriteItem{Put: p})
}

// grow tells the survivor of a merge that it has more alerts, and refuses the
// merge unless the survivor is open: it may be ending, or merging away, now.
func (t *transaction) grow(survivor ID) {
	u := &ddb.Update{}
	u.Add(attrMemberSeq, 1)
	requireOpen(u)
	t.items = append(t.items, t.table.InTransaction(key(survivor), u))
}

// slot gives a slot to an event: it was never taken, or still names the holder
// that was seen to be over, in the same opening: an event that was reopened
// meanwhile keeps its slot.
func (t *transaction) slot(slot string, to, over Hold) {
	item := ddb.Key(slotPartition(slot), slotSort)
	item[attrEvent] = ddb.S(string(to.Event))
	item[attrOpening] = ddb.N(to.Opening)
	condition := "attribute_not_exists(pk)"
	var names map[string]string
	var values ddb.Item
	if over != (Hold{}) {
		condition = "attribute_not_exists(pk) OR #e = :over AND #o = :opening"
		names = map[string]string{"#e": attrEvent, "#o": attrOpening}
		values = ddb.Item{":over": ddb.S(string(over.Event)), ":opening": ddb.N(over.Opening)}
	}
	t.slots[len(t.items)] = slot
	t.put(item, condition, names, values)
	t.items[len(t.items)-1].Put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
}

func (t *transaction) attach(alerts *alert.Store, st alert.State) error {
	write, err := alerts.Attach(st)
	t.items = append(t.items, write)
	return err
}

func (t *transaction) timeline(id ID, rev int64, items []Item) {
	for i, item := range items {
		t.put(timelineItem(id, fmt.Sprintf("%08d.%d", rev, i), item), "", nil, nil)
	}
}

// update writes what Commit owns of the event item and leaves the attributes
// that joins and parking change.
func (t *transaction) update(c Change, e Event) error {
	body, err := ddb.Pack(e)
	if err != nil {
		return fmt.Errorf("event %s: %w", e.ID, err)
	}
	u := &ddb.Update{}
	u.Set(attrBody, body)
	u.Set(attrState, ddb.S(string(e.State)))
	u.Set(attrListPK, ddb.S(listPartition(e.State != Closed)))
	executions.Commit(u, string(e.ID), c.Before.Execution, e.Execution)
	if e.RecoveredAt.IsZero() {
		u.Remove(attrRecovered)
	} else {
		u.Set(attrRecovered, ddb.S(clock.Format(e.RecoveredAt)))
	}
	if c.Alert != nil {
		u.Add(attrMemberSeq, 1)
		u.Add(attrAlerts, 1)
		u.Set(attrLastAlert, ddb.S(clock.Format(c.At)))
	}
	if c.SameMembers {
		u.Require(attrMemberSeq, ddb.N(c.Before.MemberSeq))
	}
	t.items = append(t.items, t.table.InTransaction(key(e.ID), u))
	return nil
}

// write sends the transaction, again while it only contends.
func (t *transaction) write(ctx context.Context) error {
	err := t.table.Transact(ctx, t.items)
	if i, found, refused := ddb.RefusedAt(err); refused {
		if slot, ok := t.slots[i]; ok {
			return &SlotError{Slot: slot, Holder: ID(ddb.Text(found, attrEvent))}
		}
		return fault.New(fault.Conflict, "it was written meanwhile")
	}
	return ddb.Fault(err, "write %d items", len(t.items))
}

func encodeNew(e Event) (ddb.Item, error) {
	body, err := ddb.Pack(e)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.ID, err)
	}
	item := key(e.ID)
	item[attrBody] = body
	item[attrState] = ddb.S(string(e.State))
	item[attrMemberSeq] = ddb.N(e.MemberSeq)
	item[attrAlerts] = ddb.N(e.AlertCount)
	item[attrLastAlert] = ddb.S(clock.Format(e.LastAlertAt))
	item[attrListPK] = ddb.S(listPartition(true))
	item[attrListSK] = ddb.S(clock.Format(e.OpenedAt) + "#" + string(e.ID))
	executions.Encode(item, string(e.ID), e.Execution)
	return item, nil
}

func decode(item ddb.Item) (Event, error) {
	var e Event
	if err := ddb.Decode(item, attrBody, &e); err != nil {
		return e, err
	}
	e.Execution.Decode(item)
	e.MemberSeq = int(ddb.Number(item, attrMemberSeq))
	e.AlertCount = int(ddb.Number(item, attrAlerts))
	e.LastAlertAt, _ = clock.Parse(ddb.Text(item, attrLastAlert))
	return e, nil
}

func member(id ID, a alert.ID, at time.Time) ddb.Item {
	item := ddb.Key(partition(id), memberPrefix+string(a))
	item["at"] = ddb.S(clock.Format(at))
	return item
}

func merged(into, from ID) ddb.Item { return ddb.Key(partition(into), mergedPrefix+string(from)) }

func timelineItem(id ID, suffix string, item Item) ddb.Item {
	body, _ := json.Marshal(item) // strings and a time: cannot fail
	stored := ddb.Key(partition(id), timelinePrefix+clock.Format(item.At)+"#"+suffix)
	stored[attrBody] = ddb.B(body)
	return stored
}
