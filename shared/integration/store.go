package integration

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/shared/source/shipped"
)

// Store keeps integrations in the config table: one item by id for people, and
// a copy under the hash of each valid key, so that a delivery costs one read.
// All change in one transaction.
type Store struct {
	Table ddb.Table

	// SecretsPrefix is put before the id to name an integration's secrets.
	SecretsPrefix string
}

// Errors that callers branch on.
var (
	ErrNotFound = fault.New(fault.NotFound, "no such integration")
	ErrExists   = fault.New(fault.Conflict, "an integration with this id exists")
	ErrChanged  = fault.New(fault.Conflict, "the integration was changed at the same time; try again")
)

// maxKeys is how many keys are valid at a time: the current and the previous.
const maxKeys = 2

const (
	listPartition = "INTEGRATIONS"
	keySort       = "KEY"
	attrBody      = "body" // the Integration as JSON
	attrRev       = "rev"
)

func keyPartition(hash string) string { return "INTEGRATION#" + hash }

// Create keeps a new integration and returns it with its key, which is shown
// this once. An empty id is chosen. ErrExists: the id is taken.
func (s *Store) Create(ctx context.Context, in Integration, at time.Time) (Integration, string, error) {
	key := NewKey()
	if in.ID == "" {
		in.ID = "int-" + strings.ToLower(rand.Text()[:10])
	}
	in.KeyHashes, in.CreatedAt, in.Rev = []string{HashKey(key)}, at, 0
	created, err := s.commit(ctx, Integration{}, in, at)
	if err != nil {
		return Integration{}, "", err
	}
	return created, key, nil
}

// Update changes what change changes; id, keys and times stay. ErrNotFound,
// ErrChanged, or what Validate says.
func (s *Store) Update(ctx context.Context, id string, at time.Time, change func(*Integration)) (Integration, error) {
	before, err := s.Get(ctx, id)
	if err != nil {
		return Integration{}, err
	}
	after := before
	change(&after)
	after.ID, after.KeyHashes, after.CreatedAt, after.Rev = before.ID, before.KeyHashes, before.CreatedAt, before.Rev
	return s.commit(ctx, before, after, at)
}

// RotateKey gives the integration a new key, shown this once. The key before
// it stays valid until [Store.RetireKey] or the next rotation.
func (s *Store) RotateKey(ctx context.Context, id string, at time.Time) (Integration, string, error) {
	before, err := s.Get(ctx, id)
	if err != nil {
		return Integration{}, "", err
	}
	key, after := NewKey(), before
	after.KeyHashes = append([]string{HashKey(key)}, before.KeyHashes...)
	after.KeyHashes = after.KeyHashes[:min(len(after.KeyHashes), maxKeys)]
	if after, err = s.commit(ctx, before, after, at); err != nil {
		return Integration{}, "", err
	}
	return after, key, nil
}

// RetireKey ends the validity of all keys but the current one.
func (s *Store) RetireKey(ctx context.Context, id string, at time.Time) (Integration, error) {
	before, err := s.Get(ctx, id)
	if err != nil {
		return Integration{}, err
	}
	after := before
	after.KeyHashes = before.KeyHashes[:1]
	return s.commit(ctx, before, after, at)
}

// lentFor is how long a lent key is valid.
const lentFor = time.Minute

// Lend gives an integration a key of its own for one delivery that comes
// again, and returns it. It needs no other proof, is valid for a minute, and
// is known to nobody else. ErrNotFound: there is no such integration.
func (s *Store) Lend(ctx context.Context, id string, why Again) (Integration, string, error) {
	in, err := s.Get(ctx, id)
	if err != nil {
		return Integration{}, "", err
	}
	key := NewKey()
	why.Until = time.Now().Add(lentFor)
	in.Auth, in.SecretRef, in.Paused, in.Again = None, "", false, &why
	if why.Mapping != nil && in.Source != shipped.Email {
		in.Source, in.Mapping = shipped.Custom, ""
	}
	body, err := json.Marshal(in)
	if err != nil {
		return Integration{}, "", fmt.Errorf("encode integration %s: %w", id, err)
	}
	item := ddb.Key(keyPartition(HashKey(key)), keySort)
	item[attrBody], item[attrRev], item[ddb.ExpireAt] = ddb.S(string(body)), ddb.N(in.Rev), ddb.N(why.Until.Unix())
	_, err = s.Table.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.Table.Name, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")})
	return in, key, ddb.Fault(err, "lend a key of integration %s", id)
}

// TakeBack ends the validity of a lent key.
func (s *Store) TakeBack(ctx context.Context, key string) error {
	_, err := s.Table.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.Table.Name, Key: ddb.Key(keyPartition(HashKey(key)), keySort)})
	return ddb.Fault(err, "take back a lent key")
}

// Delete forgets an integration with its keys. Its secrets are not touched.
func (s *Store) Delete(ctx context.Context, id string) error {
	before, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	writes := []types.TransactWriteItem{{Delete: &types.Delete{
		TableName: &s.Table.Name, Key: ddb.Key(listPartition, id),
		ConditionExpression: aws.String("rev = :rev"), ExpressionAttributeValues: ddb.Item{":rev": ddb.N(before.Rev)},
	}}}
	for _, hash := range before.KeyHashes {
		writes = append(writes, s.drop(hash))
	}
	return s.write(ctx, writes, ErrChanged)
}

// Get reads one integration by id, consistently. ErrNotFound: there is none.
func (s *Store) Get(ctx context.Context, id string) (Integration, error) {
	return s.read(ctx, listPartition, id)
}

// ByKeyHash reads the integration of a key. ErrNotFound: there is none.
func (s *Store) ByKeyHash(ctx context.Context, hash string) (Integration, error) {
	return s.read(ctx, keyPartition(hash), keySort)
}

// List reads all integrations, by id.
func (s *Store) List(ctx context.Context) ([]Integration, error) {
	pages := dynamodb.NewQueryPaginator(s.Table.Client, &dynamodb.QueryInput{
		TableName:                 &s.Table.Name,
		KeyConditionExpression:    aws.String("pk = :p"),
		ExpressionAttributeValues: ddb.Item{":p": ddb.S(listPartition)},
	})
	var all []Integration
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, ddb.Fault(err, "list integrations")
		}
		for _, item := range page.Items {
			in, err := decode(item)
			if err != nil {
				return nil, err
			}
			all = append(all, in)
		}
	}
	return all, nil
}

func (s *Store) read(ctx context.Context, pk, sk string) (Integration, error) {
	item, err := s.Table.Get(ctx, pk, sk)
	if err != nil {
		return Integration{}, fmt.Errorf("read integration: %w", err)
	}
	if len(item) == 0 {
		return Integration{}, ErrNotFound
	}
	return decode(item)
}

func decode(item ddb.Item) (Integration, error) {
	var in Integration
	if err := json.Unmarshal([]byte(ddb.Text(item, attrBody)), &in); err != nil {
		return Integration{}, fmt.Errorf("stored integration: %w", err)
	}
	return in, nil
}

// commit replaces before by after on condition that before is what is stored;
// before with Rev 0 means that there is none.
func (s *Store) commit(ctx context.Context, before, after Integration, at time.Time) (Integration, error) {
	after.UpdatedAt, after.Rev = at, before.Rev+1
	after.SecretRef = ""
	if after.Auth != None {
		after.SecretRef = s.SecretsPrefix + after.ID
	}
	if err := after.Validate(); err != nil {
		return Integration{}, err
	}
	body, err := json.Marshal(after)
	if err != nil {
		return Integration{}, fmt.Errorf("encode integration %s: %w", after.ID, err)
	}
	value := ddb.Item{attrBody: ddb.S(string(body)), attrRev: ddb.N(after.Rev)}
	writes := []types.TransactWriteItem{s.put(ddb.Key(listPartition, after.ID), value, before.Rev)}
	for _, hash := range after.KeyHashes {
		writes = append(writes, s.put(ddb.Key(keyPartition(hash), keySort), value, revOfKey(before, hash)))
	}
	for _, hash := range before.KeyHashes {
		if !slices.Contains(after.KeyHashes, hash) {
			writes = append(writes, s.drop(hash))
		}
	}
	if err := s.write(ctx, writes, refusal(before)); err != nil {
		return Integration{}, err
	}
	return after, nil
}

func revOfKey(before Integration, hash string) int {
	if slices.Contains(before.KeyHashes, hash) {
		return before.Rev
	}
	return 0
}

func refusal(before Integration) error {
	if before.Rev == 0 {
		return ErrExists
	}
	return ErrChanged
}

// put writes value under key over the copy of revision rev; 0: there is none.
func (s *Store) put(key, value ddb.Item, rev int) types.TransactWriteItem {
	maps.Copy(key, value)
	p := &types.Put{TableName: &s.Table.Name, Item: key, ConditionExpression: aws.String("attribute_not_exists(pk)")}
	if rev > 0 {
		p.ConditionExpression, p.ExpressionAttributeValues = aws.String("rev = :rev"), ddb.Item{":rev": ddb.N(rev)}
	}
	return types.TransactWriteItem{Put: p}
}

func (s *Store) drop(hash string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: &s.Table.Name, Key: ddb.Key(keyPartition(hash), keySort)}}
}

func (s *Store) write(ctx context.Context, writes []types.TransactWriteItem, refused error) error {
	err := ddb.Retry(ctx, func() error {
		_, err := s.Table.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		return err
	})
	for _, r := range ddb.Cancelled(err) {
		if ddb.ReasonOf(r) == ddb.Condition {
			return refused
		}
	}
	return ddb.Fault(err, "write integration")
}
