package inbox

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"net/textproto"
	"strings"
)

// Limits of SES. Source: SES Developer Guide, "Service quotas": message size
// (API v2) and recipients per message.
const (
	mostMailBytes  = 40 << 20
	mostRecipients = 50
)

// mailRequest is SendEmail's body.
// Source: SES API v2 reference, SendEmail. ListManagementOptions and tags do
// not change what the reader sees.
type mailRequest struct {
	FromEmailAddress string
	ReplyToAddresses []string
	Destination      struct{ ToAddresses, CcAddresses, BccAddresses []string }
	Content          struct {
		Simple *simpleContent
		Raw    *struct{ Data []byte }
	}
}

type simpleContent struct {
	Subject     content
	Body        struct{ Text, Html content } //nolint:staticcheck // ST1003: the name is SES's
	Headers     []struct{ Name, Value string }
	Attachments []struct{ FileName string }
}

type content struct{ Data string }

func (in *Inbox) sendMail(w http.ResponseWriter, r *http.Request) {
	var request mailRequest
	body := http.MaxBytesReader(w, r.Body, mostMailBytes*3/2)
	if err := json.NewDecoder(body).Decode(&request); err != nil {
		badMail(w, "the request is no SendEmail of at most 40 MB: "+err.Error())
		return
	}
	m, err := request.message()
	if err != nil {
		badMail(w, err.Error())
		return
	}
	m.ProviderID = mailID()
	// SES replaces the sender's Message-ID by its own, which answers must name.
	m.Headers["Message-Id"] = "<" + m.ProviderID + "@email.amazonses.com>"
	if _, err := in.Keep(m); err != nil {
		sesError(w, http.StatusInternalServerError, "InternalServiceErrorException", err.Error())
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"MessageId": m.ProviderID})
}

// message is what the reader gets; an error says why SES would refuse it.
func (r *mailRequest) message() (Message, error) {
	m, err := r.content()
	if err != nil {
		return Message{}, err
	}
	m.Channel = Mail
	if r.FromEmailAddress != "" {
		m.From = r.FromEmailAddress
	}
	d := r.Destination
	if listed := append(append(append([]string{}, d.ToAddresses...), d.CcAddresses...), d.BccAddresses...); len(listed) > 0 {
		m.To = listed
	}
	return m, m.checkAddresses()
}

func (r *mailRequest) content() (Message, error) {
	switch {
	case r.Content.Raw != nil && r.Content.Simple != nil:
		return Message{}, fmt.Errorf("only one of Simple and Raw content may be given")
	case r.Content.Raw != nil:
		if len(r.Content.Raw.Data) > mostMailBytes {
			return Message{}, fmt.Errorf("message length is more than %d bytes long", mostMailBytes)
		}
		return parseMail(bytes.NewReader(r.Content.Raw.Data))
	case r.Content.Simple != nil:
		return r.Content.Simple.message(r.ReplyToAddresses)
	}
	return Message{}, fmt.Errorf("no content is given")
}

func (c *simpleContent) message(replyTo []string) (Message, error) {
	if c.Body.Text.Data == "" && c.Body.Html.Data == "" {
		return Message{}, fmt.Errorf("the body has neither text nor HTML")
	}
	m := Message{Subject: c.Subject.Data, Text: c.Body.Text.Data, HTML: c.Body.Html.Data, Headers: map[string]string{}}
	for _, h := range c.Headers {
		if h.Name == "" || strings.ContainsAny(h.Name+h.Value, "\r\n") {
			return Message{}, fmt.Errorf("header %q is invalid", h.Name)
		}
		m.Headers[textproto.CanonicalMIMEHeaderKey(h.Name)] = h.Value
	}
	if len(replyTo) > 0 {
		m.Headers["Reply-To"] = strings.Join(replyTo, ", ")
	}
	if strings.ContainsAny(m.Subject, "\r\n") {
		return Message{}, fmt.Errorf("the subject has more than one line")
	}
	for _, a := range c.Attachments {
		m.Files = append(m.Files, a.FileName)
	}
	return m, nil
}

// checkAddresses refuses what SES refuses and reduces recipients to bare addresses.
func (m *Message) checkAddresses() error {
	if err := checkAddress(m.From); err != nil {
		return fmt.Errorf("sender %q: %w", m.From, err)
	}
	if len(m.To) == 0 || len(m.To) > mostRecipients {
		return fmt.Errorf("%d recipients, want 1 to %d", len(m.To), mostRecipients)
	}
	for i, to := range m.To {
		if err := checkAddress(to); err != nil {
			return fmt.Errorf("recipient %q: %w", to, err)
		}
		parsed, _ := mail.ParseAddress(to)
		m.To[i] = parsed.Address
	}
	return nil
}

func checkAddress(text string) error {
	a, err := mail.ParseAddress(text)
	if err != nil {
		return err
	}
	local, domain, _ := strings.Cut(a.Address, "@")
	if !strings.Contains(domain, ".") {
		return fmt.Errorf("domain contains no dot")
	}
	if strings.ContainsFunc(local, func(r rune) bool { return r > 126 }) {
		return fmt.Errorf("local address contains characters beyond ASCII")
	}
	return nil
}

// mailID has the form of the ids that SES gives.
func mailID() string {
	b := make([]byte, 24)
	rand.Read(b)
	h := hex.EncodeToString(b)
	return "01000" + h[:11] + "-" + h[11:19] + "-" + h[19:23] + "-" + h[23:27] + "-" + h[27:31] + "-" + h[31:43] + "-000000"
}

func badMail(w http.ResponseWriter, reason string) {
	sesError(w, http.StatusBadRequest, "BadRequestException", reason)
}

func sesError(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("X-Amzn-ErrorType", kind)
	writeJSON(w, status, map[string]string{"message": message})
}
