package proof

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/shared/fault"
)

// signer is a vendor's key and the certificate of it.
type signer struct {
	key *rsa.PrivateKey
	pem []byte
}

func newSigner(t testing.TB, from, until time.Time) signer {
	t.Helper()
	return newSignerOf(t, 2048, &x509.Certificate{NotBefore: from, NotAfter: until})
}

// newSignerOf has a key of some bits and a certificate for a name.
func newSignerOf(t testing.TB, bits int, template *x509.Certificate) signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.Subject, template.DNSNames = big.NewInt(1), pkix.Name{CommonName: "signs"}, []string{"signs.example.com"}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// message is one whose text is "text".
func message(address string, signature []byte) Signed {
	return Signed{Address: address, Algorithm: x509.SHA256WithRSA, Text: []byte("text"), Signature: signature}
}

func (s signer) sign(t testing.TB, text string) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// vendor is a TLS server that plays sign.example.com, and counts requests.
type vendor struct {
	*httptest.Server
	asked atomic.Int32
}

func newVendor(t testing.TB, files map[string][]byte) *vendor {
	t.Helper()
	v := &vendor{}
	v.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.asked.Add(1)
		switch text, ok := files[r.URL.Path]; {
		case r.URL.Path == "/moved.pem":
			http.Redirect(w, r, "/good.pem", http.StatusFound)
		case r.URL.Path == "/busy.pem":
			w.WriteHeader(http.StatusServiceUnavailable)
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = w.Write(text)
		}
	}))
	t.Cleanup(v.Close)
	return v
}

// client reaches the server under whatever name, and checks its certificate
// for that name.
func (v *vendor) client() *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(v.Certificate())
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, v.Listener.Addr().String())
		},
	}}
}

// host is one that the certificate of httptest's servers is for.
const host = "example.com"

func TestCertificates(t *testing.T) {
	good, other := newSigner(t, at.Add(-time.Hour), at.Add(time.Hour)), newSigner(t, at.Add(-time.Hour), at.Add(time.Hour))
	past, future := newSigner(t, at.Add(-2*time.Hour), at.Add(-time.Second)), newSigner(t, at.Add(time.Second), at.Add(time.Hour))
	t.Setenv("GODEBUG", "rsa1024min=0")
	small := newSignerOf(t, 1024, &x509.Certificate{NotBefore: at.Add(-time.Hour), NotAfter: at.Add(time.Hour)})
	authority := newSignerOf(t, 2048, &x509.Certificate{NotBefore: at.Add(-time.Hour), NotAfter: at.Add(time.Hour), IsCA: true, BasicConstraintsValid: true})
	v := newVendor(t, map[string][]byte{
		"/good.pem": good.pem, "/past.pem": past.pem, "/future.pem": future.pem, "/none.pem": []byte("nothing"), "/good.txt": good.pem,
		"/small.pem": small.pem, "/authority.pem": authority.pem, "/large.pem": append(good.pem, bytes.Repeat([]byte(" "), maxCertificate)...),
		"/key.pem": bytes.ReplaceAll(good.pem, []byte("CERTIFICATE"), []byte("PUBLIC KEY")), "/below/good.pem": good.pem,
		"/broken.pem": []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
	})
	signature := good.sign(t, "text")
	flipped := append([]byte(nil), signature...)
	flipped[100] ^= 1
	for _, c := range []struct {
		name, address string
		text          string
		signature     []byte
		want          error
		fetches       bool
		names         []string
	}{
		{"signed by the certificate", "https://example.com/good.pem", "text", signature, nil, true, nil},
		{"by another key", "https://example.com/good.pem", "text", other.sign(t, "text"), ErrRefused, true, nil},
		{"another text", "https://example.com/good.pem", "texts", signature, ErrRefused, true, nil},
		{"one bit", "https://example.com/good.pem", "text", flipped, ErrRefused, true, nil},
		{"no signature", "https://example.com/good.pem", "text", nil, ErrRefused, true, nil},
		{"expired", "https://example.com/past.pem", "text", past.sign(t, "text"), ErrRefused, true, nil},
		{"not yet valid", "https://example.com/future.pem", "text", future.sign(t, "text"), ErrRefused, true, nil},
		{"no certificate there", "https://example.com/none.pem", "text", signature, ErrRefused, true, nil},
		{"nothing there", "https://example.com/gone.pem", "text", signature, ErrRefused, true, nil},
		{"redirect", "https://example.com/moved.pem", "text", signature, ErrRefused, true, nil},
		{"server in trouble", "https://example.com/busy.pem", "text", signature, errUnavailable, true, nil},
		{"another host", "https://example.org/good.pem", "text", signature, ErrRefused, false, nil},
		{"host below", "https://a.example.com/good.pem", "text", signature, ErrRefused, false, nil},
		{"host as a prefix", "https://example.com.evil.example/good.pem", "text", signature, ErrRefused, false, nil},
		{"host with a dot", "https://example.com./good.pem", "text", signature, ErrRefused, false, nil},
		{"user", "https://example.com@evil.example/good.pem", "text", signature, ErrRefused, false, nil},
		{"user at the host", "https://evil.example@example.com/good.pem", "text", signature, ErrRefused, false, nil},
		{"port", "https://example.com:8443/good.pem", "text", signature, ErrRefused, false, nil},
		{"empty port", "https://example.com:/good.pem", "text", signature, ErrRefused, false, nil},
		{"http", "http://example.com/good.pem", "text", signature, ErrRefused, false, nil},
		{"no scheme", "//example.com/good.pem", "text", signature, ErrRefused, false, nil},
		{"query", "https://example.com/x?/good.pem", "text", signature, ErrRefused, false, nil},
		{"fragment", "https://example.com/x#/good.pem", "text", signature, ErrRefused, false, nil},
		{"backslash", `https://example.com\@evil.example/good.pem`, "text", signature, ErrRefused, false, nil},
		{"empty query", "https://example.com/good.pem?", "text", signature, ErrRefused, false, nil},
		{"empty fragment", "https://example.com/good.pem#", "text", signature, ErrRefused, false, nil},
		{"escaped", "https://example.com/%2e%2e/good.pem", "text", signature, ErrRefused, false, nil},
		{"dots", "https://example.com/../good.pem", "text", signature, ErrRefused, false, nil},
		{"folder", "https://example.com/below/good.pem", "text", signature, nil, true, nil},
		{"a short key", "https://example.com/small.pem", "text", small.sign(t, "text"), ErrRefused, true, nil},
		{"an authority", "https://example.com/authority.pem", "text", authority.sign(t, "text"), ErrRefused, true, nil},
		{"endless", "https://example.com/large.pem", "text", signature, ErrRefused, true, nil},
		{"something else in PEM", "https://example.com/key.pem", "text", signature, ErrRefused, true, nil},
		{"broken", "https://example.com/broken.pem", "text", signature, ErrRefused, true, nil},
		{"made out to one of the names", "https://example.com/good.pem", "text", signature, nil, true, []string{"a.example.com", "signs.example.com"}},
		{"made out to another", "https://example.com/good.pem", "text", signature, ErrRefused, true, []string{"a.example.com"}},
		{"another kind of file", "https://example.com/good.txt", "text", signature, ErrRefused, false, nil},
		{"no address", "", "text", signature, ErrRefused, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			v.asked.Store(0)
			scheme := Certificates{Hosts: func(h string) bool { return h == host }, Client: v.client()}
			err := scheme.Check(Signed{Address: c.address, Names: c.names, Algorithm: x509.SHA256WithRSA, Text: []byte(c.text), Signature: c.signature}, at)
			if errors.Is(c.want, errUnavailable) {
				if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "busy") {
					t.Errorf("err %v", err)
				}
			} else if !errors.Is(err, c.want) {
				t.Errorf("err %v, want %v", err, c.want)
			}
			if fetched := v.asked.Load(); (fetched > 0) != c.fetches || fetched > 1 {
				t.Errorf("%d requests", fetched)
			}
		})
	}
}

// errUnavailable stands for an error of that kind.
var errUnavailable = errors.New("unavailable")

func TestCertificatesAreKeptForADay(t *testing.T) {
	good := newSigner(t, at.Add(-time.Hour), at.Add(keptFor+time.Hour))
	v := newVendor(t, map[string][]byte{"/good.pem": good.pem})
	scheme := Certificates{Hosts: func(h string) bool { return h == host }, Client: v.client()}
	check := func(at time.Time) error {
		return scheme.Check(message("https://example.com/good.pem", good.sign(t, "text")), at)
	}
	for range 3 {
		if err := check(at); err != nil {
			t.Fatal(err)
		}
	}
	if n := v.asked.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	if err := check(at.Add(keptFor)); err != nil || v.asked.Load() != 2 {
		t.Errorf("after a day: %d fetches, err %v", v.asked.Load(), err)
	}
	if err := check(at.Add(keptFor + 2*time.Hour)); !errors.Is(err, ErrRefused) || v.asked.Load() != 2 {
		t.Errorf("a kept certificate that has expired: %d fetches, err %v", v.asked.Load(), err)
	}
}

func TestCertificatesKeptAreBounded(t *testing.T) {
	good, files := newSigner(t, at.Add(-time.Hour), at.Add(time.Hour)), map[string][]byte{}
	v := newVendor(t, files)
	scheme := Certificates{Hosts: func(h string) bool { return h == host }, Client: v.client()}
	signature := good.sign(t, "text")
	for i := range maxKept * 2 {
		path := fmt.Sprintf("/%d.pem", i)
		files[path] = good.pem
		if err := scheme.Check(message("https://example.com"+path, signature), at); err != nil {
			t.Fatal(err)
		}
		if len(scheme.fetched) > maxKept {
			t.Fatalf("keeps %d", len(scheme.fetched))
		}
	}
}

func TestKnownCertificatesNeedNoFetch(t *testing.T) {
	known, expired := newSigner(t, at.Add(-time.Hour), at.Add(time.Hour)), newSigner(t, at.Add(-2*time.Hour), at.Add(-time.Hour))
	v := newVendor(t, nil)
	scheme := Certificates{Hosts: func(h string) bool { return h == host }, Client: v.client(), Known: append(append([]byte("# published\n"), expired.pem...), known.pem...)}
	check := func(address string, by signer) error {
		return scheme.Check(message(address, by.sign(t, "text")), at)
	}
	if err := check("https://example.com/any.pem", known); err != nil || v.asked.Load() > 0 {
		t.Errorf("err %v, %d requests", err, v.asked.Load())
	}
	if err := check("https://example.org/any.pem", known); !errors.Is(err, ErrRefused) {
		t.Errorf("another host: %v", err)
	}
	if err := check("https://example.com/any.pem", expired); !errors.Is(err, ErrRefused) {
		t.Errorf("known but expired: %v", err)
	}
}

func TestNoServerNoCertificate(t *testing.T) {
	v := newVendor(t, nil)
	client := v.client()
	v.Close()
	scheme := Certificates{Hosts: func(string) bool { return true }, Client: client}
	if err := scheme.Check(message("https://example.com/good.pem", nil), at); !fault.Is(err, fault.Unavailable) {
		t.Errorf("err %v", err)
	}
	nobody := Certificates{}
	if err := nobody.Check(message("https://example.com/good.pem", nil), at); !errors.Is(err, ErrRefused) {
		t.Errorf("trusts somebody: %v", err)
	}
}
