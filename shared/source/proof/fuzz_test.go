package proof

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"tocsin/shared/source"
)

// scheme is one way to prove, and how a sender does.
type scheme struct {
	name   string
	verify func(*source.Request, []string) error
	sign   func(h http.Header, body []byte, secret string)
	timed  bool
}

func sum(secret string, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(slices.Concat(parts...))
	return mac.Sum(nil)
}

var fuzzStamp = fmt.Sprint(at.Unix())

var schemes = []scheme{
	{"header", Header{Name: "X-Proof", Prefix: "Bearer "}.Verify, func(h http.Header, _ []byte, secret string) { h.Set("X-Proof", "Bearer "+secret) }, false},
	{"hmac", HMAC{Name: "X-Proof", Prefix: "sha256="}.Verify, func(h http.Header, body []byte, secret string) {
		h.Set("X-Proof", "sha256="+hex.EncodeToString(sum(secret, body)))
	}, false},
	{"hmac of a list, with a time", HMAC{Name: "X-Proof", Base64: true, List: ",", TimeHeader: "X-Time", TimeJoin: ":"}.Verify, func(h http.Header, body []byte, secret string) {
		h.Set("X-Time", fuzzStamp)
		h.Set("X-Proof", "AAAA,"+base64.StdEncoding.EncodeToString(sum(secret, []byte(fuzzStamp+":"), body)))
	}, true},
	{"hmac of a list with the time in it", HMAC{Name: "X-Proof", Prefix: "v1=", List: ",", TimePrefix: "t=", TimeJoin: "."}.Verify, func(h http.Header, body []byte, secret string) {
		h.Set("X-Proof", "t="+fuzzStamp+",v1="+hex.EncodeToString(sum(secret, []byte(fuzzStamp+"."), body)))
	}, true},
	{"http signature", HTTPSignature{}.Verify, func(h http.Header, body []byte, secret string) {
		digest := sha256.Sum256(body)
		h.Set("Date", at.Format(http.TimeFormat))
		h.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(digest[:]))
		signed := "date: " + h.Get("Date") + "\ndigest: " + h.Get("Digest")
		h.Set("Signature", `keyId="hmac-key",algorithm="hmac-sha256",signature="`+base64.StdEncoding.EncodeToString(sum(secret, []byte(signed)))+`",headers="date digest"`)
	}, true},
	{"standard", Standard{}.Verify, func(h http.Header, body []byte, secret string) {
		key, _ := base64.StdEncoding.DecodeString(secret[len("whsec_"):])
		h.Set("webhook-id", "m")
		h.Set("webhook-timestamp", fuzzStamp)
		h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(sum(string(key), []byte("m."+fuzzStamp+"."), body)))
	}, true},
	{"jws", JWS{Name: "X-Proof", Claim: "sha256"}.Verify, func(h http.Header, body []byte, secret string) {
		digest := sha256.Sum256(body)
		text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sha256":"%x"}`, digest))
		h.Set("X-Proof", text+"."+base64.RawURLEncoding.EncodeToString(sum(secret, []byte(text))))
	}, false},
}

// FuzzSchemes: what is signed passes with the right secret among several, and
// with no other; it passes no more with another body, header or time, and
// nothing that nobody signed ever does.
func FuzzSchemes(f *testing.F) {
	f.Add([]byte(`{"a":1}`), []byte(`{"a":2}`), "sha256=00", int64(0))
	f.Add([]byte(``), []byte(` `), "Bearer ", int64(301))
	f.Add([]byte(`a`), []byte(`a`), "v1, v1,", int64(-301))
	f.Add([]byte(`a`), []byte(`b`), "eyJhbGciOiJub25lIn0.e30.", int64(1<<40))
	const right, other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	f.Fuzz(func(t *testing.T, body, changed []byte, junk string, late int64) {
		for _, s := range schemes {
			r := &source.Request{Header: http.Header{}, Body: body, At: at}
			s.sign(r.Header, body, right)
			if err := s.verify(r, []string{other, "", right}); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			if s.verify(r, []string{other}) == nil || s.verify(r, nil) == nil || s.verify(r, []string{""}) == nil {
				t.Fatalf("%s passes without the secret", s.name)
			}
			moved := *r
			moved.At = at.Add(time.Duration(late%1e9) * time.Second)
			if err := s.verify(&moved, []string{right}); (err == nil) != (!s.timed || late%1e9 >= -300 && late%1e9 <= 300) {
				t.Fatalf("%s, %d s late: %v", s.name, late%1e9, err)
			}
			if s.name != "header" && string(changed) != string(body) {
				moved := *r
				moved.Body = changed
				if s.verify(&moved, []string{right}) == nil {
					t.Fatalf("%s passes with another body", s.name)
				}
			}
			for name := range r.Header {
				forged := *r
				forged.Header = r.Header.Clone()
				forged.Header.Set(name, junk)
				if s.verify(&forged, []string{right}) == nil && junk != r.Header.Get(name) && (s.name == "header" || name != "X-Proof" && name != "Webhook-Signature" && name != "Signature") {
					t.Fatalf("%s passes with %s: %q", s.name, name, junk)
				}
				if s.verify(&forged, []string{other, ""}) == nil {
					t.Fatalf("%s passes with another secret and %s: %q", s.name, name, junk)
				}
			}
		}
	})
}

// FuzzTrusts: no address but those of the vendor is asked for a certificate.
func FuzzTrusts(f *testing.F) {
	for _, address := range []string{"https://" + host + "/a.pem", "https://" + host + "@evil.example/a.pem", "https://" + host + ":443/a.pem", "https://" + host + "\\@evil.example/a.pem",
		"http://" + host + "/a.pem", "https://" + host + "/a.pem?x", "https://" + host + "/a.pem#", "//" + host + "/a.pem", "https:" + host + "/a.pem", "https://" + host + "./a.pem"} {
		f.Add(address)
	}
	c := Certificates{Hosts: func(h string) bool { return h == host }}
	f.Fuzz(func(t *testing.T, address string) {
		if !c.trusts(address) {
			return
		}
		r, err := http.NewRequest(http.MethodGet, address, http.NoBody)
		if err != nil || r.URL.Host != host || r.URL.Scheme != "https" || r.Host != host {
			t.Fatalf("%q is trusted: %v", address, err)
		}
	})
}
