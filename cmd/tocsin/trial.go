package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/shared/fault"
	"tocsin/shared/intake"
	"tocsin/shared/integration"
	"tocsin/shared/ops"
	"tocsin/shared/source"
	"tocsin/shared/source/shipped"
)

// trial is a payload that is sent to an integration to see what becomes of it.
type trial struct {
	key, file string
	secret    string
	headers   []string
	wait      time.Duration
}

func (a *app) trialCommand(all []*ops.Operation) *cobra.Command {
	var in trial
	c := &cobra.Command{
		Use: "test KEY FILE|-", Short: "Send a payload to an integration and show what became of it",
		Long: `Posts a file to the address of an integration, as its sender would, and waits
until the router has decided on every alert of it. What it says is real: it
pages people, unless a rule discards it.

KEY is the integration's key, or its whole address. A key is looked up in the
list of integrations by its id, and is sent nowhere but to the webhook.

--secret proves the request as the integration asks, by auth bearer, basic or
hmac-sha256. What the source does in a way of its own is given by --header.

Scopes: deliveries:read, and integrations:read for a key or a secret.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.key, in.file = args[0], args[1]
			return a.try(cmd.Context(), all, in)
		},
	}
	c.Flags().StringArrayVar(&in.headers, "header", nil, "a header of the request, `'Name: value'`; may stand more than once")
	c.Flags().StringVar(&in.secret, "secret", "", "the integration's secret, by which the request is proven")
	c.Flags().DurationVar(&in.wait, "wait", time.Minute, "how long to wait for the router")
	return c
}

func (a *app) try(ctx context.Context, all []*ops.Operation, in trial) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	body, err := a.read(in.file)
	if err != nil {
		return err
	}
	header, err := headersOf(in.headers)
	if err != nil {
		return err
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", mediaOf(body))
	}
	address, err := c.addressOf(ctx, operation(all, "integrations.list"), in.key)
	if err != nil {
		return err
	}
	if in.secret != "" {
		found, err := c.integrationOf(ctx, operation(all, "integrations.list"), keyOf(in.key))
		if err != nil {
			return err
		}
		if err := prove(header, found, in.secret, body, a.now()); err != nil {
			return err
		}
	}
	id, err := c.deliver(ctx, address, header, body)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "Accepted as delivery %s.\n", clean(id))
	answer, detail, err := a.awaitDelivery(ctx, c, operation(all, "deliveries.get"), id, in.wait)
	if err != nil {
		return err
	}
	if err := a.show(operation(all, "deliveries.get"), answer); err != nil {
		return err
	}
	return a.tellEvents(ctx, c, operation(all, "events.get"), detail)
}

// headersOf reads headers as they are given on the command line.
func headersOf(given []string) (http.Header, error) {
	header := http.Header{}
	for _, h := range given {
		name, value, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, usagef("--header %q: expected 'Name: value'", h)
		}
		header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return header, nil
}

// multipartMedia is the media type of what looks like a multipart form, whose
// first line is its boundary; "" for anything else.
func multipartMedia(body []byte) string {
	line, rest, _ := bytes.Cut(body, []byte("\r\n"))
	boundary, ok := bytes.CutPrefix(line, []byte("--"))
	if !ok || len(boundary) == 0 || !bytes.HasPrefix(bytes.ToLower(rest[:min(len(rest), 1<<10)]), []byte("content-")) {
		return ""
	}
	return mime.FormatMediaType("multipart/form-data", map[string]string{"boundary": string(boundary)})
}

// mediaOf is how a sender would call a body.
func mediaOf(body []byte) string {
	form := multipartMedia(body)
	switch body = bytes.TrimSpace(body); {
	case form != "":
		return form
	case json.Valid(body):
		return "application/json"
	case bytes.HasPrefix(body, []byte("<")):
		return "application/xml"
	case !bytes.ContainsAny(body, " \n\t") && bytes.IndexByte(body, '=') > 0:
		return source.FormMedia
	}
	return "text/plain"
}

// addressOf returns where the webhook of a key goes.
func (c *client) addressOf(ctx context.Context, list *ops.Operation, key string) (*url.URL, error) {
	if strings.Contains(key, "/") {
		u, err := url.Parse(key)
		if err != nil || u.Host == "" || !strings.HasPrefix(strings.TrimPrefix(u.Path, c.base.Path), "/in/") {
			return nil, usagef("expected a key, or an address like %s/in/prometheus/tk_...", c.base)
		}
		return u, nil
	}
	in, err := c.integrationOf(ctx, list, key)
	if err != nil {
		return nil, err
	}
	if in.Source == shipped.Email {
		return nil, usagef("integration %s takes mails and no requests: send one to the key at the stack's mail domain", in.ID)
	}
	return c.base.JoinPath("in", in.Source, key), nil
}

// keyOf is the key itself, or the one in an address like /in/prometheus/tk_...
func keyOf(given string) string {
	_, path, _ := strings.Cut(given, "/in/")
	if parts := strings.Split(path, "/"); len(parts) > 1 {
		return parts[1]
	}
	return given
}

// integrationOf finds the integration of a key, which it does not send.
func (c *client) integrationOf(ctx context.Context, list *ops.Operation, key string) (ops.Integration, error) {
	answer, err := c.call(ctx, list, map[string]any{})
	if err != nil {
		return ops.Integration{}, err
	}
	var known ops.List[ops.Integration]
	if err := json.Unmarshal(answer, &known); err != nil {
		return ops.Integration{}, fmt.Errorf("the answer is no list of integrations: %w", err)
	}
	id := integration.KeyID(integration.HashKey(integration.PlainKey(key)))
	for _, in := range known.Items {
		if slices.Contains(in.KeyIDs, id) {
			return in, nil
		}
	}
	return ops.Integration{}, fault.New(fault.NotFound, "no integration has this key")
}

// prove adds to a request what its integration asks for.
func prove(header http.Header, in ops.Integration, secret string, body []byte, at time.Time) error {
	switch in.Auth {
	case integration.Bearer:
		header.Set("Authorization", "Bearer "+secret)
	case integration.Basic:
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(secret)))
	case integration.HMAC:
		stamp := strconv.FormatInt(at.Unix(), 10)
		header.Set(cmp.Or(in.Header, integration.SignatureHeader), integration.Sign(secret, stamp, body))
		header.Set(integration.TimestampHeader, stamp)
	default:
		return usagef("--secret: integration %s has auth %s; expected bearer, basic or hmac-sha256. Give what its source sends by --header", in.ID, in.Auth)
	}
	return nil
}

// deliver posts a body and returns the id of the delivery that it became. What
// else a webhook answers is its sender's business.
func (c *client) deliver(ctx context.Context, to *url.URL, header http.Header, body []byte) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return "", usagef("the address is not valid")
	}
	r.Header = header
	answer, err := c.http.Do(r)
	if err != nil {
		return "", fault.New(fault.Unavailable, "%s: %s", to.Host, reason(err))
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return "", fault.New(fault.Unavailable, "the answer of %s ended early", to.Host)
	}
	if answer.StatusCode/100 != 2 {
		return "", problemOf(answer, text)
	}
	id := answer.Header.Get(intake.DeliveryHeader)
	if id == "" {
		return "", fault.New(fault.Internal, "%s answered %s, but not as the webhook of Tocsin does", to.Host, answer.Status)
	}
	return id, nil
}

// awaitDelivery waits until a delivery is in the ledger with all its parts.
func (a *app) awaitDelivery(ctx context.Context, c *client, get *ops.Operation, id string, wait time.Duration) ([]byte, ops.DeliveryDetail, error) {
	defer a.progressEnd()
	for end := a.now().Add(wait); ; {
		var detail ops.DeliveryDetail
		answer, err := c.call(ctx, get, map[string]any{"id": id})
		if err == nil {
			if err := json.Unmarshal(answer, &detail); err != nil {
				return nil, detail, fmt.Errorf("the answer is no delivery: %w", err)
			}
			if len(detail.Dispositions) == detail.Alerts {
				return answer, detail, nil
			}
		} else if !fault.Is(err, fault.NotFound) {
			return nil, detail, err
		}
		if !a.now().Before(end) {
			return nil, detail, fault.New(fault.Unavailable, "the router did not decide within %s; see tocsin deliveries get %s", wait, id)
		}
		a.progress("waiting for the router")
		select {
		case <-ctx.Done():
			return nil, detail, fault.New(fault.Unavailable, "interrupted")
		case <-time.After(lookEvery):
		}
	}
}

// tellEvents says in a line each what the events of a delivery are now.
func (a *app) tellEvents(ctx context.Context, c *client, get *ops.Operation, detail ops.DeliveryDetail) error {
	var told []string
	for _, x := range detail.Dispositions {
		id := string(x.Event)
		if id == "" || slices.Contains(told, id) {
			continue
		}
		told = append(told, id)
		answer, err := c.call(ctx, get, map[string]any{"id": id})
		if err != nil {
			return err
		}
		var e ops.EventDetail
		if err := json.Unmarshal(answer, &e); err != nil {
			return fmt.Errorf("the answer is no event: %w", err)
		}
		fmt.Fprintf(a.stderr, "%s is %s, %s: %s\n", e.ID, e.State, e.Priority, clean(e.Title))
	}
	return nil
}
