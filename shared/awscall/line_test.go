package awscall

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// service remembers on which connection each request came.
type service struct {
	*httptest.Server
	lock   sync.Mutex
	remote []string // of each request
}

func serve(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, n int)) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if text, err := io.ReadAll(r.Body); err != nil || string(text) != "sent" {
			t.Errorf("read %q, %v", text, err)
		}
		s.lock.Lock()
		s.remote = append(s.remote, r.RemoteAddr)
		n := len(s.remote)
		s.lock.Unlock()
		handle(w, r, n)
	}))
	t.Cleanup(s.Close)
	return s
}

// connections are the requests' in turn, by letters: "AAB".
func (s *service) connections() string {
	s.lock.Lock()
	defer s.lock.Unlock()
	letters, out := map[string]rune{}, ""
	for _, at := range s.remote {
		if letters[at] == 0 {
			letters[at] = 'A' + rune(len(letters))
		}
		out += string(letters[at])
	}
	return out
}

// post asks and reads at most limit bytes of the answer.
func post(ctx context.Context, l *line, to string, limit int64) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader("sent"))
	if err != nil {
		return "", err
	}
	answer, err := l.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, limit))
	return fmt.Sprintf("%d %s", answer.StatusCode, text), err
}

func TestLineKeepsItsConnection(t *testing.T) {
	for _, c := range []struct {
		name        string
		handle      func(w http.ResponseWriter, n int)
		connections string // of two calls
	}{
		{"text", func(w http.ResponseWriter, _ int) { _, _ = io.WriteString(w, "text") }, "AA"},
		{"nothing", func(http.ResponseWriter, int) {}, "AA"},
		{"no body by status", func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusNoContent) }, "AA"},
		{"chunks", func(w http.ResponseWriter, _ int) {
			for range 3 {
				_, _ = io.WriteString(w, "text")
				_ = http.NewResponseController(w).Flush()
			}
		}, "AA"},
		{"refusal", func(w http.ResponseWriter, _ int) { http.Error(w, "no", http.StatusForbidden) }, "AA"},
		{"early hints", func(w http.ResponseWriter, _ int) {
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = io.WriteString(w, "text")
		}, "AA"},
		{"more than is read", func(w http.ResponseWriter, _ int) { _, _ = io.WriteString(w, strings.Repeat("x", 200)) }, "AB"},
		{"the service closes", func(w http.ResponseWriter, _ int) {
			w.Header().Set("Connection", "close")
			_, _ = io.WriteString(w, "text")
		}, "AB"},
		{"idle connection is lost", func(_ http.ResponseWriter, n int) {
			if n == 2 {
				panic(http.ErrAbortHandler)
			}
		}, "AAB"},
		{"service tires of it", func(w http.ResponseWriter, n int) {
			if n == 2 {
				http.Error(w, "idle", http.StatusRequestTimeout)
			}
		}, "AAB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request, n int) { c.handle(w, n) })
			l := newLine()
			first, err := post(t.Context(), l, s.URL, 100)
			if err != nil {
				t.Fatal(err)
			}
			if second, err := post(t.Context(), l, s.URL, 100); err != nil || second != first {
				t.Errorf("answered %q, then %q, %v", first, second, err)
			}
			if got := s.connections(); got != c.connections {
				t.Errorf("connections %s, want %s", got, c.connections)
			}
		})
	}
}

func TestLineIsNotKeptForLong(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request, int) {})
	l := newLine()
	for range 2 {
		if _, err := post(t.Context(), l, s.URL, 100); err != nil {
			t.Fatal(err)
		}
		l.idle = l.idle.Add(-maxIdle)
	}
	if got := s.connections(); got != "AB" {
		t.Errorf("connections %s", got)
	}
}

func TestLineGoesToAnotherHost(t *testing.T) {
	l := newLine()
	for _, name := range []string{"first", "second"} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { _, _ = io.WriteString(w, name) })
		if got, err := post(t.Context(), l, s.URL, 100); err != nil || got != "200 "+name {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// TestWhoFindsTheLineHeldIsServed: all wait for each other in the service.
func TestWhoFindsTheLineHeldIsServed(t *testing.T) {
	const callers = 8
	var all sync.WaitGroup
	all.Add(callers)
	s := serve(t, func(_ http.ResponseWriter, _ *http.Request, n int) {
		if n <= callers {
			all.Done()
			all.Wait()
		}
	})
	l := newLine()
	var done sync.WaitGroup
	for range callers {
		done.Go(func() {
			for range 3 {
				if _, err := post(t.Context(), l, s.URL, 100); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
}

func TestLineIsLetGoWhenTheTimeIsOver(t *testing.T) {
	for name, begun := range map[string]bool{"before an answer": false, "within an answer": true} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
				if n > 1 {
					return
				}
				time.AfterFunc(20*time.Millisecond, cancel)
				if begun {
					_, _ = io.WriteString(w, "begun")
					_ = http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
			})
			l := newLine()
			if got, err := post(ctx, l, s.URL, 100); err == nil {
				t.Errorf("read %q", got)
			}
			if got, err := post(t.Context(), l, s.URL, 100); err != nil || got != "200 " || s.connections() != "AB" {
				t.Errorf("then %q, %v; connections %s", got, err, s.connections())
			}
		})
	}
}

// TestWhatANewConnectionLosesIsNotRepeated: it may have been done.
func TestWhatANewConnectionLosesIsNotRepeated(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request, int) { panic(http.ErrAbortHandler) })
	if got, err := post(t.Context(), newLine(), s.URL, 100); err == nil || s.connections() != "A" {
		t.Errorf("%q, connections %s", got, s.connections())
	}
}

func TestLineTrustsOnlyKnownRoots(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	t.Cleanup(s.Close)
	if got, err := post(t.Context(), newLine(), s.URL, 100); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestLineGoesByAProxy(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) { _, _ = io.WriteString(w, "for "+r.Host) })
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	l := newLine()
	l.others.Proxy = http.ProxyURL(at)
	if got, err := post(t.Context(), l, "http://service.example.com/", 100); err != nil || got != "200 for service.example.com" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestLineRefusesWhatIsNoHTTP(t *testing.T) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = at.Close() })
	go func() {
		for {
			conn, err := at.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.WriteString(conn, "SSH-2.0-x\r\n\r\n")
			}
			_ = conn.Close()
		}
	}()
	if got, err := post(t.Context(), newLine(), "http://"+at.Addr().String(), 100); err == nil {
		t.Errorf("read %q", got)
	}
}
