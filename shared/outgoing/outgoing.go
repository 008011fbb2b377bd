// Package outgoing makes HTTP clients for addresses that users give. Such a
// client connects to public addresses only: what a name means is checked when
// the connection is made, after the look-up, so that neither a redirect nor a
// name that changes its meaning leads inside. Time and size of an answer are
// bounded. For an address that the deployer gives, [Anywhere] lets all through.
//
//	client := outgoing.Client(outgoing.Options{})
//	resp, err := client.Post("https://hooks.example.com/x", "application/json", body)
//	if outgoing.Refused(err) { ... }
package outgoing

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// Options are the bounds of a client. The zero value has the defaults.
type Options struct {
	Timeout   time.Duration // of a whole request, answer included; 0: 10 s
	MaxAnswer int64         // bytes of an answer's body; 0: 64 KiB
	AllowHTTP bool          // unencrypted too

	// Allow decides which addresses may be connected to. nil: [Public].
	Allow func(netip.Addr) bool
}

const (
	defaultTimeout   = 10 * time.Second
	defaultMaxAnswer = 64 << 10
	dialTimeout      = 5 * time.Second
	maxRedirects     = 3
	maxHeader        = 64 << 10
	idleFor          = 30 * time.Second
	maxIdle          = 8
)

// RefusedError says that an address must not be connected to, and why. Its
// text never holds the address.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return "outgoing request refused: " + e.Why }

// Refused reports whether a request failed because its address is forbidden.
func Refused(err error) bool {
	_, ok := errors.AsType[*RefusedError](err)
	return ok
}

// ErrTooLarge says that an answer's body was larger than allowed.
var ErrTooLarge = errors.New("the answer is larger than allowed")

// Client returns a client that follows redirects only where the request stays
// the same (307, 308), at most three.
func Client(o Options) *http.Client {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxAnswer == 0 {
		o.MaxAnswer = defaultMaxAnswer
	}
	if o.Allow == nil {
		o.Allow = Public
	}
	return &http.Client{Timeout: o.Timeout, Transport: &guard{o, sync.OnceValue(o.transport)}, CheckRedirect: checkRedirect}
}

func (o Options) transport() http.RoundTripper {
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: o.control}
	return &http.Transport{
		Proxy:                  nil, // a proxy would connect in our place, unchecked
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots(), MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           maxIdle,
		IdleConnTimeout:        idleFor,
		ForceAttemptHTTP2:      true,
	}
}

// Anywhere allows every address.
func Anywhere(netip.Addr) bool { return true }

// control runs after the look-up and before the connection, for every address
// that is tried.
func (o Options) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return &RefusedError{"the address is not one of the internet"}
	}
	if !o.Allow(at.Addr()) {
		return &RefusedError{"the name leads to an address that is not public"}
	}
	return nil
}

func checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return &RefusedError{fmt.Sprintf("more than %d redirects", maxRedirects)}
	}
	if r.Method != via[0].Method {
		return http.ErrUseLastResponse // a message would be lost on the way
	}
	return nil
}

// guard checks each request, redirected ones too, and bounds its answer.
type guard struct {
	options Options
	base    func() http.RoundTripper // made at the first request
}

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.options.checkURL(r.URL); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	resp, err := g.base().RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &bounded{ReadCloser: resp.Body, left: g.options.MaxAnswer}
	return resp, nil
}

func (o Options) checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !o.AllowHTTP):
		return &RefusedError{"it is not https"}
	case u.User != nil:
		return &RefusedError{"it carries a user name"}
	case u.Hostname() == "":
		return &RefusedError{"it names no host"}
	}
	return nil
}

type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}
