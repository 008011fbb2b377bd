package proof

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/lookup"
)

var at = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func mac(secret, text string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func request(body string, headers ...string) *source.Request {
	r := &source.Request{Header: http.Header{}, Body: []byte(body), At: at}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// The example that GitHub publishes ("Validating webhook deliveries", Testing
// the webhook payload validation).
func TestHMACFitsThePublishedExample(t *testing.T) {
	h := HMAC{Name: "X-Hub-Signature-256", Prefix: "sha256="}
	r := request("Hello, World!", "X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
	if err := h.Verify(r, []string{"It's a Secret to Everybody"}); err != nil {
		t.Error(err)
	}
}

func TestHMAC(t *testing.T) {
	h := HMAC{Name: "S", Prefix: "v1=", List: ","}
	sum := func(secret, body string) string { return "v1=" + hex.EncodeToString(mac(secret, body)) }
	flipped := []byte(sum("new", "body"))
	flipped[5] ^= 1
	for _, c := range []struct {
		name, header string
		ok           bool
	}{
		{"current", sum("new", "body"), true},
		{"previous", sum("old", "body"), true},
		{"second of two", sum("x", "body") + ", " + sum("new", "body"), true},
		{"wrong secret", sum("x", "body"), false},
		{"empty secret", sum("", "body"), false},
		{"another body", sum("new", "body "), false},
		{"one bit", string(flipped), false},
		{"cut", sum("new", "body")[:20], false},
		{"no prefix", sum("new", "body")[3:], false},
		{"none", "", false},
		{"not hex", "v1=zz", false},
		{"behind too many", fmt.Sprintf("%s,a,b,c,d,e,f,g,%s", "x", sum("new", "body")), false},
	} {
		err := h.Verify(request("body", "S", c.header), []string{"new", "old", ""})
		if (err == nil) != c.ok || err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if h.Verify(request("body", "S", sum("new", "body")), nil) == nil {
		t.Error("passes without a secret")
	}
}

func TestHMACWithATime(t *testing.T) {
	h := HMAC{Name: "S", Base64: true, TimeHeader: "T", TimeJoin: ":"}
	for stamp, ok := range map[string]bool{
		fmt.Sprint(at.Unix()): true, fmt.Sprint(at.UnixMilli()): true, fmt.Sprint(at.Unix() - 299): true, fmt.Sprint(at.Unix() + 299): true,
		fmt.Sprint(at.Unix() - 301): false, fmt.Sprint(at.Unix() + 301): false, "": false, "soon": false,
	} {
		r := request("body", "T", stamp, "S", base64.StdEncoding.EncodeToString(mac("s", stamp+":body")))
		if err := h.Verify(r, []string{"s"}); (err == nil) != ok {
			t.Errorf("%q: %v", stamp, err)
		}
	}
	unsigned := request("body", "T", fmt.Sprint(at.Unix()), "S", base64.StdEncoding.EncodeToString(mac("s", "body")))
	if h.Verify(unsigned, []string{"s"}) == nil {
		t.Error("the time is not signed")
	}
}

func TestHeader(t *testing.T) {
	h := Header{Name: "X-Gitlab-Token"}
	for given, ok := range map[string]bool{"new": true, "old": true, "": false, "ne": false, "neww": false, "New": false} {
		if err := h.Verify(request("", "X-Gitlab-Token", given), []string{"new", "old", ""}); (err == nil) != ok {
			t.Errorf("%q: %v", given, err)
		}
	}
}

func TestJWS(t *testing.T) {
	j := JWS{Name: "X-Webhook-Signature", Claim: "sha256"}
	token := func(secret, head, payload string) string {
		signed := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
		return signed + "." + base64.RawURLEncoding.EncodeToString(mac(secret, signed))
	}
	claims := func(body string) string {
		return fmt.Sprintf(`{"iss":"netlify","sha256":"%x"}`, sha256.Sum256([]byte(body)))
	}
	const hs256 = `{"alg":"HS256","typ":"JWT"}`
	flipped := []byte(token("new", hs256, claims("body")))
	flipped[len(flipped)-5] ^= 1
	for _, c := range []struct {
		name, header string
		ok           bool
	}{
		{"current", token("new", hs256, claims("body")), true},
		{"previous", token("old", hs256, claims("body")), true},
		{"wrong secret", token("x", hs256, claims("body")), false},
		{"empty secret", token("", hs256, claims("body")), false},
		{"another body", token("new", hs256, claims("other")), false},
		{"no claim", token("new", hs256, `{"iss":"netlify"}`), false},
		{"no algorithm", token("new", `{"alg":"none"}`, claims("body")), false},
		{"one bit", string(flipped), false},
		{"no signature", "", false},
		{"no token", "a.b.c", false},
		{"two parts", "a.b", false},
	} {
		err := j.Verify(request("body", "X-Webhook-Signature", c.header), []string{"new", "old", ""})
		if (err == nil) != c.ok || err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestHMACWithTheTimeInItsHeader(t *testing.T) {
	h := HMAC{Name: "S", Prefix: "v1=", List: ",", TimePrefix: "t=", TimeJoin: "."}
	now := fmt.Sprint(at.Unix())
	sum := func(secret, stamp, body string) string {
		return "v1=" + hex.EncodeToString(mac(secret, stamp+"."+body))
	}
	flipped := []byte(sum("new", now, "body"))
	flipped[6] ^= 1
	for _, c := range []struct {
		name, header string
		ok           bool
	}{
		{"current", "t=" + now + "," + sum("new", now, "body"), true},
		{"previous", "t=" + now + "," + sum("old", now, "body"), true},
		{"the signature first, and spaces", sum("new", now, "body") + " , t=" + now, true},
		{"second of two signatures", "t=" + now + "," + sum("x", now, "body") + "," + sum("new", now, "body"), true},
		{"wrong secret", "t=" + now + "," + sum("x", now, "body"), false},
		{"empty secret", "t=" + now + "," + sum("", now, "body"), false},
		{"another body", "t=" + now + "," + sum("new", now, "body "), false},
		{"one bit", "t=" + now + "," + string(flipped), false},
		{"another time", "t=" + fmt.Sprint(at.Unix()+1) + "," + sum("new", now, "body"), false},
		{"the time is not signed", "t=" + now + ",v1=" + hex.EncodeToString(mac("new", "body")), false},
		{"old", "t=" + fmt.Sprint(at.Unix()-301) + "," + sum("new", fmt.Sprint(at.Unix()-301), "body"), false},
		{"not yet", "t=" + fmt.Sprint(at.Unix()+301) + "," + sum("new", fmt.Sprint(at.Unix()+301), "body"), false},
		{"no time", sum("new", now, "body"), false},
		{"two times, the first of which counts", "t=1,t=" + now + "," + sum("new", now, "body"), false},
		{"no signature", "t=" + now, false},
		{"nothing", "", false},
	} {
		err := h.Verify(request("body", "S", c.header), []string{"new", "old", ""})
		if (err == nil) != c.ok || err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestHTTPSignature(t *testing.T) {
	const date = "Sun, 01 Mar 2026 09:00:00 GMT"
	sum := sha256.Sum256([]byte("body"))
	digest := "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
	sign := func(secret, names, text string) string {
		return `keyId="hmac-key",algorithm="hmac-sha256",signature="` + base64.StdEncoding.EncodeToString(mac(secret, text)) + `",headers="` + names + `"`
	}
	plain := "date: " + date + "\ndigest: " + digest
	flipped := []byte(sign("new", "date digest", plain))
	flipped[60] ^= 1
	const old = "Sun, 01 Mar 2026 08:54:59 GMT"
	for _, c := range []struct {
		name    string
		headers []string
		ok      bool
	}{
		{"current", []string{"Date", date, "Digest", digest, "Signature", sign("new", "date digest", plain)}, true},
		{"previous", []string{"Date", date, "Digest", digest, "Signature", sign("old", "date digest", plain)}, true},
		{"more headers, in capitals", []string{"Date", date, "Digest", digest, "X-Event", "build", "Signature", sign("new", "X-Event Digest Date", "x-event: build\ndigest: "+digest+"\ndate: "+date)}, true},
		{"wrong secret", []string{"Date", date, "Digest", digest, "Signature", sign("x", "date digest", plain)}, false},
		{"empty secret", []string{"Date", date, "Digest", digest, "Signature", sign("", "date digest", plain)}, false},
		{"one bit", []string{"Date", date, "Digest", digest, "Signature", string(flipped)}, false},
		{"another date", []string{"Date", "Sun, 01 Mar 2026 09:00:01 GMT", "Digest", digest, "Signature", sign("new", "date digest", plain)}, false},
		{"old", []string{"Date", old, "Digest", digest, "Signature", sign("new", "date digest", "date: "+old+"\ndigest: "+digest)}, false},
		{"the digest of another body", []string{"Date", date, "Digest", "SHA-256=AAAA", "Signature", sign("new", "date digest", "date: "+date+"\ndigest: SHA-256=AAAA")}, false},
		{"another digest", []string{"Date", date, "Digest", "MD5=AAAA", "Signature", sign("new", "date digest", "date: "+date+"\ndigest: MD5=AAAA")}, false},
		{"the digest is not signed", []string{"Date", date, "Digest", digest, "Signature", sign("new", "date", "date: "+date)}, false},
		{"the date is not signed", []string{"Date", date, "Digest", digest, "Signature", sign("new", "digest", "digest: "+digest)}, false},
		{"a header that is not there", []string{"Date", date, "Digest", digest, "Signature", sign("new", "date digest x-event", plain+"\nx-event: ")}, false},
		{"the target, which is not known here", []string{"Date", date, "Digest", digest, "Signature", sign("new", "(request-target) date digest", "(request-target): post /\n"+plain)}, false},
		{"too many headers", []string{"Date", date, "Digest", digest, "Signature", sign("new", strings.Repeat("date ", maxSigned)+"digest", strings.Repeat("date: "+date+"\n", maxSigned)+"digest: "+digest)}, false},
		{"no names", []string{"Date", date, "Digest", digest, "Signature", sign("new", "", "")}, false},
		{"no signature", []string{"Date", date, "Digest", digest}, false},
		{"no date", []string{"Digest", digest, "Signature", sign("new", "date digest", "date: \ndigest: "+digest)}, false},
		{"nothing", nil, false},
	} {
		err := HTTPSignature{}.Verify(request("body", c.headers...), []string{"new", "old", ""})
		if (err == nil) != c.ok || err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// publicOf is the public half of a signer's key as its vendor publishes it.
func publicOf(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestRSA(t *testing.T) {
	good, other := newSigner(t, at, at), newSigner(t, at, at)
	t.Setenv("GODEBUG", "rsa1024min=0")
	small := newSignerOf(t, 1024, &x509.Certificate{NotBefore: at, NotAfter: at})
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{"", "no key", publicOf(t, &curve.PublicKey), publicOf(t, &small.key.PublicKey), publicOf(t, &good.key.PublicKey)}
	encoded := func(s signer, text string) string { return base64.StdEncoding.EncodeToString(s.sign(t, text)) }
	flipped := []byte(encoded(good, "body"))
	flipped[9] ^= 1
	payload, err := lookup.ParsePath("payload")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, body, header string
		path               *lookup.Path
		ok                 bool
	}{
		{"the body", "body", encoded(good, "body"), nil, true},
		{"by another key", "body", encoded(other, "body"), nil, false},
		{"by a key that is too short", "body", encoded(small, "body"), nil, false},
		{"another body", "body ", encoded(good, "body"), nil, false},
		{"one bit", "body", string(flipped), nil, false},
		{"no Base64", "body", "%", nil, false},
		{"no signature", "body", "", nil, false},
		{"a field of a form", "payload=%7B%22a%22%3A+%22%3C%26%22%7D", encoded(good, `{"a": "<&"}`), &payload, true},
		{"a field of JSON", `{"payload":" text\n"}`, encoded(good, " text\n"), &payload, true},
		{"another field", "payload=a&other=body", encoded(good, "body"), &payload, false},
		{"no such field", "other=body", encoded(good, ""), &payload, false},
		{"the field is no text", `{"payload":1}`, encoded(good, "1"), &payload, false},
	} {
		err := RSA{Name: "S", Path: c.path}.Verify(request(c.body, "S", c.header), secrets)
		if (err == nil) != c.ok || err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	inJSON := strings.ReplaceAll(publicOf(t, &good.key.PublicKey), "\n", `\n`)
	if err := (RSA{Name: "S"}).Verify(request("body", "S", encoded(good, "body")), []string{inJSON}); err != nil {
		t.Errorf("a key that was copied from JSON: %v", err)
	}
	if (RSA{Name: "S", SHA1: true}).Verify(request("body", "S", encoded(good, "body")), secrets) == nil {
		t.Error("SHA-256 passes for SHA-1")
	}
}

func TestField(t *testing.T) {
	path, err := lookup.ParsePath("sharedSecret")
	if err != nil {
		t.Fatal(err)
	}
	for body, ok := range map[string]bool{
		`{"sharedSecret":"new"}`: true, `sharedSecret=old`: true, `{"sharedSecret":"x"}`: false, `{"sharedSecret":""}`: false, `{"sharedSecret":null}`: false,
		`{"sharedSecret":["new"]}`: false, `{"secret":"new"}`: false, `{"sharedSecret":"new`: false, ``: false,
	} {
		if err := (Field{path}).Verify(request(body), []string{"new", "old", ""}); (err == nil) != ok || err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestAny(t *testing.T) {
	verify := Any(Header{Name: "A"}.Verify, Header{Name: "B"}.Verify)
	for name, ok := range map[string]bool{"A": true, "B": true, "C": false} {
		if err := verify(request("", name, "new"), []string{"new"}); (err == nil) != ok || err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if Any()(request("", "A", "new"), []string{"new"}) == nil {
		t.Error("none of no ways holds")
	}
}
