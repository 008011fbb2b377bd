package cloudwatch

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/aws"
	"tocsin/shared/source/doc"
	"tocsin/shared/source/proof"
)

// Verifier checks the signatures of SNS (Amazon SNS developer guide, "Verifying
// the signatures of Amazon SNS messages"). It keeps the certificates that it
// fetched and is safe for concurrent use.
//
// What is trusted is the endpoint of SNS in the region of the message's topic:
// the certificate must come from there, by TLS that chains to public roots, at
// a path where SNS keeps certificates and nothing that others could have put
// there; it must be valid at the time and made out to SNS. Its own chain is not
// built: the endpoint serves it without the certificates between it and a root
// (github.com/robbiet480/go.sns, issue 8), and a list of them kept here would
// refuse every alarm on the day that Amazon signs by another. The AWS SDKs
// that verify messages decide the same.
type Verifier struct {
	client fetcher

	mu     sync.Mutex
	cached map[string]kept
}

type fetcher interface {
	Do(*http.Request) (*http.Response, error)
}

type kept struct {
	certificate *x509.Certificate
	until       time.Time
}

// NewVerifier returns a verifier that fetches certificates by client, which
// must bound time and size of an answer and follow no redirect.
func NewVerifier(client fetcher) *Verifier {
	return &Verifier{client: client, cached: map[string]kept{}}
}

// Bounds of what a verifier keeps, and of what it accepts.
const (
	keptFor        = 24 * time.Hour
	maxKept        = 64
	maxCertificate = 32 << 10
	smallestKey    = 2048 // bits
)

// maxAge is how old a message may be. SNS tries for an hour at most (Amazon SNS
// developer guide, "Amazon SNS message delivery retries"); the second hour is
// for the attempts themselves, and for clocks. A copy sent within it has the
// id of the first delivery and is counted as its duplicate.
const maxAge = 2 * time.Hour

// Verify checks a request. A message without SNS's wrapping has no signature;
// it is believed only if the integration's own secret was checked already. It
// returns proof.ErrRefused, or an error of kind Unavailable where the
// certificate could not be fetched: SNS repeats on that, and on a refusal not.
func (v *Verifier) Verify(r *source.Request, _ []string) error {
	root, err := r.Root()
	if err != nil || !aws.IsEnvelope(root) {
		if r.Proven {
			return nil
		}
		return proof.ErrRefused
	}
	topic, address := root.Get("TopicArn").Text(), root.Get("SigningCertURL").Text()
	if !fresh(root.Get("Timestamp").Text(), r.At) || !certificateAddress(topic, address) {
		return proof.ErrRefused
	}
	certificate, err := v.certificate(address, r.At)
	if err != nil {
		return err
	}
	if !madeOut(certificate, topic, r.At) || !unambiguous(root) || !signed(certificate, root) {
		return proof.ErrRefused
	}
	return nil
}

func fresh(stamp string, at time.Time) bool {
	t := source.Instant(stamp)
	return !t.IsZero() && at.Sub(t) <= maxAge && t.Sub(at) <= proof.MaxSkew
}

// certificateAddress: nothing but a file at the root of the endpoint, so that
// no call of SNS's API can stand in for it.
func certificateAddress(topic, address string) bool {
	u, err := url.Parse(address)
	if err != nil || !aws.AtTopic(topic, address) || u.RawQuery != "" || u.ForceQuery || u.RawPath != "" || strings.Contains(address, "#") {
		return false
	}
	file, ok := strings.CutSuffix(strings.TrimPrefix(u.Path, "/"), ".pem")
	return ok && file != "" && strings.Trim(file, "-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// certificate returns that of an address, fetched or kept.
func (v *Verifier) certificate(address string, at time.Time) (*x509.Certificate, error) {
	v.mu.Lock()
	k, ok := v.cached[address]
	v.mu.Unlock()
	if ok && at.Before(k.until) {
		return k.certificate, nil
	}
	certificate, err := v.fetch(address)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.cached) >= maxKept {
		clear(v.cached)
	}
	v.cached[address] = kept{certificate, at.Add(keptFor)}
	return certificate, nil
}

func (v *Verifier) fetch(address string) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), fetchFor, errSlow)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, proof.ErrRefused
	}
	answer, err := v.client.Do(r)
	if err != nil {
		return nil, unavailable(err)
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests:
		return nil, unavailable(nil)
	case answer.StatusCode != http.StatusOK:
		return nil, proof.ErrRefused
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxCertificate+1))
	if err != nil {
		return nil, unavailable(err)
	}
	return parse(text)
}

var errSlow = fault.New(fault.Unavailable, "the certificate did not come in time")

func unavailable(cause error) error {
	return fault.Wrap(fault.Unavailable, cause, "the certificate of SNS cannot be fetched now; send it again")
}

func parse(text []byte) (*x509.Certificate, error) {
	if len(text) > maxCertificate {
		return nil, proof.ErrRefused
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, proof.ErrRefused
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, proof.ErrRefused
	}
	return certificate, nil
}

// madeOut reports whether a certificate is valid at an instant, and SNS's in
// the region of a topic.
func madeOut(c *x509.Certificate, topic string, at time.Time) bool {
	if at.Before(c.NotBefore) || at.After(c.NotAfter) || c.IsCA {
		return false
	}
	return slices.ContainsFunc(aws.Names(topic), func(name string) bool { return c.VerifyHostname(name) == nil })
}

// signed checks the signature of a message over its canonical string.
func signed(c *x509.Certificate, m doc.Value) bool {
	key, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < smallestKey {
		return false
	}
	signature, err := base64.StdEncoding.DecodeString(m.Get("Signature").Text())
	if err != nil {
		return false
	}
	text := []byte(canonical(m))
	switch m.Get("SignatureVersion").Text() {
	case "1":
		sum := sha1.Sum(text)
		return rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature) == nil
	case "2":
		sum := sha256.Sum256(text)
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
	}
	return false
}

// Fields that are signed, in order (same guide, "when using HTTP query-based
// requests"). Attributes of a message are not among them.
var (
	ofNotification = []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	ofSubscription = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
)

// unambiguous: only a message may have more than one line; SNS allows no line
// break in a subject (API reference, Publish). Otherwise what was signed in one
// field could be moved to another, as each is a line of its name and one of its
// text.
func unambiguous(m doc.Value) bool {
	for _, name := range [...]string{"MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"} {
		if strings.Contains(m.Get(name).Text(), "\n") {
			return false
		}
	}
	return true
}

// canonical leaves out a field that is not there, as SNS does with a subject.
func canonical(m doc.Value) string {
	fields := ofSubscription
	if m.Get("Type").Text() == aws.Notification {
		fields = ofNotification
	}
	var b strings.Builder
	for _, name := range fields {
		if value := m.Get(name); value.Present() {
			b.WriteString(name + "\n" + value.Text() + "\n")
		}
	}
	return b.String()
}
