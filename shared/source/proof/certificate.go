package proof

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/outgoing"
)

// Certificates is a scheme in which a message is signed with the key of a
// certificate whose address stands in the message itself. What makes a
// certificate the vendor's is where it is fetched from, so an address is
// trusted only as far as it is checked. It may be used by many at once; the
// zero value trusts no host.
type Certificates struct {
	Hosts  func(host string) bool // which hosts are the vendor's
	Known  []byte                 // PEM of certificates that the vendor publishes elsewhere: tried before anything is fetched
	Client *http.Client           // what fetches; nil is one of package outgoing. Redirects are not followed

	once    sync.Once
	client  http.Client
	mu      sync.Mutex
	fetched map[string]*x509.Certificate
}

// Bounds of what a message can make us fetch and keep.
const (
	fetchTimeout   = 3 * time.Second
	maxCertificate = 64 << 10
	maxKept        = 16
)

// Check verifies that signature is of what is signed, by a certificate that is
// valid at an instant. It returns ErrRefused, or an error of kind Unavailable
// where the certificate cannot be fetched now.
func (c *Certificates) Check(address string, algorithm x509.SignatureAlgorithm, signed, signature []byte, at time.Time) error {
	if !c.trusts(address) {
		return ErrRefused
	}
	for _, known := range certificates(c.Known) {
		if fits(known, algorithm, signed, signature, at) {
			return nil
		}
	}
	published, err := c.at(address)
	if err != nil {
		return err
	}
	if !fits(published, algorithm, signed, signature, at) {
		return ErrRefused
	}
	return nil
}

func fits(c *x509.Certificate, algorithm x509.SignatureAlgorithm, signed, signature []byte, at time.Time) bool {
	return !at.Before(c.NotBefore) && !at.After(c.NotAfter) && c.CheckSignature(algorithm, signed, signature) == nil
}

// trusts reports whether address is https at one of the vendor's hosts, with
// nothing in it by which it could be read as another.
func (c *Certificates) trusts(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.User == nil && u.Host == u.Hostname() && c.Hosts != nil && c.Hosts(u.Host) &&
		u.Opaque == "" && u.RawQuery == "" && u.Fragment == "" && strings.HasSuffix(u.Path, ".pem")
}

// at returns the certificate of an address that is trusted. What was fetched
// is kept: vendors give a new certificate a new address.
func (c *Certificates) at(address string) (*x509.Certificate, error) {
	c.mu.Lock()
	kept := c.fetched[address]
	c.mu.Unlock()
	if kept != nil {
		return kept, nil
	}
	text, err := c.get(address)
	if err != nil {
		return nil, err
	}
	found := certificates(text)
	if len(found) == 0 {
		return nil, ErrRefused
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fetched == nil || len(c.fetched) >= maxKept {
		c.fetched = map[string]*x509.Certificate{}
	}
	c.fetched[address] = found[0]
	return found[0], nil
}

// get fetches an address that is trusted. An answer that will not become
// better by itself is ErrRefused.
func (c *Certificates) get(address string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), fetchTimeout, errors.New("fetching a certificate took too long"))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, ErrRefused
	}
	c.once.Do(c.open)
	answer, err := c.client.Do(r)
	if err != nil {
		return nil, unavailable(err)
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode >= http.StatusInternalServerError, answer.StatusCode == http.StatusTooManyRequests:
		return nil, unavailable(fmt.Errorf("answered %d", answer.StatusCode))
	case answer.StatusCode != http.StatusOK:
		return nil, ErrRefused
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxCertificate))
	if err != nil {
		return nil, unavailable(err)
	}
	return text, nil
}

func (c *Certificates) open() {
	client := c.Client
	if client == nil {
		client = outgoing.Client(outgoing.Options{Timeout: fetchTimeout, MaxAnswer: maxCertificate})
	}
	c.client = *client
	c.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
}

func unavailable(err error) error {
	return fault.Wrap(fault.Unavailable, err, "the sender's certificate cannot be fetched now; send it again")
}

// certificates are those in a text that can be read.
func certificates(text []byte) (out []*x509.Certificate) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			out = append(out, c)
		}
	}
	return out
}
