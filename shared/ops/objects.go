package ops

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"tocsin/shared/cloud"
	"tocsin/shared/fault"
)

// Objects reads objects of one bucket. It is a signed GET and no more: the
// SDK's client would be a tenth of the function's binary.
type Objects struct {
	base   string // with the bucket, without the key
	region string
	creds  aws.CredentialsProvider
	client *http.Client
}

// OpenObjects returns the bucket that an environment variable names.
func OpenObjects(cfg aws.Config, env cloud.Lookup, nameVar string) (*Objects, error) {
	name, ok := env(nameVar)
	if !ok || name == "" {
		return nil, fmt.Errorf("%s is not set", nameVar)
	}
	o := &Objects{region: cfg.Region, creds: cfg.Credentials, client: &http.Client{Timeout: objectTimeout}}
	o.base = "https://" + name + ".s3." + cfg.Region + ".amazonaws.com"
	if strings.HasPrefix(cfg.Region, "cn-") {
		o.base += ".cn"
	}
	if endpoint := cloud.Endpoint(env, "S3"); endpoint != nil {
		o.base = strings.TrimSuffix(*endpoint, "/") + "/" + name
	}
	return o, nil
}

const (
	objectTimeout = 10 * time.Second
	maxObject     = 16 << 20
)

// Get reads an object. fault.NotFound: there is none.
func (o *Objects) Get(ctx context.Context, key string) ([]byte, error) {
	r, err := o.request(ctx, key)
	if err != nil {
		return nil, err
	}
	out, err := o.client.Do(r)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "read object %s", key)
	}
	defer out.Body.Close()
	switch out.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fault.New(fault.NotFound, "object %s does not exist", key)
	default:
		return nil, fault.New(fault.Unavailable, "read object %s: the service answered %s", key, out.Status)
	}
	body, err := io.ReadAll(io.LimitReader(out.Body, maxObject))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "read object %s", key)
	}
	return body, nil
}

// request signs with the hash of the empty body, which S3 wants in a header
// too (Amazon S3 API reference, "Authenticating Requests: Using the
// Authorization Header").
func (o *Objects) request(ctx context.Context, key string) (*http.Request, error) {
	path := (&url.URL{Path: "/" + key}).EscapedPath()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.base+path, http.NoBody)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "read object %s", key)
	}
	creds, err := o.creds.Retrieve(ctx)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "read object %s", key)
	}
	empty := sha256.Sum256(nil)
	hash := hex.EncodeToString(empty[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	signer := v4.NewSigner(func(s *v4.SignerOptions) { s.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(ctx, creds, r, hash, "s3", o.region, time.Now()); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "sign the request for object %s", key)
	}
	return r, nil
}
