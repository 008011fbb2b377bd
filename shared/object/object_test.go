package object

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/shared/fault"
)

func TestObjectsAreReadWithASignedGet(t *testing.T) {
	var seen *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r
		switch r.URL.Path {
		case "/deliveries/a b/c.gz":
			_, _ = w.Write([]byte("body"))
		case "/deliveries/broken":
			w.WriteHeader(http.StatusForbidden)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	credentials := func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "hush", SessionToken: "session"}, nil
	}
	cfg := aws.Config{Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(credentials)}
	env := map[string]string{"BUCKET": "deliveries", "AWS_ENDPOINT_URL": server.URL}
	objects, err := Open(cfg, func(n string) (string, bool) { v, ok := env[n]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	body, err := objects.Get(t.Context(), "a b/c.gz")
	if err != nil || string(body) != "body" {
		t.Errorf("body %q, err %v", body, err)
	}
	signed := seen.Header.Get("Authorization")
	if !strings.HasPrefix(signed, "AWS4-HMAC-SHA256 Credential=id/") || !strings.Contains(signed, "/eu-west-1/s3/aws4_request") ||
		!strings.Contains(signed, "x-amz-content-sha256") || seen.Header.Get("X-Amz-Security-Token") != "session" {
		t.Errorf("header %v", seen.Header)
	}
	if _, err := objects.Get(t.Context(), "nothing"); !fault.Is(err, fault.NotFound) {
		t.Errorf("absent: %v", err)
	}
	if _, err := objects.Get(t.Context(), "broken"); !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "hush") {
		t.Errorf("refused: %v", err)
	}
}

// TestWhatMayPassIsTriedAgain: a PUT is made up to three times, and what was
// kept is what was sent.
func TestWhatMayPassIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name     string
		answers  []int
		attempts int
		ok       bool
	}{
		{"at once", []int{200}, 1, true},
		{"after two failures", []int{503, 500, 200}, 3, true},
		{"never", []int{503, 503, 503, 200}, 3, false},
		{"refused", []int{403, 200}, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, kept := 0, ""
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				w.WriteHeader(c.answers[n])
				if c.answers[n] == http.StatusOK {
					kept = string(body)
				}
				n++
			}))
			t.Cleanup(server.Close)
			cfg := aws.Config{Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "hush"}, nil
			})}
			env := map[string]string{"BUCKET": "b", "AWS_ENDPOINT_URL_S3": server.URL}
			b, err := Open(cfg, func(n string) (string, bool) { v, ok := env[n]; return v, ok })
			if err != nil {
				t.Fatal(err)
			}
			b.pause = time.Millisecond
			err = b.Put(t.Context(), "x", []byte("body"))
			if (err == nil) != c.ok || n != c.attempts || c.ok && kept != "body" || err != nil && !fault.Is(err, fault.Unavailable) {
				t.Errorf("%d attempts, kept %q, %v", n, kept, err)
			}
		})
	}
}
