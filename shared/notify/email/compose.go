package email

import (
	"bytes"
	"fmt"
	"io"
	"net/mail"
	"strings"

	message "github.com/emersion/go-message/mail"

	"tocsin/shared/notify"
)

// maxSubject bounds the subject line in bytes, before it is encoded.
const maxSubject = 250

// compose returns the mail as RFC 5322 wants it. What is data in a header is
// one line by then, and encoded.
func (c *Channel) compose(to *mail.Address, content notify.Content) ([]byte, error) {
	var out bytes.Buffer
	w, err := message.CreateInlineWriter(&out, c.header(to, content))
	if err != nil {
		return nil, fmt.Errorf("begin mail: %w", err)
	}
	if err := part(w, "text/plain", content.Text); err != nil {
		return nil, err
	}
	if content.HTML != "" {
		if err := part(w, "text/html", content.HTML); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("end mail: %w", err)
	}
	return out.Bytes(), nil
}

// header's fields are written in the reverse order of being set.
func (c *Channel) header(to *mail.Address, content notify.Content) message.Header {
	var h message.Header
	if content.Language != "" {
		h.Set("Content-Language", notify.Line(content.Language, maxSubject))
	}
	for _, field := range importance(content.Urgency) {
		h.Set(field[0], field[1])
	}
	h.Set("X-Auto-Response-Suppress", "All")  // Exchange: [MS-OXCMAIL] section 2.2.3.2.14
	h.Set("Auto-Submitted", "auto-generated") // RFC 3834, section 5
	parent := []string{c.id("thread." + content.Thread)}
	h.SetMsgIDList("References", parent)
	h.SetMsgIDList("In-Reply-To", parent)
	h.SetMessageID(c.id(content.ID))
	h.SetDate(c.now().UTC())
	h.SetSubject(notify.Line(content.Subject, maxSubject))
	h.SetAddressList("To", []*message.Address{{Address: to.Address}})
	h.SetAddressList("From", []*message.Address{{Name: c.from.Name, Address: c.from.Address}})
	return h
}

// importance returns the fields by which mail programs mark what is urgent.
func importance(u notify.Urgency) [][2]string {
	switch u {
	case notify.Urgent:
		return [][2]string{{"Importance", "high"}, {"X-Priority", "1"}}
	case notify.High:
		return [][2]string{{"Importance", "high"}, {"X-Priority", "2"}}
	case notify.Low:
		return [][2]string{{"Importance", "low"}, {"X-Priority", "5"}}
	}
	return nil
}

// id returns a message id under the sender's domain; what an atom cannot hold
// becomes a hyphen (RFC 5322, section 3.6.4).
func (c *Channel) id(local string) string {
	atom := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, local)
	domain := c.from.Address[strings.LastIndexByte(c.from.Address, '@')+1:]
	return strings.Trim(atom, ".") + "@" + domain
}

func part(w *message.InlineWriter, kind, text string) error {
	var h message.InlineHeader
	h.SetContentType(kind, map[string]string{"charset": "utf-8"})
	p, err := w.CreatePart(h)
	if err != nil {
		return fmt.Errorf("begin %s: %w", kind, err)
	}
	if _, err := io.WriteString(p, crlf(text)); err != nil {
		return fmt.Errorf("write %s: %w", kind, err)
	}
	return p.Close()
}

// crlf gives text the line ends of mail.
func crlf(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
}
