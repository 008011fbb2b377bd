// Package actionlink owns the token of a signed link: what it says, how it is
// signed and verified, and the ring of keys that signs it. It knows no page,
// no host and no event beyond its number; whose member a token names is found
// by comparing hashes.
//
//	token, err := keys.Sign(ctx, actionlink.Claims{
//		Kind: actionlink.Event, Number: 4821, Opening: 1,
//		Actions: actionlink.EventActions, Member: actionlink.MemberOf("alice"), Expires: now.Add(defaults.LinkActs),
//	})
//	address := actionlink.URL("https://tocsin.example.com", token)
package actionlink

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tocsin/shared/defaults"
)

// Kind is what a link leads to.
type Kind uint8

// The kinds. The zero Kind is none.
const (
	Event    Kind = 1
	Incident Kind = 2
)

// Member is a hash of a member's name. It has a fixed size, so that a token
// has one too.
type Member [8]byte

// MemberOf returns the hash of a member's name.
func MemberOf(name string) Member {
	sum := sha256.Sum256([]byte("tocsin member\x00" + name))
	return Member(sum[:8])
}

// Claims is what a token says. The zero Nonce is replaced by a random one when
// it is signed.
type Claims struct {
	Kind    Kind
	Number  int64 // of the event or incident, 1 to 4294967295
	Opening int   // 0 to 65535
	Actions Actions
	Member  Member
	Expires time.Time // when it stops acting, in whole seconds
	Nonce   [5]byte
}

// Subject returns the id that the token leads to: "E-4821" or "I-7".
func (c Claims) Subject() string {
	letter := "E-"
	if c.Kind == Incident {
		letter = "I-"
	}
	return letter + strconv.FormatInt(c.Number, 10)
}

// ParseSubject returns kind and number of an id such as "E-4821" or "I-7".
func ParseSubject(id string) (Kind, int64, error) {
	letter, digits, ok := strings.Cut(id, "-")
	kind := map[string]Kind{"E": Event, "I": Incident}[letter]
	number, err := strconv.ParseInt(digits, 10, 64)
	if !ok || kind == 0 || err != nil || number <= 0 || number > math.MaxUint32 {
		return 0, 0, fmt.Errorf("id %q is not of the form E-4821 or I-7", id)
	}
	return kind, number, nil
}

// ShowsUntil is when the link stops showing what it leads to.
func (c Claims) ShowsUntil() time.Time { return c.Expires.Add(defaults.LinkShows - defaults.LinkActs) }

// ErrForged says that a token is not one that we signed, whatever it looks
// like: malformed, of another version, or with a wrong signature.
var ErrForged = errors.New("the link's token is not one that was signed here")

// ErrUnknownKey says that the token names a key that is not in the ring, or
// is no longer there to verify.
var ErrUnknownKey = errors.New("the link's token names an unknown key")

// ExpiredError says that an authentic token is too old.
type ExpiredError struct {
	Claims Claims
	Shows  bool // it may still show what it leads to
}

func (e *ExpiredError) Error() string {
	if e.Shows {
		return "the link's token is too old to act"
	}
	return "the link's token is too old"
}

// A token is 45 bytes, big-endian: version 1, key id 2, kind 1, number 4,
// opening 2, actions 2, member 8, expiry 4 (Unix seconds), nonce 5, and the
// first 16 of the HMAC-SHA256 over all bytes before. They are 60 characters
// of base64url; no bit is left over, so a token has one spelling.
const (
	version     = 1
	signedSize  = 29
	macSize     = 16
	rawSize     = signedSize + macSize
	TokenLength = rawSize / 3 * 4
)

var encoding = base64.RawURLEncoding

// Sign returns the token of c, signed with the key of ring whose turn it is at
// now. It fails only when a claim is out of range or the ring is empty.
func Sign(ring *Ring, now time.Time, c Claims) (string, error) {
	k := ring.signer(now)
	if k == nil {
		return "", errors.New("sign a link: the ring has no key")
	}
	if err := c.check(); err != nil {
		return "", fmt.Errorf("sign a link: %w", err)
	}
	if c.Nonce == ([5]byte{}) {
		if _, err := rand.Read(c.Nonce[:]); err != nil {
			return "", fmt.Errorf("sign a link: %w", err)
		}
	}
	var raw [rawSize]byte
	c.put(&raw, k.id)
	mac := k.mac((*[signedSize]byte)(raw[:signedSize]))
	copy(raw[signedSize:], mac[:])
	return encoding.EncodeToString(raw[:]), nil
}

func (c Claims) check() error {
	switch unix := c.Expires.Unix(); {
	case c.Kind != Event && c.Kind != Incident:
		return fmt.Errorf("kind %d is neither event nor incident", c.Kind)
	case c.Number <= 0 || c.Number > math.MaxUint32:
		return fmt.Errorf("number %d is not between 1 and %d", c.Number, uint32(math.MaxUint32))
	case c.Opening < 0 || c.Opening > math.MaxUint16:
		return fmt.Errorf("opening %d is not between 0 and %d", c.Opening, math.MaxUint16)
	case unix <= 0 || unix > math.MaxUint32:
		return fmt.Errorf("expiry %v cannot be written", c.Expires)
	}
	return nil
}

func (c Claims) put(raw *[rawSize]byte, id KeyID) {
	raw[0] = version
	binary.BigEndian.PutUint16(raw[1:], uint16(id))
	raw[3] = byte(c.Kind)
	binary.BigEndian.PutUint32(raw[4:], uint32(c.Number))
	binary.BigEndian.PutUint16(raw[8:], uint16(c.Opening))
	binary.BigEndian.PutUint16(raw[10:], uint16(c.Actions))
	copy(raw[12:], c.Member[:])
	binary.BigEndian.PutUint32(raw[20:], uint32(c.Expires.Unix()))
	copy(raw[24:], c.Nonce[:])
}

func (c *Claims) take(raw *[rawSize]byte) {
	c.Kind = Kind(raw[3])
	c.Number = int64(binary.BigEndian.Uint32(raw[4:]))
	c.Opening = int(binary.BigEndian.Uint16(raw[8:]))
	c.Actions = Actions(binary.BigEndian.Uint16(raw[10:]))
	copy(c.Member[:], raw[12:])
	c.Expires = time.Unix(int64(binary.BigEndian.Uint32(raw[20:])), 0).UTC()
	copy(c.Nonce[:], raw[24:])
}

// Verify returns what a token says, if a key of ring signed it and it may
// still act at now. [ErrForged]: it is not ours. [ErrUnknownKey]: its key is
// not in the ring (a newer ring may have it). [*ExpiredError]: it is ours but
// too old; the error carries the claims. It reads nothing, allocates nothing
// for a good token, and compares in constant time.
func Verify(ring *Ring, now time.Time, token string) (Claims, error) {
	var text [TokenLength]byte
	var raw [rawSize]byte
	if len(token) != TokenLength {
		return Claims{}, ErrForged
	}
	copy(text[:], token)
	// The decoder skips line breaks: a token with one yields fewer bytes.
	if n, err := encoding.Decode(raw[:], text[:]); err != nil || n != rawSize || raw[0] != version {
		return Claims{}, ErrForged
	}
	k := ring.verifier(KeyID(binary.BigEndian.Uint16(raw[1:])), now)
	if k == nil {
		return Claims{}, ErrUnknownKey
	}
	mac := k.mac((*[signedSize]byte)(raw[:signedSize]))
	if subtle.ConstantTimeCompare(mac[:], raw[signedSize:]) != 1 {
		return Claims{}, ErrForged
	}
	var c Claims
	c.take(&raw)
	return c.at(now)
}

func (c Claims) at(now time.Time) (Claims, error) {
	switch {
	case !now.Before(c.ShowsUntil()):
		return Claims{}, &ExpiredError{Claims: c}
	case !now.Before(c.Expires):
		return Claims{}, &ExpiredError{Claims: c, Shows: true}
	}
	return c, nil
}

// Path is the route under which links are served; the token follows it.
const Path = "/a/"

// URL returns the address of a link. base is the public address of the
// deployment, with or without a slash at its end; it is not signed, so a new
// domain breaks no link.
func URL(base, token string) string { return strings.TrimSuffix(base, "/") + Path + token }
