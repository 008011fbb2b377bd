package preset

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/source"
)

func TestProofsThatNobodyCanGive(t *testing.T) {
	for want, p := range map[string]Proof{
		"proof.header: missing":                    {Scheme: "secret"},
		"proof.header: is \"X Proof\"":             {Header: "X Proof", Scheme: "secret"},
		"proof.time_header: is \"X-Time:\"":        {Header: "X-Proof", Scheme: "hmac-sha256", TimeHeader: "X-Time:"},
		"proof.time_header: is that of":            {Header: "X-Proof", Scheme: "hmac-sha256", TimeHeader: "x-proof"},
		"proof.prefix: is \"v1\\n\"":               {Header: "X-Proof", Scheme: "secret", Prefix: "v1\n"},
		"proof.prefix: begins":                     {Header: "X-Proof", Scheme: "secret", Prefix: " v1"},
		"proof.prefix: a jws":                      {Header: "X-Proof", Scheme: "jws", Prefix: "v1="},
		"proof.list: is \"1\"":                     {Header: "X-Proof", Scheme: "hmac-sha1", List: "1"},
		"proof.list: is \"=\"":                     {Header: "X-Proof", Scheme: "hmac-sha1", Prefix: "v1=", List: "="},
		"proof.scheme: secret has neither":         {Header: "X-Proof", Scheme: "secret", List: ","},
		"proof.scheme: is \"md5\"":                 {Header: "X-Proof", Scheme: "md5"},
		"proof.scheme: standard says all":          {Header: "X-Proof", Scheme: "standard"},
		"proof.encoding: is \"base32\", expected ": {Header: "X-Proof", Scheme: "hmac-sha1", Encoding: "base32"},
	} {
		_, err := Compile("own", Spec{Proof: &p})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", p, err, want)
		}
	}
}

// prove gives a request the proof that p describes, as its sender would.
func prove(p *Proof, r *source.Request, secret string) {
	signed := r.Body
	if p.TimeHeader != "" {
		stamp := fmt.Sprint(r.At.Unix())
		r.Header.Set(p.TimeHeader, stamp)
		signed = append([]byte(stamp+p.TimeJoin), signed...)
	}
	sum := func(h func() hash.Hash, text []byte) []byte {
		mac := hmac.New(h, []byte(secret))
		mac.Write(text)
		return mac.Sum(nil)
	}
	switch p.Scheme {
	case "secret":
		r.Header.Set(p.Header, p.Prefix+secret)
	case "jws":
		text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." +
			base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sha256":"%x"}`, sha256.Sum256(r.Body)))
		r.Header.Set(p.Header, text+"."+base64.RawURLEncoding.EncodeToString(sum(sha256.New, []byte(text))))
	case "standard":
		key, _ := base64.StdEncoding.DecodeString(secret)
		mac := hmac.New(sha256.New, key)
		stamp := fmt.Sprint(r.At.Unix())
		mac.Write(append([]byte("m-1."+stamp+"."), r.Body...))
		r.Header.Set("Webhook-Id", "m-1")
		r.Header.Set("Webhook-Timestamp", stamp)
		r.Header.Set(headerOf(p), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	default:
		signature := sum(map[string]func() hash.Hash{"hmac-sha256": sha256.New, "hmac-sha1": sha1.New, "hmac-sha512": sha512.New}[p.Scheme], signed)
		text := hex.EncodeToString(signature)
		if p.Encoding == "base64" {
			text = base64.StdEncoding.EncodeToString(signature)
		}
		r.Header.Set(p.Header, p.Prefix+text)
		if p.List != "" {
			r.Header.Set(p.Header, "other"+p.List+p.Prefix+text)
		}
	}
}

// headerOf is the header in which the proof itself stands.
func headerOf(p *Proof) string { return cmp.Or(p.Header, "Webhook-Signature") }

// FuzzProof: whatever a mapping says of the proof, it is refused when it is
// compiled, or who knows the secret can give it, and nobody else.
func FuzzProof(f *testing.F) {
	for _, k := range Shipped() {
		if p := k.Open().spec.Proof; p != nil {
			f.Add(p.Header, p.Scheme, p.Prefix, p.Encoding, p.List, p.TimeHeader, p.TimeJoin, []byte(`{"a":1}`), "sha256=00")
		}
	}
	f.Add("X-Proof", "hmac-sha256", "v1=", "base64", ",", "X-Time", ".", []byte(``), "v1=,v1=")
	f.Add("X-Proof", "hmac-sha512", "", "", "; ", "", "", []byte("\x00"), ";")
	f.Add("Authorization", "secret", "Bearer ", "", "", "", "", []byte(`a`), "Bearer ")
	f.Add("X-Proof", "jws", "", "", "", "", "", []byte(`{}`), "eyJhbGciOiJub25lIn0.e30.")
	const right, other = "5d8b1c7f0a3e49d29c64", "7e0c2f51b6aa48d3"
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header, scheme, prefix, encoding, list, timeHeader, timeJoin string, body []byte, junk string) {
		spec := &Proof{Header: header, Scheme: scheme, Prefix: prefix, Encoding: encoding, List: list, TimeHeader: timeHeader, TimeJoin: timeJoin}
		p, err := Compile("own", Spec{Proof: spec})
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		verify := p.Source().Verify
		r := &source.Request{Header: http.Header{}, Body: body, At: at}
		prove(spec, r, right)
		if err := verify(r, []string{other, "", right}); err != nil {
			t.Fatalf("%+v: who knows the secret is refused: %v", *spec, err)
		}
		for _, secrets := range [][]string{nil, {""}, {other}} {
			if err := verify(r, secrets); !fault.Is(err, fault.Unauthenticated) {
				t.Fatalf("%+v with %q: %v", *spec, secrets, err)
			}
		}
		if strings.Contains(junk, right[:8]) {
			return
		}
		r.Header.Set(headerOf(spec), junk)
		err = verify(r, []string{right, other})
		if !fault.Is(err, fault.Unauthenticated) || strings.Contains(err.Error(), right) {
			t.Fatalf("%+v believes %q: %v", *spec, junk, err)
		}
	})
}
