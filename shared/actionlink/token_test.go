package actionlink

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC)

func claims() Claims {
	return Claims{
		Kind: Event, Number: 4821, Opening: 2, Actions: EventActions, Member: MemberOf("alice"),
		Expires: noon.Add(24 * time.Hour), Nonce: [5]byte{1, 2, 3, 4, 5},
	}
}

// ringOf returns a ring whose keys have the given ids, made an hour apart
// before noon.
func ringOf(t testing.TB, ids ...KeyID) *Ring {
	t.Helper()
	r := &Ring{}
	for i, id := range ids {
		created := noon.Add(-time.Duration(len(ids)-i) * time.Hour)
		retired := time.Time{}
		if i+1 < len(ids) {
			retired = created.Add(time.Hour + SignsAfter)
		}
		secret := sha256.Sum256([]byte{byte(id)})
		r.keys = append(r.keys, newKey(id, secret[:], created, retired))
	}
	return r
}

func sign(t testing.TB, r *Ring, at time.Time, c Claims) string {
	t.Helper()
	token, err := Sign(r, at, c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSignedClaimsAreVerified(t *testing.T) {
	ring := ringOf(t, 7)
	for name, change := range map[string]func(*Claims){
		"as they are":       func(*Claims) {},
		"an incident":       func(c *Claims) { c.Kind = Incident; c.Number = 7 },
		"the largest":       func(c *Claims) { c.Number, c.Opening, c.Actions = 1<<32-1, 1<<16-1, 1<<16-1 },
		"the smallest":      func(c *Claims) { c.Number, c.Opening, c.Actions = 1, 0, 0 },
		"of another member": func(c *Claims) { c.Member = MemberOf("李雷") },
	} {
		t.Run(name, func(t *testing.T) {
			want := claims()
			change(&want)
			token := sign(t, ring, noon, want)
			if len(token) != TokenLength || len(token) > 64 {
				t.Errorf("the token has %d characters", len(token))
			}
			if got, err := Verify(ring, noon, token); err != nil || got != want {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestEveryTokenHasItsOwnNonce(t *testing.T) {
	c := claims()
	c.Nonce = [5]byte{}
	ring := ringOf(t, 7)
	first, second := sign(t, ring, noon, c), sign(t, ring, noon, c)
	if first == second {
		t.Error("two tokens of the same claims are equal")
	}
}

func TestSignRefuses(t *testing.T) {
	for name, change := range map[string]func(*Claims){
		"no kind":          func(c *Claims) { c.Kind = 0 },
		"an unknown kind":  func(c *Claims) { c.Kind = 3 },
		"no number":        func(c *Claims) { c.Number = 0 },
		"a large number":   func(c *Claims) { c.Number = 1 << 32 },
		"a negative":       func(c *Claims) { c.Number = -1 },
		"a large opening":  func(c *Claims) { c.Opening = 1 << 16 },
		"a minus opening":  func(c *Claims) { c.Opening = -1 },
		"no expiry":        func(c *Claims) { c.Expires = time.Time{} },
		"a far off expiry": func(c *Claims) { c.Expires = time.Unix(1<<32, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			c := claims()
			change(&c)
			if token, err := Sign(ringOf(t, 7), noon, c); err == nil || token != "" {
				t.Errorf("signed %q", token)
			}
		})
	}
	if token, err := Sign(&Ring{}, noon, claims()); err == nil || token != "" {
		t.Errorf("an empty ring signed %q", token)
	}
}

func TestEachFlippedBitIsRefused(t *testing.T) {
	ring := ringOf(t, 7)
	good := sign(t, ring, noon, claims())
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	for i := range raw {
		for bit := range 8 {
			bad := bytes.Clone(raw)
			bad[i] ^= 1 << bit
			refused(t, ring, base64.RawURLEncoding.EncodeToString(bad), fmt.Sprintf("byte %d bit %d", i, bit))
		}
	}
	for i := range good {
		for c := range 256 {
			if byte(c) != good[i] {
				refused(t, ring, good[:i]+string([]byte{byte(c)})+good[i+1:], fmt.Sprintf("character %d as %q", i, rune(c)))
			}
		}
	}
}

func refused(t *testing.T, ring *Ring, token, what string) {
	t.Helper()
	c, err := Verify(ring, noon, token)
	if !errors.Is(err, ErrForged) && !errors.Is(err, ErrUnknownKey) || c != (Claims{}) {
		t.Errorf("%s: claims %+v, error %v", what, c, err)
	}
}

func TestMalformedTokensAreForged(t *testing.T) {
	ring := ringOf(t, 7)
	good := sign(t, ring, noon, claims())
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	raw[0] = 2
	for name, token := range map[string]string{
		"empty":                "",
		"short":                good[:len(good)-1],
		"long":                 good + "A",
		"padded":               good + "=",
		"a group less":         good[:len(good)-4],
		"a group more":         good + "AAAA",
		"with a line break":    good[:len(good)-1] + "\n",
		"with breaks inside":   good[:8] + "\r\n\r\n" + good[12:],
		"of standard base64":   strings.Repeat("+/", TokenLength/2),
		"not ASCII":            strings.Repeat("é", TokenLength/2),
		"zeros":                strings.Repeat("A", TokenLength),
		"of a later version":   base64.RawURLEncoding.EncodeToString(raw),
		"with a space":         " " + good[1:],
		"escaped":              "%41" + good[3:],
		"much longer":          strings.Repeat(good, 1000),
		"the token in reverse": reverse(good),
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := Verify(ring, noon, token); !errors.Is(err, ErrForged) || c != (Claims{}) {
				t.Errorf("claims %+v, error %v; want %v", c, err, ErrForged)
			}
		})
	}
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

func TestExpiry(t *testing.T) {
	ring, expires := ringOf(t, 7), claims().Expires
	shows := expires.Add(6 * 24 * time.Hour)
	token := sign(t, ring, noon, claims())
	for _, c := range []struct {
		name    string
		at      time.Time
		expired bool
		shows   bool
	}{
		{"acts at once", noon, false, false},
		{"acts until the last moment", expires.Add(-time.Millisecond), false, false},
		{"shows only, from expiry on", expires, true, true},
		{"shows until seven days", shows.Add(-time.Millisecond), true, true},
		{"is over after seven days", shows, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Verify(ring, c.at, token)
			e, expired := errors.AsType[*ExpiredError](err)
			if expired != c.expired {
				t.Fatalf("error %v", err)
			}
			if !expired {
				if got != claims() || err != nil {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			if got != (Claims{}) || e.Claims != claims() || e.Shows != c.shows {
				t.Errorf("got %+v and %+v", got, e)
			}
		})
	}
}

func TestKeysOfAToken(t *testing.T) {
	old := ringOf(t, 7)
	both := ringOf(t, 7, 9)
	other := ringOf(t, 9)
	token := sign(t, old, noon, claims())
	if _, err := Verify(both, noon, token); err != nil {
		t.Errorf("the old key: %v", err)
	}
	if _, err := Verify(other, noon, token); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("an unknown key: %v", err)
	}
	wrong := &Ring{keys: []key{newKey(7, bytes.Repeat([]byte{1}, 32), noon.Add(-time.Hour), time.Time{})}}
	if _, err := Verify(wrong, noon, token); !errors.Is(err, ErrForged) {
		t.Errorf("another key with the same id: %v", err)
	}
	if _, err := Verify(nil, noon, token); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("no ring: %v", err)
	}
}

// TestMACAgreesWithLibrary holds the written-out HMAC to crypto/hmac.
func TestMACAgreesWithLibrary(t *testing.T) {
	for _, size := range []int{16, 32, 63, 64, 65, 200} {
		secret := bytes.Repeat([]byte{0xa5}, size)
		k := newKey(1, secret, noon, time.Time{})
		var msg [signedSize]byte
		copy(msg[:], "the exact bytes of a token")
		h := hmac.New(sha256.New, secret)
		h.Write(msg[:])
		if got, want := k.mac(&msg), h.Sum(nil)[:macSize]; !bytes.Equal(got[:], want) {
			t.Errorf("secret of %d bytes: %x, want %x", size, got, want)
		}
	}
}

// TestTokenIsPinned fails when the format changes: links that were sent must
// be read by later releases.
func TestTokenIsPinned(t *testing.T) {
	const want = "AQAHAQAAEtUAAgP_"
	token := sign(t, ringOf(t, 7), noon, claims())
	if !strings.HasPrefix(token, want) {
		t.Errorf("token %s does not begin with %s", token, want)
	}
	if got := fmt.Sprintf("%x", MemberOf("alice")); got != "58693cd02435ea57" {
		t.Errorf("hash of alice is %s", got)
	}
}

func TestVerifyAllocatesNothing(t *testing.T) {
	ring := ringOf(t, 5, 7)
	token := sign(t, ring, noon, claims())
	if n := testing.AllocsPerRun(100, func() { _, _ = Verify(ring, noon, token) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSubject(t *testing.T) {
	for _, id := range []string{"E-4821", "I-7", "E-1", "E-4294967295"} {
		kind, n, err := ParseSubject(id)
		if c := (Claims{Kind: kind, Number: n}); err != nil || c.Subject() != id {
			t.Errorf("%s: %v, %v", id, c.Subject(), err)
		}
	}
	for _, id := range []string{"", "E", "E-", "X-1", "E-0", "E--1", "E-1x", "4821", "E-4294967296", "e-1"} {
		if _, _, err := ParseSubject(id); err == nil {
			t.Errorf("%q is accepted", id)
		}
	}
}

func TestActions(t *testing.T) {
	for _, a := range []Actions{0, Acknowledge, Resolve | Record, EventActions, IncidentActions} {
		if got, err := ParseActions(a.String()); err != nil || got != a {
			t.Errorf("%s: %v, %v", a, got, err)
		}
	}
	if _, err := ParseActions("acknowledge,explode"); err == nil {
		t.Error("an unknown action is accepted")
	}
	if EventActions.Has(Acknowledge|Mitigate) || !EventActions.Has(0) {
		t.Error("Has is wrong")
	}
}

func TestURL(t *testing.T) {
	for _, base := range []string{"https://t.example.com", "https://t.example.com/"} {
		if got := URL(base, "TOKEN"); got != "https://t.example.com/a/TOKEN" {
			t.Error(got)
		}
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	ring := ringOf(t, 7)
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "ring", ring)
	for _, f := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		fmt.Fprintf(&out, f, ring)
		fmt.Fprintf(&out, f, *ring)
	}
	fmt.Fprintf(&out, "%+v %#v", ring.Info(noon), ring.Info(noon))
	secret := ring.keys[0].secret
	for _, form := range []string{string(secret), fmt.Sprintf("%x", secret), base64.StdEncoding.EncodeToString(secret), fmt.Sprint(secret)} {
		if strings.Contains(out.String(), form) {
			t.Error("a secret is printed")
		}
	}
}

func FuzzVerify(f *testing.F) {
	ring := ringOf(f, 5, 7)
	good := sign(f, ring, noon, claims())
	f.Add(good)
	f.Add("")
	f.Add(good[:59] + "\n")
	f.Add(strings.Repeat("A", TokenLength))
	f.Fuzz(func(t *testing.T, token string) {
		c, err := Verify(ring, noon, token)
		if err != nil {
			if c != (Claims{}) {
				t.Fatalf("claims %+v and error %v", c, err)
			}
			return
		}
		if again := sign(t, ringOf(t, 7), noon, c); again != token && token != sign(t, ringOf(t, 5), noon, c) {
			t.Fatalf("%q verifies and is signed as %q", token, again)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	ring := ringOf(b, 5, 7)
	token := sign(b, ring, noon, claims())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(ring, noon, token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	ring := ringOf(b, 5, 7)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Sign(ring, noon, claims()); err != nil {
			b.Fatal(err)
		}
	}
}
