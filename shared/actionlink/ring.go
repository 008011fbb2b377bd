package actionlink

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tocsin/shared/defaults"
)

// Ages of keys. Every process reloads its ring within ReloadEvery, so that a
// key is known everywhere before it signs.
const (
	ReloadEvery   = 10 * time.Minute
	SignsAfter    = 15 * time.Minute // a new key only verifies for so long
	VerifiesAfter = defaults.LinkShows + 24*time.Hour
)

// maxKeys keeps a ring within the 4 KB of a standard SSM parameter.
const maxKeys = 20

// secretSize is the size of a new key's secret. Others of at least
// minSecretSize are accepted from a ring.
const (
	secretSize    = 32
	minSecretSize = 16
)

// blockSize is that of SHA-256.
const blockSize = 64

// KeyID names a key inside its ring.
type KeyID uint16

// Ring is the keys that sign and verify links. It never changes once made, so
// it may be shared; its zero value has no keys. It prints without secrets.
//
//	created          created + 15 min     retired              retired + 8 days
//	   │ verifies          │ signs, verifies  │ verifies              │ gone
//
// A key is retired by the next one's making, at the instant when that one
// begins to sign. When the times leave no key to sign, the newest that is old
// enough does, else the oldest: a page must always have its link.
type Ring struct {
	keys []key // oldest first
}

type key struct {
	id                 KeyID
	secret             []byte
	createdAt          time.Time
	retiredAt          time.Time // when it signs for the last time; zero: not known yet
	innerPad, outerPad [blockSize]byte
}

func newKey(id KeyID, secret []byte, created, retired time.Time) key {
	k := key{id: id, secret: secret, createdAt: created, retiredAt: retired}
	short := secret
	if len(short) > blockSize {
		sum := sha256.Sum256(short)
		short = sum[:]
	}
	copy(k.innerPad[:], short)
	k.outerPad = k.innerPad
	for i := range blockSize {
		k.innerPad[i] ^= 0x36
		k.outerPad[i] ^= 0x5c
	}
	return k
}

// mac returns the HMAC-SHA256 of msg, cut to what a token keeps. It is written
// out (RFC 2104, section 2) over arrays of fixed size because crypto/hmac
// allocates two hashes for each use; a test compares the two.
func (k *key) mac(msg *[signedSize]byte) [macSize]byte {
	var inner [blockSize + signedSize]byte
	copy(inner[:], k.innerPad[:])
	copy(inner[blockSize:], msg[:])
	sum := sha256.Sum256(inner[:])
	var outer [blockSize + sha256.Size]byte
	copy(outer[:], k.outerPad[:])
	copy(outer[blockSize:], sum[:])
	sum = sha256.Sum256(outer[:])
	return [macSize]byte(sum[:macSize])
}

func (k *key) signsAt(now time.Time) bool {
	return !now.Before(k.createdAt.Add(SignsAfter)) && (k.retiredAt.IsZero() || now.Before(k.retiredAt))
}

func (k *key) verifiesAt(now time.Time) bool {
	return k.retiredAt.IsZero() || now.Before(k.retiredAt.Add(VerifiesAfter))
}

// signer returns the key that signs at now; nil when the ring has none.
func (r *Ring) signer(now time.Time) *key {
	if r == nil || len(r.keys) == 0 {
		return nil
	}
	known := &r.keys[0]
	for i := len(r.keys) - 1; i >= 0; i-- {
		k := &r.keys[i]
		if k.signsAt(now) {
			return k
		}
		if known == &r.keys[0] && !now.Before(k.createdAt.Add(SignsAfter)) {
			known = k
		}
	}
	return known
}

// verifier returns the key of id if it verifies at now, else nil.
func (r *Ring) verifier(id KeyID, now time.Time) *key {
	if r == nil {
		return nil
	}
	for i := range r.keys {
		if k := &r.keys[i]; k.id == id && (k.verifiesAt(now) || r.signer(now) == k) {
			return k
		}
	}
	return nil
}

// NewRing returns a ring with one new key, which signs at once: no other
// process can know another.
func NewRing(now time.Time) (*Ring, error) { return (&Ring{}).Rotate(now) }

// Rotate returns the ring with a new key that will sign 15 minutes after now,
// when the present one is retired. Keys that can verify no link any more are
// left out; a key that may is never lost. It fails when the ring would grow
// too large, which takes 20 rotations within 8 days.
func (r *Ring) Rotate(now time.Time) (*Ring, error) {
	now = now.UTC().Truncate(time.Second)
	next := &Ring{}
	for _, k := range r.keys {
		if k.retiredAt.IsZero() {
			k.retiredAt = now.Add(SignsAfter)
		}
		if k.verifiesAt(now) {
			next.keys = append(next.keys, k)
		}
	}
	if len(next.keys) >= maxKeys {
		return nil, fmt.Errorf("the ring holds %d keys that still verify; rotate again in a day", len(next.keys))
	}
	k, err := next.makeKey(now)
	if err != nil {
		return nil, err
	}
	next.keys = append(next.keys, k)
	return next, nil
}

func (r *Ring) makeKey(now time.Time) (key, error) {
	var random [2 + secretSize]byte
	for {
		if _, err := rand.Read(random[:]); err != nil {
			return key{}, fmt.Errorf("make a key: %w", err)
		}
		id := KeyID(binary.BigEndian.Uint16(random[:]))
		if !slices.ContainsFunc(r.keys, func(k key) bool { return k.id == id }) {
			return newKey(id, slices.Clone(random[2:]), now, time.Time{}), nil
		}
	}
}

// KeyInfo is what may be shown of a key.
type KeyInfo struct {
	ID        KeyID     `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	RetiredAt time.Time `json:"retired_at,omitzero"`
	Signs     bool      `json:"signs"`
	Verifies  bool      `json:"verifies"`
}

// Info describes the keys at now, oldest first, without their secrets.
func (r *Ring) Info(now time.Time) []KeyInfo {
	infos := make([]KeyInfo, len(r.keys))
	for i, k := range r.keys {
		infos[i] = KeyInfo{ID: k.id, CreatedAt: k.createdAt, RetiredAt: k.retiredAt,
			Signs: r.signer(now) == &r.keys[i], Verifies: r.verifier(k.id, now) != nil}
	}
	return infos
}

// String says how many keys there are and nothing of them.
func (r Ring) String() string { return fmt.Sprintf("ring of %d keys", len(r.keys)) }

// GoString is String, so that no way of printing shows a secret.
func (r Ring) GoString() string { return r.String() }

// Format is String for every verb.
func (r Ring) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(r.String())) }

// LogValue is String.
func (r Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }

// stored is the JSON of a ring.
type stored struct {
	Version int         `json:"v"`
	Keys    []storedKey `json:"keys"`
}

type storedKey struct {
	ID        KeyID     `json:"id"`
	Secret    []byte    `json:"secret"` // base64
	CreatedAt time.Time `json:"created_at"`
	RetiredAt time.Time `json:"retired_at,omitzero"`
}

// Encode returns the ring as it is kept, with its secrets.
func (r *Ring) Encode() []byte {
	out := stored{Version: 1}
	for _, k := range r.keys {
		out.Keys = append(out.Keys, storedKey{ID: k.id, Secret: k.secret, CreatedAt: k.createdAt, RetiredAt: k.retiredAt})
	}
	text, _ := json.Marshal(out) // numbers, bytes and times of this century: cannot fail
	return text
}

// ParseRing reads what [Ring.Encode] wrote. Its errors never quote the text.
func ParseRing(text []byte) (*Ring, error) {
	var in stored
	if json.Unmarshal(text, &in) != nil {
		return nil, errors.New("the key ring is not readable JSON")
	}
	if in.Version != 1 {
		return nil, fmt.Errorf("the key ring is of version %d, not 1", in.Version)
	}
	if len(in.Keys) == 0 || len(in.Keys) > maxKeys {
		return nil, fmt.Errorf("the key ring has %d keys, not 1 to %d", len(in.Keys), maxKeys)
	}
	r := &Ring{keys: make([]key, 0, len(in.Keys))}
	for i, k := range in.Keys {
		switch {
		case len(k.Secret) < minSecretSize:
			return nil, fmt.Errorf("key %d of the ring has a secret of less than %d bytes", i, minSecretSize)
		case k.CreatedAt.IsZero():
			return nil, fmt.Errorf("key %d of the ring has no created_at", i)
		case slices.ContainsFunc(r.keys, func(o key) bool { return o.id == k.ID }):
			return nil, fmt.Errorf("key %d of the ring has the id of another", i)
		}
		r.keys = append(r.keys, newKey(k.ID, k.Secret, k.CreatedAt.UTC(), k.RetiredAt.UTC()))
	}
	slices.SortStableFunc(r.keys, func(a, b key) int { return a.createdAt.Compare(b.createdAt) })
	return r, nil
}
