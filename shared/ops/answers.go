package ops

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/shared/ddb"
	"tocsin/shared/fault"
)

// IdempotencyHeader is the header by which a caller makes a creation happen
// once (draft-ietf-httpapi-idempotency-key-header-07).
const IdempotencyHeader = "Idempotency-Key"

const (
	maxIdempotencyKey = 255
	answersKept       = 24 * time.Hour
	claimHeld         = time.Minute // longer than any request runs
)

// Answers keeps what requests with an Idempotency-Key were answered, in the
// config table, for a day. A claim that was never settled, because the process died,
// frees the key after a minute: what it did is not known then, and the caller
// who tries again means it.
type Answers struct {
	Table ddb.Table
}

const (
	answerSort  = "ANSWER"
	attrRequest = "request"
	attrAnswer  = "answer"
	attrClaimed = "claimed_until"
)

// claim is one request with a key.
type claim struct {
	pk      string
	request string // hash of operation and input
	key     string
	at      time.Time
}

func claimOf(c *Caller, key string, o *Operation, input map[string]any, at time.Time) (claim, error) {
	if len(key) > maxIdempotencyKey {
		return claim{}, fault.New(fault.Invalid, "%s has %d bytes, expected at most %d", IdempotencyHeader, len(key), maxIdempotencyKey)
	}
	body, err := json.Marshal(input)
	if err != nil {
		return claim{}, fault.Wrap(fault.Internal, err, "encode input of %s", o.Name)
	}
	return claim{
		pk:      "ANSWER#" + digest(c.Token, key),
		request: digest(o.Name, string(body)),
		key:     key,
		at:      at,
	}, nil
}

func digest(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return hex.EncodeToString(sum[:16])
}

// claim takes the key for a request. It returns the answer of an earlier,
// equal request, if there is one. fault.Conflict: an equal one is under way.
// fault.Invalid: the key was used for another request.
func (a *Answers) claim(ctx context.Context, c claim) (answer []byte, err error) {
	item := ddb.Key(c.pk, answerSort)
	item[attrRequest] = ddb.S(c.request)
	item[attrClaimed] = ddb.N(c.at.Add(claimHeld).Unix())
	item[ddb.ExpireAt] = ddb.N(c.at.Add(answersKept).Unix())
	_, err = a.Table.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &a.Table.Name, Item: item,
		ConditionExpression:                 aws.String("attribute_not_exists(pk) OR expire_at <= :now OR (attribute_not_exists(answer) AND claimed_until <= :now)"),
		ExpressionAttributeValues:           ddb.Item{":now": ddb.N(c.at.Unix())},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	found, refused := ddb.Refused(err)
	if !refused {
		return nil, ddb.Fault(err, "claim idempotency key")
	}
	if ddb.Text(found, attrRequest) != c.request {
		return nil, &fault.Error{Kind: fault.Invalid, Text: "the key was used for another request", Fields: []fault.Field{
			{Path: IdempotencyHeader, Problem: "was used within 24 hours for a request that differs from this one"},
		}}
	}
	stored, ok := found[attrAnswer].(*types.AttributeValueMemberB)
	if !ok {
		return nil, fault.New(fault.Conflict, "a request with this %s is under way; try again in %s s", IdempotencyHeader, strconv.Itoa(int(claimHeld.Seconds())))
	}
	return stored.Value, nil
}

// maxAnswer bounds what is kept of an answer: an item holds 400 KB.
const maxAnswer = 300 << 10

// settle keeps the answer of a claim. Where it fails the request still
// succeeded; a repeat within the minute is refused, later it runs again.
func (a *Answers) settle(ctx context.Context, log *slog.Logger, c claim, answer []byte) {
	if len(answer) > maxAnswer {
		answer = []byte("{}")
	}
	u := &ddb.Update{}
	u.Set(attrAnswer, ddb.B(answer))
	u.Require(attrRequest, ddb.S(c.request))
	err := a.Table.Apply(ctx, ddb.Key(c.pk, answerSort), u)
	if err != nil {
		log.WarnContext(ctx, "answer not kept for repeats", "err", err)
	}
}

// release frees the key of a request that failed.
func (a *Answers) release(ctx context.Context, log *slog.Logger, c claim) {
	_, err := a.Table.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &a.Table.Name, Key: ddb.Key(c.pk, answerSort)})
	if err != nil {
		log.WarnContext(ctx, "idempotency key not freed", "err", err)
	}
}
