// Package alert owns the alert: a condition that a source reports, known by
// its integration and dedup key, firing or resolved. It holds what parsing
// yields ([Alert]), what is kept of it ([State]), the rules by which a report
// changes what is kept ([State.Take]), and the store of it. It knows no rules,
// events or people.
//
//	a := alert.Alert{Status: alert.Firing, DedupKey: alert.SenderKey("fingerprint", "fb1ae09c"), Title: "Disk full"}
package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
	"time"
)

// Status says whether the condition holds. What the source itself did with
// its alert, like acknowledging it, is a request on the event that owns the
// alert, not a state of the alert.
type Status string

// The words of a status, as stored and shown.
const (
	Firing         Status = "firing"
	Resolved       Status = "resolved"
	Acknowledged   Status = "acknowledged"
	Unacknowledged Status = "unacknowledged"
	Noted          Status = "noted" // the description is the note
)

// Request reports whether s asks something of the event that owns the alert.
func (s Status) Request() bool { return s == Acknowledged || s == Unacknowledged || s == Noted }

// Severity is the source's word for how bad it is, sorted into four.
// "" means that the source did not say.
type Severity string

// From worst to least.
const (
	Critical Severity = "critical"
	Error    Severity = "error"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// Priority is how soon a person must act: P1 to P4. "" means none yet.
type Priority string

// From most to least urgent. Their text sorts that way too.
const (
	P1 Priority = "P1"
	P2 Priority = "P2"
	P3 Priority = "P3"
	P4 Priority = "P4"
)

// Higher reports whether p is more urgent than q. "" is the least urgent.
func (p Priority) Higher(q Priority) bool { return p != "" && (q == "" || p < q) }

// Valid reports whether p is one of P1 to P4.
func (p Priority) Valid() bool { return p == P1 || p == P2 || p == P3 || p == P4 }

// Priority returns the default priority of a severity; a missing one is P3.
func (s Severity) Priority() Priority {
	switch s {
	case Critical:
		return P1
	case Error:
		return P2
	case Info:
		return P4
	default:
		return P3
	}
}

// Valid reports whether s is one of the four words or "".
func (s Severity) Valid() bool {
	switch s {
	case "", Critical, Error, Warning, Info:
		return true
	}
	return false
}

// Link points to a page about the alert. Only http and https survive parsing.
type Link struct {
	Text string `json:"text,omitempty"`
	URL  string `json:"url"`
}

// Alert is one report of a condition as normalised from a delivery. Its JSON
// is what queues, the ledger and `tocsin normalize` carry.
type Alert struct {
	Source      string            `json:"source"`              // kind of monitoring system, e.g. "prometheus"
	DedupKey    string            `json:"dedup_key"`           // see SenderKey and HashKey
	Episode     string            `json:"episode,omitempty"`   // names the firing period where the sender does: its start time or incident id
	Status      Status            `json:"status"`              //
	Severity    Severity          `json:"severity,omitempty"`  //
	Priority    Priority          `json:"priority"`            // the default from severity; rules may decide otherwise
	Title       string            `json:"title"`               // one line, at most MaxTitle bytes
	Description string            `json:"description"`         //
	Group       string            `json:"group,omitempty"`     // what the sender itself groups by, or the name of its check
	Labels      map[string]string `json:"labels"`              //
	Links       []Link            `json:"links"`               //
	StartedAt   time.Time         `json:"started_at,omitzero"` // the sender's clock
	EndedAt     time.Time         `json:"ended_at,omitzero"`   // the sender's clock; set on recoveries
	ExpiresAt   time.Time         `json:"expires_at,omitzero"` // firing counts as ended then, unless reported again
	Truncated   bool              `json:"truncated,omitempty"` // some text was cut to the limits
}

// Sizes in bytes that an alert is cut to, so that one item stays within 8 KB.
const (
	MaxTitle       = 512
	MaxDescription = 3072
	MaxLabels      = 64
	MaxLabelName   = 128
	MaxLabelValue  = 512
	MaxLinks       = 8
	MaxURL         = 1024
	MaxStored      = 8 << 10
)

// SenderKey is the dedup key made of the sender's own identity of the alert.
// kind names what it is ("fingerprint", "alarm_arn"); a long one is hashed.
func SenderKey(kind, id string) string {
	if len(id) > 256 || !printable(id) {
		return kind + ":sha256-" + digest(id)
	}
	return kind + ":" + id
}

// HashKey is the dedup key of a sender that names no identity: version 1 of
// the documented hash, over the sorted name=value pairs of parts.
func HashKey(parts map[string]string) string {
	names := make([]string, 0, len(parts))
	size := 0
	for n := range parts {
		names = append(names, n)
		size += len(n) + len(parts[n]) + len("65536:=65536:\n")
	}
	sort.Strings(names)
	var b strings.Builder
	b.Grow(size)
	for _, n := range names {
		fmt.Fprintf(&b, "%d:%s=%d:%s\n", len(n), n, len(parts[n]), parts[n])
	}
	return "hash1:" + digest(b.String())
}

// Hashed reports whether a key is a digest, which says nothing of what it was
// made of, and tells things apart only as it is. tiny_id is that of package
// opsgenieapi.
func Hashed(key string) bool {
	return strings.HasPrefix(key, "hash1:") || strings.HasPrefix(key, "tiny_id:") || strings.Contains(key, ":sha256-")
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return false
		}
	}
	return true
}

// ID names an alert everywhere inside: a hash of integration and dedup key,
// because a sender's text never becomes a key.
type ID string

// IDOf returns the id of the alert that an integration knows by dedupKey.
func IDOf(integration, dedupKey string) ID {
	return ID("a-" + digest(integration+"\x00"+dedupKey))
}
