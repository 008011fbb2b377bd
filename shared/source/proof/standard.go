package proof

import (
	"encoding/base64"
	"slices"
	"strings"

	"tocsin/shared/source"
)

// Standard is the scheme of Standard Webhooks (specification 1.0.0, "Signature
// scheme"): v1 signatures, one space between them, over id, time and body. A
// secret is "whsec_" and the key in Base64. The headers may also have the names
// that Svix gave them before there was a standard.
type Standard struct{}

// Verify checks a request. It returns ErrRefused.
func (Standard) Verify(r *source.Request, secrets []string) error {
	names := "webhook-"
	if r.Header.Get(names+"id") == "" {
		names = "svix-"
	}
	id, stamp := r.Header.Get(names+"id"), r.Header.Get(names+"timestamp")
	if id == "" || !Fresh(stamp, r.At) {
		return ErrRefused
	}
	h := HMAC{Prefix: "v1,", Base64: true, List: " "}
	if !h.fits(r.Header.Get(names+"signature"), slices.Concat([]byte(id+"."+stamp+"."), r.Body), keysOf(secrets)) {
		return ErrRefused
	}
	r.Once = id
	return nil
}

// keysOf decodes secrets. What is no such secret is none.
func keysOf(secrets []string) []string {
	var keys []string
	for _, s := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
		if err == nil {
			keys = append(keys, string(key))
		}
	}
	return keys
}
