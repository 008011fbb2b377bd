package awscall

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tocsin/shared/fault"
)

func none(string) (string, bool) { return "", false }

var config = aws.Config{Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "hush", SessionToken: "session"}, nil
})}

// answers are given in turn, the last one again and again. Status 0: none.
type answers struct {
	list  []answer
	calls int
	sent  string // the last body
	ids   map[string]bool
}

type answer struct {
	status int
	body   string
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(r.Body)
	if a.ids == nil {
		a.ids = map[string]bool{}
	}
	a.ids[r.Header.Get("Amz-Sdk-Invocation-Id")] = true
	next := a.list[min(a.calls, len(a.list)-1)]
	a.calls, a.sent = a.calls+1, string(sent)
	if next.status == 0 || err != nil {
		return nil, errors.Join(io.ErrUnexpectedEOF, err)
	}
	w := httptest.NewRecorder()
	w.Header().Set("X-Amzn-Requestid", "req-1")
	w.WriteHeader(next.status)
	_, err = w.WriteString(next.body)
	return w.Result(), err
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	good := answer{200, `{"Name":"taken"}`}
	for _, c := range []struct {
		name    string
		answers []answer
		calls   int
		kind    fault.Kind
		says    string // "": it succeeds
	}{
		{"at once", []answer{good}, 1, 0, ""},
		{"service fails once", []answer{{500, `{"__type":"com.amazonaws.sqs#InternalError","message":"hush"}`}, good}, 2, 0, ""},
		{"gateway fails without a document", []answer{{503, `<html>`}, good}, 2, 0, ""},
		{"no answer", []answer{{}, {}, good}, 3, 0, ""},
		{"throttled", []answer{{400, `{"__type":"com.amazonaws.sqs#RequestThrottled"}`}, {403, `{"__type":"ThrottlingException"}`}, {429, ``}, good}, 4, 0, ""},
		{"service fails for good", []answer{{500, `{"__type":"InternalError","message":"hush"}`}}, 4, fault.Unavailable, "500 InternalError, request req-1"},
		{"throttled for good", []answer{{400, `{"__type":"TooManyUpdates"}`}}, 4, fault.TooMany, "TooManyUpdates"},
		{"never an answer", []answer{{}}, 4, fault.Unavailable, "toy does not answer: unexpected EOF"},
		{"refused", []answer{{403, `{"__type":"AccessDenied","message":"hush"}`}}, 1, fault.Internal, "403 AccessDenied"},
		{"absent by its word", []answer{{400, `{"__type":"com.amazonaws.ssm#ParameterNotFound"}`}}, 1, fault.NotFound, "ParameterNotFound"},
		{"absent by its status", []answer{{404, `<Code>NoSuchKey</Code>`}}, 1, fault.NotFound, "404"},
		{"redirected", []answer{{307, ``}}, 1, fault.Internal, "307"},
		{"no document", []answer{{200, `x`}}, 1, fault.Internal, "not understood"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{list: c.answers}
				client := Open(config, none, Service{Name: "toy"})
				client.Transport = a
				var out struct{ Name string }
				err := client.JSON(t.Context(), "Take", map[string]string{"Value": "hush"}, &out)
				if a.calls != c.calls || a.sent != `{"Value":"hush"}` || (err == nil) != (c.says == "") || (err == nil) != (out.Name == "taken") {
					t.Fatalf("%d calls, want %d; sent %q, read %+v, err %v", a.calls, c.calls, a.sent, out, err)
				}
				if len(a.ids) != 1 || a.ids[""] {
					t.Errorf("the attempts bear the ids %v, want one", a.ids)
				}
				if err != nil && (fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hush")) {
					t.Errorf("%s: %v; want %s: %s", fault.KindOf(err), err, c.kind, c.says)
				}
			})
		})
	}
}

func TestNothingIsTriedAfterTheCallerHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 60*time.Millisecond, errors.New("the caller has gone"))
		defer cancel()
		a := &answers{list: []answer{{500, ""}}}
		c := Open(config, none, Service{Name: "toy"})
		c.Transport = a
		_, err := c.Do(ctx, Request{Method: http.MethodGet, Path: "/"})
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "the caller has gone") || a.calls > 2 {
			t.Errorf("%d calls, err %v", a.calls, err)
		}
	})
}

// hanging answers when the request is cancelled.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestAttemptThatTakesTooLongSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Open(config, none, Service{Name: "toy"})
		c.Transport = hanging{}
		_, err := c.Do(t.Context(), Request{Method: http.MethodGet, Path: "/"})
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "no answer within 10s") {
			t.Errorf("err %v", err)
		}
	})
}

func TestRequestsAreSigned(t *testing.T) {
	var seen *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r
		_, _ = w.Write([]byte("0123456789"))
	}))
	t.Cleanup(server.Close)
	c := Open(config, func(name string) (string, bool) { return server.URL + "/", name == "AWS_ENDPOINT_URL_S3" }, Service{Name: "s3"}).Bucket("b")
	got, err := c.Do(t.Context(), Request{Method: http.MethodPut, Path: "/a%20b", Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("x"), Limit: 4})
	if err != nil || string(got) != "0123" {
		t.Errorf("read %q, %v; want the first 4 bytes", got, err)
	}
	signed := seen.Header.Get("Authorization")
	for _, want := range []string{"AWS4-HMAC-SHA256 Credential=id/", "/eu-west-1/s3/aws4_request", "content-type;", "x-amz-content-sha256", "x-amz-security-token"} {
		if !strings.Contains(signed, want) {
			t.Errorf("%q is missing in %q", want, signed)
		}
	}
	const sum = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" // of "x"
	h := seen.Header
	if seen.RequestURI != "/b/a%20b" || h.Get("X-Amz-Content-Sha256") != sum || h.Get("X-Amz-Security-Token") != "session" || h["Idempotency-Key"] != nil {
		t.Errorf("%s with %v", seen.RequestURI, h)
	}
}

// TestWhatAClosedConnectionLostIsRepeatedAtOnce: a service closes connections
// that were idle while the function was frozen.
func TestWhatAClosedConnectionLostIsRepeatedAtOnce(t *testing.T) {
	var lock sync.Mutex // an aborted answer orders nothing
	var remote []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		remote = append(remote, r.RemoteAddr)
		if len(remote) == 2 {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(server.Close)
	c := Open(config, func(string) (string, bool) { return server.URL, true }, Service{Name: "toy"})
	for range 2 {
		if _, err := c.attempt(t.Context(), Request{Method: http.MethodPost, Path: "/", Body: []byte("x")}, "hash"); err != nil {
			t.Fatal(err)
		}
	}
	if len(remote) != 3 || remote[0] != remote[1] || remote[1] == remote[2] {
		t.Errorf("requests from %v; want the lost one again from another", remote)
	}
}

func TestAddressIsThatOfTheSDK(t *testing.T) {
	for _, region := range []string{
		"eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1",
	} {
		want, err := sqs.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), sqs.EndpointParameters{
			Region: &region, UseDualStack: aws.Bool(false), UseFIPS: aws.Bool(false),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := Open(aws.Config{Region: region}, none, Service{Name: "sqs"}).base; got != want.URI.String() {
			t.Errorf("%s: %s, want %s", region, got, &want.URI)
		}
	}
	if got := Open(config, none, Service{Name: "s3"}).Bucket("b").base; got != "https://b.s3.eu-west-1.amazonaws.com" {
		t.Errorf("bucket: %s", got)
	}
}

func BenchmarkJSON(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) }))
	b.Cleanup(server.Close)
	c := Open(config, func(string) (string, bool) { return server.URL, true }, Service{Name: "sqs", Target: "AmazonSQS", Media: "application/x-amz-json-1.0"})
	in := map[string]string{"MessageBody": strings.Repeat(`{"alert":"text"}`, 100)}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.JSON(b.Context(), "SendMessage", in, &struct{}{}); err != nil {
			b.Fatal(err)
		}
	}
}
