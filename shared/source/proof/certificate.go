package proof

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/outgoing"
)

// Certificates is a scheme in which a message is signed with the key of a
// certificate whose address stands in the message itself. What makes a
// certificate the vendor's is where it is fetched from, by TLS that chains to
// public roots, so an address is trusted only as far as it is checked; the
// chain of the certificate itself is not built. It may be used by many at once;
// the zero value trusts no host.
type Certificates struct {
	Hosts  func(host string) bool // which hosts are the vendor's
	Known  []byte                 // PEM of certificates that the vendor publishes elsewhere: tried before anything is fetched
	Client *http.Client           // what fetches; nil is one of package outgoing. Redirects are not followed

	once    sync.Once
	client  http.Client
	mu      sync.Mutex
	fetched map[string]kept
}

type kept struct {
	certificate *x509.Certificate
	until       time.Time
}

// Signed is a message with what it says of its signature.
type Signed struct {
	Address   string   // of the certificate
	Names     []string // hosts to one of which the certificate must be made out; none: to anyone
	Algorithm x509.SignatureAlgorithm
	Text      []byte
	Signature []byte
}

// Bounds of what a message can make us fetch and keep, and of what is accepted.
const (
	fetchTimeout   = 3 * time.Second
	maxCertificate = 32 << 10
	maxKept        = 64
	keptFor        = 24 * time.Hour
	smallestKey    = 2048 // bits, of RSA
)

// Check verifies that a message is signed by a certificate that is valid at an
// instant. It returns ErrRefused, or an error of kind Unavailable where the
// certificate cannot be fetched now.
func (c *Certificates) Check(m Signed, at time.Time) error {
	if !c.trusts(m.Address) {
		return ErrRefused
	}
	for _, known := range certificates(c.Known) {
		if m.fits(known, at) {
			return nil
		}
	}
	published, err := c.at(m.Address, at)
	if err != nil {
		return err
	}
	if !m.fits(published, at) {
		return ErrRefused
	}
	return nil
}

func (m *Signed) fits(c *x509.Certificate, at time.Time) bool {
	if at.Before(c.NotBefore) || at.After(c.NotAfter) || c.IsCA {
		return false
	}
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < smallestKey {
		return false
	}
	madeOut := len(m.Names) == 0 || slices.ContainsFunc(m.Names, func(name string) bool { return c.VerifyHostname(name) == nil })
	return madeOut && c.CheckSignature(m.Algorithm, m.Text, m.Signature) == nil
}

// trusts reports whether address is a file by https at one of the vendor's
// hosts, with nothing in it by which it could be read as another, or as a call
// of the vendor's API.
func (c *Certificates) trusts(address string) bool {
	u, err := url.Parse(address)
	if err != nil || c.Hosts == nil || !c.Hosts(u.Host) || u.Host != u.Hostname() || address != "https://"+u.Host+u.Path {
		return false
	}
	file, ok := strings.CutSuffix(u.Path, ".pem")
	return ok && strings.Trim(file, "/-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// at returns the certificate of an address that is trusted, fetched or kept.
func (c *Certificates) at(address string, at time.Time) (*x509.Certificate, error) {
	c.mu.Lock()
	k, ok := c.fetched[address]
	c.mu.Unlock()
	if ok && at.Before(k.until) {
		return k.certificate, nil
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
		c.fetched = map[string]kept{}
	}
	c.fetched[address] = kept{found[0], at.Add(keptFor)}
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
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxCertificate+1))
	if err != nil {
		return nil, unavailable(err)
	}
	if len(text) > maxCertificate {
		return nil, ErrRefused
	}
	return text, nil
}

func (c *Certificates) open() {
	client := c.Client
	if client == nil {
		client = outgoing.Client(outgoing.Options{Timeout: fetchTimeout, MaxAnswer: maxCertificate + 1})
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
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			out = append(out, c)
		}
	}
	return out
}
