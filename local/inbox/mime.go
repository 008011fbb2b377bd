package inbox

import (
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
)

// deepest is how far parts may be nested.
const deepest = 10

var decoder mime.WordDecoder

// parseMail reads a message of RFC 5322 with its MIME parts.
func parseMail(r io.Reader) (Message, error) {
	raw, err := mail.ReadMessage(r)
	if err != nil {
		return Message{}, fmt.Errorf("the raw message cannot be read: %w", err)
	}
	m := Message{Headers: map[string]string{}}
	for name := range raw.Header {
		m.Headers[name] = decodeHeader(raw.Header.Get(name))
	}
	m.Subject = m.Headers["Subject"]
	m.From = raw.Header.Get("From")
	for _, field := range []string{"To", "Cc", "Bcc"} {
		listed, err := raw.Header.AddressList(field)
		if err != nil {
			continue // absent; a list that is needed and unreadable leaves no recipient
		}
		for _, a := range listed {
			m.To = append(m.To, a.Address)
		}
	}
	return m, m.readPart(textproto.MIMEHeader(raw.Header), raw.Body, 0)
}

func decodeHeader(text string) string {
	decoded, err := decoder.DecodeHeader(text)
	if err != nil {
		return text
	}
	return decoded
}

// readPart fills text, HTML and file names from a part and those inside it.
func (m *Message) readPart(h textproto.MIMEHeader, body io.Reader, depth int) error {
	kind, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind, parameters = "text/plain", nil
	}
	if strings.HasPrefix(kind, "multipart/") {
		return m.readParts(body, parameters["boundary"], depth+1)
	}
	if disposition, p, _ := mime.ParseMediaType(h.Get("Content-Disposition")); disposition == "attachment" {
		m.Files = append(m.Files, p["filename"])
		return nil
	}
	content, err := io.ReadAll(decodeTransfer(h.Get("Content-Transfer-Encoding"), body))
	if err != nil {
		return fmt.Errorf("part %s: %w", kind, err)
	}
	text := decodeCharset(parameters["charset"], content)
	switch {
	case kind == "text/html" && m.HTML == "":
		m.HTML = text
	case kind == "text/plain" && m.Text == "":
		m.Text = text
	default:
		m.Files = append(m.Files, parameters["name"])
	}
	return nil
}

func (m *Message) readParts(body io.Reader, boundary string, depth int) error {
	if depth > deepest {
		return fmt.Errorf("parts are nested more than %d deep", deepest)
	}
	parts := multipart.NewReader(body, boundary)
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read parts: %w", err)
		}
		if err := m.readPart(part.Header, part, depth); err != nil {
			return err
		}
	}
}

func decodeTransfer(encoding string, body io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	}
	return body
}

// decodeCharset knows UTF-8, ASCII and Latin 1; the rest is shown as it is.
func decodeCharset(charset string, content []byte) string {
	if !strings.EqualFold(charset, "iso-8859-1") {
		return strings.ToValidUTF8(string(content), "\uFFFD")
	}
	runes := make([]rune, len(content))
	for i, b := range content {
		runes[i] = rune(b)
	}
	return string(runes)
}
