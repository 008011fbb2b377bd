package proof

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/source"
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
