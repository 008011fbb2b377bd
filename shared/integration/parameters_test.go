package integration

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/shared/fault"
)

// store answers like SSM, with the failures that are left first.
type store struct {
	values   map[string]string
	failures []int
	seen     *http.Request
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.seen = r
	if len(s.failures) > 0 {
		w.WriteHeader(s.failures[0])
		s.failures = s.failures[1:]
		_, _ = w.Write([]byte(`{"__type":"com.amazonaws.ssm#ThrottlingException","message":"hush"}`))
		return
	}
	var in struct {
		Name, Value, Type         string
		WithDecryption, Overwrite bool
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	value, known := s.values[in.Name]
	switch target := r.Header.Get("X-Amz-Target"); {
	case target == "AmazonSSM.PutParameter" && in.Type == "SecureString" && in.Overwrite:
		s.values[in.Name] = in.Value
		_, _ = w.Write([]byte(`{"Version":1}`))
	case target == "AmazonSSM.GetParameter" && in.WithDecryption && known:
		_ = json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Value": value}})
	case known || target == "AmazonSSM.PutParameter":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"ValidationException"}`))
	default:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"ParameterNotFound"}`))
	}
}

func TestParametersAreSignedRequests(t *testing.T) {
	s := &store{values: map[string]string{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	credentials := func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "hush", SessionToken: "session"}, nil
	}
	cfg := aws.Config{Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(credentials)}
	secrets := NewSecrets(cfg, func(name string) (string, bool) { return server.URL, name == "AWS_ENDPOINT_URL_SSM" })
	if _, err := secrets.Get(t.Context(), "/t/a"); !fault.Is(err, fault.NotFound) {
		t.Errorf("absent: %v", err)
	}
	if err := secrets.Put(t.Context(), "/t/a", Pair{Current: "one", Previous: "two"}); err != nil {
		t.Fatal(err)
	}
	s.failures = []int{http.StatusBadRequest, http.StatusInternalServerError} // throttled, then failing
	if p, err := secrets.Get(t.Context(), "/t/a"); err != nil || p != (Pair{Current: "one", Previous: "two"}) {
		t.Errorf("%+v, %v", p, err)
	}
	if signed := s.seen.Header.Get("Authorization"); !strings.Contains(signed, "Credential=id/") || !strings.Contains(signed, "/eu-west-1/ssm/aws4_request") ||
		!strings.Contains(signed, "x-amz-target") || s.seen.Header.Get("X-Amz-Security-Token") != "session" {
		t.Errorf("header %v", s.seen.Header)
	}
	s.failures = []int{500, 500, 500, 500}
	if _, err := secrets.Get(t.Context(), "/t/a"); !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "hush") {
		t.Errorf("failing: %v", err)
	}
}
