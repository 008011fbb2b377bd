package apitoken

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
)

// Store keeps tokens in the config table: each under its hash, and its name in
// a list of all. It is safe for concurrent use.
type Store struct {
	table ddb.Table
	log   *slog.Logger
	now   func() time.Time

	mu    sync.Mutex
	known map[string]entry // by hash
}

// entry is a token that was found, believed until an instant.
type entry struct {
	token Token
	until time.Time
}

// NewStore returns a store over the config table.
func NewStore(table ddb.Table, log *slog.Logger, now func() time.Time) *Store {
	return &Store{table: table, log: log, now: now, known: map[string]entry{}}
}

// How long a found token is believed, which is how long a revoked one still
// works; how many are; and how often its use is noted.
const (
	believed  = 30 * time.Second
	maxKnown  = 1000
	noteEvery = time.Hour
)

const (
	listPartition = "TOKENS"
	namePrefix    = "NAME#"
	tokenSort     = "TOKEN"
	attrBody      = "body"
	attrHash      = "hash"
	attrLastUsed  = "last_used"
)

func nameKey(name string) ddb.Item { return ddb.Key(listPartition, namePrefix+name) }

func partition(hash string) string { return "TOKEN#" + hash }

// ErrUnknown is the one answer to a token that does not exist, was revoked or
// has expired. Its kind is Unauthenticated.
var ErrUnknown error = fault.New(fault.Unauthenticated, "the token is unknown, revoked or expired")

// Create keeps a new token and returns it with its secret, which is shown this
// once. fault.Conflict: the name is taken. fault.Invalid names bad fields.
func (s *Store) Create(ctx context.Context, t Token, at time.Time) (Token, string, error) {
	t.CreatedAt = at
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = at.Add(DefaultLife)
	}
	if err := t.validate(at); err != nil {
		return Token{}, "", err
	}
	body, err := json.Marshal(t)
	if err != nil {
		return Token{}, "", fault.Wrap(fault.Internal, err, "encode token %s", t.Name)
	}
	secret := newSecret()
	listed := nameKey(t.Name)
	listed[attrHash] = ddb.S(hashOf(secret))
	kept := ddb.Key(partition(hashOf(secret)), tokenSort)
	kept[attrBody] = ddb.B(body)
	err = s.table.Transact(ctx, []types.TransactWriteItem{{Put: s.putNew(listed)}, {Put: s.putNew(kept)}})
	if _, _, refused := ddb.RefusedAt(err); refused {
		return Token{}, "", fault.New(fault.Conflict, "there is a token %s already", t.Name)
	}
	if err != nil {
		return Token{}, "", ddb.Fault(err, "create token %s", t.Name)
	}
	return t, secret, nil
}

func (s *Store) putNew(item ddb.Item) *types.Put {
	return &types.Put{TableName: &s.table.Name, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")}
}

// Find returns the token of a secret. ErrUnknown: there is none that is valid
// at this moment. A token revoked elsewhere is found for 30 seconds more.
func (s *Store) Find(ctx context.Context, secret string) (Token, error) {
	if !plausible(secret) {
		return Token{}, ErrUnknown
	}
	hash, at := hashOf(secret), s.now()
	t, ok := s.recall(hash, at)
	if !ok {
		item, err := s.table.Get(ctx, partition(hash), tokenSort)
		if err != nil {
			return Token{}, fmt.Errorf("read token: %w", err)
		}
		if item == nil {
			return Token{}, ErrUnknown
		}
		if t, err = decode(item); err != nil {
			return Token{}, err
		}
		t = s.noteUse(ctx, hash, t, at)
		s.remember(hash, t, at)
	}
	if !at.Before(t.ExpiresAt) {
		return Token{}, ErrUnknown
	}
	return t, nil
}

func (s *Store) recall(hash string, at time.Time) (Token, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.known[hash]
	return e.token, ok && at.Before(e.until)
}

// remember forgets everything when there is no more room: only real tokens
// are kept, so that is rare.
func (s *Store) remember(hash string, t Token, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxKnown {
		clear(s.known)
	}
	s.known[hash] = entry{t, at.Add(believed)}
}

// noteUse writes when the token was last used, at most hourly. It is told to
// people and decides nothing, so a failure only loses it.
func (s *Store) noteUse(ctx context.Context, hash string, t Token, at time.Time) Token {
	if at.Sub(t.LastUsed) < noteEvery {
		return t
	}
	u := &ddb.Update{}
	u.Set(attrLastUsed, ddb.S(clock.Format(at)))
	u.Require(ddb.SK, ddb.S(tokenSort)) // not to bring back one that was just revoked
	if err := s.table.Apply(ctx, ddb.Key(partition(hash), tokenSort), u); err != nil {
		s.log.WarnContext(ctx, "use of token not noted", "token", t.Name, "err", err)
		return t
	}
	t.LastUsed = at
	return t
}

// List returns all tokens by name, expired ones too.
func (s *Store) List(ctx context.Context) ([]Token, error) {
	listed, err := s.table.QueryAll(ctx, listPartition, namePrefix, true)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	keys := make([]ddb.Item, len(listed))
	for i, item := range listed {
		keys[i] = ddb.Key(partition(ddb.Text(item, attrHash)), tokenSort)
	}
	items, err := s.table.GetMany(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	tokens := make([]Token, len(items))
	for i, item := range items {
		if tokens[i], err = decode(item); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(tokens, func(a, b Token) int { return strings.Compare(a.Name, b.Name) })
	return tokens, nil
}

// Revoke ends a token. fault.NotFound: there is none of that name.
func (s *Store) Revoke(ctx context.Context, name string) error {
	listed, err := s.table.Get(ctx, listPartition, namePrefix+name)
	if err != nil {
		return fmt.Errorf("read token %s: %w", name, err)
	}
	if listed == nil {
		return fault.New(fault.NotFound, "there is no token %s", name)
	}
	hash := ddb.Text(listed, attrHash)
	err = s.table.Transact(ctx, []types.TransactWriteItem{
		{Delete: &types.Delete{TableName: &s.table.Name, Key: nameKey(name)}},
		{Delete: &types.Delete{TableName: &s.table.Name, Key: ddb.Key(partition(hash), tokenSort)}},
	})
	if err != nil {
		return ddb.Fault(err, "revoke token %s", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, hash)
	return nil
}

func decode(item ddb.Item) (Token, error) {
	var t Token
	if err := ddb.Decode(item, attrBody, &t); err != nil {
		return Token{}, err
	}
	t.LastUsed, _ = clock.Parse(ddb.Text(item, attrLastUsed)) // written by noteUse
	return t, nil
}
