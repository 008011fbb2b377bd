// Package awscall calls the few operations of AWS for which a client of the
// SDK would make a function too big or too slow. It signs with the SDK's
// signer, tries again what may pass by itself, and sorts errors by
// shared/fault. It knows no operation; those stand where they are called.
//
//	c := awscall.Open(cfg, env, awscall.Service{Name: "ssm", Target: "AmazonSSM", Media: "application/x-amz-json-1.1"})
//	err := c.JSON(ctx, "GetParameter", in, &out)
package awscall

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"tocsin/shared/cloud"
	"tocsin/shared/fault"
)

// Service is one service of AWS. Target and Media are those of its JSON
// protocol, where it has one: what stands before the name of an operation, and
// the content type.
type Service struct {
	Name          string // in host names and signatures: "sqs"
	Target, Media string
}

// Client calls one service in one region. It is safe for concurrent use.
type Client struct {
	Transport   http.RoundTripper
	service     Service
	base        string // address of "/", without that
	elsewhere   bool   // base is no address of AWS
	region      string
	credentials aws.CredentialsProvider
	signer      *v4.Signer
}

// Open returns a client of a service in the configured region, or of the
// endpoint that the environment names. Unlike those of the SDK it does not
// correct a clock that is wrong.
func Open(cfg aws.Config, env cloud.Lookup, s Service) *Client {
	c := &Client{
		Transport: newLine(), service: s, region: cfg.Region, credentials: cfg.Credentials,
		base: "https://" + s.Name + "." + cfg.Region + "." + domain(cfg.Region),
		// S3 signs paths as they are sent; the JSON protocols have none.
		signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }),
	}
	if at := cloud.Endpoint(env, strings.ToUpper(s.Name)); at != nil {
		c.base, c.elsewhere = strings.TrimSuffix(*at, "/"), true
	}
	return c
}

// domains are those of the partitions, by the beginning of their regions
// (botocore, data/partitions.json).
var domains = [...]struct{ region, domain string }{
	{"cn-", "amazonaws.com.cn"}, {"eusc-", "amazonaws.eu"},
	{"us-iso-", "c2s.ic.gov"}, {"us-isob-", "sc2s.sgov.gov"}, {"eu-isoe-", "cloud.adc-e.uk"}, {"us-isof-", "csp.hci.ic.gov"},
}

func domain(region string) string {
	for _, d := range domains {
		if strings.HasPrefix(region, d.region) {
			return d.domain
		}
	}
	return "amazonaws.com"
}

// Bucket returns the client of a bucket of S3: a host of its own or, at
// another endpoint than that of AWS, a folder.
func (c *Client) Bucket(name string) *Client {
	of := *c
	if c.elsewhere {
		of.base += "/" + name
	} else {
		of.base = strings.Replace(c.base, "://", "://"+name+".", 1)
	}
	return &of
}

// Request is what is sent at each attempt, and how much of its answer is read.
type Request struct {
	Method string
	Path   string // escaped
	Header http.Header
	Body   []byte
	Limit  int64 // in bytes
}

const (
	attempts  = 4
	firstWait = 100 * time.Millisecond // before the second attempt, at most; twice that before each next
	timeout   = 10 * time.Second       // of one attempt
	maxAnswer = 64 << 10               // bytes of an answer by JSON
)

var errTimeout = errors.New("no answer within " + timeout.String())

// Do returns the body of an answer with status 200. An error is of kind
// TooMany or Unavailable when it may pass by itself, NotFound, or Internal. It
// holds nothing of what was sent and of what was answered no more than the
// service's word for the error.
func (c *Client) Do(ctx context.Context, r Request) ([]byte, error) {
	sum := sha256.Sum256(r.Body)
	hash := hex.EncodeToString(sum[:])
	// All attempts of a call bear the same id, as those of the SDK do.
	header := make(http.Header, len(r.Header)+1)
	maps.Copy(header, r.Header)
	header["Amz-Sdk-Invocation-Id"] = []string{strconv.FormatUint(rand.Uint64(), 36)}
	r.Header = header
	for n := 1; ; n++ {
		got, err := c.attempt(ctx, r, hash)
		if err == nil || n == attempts || !fault.KindOf(err).Retryable() {
			return got, err
		}
		wait := firstWait << (n - 1)
		select {
		case <-ctx.Done():
			return nil, fault.Wrap(fault.Unavailable, errors.Join(context.Cause(ctx), err), "%s was not called again", c.service.Name)
		case <-time.After(wait/2 + rand.N(wait/2)):
		}
	}
}

// JSON calls an operation of the service's JSON protocol.
func (c *Client) JSON(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode %s of %s: %w", operation, c.service.Name, err)
	}
	answer, err := c.Do(ctx, Request{
		Method: http.MethodPost, Path: "/", Body: body, Limit: maxAnswer,
		Header: http.Header{"Content-Type": {c.service.Media}, "X-Amz-Target": {c.service.Target + "." + operation}},
	})
	if err != nil {
		return err
	}
	if json.Unmarshal(answer, out) != nil {
		return fault.New(fault.Internal, "the answer of %s to %s is not understood", c.service.Name, operation)
	}
	return nil
}

func (c *Client) attempt(ctx context.Context, r Request, hash string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	signed, err := c.request(ctx, r, hash)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the request to %s cannot be made", c.service.Name)
	}
	answer, err := c.Transport.RoundTrip(signed)
	if err != nil {
		return nil, c.unanswered(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, r.Limit))
	if err != nil {
		return nil, c.unanswered(ctx, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, c.refused(answer, body)
	}
	return body, nil
}

func (c *Client) unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return fault.Wrap(fault.Unavailable, err, "%s does not answer", c.service.Name)
}

// request signs the hash of the body too, which S3 wants in a header as well
// (Amazon S3 API reference, "Authenticating Requests: Using the Authorization
// Header").
func (c *Client) request(ctx context.Context, r Request, hash string) (*http.Request, error) {
	out, err := http.NewRequestWithContext(ctx, r.Method, c.base+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	for name, values := range r.Header {
		out.Header[name] = values
	}
	out.Header["X-Amz-Content-Sha256"] = []string{hash}
	who, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.signer.SignHTTP(ctx, who, out, hash, c.service.Name, c.region, time.Now()); err != nil {
		return nil, err
	}
	// Never sent, but lets the transport repeat at once what an idle connection
	// lost that the service had closed (net/http, Transport).
	out.Header["Idempotency-Key"] = nil
	return out, nil
}

// refused is the error of an answer that is no success.
func (c *Client) refused(answer *http.Response, body []byte) error {
	var said struct {
		Type string `json:"__type"`
	}
	_ = json.Unmarshal(body, &said) // what says nothing is judged by its status
	word := said.Type[strings.LastIndexByte(said.Type, '#')+1:]
	id := answer.Header.Get("X-Amzn-Requestid") + answer.Header.Get("X-Amz-Request-Id") // S3 has the other
	return fault.New(kind(answer.StatusCode, word), "%s answered %d %.60s, request %.60s", c.service.Name, answer.StatusCode, word, id)
}

// kind sorts errors by the words of the services in use (SQS and Systems
// Manager API references, "Common error types"), else by the status.
func kind(status int, word string) fault.Kind {
	switch {
	case status == http.StatusTooManyRequests, strings.Contains(word, "Throttl"), word == "TooManyUpdates", word == "RequestLimitExceeded":
		return fault.TooMany
	case status >= http.StatusInternalServerError:
		return fault.Unavailable
	case status == http.StatusNotFound, strings.HasSuffix(word, "NotFound"):
		return fault.NotFound
	}
	return fault.Internal
}
