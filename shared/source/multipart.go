package source

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/url"
	"strings"
)

// MultipartMedia is the media type of a form whose fields are parts.
const MultipartMedia = "multipart/form-data"

// maxParts is more than any sender has fields.
const maxParts = 100

// PartsOf reads the fields of a form that is sent in parts; files are left
// out. Its first line holds the boundary, so the header is not needed.
func PartsOf(body []byte) (url.Values, bool) {
	first, rest, _ := bytes.Cut(body, []byte("\n"))
	boundary, ok := strings.CutPrefix(strings.TrimSpace(string(first[:min(len(first), 80)])), "--")
	if !ok || boundary == "" || !bytes.Contains(rest[:min(len(rest), 200)], []byte("form-data")) {
		return nil, false
	}
	fields := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for range maxParts {
		part, err := parts.NextPart()
		if err != nil {
			return fields, errors.Is(err, io.EOF) && len(fields) > 0
		}
		if part.FormName() == "" || part.FileName() != "" {
			continue
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, false
		}
		fields.Add(part.FormName(), string(text))
	}
	return fields, true
}
