// Package queue is thin plumbing over SQS: sending one message or many, and
// handling the batches that an event source brings, message by message or
// whole, with partial failures. It knows nothing of what messages say.
//
//	lambda.Start(queue.Each(log, metrics, func(ctx context.Context, m queue.Message) error { ... }))
package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/shared/awscall"
	"tocsin/shared/cloud"
	"tocsin/shared/fault"
)

// MaxBody is the size in bytes up to which messages are sent here, batches
// included. SQS takes more since 2025 (Amazon SQS developer guide, "Message
// quotas": 1 MiB), but bills each 64 KB.
const MaxBody = 256 << 10

// maxBatch is the number of entries that one SendMessageBatch takes.
const maxBatch = 10

// Sender sends to one queue. It is safe for concurrent use.
type Sender struct {
	client *awscall.Client
	url    string
}

// Entry is one message to be sent. Group names the tenant of a fair standard
// queue, so that a noisy one does not starve the others (Amazon SQS developer
// guide, "Amazon SQS fair queues"); "" is none. Body is text in UTF-8. Delay is
// at most 15 minutes.
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
	return To(cfg, env, url), nil
}

// To returns the sender to the queue of a URL.
func To(cfg aws.Config, env cloud.Lookup, url string) *Sender {
	return &Sender{awscall.Open(cfg, env, awscall.Service{Name: "sqs", Target: "AmazonSQS", Media: "application/x-amz-json-1.0"}), url}
}

// message is an [Entry] as SQS takes it, alone or, with an id, in a batch.
type message struct {
	ID    string `json:"Id,omitempty"`
	URL   string `json:"QueueUrl,omitempty"`
	Group string `json:"MessageGroupId,omitempty"`
	Delay int    `json:"DelaySeconds,omitempty"`
	Body  string `json:"MessageBody"`
}

// taken is what SQS says of a message that it took. It says the MD5 of the body
// too, which tells nothing more: a request whose body has not the hash that was
// signed is refused.
type taken struct {
	ID        string `json:"Id"`
	MessageID string `json:"MessageId"`
}

// Send sends one message. A failure is of kind Unavailable.
func (s *Sender) Send(ctx context.Context, e Entry) error {
	var out taken
	err := s.client.JSON(ctx, "SendMessage", message{URL: s.url, Group: e.Group, Delay: seconds(e.Delay), Body: e.Body}, &out)
	if err == nil && out.MessageID == "" {
		err = errors.New("the answer names no message")
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "send message")
	}
	return nil
}

// maxDelay is the longest delay that SQS takes.
const maxDelay = 15 * time.Minute

func seconds(d time.Duration) int {
	return int((min(max(d, 0), maxDelay) + time.Second - 1) / time.Second)
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
// that fails as a whole was repeated already.
func (s *Sender) sendOnce(ctx context.Context, entries []Entry, open []int, unsent *UnsentError) (again []int) {
	var out struct {
		Successful []taken
		Failed     []struct {
			ID          string `json:"Id"`
			Code        string
			SenderFault bool
		}
	}
	in := struct {
		URL     string `json:"QueueUrl"`
		Entries []message
	}{s.url, batch(entries, open)}
	if err := s.client.JSON(ctx, "SendMessageBatch", in, &out); err != nil {
		unsent.add(fault.Wrap(fault.Unavailable, err, "send %d messages", len(open)), open...)
		return nil
	}
	took, refused := map[string]bool{}, map[string]string{}
	for _, t := range out.Successful {
		took[t.ID] = t.MessageID != ""
	}
	for _, f := range out.Failed {
		if f.SenderFault {
			refused[f.ID] = f.Code
		}
	}
	for _, i := range open {
		id := strconv.Itoa(i)
		if code, ok := refused[id]; ok {
			unsent.add(fault.New(fault.Invalid, "the queue refused a message: %s", code), i)
		} else if !took[id] {
			again = append(again, i)
		}
	}
	return again
}

func batch(entries []Entry, open []int) []message {
	out := make([]message, 0, len(open))
	for _, i := range open {
		e := entries[i]
		out = append(out, message{ID: strconv.Itoa(i), Body: e.Body, Group: e.Group, Delay: seconds(e.Delay)})
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
