package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/telemetry"
)

// Serve wraps h with what every request gets: a recovered panic is a 500, one
// log line tells how the request ended, and metrics are written. The line
// holds the route's pattern, never the path, because paths carry secrets.
// metrics may be nil.
func Serve(log *slog.Logger, metrics *telemetry.Metrics, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, seen := time.Now(), &record{}
		r = r.WithContext(context.WithValue(r.Context(), recordKey{}, seen))
		out := &statusWriter{ResponseWriter: w}
		serveRecovered(out, r, h)
		attrs := append(append(routed(r), slog.Int("status", out.status),
			slog.Int64("bytes_in", max(r.ContentLength, 0)), slog.Float64("duration_ms", float64(time.Since(start).Microseconds())/1e3),
		), seen.take()...)
		metrics.Log(r.Context(), log, levelOf(out.status), "request answered", attrs...)
	})
}

func serveRecovered(w *statusWriter, r *http.Request, h http.Handler) {
	defer func() {
		if p := recover(); p != nil {
			Annotate(r.Context(), slog.String("stack", string(debug.Stack())))
			answerPanic(w, r, fmt.Errorf("panic: %v", p))
		}
	}()
	h.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK)
}

func answerPanic(w *statusWriter, r *http.Request, err error) {
	if w.status == 0 {
		Problem(w, r, err)
		return
	}
	noteError(r.Context(), err)
}

// routed names the route of a request, and its method where the route does not.
func routed(r *http.Request) []slog.Attr {
	attrs := []slog.Attr{slog.String("route", cmp.Or(r.Pattern, "none"))}
	if !strings.HasPrefix(r.Pattern, r.Method+" ") {
		attrs = append(attrs, slog.String("method", r.Method))
	}
	return attrs
}

func levelOf(status int) slog.Level {
	switch {
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests:
		return slog.LevelWarn
	case status >= http.StatusInternalServerError:
		return slog.LevelError
	}
	return slog.LevelInfo
}

// Limit makes reading a body fail after size bytes; the handler that returns
// this error answers 413.
func Limit(size int64, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, size)
		h.ServeHTTP(w, r)
	})
}

// Problems answers with mux, and with a problem document where no route of
// mux matches (404) or only the method does not (405, with Allow).
func Problems(mux *http.ServeMux) http.Handler {
	return Handler(func(w http.ResponseWriter, r *http.Request) error {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return nil
		}
		miss := &response{header: http.Header{}}
		h.ServeHTTP(miss, r)
		if miss.status == http.StatusMethodNotAllowed {
			allow := miss.header.Get("Allow")
			return &StatusError{Status: miss.status, Text: "the method is not one of " + allow, Header: http.Header{"Allow": {allow}}}
		}
		return fault.New(fault.NotFound, "there is nothing at this path")
	})
}

// Straight takes doubled slashes and dots out of paths before h sees them. A
// ServeMux answers them with a redirect, which few senders of webhooks follow.
func Straight(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := r.URL.EscapedPath()
		clean := path.Clean("/" + escaped)
		if strings.HasSuffix(escaped, "/") && clean != "/" {
			clean += "/"
		}
		if plain, err := url.PathUnescape(clean); err == nil && clean != escaped {
			u := *r.URL
			u.Path, u.RawPath = plain, clean
			r.URL = &u // of r itself, whose pattern Serve reads afterwards
		}
		h.ServeHTTP(w, r)
	})
}

// statusWriter remembers the status that was written.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *statusWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type recordKey struct{}

// record holds what handlers add to the request's log line.
type record struct {
	mu    sync.Mutex
	attrs []slog.Attr
}

func (rec *record) take() []slog.Attr {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.attrs
}

// Annotate adds attributes to the log line of the request whose context is
// ctx. Outside of [Serve] it does nothing.
func Annotate(ctx context.Context, attrs ...slog.Attr) {
	rec, ok := ctx.Value(recordKey{}).(*record)
	if !ok {
		return
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.attrs = append(rec.attrs, attrs...)
}

func noteError(ctx context.Context, err error) {
	Annotate(ctx, slog.String("reason", reasonOf(err)), slog.Any("err", err))
}

// reasonOf is the kind of an error; of one that has a status instead, and is
// the caller's, the words of the status.
func reasonOf(err error) string {
	if status := Status(err); fault.KindOf(err) == fault.Internal && status < http.StatusInternalServerError {
		return strings.ToLower(http.StatusText(status))
	}
	return fault.KindOf(err).String()
}
