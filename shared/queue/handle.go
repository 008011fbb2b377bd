package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"tocsin/shared/fault"
	"tocsin/shared/telemetry"
)

// Message is one message as received.
type Message struct {
	ID     string
	Body   string
	Group  string    // message group, "" when it has none
	SentAt time.Time // the queue's clock
	Tries  int       // how often it was received, this time included
}

// Response is the function type that the Lambda runtime starts: it answers
// with the messages that failed (Lambda developer guide, "Implementing partial
// batch responses"; the event source needs ReportBatchItemFailures).
type Response = func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// startMargin is the time that must be left before the function's deadline for
// another message to be tried; answerMargin is kept from the handler's own
// deadline, so that the answer gets out.
const (
	startMargin  = time.Second
	answerMargin = 300 * time.Millisecond
)

// Why a message failed, beside the kinds of fault.
var (
	errUntried  = errors.New("not tried: the function's deadline is near")
	errPanic    = errors.New("panic")
	errNoResult = errors.New("the handler returned no result for it")
	errTimeout  = errors.New("the function's deadline is near")
)

// Each handles a batch message by message. A message has failed unless handle
// returned nil for it: a panic fails that message alone, and those for which
// no time is left are reported untried. An error of kind Invalid can never
// succeed; it is logged as such and fails too, so that the message reaches the
// dead-letter queue. metrics may be nil.
func Each(log *slog.Logger, metrics *telemetry.Metrics, handle func(context.Context, Message) error) Response {
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		ctx, cancel := bounded(ctx)
		defer cancel()
		out := outcomes{log: log, metrics: metrics}
		for _, m := range messages(e) {
			start := time.Now()
			one := telemetry.With(ctx, slog.String("message_id", m.ID))
			out.note(one, m, try(one, m, handle), start)
		}
		metrics.Flush(ctx)
		return out.response, nil
	}
}

func try(ctx context.Context, m Message, handle func(context.Context, Message) error) (err error) {
	if !timeLeft(ctx) {
		return errUntried
	}
	defer recovered(&err)
	return handle(ctx, m)
}

// Batch hands over the whole batch at once. handle returns one result for each
// message, in order, nil for success; a message without a result has failed,
// and after a panic all have. Failures have a line each, the batch has one; what
// was done with a message that succeeded is handle's to tell. metrics may be
// nil.
func Batch(log *slog.Logger, metrics *telemetry.Metrics, handle func(context.Context, []Message) []error) Response {
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		ctx, cancel := bounded(ctx)
		defer cancel()
		start, batch := time.Now(), messages(e)
		results, err := tryBatch(ctx, batch, handle)
		out := outcomes{log: log, metrics: metrics}
		for i, m := range batch {
			if err := resultOf(results, i, err); err != nil {
				out.note(telemetry.With(ctx, slog.String("message_id", m.ID)), m, err, start)
			}
		}
		metrics.Log(ctx, log, slog.LevelInfo, "batch handled", slog.Int("messages", len(batch)),
			slog.Int("failed", len(out.response.BatchItemFailures)), duration(start))
		return out.response, nil
	}
}

func tryBatch(ctx context.Context, batch []Message, handle func(context.Context, []Message) []error) (results []error, err error) {
	if !timeLeft(ctx) {
		return nil, errUntried
	}
	defer recovered(&err)
	return handle(ctx, batch), nil
}

func resultOf(results []error, i int, err error) error {
	if err != nil {
		return err
	}
	if i >= len(results) {
		return errNoResult
	}
	return results[i]
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
	}
}

// bounded ends the handlers' context before the function's own deadline.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, deadline.Add(-answerMargin), errTimeout)
}

func timeLeft(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > startMargin-answerMargin)
}

func messages(e events.SQSEvent) []Message {
	out := make([]Message, 0, len(e.Records))
	for _, r := range e.Records {
		out = append(out, messageOf(r))
	}
	return out
}

func messageOf(r events.SQSMessage) Message {
	m := Message{ID: r.MessageId, Body: r.Body, Group: r.Attributes["MessageGroupId"]}
	m.Tries, _ = strconv.Atoi(r.Attributes["ApproximateReceiveCount"])
	if ms, err := strconv.ParseInt(r.Attributes["SentTimestamp"], 10, 64); err == nil {
		m.SentAt = time.UnixMilli(ms).UTC()
	}
	return m
}

// outcomes collects the answer to the event source and tells of each message.
type outcomes struct {
	log      *slog.Logger
	metrics  *telemetry.Metrics
	response events.SQSEventResponse
}

func (o *outcomes) note(ctx context.Context, m Message, err error, start time.Time) {
	attrs := []slog.Attr{slog.Int("attempt", m.Tries), duration(start)}
	if err == nil {
		o.log.LogAttrs(ctx, slog.LevelInfo, "message handled", append(attrs, slog.String("outcome", "done"))...)
		return
	}
	o.response.BatchItemFailures = append(o.response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.ID})
	reason, level := classify(err)
	o.metrics.Add("MessagesFailed", 1, telemetry.Reason(reason))
	o.log.LogAttrs(ctx, level, "message handled",
		append(attrs, slog.String("outcome", "failed"), slog.String("reason", reason), slog.Any("err", err))...)
}

func duration(start time.Time) slog.Attr {
	return slog.Float64("duration_ms", float64(time.Since(start).Microseconds())/1e3)
}

// classify returns the word under which a failure is counted, and whether a
// person should look (error) or the next try may do (warning).
func classify(err error) (string, slog.Level) {
	switch {
	case errors.Is(err, errUntried):
		return "untried", slog.LevelWarn
	case errors.Is(err, errPanic):
		return "panic", slog.LevelError
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout", slog.LevelWarn
	case fault.KindOf(err).Retryable(), fault.Is(err, fault.Conflict):
		return fault.KindOf(err).String(), slog.LevelWarn
	}
	return fault.KindOf(err).String(), slog.LevelError
}
