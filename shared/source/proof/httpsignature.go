package proof

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"tocsin/shared/source"
)

// HTTPSignature is a scheme in which the header Signature holds the HMAC-SHA256
// of headers that it names (draft-cavage-http-signatures-12, section 2). Among
// them must be the date and the digest of the body, so that all of the request
// that matters is signed; the algorithm that the sender names is not looked at,
// because there is this one.
type HTTPSignature struct{}

// maxSigned bounds the headers that one signature names.
const maxSigned = 16

// Verify checks a request. It returns ErrRefused.
func (HTTPSignature) Verify(r *source.Request, secrets []string) error {
	given := parameters(r.Header.Get("Signature"))
	names := strings.Fields(strings.ToLower(given["headers"]))
	date, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil || !near(date, r.At) || !slices.Contains(names, "date") || !slices.Contains(names, "digest") || !digested(r) {
		return ErrRefused
	}
	signed, whole := linesOf(names, r.Header)
	if !whole || !(HMAC{Base64: true}).fits(given["signature"], []byte(signed), secrets) {
		return ErrRefused
	}
	return nil
}

// parameters reads name="value" with commas between them.
func parameters(header string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		out[name] = strings.Trim(value, `"`)
	}
	return out
}

// digested reports whether the header Digest (RFC 3230) is that of the body.
func digested(r *source.Request) bool {
	sum := sha256.Sum256(r.Body)
	algorithm, given, _ := strings.Cut(r.Header.Get("Digest"), "=")
	want := base64.StdEncoding.EncodeToString(sum[:])
	return strings.EqualFold(algorithm, "sha-256") && subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// linesOf is the text that is signed; false where a header that it names is not
// there, or there are too many.
func linesOf(names []string, header http.Header) (string, bool) {
	if len(names) > maxSigned {
		return "", false
	}
	lines := make([]string, 0, len(names))
	for _, name := range names {
		values := header.Values(name)
		if len(values) == 0 {
			return "", false
		}
		lines = append(lines, name+": "+strings.TrimSpace(strings.Join(values, ", ")))
	}
	return strings.Join(lines, "\n"), true
}
