package tests

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"tocsin/shared/cloud"
	"tocsin/shared/queue"
	"tocsin/tests/harness"
)

// The queue holds the same message, whether it was sent by our client or by
// the SDK's.
func TestQueueTakesFromOurClientWhatItTakesFromTheSDK(t *testing.T) {
	h := harness.Start(t)
	ctx, cancel := h.Context()
	defer cancel()
	values := map[string]string{
		"AWS_REGION": h.SDK().Region, "AWS_ACCESS_KEY_ID": "000000000000", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL": *h.SDK().BaseEndpoint, "URL": h.Resource("AlertsDeadLetterQueue"), // nobody takes from it
	}
	env := func(name string) (string, bool) { v, ok := values[name]; return v, ok }
	cfg, err := cloud.Config(env)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := queue.Open(cfg, env, "URL")
	if err != nil {
		t.Fatal(err)
	}
	client := sqs.NewFromConfig(h.SDK())
	for _, e := range []queue.Entry{
		{Body: "text"},
		{Group: "int-1", Body: "quotes \" and \\, tabs\t, lines\n, ü, 警报, <&>"},
	} {
		for _, s := range []*queue.Sender{ours, {API: client, URL: ours.URL}} {
			if err := s.Send(ctx, e); err != nil {
				t.Fatal(err)
			}
		}
		var got []types.Message
		for range 20 {
			out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
				QueueUrl: &ours.URL, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 60,
				MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameMessageGroupId},
			})
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, out.Messages...); len(got) == 2 {
				break
			}
		}
		if len(got) != 2 {
			t.Fatalf("%d messages in the queue, want 2", len(got))
		}
		for _, m := range got {
			if aws.ToString(m.Body) != e.Body || m.Attributes["MessageGroupId"] != e.Group {
				t.Errorf("received %q of group %q, want %+v", aws.ToString(m.Body), m.Attributes["MessageGroupId"], e)
			}
		}
	}
	gone := queue.Sender{API: ours.API, URL: ours.URL + "-gone"}
	if err := gone.Send(ctx, queue.Entry{Body: "b"}); err == nil {
		t.Error("a queue that does not exist took a message")
	}
}
