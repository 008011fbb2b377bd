package opsgenieapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/source"
)

// Number names an alert within its integration. It is a hash of the alias in
// 60 bits, and the alert's id and tiny id are two ways to write it, so that
// whoever closes an alert by any of the three means the same one, and nobody
// needs to look it up.
type Number uint64

const numberBits = 60

// digest returns the first bytes of a hash of what and its texts.
func digest(what string, texts ...[]byte) []byte {
	sum := sha256.Sum256(append([]byte(what+"\x00"), bytes.Join(texts, []byte{0})...))
	return sum[:]
}

// ByAlias is the alert of an alias. An alert without one has its id for an
// alias, as in Opsgenie.
func ByAlias(alias string) Number {
	if n, ok := byID(alias); ok {
		return n
	}
	return Number(binary.BigEndian.Uint64(digest("alias", []byte(alias))) >> (64 - numberBits))
}

// ByIdentifier is the alert that identifier names as what identifierType
// says: id (also ""), tiny or alias. An id that is none of ours is read as an
// alias.
func ByIdentifier(identifier, identifierType string) Number {
	if strings.EqualFold(identifierType, "tiny") {
		if n, err := strconv.ParseUint(identifier, 10, numberBits); err == nil {
			return Number(n)
		}
	}
	return ByAlias(identifier)
}

// named reports whether a path names its alert by its id or tiny id.
func named(r *source.Request) bool {
	_, rest, _ := strings.Cut("/"+r.Path, "/"+AlertsPath+"/")
	identifier, _, _ := strings.Cut(rest, "/")
	_, isID := byID(identifier)
	_, err := strconv.ParseUint(identifier, 10, numberBits)
	return isID || err == nil && strings.EqualFold(r.Query.Get("identifierType"), "tiny")
}

// Created is the alert of the one key of a request that created it.
func Created(keys []string) Number {
	if len(keys) == 0 {
		return 0
	}
	_, digits, _ := strings.Cut(keys[0], ":")
	n, err := strconv.ParseUint(digits, 10, numberBits)
	if err != nil {
		return 0
	}
	return Number(n)
}

// TinyID is the number in decimal digits.
func (n Number) TinyID() string { return strconv.FormatUint(uint64(n), 10) }

// Key is the alert's dedup key.
func (n Number) Key() string { return alert.SenderKey("tiny_id", n.TinyID()) }

// ID is the number as a UUID of version 8 (RFC 9562, section 5.8), whose
// second half tells it from other UUIDs.
func (n Number) ID() string { return n.uuid([8]byte(digest("id", n.bytes()))) }

func (n Number) bytes() []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// uuid puts the version between the first 48 bits of the number and the
// others, and the variant before the second half.
func (n Number) uuid(half [8]byte) string {
	first := uint64(n)>>12<<16 | 8<<12 | uint64(n)&0xfff
	half[0] = half[0]&0x3f | 0x80
	d := hex.EncodeToString(append(binary.BigEndian.AppendUint64(nil, first), half[:]...))
	return d[:8] + "-" + d[8:12] + "-" + d[12:16] + "-" + d[16:20] + "-" + d[20:]
}

// split reads what uuid writes.
func split(uuid string) (n Number, half [8]byte, ok bool) {
	if len(uuid) != 36 || strings.Count(uuid, "-") != 4 {
		return 0, half, false
	}
	b, err := hex.DecodeString(strings.ReplaceAll(uuid, "-", ""))
	if err != nil || len(b) != 16 {
		return 0, half, false
	}
	first := binary.BigEndian.Uint64(b)
	n, half = Number(first>>16<<12|first&0xfff), [8]byte(b[8:])
	return n, half, strings.EqualFold(n.uuid(half), uuid)
}

func byID(id string) (Number, bool) {
	n, _, ok := split(id)
	return n, ok && strings.EqualFold(n.ID(), id)
}

// Processed is what a request id says of its request.
type Processed struct {
	Alert  Number
	Action string // of Actions
	At     time.Time
}

// RequestID writes p as a UUID: it holds all that may be asked of a request
// later, so that nothing of it needs to be kept. Equal requests within a
// second have the same.
func (p Processed) RequestID() string { return p.Alert.uuid(p.half()) }

// half holds the action, the second and a check.
func (p Processed) half() (half [8]byte) {
	half[0] = 0x80 | actionNumber(p.Action)
	binary.BigEndian.PutUint32(half[1:5], uint32(p.At.Unix()))
	copy(half[5:], digest("request", p.Alert.bytes(), half[:5]))
	return half
}

// ReadRequestID reads a request id; false: it is none of ours.
func ReadRequestID(id string) (Processed, bool) {
	n, half, ok := split(strings.ToLower(id))
	if !ok || int(half[0]&0x3f) >= len(Actions) {
		return Processed{}, false
	}
	p := Processed{Alert: n, Action: Actions[half[0]&0x3f], At: time.Unix(int64(binary.BigEndian.Uint32(half[1:5])), 0).UTC()}
	return p, p.half() == half
}
