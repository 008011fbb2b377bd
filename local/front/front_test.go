package front

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// echo answers with the path and query that it was asked for.
func echo(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, name+" "+r.Method+" "+r.URL.EscapedPath()+"?"+r.URL.RawQuery)
	})
}

func newFront(t *testing.T) *httptest.Server {
	t.Helper()
	api := httptest.NewServer(echo("api"))
	t.Cleanup(api.Close)
	base, err := url.Parse(api.URL + "/_aws/execute-api/x/$default")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(New(Config{API: base, Inbox: echo("inbox"), Mail: echo("mail"), Addresses: []Address{{"http://127.0.0.1:1/inbox", "Inbox"}}}))
	t.Cleanup(server.Close)
	return server
}

func TestRoutes(t *testing.T) {
	server := newFront(t)
	for path, want := range map[string]string{
		"/in/prometheus/k1?a=1": "api GET /_aws/execute-api/x/$default/in/prometheus/k1?a=1",
		"/a/tok%2Fen":           "api GET /_aws/execute-api/x/$default/a/tok%2Fen?",
		"/v1/events":            "api GET /_aws/execute-api/x/$default/v1/events?",
		"/v2/enqueue":           "api GET /_aws/execute-api/x/$default/v2/enqueue?",
		"/inbox":                "inbox GET /inbox?",
		"/inbox/messages?to=a":  "inbox GET /inbox/messages?to=a",
	} {
		t.Run(path, func(t *testing.T) {
			if _, got := get(t, server.URL+path); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestMailIsPosted(t *testing.T) {
	server := newFront(t)
	resp, err := http.Post(server.URL+"/mail/tk_a@b.example", "message/rfc822", strings.NewReader("Subject: x\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "mail POST /mail/tk_a@b.example?" {
		t.Errorf("%s, %v", body, err)
	}
	if status, _ := get(t, server.URL+"/mail/tk_a@b.example"); status != http.StatusMethodNotAllowed {
		t.Errorf("a GET is answered %d", status)
	}
}

func TestHomeNamesAddresses(t *testing.T) {
	status, text := get(t, newFront(t).URL+"/")
	if status != http.StatusOK || !strings.Contains(text, `<a href="http://127.0.0.1:1/inbox">`) {
		t.Errorf("status %d: %s", status, text)
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	if status, _ := get(t, newFront(t).URL+"/other"); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
}

func TestAbsentAPIIsBadGateway(t *testing.T) {
	base, err := url.Parse("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(New(Config{API: base, Inbox: echo("inbox"), Mail: echo("mail")}))
	defer server.Close()
	status, text := get(t, server.URL+"/a/secret")
	if status != http.StatusBadGateway || strings.Contains(text, "secret") {
		t.Errorf("status %d: %s", status, text)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
