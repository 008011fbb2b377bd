// Package proof checks how senders prove that a request is theirs: a secret
// in a header or field, or a signature over the raw body. Vendors differ only in names
// and encodings, which are data here; comparisons take the same time for every
// wrong secret and try all valid ones.
package proof

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/lookup"
)

// MaxSkew is how far a signed time may be from ours.
const MaxSkew = 5 * time.Minute

// ErrRefused is the one answer to whatever is wrong. Its kind is
// Unauthenticated.
var ErrRefused error = fault.New(fault.Unauthenticated, "unknown integration, or wrong key or signature")

// Header is a scheme in which a header holds the secret itself.
type Header struct {
	Name   string
	Prefix string // before the secret: "Bearer "
}

// Verify checks a request. It returns ErrRefused.
func (h Header) Verify(r *source.Request, secrets []string) error {
	given, ok := strings.CutPrefix(r.Header.Get(h.Name), h.Prefix)
	if !ok || !Known(given, secrets) {
		return ErrRefused
	}
	return nil
}

// Known reports whether given is one of secrets. It compares digests, so that
// not even lengths show in the time.
func Known(given string, secrets []string) bool {
	got, match := sha256.Sum256([]byte(given)), 0
	for _, secret := range secrets {
		want := sha256.Sum256([]byte(secret))
		match |= subtle.ConstantTimeCompare(got[:], want[:]) & filled(secret)
	}
	return match == 1
}

func filled(s string) int {
	if s == "" {
		return 0
	}
	return 1
}

// HMAC is a scheme in which a header holds the HMAC of the raw body.
type HMAC struct {
	Name   string // of the header
	Prefix string // before the signature: "sha256="
	Hash   string // "sha256" (also ""), "sha1" or "sha512"
	Base64 bool   // else hex
	List   string // separates several signatures of which one must fit; "" is one

	// TimeHeader names the header of the time in seconds (or milliseconds)
	// since 1970, which is signed before the body with TimeJoin between them. A
	// request without it is refused. With TimePrefix it is instead the item of
	// the header of Name that begins so: "t=1772355600,v1=5257a8...".
	TimeHeader string
	TimePrefix string
	TimeJoin   string
}

// Verify checks a request. It returns ErrRefused.
func (h HMAC) Verify(r *source.Request, secrets []string) error {
	signed := r.Body
	stamp, timed := h.stamp(r.Header)
	if timed {
		if !Fresh(stamp, r.At) {
			return ErrRefused
		}
		signed = append([]byte(stamp+h.TimeJoin), r.Body...)
	}
	if !h.fits(r.Header.Get(h.Name), signed, secrets) {
		return ErrRefused
	}
	r.Once = stamp
	return nil
}

// stamp returns the time of a request, false where h has none.
func (h HMAC) stamp(header http.Header) (string, bool) {
	if h.TimePrefix == "" {
		return header.Get(h.TimeHeader), h.TimeHeader != ""
	}
	for item := range strings.SplitSeq(header.Get(h.Name), h.List) {
		if stamp, found := strings.CutPrefix(strings.TrimSpace(item), h.TimePrefix); found {
			return stamp, true
		}
	}
	return "", true
}

// maxSignatures bounds what one header can cost.
const maxSignatures = 8

func (h HMAC) fits(header string, signed []byte, secrets []string) bool {
	given := []string{header}
	if h.List != "" {
		given = strings.SplitN(header, h.List, maxSignatures+1)
	}
	match := 0
	for _, secret := range secrets {
		mac := hmac.New(h.hash(), []byte(secret))
		mac.Write(signed)
		want := mac.Sum(nil)
		for _, g := range given[:min(len(given), maxSignatures)] {
			match |= subtle.ConstantTimeCompare(h.decode(g), want) & filled(secret)
		}
	}
	return match == 1
}

func (h HMAC) hash() func() hash.Hash {
	switch h.Hash {
	case "sha1":
		return sha1.New
	case "sha512":
		return sha512.New
	}
	return sha256.New
}

// decode returns nothing for what is no signature.
func (h HMAC) decode(given string) []byte {
	text, ok := strings.CutPrefix(strings.TrimSpace(given), h.Prefix)
	if !ok {
		return nil
	}
	decode := hex.DecodeString
	if h.Base64 {
		decode = base64.StdEncoding.DecodeString
	}
	b, err := decode(text)
	if err != nil {
		return nil
	}
	return b
}

// Any is a scheme of several, by one of which a request must prove itself:
// vendors let their users choose.
func Any(ways ...func(*source.Request, []string) error) func(*source.Request, []string) error {
	return func(r *source.Request, secrets []string) error {
		for _, verify := range ways {
			if verify(r, secrets) == nil {
				return nil
			}
		}
		return ErrRefused
	}
}

// Field is a scheme in which the body, or whatever else a path leads to, holds
// the secret itself.
type Field struct{ Path lookup.Path }

// Verify checks a request. It returns ErrRefused.
func (f Field) Verify(r *source.Request, secrets []string) error {
	if !Known(f.Path.Text(r.Scope()), secrets) {
		return ErrRefused
	}
	return nil
}

// Fresh reports whether stamp, seconds or milliseconds since 1970, is within
// MaxSkew of an instant.
func Fresh(stamp string, at time.Time) bool {
	n, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return false
	}
	t := time.Unix(n, 0)
	if n > 1e11 {
		t = time.UnixMilli(n)
	}
	return near(t, at)
}

func near(t, at time.Time) bool {
	skew := at.Sub(t)
	return skew <= MaxSkew && skew >= -MaxSkew
}

// JWS is a scheme in which a header holds a JSON Web Signature (RFC 7515) by
// HS256, of which one claim is the hash of the raw body.
type JWS struct {
	Name  string // of the header
	Claim string // that holds the SHA-256 of the body in hex
}

// Verify checks a request. It returns ErrRefused.
func (j JWS) Verify(r *source.Request, secrets []string) error {
	signed, signature, ok := cutLast(r.Header.Get(j.Name), ".")
	head, payload, whole := strings.Cut(signed, ".")
	mac, err := base64.RawURLEncoding.DecodeString(signature)
	if !ok || !whole || err != nil || part(head).Get("alg").Text() != "HS256" {
		return ErrRefused
	}
	sum := sha256.Sum256(r.Body)
	claimed := strings.ToLower(part(payload).Get(j.Claim).Text())
	match := subtle.ConstantTimeCompare([]byte(claimed), []byte(hex.EncodeToString(sum[:])))
	known := 0
	for _, secret := range secrets {
		h := hmac.New(sha256.New, []byte(secret))
		h.Write([]byte(signed))
		known |= subtle.ConstantTimeCompare(mac, h.Sum(nil)) & filled(secret)
	}
	if match&known != 1 {
		return ErrRefused
	}
	return nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}

// part reads the header or payload of a token; what is none is absent.
func part(encoded string) doc.Value {
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return doc.Value{}
	}
	v, err := doc.JSON(raw)
	if err != nil {
		return doc.Value{}
	}
	return v
}
