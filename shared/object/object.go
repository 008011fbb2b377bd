// Package object keeps objects in one bucket: a signed PUT and a signed GET,
// and no more.
//
//	b, err := object.Open(cfg, env)
//	err = b.Put(ctx, "deliveries/2026/03/01/d-1.json.gz", body)
package object

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/shared/awscall"
	"tocsin/shared/cloud"
	"tocsin/shared/fault"
)

// Bucket is safe for concurrent use.
type Bucket struct{ client *awscall.Client }

const (
	maxObject = 64 << 20 // bytes of an object that are read
	maxAnswer = 64 << 10 // bytes of an answer to a write
)

// Open returns the bucket that the environment variable BUCKET names.
func Open(cfg aws.Config, env cloud.Lookup) (*Bucket, error) {
	name, ok := env("BUCKET")
	if !ok || name == "" {
		return nil, errors.New("BUCKET is not set")
	}
	return &Bucket{awscall.Open(cfg, env, awscall.Service{Name: "s3"}).Bucket(name)}, nil
}

// Put writes an object of compressed data. A failure is of kind Unavailable.
func (b *Bucket) Put(ctx context.Context, key string, body []byte) error {
	_, err := b.client.Do(ctx, awscall.Request{
		Method: http.MethodPut, Path: path(key), Header: http.Header{"Content-Type": {"application/gzip"}}, Body: body, Limit: maxAnswer,
	})
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
	body, err := b.client.Do(ctx, awscall.Request{Method: http.MethodGet, Path: path(key), Limit: limit})
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "object %s does not exist", key)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "read object %s", key)
	}
	return body, nil
}

func path(key string) string { return (&url.URL{Path: "/" + key}).EscapedPath() }
