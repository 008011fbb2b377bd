// Package object keeps objects in one bucket: a signed PUT and a signed GET,
// and no more. The SDK's client would be a tenth of each function's binary.
//
//	b, err := object.Open(cfg, env)
//	err = b.Put(ctx, "deliveries/2026/03/01/d-1.json.gz", body)
package object

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"tocsin/shared/cloud"
	"tocsin/shared/fault"
)

// Bucket is safe for concurrent use.
type Bucket struct {
	base   string // with the bucket, without the key
	region string
	creds  aws.CredentialsProvider
	client *http.Client
	signer *v4.Signer
	pause  time.Duration // before the second attempt; twice that before the third
}

const (
	attempts  = 3
	timeout   = 10 * time.Second // of one attempt
	maxObject = 64 << 20         // bytes of an object that are read
	maxAnswer = 64 << 10         // bytes of an answer to a write
)

// Open returns the bucket that the environment variable BUCKET names.
func Open(cfg aws.Config, env cloud.Lookup) (*Bucket, error) {
	name, ok := env("BUCKET")
	if !ok || name == "" {
		return nil, errors.New("BUCKET is not set")
	}
	b := &Bucket{
		base: "https://" + name + ".s3." + cfg.Region + "." + domain(cfg.Region), region: cfg.Region, creds: cfg.Credentials,
		client: &http.Client{Timeout: timeout}, pause: 100 * time.Millisecond,
		signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }),
	}
	if endpoint := cloud.Endpoint(env, "S3"); endpoint != nil {
		b.base = strings.TrimSuffix(*endpoint, "/") + "/" + name
	}
	return b, nil
}

// domain is that of the partition of a region (AWS general reference, "Service
// endpoints and quotas").
func domain(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "amazonaws.com.cn"
	case strings.HasPrefix(region, "eusc-"):
		return "amazonaws.eu"
	}
	return "amazonaws.com"
}

// Put writes an object of compressed data. A failure is of kind Unavailable.
func (b *Bucket) Put(ctx context.Context, key string, body []byte) error {
	_, err := b.do(ctx, http.MethodPut, key, body, maxAnswer)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "write object %s", key)
	}
	return nil
}

// Get reads an object. fault.NotFound: there is none. Any other failure is of
// kind Unavailable.
func (b *Bucket) Get(ctx context.Context, key string) ([]byte, error) {
	return b.read(ctx, key, maxObject)
}

// GetStart is Get of no more than the first limit bytes.
func (b *Bucket) GetStart(ctx context.Context, key string, limit int64) ([]byte, error) {
	return b.read(ctx, key, limit)
}

func (b *Bucket) read(ctx context.Context, key string, limit int64) ([]byte, error) {
	body, err := b.do(ctx, http.MethodGet, key, nil, limit)
	if fault.Is(err, fault.NotFound) {
		return nil, err
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "read object %s", key)
	}
	return body, nil
}

// do makes attempts while what failed may pass by itself.
func (b *Bucket) do(ctx context.Context, method, key string, body []byte, limit int64) ([]byte, error) {
	for n := 1; ; n++ {
		got, again, err := b.attempt(ctx, method, key, body, limit)
		if err == nil || !again || n == attempts {
			return got, err
		}
		wait := b.pause << (n - 1)
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		case <-time.After(wait/2 + rand.N(wait/2+1)):
		}
	}
}

func (b *Bucket) attempt(ctx context.Context, method, key string, body []byte, limit int64) (got []byte, again bool, err error) {
	r, err := b.request(ctx, method, key, body)
	if err != nil {
		return nil, false, err
	}
	answer, err := b.client.Do(r)
	if err != nil {
		return nil, ctx.Err() == nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	got, err = io.ReadAll(io.LimitReader(answer.Body, limit))
	switch {
	case err != nil:
		return nil, ctx.Err() == nil, err
	case answer.StatusCode == http.StatusOK:
		return got, false, nil
	case answer.StatusCode == http.StatusNotFound && method == http.MethodGet:
		return nil, false, fault.New(fault.NotFound, "object %s does not exist", key)
	}
	again = answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests
	return nil, again, fmt.Errorf("the service answered %s, request %s", answer.Status, answer.Header.Get("X-Amz-Request-Id"))
}

// request signs with the hash of the body, which S3 wants in a header too
// (Amazon S3 API reference, "Authenticating Requests: Using the Authorization
// Header").
func (b *Bucket) request(ctx context.Context, method, key string, body []byte) (*http.Request, error) {
	path := (&url.URL{Path: "/" + key}).EscapedPath()
	r, err := http.NewRequestWithContext(ctx, method, b.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPut {
		r.Header.Set("Content-Type", "application/gzip")
	}
	who, err := b.creds.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	return r, b.signer.SignHTTP(ctx, who, r, hash, "s3", b.region, time.Now())
}
