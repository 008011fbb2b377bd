// Package integration owns the integration: one configured connection from a
// source, with its key, its secrets and what its alerts get by default. It
// finds the integration of a request and checks that the request may use it.
// What a payload means is the source's business.
//
//	found, err := directory.Find(ctx, key)
//	err = found.Check(header, body, time.Now())
package integration

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"tocsin/shared/fault"
)

// Kind is how a request proves that it comes from the integration's sender,
// beside the key in its path.
type Kind string

// The kinds of proof.
const (
	None   Kind = "none"        // the key in the path is all
	Bearer Kind = "bearer"      // Authorization: Bearer <secret>
	Basic  Kind = "basic"       // Authorization: Basic, the secret is "user:password"
	HMAC   Kind = "hmac-sha256" // a header with the HMAC-SHA256 of the body, see Sign
	Vendor Kind = "vendor"      // the scheme of the source itself
)

// Integration is one configured connection. Its JSON is what the store keeps;
// it holds no secret, only the hashes of its keys and the name under which its
// secrets are kept.
type Integration struct {
	ID        string    `json:"id"`                   // a-z, 0-9 and hyphens, at most MaxID
	Name      string    `json:"name"`                 // for people
	Source    string    `json:"source"`               // kind of monitoring system: "prometheus"
	Service   string    `json:"service,omitempty"`    // default service of its alerts
	Auth      Kind      `json:"auth"`                 //
	Header    string    `json:"header,omitempty"`     // HMAC: the header of the signature, "" is SignatureHeader
	SecretRef string    `json:"secret_ref,omitempty"` // parameter that holds its secrets; "" when Auth is none
	Paused    bool      `json:"paused,omitempty"`     // requests are refused, and say so
	KeyHashes []string  `json:"key_hashes"`           // current key first, then the previous one while both are valid
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Rev       int       `json:"rev"` // rises with each write
}

// MaxID bounds an id. The id is a message group of the queue, whose names have
// at most 128 characters (Amazon SQS API reference, SendMessage).
const (
	MaxID   = 64
	maxName = 200
)

// Validate returns every bad field at once.
func (in *Integration) Validate() error {
	var bad fault.Problems
	if !slug(in.ID) {
		bad.Add("id", "expected 1 to %d of a-z, 0-9 and hyphens", MaxID)
	}
	if n := len(in.Name); n == 0 || n > maxName {
		bad.Add("name", "has %d bytes, expected 1 to %d", n, maxName)
	}
	if !slug(in.Source) {
		bad.Add("source", "expected the word of a source, like prometheus")
	}
	switch in.Auth {
	case None, Bearer, Basic, HMAC, Vendor:
	default:
		bad.Add("auth", "expected none, bearer, basic, hmac-sha256 or vendor")
	}
	if in.Header != "" && in.Auth != HMAC {
		bad.Add("header", "only hmac-sha256 has one")
	}
	return bad.Err("the integration is not valid")
}

func slug(s string) bool {
	return s != "" && len(s) <= MaxID && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// keyPrefix marks keys, so that scanners for leaked secrets can find them.
const keyPrefix = "tk_"

// NewKey returns a new key for the path of an integration's webhook: at least
// 128 bits of chance (crypto/rand.Text). It is a secret, shown once and stored
// hashed.
func NewKey() string { return keyPrefix + rand.Text() }

// KeyIn returns the key that stands in a text of whatever case, like the local
// part of a mail address, "" when there is none: keys are made of capitals.
func KeyIn(text string) string {
	for part := range strings.SplitSeq(text, "+") {
		if prefix := part[:min(len(part), len(keyPrefix))]; strings.EqualFold(prefix, keyPrefix) {
			if key := keyPrefix + strings.ToUpper(part[len(prefix):]); plausible(key) {
				return key
			}
		}
	}
	return ""
}

// HashKey returns the form in which a key is stored. A plain hash is enough,
// because keys are not guessable.
func HashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// plausible tells keys from what cannot be one, which needs no read.
func plausible(key string) bool {
	return strings.HasPrefix(key, keyPrefix) && len(key) >= len(keyPrefix)+16 && len(key) <= 128
}
