package intake

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"tocsin/shared/alert"
	"tocsin/shared/integration"
	"tocsin/shared/source"
)

// deliver makes the delivery of a request. Times of the sender are read
// against real time; the delivery is stamped with the time of deadlines, and
// expiries are moved onto it. An alert that has none gets the integration's.
func (in *Intake) deliver(found integration.Found, src source.Source, req *source.Request, parsed source.Parsed) (Delivery, error) {
	at := in.Clock().UTC()
	parsed.Notes, parsed.SenderID = fewNotes(parsed.Notes), shortID(cmp.Or(parsed.SenderID, req.Once))
	d := Delivery{
		Integration: found.ID, Source: found.Source, Service: found.Service, ReceivedAt: at, SenderID: parsed.SenderID,
		BodyHash: hash(req.Body), ContentType: req.Header.Get("Content-Type"), Items: make([]Item, 0, len(parsed.Items)), Notes: parsed.Notes,
		Headers: kept(src.Headers, req.Header.Get), Query: kept(src.Queries, req.Query.Get), Path: keptText(req.Path),
	}
	d.setChanges(parsed.Changes, req.At, at)
	var err error
	if d.ID, err = idOf(d, found.Again != nil); err != nil {
		return Delivery{}, err
	}
	if err = d.setBody(req.Body); err != nil {
		return Delivery{}, err
	}
	expiry := found.Expiry(parsed.ExpiresAfter, src.Guide.NeverEnds || parsed.NeverEnds)
	for _, item := range parsed.Items {
		setExpiry(item.Alert, expiry, req.At, at)
		d.Items = append(d.Items, Item(item))
	}
	return d, nil
}

// Bounds of what a sender may write beside its alerts: the ledger keeps it with
// each part of a delivery.
const (
	maxNotes    = 50
	maxNote     = 500 // bytes
	maxSenderID = 256 // bytes
)

func fewNotes(notes []string) []string {
	for i, note := range notes {
		if len(note) > maxNote {
			notes[i] = strings.ToValidUTF8(note[:maxNote], "") + "…"
		}
	}
	if left := len(notes) - maxNotes; left > 0 {
		notes = append(notes[:maxNotes:maxNotes], fmt.Sprintf("%d more notes were left out", left))
	}
	return notes
}

func shortID(id string) string {
	if len(id) > maxSenderID {
		return hash([]byte(id))
	}
	return id
}

// setExpiry moves the end that a sender gave, by its time received, onto the
// time of deadlines; where it gave none, expiry decides.
func setExpiry(a *alert.Alert, expiry time.Duration, received, at time.Time) {
	switch {
	case a == nil:
	case !a.ExpiresAt.IsZero():
		a.ExpiresAt = a.ExpiresAt.Add(at.Sub(received).Round(time.Second))
	case a.Status == alert.Firing && expiry > 0:
		a.ExpiresAt = at.Add(expiry).Truncate(time.Second)
	}
}

// Bounds of what is kept beside the body.
const (
	maxKept     = 20 // headers, and parameters of the address
	maxKeptText = 1024
)

// kept are the headers or parameters that a source reads, without those that
// prove the sender.
func kept(names []string, get func(string) string) map[string]string {
	kept := map[string]string{}
	for _, name := range names {
		if len(kept) == maxKept {
			break
		}
		if value := get(name); value != "" && !source.HoldsSecret(name) {
			kept[name] = keptText(value)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

func keptText(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxKeptText)], "") }

// maxChanges bounds the changes of one delivery: each costs a write, and no
// reader looks at more.
const maxChanges = 100

// setChanges keeps the changes that a request told of, each with the instant
// at which it counts.
func (d *Delivery) setChanges(told []source.Change, received, at time.Time) {
	for _, c := range told[:min(len(told), maxChanges)] {
		d.Changes = append(d.Changes, c.Settle(received, at))
	}
	if left := len(told) - len(d.Changes); left > 0 {
		d.Notes = append(slices.Clone(d.Notes), fmt.Sprintf("%d more changes were left out", left))
	}
}

// idOf returns a delivery's id: one that a repeat gets again where the sender
// names its requests, else, and for a delivery that we send again, a new one
// that sorts by time.
func idOf(d Delivery, anew bool) (string, error) {
	if d.SenderID != "" && !anew {
		return "d-" + hash([]byte(d.Integration + "\x00" + d.SenderID + "\x00" + d.BodyHash))[:32], nil
	}
	id, err := ulid.New(ulid.Timestamp(d.ReceivedAt), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make a delivery id: %w", err)
	}
	return "d-" + strings.ToLower(id.String()), nil
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
