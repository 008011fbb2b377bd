package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"tocsin/shared/fault"
	"tocsin/shared/telemetry"
)

func none(string) (string, bool) { return "", false }

func received(bodies ...string) events.SQSEvent {
	var e events.SQSEvent
	for i, body := range bodies {
		e.Records = append(e.Records, events.SQSMessage{MessageId: fmt.Sprintf("m%d", i), Body: body, Attributes: map[string]string{
			"ApproximateReceiveCount": "2", "SentTimestamp": "1700000000123", "MessageGroupId": "int-1"}})
	}
	return e
}

func failed(r events.SQSEventResponse) []string {
	var ids []string
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

// act does what the body says.
func act(_ context.Context, m Message) error {
	switch m.Body {
	case "invalid":
		return fault.New(fault.Invalid, "no delivery")
	case "unavailable":
		return fault.New(fault.Unavailable, "throttled")
	case "panic":
		panic("boom")
	}
	return nil
}

func TestEachReportsTheMessagesThatFailed(t *testing.T) {
	var log, counted bytes.Buffer
	h := Each(telemetry.NewLogger(&log, none), telemetry.NewMetrics(&counted, none), act)
	got, err := h(t.Context(), received("ok", "invalid", "panic", "unavailable", "ok"))
	if want := []string{"m1", "m2", "m3"}; err != nil || !slices.Equal(failed(got), want) {
		t.Fatalf("failed %v, %v; want %v", failed(got), err, want)
	}
	for _, want := range []string{`"reason":"invalid"`, `"reason":"panic"`, `"reason":"unavailable"`} {
		if !strings.Contains(log.String(), want) || !strings.Contains(counted.String(), want) {
			t.Errorf("%s is missing in the log or the metrics:\n%s%s", want, log.String(), counted.String())
		}
	}
	if n := strings.Count(log.String(), `"outcome":"done"`); n != 2 {
		t.Errorf("%d messages logged as done, want 2", n)
	}
}

func TestEachHandsOverTheMessage(t *testing.T) {
	var got Message
	h := Each(telemetry.NewLogger(&bytes.Buffer{}, none), nil, func(_ context.Context, m Message) error { got = m; return nil })
	if _, err := h(t.Context(), received("body")); err != nil {
		t.Fatal(err)
	}
	want := Message{ID: "m0", Body: "body", Group: "int-1", SentAt: time.UnixMilli(1700000000123).UTC(), Tries: 2}
	if got != want {
		t.Errorf("message %+v, want %+v", got, want)
	}
}

func TestEachStopsBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		var log bytes.Buffer
		h := Each(telemetry.NewLogger(&log, none), nil, func(ctx context.Context, m Message) error {
			time.Sleep(1500 * time.Millisecond)
			return ctx.Err()
		})
		got, _ := h(ctx, received("a", "b", "c"))
		if want := []string{"m2"}; !slices.Equal(failed(got), want) || !strings.Contains(log.String(), `"reason":"untried"`) {
			t.Errorf("failed %v, want %v; log %s", failed(got), want, log.String())
		}
	})
}

func TestBatchFailsWhatHasNoGoodResult(t *testing.T) {
	bad := errors.New("bad")
	for _, c := range []struct {
		name   string
		handle func(context.Context, []Message) []error
		want   []string
	}{
		{"all done", func(_ context.Context, ms []Message) []error { return make([]error, len(ms)) }, nil},
		{"one failed", func(context.Context, []Message) []error { return []error{nil, bad, nil} }, []string{"m1"}},
		{"no results", func(context.Context, []Message) []error { return nil }, []string{"m0", "m1", "m2"}},
		{"too few results", func(context.Context, []Message) []error { return []error{nil, nil} }, []string{"m2"}},
		{"panic", func(context.Context, []Message) []error { panic("boom") }, []string{"m0", "m1", "m2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Batch(telemetry.NewLogger(&bytes.Buffer{}, none), nil, c.handle)(t.Context(), received("a", "b", "c"))
			if err != nil || !slices.Equal(failed(got), c.want) {
				t.Errorf("failed %v, %v; want %v", failed(got), err, c.want)
			}
		})
	}
}

func TestBatchWithoutTimeIsNotTried(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), startMargin/2)
	defer cancel()
	h := Batch(telemetry.NewLogger(&bytes.Buffer{}, none), nil, func(context.Context, []Message) []error {
		t.Error("was tried")
		return nil
	})
	if got, _ := h(ctx, received("a")); len(failed(got)) != 1 {
		t.Errorf("failed %v", failed(got))
	}
}

// fake refuses bodies by what they say; "twice" succeeds at the second try.
type fake struct {
	calls [][]string
	sent  []sqs.SendMessageInput
	err   error
}

func (f *fake) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	f.sent = append(f.sent, *in)
	return &sqs.SendMessageOutput{}, f.err
}

func (f *fake) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	var bodies []string
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		body := *e.MessageBody
		bodies = append(bodies, body[:min(len(body), 8)])
		first := len(f.calls) == 0
		switch {
		case body == "refused":
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InvalidMessageContents"), SenderFault: true})
		case body == "never", body == "twice" && first:
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError")})
		}
	}
	f.calls = append(f.calls, bodies)
	return out, f.err
}

func entries(bodies ...string) []Entry {
	var out []Entry
	for _, b := range bodies {
		out = append(out, Entry{Body: b})
	}
	return out
}

func TestSendAllSendsAgainWhatFailed(t *testing.T) {
	big := strings.Repeat("b", MaxBody/2+1)
	for _, c := range []struct {
		name   string
		bodies []string
		err    error
		calls  [][]string
		unsent []int
		kind   fault.Kind
	}{
		{"nothing", nil, nil, nil, nil, 0},
		{"twelve", strings.Split("abcdefghijkl", ""), nil, [][]string{strings.Split("abcdefghij", ""), {"k", "l"}}, nil, 0},
		{"second try", []string{"a", "twice"}, nil, [][]string{{"a", "twice"}, {"twice"}}, nil, 0},
		{"by size", []string{big, big}, nil, [][]string{{"bbbbbbbb"}, {"bbbbbbbb"}}, nil, 0},
		{"refused", []string{"a", "refused", "twice"}, nil, [][]string{{"a", "refused", "twice"}, {"twice"}}, []int{1}, fault.Invalid},
		{"never", []string{"never", "a"}, nil, [][]string{{"never", "a"}, {"never"}, {"never"}, {"never"}, {"never"}}, []int{0}, fault.Unavailable},
		{"call fails", []string{"a"}, errors.New("no route"), [][]string{{"a"}}, []int{0}, fault.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{err: c.err}
				err := (&Sender{API: f, URL: "q"}).SendAll(t.Context(), entries(c.bodies...))
				if !reflect.DeepEqual(f.calls, c.calls) {
					t.Errorf("calls %v, want %v", f.calls, c.calls)
				}
				var unsent []int
				if e, ok := errors.AsType[*UnsentError](err); ok {
					unsent = e.Entries
				}
				if !slices.Equal(unsent, c.unsent) || err != nil && fault.KindOf(err) != c.kind {
					t.Errorf("unsent %v, err %v; want %v", unsent, err, c.unsent)
				}
			})
		})
	}
}

func TestSendNamesGroupAndDelay(t *testing.T) {
	f := &fake{}
	s := &Sender{API: f, URL: "q"}
	if err := s.Send(t.Context(), Entry{Group: "int-1", Body: "b", Delay: 1500 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), Entry{Body: "b", Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if g := f.sent[0]; aws.ToString(g.MessageGroupId) != "int-1" || g.DelaySeconds != 2 || *g.QueueUrl != "q" {
		t.Errorf("sent %+v", g)
	}
	if g := f.sent[1]; g.MessageGroupId != nil || g.DelaySeconds != 900 {
		t.Errorf("sent %+v", g)
	}
}

func TestSendThatFailsIsWorthARetry(t *testing.T) {
	err := (&Sender{API: &fake{err: errors.New("no route")}, URL: "q"}).Send(t.Context(), Entry{Body: "b"})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("err %v", err)
	}
}
