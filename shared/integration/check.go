package integration

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"

	"tocsin/shared/source"
	"tocsin/shared/source/proof"
	"tocsin/shared/source/redact"
)

// Headers of the HMAC scheme.
const (
	SignatureHeader = "X-Tocsin-Signature" // sha256=<hex>
	TimestampHeader = "X-Tocsin-Timestamp" // seconds since 1970; signed with the body when sent

	signaturePrefix = "sha256=" // may be missing
)

// ErrRefused is the one answer to an unknown key, a wrong signature and a
// signed time that is off: who guesses learns nothing. Its kind is
// Unauthenticated.
var ErrRefused = proof.ErrRefused

// Found is an integration with the secrets that are valid now.
type Found struct {
	Integration
	Secrets []string // current, then previous while both are valid
	Redact  *redact.Rules
}

// OnlyRead reports whether the request is to be read and nothing more.
func (f *Found) OnlyRead() bool { return f.Again != nil && f.Again.OnlyRead }

// Check reports whether a request comes from the integration's sender, at the
// instant of real time at which it was received. The comparison takes the same
// time for every wrong secret and tries all valid ones. It returns ErrRefused.
func (f *Found) Check(r *source.Request) error {
	valid := false
	switch f.Auth {
	case None, Vendor: // the source checks its own
		valid = true
	case Bearer:
		given, ok := credentials(r.Header, "Bearer")
		valid = proof.Known(given, f.Secrets) && ok
	case Basic:
		given, ok := credentials(r.Header, "Basic")
		plain, err := base64.StdEncoding.DecodeString(given)
		valid = proof.Known(string(plain), f.Secrets) && ok && err == nil
	case HMAC:
		valid = f.signed(r)
	}
	if !valid {
		return ErrRefused
	}
	return nil
}

// ProofHeader names the header by which [Found.Check] knows the sender, ""
// where it asks for none.
func (f *Found) ProofHeader() string {
	switch f.Auth {
	case Bearer, Basic:
		return "Authorization"
	case HMAC:
		return cmp.Or(f.Header, SignatureHeader)
	}
	return ""
}

// credentials returns what follows the scheme in the Authorization header;
// the scheme's case does not matter (RFC 9110, section 11.1).
func credentials(header http.Header, scheme string) (string, bool) {
	found, rest, ok := strings.Cut(header.Get("Authorization"), " ")
	return strings.TrimLeft(rest, " "), ok && strings.EqualFold(found, scheme)
}

// signed checks the HMAC of the body, or of time and body where a time is sent
// along, in seconds since 1970 and five minutes from ours at most. A time may be
// left out, but not moved: what was signed as "<time>.<body>" is no body.
func (f *Found) signed(r *source.Request) bool {
	sent := &source.Request{Header: r.Header, Body: r.Sent(), At: r.At}
	scheme := proof.HMAC{Name: f.ProofHeader()}
	if strings.HasPrefix(r.Header.Get(scheme.Name), signaturePrefix) {
		scheme.Prefix = signaturePrefix
	}
	if r.Header.Get(TimestampHeader) != "" {
		scheme.TimeHeader, scheme.TimeJoin = TimestampHeader, "."
	} else if stamped(sent.Body) {
		return false
	}
	err := scheme.Verify(sent, f.Secrets)
	r.Once = sent.Once
	return err == nil
}

// secondsDigits is how many digits seconds since 1970 have until 2286; no
// address or number that a text begins with has as many before a dot.
const secondsDigits = 10

func stamped(body []byte) bool {
	rest := bytes.TrimLeft(body, "0123456789")
	return len(body)-len(rest) >= secondsDigits && bytes.HasPrefix(rest, []byte("."))
}

// Sign returns the value of the signature header: the HMAC-SHA256 of body, or
// of "<stamp>.<body>" when a time is sent along.
func Sign(secret, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	if stamp != "" {
		mac.Write([]byte(stamp + "."))
	}
	mac.Write(body)
	return signaturePrefix + hex.EncodeToString(mac.Sum(nil))
}
