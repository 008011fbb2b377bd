// Package integration owns the integration: one configured connection from a
// source, with its key, its secrets and what its alerts get by default. It
// finds the integration of a request and checks that the request may use it.
// What a payload means is the source's business.
//
//	found, err := directory.Find(ctx, key)
//	err = found.Check(request)
package integration

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"tocsin/shared/defaults"
	"tocsin/shared/fault"
	"tocsin/shared/source/redact"
	"tocsin/shared/source/shipped"
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

	Mapping        string        `json:"mapping,omitempty"`         // custom and email: the mapping by which requests are read; "" finds out for each
	ExpiresAfter   time.Duration `json:"expires_after,omitempty"`   // without a repeat, an alert ends; 0: by default where its source never tells of an end
	Limit          int           `json:"limit,omitempty"`           // requests per minute; 0 is the default
	RedactFields   []string      `json:"redact_fields,omitempty"`   // see package redact
	RedactPatterns []string      `json:"redact_patterns,omitempty"` //

	// Again is set in the copy that is lent to send a delivery again or to
	// parse it again; see [Store.Lend].
	Again *Again `json:"again,omitempty"`
}

// Again says why a delivery that was accepted before comes once more.
type Again struct {
	Delivery string          `json:"delivery"`          // its id
	By       string          `json:"by"`                // who wants it
	OnlyRead bool            `json:"only_read"`         // say what is understood, and accept nothing
	Name     string          `json:"name,omitempty"`    // of that mapping, where it has one
	Mapping  json.RawMessage `json:"mapping,omitempty"` // spec of the mapping to read it by, in place of the integration's
	Until    time.Time       `json:"until"`             // in real time
}

// Expiry is how long after its last report an alert ends, 0 never. told is what
// the sender says of it, 0 nothing; neverEnds, that its source tells of no
// recovery.
func (in *Integration) Expiry(told time.Duration, neverEnds bool) time.Duration {
	expiry := cmp.Or(in.ExpiresAfter, told)
	if expiry == 0 && neverEnds {
		return defaults.ExpiresAfter
	}
	return expiry
}

// PerMinute is how many requests it takes in a minute.
func (in *Integration) PerMinute() int { return cmp.Or(in.Limit, defaults.RequestsPerMinute) }

// MaxID bounds an id. The id is a message group of the queue, whose names have
// at most 128 characters (Amazon SQS API reference, SendMessage).
const (
	MaxID   = 64
	maxName = 200
)

// AWS and Heartbeats are the integrations that are built in, without key and
// secret: services of AWS invoke functions of ours, as IAM allows; alerts
// about heartbeats are our own.
const (
	AWS        = "aws"
	Heartbeats = "heartbeat"
)

// reserved says whose an id is that nobody may choose: what it delivered would
// be taken for the other's.
var reserved = map[string]string{
	AWS:        "the services of AWS that invoke functions themselves",
	Heartbeats: "the alerts about heartbeats",
}

// Validate returns every bad field at once.
func (in *Integration) Validate() error {
	var bad fault.Problems
	if !slug(in.ID) {
		bad.Add("id", "expected 1 to %d of a-z, 0-9 and hyphens", MaxID)
	}
	if whose := reserved[in.ID]; whose != "" {
		bad.Add("id", "%q is reserved for %s; choose another", in.ID, whose)
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
	in.validateSettings(&bad)
	return bad.Err("the integration is not valid")
}

func (in *Integration) validateSettings(bad *fault.Problems) {
	if in.Mapping != "" && in.Source != shipped.Custom && in.Source != shipped.Email {
		bad.Add("mapping", "only an integration of source %s or %s has one", shipped.Custom, shipped.Email)
	}
	if d := in.ExpiresAfter; d != 0 && (d < defaults.MinExpiresAfter || d > defaults.MaxExpiresAfter) {
		bad.Add("expires_after", "is not between %v and %v", defaults.MinExpiresAfter, defaults.MaxExpiresAfter)
	}
	if in.Limit < 0 || in.Limit > defaults.MaxRequestsPerMinute {
		bad.Add("limit", "is %d, expected 1 to %d requests per minute", in.Limit, defaults.MaxRequestsPerMinute)
	}
	_, err := redact.Compile(in.RedactFields, in.RedactPatterns)
	if e, ok := errors.AsType[*fault.Error](err); ok {
		*bad = append(*bad, e.Fields...)
	}
}

func slug(s string) bool {
	return s != "" && len(s) <= MaxID && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// keyPrefix marks keys, so that scanners for leaked secrets can find them.
const keyPrefix = "tk_"

// keyBytes is how much chance a key holds.
const keyBytes = 16

// NewKey returns a new key for the path of an integration's webhook. It is a
// secret, shown once and stored hashed.
func NewKey() string { return KeyWith(keyPrefix) }

// KeyWith returns a new key that begins with prefix: 128 bits of chance follow.
func KeyWith(prefix string) string {
	var b [keyBytes]byte
	_, _ = rand.Read(b[:]) // never fails (package crypto/rand)
	return prefix + keyEncoding.EncodeToString(b[:])
}

var keyEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// HexKey writes a key in 32 hexadecimal digits, for senders that take nothing
// else for a key (PagerDuty's routing keys have 32 characters). "" for one
// that [NewKey] did not make.
func HexKey(key string) string {
	b, err := keyEncoding.DecodeString(strings.TrimPrefix(key, keyPrefix))
	if err != nil || len(b) != keyBytes || keyPrefix+keyEncoding.EncodeToString(b) != key {
		return ""
	}
	return hex.EncodeToString(b)
}

// PlainKey is the key that given stands for: given itself, or the key whose
// 32 hexadecimal digits it is, also in groups with hyphens like a UUID.
func PlainKey(given string) string {
	digits := given
	if len(digits) == len("00000000-0000-0000-0000-000000000000") {
		digits = strings.ReplaceAll(digits, "-", "")
	}
	if b, err := hex.DecodeString(digits); err == nil && len(b) == keyBytes {
		return keyPrefix + keyEncoding.EncodeToString(b)
	}
	return given
}

// KeyID tells a key from others without telling it: what begins its hash.
func KeyID(hash string) string { return hash[:min(len(hash), 12)] }

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
