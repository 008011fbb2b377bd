package proof

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/lookup"
)

// RSA is a scheme in which a header holds, in Base64, the sender's signature
// (PKCS #1 v1.5). The secret is the sender's public key in PEM, which is none,
// but is kept and changed like one.
type RSA struct {
	Name string       // of the header
	SHA1 bool         // else SHA-256
	Path *lookup.Path // of the text that is signed; nil: the raw body
}

// Verify checks a request. It returns ErrRefused.
func (s RSA) Verify(r *source.Request, secrets []string) error {
	signature, err := base64.StdEncoding.DecodeString(r.Header.Get(s.Name))
	text, found := s.signed(r)
	if err != nil || !found {
		return ErrRefused
	}
	kind, digest := s.digest(text)
	for _, secret := range secrets {
		if key := publicKey(secret); key != nil && rsa.VerifyPKCS1v15(key, kind, digest, signature) == nil {
			return nil
		}
	}
	return ErrRefused
}

func (s RSA) signed(r *source.Request) ([]byte, bool) {
	if s.Path == nil {
		return r.Body, true
	}
	v := s.Path.Value(r.Scope())
	return []byte(v.Text()), v.Kind() == doc.String
}

func (s RSA) digest(text []byte) (crypto.Hash, []byte) {
	if s.SHA1 {
		sum := sha1.Sum(text)
		return crypto.SHA1, sum[:]
	}
	sum := sha256.Sum256(text)
	return crypto.SHA256, sum[:]
}

// publicKey reads PEM, also as it stands in JSON, from where it is copied; nil
// for what is no such key, or too short a one.
func publicKey(secret string) *rsa.PublicKey {
	block, _ := pem.Decode([]byte(strings.ReplaceAll(secret, `\n`, "\n")))
	if block == nil {
		return nil
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(*rsa.PublicKey)
	if err != nil || !ok || key.N.BitLen() < smallestKey {
		return nil
	}
	return key
}
