package notify_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tocsin/shared/notify"
)

// TestEveryStatus pins the table: a status that is not named here has its
// class's meaning.
func TestEveryStatus(t *testing.T) {
	named := map[int]notify.Kind{
		401: notify.Misconfigured, 402: notify.Misconfigured, 403: notify.Misconfigured, 407: notify.Misconfigured, 426: notify.Misconfigured,
		404: notify.RejectedAddress, 405: notify.RejectedAddress, 410: notify.RejectedAddress,
		408: notify.Retry, 409: notify.Retry, 421: notify.Retry, 423: notify.Retry, 425: notify.Retry, 429: notify.Retry,
		503: notify.Retry, 507: notify.Retry,
		501: notify.Misconfigured, 505: notify.Misconfigured, 506: notify.Misconfigured, 508: notify.Misconfigured, 510: notify.Misconfigured, 511: notify.Misconfigured,
	}
	class := map[int]notify.Kind{2: notify.Sent, 3: notify.RejectedAddress, 4: notify.RejectedMessage}
	for status := range 1000 {
		want, ok := named[status]
		if !ok {
			want, ok = class[status/100]
		}
		if !ok {
			want = notify.Unknown
		}
		if got := notify.OfStatus(status); got != want {
			t.Errorf("status %d is %s, want %s", status, got, want)
		}
	}
}

func TestCodeBeatsStatus(t *testing.T) {
	for _, c := range []struct {
		name     string
		provider notify.Provider
		code     string
		status   int
		want     notify.Kind
	}{
		{"the daily limit is not over in minutes", notify.Ntfy, "42908", 429, notify.Misconfigured},
		{"too many requests is", notify.Ntfy, "42901", 429, notify.Retry},
		{"a topic that is none", notify.Ntfy, "40009", 400, notify.RejectedAddress},
		{"throttled", notify.SES, "TooManyRequestsException", 429, notify.Retry},
		{"paused account", notify.SES, "SendingPausedException", 400, notify.Misconfigured},
		{"failed inside", notify.SES, "InternalFailure", 500, notify.Unknown},
		{"unknown code", notify.SES, "NewException", 400, notify.RejectedMessage},
		{"unknown provider", "other", "42908", 429, notify.Retry},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := notify.Coded(c.provider, c.code, c.status, nil, ""); got.Kind != c.want {
				t.Errorf("got %s, want %s", got.Kind, c.want)
			}
		})
	}
}

func TestAgain(t *testing.T) {
	for kind, want := range map[notify.Kind]bool{
		notify.Sent: false, notify.Retry: true, notify.Unknown: true, notify.RejectedAddress: false, notify.RejectedMessage: false, notify.Misconfigured: false,
	} {
		if kind.Again() != want {
			t.Errorf("%s: again %v", kind, !want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "99999999999": time.Hour, "soon": 0, "Mon, 01 Jan 2001 00:00:00 GMT": 0,
	} {
		h := http.Header{}
		h.Set("Retry-After", text)
		if got := notify.Answered(429, h, "").Pause; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	h := http.Header{}
	h.Set("Retry-After", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat))
	if got := notify.Answered(503, h, "").Pause; got < 50*time.Second || got > time.Minute {
		t.Errorf("a date in a minute: %v", got)
	}
}

func TestUnanswered(t *testing.T) {
	wrap := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://ntfy.example.com/secret-topic", Err: err}
	}
	for _, c := range []struct {
		name string
		err  error
		want notify.Kind
	}{
		{"no such name", wrap(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "ntfy.example.com", IsNotFound: true}}), notify.Retry},
		{"name server down", wrap(&net.DNSError{Name: "ntfy.example.com"}), notify.Retry},
		{"refused", wrap(&net.OpError{Op: "dial", Err: errors.New("connection refused")}), notify.Retry},
		{"reset", wrap(&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}), notify.Unknown},
		{"closed", wrap(errors.New("EOF")), notify.Unknown},
		{"timed out", wrap(context.DeadlineExceeded), notify.Unknown},
		{"wrong certificate", wrap(x509.UnknownAuthorityError{}), notify.Misconfigured},
		{"certificate of another", wrap(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "ntfy.example.com"}), notify.Misconfigured},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := notify.Unanswered(c.err)
			if got.Kind != c.want || got.Detail == "" || strings.Contains(got.Detail, "secret-topic") {
				t.Errorf("got %+v, want %s", got, c.want)
			}
		})
	}
}

func TestLine(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"line breaks", "a\r\nBcc: x\u2028b\u0085c", "a Bcc: x b c"},
		{"control characters", "a\x00\x1b[31mb", "a[31mb"},
		{"direction", "a\u202eb\u2066c", "abc"},
		{"spaces", "  a \t b ", "a b"},
		{"invalid UTF-8", "a\xffb", "a\uFFFDb"},
		{"cut between characters", strings.Repeat("火", 20), strings.Repeat("火", 9) + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := notify.Line(c.in, 30); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := notify.Lines(" a\r\n\tb\x00\n\n", 30); got != "a\n\tb" {
		t.Errorf("got %q", got)
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"", "a\r\nb", "\xff", "火灾", "\u202e"} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = 3 + n&63
		got := notify.Line(s, n)
		if len(got) > n || strings.ContainsAny(got, "\r\n\x00") || !utf8.ValidString(got) {
			t.Errorf("Line(%q, %d) = %q", s, n, got)
		}
	})
}
