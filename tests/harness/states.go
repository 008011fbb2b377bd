package harness

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"tocsin/shared/ddb"
	"tocsin/shared/outbox"
	"tocsin/shared/queue"
)

// Logical ids of the state machines.
const (
	EventMachine    = "EventLifecycle"
	IncidentMachine = "IncidentLifecycle"
)

// States is a client of Step Functions.
func (h *Harness) States() *sfn.Client {
	return sfn.NewFromConfig(h.SDK(), func(o *sfn.Options) { o.BaseEndpoint = aws.String(h.Addresses.States) })
}

// StopExecution stops the execution that drives an event, as an operator does
// by hand.
func (h *Harness) StopExecution(id string) *Harness {
	h.t.Helper()
	e := h.Event(id)
	return h.Stopped(EventMachine, e.ExecutionName())
}

// Stopped stops an execution of a machine by name. The service gives notice of
// it.
func (h *Harness) Stopped(machine, name string) *Harness {
	h.t.Helper()
	arn := strings.Replace(h.Resource(machine), ":stateMachine:", ":execution:", 1) + ":" + name
	if _, err := h.States().StopExecution(context.Background(), &sfn.StopExecutionInput{ExecutionArn: &arn}); err != nil {
		h.t.Fatalf("stop the execution %s: %v", name, err)
	}
	return h.Settled()
}

// WakeMachine wakes the machine that waits for an event without a reason.
func (h *Harness) WakeMachine(id string) {
	h.t.Helper()
	h.WakeToken(h.Event(id).Token)
}

// WakeToken ends the wait of a token, if there is one.
func (h *Harness) WakeToken(token string) {
	h.t.Helper()
	_, err := h.States().SendTaskSuccess(context.Background(), &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String("{}")})
	_, late := errors.AsType[*types.TaskTimedOut](err)
	_, gone := errors.AsType[*types.TaskDoesNotExist](err)
	if err != nil && !late && !gone {
		h.t.Fatal(err)
	}
	h.Settled()
}

// BreakMachine makes every new execution of a machine fail at once, until the
// function that it returns is called.
func (h *Harness) BreakMachine(logicalID string) (restore func()) {
	h.t.Helper()
	arn := h.Resource(logicalID)
	before, err := h.States().DescribeStateMachine(context.Background(), &sfn.DescribeStateMachineInput{StateMachineArn: &arn})
	if err != nil {
		h.t.Fatal(err)
	}
	define := func(definition string) {
		h.t.Helper()
		in := &sfn.UpdateStateMachineInput{StateMachineArn: &arn, Definition: &definition}
		if _, err := h.States().UpdateStateMachine(context.Background(), in); err != nil {
			h.t.Fatal(err)
		}
	}
	define(`{"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "Broken", "Cause": "by a test"}}}`)
	return func() { define(*before.Definition) }
}

// PostAgain hands every message of an event over once more.
func (h *Harness) PostAgain(id string) {
	h.t.Helper()
	ctx, cancel := h.Context()
	defer cancel()
	messages, err := h.Outbox().OfEvent(ctx, id)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := (&outbox.Post{Queue: h.queue("MessagesQueue")}).Send(ctx, messages); err != nil {
		h.t.Fatal(err)
	}
	h.Settled()
}

// Repair hands an entry of the index of deadlines to whoever repairs it, as a
// queue does that delivers again.
func (h *Harness) Repair(kind string, key ddb.Item) {
	h.t.Helper()
	body, err := json.Marshal(map[string]any{"v": 1, "kind": kind, "pk": ddb.Text(key, ddb.PK), "sk": ddb.Text(key, ddb.SK)})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := h.Context()
	defer cancel()
	if err := h.queue("SweepsQueue").Send(ctx, queue.Entry{Group: kind, Body: string(body)}); err != nil {
		h.t.Fatal(err)
	}
	h.Settled()
}

// queue sends to a queue of the stack.
func (h *Harness) queue(logicalID string) *queue.Sender {
	env := func(name string) (string, bool) { return *h.SDK().BaseEndpoint, name == "AWS_ENDPOINT_URL" }
	return queue.To(h.SDK(), env, h.Resource(logicalID))
}
