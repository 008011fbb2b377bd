package object

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/shared/fault"
)

// shelf is a bucket behind an endpoint of S3.
type shelf map[string]string

func (s shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kept, ok := s[r.URL.Path]
	switch {
	case strings.HasSuffix(r.URL.Path, "/broken"):
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodPut && r.Header.Get("Content-Type") == "application/gzip":
		body, _ := io.ReadAll(r.Body)
		s[r.URL.Path] = string(body)
	case r.Method == http.MethodGet && ok:
		_, _ = w.Write([]byte(kept))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func open(t *testing.T, s shelf) *Bucket {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	cfg := aws.Config{Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "hush"}, nil
	})}
	env := map[string]string{"BUCKET": "deliveries", "AWS_ENDPOINT_URL_S3": server.URL}
	b, err := Open(cfg, func(n string) (string, bool) { v, ok := env[n]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestObjectIsReadAsItWasWritten(t *testing.T) {
	s := shelf{}
	b := open(t, s)
	if err := b.Put(t.Context(), "a b/c.gz", []byte("body")); err != nil || s["/deliveries/a b/c.gz"] != "body" {
		t.Fatalf("kept %v, err %v", s, err)
	}
	if body, err := b.Get(t.Context(), "a b/c.gz"); err != nil || string(body) != "body" {
		t.Errorf("body %q, err %v", body, err)
	}
	if body, err := b.GetStart(t.Context(), "a b/c.gz", 2); err != nil || string(body) != "bo" {
		t.Errorf("start %q, err %v", body, err)
	}
}

func TestAbsentIsNotFailed(t *testing.T) {
	b := open(t, shelf{})
	if _, err := b.Get(t.Context(), "nothing"); !fault.Is(err, fault.NotFound) {
		t.Errorf("absent: %v", err)
	}
	_, err := b.Get(t.Context(), "broken")
	for _, err := range []error{err, b.Put(t.Context(), "broken", nil)} {
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "object broken") {
			t.Errorf("refused: %v", err)
		}
	}
}

func TestBucketNeedsAName(t *testing.T) {
	if _, err := Open(aws.Config{}, func(string) (string, bool) { return "", true }); err == nil {
		t.Error("opened without a name")
	}
}
