package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/intake"
	"tocsin/shared/integration"
	"tocsin/shared/mapping"
	"tocsin/shared/source"
	"tocsin/shared/source/email"
	"tocsin/shared/telemetry"
)

// prefix is where the receipt rule puts mails, each named by its id.
const prefix = "mail/"

// mails reads the beginning of an object; [intake.Bucket] is one.
type mails interface {
	GetStart(ctx context.Context, name string, limit int64) ([]byte, error)
}

// handler takes mails. It is safe for concurrent use.
type handler struct {
	mails   mails
	intake  *intake.Intake
	own     string // the address that our own mails come from
	metrics *telemetry.Metrics
	log     *slog.Logger
}

// pick reads the mails of an integration by its mapping, if it has one.
func pick(mappings *mapping.Finder) func(context.Context, integration.Integration) (source.Source, bool) {
	return func(ctx context.Context, in integration.Integration) (source.Source, bool) {
		if in.Source != email.Name {
			return source.Source{}, false
		}
		return mappings.Mails(ctx, in), true
	}
}

// handle takes the mails of an invocation by SES. Its error makes Lambda
// repeat the invocation, so it has one only for what may pass by itself; a
// delivery that was sent before is then known by its mail.
func (h *handler) handle(ctx context.Context, e events.SimpleEmailEvent) error {
	defer h.metrics.Flush(ctx)
	var failed []error
	for _, r := range e.Records {
		failed = append(failed, h.take(ctx, r.SES))
	}
	return errors.Join(failed...)
}

// invoked takes an invocation that is no request.
func (h *handler) invoked(ctx context.Context, event json.RawMessage) error {
	var e events.SimpleEmailEvent
	if err := json.Unmarshal(event, &e); err != nil {
		return fmt.Errorf("the event is none of SES: %w", err)
	}
	return h.handle(ctx, e)
}

// routes serves the mails that come again, under a key that is lent for it.
// With the key of an integration alone nobody gets in: they could say of a mail
// what only SES may.
func (h *handler) routes(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /in/"+email.Name+"/{key}", httpapi.Handler(h.again))
	return h.intake.Wrap(log, mux)
}

func (h *handler) again(w http.ResponseWriter, r *http.Request) error {
	req, err := h.intake.Read(r)
	if err != nil {
		return err
	}
	req.Other = email.Decode
	found, _, err := h.intake.Admit(r.Context(), r.PathValue("key"), req)
	if err == nil && found.Again == nil {
		err = integration.ErrRefused
	}
	if err != nil {
		return err
	}
	parsed, receipt, err := h.intake.TakeFrom(r.Context(), found, req)
	if err != nil {
		return err
	}
	intake.Answer(w, http.StatusAccepted, parsed, receipt)
	return nil
}

// take takes one mail for each integration that it is addressed to.
func (h *handler) take(ctx context.Context, s events.SimpleEmailService) error {
	keys := keysOf(s.Receipt.Recipients)
	if len(keys) == 0 {
		h.drop(ctx, s, "", "no recipient's address holds a key")
		return nil
	}
	body, err := h.mails.GetStart(ctx, prefix+s.Mail.MessageID, email.MaxRead)
	if err != nil {
		return fmt.Errorf("read mail %s: %w", s.Mail.MessageID, err)
	}
	if s.Receipt.VirusVerdict.Status == infected {
		body = head(body) // the rest is kept nowhere else
	}
	var failed []error
	for _, key := range keys {
		failed = append(failed, h.deliver(ctx, s, key, body))
	}
	return errors.Join(failed...)
}

// infected is the verdict of SES on what holds a virus.
const infected = "FAIL"

// head is a mail without its body.
func head(mail []byte) []byte {
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(mail, []byte(end)); i >= 0 {
			return mail[:i+len(end)]
		}
	}
	return nil
}

// keysOf are the keys in the addresses of recipients, each once.
func keysOf(recipients []string) []string {
	var keys []string
	seen := map[string]bool{}
	for _, address := range recipients {
		local, _, _ := strings.Cut(address, "@")
		if key := integration.KeyIn(local); key != "" && !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	return keys
}

func (h *handler) deliver(ctx context.Context, s events.SimpleEmailService, key string, body []byte) error {
	r := &source.Request{Header: h.said(s), Body: body, At: h.intake.Now().UTC(), Other: email.Decode}
	parsed, receipt, err := h.intake.TakeUnanswered(ctx, key, r)
	switch {
	case fault.Is(err, fault.Unauthenticated), fault.Is(err, fault.Forbidden):
		h.drop(ctx, s, "", err.Error())
		return nil
	case err != nil:
		return fmt.Errorf("take mail %s: %w", s.Mail.MessageID, err)
	}
	if why := email.Dropped(parsed); why != "" {
		h.drop(ctx, s, receipt.DeliveryID, why)
		return nil
	}
	h.log.InfoContext(ctx, "mail taken", slog.String("mail", s.Mail.MessageID), slog.String("delivery_id", receipt.DeliveryID),
		slog.Int("alerts", len(receipt.Keys)), slog.Int("rejected", len(receipt.Rejected)))
	return nil
}

// said is what SES says of a mail, for the source.
func (h *handler) said(s events.SimpleEmailService) http.Header {
	header := http.Header{"Content-Type": {email.Media}}
	for name, value := range map[string]string{
		email.Spam: s.Receipt.SpamVerdict.Status, email.Virus: s.Receipt.VirusVerdict.Status,
		email.DMARC: s.Receipt.DMARCVerdict.Status, email.Policy: s.Receipt.DMARCPolicy,
		email.Envelope: cmp.Or(s.Mail.Source, "<>"), email.Own: h.own,
	} {
		if value != "" {
			header.Set(name, value)
		}
	}
	return header
}

// drop says in the log and the metrics why a mail was no alert.
func (h *handler) drop(ctx context.Context, s events.SimpleEmailService, delivery, why string) {
	h.metrics.Add("MailsDropped", 1)
	h.log.InfoContext(ctx, "mail dropped", slog.String("mail", s.Mail.MessageID), slog.String("delivery_id", delivery), slog.String("reason", why))
}
