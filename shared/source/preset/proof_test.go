package preset

import (
	"cmp"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/source"
)

func TestProofsThatNobodyCanGive(t *testing.T) {
	for want, p := range map[string]Proof{
		"proof.header: missing":                    {Scheme: "secret"},
		"header: missing":                          {Scheme: "rsa-sha1", Field: "payload"},
		"proof.field: the secret stands in a":      {Header: "X-Proof", Scheme: "secret", Field: "secret"},
		"proof.field: hmac-sha1 is over the raw":   {Header: "X-Proof", Scheme: "hmac-sha1", Field: "payload"},
		"proof.field: the path \"a..b\"":           {Scheme: "secret", Field: "a..b"},
		"proof.prefix: a secret has none":          {Scheme: "secret", Field: "token", Prefix: "v1="},
		"proof.prefix: a rsa-sha256 has none":      {Header: "X-Proof", Scheme: "rsa-sha256", Prefix: "v1="},
		"proof.scheme: http-signature says all":    {Header: "Signature", Scheme: "http-signature"},
		"proof.scheme: rsa-sha1 has neither":       {Header: "X-Proof", Scheme: "rsa-sha1", List: ","},
		"proof.time_prefix: needs a list":          {Header: "X-Proof", Scheme: "hmac-sha1", TimePrefix: "t="},
		"proof.time_prefix: the time stands":       {Header: "X-Proof", Scheme: "hmac-sha1", List: ",", TimePrefix: "t=", TimeHeader: "X-Time"},
		"proof.time_prefix: cannot be told":        {Header: "X-Proof", Scheme: "hmac-sha1", List: ",", TimePrefix: "v", Prefix: "v1="},
		"proof.time_prefix: begins with a space":   {Header: "X-Proof", Scheme: "hmac-sha1", List: ",", TimePrefix: " t"},
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
		_, err := Compile("own", Spec{Proof: Proofs{p}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", p, err, want)
		}
	}
}

func TestOneProofOrSeveral(t *testing.T) {
	for text, want := range map[string]Proofs{
		`{"header":"A","scheme":"secret"}`:                    {{Header: "A", Scheme: "secret"}},
		`[{"header":"A","scheme":"secret"},{"scheme":"jws"}]`: {{Header: "A", Scheme: "secret"}, {Scheme: "jws"}},
		`[]`: {},
	} {
		var got Proofs
		if err := json.Unmarshal([]byte(" "+text+"\n"), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if again, err := json.Marshal(got); err != nil || string(again) != text {
			t.Errorf("%s is written as %s, %v", text, again, err)
		}
	}
	if err := json.Unmarshal([]byte(`"secret"`), new(Proofs)); err == nil {
		t.Error("a text is no proof")
	}
	_, err := Compile("own", Spec{Proof: Proofs{{Scheme: "standard"}, {Scheme: "secret"}}})
	if err == nil || !strings.Contains(err.Error(), "proof[1].header: missing") {
		t.Errorf("%v", err)
	}
	if _, err := Compile("own", Spec{Proof: make(Proofs, maxProofs+1)}); err == nil || !strings.Contains(err.Error(), "proof: found 5") {
		t.Errorf("%v", err)
	}
}

// ownKey signs where the secret is a public key, which is publicPEM.
var ownKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func publicPEM() string {
	der, err := x509.MarshalPKIXPublicKey(&ownKey().PublicKey)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// secretFor is a secret of the kind that p needs.
func secretFor(p Proof, text string) string {
	if strings.HasPrefix(p.Scheme, "rsa-") {
		return publicPEM()
	}
	return text
}

func macOf(h func() hash.Hash, key string, text []byte) []byte {
	mac := hmac.New(h, []byte(key))
	mac.Write(text)
	return mac.Sum(nil)
}

// prove gives a request the proof that p describes, as its sender would.
func prove(p Proof, r *source.Request, secret string) {
	stamp := fmt.Sprint(r.At.Unix())
	switch p.Scheme {
	case "secret":
		if p.Field != "" {
			r.Body = fmt.Appendf(nil, `{%q:%q}`, p.Field, secret)
			return
		}
		r.Header.Set(p.Header, p.Prefix+secret)
	case "jws":
		text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." +
			base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sha256":"%x"}`, sha256.Sum256(r.Body)))
		r.Header.Set(p.Header, text+"."+base64.RawURLEncoding.EncodeToString(macOf(sha256.New, secret, []byte(text))))
	case "standard":
		key, _ := base64.StdEncoding.DecodeString(secret)
		r.Header.Set("Webhook-Id", "m-1")
		r.Header.Set("Webhook-Timestamp", stamp)
		r.Header.Set(headerOf(p), "v1,"+base64.StdEncoding.EncodeToString(macOf(sha256.New, string(key), append([]byte("m-1."+stamp+"."), r.Body...))))
	case "http-signature":
		sum := sha256.Sum256(r.Body)
		r.Header.Set("Date", r.At.Format(http.TimeFormat))
		r.Header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(sum[:]))
		signed := "date: " + r.Header.Get("Date") + "\ndigest: " + r.Header.Get("Digest")
		r.Header.Set(headerOf(p), `keyId="hmac-key",algorithm="hmac-sha256",signature="`+base64.StdEncoding.EncodeToString(macOf(sha256.New, secret, []byte(signed)))+`",headers="date digest"`)
	case "rsa-sha1", "rsa-sha256":
		r.Header.Set(p.Header, base64.StdEncoding.EncodeToString(signRSA(p, r)))
	default:
		proveHMAC(p, r, stamp, secret)
	}
}

func signRSA(p Proof, r *source.Request) []byte {
	text := r.Body
	if p.Field != "" {
		text = []byte("what is signed & sent")
		r.Body = []byte(url.Values{p.Field: {string(text)}}.Encode())
	}
	kind, h := crypto.SHA256, sha256.New()
	if p.Scheme == "rsa-sha1" {
		kind, h = crypto.SHA1, sha1.New()
	}
	h.Write(text)
	signature, err := rsa.SignPKCS1v15(rand.Reader, ownKey(), kind, h.Sum(nil))
	if err != nil {
		panic(err)
	}
	return signature
}

func proveHMAC(p Proof, r *source.Request, stamp, secret string) {
	signed, before := r.Body, "other"
	switch {
	case p.TimeHeader != "":
		r.Header.Set(p.TimeHeader, stamp)
	case p.TimePrefix != "":
		before = p.TimePrefix + stamp
	}
	if p.TimeHeader+p.TimePrefix != "" {
		signed = append([]byte(stamp+p.TimeJoin), signed...)
	}
	signature := macOf(map[string]func() hash.Hash{"hmac-sha256": sha256.New, "hmac-sha1": sha1.New, "hmac-sha512": sha512.New}[p.Scheme], secret, signed)
	text := hex.EncodeToString(signature)
	if p.Encoding == "base64" {
		text = base64.StdEncoding.EncodeToString(signature)
	}
	r.Header.Set(p.Header, p.Prefix+text)
	if p.List != "" {
		r.Header.Set(p.Header, before+p.List+p.Prefix+text)
	}
}

// headerOf is the header in which the proof itself stands.
func headerOf(p Proof) string {
	return cmp.Or(p.Header, map[string]string{"standard": "Webhook-Signature", "http-signature": "Signature"}[p.Scheme])
}

// FuzzProof: whatever a mapping says of the proof, it is refused when it is
// compiled, or who knows the secret can give it, and nobody else.
func FuzzProof(f *testing.F) {
	for _, k := range Shipped() {
		for _, p := range k.Open().spec.Proof {
			f.Add(p.Header, p.Field, p.Scheme, p.Prefix, p.Encoding, p.List, p.TimeHeader, p.TimePrefix, p.TimeJoin, []byte(`{"a":1}`), "sha256=00")
		}
	}
	f.Add("X-Proof", "", "hmac-sha256", "v1=", "base64", ",", "X-Time", "", ".", []byte(``), "v1=,v1=")
	f.Add("X-Proof", "", "hmac-sha256", "", "", ";", "", "t", "", []byte(`1`), "t;t")
	f.Add("X-Proof", "", "hmac-sha512", "", "", "; ", "", "", "", []byte("\x00"), ";")
	f.Add("Authorization", "", "secret", "Bearer ", "", "", "", "", "", []byte(`a`), "Bearer ")
	f.Add("X-Proof", "", "jws", "", "", "", "", "", "", []byte(`{}`), "eyJhbGciOiJub25lIn0.e30.")
	f.Add("X-Proof", "", "rsa-sha256", "", "", "", "", "", "", []byte(`{}`), "AAAA")
	const known, other = "5d8b1c7f0a3e49d29c64", "7e0c2f51b6aa48d3"
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	name := regexp.MustCompile(`^[a-zA-Z]+$`)
	f.Fuzz(func(t *testing.T, header, field, scheme, prefix, encoding, list, timeHeader, timePrefix, timeJoin string, body []byte, junk string) {
		spec := Proof{Header: header, Field: field, Scheme: scheme, Prefix: prefix, Encoding: encoding, List: list, TimeHeader: timeHeader, TimePrefix: timePrefix, TimeJoin: timeJoin}
		p, err := Compile("own", Spec{Proof: Proofs{spec}})
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if field != "" && !name.MatchString(field) {
			return // a path of more than a name: how its sender fills it is not known here
		}
		right := secretFor(spec, known)
		verify := p.Source().Verify
		r := &source.Request{Header: http.Header{}, Body: body, At: at}
		prove(spec, r, right)
		if err := verify(r, []string{other, "", right}); err != nil {
			t.Fatalf("%+v: who knows the secret is refused: %v", spec, err)
		}
		for _, secrets := range [][]string{nil, {""}, {other}} {
			if err := verify(r, secrets); !fault.Is(err, fault.Unauthenticated) {
				t.Fatalf("%+v with %q: %v", spec, secrets, err)
			}
		}
		if strings.Contains(junk, known[:8]) || headerOf(spec) == "" {
			return
		}
		r.Header.Set(headerOf(spec), junk)
		err = verify(r, []string{right, other})
		if !fault.Is(err, fault.Unauthenticated) || strings.Contains(err.Error(), known) {
			t.Fatalf("%+v believes %q: %v", spec, junk, err)
		}
	})
}
