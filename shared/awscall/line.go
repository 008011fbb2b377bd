package awscall

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// line keeps one connection, on which the caller writes and reads by itself.
// A transport of net/http hands every request to two goroutines of its
// connection, which is a tenth of what an ingest function costs. A call that
// finds the line held, or that goes by a proxy, takes the transport.
type line struct {
	others *http.Transport

	held sync.Mutex
	conn net.Conn // nil: none
	to   string   // scheme and host of conn
	r    *bufio.Reader
	w    *bufio.Writer
	idle time.Time // since when conn is
}

// maxIdle is how long an idle connection is kept.
const maxIdle = 90 * time.Second

func newLine() *line {
	return &line{others: &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 10, IdleConnTimeout: maxIdle, TLSHandshakeTimeout: timeout,
		DisableCompression: true, WriteBufferSize: writeBuffer,
	}}
}

// writeBuffer takes most requests whole.
const writeBuffer = 32 << 10

// RoundTrip implements http.RoundTripper. Who closes the body of the answer,
// having read it to its end, lets go of the line.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	if proxy, err := l.others.Proxy(r); proxy != nil || err != nil || !l.held.TryLock() {
		return l.others.RoundTrip(r)
	}
	answer, err := l.exchange(r)
	if err != nil {
		l.hangUp()
		l.held.Unlock()
		return nil, err
	}
	return answer, nil
}

// exchange repeats at once what an idle connection lost that the service had
// closed: a function may have been frozen meanwhile.
func (l *line) exchange(r *http.Request) (*http.Response, error) {
	to := r.URL.Scheme + "://" + r.URL.Host
	if l.conn != nil && l.to == to && time.Since(l.idle) < maxIdle {
		answer, err := l.ask(r)
		if !errors.Is(err, errUnheard) || r.Context().Err() != nil {
			return answer, err
		}
		if r.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	l.hangUp()
	if err := l.dial(r); err != nil {
		return nil, err
	}
	l.to = to
	return l.ask(r)
}

func (l *line) dial(r *http.Request) error {
	port := r.URL.Port()
	if port == "" {
		port = r.URL.Scheme // names of services are taken as ports
	}
	at := net.JoinHostPort(r.URL.Hostname(), port)
	var err error
	if r.URL.Scheme == "https" {
		l.conn, err = (&tls.Dialer{}).DialContext(r.Context(), "tcp", at)
	} else {
		l.conn, err = (&net.Dialer{}).DialContext(r.Context(), "tcp", at)
	}
	if err != nil {
		l.conn = nil
		return err
	}
	l.r, l.w = bufio.NewReader(l.conn), bufio.NewWriterSize(l.conn, writeBuffer)
	return nil
}

// errUnheard: nothing was answered to the request.
var errUnheard = errors.New("the connection brings no answer")

func (l *line) ask(r *http.Request) (*http.Response, error) {
	conn := l.conn
	stop := context.AfterFunc(r.Context(), func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	if err := errors.Join(r.Write(l.w), l.w.Flush()); err != nil {
		stop()
		return nil, fmt.Errorf("%w: %w", errUnheard, err)
	}
	if _, err := l.r.Peek(1); err != nil {
		stop()
		return nil, fmt.Errorf("%w: %w", errUnheard, err)
	}
	answer, err := l.hear(r)
	if err != nil {
		stop()
		return nil, err
	}
	answer.Body = &heard{body: answer.Body, line: l, stop: stop, last: answer.Close, whole: answer.ContentLength == 0}
	return answer, nil
}

// hear reads the answer behind those that only say that one will come. A
// service that hangs up on an idle connection may say so (408): that is none.
func (l *line) hear(r *http.Request) (*http.Response, error) {
	for {
		answer, err := http.ReadResponse(l.r, r)
		switch {
		case err != nil:
			return nil, err
		case answer.StatusCode == http.StatusRequestTimeout:
			return nil, fmt.Errorf("%w: %s", errUnheard, answer.Status)
		case answer.StatusCode >= http.StatusOK:
			return answer, nil
		}
	}
}

func (l *line) hangUp() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}

// heard is the body of an answer.
type heard struct {
	body  io.ReadCloser
	line  *line
	stop  func() bool // false: the caller's time was over
	last  bool        // the service closes the connection after it
	whole bool
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.body.Read(p)
	h.whole = h.whole || errors.Is(err, io.EOF)
	return n, err
}

// Close keeps the connection if nothing of the answer is left on it. It is
// called once.
func (h *heard) Close() error {
	if inTime := h.stop(); !inTime || !h.whole || h.last {
		h.line.hangUp()
	}
	h.line.idle = time.Now()
	h.line.held.Unlock()
	return nil
}
