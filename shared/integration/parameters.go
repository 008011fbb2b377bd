package integration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"tocsin/shared/cloud"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
)

// ssm reads and writes parameters. It is two signed requests and no more: the
// SDK's client would be a quarter of a megabyte in every ingest function and
// in the API. It is safe for concurrent use.
type ssm struct {
	address string
	region  string
	creds   aws.CredentialsProvider
	client  *http.Client
}

func newSSM(cfg aws.Config, env cloud.Lookup) *ssm {
	s := &ssm{region: cfg.Region, creds: cfg.Credentials, client: &http.Client{Timeout: ssmTimeout}}
	s.address = "https://ssm." + cfg.Region + ".amazonaws.com"
	if strings.HasPrefix(cfg.Region, "cn-") {
		s.address += ".cn"
	}
	if endpoint := cloud.Endpoint(env, "SSM"); endpoint != nil {
		s.address = strings.TrimSuffix(*endpoint, "/")
	}
	return s
}

const (
	ssmTimeout  = 5 * time.Second
	ssmAttempts = 3
	maxAnswer   = 64 << 10
)

// GetParameter returns a parameter in the clear. fault.NotFound: there is none.
func (s *ssm) GetParameter(ctx context.Context, name string) (string, error) {
	var out struct{ Parameter struct{ Value string } }
	err := s.repeat(ctx, map[string]any{"Name": name, "WithDecryption": true}, "GetParameter", &out, func(r *http.Request, who aws.Credentials, hash string) error {
		return v4.NewSigner().SignHTTP(ctx, who, r, hash, "ssm", s.region, time.Now())
	})
	return out.Parameter.Value, err
}

// PutParameter keeps a value as a SecureString, in place of what was there.
func (s *ssm) PutParameter(ctx context.Context, name, value string) error {
	in := map[string]any{"Name": name, "Value": value, "Type": "SecureString", "Overwrite": true}
	return s.repeat(ctx, in, "PutParameter", &struct{}{}, func(r *http.Request, who aws.Credentials, hash string) error {
		return v4.NewSigner().SignHTTP(ctx, who, r, hash, "ssm", s.region, time.Now())
	})
}

// signs puts a signature on a request. Each operation brings its own, so that
// the test of permissions sees which one a function can come to call.
type signs func(r *http.Request, who aws.Credentials, hash string) error

// repeat makes attempts until one does not fail in a way that may pass.
func (s *ssm) repeat(ctx context.Context, in any, operation string, out any, sign signs) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	for try := 1; ; try++ {
		err := s.post(ctx, body, operation, out, sign)
		if err == nil || !fault.Is(err, fault.Unavailable) || try == ssmAttempts {
			return err
		}
		if err := ddb.Pause(ctx, try); err != nil {
			return err
		}
	}
}

// post does one attempt (AWS JSON protocol 1.1). An error holds nothing of
// what was sent or answered but the service's own word for it.
func (s *ssm) post(ctx context.Context, body []byte, operation string, out any, sign signs) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address+"/", bytes.NewReader(body))
	if err != nil {
		return fault.Wrap(fault.Internal, err, "make the request")
	}
	who, err := s.creds.Retrieve(ctx)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "no credentials")
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AmazonSSM."+operation)
	sum := sha256.Sum256(body)
	if err := sign(r, who, hex.EncodeToString(sum[:])); err != nil {
		return fault.Wrap(fault.Internal, err, "sign the request")
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the parameter store does not answer")
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the answer of the parameter store ended early")
	}
	if answer.StatusCode != http.StatusOK {
		return refused(answer.StatusCode, text)
	}
	if json.Unmarshal(text, out) != nil {
		return fault.New(fault.Internal, "the answer of the parameter store is not understood")
	}
	return nil
}

func refused(status int, text []byte) error {
	var said struct {
		Type string `json:"__type"`
	}
	_ = json.Unmarshal(text, &said) // what says nothing is judged by its status
	word := said.Type[strings.LastIndexByte(said.Type, '#')+1:]
	kind := fault.Internal
	switch {
	case word == "ParameterNotFound":
		kind = fault.NotFound
	case status >= http.StatusInternalServerError, strings.Contains(word, "Throttl"), word == "TooManyUpdates":
		kind = fault.Unavailable
	}
	return fault.New(kind, "the parameter store answered %d %.60s", status, word)
}
