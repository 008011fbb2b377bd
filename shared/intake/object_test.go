package intake

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"tocsin/shared/cloud"
	"tocsin/shared/fault"
)

// bucketServer answers like S3 for one object at a time.
func bucketServer(t *testing.T) *httptest.Server {
	kept := map[string][]byte{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			kept[r.URL.Path], _ = io.ReadAll(r.Body)
			return
		}
		body, ok := kept[r.URL.Path]
		if !ok {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>`)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestBucketKeepsObjects(t *testing.T) {
	values := map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"BUCKET": "bucket", "AWS_ENDPOINT_URL_S3": bucketServer(t).URL}
	env := cloud.Lookup(func(name string) (string, bool) { v, ok := values[name]; return v, ok })
	cfg, err := cloud.Config(env)
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenBucket(cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), "deliveries/x", []byte("body")); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Get(t.Context(), "deliveries/x"); err != nil || string(got) != "body" {
		t.Errorf("object %q, %v", got, err)
	}
	if _, err := b.Get(t.Context(), "deliveries/none"); !fault.Is(err, fault.Invalid) {
		t.Errorf("missing object: %v", err)
	}
}
