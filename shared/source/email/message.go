package email

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"strings"

	gomessage "github.com/emersion/go-message"

	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Bounds of what is read of a mail.
const (
	MaxRead  = 1 << 20 // bytes of it: the rest is attachments
	maxText  = 64 << 10
	maxDepth = 10  // parts inside of parts
	maxParts = 100 // of all depths
	maxID    = 250
	maxRefs  = 100
)

// message is what is read of a mail.
type message struct {
	header  gomessage.Header
	id      string   // Message-ID, without brackets
	from    string   // address in lower case
	subject string   // one line, decoded
	refs    []string // the mails before it in its thread, the root first
	text    string
	notes   []string
}

// read reads a mail, leniently: what is broken, cut off or in an unknown
// character set is left out. Only what has no header is no mail.
func read(body []byte) (*message, error) {
	entity, err := gomessage.Read(bytes.NewReader(body[:min(len(body), MaxRead)]))
	if entity == nil || entity.Header.Len() == 0 {
		return nil, fault.Wrap(fault.Invalid, errors.Join(err), "the body is no mail")
	}
	m := &message{header: entity.Header}
	m.id = firstID(m.header.Get("Message-Id"))
	m.from = cmp.Or(m.author(), addressOf(m.field("From")))
	m.subject = m.field("Subject")
	m.refs = append(ids(m.header.Get("References")), ids(m.header.Get("In-Reply-To"))...)
	if len(body) >= MaxRead {
		m.notes = append(m.notes, noteTooLong(MaxRead))
	}
	if m.from == "" && m.subject == "" && m.id == "" {
		return nil, fault.New(fault.Invalid, "the body is no mail: it has neither sender, subject nor id")
	}
	var t texts
	t.collect(entity, 0)
	m.text = source.FirstText(t.plain, textOf(t.html))
	return m, nil
}

// field is a header field as one decoded line.
func (m *message) field(name string) string {
	text, err := m.header.Text(name)
	if err != nil {
		text = m.header.Get(name)
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
}

// ids are the message ids of a field, without brackets.
func ids(field string) []string {
	var all []string
	for _, word := range strings.Fields(field) {
		if id := strings.Trim(word, "<>,"); id != "" && len(id) <= maxID && len(all) < maxRefs {
			all = append(all, strings.ToValidUTF8(id, "\uFFFD"))
		}
	}
	return all
}

func firstID(field string) string {
	if all := ids(field); len(all) > 0 {
		return all[0]
	}
	return ""
}

// texts are the first text of each kind in a mail.
type texts struct {
	plain, html string
	parts       int
}

func (t *texts) collect(e *gomessage.Entity, depth int) {
	if t.parts++; t.parts > maxParts || depth > maxDepth {
		return
	}
	if parts := e.MultipartReader(); parts != nil {
		for t.parts <= maxParts {
			part, err := parts.NextPart()
			if part == nil || err != nil && !gomessage.IsUnknownCharset(err) && !gomessage.IsUnknownEncoding(err) {
				return
			}
			t.collect(part, depth+1)
		}
		return
	}
	if how, _, err := e.Header.ContentDisposition(); err == nil && strings.EqualFold(how, "attachment") {
		return
	}
	media, _, _ := e.Header.ContentType()
	switch strings.ToLower(media) {
	case "text/plain":
		fill(&t.plain, e.Body)
	case "text/html":
		fill(&t.html, e.Body)
	}
}

// fill reads a text where there is none yet; one that is cut off is kept as
// far as it goes.
func fill(into *string, from io.Reader) {
	if *into != "" {
		return
	}
	text, _ := io.ReadAll(io.LimitReader(from, maxText))
	*into = strings.ReplaceAll(strings.ToValidUTF8(string(text), "\uFFFD"), "\r\n", "\n")
}
