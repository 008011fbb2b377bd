package integration

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/source/redact"
)

// Headers of the HMAC scheme.
const (
	SignatureHeader = "X-Tocsin-Signature" // sha256=<hex>
	TimestampHeader = "X-Tocsin-Timestamp" // seconds since 1970; signed with the body when sent
)

// MaxSkew is how far a signed time may be from ours.
const MaxSkew = 5 * time.Minute

// ErrRefused is the one answer to an unknown key, a wrong signature and a
// signed time that is off: who guesses learns nothing. Its kind is
// Unauthenticated.
var ErrRefused error = fault.New(fault.Unauthenticated, "unknown integration, or wrong key or signature")

// Found is an integration with the secrets that are valid now.
type Found struct {
	Integration
	Secrets []string // current, then previous while both are valid
	Redact  *redact.Rules
}

// OnlyRead reports whether the request is to be read and nothing more.
func (f *Found) OnlyRead() bool { return f.Again != nil && f.Again.OnlyRead }

// Check reports whether a request with this header and raw body comes from the
// integration's sender, at an instant of real time. The comparison takes the
// same time for every wrong secret and tries all valid ones. It returns
// ErrRefused.
func (f *Found) Check(header http.Header, body []byte, at time.Time) error {
	valid := false
	switch f.Auth {
	case None, Vendor: // the source checks its own
		valid = true
	case Bearer:
		given, ok := credentials(header, "Bearer")
		valid = f.matchesAny(given) && ok
	case Basic:
		given, ok := credentials(header, "Basic")
		plain, err := base64.StdEncoding.DecodeString(given)
		valid = f.matchesAny(string(plain)) && ok && err == nil
	case HMAC:
		valid = f.signed(header, body, at)
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

// matchesAny compares digests, so that not even lengths show in the time.
func (f *Found) matchesAny(given string) bool {
	got, match := sha256.Sum256([]byte(given)), 0
	for _, secret := range f.Secrets {
		want := sha256.Sum256([]byte(secret))
		match |= subtle.ConstantTimeCompare(got[:], want[:]) & nonEmpty(secret)
	}
	return match == 1
}

func nonEmpty(s string) int {
	if s == "" {
		return 0
	}
	return 1
}

func (f *Found) signed(header http.Header, body []byte, at time.Time) bool {
	got, err := hex.DecodeString(strings.TrimPrefix(header.Get(f.ProofHeader()), "sha256="))
	stamp := header.Get(TimestampHeader)
	match := 0
	for _, secret := range f.Secrets {
		match |= subtle.ConstantTimeCompare(got, sum(secret, stamp, body)) & nonEmpty(secret)
	}
	return err == nil && match == 1 && fresh(stamp, at)
}

// fresh accepts a request without a time: leaving a signed time out changes
// the signature.
func fresh(stamp string, at time.Time) bool {
	if stamp == "" {
		return true
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return false
	}
	skew := at.Sub(time.Unix(seconds, 0))
	return skew <= MaxSkew && skew >= -MaxSkew
}

// Sign returns the value of the signature header: the HMAC-SHA256 of body, or
// of "<stamp>.<body>" when a time is sent along.
func Sign(secret, stamp string, body []byte) string {
	return "sha256=" + hex.EncodeToString(sum(secret, stamp, body))
}

func sum(secret, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	if stamp != "" {
		mac.Write([]byte(stamp + "."))
	}
	mac.Write(body)
	return mac.Sum(nil)
}
