package ops

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"tocsin/shared/clock"
	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/intake"
	"tocsin/shared/ledger"
)

// Bodies reads the raw bodies that are kept in objects.
type Bodies interface {
	Get(ctx context.Context, name string) ([]byte, error)
}

// Delivery is one accepted request of a monitoring system.
type Delivery struct {
	ID          string    `json:"id" table:"ID"`
	Integration string    `json:"integration" table:"INTEGRATION"`
	Source      string    `json:"source" table:"SOURCE"`
	ReceivedAt  time.Time `json:"received_at" table:"RECEIVED"`
	DisposedAt  time.Time `json:"disposed_at" doc:"When the router had decided on the first of its alerts."`
	Alerts      int       `json:"alerts" table:"ALERTS"`
	Refused     int       `json:"refused,omitempty" doc:"How many requests were refused, of which this is the last; without it the request was accepted."`
	Notes       []string  `json:"notes,omitempty" table:"NOTES" width:"60"`
}

// DeliveryDetail is the output of deliveries.get.
type DeliveryDetail struct {
	Delivery
	ContentType  string            `json:"content_type,omitempty"`
	Headers      map[string]string `json:"headers,omitempty" doc:"Those that the source reads, without proofs."`
	Query        map[string]string `json:"query,omitempty" doc:"Likewise, parameters of the address."`
	Path         string            `json:"path,omitempty" doc:"What stood after the key."`
	Dispositions []Disposition     `json:"dispositions" doc:"Where each alert ended, by position in the body."`
	Body         string            `json:"body,omitempty" doc:"The request body as received."`
	BodyBase64   string            `json:"body_base64,omitempty" doc:"The same, where it is no text."`
	BodyProblem  string            `json:"body_problem,omitempty" doc:"Why the body cannot be shown."`
}

// Disposition is where one alert of a delivery ended, and why.
type Disposition struct {
	Position int         `json:"position" table:"POSITION"`
	What     ledger.Kind `json:"disposition" table:"DISPOSITION"`
	Event    event.ID    `json:"event_id,omitempty" table:"EVENT"`
	Rule     string      `json:"rule,omitempty" table:"RULE"`
	Title    string      `json:"title,omitempty" table:"TITLE"`
	DedupKey string      `json:"dedup_key,omitempty"`
	Alert    string      `json:"alert_id,omitempty"`
	Why      []string    `json:"why,omitempty" table:"WHY"`
}

// ListDeliveries is the input of deliveries.list.
type ListDeliveries struct {
	Integration string `json:"integration,omitempty" in:"query" max:"64" doc:"Only those of this integration; a page may then hold fewer than the limit, and still not be the last."`
	Page
}

// GetDelivery is the input of deliveries.get.
type GetDelivery struct {
	ID       string `json:"id" in:"path" max:"64" doc:"Id of the delivery, as ingest answered it."`
	WithBody bool   `json:"with_body,omitempty" in:"query" doc:"Show the raw body too."`
}

func (d *Desk) deliveryOperations() []*Operation {
	return []*Operation{
		New(Spec{
			Name: "deliveries.list", Method: "GET", Path: "/deliveries", Scope: DeliveriesRead,
			Summary:     "List deliveries, newest first.",
			Description: "A delivery is in the list once the router has decided on its alerts. It stays for 30 days. Of the requests of an integration that were refused, each process tells once a minute.",
			Examples:    []Example{{"limit": 20}, {"integration": "int-k3v9x2m4qp"}},
		}, d.listDeliveries),
		New(Spec{
			Name: "deliveries.get", Method: "GET", Path: "/deliveries/{id}", Scope: DeliveriesRead,
			Summary:     "Show where each alert of a delivery ended, and why.",
			Description: "With with_body it shows the request body as it was received.",
			Examples:    []Example{{"id": "d-01k9w6z3v4q8", "with_body": true}},
		}, d.getDelivery),
	}
}

func deliveryOf(p ledger.Part) Delivery {
	return Delivery{
		ID: p.Delivery, Integration: p.Integration, Source: p.Source, ReceivedAt: p.ReceivedAt, DisposedAt: p.DisposedAt,
		Alerts: p.Alerts, Refused: p.Refused, Notes: p.Notes,
	}
}

func (d *Desk) listDeliveries(ctx context.Context, _ *Caller, in ListDeliveries) (List[Delivery], error) {
	now := d.Now()
	position, err := in.position()
	switch {
	case err != nil:
		return List[Delivery]{}, err
	case position == "":
		position = clock.Format(now.Add(time.Hour)) // nothing is after it
	case ledger.CheckPosition(position) != nil:
		return List[Delivery]{}, badCursor()
	}
	items, page := []Delivery{}, in.limit()
	if in.Integration != "" {
		page = max(page, pageLooked) // most that is read may be of others
	}
	for looked := 0; ; {
		parts, next, err := d.keptDeliveries(ctx, position, page)
		if err != nil {
			return List[Delivery]{}, err
		}
		for i, p := range parts {
			if in.Integration == "" || p.Integration == in.Integration {
				items = append(items, deliveryOf(p))
			}
			if len(items) == in.limit() && i < len(parts)-1 {
				return listOf(items, p.Position()), nil
			}
		}
		looked += len(parts)
		if next == "" || len(items) == in.limit() || looked >= lookedAt {
			return listOf(items, next), nil
		}
		position = next
	}
}

// keptDeliveries returns the deliveries behind a position of the ledger's list,
// at most limit, and the position of the last, "" when there are no more.
func (d *Desk) keptDeliveries(ctx context.Context, position string, limit int) (parts []ledger.Part, next string, err error) {
	parts, err = d.Ledger.List(ctx, d.Now().Add(-defaults.LedgerTTL), position, limit)
	if err == nil && len(parts) == limit {
		next = parts[limit-1].Position()
	}
	return parts, next, err
}

func (d *Desk) getDelivery(ctx context.Context, _ *Caller, in GetDelivery) (DeliveryDetail, error) {
	parts, err := d.Ledger.Get(ctx, in.ID)
	if err != nil {
		return DeliveryDetail{}, err
	}
	first := parts[0]
	out := DeliveryDetail{Delivery: deliveryOf(first), ContentType: first.ContentType, Headers: first.Headers, Query: first.Query, Path: first.Path, Dispositions: []Disposition{}}
	for _, p := range parts {
		for _, x := range p.Dispositions {
			out.Dispositions = append(out.Dispositions, Disposition{
				Position: x.Position, What: x.Kind, Event: event.ID(x.Event), Rule: x.Rule,
				Title: x.Title, DedupKey: x.DedupKey, Alert: x.Alert, Why: x.Why,
			})
		}
	}
	if in.WithBody {
		d.showBody(ctx, first, &out)
	}
	return out, nil
}

// showBody adds the body; why it cannot be shown is part of the answer.
func (d *Desk) showBody(ctx context.Context, p ledger.Part, out *DeliveryDetail) {
	body, err := d.bodyOf(ctx, p)
	switch {
	case err != nil:
		out.BodyProblem = err.Error()
	case utf8.Valid(body):
		out.Body = string(body)
	default:
		out.BodyBase64 = base64.StdEncoding.EncodeToString(body)
	}
}

// maxShownBody bounds a body in an answer: a function's response holds 6 MB.
const maxShownBody = 2 << 20

var (
	errNoBody    = errors.New("the body is not kept")
	errLargeBody = fault.New(fault.Invalid, "the body is larger than %d bytes", maxShownBody)
)

func (d *Desk) bodyOf(ctx context.Context, p ledger.Part) ([]byte, error) {
	switch {
	case len(p.Raw) > maxShownBody:
		return nil, errLargeBody
	case len(p.Raw) > 0:
		return p.Raw, nil
	case p.RawObject == "":
		return nil, errNoBody
	}
	object, err := d.Bodies.Get(ctx, p.RawObject)
	if err != nil {
		return nil, errNoBody
	}
	message, err := unpack(object)
	if err != nil {
		return nil, err
	}
	delivery, _, err := intake.Decode(message)
	if err != nil {
		return nil, err
	}
	if body, err := delivery.Body(); err != nil || len(body) <= maxShownBody {
		return body, err
	}
	return nil, errLargeBody
}

func unpack(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the body is not compressed as expected")
	}
	body, err := io.ReadAll(io.LimitReader(r, maxShownBody+1))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the body is not compressed as expected")
	}
	if len(body) > maxShownBody {
		return nil, errLargeBody
	}
	return body, nil
}
