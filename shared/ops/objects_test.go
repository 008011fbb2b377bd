package ops_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/shared/fault"
	"tocsin/shared/ops"
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
	objects, err := ops.OpenObjects(cfg, func(n string) (string, bool) { v, ok := env[n]; return v, ok }, "BUCKET")
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
