// Package apitoken owns the tokens with which people and programs call the
// API: how they look, how they are kept, and whether one is valid. What a
// scope allows is the business of package ops.
//
//	token, secret, err := store.Create(ctx, apitoken.Token{Name: "ci", Scopes: []string{"events:read"}}, now)
//	token, err = store.Find(ctx, secret)
package apitoken

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"tocsin/shared/catalog"
	"tocsin/shared/fault"
)

// Token is what is known of a token; not the token itself, which is shown
// once and kept as a hash.
type Token struct {
	Name      string    `json:"name"`             // unique; see [catalog.ValidName]
	Member    string    `json:"member,omitempty"` // whose it is; "" a program's
	Scopes    []string  `json:"scopes"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitempty"`
	ExpiresAt time.Time `json:"expires_at"`
	LastUsed  time.Time `json:"-"` // noted at most once an hour
}

// How long a token may live.
const (
	DefaultLife = 90 * 24 * time.Hour
	MaxLife     = 366 * 24 * time.Hour
)

// prefix marks tokens, so that scanners for leaked secrets can find them.
const prefix = "tt_"

// secretBytes is how much chance a token holds.
const secretBytes = 32

// newSecret returns a new token.
func newSecret() string {
	var b [secretBytes]byte
	rand.Read(b[:]) // never fails
	return prefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// plausible tells tokens from what cannot be one, which needs no read.
func plausible(secret string) bool {
	body, ok := strings.CutPrefix(secret, prefix)
	b, err := base64.RawURLEncoding.DecodeString(body)
	return ok && err == nil && len(b) == secretBytes
}

// hashOf is the form in which a token is kept. A plain hash is enough, because
// tokens are not guessable; looking it up compares no secret byte by byte.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// validate returns every bad field at once.
func (t Token) validate(at time.Time) error {
	var bad fault.Problems
	if !catalog.ValidName(t.Name) {
		bad.Add("name", "expected 1 to %d of a-z, 0-9 and -, not beginning with -", catalog.MaxName)
	}
	if len(t.Scopes) == 0 {
		bad.Add("scopes", "expected at least one")
	}
	if life := t.ExpiresAt.Sub(at); life <= 0 || life > MaxLife {
		bad.Add("expires", "a token lives for at most %d days", int(MaxLife.Hours()/24))
	}
	return bad.Err("the token is not valid")
}
