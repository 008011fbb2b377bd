package actionlink

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/shared/fault"
)

func TestRotation(t *testing.T) {
	first, err := NewRing(noon)
	if err != nil {
		t.Fatal(err)
	}
	rotated := noon.Add(30 * 24 * time.Hour)
	second, err := first.Rotate(rotated)
	if err != nil {
		t.Fatal(err)
	}
	a, b := second.keys[0].id, second.keys[1].id
	for _, c := range []struct {
		name     string
		after    time.Duration
		signs    KeyID
		verifies []KeyID
	}{
		{"at once the old key signs", 0, a, []KeyID{a, b}},
		{"for fifteen minutes", SignsAfter - time.Second, a, []KeyID{a, b}},
		{"then the new one", SignsAfter, b, []KeyID{a, b}},
		{"the old one verifies for eight days", SignsAfter + VerifiesAfter - time.Second, b, []KeyID{a, b}},
		{"and then no more", SignsAfter + VerifiesAfter, b, []KeyID{b}},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := rotated.Add(c.after)
			if got := second.signer(at).id; got != c.signs {
				t.Errorf("key %d signs", got)
			}
			var verifies []KeyID
			for _, i := range second.Info(at) {
				if i.Verifies {
					verifies = append(verifies, i.ID)
				}
			}
			if !reflect.DeepEqual(verifies, c.verifies) {
				t.Errorf("%v verify, want %v", verifies, c.verifies)
			}
		})
	}
}

func TestTheFirstKeySignsAtOnce(t *testing.T) {
	ring, err := NewRing(noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(ring, noon, sign(t, ring, noon, claims())); err != nil {
		t.Error(err)
	}
}

// TestRotationLosesNoKey rotates at many paces: every token signed by any ring
// that was current verifies until it stops showing.
func TestRotationLosesNoKey(t *testing.T) {
	for _, pace := range []time.Duration{time.Minute, 14 * time.Minute, time.Hour, 20 * time.Hour, 9 * 24 * time.Hour} {
		t.Run(pace.String(), func(t *testing.T) {
			ring, err := NewRing(noon)
			if err != nil {
				t.Fatal(err)
			}
			type link struct {
				token string
				until time.Time
			}
			var links []link
			at := noon
			for range 60 {
				c := claims()
				c.Expires = at.Add(24 * time.Hour)
				links = append(links, link{sign(t, ring, at, c), at.Add(7*24*time.Hour - time.Second)})
				at = at.Add(pace)
				if next, err := ring.Rotate(at); err == nil {
					ring = next
				} else if len(ring.keys) < maxKeys {
					t.Fatal(err)
				}
				for i, l := range links {
					if at.Before(l.until) && ring.refuses(at, l.token) {
						t.Fatalf("link %d is refused at %v", i, at.Sub(noon))
					}
				}
			}
		})
	}
}

func (r *Ring) refuses(at time.Time, token string) bool {
	_, err := Verify(r, at, token)
	return errors.Is(err, ErrForged) || errors.Is(err, ErrUnknownKey)
}

func TestAnyRingWithAKeySigns(t *testing.T) {
	ring := ringOf(t, 5, 7)
	ring.keys[1].retiredAt = noon.Add(-30 * 24 * time.Hour) // nothing is left by the times
	if k := ring.signer(noon); k == nil || ring.verifier(k.id, noon) != k {
		t.Error("no key signs, or the one that signs does not verify")
	}
}

func TestRingIsKeptAsWritten(t *testing.T) {
	ring := ringOf(t, 5, 7)
	got, err := ParseRing(ring.Encode())
	if err != nil || !reflect.DeepEqual(got, ring) {
		t.Errorf("got %v, %v", got, err)
	}
	full := ringOf(t, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)
	if n := len(full.Encode()); n > 4096 {
		t.Errorf("a full ring has %d bytes; a standard parameter holds 4096", n)
	}
	if _, err := full.Rotate(noon); err == nil {
		t.Error("a full ring of keys that verify was rotated")
	}
}

func TestParseRingRefuses(t *testing.T) {
	const secret = "c2VjcmV0LXRleHQtb2Ytc29tZS1sZW5ndGg="
	good := `{"id":7,"secret":"` + secret + `","created_at":"2026-03-12T12:00:00Z"}`
	for name, text := range map[string]string{
		"nothing":              ``,
		"no JSON":              `not json ` + secret,
		"another version":      `{"v":2,"keys":[` + good + `]}`,
		"no keys":              `{"v":1,"keys":[]}`,
		"a short secret":       `{"v":1,"keys":[{"id":7,"secret":"c2hvcnQ=","created_at":"2026-03-12T12:00:00Z"}]}`,
		"a secret not base64":  `{"v":1,"keys":[{"id":7,"secret":"` + secret + `!","created_at":"2026-03-12T12:00:00Z"}]}`,
		"no time":              `{"v":1,"keys":[{"id":7,"secret":"` + secret + `"}]}`,
		"two keys of one id":   `{"v":1,"keys":[` + good + `,` + good + `]}`,
		"too many keys":        `{"v":1,"keys":[` + strings.Repeat(good+",", 20) + good + `]}`,
		"an id out of range":   `{"v":1,"keys":[{"id":70000,"secret":"` + secret + `","created_at":"2026-03-12T12:00:00Z"}]}`,
		"something behind it":  `{"v":1,"keys":[` + good + `]} x`,
		"an id that is a text": `{"v":1,"keys":[{"id":"` + secret + `","secret":"` + secret + `","created_at":"2026-03-12T12:00:00Z"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			ring, err := ParseRing([]byte(text))
			if err == nil || ring != nil {
				t.Fatalf("got %v, %v", ring, err)
			}
			if strings.Contains(err.Error(), "c2") || strings.Contains(err.Error(), "secret-text") {
				t.Errorf("the error quotes the text: %v", err)
			}
		})
	}
}

// parameter is a fake of what SSM keeps.
type parameter struct {
	text  []byte
	err   error
	loads int
}

func (p *parameter) Load(context.Context) ([]byte, error) {
	p.loads++
	return p.text, p.err
}

func TestKeysReload(t *testing.T) {
	ctx, now := t.Context(), noon
	from := &parameter{text: ringOf(t, 7).Encode()}
	keys := NewKeys(from, func() time.Time { return now })
	token, err := keys.Sign(ctx, claims())
	if err != nil {
		t.Fatal(err)
	}
	verify := func(token string, want error, loads int) {
		t.Helper()
		if _, err := keys.Verify(ctx, token); !errors.Is(err, want) || from.loads != loads {
			t.Errorf("error %v after %d loads; want %v after %d", err, from.loads, want, loads)
		}
	}
	verify(token, nil, 1)
	now = noon.Add(ReloadEvery)
	verify(token, nil, 2)
	from.text = ringOf(t, 7, 9).Encode()
	newer := sign(t, ringOf(t, 9), now, claims())
	verify(newer, ErrUnknownKey, 2) // a moment after the last load
	now = now.Add(lookAgain)
	verify(newer, nil, 3)
	alien := sign(t, ringOf(t, 11), now, claims())
	for range 5 {
		verify(alien, ErrUnknownKey, 3)
	}
	now = now.Add(lookAgain)
	for range 5 {
		verify(alien, ErrUnknownKey, 4)
	}
	for range 5 {
		verify("forged", ErrForged, 4)
	}
	from.err, now = errors.New("SSM is down"), now.Add(ReloadEvery)
	for range 5 {
		verify(newer, nil, 5) // the last good ring serves
	}
	from.err, from.text, now = nil, []byte("broken"), now.Add(lookAgain)
	verify(newer, nil, 6)
}

func TestKeysWithoutARing(t *testing.T) {
	now := noon
	from := &parameter{err: fault.New(fault.NotFound, "no parameter")}
	keys := NewKeys(from, func() time.Time { return now })
	for range 3 {
		if _, err := keys.Verify(t.Context(), sign(t, ringOf(t, 7), noon, claims())); !fault.Is(err, fault.Unavailable) {
			t.Errorf("error %v", err)
		}
	}
	if _, err := keys.Sign(t.Context(), claims()); !fault.Is(err, fault.Unavailable) || from.loads != 1 {
		t.Errorf("error %v after %d loads", err, from.loads)
	}
	from.err, from.text, now = nil, ringOf(t, 7).Encode(), now.Add(firstAgain)
	if _, err := keys.Sign(t.Context(), claims()); err != nil {
		t.Error(err)
	}
}
