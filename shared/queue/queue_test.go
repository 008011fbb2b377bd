package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

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
