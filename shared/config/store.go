package config

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
)

// Keys and attribute names. Chunks of a version sort in order; the item that
// describes it stands apart, so that a history reads no documents.
const (
	partition   = "CONFIG"
	currentKey  = "CURRENT"
	aboutPrefix = "ABOUT#"

	attrVersion = "version"
	attrBy      = "by"
	attrAt      = "at"
	attrComment = "comment"
	attrChunks  = "chunks"
	attrData    = "data"
)

func aboutKey(version int) string { return fmt.Sprintf("%s%010d", aboutPrefix, version) }

func chunkPrefix(version int) string { return fmt.Sprintf("VERSION#%010d#", version) }

func chunkKey(version, chunk int) string { return fmt.Sprintf("%s%03d", chunkPrefix(version), chunk) }

// Sizes in bytes. An item may have 400 KB and a transaction 4 MB (DynamoDB
// developer guide, "Service, account, and table quotas").
const (
	maxChunk     = 350 << 10
	maxChunks    = 10
	maxUnpacked  = 64 << 20
	maxComment   = 1000
	maxHistory   = 100
	noneHistoric = 1<<31 - 1 // above every version
)

// Version describes one published version. The zero value is the state before
// the first.
type Version struct {
	Number  int       `json:"version"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Comment string    `json:"comment,omitempty"`
	chunks  int
}

// Store keeps the versions of the configuration in the config table. Versions
// never change. It is safe for concurrent use.
type Store struct{ table ddb.Table }

// NewStore returns a store over the config table.
func NewStore(table ddb.Table) *Store { return &Store{table} }

// Current describes the version in force, read consistently; the zero Version
// when nothing was published yet.
func (s *Store) Current(ctx context.Context) (Version, error) {
	item, err := s.table.Get(ctx, partition, currentKey)
	if err != nil {
		return Version{}, fmt.Errorf("read the current version: %w", err)
	}
	return versionOf(item), nil
}

// Publish checks docs and makes them the version after expected. It returns
// an Invalid error with every problem, and a Conflict error when the version
// in force is not the expected one; nothing is written then.
func (s *Store) Publish(ctx context.Context, docs []Document, by, comment string, expected int, at time.Time) (Version, error) {
	cfg, problems := Parse(docs)
	if err := problems.Err(); err != nil {
		return Version{}, err
	}
	if len(comment) > maxComment {
		return Version{}, fault.New(fault.Invalid, "the comment has %d bytes, expected at most %d", len(comment), maxComment)
	}
	data, err := pack(cfg.Documents)
	if err != nil {
		return Version{}, err
	}
	v := Version{Number: expected + 1, By: by, At: at.UTC().Truncate(time.Millisecond), Comment: comment, chunks: chunks(data)}
	return v, s.write(ctx, v, data, expected)
}

func (s *Store) write(ctx context.Context, v Version, data []byte, expected int) error {
	writes := []types.TransactWriteItem{
		{Put: s.putCurrent(v, expected)},
		{Put: s.putNew(aboutKey(v.Number), itemOf(v))},
	}
	for i := range v.chunks {
		part := data[i*maxChunk : min(len(data), (i+1)*maxChunk)]
		writes = append(writes, types.TransactWriteItem{Put: s.putNew(chunkKey(v.Number, i), ddb.Item{attrData: ddb.B(part)})})
	}
	err := ddb.Retry(ctx, func() error {
		_, err := s.table.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		return err
	})
	for _, reason := range ddb.Cancelled(err) {
		if ddb.ReasonOf(reason) == ddb.Condition {
			return fault.New(fault.Conflict, "version %d is not the one in force any more; compare with the newer one and try again", expected)
		}
	}
	return ddb.Fault(err, "publish version %d of the configuration", v.Number)
}

// putCurrent takes the place of the expected version only.
func (s *Store) putCurrent(v Version, expected int) *types.Put {
	put := s.put(currentKey, itemOf(v))
	if expected == 0 {
		put.ConditionExpression = aws.String("attribute_not_exists(pk)")
		return put
	}
	put.ConditionExpression = aws.String("#v = :expected")
	put.ExpressionAttributeNames = map[string]string{"#v": attrVersion}
	put.ExpressionAttributeValues = ddb.Item{":expected": ddb.N(expected)}
	return put
}

func (s *Store) putNew(sk string, item ddb.Item) *types.Put {
	put := s.put(sk, item)
	put.ConditionExpression = aws.String("attribute_not_exists(pk)")
	return put
}

func (s *Store) put(sk string, item ddb.Item) *types.Put {
	item[ddb.PK], item[ddb.SK] = ddb.S(partition), ddb.S(sk)
	return &types.Put{TableName: &s.table.Name, Item: item}
}

// Rollback publishes the documents of an old version as a new one. It returns
// what Publish and Load do: a rule of old documents may be refused by now.
func (s *Store) Rollback(ctx context.Context, to int, by string, expected int, at time.Time) (Version, error) {
	old, err := s.Load(ctx, to)
	if err != nil {
		return Version{}, err
	}
	return s.Publish(ctx, old.Documents, by, fmt.Sprintf("rollback to version %d", to), expected, at)
}

// Load reads a version; 0 is the built-in configuration. It returns a NotFound
// error for a version that was never published.
func (s *Store) Load(ctx context.Context, version int) (*Config, error) {
	if version == 0 {
		return load(nil, 0)
	}
	about, err := s.table.Get(ctx, partition, aboutKey(version))
	if err != nil {
		return nil, fmt.Errorf("read about version %d: %w", version, err)
	}
	if about == nil {
		return nil, fault.New(fault.NotFound, "there is no version %d of the configuration", version)
	}
	items, err := s.table.QueryAll(ctx, partition, chunkPrefix(version), false) // written with about, and never changed
	if err != nil {
		return nil, fmt.Errorf("read version %d: %w", version, err)
	}
	docs, err := unpack(items, versionOf(about).chunks)
	if err != nil {
		return nil, fmt.Errorf("read version %d: %w", version, err)
	}
	return load(docs, version)
}

// History describes the versions below before, newest first, at most limit
// (at most 100); before 0 is from the newest.
func (s *Store) History(ctx context.Context, before, limit int) ([]Version, error) {
	if before <= 0 {
		before = noneHistoric
	}
	out, err := s.table.Query(ctx, &dynamodb.QueryInput{
		TableName:                 &s.table.Name,
		ConsistentRead:            aws.Bool(true),
		ScanIndexForward:          aws.Bool(false),
		Limit:                     aws.Int32(int32(min(max(limit, 1), maxHistory))),
		KeyConditionExpression:    aws.String("pk = :p AND sk BETWEEN :first AND :last"),
		ExpressionAttributeValues: ddb.Item{":p": ddb.S(partition), ":first": ddb.S(aboutKey(0)), ":last": ddb.S(aboutKey(before - 1))},
	})
	if err != nil {
		return nil, ddb.Fault(err, "read the history of the configuration")
	}
	versions := make([]Version, len(out.Items))
	for i, item := range out.Items {
		versions[i] = versionOf(item)
	}
	return versions, nil
}

func itemOf(v Version) ddb.Item {
	return ddb.Item{
		attrVersion: ddb.N(v.Number),
		attrBy:      ddb.S(v.By),
		attrAt:      ddb.S(clock.Format(v.At)),
		attrComment: ddb.S(v.Comment),
		attrChunks:  ddb.N(v.chunks),
	}
}

func versionOf(item ddb.Item) Version {
	at, _ := clock.Parse(ddb.Text(item, attrAt)) // written by itemOf
	return Version{
		Number:  number(item, attrVersion),
		By:      ddb.Text(item, attrBy),
		At:      at,
		Comment: ddb.Text(item, attrComment),
		chunks:  number(item, attrChunks),
	}
}

func number(item ddb.Item, name string) int {
	v, ok := item[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	n, _ := strconv.Atoi(v.Value) // written by itemOf
	return n
}

// pack compresses documents. It returns an Invalid error when they do not fit.
func pack(docs []Document) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(docs); err != nil {
		return nil, fmt.Errorf("encode documents: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress documents: %w", err)
	}
	if b.Len() > maxChunk*maxChunks {
		return nil, fault.New(fault.Invalid, "the configuration has %d bytes when compressed, expected at most %d", b.Len(), maxChunk*maxChunks)
	}
	return b.Bytes(), nil
}

func chunks(data []byte) int { return (len(data) + maxChunk - 1) / maxChunk }

func unpack(items []ddb.Item, want int) ([]Document, error) {
	if len(items) != want {
		return nil, fmt.Errorf("found %d chunks, expected %d", len(items), want)
	}
	var data bytes.Buffer
	for _, item := range items {
		chunk, ok := item[attrData].(*types.AttributeValueMemberB)
		if !ok {
			return nil, errors.New("a chunk has no data")
		}
		data.Write(chunk.Value)
	}
	z, err := gzip.NewReader(&data)
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	var docs []Document
	if err := json.NewDecoder(io.LimitReader(z, maxUnpacked)).Decode(&docs); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	return docs, nil
}
