package harness

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"tocsin/local/stack"
	"tocsin/shared/intake"
	"tocsin/shared/queue"
)

// Configure changes the stack's configuration as a test needs it.
func Configure(change func(*stack.Config)) Option { return change }

// Kill ends the processes of a function of this stack, whatever they do, as
// the service does with a machine that fails. It returns how many it ended,
// and may be called from any goroutine.
func (h *Harness) Kill(logicalID string) (int, error) {
	ctx, cancel := h.Context()
	defer cancel()
	a, err := h.Activity(ctx)
	if err != nil {
		return 0, err
	}
	killed := 0
	for _, pid := range a.Processes[h.Resource(logicalID)] {
		err := syscall.Kill(pid, syscall.SIGKILL)
		if err == nil {
			killed++
		} else if !errors.Is(err, syscall.ESRCH) {
			return killed, err
		}
	}
	return killed, nil
}

// Await waits until something has come true, without waiting for what else is
// in flight.
func (h *Harness) Await(what string, come func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); !come(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// Enqueue puts texts into a queue of the template.
func (h *Harness) Enqueue(logicalID string, texts ...string) *Harness {
	h.t.Helper()
	ctx, cancel := h.Context()
	defer cancel()
	entries := make([]queue.Entry, len(texts))
	for i, text := range texts {
		entries[i].Body = text
	}
	if err := h.queue(logicalID).SendAll(ctx, entries); err != nil {
		h.t.Fatal(err)
	}
	return h
}

// Delivered returns the queue's message of a delivery, as if ingest had accepted
// it at an instant.
func (h *Harness) Delivered(id string, at time.Time, alerts ...intake.Item) string {
	h.t.Helper()
	body, err := intake.Encode(intake.Delivery{
		ID: id, Integration: "prometheus", Source: "prometheus", ReceivedAt: at, BodyHash: "00", Text: "{}", Items: alerts,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return string(body)
}

// Waiting returns how many messages a queue of the template holds.
func (h *Harness) Waiting(logicalID string) int {
	h.t.Helper()
	a, err := h.Activity(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	url := h.Resource(logicalID)
	q := a.Queues[url[strings.LastIndexByte(url, '/')+1:]]
	return q.Visible + q.InFlight + q.Delayed
}

// FunctionLog is what the functions wrote so far.
func (h *Harness) FunctionLog() string {
	h.t.Helper()
	functions, _ := h.Logs()
	text, err := os.ReadFile(functions)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

// Started names the episode of an alert as the source does: by its start time.
func (h *Harness) Started(a Alert) string {
	return h.start.Add(time.Duration(a.Episode) * time.Minute).Format(time.RFC3339Nano)
}

// DeadAfter gives a queue's messages so many tries instead of the template's;
// where they end then stays the same.
func (h *Harness) DeadAfter(logicalID string, tries int) {
	h.t.Helper()
	ctx, cancel := h.Context()
	defer cancel()
	api, url := sqs.NewFromConfig(h.SDK()), h.Resource(logicalID)
	const policy = types.QueueAttributeNameRedrivePolicy
	got, err := api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{policy}})
	if err != nil {
		h.t.Fatal(err)
	}
	var redrive map[string]any
	if err := json.Unmarshal([]byte(got.Attributes[string(policy)]), &redrive); err != nil {
		h.t.Fatalf("%s has no redrive policy: %v", logicalID, err)
	}
	redrive["maxReceiveCount"] = tries
	text, err := json.Marshal(redrive)
	if err != nil {
		h.t.Fatal(err)
	}
	in := &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{string(policy): string(text)}}
	if _, err := api.SetQueueAttributes(ctx, in); err != nil {
		h.t.Fatal(err)
	}
}
