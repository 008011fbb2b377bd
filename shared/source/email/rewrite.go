package email

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"

	gomessage "github.com/emersion/go-message"
)

// rewrite writes a mail anew with what clean leaves of its texts: of each
// field of its header, decoded, by its name, and of each text in it, by the
// name text. What is no text, such as a picture or an archive, is left out;
// see [source.Rewrite].
func rewrite(body []byte, clean func(name, text string) string) (rewritten []byte, notes []string, ok bool) {
	mail, err := gomessage.Read(bytes.NewReader(body[:min(len(body), MaxRead)]))
	if mail == nil || mail.Header.Len() == 0 {
		return nil, nil, false
	}
	var out bytes.Buffer
	w := rewriter{clean: clean}
	create := func(h gomessage.Header) (*gomessage.Writer, error) { return gomessage.CreateWriter(&out, h) }
	if err = w.part(mail, err, w.header(mail.Header), create, 0); err != nil {
		return nil, []string{"the mail was left out, because it cannot be redacted"}, true
	}
	if len(body) >= MaxRead {
		notes = append(notes, noteTooLong(MaxRead))
	}
	if w.left > 0 {
		notes = append(notes, fmt.Sprintf("%d parts of the mail were left out, because they cannot be redacted", w.left))
	}
	return out.Bytes(), notes, true
}

type rewriter struct {
	clean       func(name, text string) string
	parts, left int
}

// header is a header with its fields redacted, without those that say how the
// body is written: they are written anew.
func (w *rewriter) header(old gomessage.Header) gomessage.Header {
	type field struct{ name, value string }
	var fields []field
	for f := old.Fields(); f.Next(); {
		text, err := f.Text()
		if err != nil {
			text = f.Value()
		}
		value := f.Value()
		if clean := w.clean(f.Key(), text); clean != text {
			value = mime.QEncoding.Encode("utf-8", clean)
		}
		if name := strings.ToLower(f.Key()); !strings.HasPrefix(name, "content-") && name != "mime-version" {
			fields = append(fields, field{w.clean("", f.Key()), value})
		}
	}
	var h gomessage.Header
	h.Set("Mime-Version", "1.0")
	for _, f := range slices.Backward(fields) { // Add puts in front
		h.Add(f.name, f.value)
	}
	return h
}

// part writes a part and all within; problem is what was wrong with it when it
// was read.
func (w *rewriter) part(e *gomessage.Entity, problem error, h gomessage.Header, create func(gomessage.Header) (*gomessage.Writer, error), depth int) error {
	w.parts++
	media, _, _ := e.Header.ContentType()
	media = strings.ToLower(media)
	within := e.MultipartReader()
	readable := problem == nil && depth <= maxDepth && w.parts <= maxParts
	if how, _, err := e.Header.ContentDisposition(); err == nil && strings.EqualFold(how, "attachment") {
		h.Set("Content-Disposition", "attachment")
	}
	switch {
	case within != nil && readable:
		return w.several(within, media, h, create, depth)
	case strings.HasPrefix(media, "text/") && readable:
		return w.text(e, media, h, create)
	}
	w.left++
	if depth > 0 {
		return nil
	}
	return w.write("", "text/plain", h, create)
}

// several writes parts between boundaries that no quoted-printable text holds
// (RFC 2045, section 6.7).
func (w *rewriter) several(parts gomessage.MultipartReader, media string, h gomessage.Header, create func(gomessage.Header) (*gomessage.Writer, error), depth int) error {
	h.SetContentType(media, map[string]string{"boundary": fmt.Sprintf("=_%d", w.parts)})
	out, err := create(h)
	if err != nil {
		return err
	}
	for w.parts <= maxParts {
		part, problem := parts.NextPart()
		if part == nil {
			break
		}
		if err := w.part(part, problem, gomessage.Header{}, out.CreatePart, depth+1); err != nil {
			return err
		}
	}
	if w.parts > maxParts {
		w.left++ // and all that follow
	}
	return out.Close()
}

// text writes a text. HTML in which something shows only as it is read, between
// tags or behind entities, becomes what is read.
func (w *rewriter) text(e *gomessage.Entity, media string, h gomessage.Header, create func(gomessage.Header) (*gomessage.Writer, error)) error {
	raw, _ := io.ReadAll(e.Body) // one that is cut off is kept as far as it goes
	text := w.clean("text", strings.ToValidUTF8(string(raw), "\uFFFD"))
	if media == "text/html" {
		seen := textOf(text)
		if clean := w.clean("text", seen); clean != seen {
			text, media = clean, "text/plain"
		}
	}
	return w.write(text, media, h, create)
}

func (w *rewriter) write(text, media string, h gomessage.Header, create func(gomessage.Header) (*gomessage.Writer, error)) error {
	h.SetContentType(media, map[string]string{"charset": "utf-8"})
	h.Set("Content-Transfer-Encoding", "quoted-printable")
	out, err := create(h)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	return out.Close()
}
