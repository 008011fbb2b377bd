package integration

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/proof"
)

var now = time.Unix(1_767_225_600, 0)

func stamp(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func asked(h http.Header, body string, at time.Time) *source.Request {
	return &source.Request{Header: h, Body: []byte(body), At: at}
}

func basic(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }

func signedAt(secret, at string) http.Header {
	return header(SignatureHeader, Sign(secret, at, []byte("body")), TimestampHeader, at)
}

// TestSignedTimeTellsAReplay: a request that is sent again as it was signed says
// the same of itself, and one that was signed anew does not.
func TestSignedTimeTellsAReplay(t *testing.T) {
	f := Found{Integration: Integration{Auth: HMAC}, Secrets: []string{"secret"}}
	for at, want := range map[string]string{stamp(0): stamp(0), stamp(time.Second): stamp(time.Second)} {
		if r := asked(signedAt("secret", at), "body", now); f.Check(r) != nil || r.Once != want {
			t.Errorf("signed at %s: said %q", at, r.Once)
		}
	}
	if r := asked(signedAt("wrong", stamp(0)), "body", now); f.Check(r) == nil || r.Once != "" {
		t.Errorf("refused, but it says %q", r.Once)
	}
}

func TestCheck(t *testing.T) {
	const current, previous = "user:current", "user:previous"
	for _, c := range []struct {
		name   string
		auth   Kind
		header http.Header
		ok     bool
	}{
		{"none", None, nil, true},
		{"unknown kind", "magic", header("Authorization", "Bearer "+current), false},
		{"bearer", Bearer, header("Authorization", "Bearer "+current), true},
		{"bearer, previous secret", Bearer, header("Authorization", "bearer "+previous), true},
		{"bearer, wrong", Bearer, header("Authorization", "Bearer user:currenT"), false},
		{"bearer, prefix", Bearer, header("Authorization", "Bearer user:curren"), false},
		{"bearer, empty", Bearer, header("Authorization", "Bearer "), false},
		{"bearer, other scheme", Bearer, header("Authorization", "Basic "+current), false},
		{"bearer, missing", Bearer, nil, false},
		{"basic", Basic, header("Authorization", basic(current)), true},
		{"basic, previous secret", Basic, header("Authorization", basic(previous)), true},
		{"basic, wrong", Basic, header("Authorization", basic("user:wrong")), false},
		{"basic, not base64", Basic, header("Authorization", "Basic !"), false},
		{"hmac", HMAC, header(SignatureHeader, Sign(current, "", []byte("body"))), true},
		{"hmac, previous secret", HMAC, header(SignatureHeader, Sign(previous, "", []byte("body"))), true},
		{"hmac, bare hex", HMAC, header(SignatureHeader, strings.TrimPrefix(Sign(current, "", []byte("body")), "sha256=")), true},
		{"hmac, other body", HMAC, header(SignatureHeader, Sign(current, "", []byte("Body"))), false},
		{"hmac, wrong secret", HMAC, header(SignatureHeader, Sign("x", "", []byte("body"))), false},
		{"hmac, empty secret", HMAC, header(SignatureHeader, Sign("", "", []byte("body"))), false},
		{"hmac, missing", HMAC, nil, false},
		{"hmac, not hex", HMAC, header(SignatureHeader, "sha256=zz"), false},
		{"hmac with time", HMAC, signedAt(current, stamp(0)), true},
		{"hmac, five minutes ago", HMAC, signedAt(current, stamp(-proof.MaxSkew)), true},
		{"hmac, too old", HMAC, signedAt(current, stamp(-proof.MaxSkew-time.Second)), false},
		{"hmac, too far ahead", HMAC, signedAt(current, stamp(proof.MaxSkew+time.Second)), false},
		{"hmac, time left out", HMAC, header(SignatureHeader, Sign(current, stamp(0), []byte("body"))), false},
		{"hmac, other time", HMAC, header(SignatureHeader, Sign(current, stamp(0), []byte("body")), TimestampHeader, stamp(time.Second)), false},
		{"hmac, time is no number", HMAC, signedAt(current, "now"), false},
		{"hmac, time overflows", HMAC, signedAt(current, "9223372036854775807"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := Found{Integration: Integration{Auth: c.auth}, Secrets: []string{current, previous}}
			err := f.Check(asked(c.header, "body", now))
			if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("err %v, want ok %v", err, c.ok)
			}
		})
	}
}

func TestASignedTimeCannotMoveIntoTheBody(t *testing.T) {
	f := Found{Integration: Integration{Auth: HMAC}, Secrets: []string{"secret"}}
	old := stamp(-time.Hour)
	if f.Check(asked(header(SignatureHeader, Sign("secret", old, []byte("db-1 is down"))), old+".db-1 is down", now)) == nil {
		t.Error("an old request is accepted with its time in the body")
	}
	for _, body := range []string{"10.0.0.1 is down", "17.5", "."} {
		if err := f.Check(asked(header(SignatureHeader, Sign("secret", "", []byte(body))), body, now)); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestCheckWithoutSecretsAcceptsNobody(t *testing.T) {
	for _, auth := range []Kind{Bearer, Basic, HMAC} {
		for _, secrets := range [][]string{nil, {""}} {
			f := Found{Integration: Integration{Auth: auth}, Secrets: secrets}
			for _, h := range []http.Header{nil, header("Authorization", "Bearer "), header("Authorization", basic("")), header(SignatureHeader, Sign("", "", nil))} {
				if f.Check(asked(h, "", now)) == nil {
					t.Errorf("%s with secrets %q accepts %v", auth, secrets, h)
				}
			}
		}
	}
}

func TestEveryFlippedBitOfASignatureIsRefused(t *testing.T) {
	f := Found{Integration: Integration{Auth: HMAC}, Secrets: []string{"secret"}}
	good := Sign("secret", "", []byte("body"))
	for i := range len(good) {
		for bit := range 8 {
			bad := []byte(good)
			bad[i] ^= 1 << bit
			if strings.EqualFold(string(bad), good) {
				continue // the same hex digit in capitals
			}
			if f.Check(asked(header(SignatureHeader, string(bad)), "body", now)) == nil {
				t.Fatalf("accepted %q for %q", bad, good)
			}
		}
	}
}

func TestValidateNamesAllBadFields(t *testing.T) {
	in := Integration{ID: "Not A Slug", Source: "", Auth: "magic", Header: "X-Sig"}
	err := in.Validate()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Kind != fault.Invalid || len(e.Fields) != 5 {
		t.Errorf("err %v", err)
	}
	for _, good := range []Integration{
		{ID: "int-1", Name: "Production", Source: "prometheus", Auth: HMAC, Header: "X-Sig"},
		{ID: "int-2", Name: "Own", Source: "custom", Auth: None, Mapping: "own"},
		{ID: "int-3", Name: "Mails", Source: "email", Auth: None, Mapping: "own"},
	} {
		if err := good.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestBuiltInIntegrationsAreReserved(t *testing.T) {
	for _, id := range []string{AWS, Heartbeats} {
		in := Integration{ID: id, Name: "Mine", Source: "prometheus", Auth: None}
		err := in.Validate()
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || len(e.Fields) != 1 || e.Fields[0].Path != "id" || !strings.Contains(e.Fields[0].Problem, "is reserved for") {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestKeysAreLongAndDiffer(t *testing.T) {
	a, b := NewKey(), NewKey()
	if a == b || !plausible(a) || len(a) < len(keyPrefix)+26 || strings.Contains(HashKey(a), a) {
		t.Errorf("keys %q and %q", a, b)
	}
	for _, key := range []string{"", "tk_", "tk_short", strings.Repeat("x", 40), "tk_" + strings.Repeat("x", 200)} {
		if plausible(key) {
			t.Errorf("%q is plausible", key)
		}
	}
}

func TestKeysHaveAFormOfHexadecimalDigits(t *testing.T) {
	key := NewKey()
	digits := HexKey(key)
	if len(digits) != 32 || strings.Trim(digits, "0123456789abcdef") != "" {
		t.Fatalf("%q in digits is %q", key, digits)
	}
	uuid := digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
	for given, want := range map[string]string{
		key: key, digits: key, strings.ToUpper(digits): key, uuid: key,
		digits[1:]: digits[1:], digits + "0": digits + "0", "": "", "tk_" + digits: "tk_" + digits, strings.Repeat("-", 36): strings.Repeat("-", 36),
	} {
		if got := PlainKey(given); got != want {
			t.Errorf("%q stands for %q, want %q", given, got, want)
		}
	}
	for _, other := range []string{"", "tk_", "tk_EXAMPLEEXAMPLEEXAMPLEEXAM", key[:len(key)-1], key + "A", strings.ToLower(key)} {
		if got := HexKey(other); got != "" {
			t.Errorf("%q in digits is %q, want nothing", other, got)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("Bearer x", "sha256=00", "1767225600", []byte("body"))
	f.Add(basic("user:x"), "", "", []byte{})
	f.Fuzz(func(t *testing.T, authorization, signature, stamp string, body []byte) {
		h := header("Authorization", authorization, SignatureHeader, signature, TimestampHeader, stamp)
		for _, auth := range []Kind{Bearer, Basic, HMAC, ""} {
			found := Found{Integration: Integration{Auth: auth}, Secrets: []string{"a long secret that nobody guesses", ""}}
			if found.Check(asked(h, string(body), now)) == nil {
				t.Errorf("%s accepted %v", auth, h)
			}
		}
	})
}
