package queue

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	smithyjson "github.com/aws/smithy-go/encoding/json"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// client sends single messages by the SDK's signer, retryer, HTTP client and
// errors, without the forty steps of middleware between them: each webhook
// waits for one send, and the steps took more processor time than the rest of
// its acceptance. Batches go by the SDK's own client. Unlike it, single sends
// do not correct a clock that is wrong.
type client struct {
	address  func() (string, error)
	region   string
	identity aws.CredentialsProvider
	retryer  aws.RetryerV2
	http     aws.HTTPClient
	signer   *v4.Signer
	batches  func() *sqs.Client
}

// newClient returns a client of the region's queues, or of endpoint.
func newClient(cfg aws.Config, endpoint *string) (*client, error) {
	retryer, ok := cfg.Retryer().(aws.RetryerV2)
	if !ok {
		return nil, fmt.Errorf("the retryer %T gives no tokens for attempts", cfg.Retryer())
	}
	transport := cfg.HTTPClient
	if transport == nil {
		transport = awshttp.NewBuildableClient()
	}
	return &client{
		address: sync.OnceValues(func() (string, error) { return address(cfg.Region, endpoint) }),
		region:  cfg.Region, identity: cfg.Credentials, retryer: retryer, http: transport, signer: v4.NewSigner(),
		batches: sync.OnceValue(func() *sqs.Client {
			return sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = endpoint })
		}),
	}, nil
}

// address asks the SDK, which knows the domains of all partitions.
func address(region string, endpoint *string) (string, error) {
	at, err := sqs.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), sqs.EndpointParameters{
		Region: &region, Endpoint: endpoint, UseDualStack: aws.Bool(false), UseFIPS: aws.Bool(false),
	})
	if err != nil {
		return "", fmt.Errorf("address of SQS in %q: %w", region, err)
	}
	return strings.TrimSuffix(at.URI.String(), "/") + "/", nil
}

// SendMessageBatch is that of the SDK.
func (c *client) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, options ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	return c.batches().SendMessageBatch(ctx, in, options...)
}

// SendMessage sends one message, again where the retryer says so, and checks
// that the queue took the body that was sent. It reads of in what [Sender.Send]
// sets, and takes no options.
func (c *client) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	call, out := sending{target: "AmazonSQS.SendMessage", body: encode(in), id: rand.Text()}, &sqs.SendMessageOutput{}
	if err := c.repeat(ctx, func() error { return c.post(ctx, call, out) }); err != nil {
		return nil, fmt.Errorf("SQS SendMessage: %w", err)
	}
	sum := md5.Sum([]byte(*in.MessageBody))
	if got := aws.ToString(out.MD5OfMessageBody); got != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("SQS SendMessage: message %s has MD5 %q in the queue, %x was sent", aws.ToString(out.MessageId), got, sum)
	}
	return out, nil
}

// sending is one call with all its attempts, which bear the same id, as those
// of the SDK do.
type sending struct {
	target string
	body   []byte
	id     string
}

func encode(in *sqs.SendMessageInput) []byte {
	e := smithyjson.NewEncoder()
	o := e.Object()
	o.Key("QueueUrl").String(*in.QueueUrl)
	if in.MessageGroupId != nil {
		o.Key("MessageGroupId").String(*in.MessageGroupId)
	}
	if in.DelaySeconds != 0 {
		o.Key("DelaySeconds").Integer(in.DelaySeconds)
	}
	o.Key("MessageBody").String(*in.MessageBody)
	o.Close()
	return e.Bytes()
}

// repeat makes attempts as the SDK does (aws-sdk-go-v2, aws/retry, Attempt).
func (c *client) repeat(ctx context.Context, attempt func() error) error {
	release := func(error) error { return nil }
	for n := 1; ; n++ {
		ended, err := c.retryer.GetAttemptToken(ctx)
		if err != nil {
			return err
		}
		err = attempt()
		if lost := errors.Join(release(err), ended(err)); lost != nil && err != nil {
			return errors.Join(err, lost)
		}
		if err == nil || n >= c.retryer.MaxAttempts() || !c.retryer.IsErrorRetryable(err) {
			return err
		}
		if release, err = c.wait(ctx, n, err); err != nil {
			return err
		}
	}
}

// wait takes the token of another attempt and waits for its time. It returns
// cause when there is none left.
func (c *client) wait(ctx context.Context, n int, cause error) (release func(error) error, err error) {
	release, err = c.retryer.GetRetryToken(ctx, cause)
	if err != nil {
		return nil, errors.Join(cause, err)
	}
	delay, err := c.retryer.RetryDelay(n, cause)
	if err != nil {
		return nil, errors.Join(cause, err)
	}
	select {
	case <-ctx.Done():
		return nil, &aws.RequestCanceledError{Err: errors.Join(context.Cause(ctx), cause)}
	case <-time.After(delay):
		return release, nil
	}
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// post makes one attempt (AWS JSON protocol 1.0) and reads its answer into out.
func (c *client) post(ctx context.Context, call sending, out any) error {
	r, err := c.request(ctx, call)
	if err != nil {
		return err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return unsent(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return unsent(ctx, err)
	}
	if answer.StatusCode != http.StatusOK {
		return refused(answer, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return &smithy.DeserializationError{Err: err, Snapshot: text}
	}
	return nil
}

func unsent(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &aws.RequestCanceledError{Err: errors.Join(context.Cause(ctx), err)}
	}
	return &smithyhttp.RequestSendError{Err: err}
}

func (c *client) request(ctx context.Context, call sending) (*http.Request, error) {
	at, err := c.address()
	if err != nil {
		return nil, err
	}
	who, err := c.identity.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(call.body))
	if err != nil {
		return nil, err
	}
	r.Header["Content-Type"] = []string{"application/x-amz-json-1.0"}
	r.Header["X-Amz-Target"] = []string{call.target}
	r.Header["Amz-Sdk-Invocation-Id"] = []string{call.id}
	sum := sha256.Sum256(call.body)
	return r, c.signer.SignHTTP(ctx, who, r, hex.EncodeToString(sum[:]), "sqs", c.region, time.Now())
}

// refused is the error of an answer that is no success, in the SDK's types, so
// that the retryer and callers tell one from the other.
func refused(answer *http.Response, text []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // also read from "Message"
	}
	if json.Unmarshal(text, &said) != nil || said.Type == "" {
		said.Type = "UnknownError"
	}
	what := &smithy.GenericAPIError{Code: said.Type[strings.LastIndexByte(said.Type, '#')+1:], Message: said.Message, Fault: smithy.FaultClient}
	if answer.StatusCode >= http.StatusInternalServerError {
		what.Fault = smithy.FaultServer
	}
	return &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: answer}, Err: what},
		RequestID:     answer.Header.Get("X-Amzn-Requestid"),
	}
}
