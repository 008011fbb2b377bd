package queue

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"tocsin/shared/fault"
)

// fakeSQS refuses bodies by what they say; "twice" succeeds at the second try.
type fakeSQS struct {
	err   error // of every call
	calls []asked
}

type asked struct {
	target, media string
	body          map[string]any
}

func (a asked) bodies() (all []string) {
	list, _ := a.body["Entries"].([]any)
	for _, e := range list {
		body := e.(map[string]any)["MessageBody"].(string)
		all = append(all, body[:min(len(body), 8)])
	}
	return all
}

func (f *fakeSQS) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.err != nil {
		return nil, f.err
	}
	a := asked{target: r.Header.Get("X-Amz-Target"), media: r.Header.Get("Content-Type")}
	if err := json.NewDecoder(r.Body).Decode(&a.body); err != nil {
		return nil, err
	}
	f.calls = append(f.calls, a)
	answer, err := json.Marshal(f.answer(a.body))
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(answer))}, err
}

func (f *fakeSQS) answer(in map[string]any) any {
	list, batch := in["Entries"].([]any)
	if !batch {
		return took(in, in["MessageBody"])
	}
	var done, failed []any
	for _, e := range list {
		entry := e.(map[string]any)
		switch body := entry["MessageBody"]; {
		case body == "refused":
			failed = append(failed, map[string]any{"Id": entry["Id"], "Code": "InvalidMessageContents", "SenderFault": true})
		case body == "never", body == "twice" && len(f.calls) == 1:
			failed = append(failed, map[string]any{"Id": entry["Id"], "Code": "InternalError", "SenderFault": false})
		case body != "forgotten":
			done = append(done, took(entry, body))
		}
	}
	return map[string]any{"Successful": done, "Failed": failed}
}

// took is what SQS says of a message that it took.
func took(entry map[string]any, body any) any {
	sum := md5.Sum([]byte(body.(string))) // the SDK checks it
	if body == "nameless" {
		return map[string]any{"Id": entry["Id"]}
	}
	return map[string]any{"Id": entry["Id"], "MessageId": "m-1", "MD5OfMessageBody": hex.EncodeToString(sum[:])}
}

var config = aws.Config{Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "hush"}, nil
})}

const url = "https://sqs.eu-west-1.amazonaws.com/1/alerts"

func (f *fakeSQS) sender() *Sender {
	s := To(config, none, url)
	s.client.Transport = f
	return s
}

// TestSenderAsksWhatTheSDKAsks compares both by what the queue receives.
func TestSenderAsksWhatTheSDKAsks(t *testing.T) {
	ours, theirs := &fakeSQS{}, &fakeSQS{}
	cfg := config
	cfg.HTTPClient = &http.Client{Transport: theirs}
	sdk, queueURL := sqs.NewFromConfig(cfg), url
	for _, e := range []Entry{
		{Body: "text"},
		{Group: "int-1", Body: "quotes \" and \\, tabs\t, lines\n, \u2028, ü, 警报, <&>"},
		{Body: "later", Delay: 1500 * time.Millisecond},
		{Body: "much later", Delay: time.Hour},
	} {
		var group *string
		if e.Group != "" {
			group = &e.Group
		}
		delay := map[time.Duration]int32{1500 * time.Millisecond: 2, time.Hour: 900}[e.Delay]
		_, err := sdk.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &queueURL, MessageBody: &e.Body, MessageGroupId: group, DelaySeconds: delay})
		if err := errors.Join(err, ours.sender().Send(t.Context(), e)); err != nil {
			t.Fatal(err)
		}
		_, err = sdk.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &queueURL, Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("0"), MessageBody: &e.Body, MessageGroupId: group, DelaySeconds: delay},
		}})
		if err := errors.Join(err, ours.sender().SendAll(t.Context(), []Entry{e})); err != nil {
			t.Fatal(err)
		}
	}
	for i := range theirs.calls {
		if !reflect.DeepEqual(ours.calls[i], theirs.calls[i]) {
			t.Errorf("asked    %+v\nthe SDK asks %+v", ours.calls[i], theirs.calls[i])
		}
	}
}

func TestSendFailsUnlessTheQueueTookTheMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			body string
			err  error
			says string
		}{{"b", nil, ""}, {"nameless", nil, "names no message"}, {"b", errors.New("no route"), "no route"}} {
			f := &fakeSQS{err: c.err}
			err := f.sender().Send(t.Context(), Entry{Body: c.body})
			if (err == nil) != (c.says == "") || err != nil && (!fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%q: %v, want it to say %q", c.body, err, c.says)
			}
		}
	})
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
		{"neither taken nor refused", []string{"forgotten"}, nil, slices.Repeat([][]string{{"forgotte"}}, 5), []int{0}, fault.Unavailable},
		{"no message is named", []string{"nameless"}, nil, slices.Repeat([][]string{{"nameless"}}, 5), []int{0}, fault.Unavailable},
		{"call fails", []string{"a"}, errors.New("no route"), nil, []int{0}, fault.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeSQS{err: c.err}
				err := f.sender().SendAll(t.Context(), entries(c.bodies...))
				var calls [][]string
				for _, a := range f.calls {
					calls = append(calls, a.bodies())
				}
				if !reflect.DeepEqual(calls, c.calls) {
					t.Errorf("calls %v, want %v", calls, c.calls)
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
