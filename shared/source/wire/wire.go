// Package wire takes off a request how it was sent: its compression, its
// character set and the frame of a multipart form. What is left is UTF-8, as
// sources read it and as it is kept. Proofs are over what was sent, so they are
// checked before. It knows no source.
//
//	plain, notes, err := wire.Plain(request, 1<<20)
package wire

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// UnsupportedError is a way of sending that is not read here; its text says
// which are.
type UnsupportedError struct {
	Text     string
	Encoding bool // it is about Content-Encoding, of which Encodings are read
}

func (e *UnsupportedError) Error() string { return e.Text }

// Encodings are the compressions that are read.
const Encodings = "gzip, deflate"

// Plain returns r as its sender would have posted it in UTF-8 and without
// compression, a multipart form as a form; r itself, where it is that already.
// Notes tell what was guessed or left out. An error is an *UnsupportedError, an
// *http.MaxBytesError where there are more than limit bytes, or of kind Invalid.
func Plain(r *source.Request, limit int64) (*source.Request, []string, error) {
	body, err := unpacked(r, limit)
	if err != nil {
		return r, nil, err
	}
	media := r.Media()
	switch {
	case media == multipartMedia:
		form, err := multipartForm(r, body)
		if err != nil {
			return r, nil, err
		}
		media, text := form.plain()
		return renewed(r, media, text), form.notes, nil
	case strings.HasPrefix(media, "message/"): // a mail says of each of its parts how it is written
		return renewed(r, media, body), nil, nil
	}
	text, notes, err := inUTF8(r.Header.Get("Content-Type"), media, body)
	if err != nil {
		return r, nil, err
	}
	return renewed(r, media, text), notes, nil
}

// renewed is r with a body that is plain, and a header that says so; r itself,
// where both are its own.
func renewed(r *source.Request, media string, body []byte) *source.Request {
	contentType := r.Header.Get("Content-Type")
	same := r.Header.Get("Content-Encoding") == "" && len(body) == len(r.Body) && bytes.Equal(body, r.Body)
	if charset := parameter(contentType, "charset"); same && isUTF8(charset) {
		return r
	} else if charset != "" {
		media += "; charset=utf-8"
	}
	header := r.Header.Clone()
	header.Del("Content-Encoding")
	if contentType != "" {
		header.Set("Content-Type", media)
	}
	return r.With(header, body)
}

// unpacked undoes the compression of a body.
func unpacked(r *source.Request, limit int64) ([]byte, error) {
	var packed io.Reader
	var err error
	name := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	switch name {
	case "", "identity":
		return r.Body, nil
	case "gzip", "x-gzip":
		packed, err = gzip.NewReader(bytes.NewReader(r.Body))
	case "deflate":
		packed, err = inflater(r.Body)
	default:
		return nil, &UnsupportedError{Text: "the content encoding is " + quoted(name) + ", expected " + Encodings + " or identity", Encoding: true}
	}
	if err != nil {
		return nil, notPacked(name, r.Body, err)
	}
	body, err := io.ReadAll(io.LimitReader(packed, limit+1))
	if err != nil {
		return nil, notPacked(name, r.Body, err)
	}
	if int64(len(body)) > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	return body, nil
}

// inflater reads deflate as it should be, in a frame of zlib (RFC 9110,
// section 8.4.1.2), and as some send it, without.
func inflater(body []byte) (io.Reader, error) {
	if len(body) > 1 && body[0]&0x0f == 8 && (int(body[0])<<8|int(body[1]))%31 == 0 {
		return zlib.NewReader(bytes.NewReader(body))
	}
	return flate.NewReader(bytes.NewReader(body)), nil
}

func notPacked(name string, body []byte, err error) error {
	if damaged(body) {
		return fault.Wrap(fault.Invalid, err, "bytes of the body were lost on the way: send it without compression, or with the content type application/octet-stream")
	}
	return fault.Wrap(fault.Invalid, err, "the body is not whole, or not %s as its Content-Encoding says", name)
}

// damaged reports whether bytes that are no UTF-8 were replaced before they
// came here: an HTTP API of API Gateway hands on as a text what calls itself
// JSON, XML or text, and anything else as it is.
func damaged(body []byte) bool { return bytes.Contains(body, []byte("\ufffd")) && utf8.Valid(body) }

// parameter reads a parameter of a content type, in lower case.
func parameter(contentType, name string) string {
	_, rest, _ := strings.Cut(contentType, ";")
	for part := range strings.SplitSeq(rest, ";") {
		if found, value, _ := strings.Cut(strings.TrimSpace(part), "="); strings.EqualFold(strings.TrimSpace(found), name) {
			return strings.ToLower(strings.Trim(strings.TrimSpace(value), `"'`))
		}
	}
	return ""
}

// maxQuoted bounds what an answer repeats of a sender's words.
const maxQuoted = 40

func quoted(s string) string {
	return `"` + strings.ToValidUTF8(s[:min(len(s), maxQuoted)], "") + `"`
}
