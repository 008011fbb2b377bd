package stack

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"strings"
	"time"

	"tocsin/local/ministack"
)

// MailDomain is the domain whose mails a stack takes whose Config names none.
const MailDomain = "alerts.tocsin.example"

const (
	// mailTaker is the logical id of the function that SES invokes.
	mailTaker = "IngestEmailFunction"
	// mailPrefix is where the receipt rule of the template puts mails.
	mailPrefix = "mail/"
	// maxMail is what SES takes (SES developer guide, "Service quotas").
	maxMail = 40 << 20
)

// ReceiveMail takes a mail as SES does by the receipt rule of the template: it
// puts the mail into the bucket, then invokes the function without waiting for
// it. It has no opinion on spam and viruses, and takes every sender for true.
// It returns the id of the mail.
func (s *Stack) ReceiveMail(ctx context.Context, to string, body []byte) (string, error) {
	id := strings.ToLower(rand.Text())
	if err := s.aws.Put(ctx, ministack.Object{Bucket: s.Output("DeliveriesBucket"), Key: mailPrefix + id}, body); err != nil {
		return "", err
	}
	notice, err := json.Marshal(received(id, to, body, time.Now().UTC()))
	if err != nil {
		return "", err
	}
	return id, s.aws.InvokeLater(ctx, s.Resource(mailTaker), notice)
}

// received is what SES says of a mail (SES developer guide, "Contents of
// notifications for Amazon SES email receiving").
func received(id, to string, body []byte, at time.Time) map[string]any {
	pass := map[string]string{"status": "PASS"}
	sender := ""
	if m, err := mail.ReadMessage(bytes.NewReader(body)); err == nil {
		if from, err := mail.ParseAddress(m.Header.Get("From")); err == nil {
			sender = from.Address
		}
	}
	return map[string]any{"Records": []any{map[string]any{
		"eventSource": "aws:ses", "eventVersion": "1.0",
		"ses": map[string]any{
			"mail": map[string]any{"messageId": id, "timestamp": at.Format(time.RFC3339), "source": sender, "destination": []string{to}},
			"receipt": map[string]any{
				"timestamp": at.Format(time.RFC3339), "recipients": []string{to}, "processingTimeMillis": 1, "action": map[string]string{"type": "Lambda", "invocationType": "Event"},
				"spamVerdict": pass, "virusVerdict": pass, "spfVerdict": pass, "dkimVerdict": pass, "dmarcVerdict": pass,
			},
		},
	}}}
}

// serveMail takes the mail that is posted for an address, where an MTA would
// speak SMTP.
func (s *Stack) serveMail(w http.ResponseWriter, r *http.Request) {
	to := r.PathValue("address")
	if _, domain, _ := strings.Cut(to, "@"); !strings.EqualFold(domain, s.Output("MailDomain")) || domain == "" {
		http.Error(w, fmt.Sprintf("no mail arrives for %q: the address is <key>@%s", to, s.Output("MailDomain")), http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMail))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		http.Error(w, "SES takes mails of 40 MB at most", http.StatusRequestEntityTooLarge)
		return
	}
	id := ""
	if err == nil {
		id, err = s.ReceiveMail(r.Context(), to, body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintln(w, id)
}
