package catalog

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/ddb"
	"tocsin/shared/fault"
)

// Attribute names of a contact.
const (
	attrChannel  = "channel"
	attrAddress  = "address"
	attrVerified = "verified"
	attrOrder    = "order"
)

const contactPrefix = "CONTACT#"

func memberKey(member string) string { return "MEMBER#" + member }

func contactKey(member, id string) ddb.Item { return ddb.Key(memberKey(member), contactPrefix+id) }

// Store keeps contacts in the config table. It is safe for concurrent use.
type Store struct{ table ddb.Table }

// NewStore returns a store over the config table.
func NewStore(table ddb.Table) *Store { return &Store{table} }

// Put creates or replaces the contact that its member and id name. It returns
// an Invalid error for a bad contact.
func (s *Store) Put(ctx context.Context, c Contact) error {
	if err := c.Validate(); err != nil {
		return err
	}
	_, err := s.table.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table.Name, Item: itemOf(c)})
	return ddb.Fault(err, "put contact %s of member %s", c.ID, c.Member)
}

// Remove deletes a contact. It returns a NotFound error when there is none.
func (s *Store) Remove(ctx context.Context, member, id string) error {
	_, err := s.table.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:           &s.table.Name,
		Key:                 contactKey(member, id),
		ConditionExpression: aws.String("attribute_exists(pk)"),
	})
	if _, refused := ddb.Refused(err); refused {
		return fault.New(fault.NotFound, "member %s has no contact %s", member, id)
	}
	return ddb.Fault(err, "remove contact %s of member %s", id, member)
}

// List returns the contacts of a member in the order in which they are tried:
// by Order, then ID. It reads consistently, because a page must not go to an
// address that was just replaced. A member without contacts has none, no error.
func (s *Store) List(ctx context.Context, member string) ([]Contact, error) {
	items, err := s.table.QueryAll(ctx, memberKey(member), contactPrefix, true)
	if err != nil {
		return nil, err
	}
	contacts := make([]Contact, 0, len(items))
	for _, item := range items {
		contacts = append(contacts, contactOf(member, item))
	}
	slices.SortFunc(contacts, func(a, b Contact) int { return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.ID, b.ID)) })
	return contacts, nil
}

func itemOf(c Contact) ddb.Item {
	item := contactKey(c.Member, c.ID)
	item[attrChannel] = ddb.S(string(c.Channel))
	item[attrAddress] = ddb.S(c.Address)
	item[attrVerified] = &types.AttributeValueMemberBOOL{Value: c.Verified}
	item[attrOrder] = ddb.N(c.Order)
	return item
}

func contactOf(member string, item ddb.Item) Contact {
	c := Contact{
		ID:      ddb.Text(item, ddb.SK)[len(contactPrefix):],
		Member:  member,
		Channel: Channel(ddb.Text(item, attrChannel)),
		Address: ddb.Text(item, attrAddress),
	}
	if v, ok := item[attrVerified].(*types.AttributeValueMemberBOOL); ok {
		c.Verified = v.Value
	}
	if v, ok := item[attrOrder].(*types.AttributeValueMemberN); ok {
		c.Order, _ = strconv.Atoi(v.Value) // written by itemOf
	}
	return c
}
