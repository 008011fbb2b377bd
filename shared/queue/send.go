// Package queue is thin plumbing over SQS: sending one message or many, and
// handling the batches that an event source brings, message by message or
// whole, with partial failures. It knows nothing of what messages say.
//
//	lambda.Start(queue.Each(log, metrics, func(ctx context.Context, m queue.Message) error { ... }))
package queue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"tocsin/shared/cloud"
	"tocsin/shared/fault"
)

// MaxBody is the size in bytes up to which messages are sent here, batches
// included. SQS takes more since 2025 (Amazon SQS developer guide, "Message
// quotas": 1 MiB), but bills each 64 KB.
const MaxBody = 256 << 10

// maxBatch is the number of entries that one SendMessageBatch takes.
const maxBatch = 10

// API is the part of the SDK's client that sending needs.
type API interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Sender sends to one queue. It is safe for concurrent use.
type Sender struct {
	API API
	URL string
}

// Entry is one message to be sent. Group names the tenant of a fair standard
// queue, so that a noisy one does not starve the others (Amazon SQS developer
// guide, "Amazon SQS fair queues"); "" is none. Delay is at most 15 minutes.
type Entry struct {
	Group string
	Body  string
	Delay time.Duration
}

// Open returns the sender to the queue whose URL the environment variable
// urlVar holds.
func Open(cfg aws.Config, env cloud.Lookup, urlVar string) (*Sender, error) {
	url, ok := env(urlVar)
	if !ok || url == "" {
		return nil, fmt.Errorf("%s is not set", urlVar)
	}
	client, err := newClient(cfg, cloud.Endpoint(env, "SQS"))
	if err != nil {
		return nil, err
	}
	return &Sender{API: client, URL: url}, nil
}

// Send sends one message. A failure is of kind Unavailable.
func (s *Sender) Send(ctx context.Context, e Entry) error {
	_, err := s.API.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &s.URL, MessageBody: &e.Body, MessageGroupId: group(e), DelaySeconds: seconds(e.Delay),
	})
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "send message")
	}
	return nil
}

func group(e Entry) *string {
	if e.Group == "" {
		return nil
	}
	return &e.Group
}

// maxDelay is the longest delay that SQS takes.
const maxDelay = 15 * time.Minute

func seconds(d time.Duration) int32 {
	return int32((min(max(d, 0), maxDelay) + time.Second - 1) / time.Second)
}

// UnsentError names the entries of a [Sender.SendAll] that were not sent, by
// index. An entry whose answer was lost may have been sent all the same.
type UnsentError struct {
	Entries []int
	Cause   error // of kind Unavailable, or Invalid when the queue refused an entry
}

func (e *UnsentError) Error() string {
	return fmt.Sprintf("%d messages not sent: %v", len(e.Entries), e.Cause)
}

// Unwrap returns the cause.
func (e *UnsentError) Unwrap() error { return e.Cause }

func (e *UnsentError) add(cause error, entries ...int) {
	e.Entries = append(e.Entries, entries...)
	e.Cause = cause
}

// SendAll sends entries in as few calls as their number and size allow, and
// sends again what a call took only in part. It returns *UnsentError when some
// were not sent; the others were.
func (s *Sender) SendAll(ctx context.Context, entries []Entry) error {
	var unsent UnsentError
	for from := 0; from < len(entries); {
		to := chunkEnd(entries, from)
		s.sendChunk(ctx, entries, from, to, &unsent)
		from = to
	}
	if len(unsent.Entries) == 0 {
		return nil
	}
	return &unsent
}

func chunkEnd(entries []Entry, from int) int {
	size, to := 0, from
	for to < len(entries) && to-from < maxBatch {
		if size += len(entries[to].Body); size > MaxBody && to > from {
			break
		}
		to++
	}
	return to
}

// resends bounds how often a chunk is sent again for entries that failed.
const resends = 4

// sendChunk sends entries[from:to] and adds to unsent those that were not sent.
func (s *Sender) sendChunk(ctx context.Context, entries []Entry, from, to int, unsent *UnsentError) {
	open := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		open = append(open, i)
	}
	for try := 0; len(open) > 0; try++ {
		if try > resends || try > 0 && pause(ctx, try) != nil {
			unsent.add(fault.New(fault.Unavailable, "the queue did not take %d messages", len(open)), open...)
			return
		}
		open = s.sendOnce(ctx, entries, open, unsent)
	}
}

// sendOnce makes one call and returns the entries worth sending again. A call
// that fails as a whole was repeated by the SDK already.
func (s *Sender) sendOnce(ctx context.Context, entries []Entry, open []int, unsent *UnsentError) (again []int) {
	out, err := s.API.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &s.URL, Entries: batch(entries, open)})
	if err != nil {
		unsent.add(fault.Wrap(fault.Unavailable, err, "send %d messages", len(open)), open...)
		return nil
	}
	for _, f := range out.Failed {
		switch i, err := strconv.Atoi(aws.ToString(f.Id)); {
		case err != nil:
			unsent.add(fault.New(fault.Unavailable, "the queue answered for an unknown entry"), open...)
			return nil
		case f.SenderFault:
			unsent.add(fault.New(fault.Invalid, "the queue refused a message: %s", aws.ToString(f.Code)), i)
		default:
			again = append(again, i)
		}
	}
	return again
}

func batch(entries []Entry, open []int) []types.SendMessageBatchRequestEntry {
	out := make([]types.SendMessageBatchRequestEntry, 0, len(open))
	for _, i := range open {
		e := entries[i]
		out = append(out, types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: &e.Body, MessageGroupId: group(e), DelaySeconds: seconds(e.Delay),
		})
	}
	return out
}

// pause waits 50 ms before the first resend and twice as long before each next.
func pause(ctx context.Context, try int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(25 * time.Millisecond << try):
		return nil
	}
}
