package ops

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/event"
	"tocsin/shared/fault"
)

// AuditEntry says who changed what. It holds no secret.
type AuditEntry struct {
	ID        string      `json:"id" doc:"Time and a random part; entries sort by it."`
	At        time.Time   `json:"at" table:"AT"`
	By        event.Actor `json:"by" table:"BY"`
	Token     string      `json:"token" doc:"Name of the token that was used."`
	Operation string      `json:"operation" table:"OPERATION"`
	Target    string      `json:"target,omitempty" table:"TARGET"`
	Before    string      `json:"before,omitempty" table:"BEFORE"`
	After     string      `json:"after,omitempty" table:"AFTER"`
}

func entryOf(o *Operation, c *Caller, at time.Time) AuditEntry {
	return AuditEntry{
		ID: entryID(at), At: at,
		By: c.Actor(), Token: c.Token, Operation: o.Name,
		Target: c.target, Before: c.before, After: c.after,
	}
}

// entryID sorts by time; the random part tells entries of one instant apart.
func entryID(at time.Time) string { return clock.Format(at) + "#" + strings.ToLower(rand.Text()[:8]) }

// AuditLog keeps audit entries in the config table, one partition a month.
// Entries are only ever added.
type AuditLog struct {
	Table ddb.Table
}

const attrBody = "body"

func auditPartition(month string) string { return "AUDIT#" + month }

// monthOf returns the month of an instant, as partitions name it.
func monthOf(at time.Time) string { return at.UTC().Format("2006-01") }

// Add keeps an entry.
func (l *AuditLog) Add(ctx context.Context, e AuditEntry) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encode audit entry")
	}
	item := ddb.Key(auditPartition(monthOf(e.At)), e.ID)
	item[attrBody] = ddb.B(body)
	_, err = l.Table.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &l.Table.Name, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	return ddb.Fault(err, "write audit entry of %s", e.Operation)
}

// note keeps the entry of a change that has happened. Where that fails the log
// holds the entry: to report the change as failed would be the greater lie.
func (l *AuditLog) note(ctx context.Context, log *slog.Logger, e AuditEntry) {
	if err := l.Add(ctx, e); err != nil {
		log.ErrorContext(ctx, "audit entry not kept", "err", err, "by", e.By, "token", e.Token, "operation", e.Operation,
			"target", e.Target, "before", e.Before, "after", e.After)
	}
}

// List returns a month's entries, newest first: those older than the id
// before, from the end when it is "".
func (l *AuditLog) List(ctx context.Context, month, before string, limit int) ([]AuditEntry, error) {
	in := &dynamodb.QueryInput{
		TableName:                 &l.Table.Name,
		KeyConditionExpression:    aws.String("pk = :p"),
		ExpressionAttributeValues: ddb.Item{":p": ddb.S(auditPartition(month))},
		ScanIndexForward:          aws.Bool(false),
		Limit:                     aws.Int32(int32(limit)),
	}
	if before != "" {
		in.KeyConditionExpression = aws.String("pk = :p AND sk < :b")
		in.ExpressionAttributeValues[":b"] = ddb.S(before)
	}
	out, err := l.Table.Query(ctx, in)
	if err != nil {
		return nil, ddb.Fault(err, "list audit entries of %s", month)
	}
	entries := make([]AuditEntry, len(out.Items))
	for i, item := range out.Items {
		if err := ddb.Decode(item, attrBody, &entries[i]); err != nil {
			return nil, err
		}
	}
	return entries, nil
}
