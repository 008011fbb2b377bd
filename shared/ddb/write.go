package ddb

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/fault"
)

// Update builds the update of one item: what it sets, removes and adds, and
// what it requires of the item as stored. Placeholders are made of attribute
// names, which therefore are plain words (a-z, digits, _), each set, removed or
// added once. The zero value is ready to use; it is not safe for concurrent use.
type Update struct {
	sets, removes, adds, conditions []string
	names                           map[string]string
	values                          Item
}

// Set gives the attribute a value.
func (u *Update) Set(name string, v types.AttributeValue) {
	u.sets = append(u.sets, u.alias(name)+" = "+u.bind(":"+name, v))
}

// SetIfAbsent gives the attribute a value unless it has one.
func (u *Update) SetIfAbsent(name string, v types.AttributeValue) {
	u.sets = append(u.sets, u.alias(name)+" = if_not_exists("+u.alias(name)+", "+u.bind(":"+name, v)+")")
}

// SetOr gives the attribute the value that the attribute from has, or this one
// where that has none.
func (u *Update) SetOr(name, from string, v types.AttributeValue) {
	u.sets = append(u.sets, u.alias(name)+" = if_not_exists("+u.alias(from)+", "+u.bind(":"+name, v)+")")
}

// Remove takes the attribute away.
func (u *Update) Remove(name string) { u.removes = append(u.removes, u.alias(name)) }

// Add raises the number of the attribute, which is 0 when absent.
func (u *Update) Add(name string, n int) {
	u.adds = append(u.adds, u.alias(name)+" "+u.bind(":"+name, N(n)))
}

// Due enters the item id of a kind into the index of deadlines; at "" takes it
// out.
func (u *Update) Due(kind, id, at string) {
	if at == "" {
		u.Remove(DueShard)
		u.Remove(DueAt)
		return
	}
	u.Set(DueShard, S(Shard(kind, id)))
	u.Set(DueAt, S(at))
}

// Require refuses the write unless the stored attribute has the value.
func (u *Update) Require(name string, v types.AttributeValue) {
	u.conditions = append(u.conditions, u.alias(name)+" = "+u.bind(":is_"+name, v))
}

// RequireAny refuses the write unless the stored attribute has one of the
// values.
func (u *Update) RequireAny(name string, vs ...types.AttributeValue) {
	bound := make([]string, len(vs))
	for i, v := range vs {
		bound[i] = u.bind(":is_"+name+strconv.Itoa(i), v)
	}
	u.conditions = append(u.conditions, u.alias(name)+" IN ("+strings.Join(bound, ", ")+")")
}

// RequireAbsent refuses the write unless the stored item lacks the attribute.
func (u *Update) RequireAbsent(name string) {
	u.conditions = append(u.conditions, "attribute_not_exists("+u.alias(name)+")")
}

// RequireNot refuses the write if the stored attribute has the value.
func (u *Update) RequireNot(name string, v types.AttributeValue) {
	u.conditions = append(u.conditions, "(attribute_not_exists("+u.alias(name)+") OR "+u.alias(name)+" <> "+u.bind(":not_"+name, v)+")")
}

// RequireBelow refuses the write unless the stored number is below n.
func (u *Update) RequireBelow(name string, n int) {
	u.conditions = append(u.conditions, u.alias(name)+" < "+u.bind(":below_"+name, N(n)))
}

func (u *Update) alias(name string) string {
	if u.names == nil {
		u.names = map[string]string{}
	}
	u.names["#"+name] = name
	return "#" + name
}

func (u *Update) bind(placeholder string, v types.AttributeValue) string {
	if u.values == nil {
		u.values = Item{}
	}
	u.values[placeholder] = v
	return placeholder
}

func (u *Update) expression() *string {
	var parts []string
	for _, part := range []struct {
		word  string
		items []string
	}{{"SET ", u.sets}, {"REMOVE ", u.removes}, {"ADD ", u.adds}} {
		if len(part.items) > 0 {
			parts = append(parts, part.word+strings.Join(part.items, ", "))
		}
	}
	return aws.String(strings.Join(parts, " "))
}

func (u *Update) condition() *string {
	if len(u.conditions) == 0 {
		return nil
	}
	return aws.String(strings.Join(u.conditions, " AND "))
}

// InTransaction returns the update as one item of a transaction.
func (t Table) InTransaction(key Item, u *Update) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &t.Name, Key: key,
		UpdateExpression: u.expression(), ConditionExpression: u.condition(),
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
	}}
}

// Apply writes the update, again while it only contends. Its error is the
// call's own, for [Refused], which then has the item found, and [Fault].
func (t Table) Apply(ctx context.Context, key Item, u *Update) error {
	_, err := t.apply(ctx, key, u, types.ReturnValueNone)
	return err
}

// Changed is [Table.Apply] that returns the item as it is after the update.
func (t Table) Changed(ctx context.Context, key Item, u *Update) (Item, error) {
	return t.apply(ctx, key, u, types.ReturnValueAllNew)
}

func (t Table) apply(ctx context.Context, key Item, u *Update, want types.ReturnValue) (found Item, err error) {
	err = Retry(ctx, func() error {
		out, err := t.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &t.Name, Key: key,
			UpdateExpression: u.expression(), ConditionExpression: u.condition(),
			ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
			ReturnValues:                        want,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		if err == nil {
			found = out.Attributes
		}
		return err
	})
	return found, err
}

// Transact writes items all or nothing, again while they only contend. Its
// error is the call's own, for [RefusedAt] and [Fault].
func (t Table) Transact(ctx context.Context, items []types.TransactWriteItem) error {
	return Retry(ctx, func() error {
		_, err := t.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
		return err
	})
}

// RefusedAt reports whether a condition cancelled a transaction, and returns
// the position of the first item that was refused, with the item found where
// the write asked for it.
func RefusedAt(err error) (position int, found Item, refused bool) {
	for i, r := range Cancelled(err) {
		if ReasonOf(r) == Condition {
			return i, r.Item, true
		}
	}
	return 0, nil, false
}

// Increment adds one to a counter and returns what it came to; 1 at first.
func (t Table) Increment(ctx context.Context, key Item, name string) (int64, error) {
	u := &Update{}
	u.Add(name, 1)
	out, err := t.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.Name, Key: key, UpdateExpression: u.expression(),
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
		ReturnValues: types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, Fault(err, "count")
	}
	return Number(out.Attributes, name), nil
}

// Number returns the integer attribute name of item, 0 when absent.
func Number(item Item, name string) int64 {
	v, ok := item[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(v.Value, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Decode reads the JSON in the binary attribute name of item into v, whether
// [Pack] compressed it or not.
func Decode(item Item, name string, v any) error {
	body, ok := item[name].(*types.AttributeValueMemberB)
	if !ok {
		return fault.New(fault.Internal, "item %s %s has no %s", Text(item, PK), Text(item, SK), name)
	}
	plain, err := unpack(body.Value)
	if err == nil {
		err = json.Unmarshal(plain, v)
	}
	if err != nil {
		return fault.Wrap(fault.Internal, err, "item %s %s", Text(item, PK), Text(item, SK))
	}
	return nil
}
