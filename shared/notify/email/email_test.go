package email_test

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"reflect"
	"strings"
	"sync"
	"testing"

	"tocsin/shared/cloud"
	"tocsin/shared/notify"
	"tocsin/shared/notify/email"
)

// ses is a small SES: it keeps what it is sent and answers as it is told.
type ses struct {
	mu      sync.Mutex
	answers []answer // the last one stays
	calls   int
	request struct {
		FromEmailAddress     string
		ConfigurationSetName string
		Destination          struct{ ToAddresses []string }
		Content              struct{ Raw struct{ Data []byte } }
	}
}

type answer struct {
	status int
	code   string
	words  string
	hangUp bool
}

func (s *ses) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answers[min(s.calls, len(s.answers)-1)]
	s.calls++
	if err := json.NewDecoder(r.Body).Decode(&s.request); err != nil || r.URL.Path != "/v2/email/outbound-emails" {
		a = answer{status: 400, code: "BadRequestException", words: "no SendEmail"}
	}
	if a.hangUp {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	if a.code != "" {
		w.Header().Set("X-Amzn-ErrorType", a.code)
	}
	w.WriteHeader(a.status)
	text, _ := json.Marshal(map[string]string{"message": a.words, "MessageId": "0100-id"})
	_, _ = w.Write(text)
}

func (s *ses) called() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func open(t *testing.T, s *ses, more ...string) *email.Channel {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	env := environment(append([]string{
		"AWS_REGION", "us-east-1", "AWS_ACCESS_KEY_ID", "test", "AWS_SECRET_ACCESS_KEY", "test",
		"AWS_ENDPOINT_URL_SESV2", server.URL, "MAIL_FROM", "alerts@ops.example.com",
	}, more...)...)
	cfg, err := cloud.Config(env)
	if err != nil {
		t.Fatal(err)
	}
	c, err := email.Open(cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func environment(pairs ...string) cloud.Lookup {
	values := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

func content() notify.Content {
	return notify.Content{
		ID: "5f2c", Thread: "E-12.0", Language: "zh", Subject: "[P1] E-12 磁盘已满 on db-1 because of a very long reason that needs folding",
		Text: "line one\nline two: 确认", HTML: "<p>确认</p>", Urgency: notify.Urgent,
	}
}

func TestSends(t *testing.T) {
	s := &ses{answers: []answer{{status: 200}}}
	c := open(t, s, "MAIL_CONFIGURATION_SET", "pages")
	got := c.Send(t.Context(), "ann@example.com", content())
	if want := (notify.Result{Kind: notify.Sent, ID: "0100-id", Detail: "HTTP 200"}); got != want {
		t.Fatalf("got %+v", got)
	}
	if s.request.FromEmailAddress != `"Tocsin" <alerts@ops.example.com>` || s.request.ConfigurationSetName != "pages" ||
		!reflect.DeepEqual(s.request.Destination.ToAddresses, []string{"ann@example.com"}) {
		t.Errorf("request %+v", s.request)
	}
	m := read(t, s.request.Content.Raw.Data)
	want := map[string]string{
		"From": `"Tocsin" <alerts@ops.example.com>`, "To": "<ann@example.com>", "Subject": content().Subject,
		"Message-Id": "<5f2c@ops.example.com>", "References": "<thread.E-12.0@ops.example.com>", "In-Reply-To": "<thread.E-12.0@ops.example.com>",
		"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "Importance": "high", "X-Priority": "1", "Content-Language": "zh", "Mime-Version": "1.0",
	}
	for name, value := range want {
		if got := m.header[name]; got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	if m.kind != "multipart/alternative" || m.parts["text/plain; charset=utf-8"] != "line one\r\nline two: 确认" || m.parts["text/html; charset=utf-8"] != "<p>确认</p>" {
		t.Errorf("%s with %q", m.kind, m.parts)
	}
	for _, line := range strings.Split(string(s.request.Content.Raw.Data), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") || strings.ContainsFunc(line, func(r rune) bool { return r > 126 }) {
			t.Errorf("line %q", line)
		}
	}
}

func TestMailsOfAnEventAreOneConversation(t *testing.T) {
	s := &ses{answers: []answer{{status: 200}}}
	c := open(t, s)
	first, second, other := content(), content(), content()
	second.ID, other.ID, other.Thread = "77aa", "88bb", "E-12.1"
	var got []map[string]string
	for _, one := range []notify.Content{first, second, other} {
		c.Send(t.Context(), "ann@example.com", one)
		got = append(got, read(t, s.request.Content.Raw.Data).header)
	}
	same := func(name string) bool { return got[0][name] == got[1][name] }
	if !same("References") || !same("In-Reply-To") || !same("Subject") || same("Message-Id") {
		t.Errorf("%v and %v", got[0], got[1])
	}
	if got[2]["References"] == got[0]["References"] {
		t.Error("a reopened event is the same conversation")
	}
}

func TestHeadersTakeNoLineBreaks(t *testing.T) {
	s := &ses{answers: []answer{{status: 200}}}
	one := content()
	one.Subject, one.ID, one.Thread, one.Language = "a\r\nBcc: x@example.com\n\nbody", "i\r\nX-A: b", "t\nX-B: c>", "en\r\nX-C: d"
	open(t, s).Send(t.Context(), "ann@example.com", one)
	m := read(t, s.request.Content.Raw.Data)
	for _, name := range []string{"Bcc", "X-A", "X-B", "X-C"} {
		if v, ok := m.header[name]; ok {
			t.Errorf("%s: %s", name, v)
		}
	}
	if m.header["Subject"] != "a Bcc: x@example.com body" || m.header["References"] != "<thread.t-X-B--c-@ops.example.com>" {
		t.Errorf("headers %q", m.header)
	}
}

func TestAddresses(t *testing.T) {
	s := &ses{answers: []answer{{status: 200}}}
	c := open(t, s)
	for _, address := range []string{"", "ann", "Ann <ann@example.com>", "a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com"} {
		if got := c.Send(t.Context(), address, content()); got.Kind != notify.RejectedAddress || s.called() != 0 {
			t.Errorf("%q: %+v after %d calls", address, got, s.called())
		}
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name  string
		given []answer
		kind  notify.Kind
		words string
		calls int
	}{
		{"throttled, then taken", []answer{{status: 429, code: "TooManyRequestsException"}, {status: 200}}, notify.Sent, "HTTP 200", 2},
		{"throttled", []answer{{status: 429, code: "TooManyRequestsException", words: "Maximum sending rate exceeded."}}, notify.Retry, "HTTP 429 TooManyRequestsException: Maximum sending rate exceeded.", 2},
		{"failed inside", []answer{{status: 500, code: "InternalFailure", words: "Oops"}}, notify.Unknown, "HTTP 500 InternalFailure: Oops", 2},
		{"no answer", []answer{{hangUp: true}}, notify.Unknown, "the connection broke before an answer", 2},
		{"no answer, then taken", []answer{{hangUp: true}, {status: 200}}, notify.Sent, "HTTP 200", 2},
		{"sandbox", []answer{{status: 400, code: "MessageRejected", words: "Email address is not verified. The following identities failed the check in region US-EAST-1: ann@example.com"}},
			notify.Misconfigured, "HTTP 400 MessageRejected: Email address is not verified. The following identities failed the check in region US-EAST-1: (address)", 1},
		{"virus", []answer{{status: 400, code: "MessageRejected", words: "Bad content"}}, notify.RejectedMessage, "HTTP 400 MessageRejected: Bad content", 1},
		{"bad domain", []answer{{status: 400, code: "BadRequestException", words: "Domain contains illegal character"}}, notify.RejectedAddress, "HTTP 400 BadRequestException: Domain contains illegal character", 1},
		{"paused", []answer{{status: 400, code: "SendingPausedException"}}, notify.Misconfigured, "HTTP 400 SendingPausedException", 1},
		{"not allowed", []answer{{status: 403, code: "AccessDeniedException", words: "No"}}, notify.Misconfigured, "HTTP 403 AccessDeniedException: No", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &ses{answers: c.given}
			got := open(t, s).Send(t.Context(), "ann@example.com", content())
			if got.Kind != c.kind || got.Detail != c.words || s.called() != c.calls {
				t.Errorf("got %+v after %d calls", got, s.called())
			}
		})
	}
}

func TestOpenNeedsASender(t *testing.T) {
	for _, from := range []string{"", "no address"} {
		if _, err := email.New(nil, from, ""); err == nil || !strings.Contains(err.Error(), "MAIL_FROM") {
			t.Errorf("%q: err %v", from, err)
		}
	}
}

type message struct {
	header map[string]string
	kind   string
	parts  map[string]string
}

// read reads a mail with the standard library, not with what wrote it.
func read(t *testing.T, raw []byte) message {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	out := message{header: map[string]string{}, parts: map[string]string{}}
	for name := range m.Header {
		out.header[name], _ = new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	out.kind = kind
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		out.parts[p.Header.Get("Content-Type")] = string(text)
	}
}
