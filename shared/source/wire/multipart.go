package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"unicode/utf8"

	"tocsin/shared/fault"
	"tocsin/shared/source"
)

const multipartMedia = "multipart/form-data"

// maxParts bounds what a form can cost; its size is bounded as that of every
// body.
const maxParts = 1000

// form is what a multipart form holds, and notes of what was left out.
type form struct {
	fields url.Values
	file   string // the text of the last of its files
	notes  []string
}

// plain is the body that the form stands for: one JSON document that is sent as
// a file (curl -F file=@alert.json), else a form.
func (f form) plain() (media string, body []byte) {
	if file := []byte(f.file); len(f.fields) == 1 && source.LooksLikeJSON(file) {
		for _, values := range f.fields {
			if len(values) == 1 {
				return "application/json", file
			}
		}
	}
	return source.FormMedia, []byte(f.fields.Encode())
}

// multipartForm reads a multipart form (RFC 7578): the texts of its fields, and
// of files that are texts. Notes name the files that are none.
func multipartForm(r *source.Request, body []byte) (form, error) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return form{}, fault.New(fault.Invalid, "the content type %s names no boundary", multipartMedia)
	}
	out := form{fields: url.Values{}}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) && n > 0 && bytes.Contains(body, []byte("--"+params["boundary"]+"--")) {
			return out, nil
		}
		if err != nil {
			return form{}, fault.Wrap(fault.Invalid, err, "the body is no whole multipart form: part %d cannot be read", n+1)
		}
		if n == maxParts {
			return form{}, fault.New(fault.Invalid, "the form has more than %d parts", maxParts)
		}
		if err := out.add(part); err != nil {
			return form{}, fault.Wrap(fault.Invalid, err, "the body is no whole multipart form: part %d ends early", n+1)
		}
	}
}

func (f *form) add(part *multipart.Part) error {
	text, note, err := textOf(part)
	if err != nil {
		return err
	}
	if note != "" {
		f.notes = append(f.notes, note)
		return nil
	}
	f.fields.Add(part.FormName(), text)
	if part.FileName() != "" {
		f.file = text
	}
	return nil
}

// textOf reads a part; a note says why it has no text.
func textOf(part *multipart.Part) (text, note string, err error) {
	raw, err := io.ReadAll(part)
	if err != nil {
		return "", "", err
	}
	contentType := part.Header.Get("Content-Type")
	media, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	if !readable(strings.TrimSpace(media)) {
		return "", leftOut(part, media), nil
	}
	c, _, err := charsetOf(parameter(contentType, "charset"), raw)
	if err == nil && c != nil {
		raw = c(raw)
	}
	if part.FormName() == "" || part.FileName() != "" && (!utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0) {
		return "", leftOut(part, media), nil
	}
	return string(raw), "", nil
}

// readable reports whether a part of a media type may be a text: what is not
// named or only bytes is looked at.
func readable(media string) bool {
	switch media {
	case "", "application/octet-stream", "application/json", "application/xml", "application/yaml", source.FormMedia:
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml")
}

func leftOut(part *multipart.Part, media string) string {
	if part.FormName() == "" {
		return "a part of the form without a name was left out"
	}
	return fmt.Sprintf("the file %s of the form (%s) is no text and was left out", quoted(part.FormName()), quoted(media))
}
