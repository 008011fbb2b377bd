package queue

import (
	"context"
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"tocsin/shared/cloud"
	"tocsin/shared/fault"
)

// sqsServer is an endpoint of SQS that gives prepared answers in turn, the last
// one again and again, and keeps what it was asked.
type sqsServer struct {
	*httptest.Server
	answers []answer
	asked   []asked
}

type answer struct {
	status int
	body   string // "": the answer to a message that was taken
}

type asked struct {
	target, media, signed string
	body                  map[string]any
}

func serve(t *testing.T, answers ...answer) *sqsServer {
	s := &sqsServer{answers: answers}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *sqsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	a := asked{target: r.Header.Get("X-Amz-Target"), media: r.Header.Get("Content-Type")}
	a.signed, _, _ = strings.Cut(r.Header.Get("Authorization"), "SignedHeaders")
	if json.Unmarshal(text, &a.body) != nil {
		a.body = nil
	}
	next := s.answers[min(len(s.asked), len(s.answers)-1)]
	s.asked = append(s.asked, a)
	if next.body == "" {
		message, _ := a.body["MessageBody"].(string)
		next.body = fmt.Sprintf(`{"MessageId":"m-1","MD5OfMessageBody":"%x"}`, md5.Sum([]byte(message)))
	}
	w.Header().Set("X-Amzn-Requestid", "req-1")
	w.WriteHeader(next.status)
	_, _ = io.WriteString(w, next.body)
}

// sender returns a sender to the server as a function opens it.
func (s *sqsServer) sender(t testing.TB) *Sender {
	t.Helper()
	values := map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
		"AWS_ENDPOINT_URL": s.URL, "QUEUE_URL": s.URL + "/1/alerts",
	}
	env := func(name string) (string, bool) { v, ok := values[name]; return v, ok }
	cfg, err := cloud.Config(env)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Open(cfg, env, "QUEUE_URL")
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestClientAsksWhatTheSDKAsks(t *testing.T) {
	for _, e := range []Entry{
		{Body: "text"},
		{Group: "int-1", Body: "quotes \" and \\, tabs\t, lines\n, \u2028, ü, 警报, <&>"},
		{Body: "not UTF-8: \xff", Delay: time.Minute},
	} {
		t.Run(e.Body, func(t *testing.T) {
			s := serve(t, answer{status: 200})
			ours := s.sender(t)
			sdk := &Sender{API: ours.API.(*client).batches(), URL: ours.URL}
			errOurs, errSDK := ours.Send(t.Context(), e), sdk.Send(t.Context(), e)
			if (errOurs == nil) != (errSDK == nil) {
				t.Errorf("ours fails with %v, the SDK with %v", errOurs, errSDK)
			}
			if !reflect.DeepEqual(s.asked[0], s.asked[len(s.asked)-1]) {
				t.Errorf("asked %+v\nthe SDK asks %+v", s.asked[0], s.asked[len(s.asked)-1])
			}
		})
	}
}

func TestClientTriesAgainWhatMayPass(t *testing.T) {
	good := answer{status: 200}
	for _, c := range []struct {
		name    string
		answers []answer
		calls   int
		code    string // of the error; "": none
		says    string
	}{
		{"taken", []answer{good}, 1, "", ""},
		{"server fails once", []answer{{500, `{"__type":"com.amazonaws.sqs#InternalError","message":"busy"}`}, good}, 2, "", ""},
		{"gateway fails without a document", []answer{{503, `<html>`}, good}, 2, "", ""},
		{"throttled", []answer{{400, `{"__type":"com.amazonaws.sqs#RequestThrottled"}`}, {403, `{"__type":"ThrottlingException"}`}, good}, 3, "", ""},
		{"server fails for good", []answer{{500, `{"__type":"InternalError","message":"busy"}`}}, 4, "InternalError", "req-1"},
		{"no such queue", []answer{{400, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"gone"}`}}, 1, "QueueDoesNotExist", "RequestID: req-1"},
		{"no permission", []answer{{403, `{"__type":"AccessDenied","Message":"not you"}`}}, 1, "AccessDenied", "not you"},
		{"another body was taken", []answer{{200, `{"MessageId":"m-1","MD5OfMessageBody":"00"}`}}, 1, "-", "MD5"},
		{"no checksum", []answer{{200, `{"MessageId":"m-1"}`}}, 1, "-", "MD5"},
		{"no document", []answer{{200, `x`}}, 1, "-", "deserialization"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.answers...)
			q := s.sender(t)
			q.API.(*client).retryer = hasty{q.API.(*client).retryer}
			err := q.Send(t.Context(), Entry{Body: "b"})
			if len(s.asked) != c.calls || (err == nil) != (c.code == "") {
				t.Fatalf("%d calls, err %v; want %d, code %q", len(s.asked), err, c.calls, c.code)
			}
			if err == nil {
				return
			}
			if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("err %v, want it to say %q", err, c.says)
			}
			if e, ok := errors.AsType[smithy.APIError](err); c.code != "-" && (!ok || e.ErrorCode() != c.code) {
				t.Errorf("err %v, want code %s", err, c.code)
			}
		})
	}
}

// hasty waits for nothing.
type hasty struct{ aws.RetryerV2 }

func (hasty) RetryDelay(int, error) (time.Duration, error) { return 0, nil }

func TestClientWaitsBetweenAttempts(t *testing.T) {
	s := serve(t, answer{status: 500, body: `{}`}, answer{status: 200})
	q := s.sender(t)
	var waited []int
	q.API.(*client).retryer = counting{q.API.(*client).retryer, &waited}
	if err := q.Send(t.Context(), Entry{Body: "b"}); err != nil || len(waited) != 1 {
		t.Errorf("waited %v, err %v", waited, err)
	}
}

type counting struct {
	aws.RetryerV2
	waited *[]int
}

func (c counting) RetryDelay(n int, err error) (time.Duration, error) {
	*c.waited = append(*c.waited, n)
	return c.RetryerV2.RetryDelay(n, err)
}

func TestClientStopsWithItsContext(t *testing.T) {
	s := serve(t, answer{status: 500, body: `{}`})
	q := s.sender(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	q.API.(*client).retryer = ending{q.API.(*client).retryer, func() { cancel(errors.New("the caller has gone")) }}
	err := q.Send(ctx, Entry{Body: "b"})
	if err == nil || !strings.Contains(err.Error(), "the caller has gone") || len(s.asked) != 1 {
		t.Errorf("%d calls, err %v", len(s.asked), err)
	}
}

// ending ends the context while the client waits.
type ending struct {
	aws.RetryerV2
	end func()
}

func (e ending) RetryDelay(int, error) (time.Duration, error) {
	e.end()
	return time.Hour, nil
}

func TestClientTriesAgainWithoutAnAnswer(t *testing.T) {
	s := serve(t, answer{status: 200})
	q := s.sender(t)
	q.API.(*client).retryer = hasty{q.API.(*client).retryer}
	flaky := &losing{inner: q.API.(*client).http, lose: 2}
	q.API.(*client).http = flaky
	if err := q.Send(t.Context(), Entry{Body: "b"}); err != nil || flaky.lose != 0 {
		t.Errorf("err %v", err)
	}
}

// losing loses the first requests on their way.
type losing struct {
	inner aws.HTTPClient
	lose  int
}

func (l *losing) Do(r *http.Request) (*http.Response, error) {
	if l.lose > 0 {
		l.lose--
		return nil, io.ErrUnexpectedEOF
	}
	return l.inner.Do(r)
}

func TestAddressIsThatOfTheSDK(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "https://sqs.eu-west-1.amazonaws.com/", "cn-north-1": "https://sqs.cn-north-1.amazonaws.com.cn/",
	} {
		if got, err := address(region, nil); err != nil || got != want {
			t.Errorf("%s: %s, %v", region, got, err)
		}
	}
	if got, err := address("eu-west-1", aws.String("http://127.0.0.1:4566")); err != nil || got != "http://127.0.0.1:4566/" {
		t.Errorf("%s, %v", got, err)
	}
}

func BenchmarkSend(b *testing.B) {
	s := &sqsServer{answers: []answer{{status: 200}}}
	s.Server = httptest.NewServer(s)
	defer s.Close()
	q := s.sender(b)
	body := strings.Repeat(`{"alert":"text"}`, 100)
	for name, api := range map[string]API{"ours": q.API, "sdk": q.API.(*client).batches()} {
		b.Run(name, func(b *testing.B) {
			sender := &Sender{API: api, URL: q.URL}
			b.ReportAllocs()
			for b.Loop() {
				s.asked = nil
				if err := sender.Send(b.Context(), Entry{Group: "g", Body: body}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
