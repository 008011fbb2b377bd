package ops

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/config"
	"tocsin/shared/fault"
	"tocsin/shared/intake"
	"tocsin/shared/integration"
	"tocsin/shared/ledger"
)

// Webhooks does a request to an integration's own address. A delivery comes
// again by the way that it came: only there is the code of every source.
type Webhooks interface {
	Do(*http.Request) (*http.Response, error)
}

// ParseDelivery is the input of deliveries.parse.
type ParseDelivery struct {
	ID      string          `json:"id" in:"path" max:"64" doc:"Id of the delivery."`
	Mapping string          `json:"mapping,omitempty" max:"63" doc:"A mapping of the configuration to read it by. Without one it is read as the integration is now."`
	Spec    json.RawMessage `json:"spec,omitempty" doc:"The spec of a mapping that is not published, to read it by."`
}

// DeliveryID is the input of what needs nothing but a delivery.
type DeliveryID struct {
	ID string `json:"id" in:"path" max:"64" doc:"Id of the delivery."`
}

// ParsedDelivery is what is understood of a delivery now.
type ParsedDelivery struct {
	Alerts  []ParsedAlert `json:"alerts" doc:"By position in the body."`
	Changes []string      `json:"changes" doc:"Titles of the deployments and changes that it tells of."`
	Notes   []string      `json:"notes" doc:"What a reader should know of the body as a whole."`
}

// ParsedAlert is one alert as it is understood, or why it is not.
type ParsedAlert struct {
	Position    int               `json:"position" table:"POSITION"`
	Rejected    string            `json:"rejected,omitempty" table:"REJECTED" doc:"Why it could not be understood; all else is empty then."`
	Source      string            `json:"source,omitempty"`
	DedupKey    string            `json:"dedup_key,omitempty" table:"KEY"`
	Episode     string            `json:"episode,omitempty"`
	Status      alert.Status      `json:"status,omitempty" table:"STATUS"`
	Severity    alert.Severity    `json:"severity,omitempty"`
	Priority    alert.Priority    `json:"priority,omitempty" table:"PRIORITY"`
	Title       string            `json:"title,omitempty" table:"TITLE"`
	Description string            `json:"description,omitempty"`
	Group       string            `json:"group,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Links       []ParsedLink      `json:"links,omitempty"`
	StartedAt   time.Time         `json:"started_at,omitzero"`
	EndedAt     time.Time         `json:"ended_at,omitzero"`
	ExpiresAt   time.Time         `json:"expires_at,omitzero"`
}

// ParsedLink is a link to a page about an alert.
type ParsedLink struct {
	Text string `json:"text,omitempty"`
	URL  string `json:"url"`
}

// SentAgain is the output of deliveries.send-again.
type SentAgain struct {
	Delivery string   `json:"delivery_id" doc:"Id of the new delivery."`
	Keys     []string `json:"keys" doc:"Dedup keys of its alerts, by position."`
}

func (d *Desk) againOperations() []*Operation {
	return []*Operation{
		New(Spec{
			Name: "deliveries.parse", Method: "POST", Path: "/deliveries/{id}/parse", Scope: DeliveriesRead, Reads: true,
			Summary:     "Parse a kept delivery again, as its integration reads now or by a given mapping; nothing is written.",
			Description: "It shows what the alerts would be. The body is the one that was kept, without what was redacted; of its headers those are there that the source reads, and the query is not kept.",
			Examples:    []Example{{"id": "d-01k9w6z3v4q8"}, {"id": "d-01k9w6z3v4q8", "mapping": "warehouse"}, {"id": "d-01k9w6z3v4q8", "spec": map[string]any{"title": "{name}", "key": "{id}"}}},
		}, d.parseDelivery),
		New(Spec{
			Name: "deliveries.send-again", Method: "POST", Path: "/deliveries/{id}/send-again", Scope: DeliveriesWrite,
			Summary:     "Send a kept delivery again: a new delivery with a new id, read as its integration reads now.",
			Description: "It counts as received now and takes the same way as every other: what it says of an alert that fires already is a repeat.",
			Examples:    []Example{{"id": "d-01k9w6z3v4q8"}},
		}, d.sendAgain),
	}
}

func (d *Desk) parseDelivery(ctx context.Context, c *Caller, in ParseDelivery) (ParsedDelivery, error) {
	spec, err := d.mappingFor(ctx, in)
	if err != nil {
		return ParsedDelivery{}, err
	}
	var read intake.Reading
	if err := d.again(ctx, c, in.ID, integration.Again{OnlyRead: true, Name: in.Mapping, Mapping: spec}, &read); err != nil {
		return ParsedDelivery{}, err
	}
	out := ParsedDelivery{Alerts: []ParsedAlert{}, Changes: []string{}, Notes: append([]string{}, read.Notes...)}
	for i, item := range read.Items {
		out.Alerts = append(out.Alerts, parsedOf(i, item))
	}
	for _, change := range read.Changes {
		out.Changes = append(out.Changes, change.Title)
	}
	return out, nil
}

// mappingFor returns the spec of the mapping that is asked for, nil for none.
func (d *Desk) mappingFor(ctx context.Context, in ParseDelivery) (json.RawMessage, error) {
	switch {
	case in.Mapping != "" && in.Spec != nil:
		return nil, invalid("spec", "give either mapping or spec")
	case in.Spec != nil:
		_, err := config.ReadMapping("given", in.Spec)
		return in.Spec, err
	case in.Mapping == "":
		return nil, nil
	}
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return nil, err
	}
	spec, known := cfg.Mappings[in.Mapping]
	if !known {
		return nil, invalid("mapping", "there is no mapping %q", in.Mapping)
	}
	return json.Marshal(spec)
}

func parsedOf(position int, item intake.Item) ParsedAlert {
	a := item.Alert
	if a == nil {
		return ParsedAlert{Position: position, Rejected: item.Rejected}
	}
	out := ParsedAlert{
		Position: position, Source: a.Source, DedupKey: a.DedupKey, Episode: a.Episode, Status: a.Status, Severity: a.Severity, Priority: a.Priority,
		Title: a.Title, Description: a.Description, Group: a.Group, Labels: a.Labels, StartedAt: a.StartedAt, EndedAt: a.EndedAt, ExpiresAt: a.ExpiresAt,
	}
	for _, l := range a.Links {
		out.Links = append(out.Links, ParsedLink(l))
	}
	return out
}

func (d *Desk) sendAgain(ctx context.Context, c *Caller, in DeliveryID) (SentAgain, error) {
	var receipt intake.Receipt
	if err := d.again(ctx, c, in.ID, integration.Again{}, &receipt); err != nil {
		return SentAgain{}, err
	}
	c.Changed("delivery "+in.ID, "", "sent again as "+receipt.DeliveryID)
	return SentAgain{Delivery: receipt.DeliveryID, Keys: receipt.Keys}, nil
}

// again hands a kept delivery to its integration once more, under a key that
// is lent for it, and decodes the answer.
func (d *Desk) again(ctx context.Context, c *Caller, id string, why integration.Again, into any) error {
	parts, err := d.Ledger.Get(ctx, id)
	if err != nil {
		return err
	}
	body, err := d.bodyOf(ctx, parts[0])
	if err != nil {
		return fault.Wrap(fault.Conflict, err, "the body of delivery %s cannot be read: %s", id, err.Error())
	}
	why.Delivery, why.By = id, string(c.Actor())
	in, key, err := d.Integrations.Lend(ctx, parts[0].Integration, why)
	if err != nil {
		return err
	}
	defer func() { _ = d.Integrations.TakeBack(context.WithoutCancel(ctx), key) }() // else it lapses by itself
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.webhook(c, in, key), bytes.NewReader(body))
	if err != nil {
		return fault.Wrap(fault.Internal, err, "make the request for delivery %s", id)
	}
	if parts[0].Path != "" {
		r.URL = r.URL.JoinPath(parts[0].Path)
	}
	setQuery(r, parts[0])
	setHeaders(r, parts[0])
	answer, err := d.Webhooks.Do(r)
	if err != nil {
		return fault.New(fault.Unavailable, "the address of the webhooks does not answer") // the error holds the key
	}
	defer answer.Body.Close()
	return decodeAnswer(answer, into)
}

func setQuery(r *http.Request, p ledger.Part) {
	query := r.URL.Query()
	for name, value := range p.Query {
		query.Set(name, value)
	}
	r.URL.RawQuery = query.Encode()
}

func setHeaders(r *http.Request, p ledger.Part) {
	for name, value := range p.Headers {
		r.Header.Set(name, value)
	}
	if p.ContentType != "" {
		r.Header.Set("Content-Type", p.ContentType)
	}
}

// maxAgain bounds the answer to a delivery that comes again.
const maxAgain = 5 << 20

func decodeAnswer(answer *http.Response, into any) error {
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAgain))
	if err != nil {
		return fault.New(fault.Unavailable, "the answer of the webhook ended early")
	}
	if answer.StatusCode/100 == 2 {
		if err := json.Unmarshal(text, into); err != nil {
			return fault.Wrap(fault.Unavailable, err, "the answer of the webhook is not understood")
		}
		return nil
	}
	var p struct {
		Detail string
		Errors []fault.Field
	}
	if json.Unmarshal(text, &p) != nil || answer.StatusCode >= http.StatusInternalServerError {
		return fault.New(fault.Unavailable, "the webhook answered %s", answer.Status)
	}
	return &fault.Error{Kind: fault.Invalid, Text: "the delivery is refused now: " + p.Detail, Fields: p.Errors}
}
