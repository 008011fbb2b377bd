package tests

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"tocsin/shared/queue"
	"tocsin/tests/harness"
)

// The queue holds the same message, whether it was sent alone or in a batch, by
// our client or by the SDK's.
func TestQueueTakesFromOurClientWhatItTakesFromTheSDK(t *testing.T) {
	h := harness.Start(t)
	ctx, cancel := h.Context()
	defer cancel()
	env := func(name string) (string, bool) { return *h.SDK().BaseEndpoint, name == "AWS_ENDPOINT_URL" }
	url := h.Resource("AlertsDeadLetterQueue") // nobody takes from it
	ours := queue.To(h.SDK(), env, url)
	client := sqs.NewFromConfig(h.SDK())
	for _, e := range []queue.Entry{
		{Body: "text"},
		{Group: "int-1", Body: "quotes \" and \\, tabs\t, lines\n, ü, 警报, <&>"},
	} {
		group := &e.Group
		if e.Group == "" {
			group = nil
		}
		_, errSDK := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &e.Body, MessageGroupId: group})
		if err := errors.Join(errSDK, ours.Send(ctx, e), ours.SendAll(ctx, []queue.Entry{e})); err != nil {
			t.Fatal(err)
		}
		var got []types.Message
		for range 20 {
			out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
				QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 60,
				MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameMessageGroupId},
			})
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, out.Messages...); len(got) == 3 {
				break
			}
		}
		if len(got) != 3 {
			t.Fatalf("%d messages in the queue, want 3", len(got))
		}
		for _, m := range got {
			if aws.ToString(m.Body) != e.Body || m.Attributes["MessageGroupId"] != e.Group {
				t.Errorf("received %q of group %q, want %+v", aws.ToString(m.Body), m.Attributes["MessageGroupId"], e)
			}
		}
	}
	if err := queue.To(h.SDK(), env, url+"-gone").Send(ctx, queue.Entry{Body: "b"}); err == nil {
		t.Error("a queue that does not exist took a message")
	}
}
