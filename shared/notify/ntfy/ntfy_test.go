package ntfy_test

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"tocsin/shared/fault"
	"tocsin/shared/notify"
	"tocsin/shared/notify/ntfy"
	"tocsin/shared/outgoing"
)

// server is a small ntfy: it keeps what it is sent and answers as it is told.
type server struct {
	status int
	answer string
	header http.Header
	calls  int
	path   string
	token  string
	body   []byte
	hangUp bool
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls++
	s.path, s.token = r.Method+" "+r.URL.Path, r.Header.Get("Authorization")
	s.body, _ = io.ReadAll(r.Body)
	if s.hangUp {
		panic(http.ErrAbortHandler)
	}
	for name, values := range s.header {
		w.Header()[name] = values
	}
	w.WriteHeader(s.status)
	_, _ = w.Write([]byte(s.answer))
}

const taken = `{"id":"sPs71M8A2T","time":1,"event":"message","topic":"ops-ann"}`

func start(t *testing.T, s *server) string {
	t.Helper()
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return h.URL
}

func open(t *testing.T, base, token string) *ntfy.Channel {
	t.Helper()
	guarded := outgoing.Client(outgoing.Options{AllowHTTP: true, Allow: func(a netip.Addr) bool { return a.String() == "127.0.0.1" }})
	c, err := ntfy.New(base, tells(token), guarded)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tells always tells the same token, and is nil without one.
func tells(token string) ntfy.Token {
	if token == "" {
		return nil
	}
	return func(context.Context) (string, error) { return token, nil }
}

// TestTokenThatCannotBeTold: nothing is sent without the token of a server that
// asks for one.
func TestTokenThatCannotBeTold(t *testing.T) {
	for want, err := range map[notify.Kind]error{
		notify.Retry: fault.New(fault.Unavailable, "throttled"), notify.Misconfigured: fault.New(fault.NotFound, "gone"),
	} {
		s := &server{status: 200, answer: taken}
		c, openErr := ntfy.New(start(t, s), func(context.Context) (string, error) { return "", err }, nil)
		if openErr != nil {
			t.Fatal(openErr)
		}
		if got := c.Send(t.Context(), "ops-ann", content()); got.Kind != want || s.calls != 0 {
			t.Errorf("%v: %+v after %d calls", err, got, s.calls)
		}
	}
}

func content() notify.Content {
	return notify.Content{
		ID: "5f2c", Title: "[P1] E-12 Disk full", Brief: "Nobody has answered yet.\n磁盘 <90%> & more", Urgency: notify.Urgent, Tags: []string{"rotating_light"},
		Links: []notify.Link{
			{Label: "Acknowledge", URL: "https://t.example.com/a/x?a=1&b=2"}, {Label: "View only", URL: "https://t.example.com/a/y"},
			{Label: "Third", URL: "https://t.example.com/3"}, {Label: "Fourth", URL: "https://t.example.com/4"},
		},
	}
}

func TestPublishes(t *testing.T) {
	s := &server{status: 200, answer: taken}
	got := open(t, start(t, s)+"/", "tk_secret").Send(t.Context(), "ops-ann", content())
	if want := (notify.Result{Kind: notify.Sent, ID: "sPs71M8A2T", Detail: "HTTP 200"}); got != want {
		t.Fatalf("got %+v", got)
	}
	if s.path != "POST /" || s.token != "Bearer tk_secret" || s.calls != 1 {
		t.Errorf("%s with %q, %d calls", s.path, s.token, s.calls)
	}
	var body map[string]any
	if err := json.Unmarshal(s.body, &body); err != nil {
		t.Fatal(err)
	}
	view := func(label, url string) any { return map[string]any{"action": "view", "label": label, "url": url} }
	want := map[string]any{
		"topic": "ops-ann", "title": "[P1] E-12 Disk full", "message": "Nobody has answered yet.\n磁盘 <90%> & more", "priority": 5.0, "tags": []any{"rotating_light"},
		"click":   "https://t.example.com/a/x?a=1&b=2",
		"actions": []any{view("Acknowledge", "https://t.example.com/a/x?a=1&b=2"), view("View only", "https://t.example.com/a/y"), view("Third", "https://t.example.com/3")},
	}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("got  %v\nwant %v", body, want)
	}
}

func TestPriorities(t *testing.T) {
	for urgency, want := range map[notify.Urgency]float64{notify.Urgent: 5, notify.High: 4, notify.Normal: 3, notify.Low: 2, 0: 3} {
		s := &server{status: 200, answer: taken}
		one := content()
		one.Urgency = urgency
		open(t, start(t, s), "").Send(t.Context(), "ops", one)
		var body map[string]any
		if err := json.Unmarshal(s.body, &body); err != nil || body["priority"] != want || s.token != "" {
			t.Errorf("urgency %d: %v, token %q, err %v", urgency, body["priority"], s.token, err)
		}
	}
}

func TestKeepsWithinTheServersLimits(t *testing.T) {
	for name, text := range map[string]string{
		"long": strings.Repeat("x", 20000), "wide": strings.Repeat("火", 9000), "escaped": strings.Repeat("\"\\", 9000), "lines": strings.Repeat("\n\t", 9000) + "x",
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{status: 200, answer: taken}
			one := content()
			one.Brief, one.Title = text, text
			got := open(t, start(t, s), "").Send(t.Context(), "ops", one)
			var body struct{ Title, Message string }
			if err := json.Unmarshal(s.body, &body); err != nil || got.Kind != notify.Sent {
				t.Fatalf("%+v, err %v", got, err)
			}
			if len(s.body) > 8192 || len(body.Message) > 4096 || len(body.Title) > 200 {
				t.Errorf("body %d, message %d, title %d bytes", len(s.body), len(body.Message), len(body.Title))
			}
		})
	}
	s := &server{status: 200, answer: taken}
	one := content()
	one.Links[0].URL = "https://t.example.com/" + strings.Repeat("x", 9000)
	if got := open(t, start(t, s), "").Send(t.Context(), "ops", one); got.Kind != notify.RejectedMessage || s.calls != 0 {
		t.Errorf("links beyond the limit: %+v", got)
	}
}

func TestAddresses(t *testing.T) {
	own, other := &server{status: 200, answer: taken}, &server{status: 200, answer: taken}
	ownURL, otherURL := start(t, own), start(t, other)
	c := open(t, ownURL, "tk_secret")
	for _, v := range []struct {
		name, address string
		kind          notify.Kind
		own, other    int
		path, token   string
	}{
		{"a topic", "ops_ann-1", notify.Sent, 1, 0, "POST /", "Bearer tk_secret"},
		{"a topic's address on the same server", ownURL + "/ops", notify.Sent, 1, 0, "POST /", "Bearer tk_secret"},
		{"another server gets no token", otherURL + "/ops", notify.Sent, 0, 1, "POST /", ""},
		{"another server below a path", otherURL + "/ntfy/ops", notify.Sent, 0, 1, "POST /ntfy/", ""},
		{"no topic", otherURL + "/", notify.RejectedAddress, 0, 0, "", ""},
		{"no topic and no path", otherURL, notify.RejectedAddress, 0, 0, "", ""},
		{"a bad topic", "ops/ann", notify.RejectedAddress, 0, 0, "", ""},
		{"a topic too long", strings.Repeat("a", 65), notify.RejectedAddress, 0, 0, "", ""},
		{"nothing", "", notify.RejectedAddress, 0, 0, "", ""},
		{"a password", strings.Replace(otherURL, "://", "://u:p@", 1) + "/ops", notify.RejectedAddress, 0, 0, "", ""},
		{"a query", otherURL + "/ops?x=1", notify.RejectedAddress, 0, 0, "", ""},
		{"inside", strings.Replace(otherURL, "127.0.0.1", "127.0.0.9", 1) + "/ops", notify.RejectedAddress, 0, 0, "", ""},
	} {
		t.Run(v.name, func(t *testing.T) {
			own.calls, other.calls = 0, 0
			own.path, own.token, other.path, other.token = "", "", "", ""
			got := c.Send(t.Context(), v.address, content())
			if got.Kind != v.kind || own.calls != v.own || other.calls != v.other || own.path+other.path != v.path || own.token+other.token != v.token {
				t.Errorf("%+v; own %d, other %d, %q, token %q", got, own.calls, other.calls, own.path+other.path, own.token+other.token)
			}
			if v.kind != notify.Sent && v.address != "" && strings.Contains(got.Detail, v.address) {
				t.Errorf("the result tells the address: %s", got.Detail)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		server server
		kind   notify.Kind
		detail string
	}{
		{"no token", server{status: 403, answer: `{"code":40301,"http":403,"error":"forbidden"}`}, notify.Misconfigured, "HTTP 403 40301: forbidden"},
		{"too many", server{status: 429, answer: `{"code":42901,"http":429,"error":"limit reached: too many requests"}`, header: http.Header{"Retry-After": {"9"}}}, notify.Retry, "HTTP 429 42901: limit reached: too many requests"},
		{"too many today", server{status: 429, answer: `{"code":42908,"http":429,"error":"limit reached: daily message quota reached"}`}, notify.Misconfigured, "HTTP 429 42908: limit reached: daily message quota reached"},
		{"a bad topic", server{status: 400, answer: `{"code":40010,"http":400,"error":"topic name is not allowed"}`}, notify.RejectedAddress, "HTTP 400 40010: topic name is not allowed"},
		{"a gateway's page", server{status: 502, answer: `<html>bad gateway</html>`}, notify.Unknown, "HTTP 502"},
		{"no ntfy at all", server{status: 404, answer: `nothing here`}, notify.RejectedAddress, "HTTP 404"},
		{"redirected", server{status: 302, header: http.Header{"Location": {"/elsewhere"}}}, notify.RejectedAddress, "HTTP 302"},
		{"no answer", server{hangUp: true}, notify.Unknown, "the connection broke before an answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := open(t, start(t, &c.server), "").Send(t.Context(), "secret-topic", content())
			if got.Kind != c.kind || got.Detail != c.detail || (got.Pause != 0) != (c.server.header.Get("Retry-After") != "") {
				t.Errorf("got %+v", got)
			}
		})
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	if got := open(t, gone.URL, "").Send(t.Context(), "secret-topic", content()); got.Kind != notify.Retry || strings.Contains(got.Detail, "secret") {
		t.Errorf("a server that is down: %+v", got)
	}
}

// TestUntrustedServer: a certificate that no root vouches for is a person's
// business, and nothing was sent.
func TestUntrustedServer(t *testing.T) {
	s := &server{status: 200, answer: taken}
	h := httptest.NewUnstartedServer(s)
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	h.StartTLS()
	defer h.Close()
	if got := open(t, h.URL, "tk_secret").Send(t.Context(), "ops", content()); got.Kind != notify.Misconfigured || s.calls != 0 {
		t.Errorf("%+v after %d calls", got, s.calls)
	}
}

func TestBase(t *testing.T) {
	for base, ok := range map[string]bool{
		"": true, "https://ntfy.example.com": true, "http://127.0.0.1:8080/": true, "ntfy.example.com": false, "ftp://x": false, "https://u:p@x": false, "https://": false,
	} {
		if _, err := ntfy.New(base, nil, nil); (err == nil) != ok {
			t.Errorf("%q: err %v", base, err)
		}
	}
}
