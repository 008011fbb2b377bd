package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"tocsin/shared/fault"
	"tocsin/shared/telemetry"
)

func event(method, path string) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: path}
	e.RequestContext.Stage = "$default"
	e.RequestContext.RequestID = "req-1"
	e.RequestContext.DomainName = "api.example.com"
	e.RequestContext.HTTP.Method = method
	e.RequestContext.HTTP.SourceIP = "192.0.2.7"
	return e
}

func TestRequestIsThatOfTheEvent(t *testing.T) {
	e := event("POST", "/in/prometheus/tk_1/api/v2/alerts")
	e.RawQueryString = "a=1&a=2&b=%20"
	e.Headers = map[string]string{"content-type": "application/json", "x-many": "1,2"}
	e.Cookies = []string{"a=1", "b=2"}
	e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte{0, 0xff}), true
	r, err := request(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	got := map[string]any{"method": r.Method, "path": r.URL.Path, "a": r.URL.Query()["a"], "b": r.URL.Query().Get("b"), "host": r.Host,
		"type": r.Header.Get("Content-Type"), "many": r.Header.Get("X-Many"), "cookies": len(r.Cookies()), "body": body,
		"length": r.ContentLength, "remote": r.RemoteAddr, "id": telemetry.RequestID(r.Context())}
	want := map[string]any{"method": "POST", "path": "/in/prometheus/tk_1/api/v2/alerts", "a": []string{"1", "2"}, "b": " ", "host": "api.example.com",
		"type": "application/json", "many": "1,2", "cookies": 2, "body": []byte{0, 0xff},
		"length": int64(2), "remote": "192.0.2.7:0", "id": "req-1"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("request %v\nwant    %v", got, want)
	}
}

// TestRequestReadsWhatEncodingJSONReads compares the two on the events at hand.
func TestRequestReadsWhatEncodingJSONReads(t *testing.T) {
	files, err := filepath.Glob("../../events/*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	requests := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var all events.APIGatewayV2HTTPRequest
		if json.Unmarshal(text, &all) != nil || all.RequestContext.HTTP.Method == "" {
			if _, ok := Request(text); ok {
				t.Errorf("%s is taken for a request", file)
			}
			continue
		}
		requests++
		want := events.APIGatewayV2HTTPRequest{
			RawPath: all.RawPath, RawQueryString: all.RawQueryString, Headers: all.Headers, Cookies: all.Cookies, Body: all.Body, IsBase64Encoded: all.IsBase64Encoded,
		}
		about := &want.RequestContext
		about.RequestID, about.Stage, about.DomainName = all.RequestContext.RequestID, all.RequestContext.Stage, all.RequestContext.DomainName
		about.HTTP.Method, about.HTTP.SourceIP = all.RequestContext.HTTP.Method, all.RequestContext.HTTP.SourceIP
		if got, ok := Request(text); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nread %+v\nwant %+v", file, got, want)
		}
	}
	if requests < 50 {
		t.Errorf("compared with %d requests", requests)
	}
}

func TestFunctionAnswersInJSON(t *testing.T) {
	f := Lambda(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	got, err := f.Invoke(t.Context(), []byte(`{"rawPath":"/","requestContext":{"http":{"method":"POST","sourceIp":"192.0.2.7"}},"body":"a\u0022b","cookies":["c=1"]}`))
	if want := `{"statusCode":200,"headers":{},"multiValueHeaders":null,"body":"a\"b","cookies":null}`; err != nil || string(got) != want {
		t.Errorf("answered %s, %v; want %s", got, err, want)
	}
	for _, event := range []string{``, `{}`, `[]`, `{"requestContext":{"http":{"method":""}}}`, `{"requestContext":{"http":{"method":"GET"}}`} {
		if got, err := f.Invoke(t.Context(), []byte(event)); err == nil {
			t.Errorf("%s: answered %s", event, got)
		}
	}
}

func TestPathIsReadEscapedAndWithoutItsStage(t *testing.T) {
	for _, c := range []struct{ name, stage, raw, want string }{
		{"plain", "$default", "/v1/events", "/v1/events"},
		{"escaped", "$default", "/a/x%2Fy", "/a/x/y"},
		{"not escaped", "$default", "/a/100%", "/a/100%"},
		{"stage", "dev", "/dev/v1/events", "/v1/events"},
		{"stage only in part", "dev", "/development", "/development"},
		{"empty", "$default", "", "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := event("GET", c.raw)
			e.RequestContext.Stage = c.stage
			if got := urlOf(e).Path; got != c.want {
				t.Errorf("path %q, want %q", got, c.want)
			}
		})
	}
}

func TestEventThatIsNoRequestIsAnError(t *testing.T) {
	for name, e := range map[string]events.APIGatewayV2HTTPRequest{"empty": {}, "bad method": event("P T", "/")} {
		if _, err := Lambda(http.NotFoundHandler()).Answer(t.Context(), e); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBodyThatIsNoBase64IsTheCallersFault(t *testing.T) {
	e := event("POST", "/read")
	e.Body, e.IsBase64Encoded = "!", true
	got, err := Lambda(api(io.Discard, nil)).Answer(t.Context(), e)
	if err != nil || got.StatusCode != http.StatusBadRequest || !strings.Contains(got.Body, "the body is not base64") {
		t.Errorf("%+v %v", got, err)
	}
}

func TestResponseIsThatOfTheHandler(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("X-Many", "1")
		w.Header().Add("X-Many", "2")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("X-Late", "1")
		_, _ = io.WriteString(w, "text")
	})
	got, err := Lambda(h).Answer(t.Context(), event("GET", "/"))
	want := events.APIGatewayV2HTTPResponse{StatusCode: 201, Headers: map[string]string{"X-Many": "1,2"}, Cookies: []string{"a=1"}, Body: "text"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("response %+v, %v\nwant     %+v", got, err, want)
	}
}

func TestBytesThatAreNoTextTravelAsBase64(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte{0xff}) })
	got, _ := Lambda(h).Answer(t.Context(), event("GET", "/"))
	if !got.IsBase64Encoded || got.Body != "/w==" {
		t.Errorf("body %q, base64 %v", got.Body, got.IsBase64Encoded)
	}
}

// api answers with err at GET /do/{key} and panics at GET /panic.
func api(log io.Writer, err error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /do/{key}", Handler(func(http.ResponseWriter, *http.Request) error { return err }))
	mux.Handle("POST /read", Handler(func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.ReadAll(r.Body)
		return err
	}))
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("tk_secret is no text for callers") })
	none := func(string) (string, bool) { return "", false }
	return Serve(telemetry.NewLogger(log, none), nil, Limit(8, Problems(mux)))
}

func ask(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(telemetry.WithRequestID(r.Context(), "req-1")))
	return w
}

func TestProblemFollowsTheKindOfError(t *testing.T) {
	cause := errors.New("connect 10.0.0.1: refused")
	fields := fault.Problems{{Path: "name", Problem: "missing"}, {Path: "auth", Problem: "unknown"}}
	for _, c := range []struct {
		name   string
		err    error
		status int
		body   string
	}{
		{"invalid", fault.New(fault.Invalid, "not JSON"), 400, `"type":"urn:tocsin:problem:invalid","title":"Bad Request","status":400,"detail":"not JSON"`},
		{"invalid fields", fields.Err("bad"), 422, `"detail":"bad","instance":"urn:request:req-1","errors":[{"field":"name","detail":"missing"},{"field":"auth","detail":"unknown"}]`},
		{"wrapped", fmt.Errorf("read x: %w", fault.New(fault.NotFound, "no such event")), 404, `"detail":"no such event"`},
		{"conflict", fault.New(fault.Conflict, "closed"), 409, `"type":"urn:tocsin:problem:conflict"`},
		{"unauthenticated", fault.New(fault.Unauthenticated, "who"), 401, `"title":"Unauthorized"`},
		{"forbidden", fault.New(fault.Forbidden, "no"), 403, `"status":403`},
		{"too many", fault.New(fault.TooMany, "slow"), 429, `"status":429`},
		{"unavailable", fault.Wrap(fault.Unavailable, cause, "try later"), 503, `"detail":"try later"`},
		{"internal", fault.Wrap(fault.Internal, cause, "secret text"), 500, `{"type":"urn:tocsin:problem:internal","title":"Internal Server Error","status":500,"instance":"urn:request:req-1"}`},
		{"unknown", cause, 500, `{"type":"urn:tocsin:problem:internal","title":"Internal Server Error","status":500,"instance":"urn:request:req-1"}`},
		{"own status", &StatusError{Status: 415, Text: "no"}, 415, `"type":"urn:tocsin:problem:unsupported_media_type"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			w := ask(api(&log, c.err), "GET", "/do/tk_secret", "")
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s %s\nwant %d %s", w.Code, w.Header(), w.Body, c.status, c.body)
			}
			if strings.Contains(w.Body.String(), "10.0.0.1") {
				t.Error("the caller sees the cause")
			}
			if line := log.String(); !strings.Contains(line, `"route":"GET /do/{key}"`) || strings.Contains(line, "tk_secret") {
				t.Errorf("log line %s", line)
			}
		})
	}
}

func TestWaitingTimeIsNamedWhereARepeatHelps(t *testing.T) {
	for kind, want := range map[fault.Kind]string{fault.Unavailable: "5", fault.TooMany: "5", fault.Invalid: ""} {
		if got := ask(api(io.Discard, fault.New(kind, "x")), "GET", "/do/1", "").Header().Get("Retry-After"); got != want {
			t.Errorf("%s: Retry-After %q, want %q", kind, got, want)
		}
	}
}

func TestServeAnswersWhatHandlersDoNot(t *testing.T) {
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		allow, log               string
	}{
		{"panic", "GET", "/panic", "", 500, "", `"level":"ERROR","message":"request answered"`},
		{"no route", "GET", "/none/tk_secret", "", 404, "", `"route":"none"`},
		{"wrong method", "PUT", "/do/tk_secret", "", 405, "GET, HEAD", `"reason":"method not allowed"`},
		{"small body", "POST", "/read", "12345678", 200, "", `"route":"POST /read"`},
		{"large body", "POST", "/read", "123456789", 413, "", `"reason":"request entity too large"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			w := ask(api(&log, nil), c.method, c.path, c.body)
			if w.Code != c.status || w.Header().Get("Allow") != c.allow || !strings.Contains(log.String(), c.log) {
				t.Errorf("%d %v, log %s", w.Code, w.Header(), log.String())
			}
			if strings.Contains(w.Body.String(), "tk_secret") || c.name != "panic" && strings.Contains(log.String(), "tk_secret") {
				t.Errorf("the secret shows: %s, log %s", w.Body, log.String())
			}
		})
	}
}

func TestStraight(t *testing.T) {
	for path, want := range map[string]string{
		"/in/a/key": "/in/a/key", "//in/a/key": "/in/a/key", "/in//a///key": "/in/a/key", "/in/a/key/": "/in/a/key/", "/in/./a/../a/key": "/in/a/key",
		"/in/a%2Fb//key": "/in/a%2Fb/key", "/": "/", "//": "/", "/in/a/key//": "/in/a/key/", "/in/%2e%2e/key": "/in/%2e%2e/key",
	} {
		r := httptest.NewRequest(http.MethodPost, "http://host.example"+path, http.NoBody)
		Straight(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if got := r.URL.EscapedPath(); got != want {
				t.Errorf("%s becomes %s, want %s", path, got, want)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}

func TestAnnotationsReachTheLogLine(t *testing.T) {
	var log bytes.Buffer
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Annotate(r.Context(), slog.String("delivery_id", "d-1")) })
	none := func(string) (string, bool) { return "", false }
	ask(Serve(telemetry.NewLogger(&log, none), nil, h), "GET", "/", "")
	Annotate(context.Background(), slog.String("nowhere", "1"))
	if !strings.Contains(log.String(), `"delivery_id":"d-1","request_id":"req-1"`) {
		t.Errorf("log %s", log.String())
	}
}

func FuzzLambda(f *testing.F) {
	f.Add("POST", "/in/prometheus/tk_1", "a=1", "application/json", "{}", false)
	f.Add("GET", "%zz?", "%", "\r\n", "/w==", true)
	h := Serve(slog.New(slog.DiscardHandler), nil, Limit(64, Problems(http.NewServeMux())))
	f.Fuzz(func(t *testing.T, method, path, query, header, body string, encoded bool) {
		e := event(method, path)
		e.RawQueryString, e.Body, e.IsBase64Encoded = query, body, encoded
		e.Headers = map[string]string{"content-type": header}
		out, err := Lambda(h).Answer(t.Context(), e)
		if (err == nil) != (out.StatusCode >= 200 && out.StatusCode < 600) {
			t.Errorf("status %d, err %v", out.StatusCode, err)
		}
		if _, err := json.Marshal(out); err != nil {
			t.Error(err)
		}
	})
}
