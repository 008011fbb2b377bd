package ops

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tocsin/shared/clock"
	"tocsin/shared/integration"
	"tocsin/shared/ledger"
	"tocsin/shared/source/shipped"
)

// IntegrationDetail is the output of integrations.get.
type IntegrationDetail struct {
	Integration
	URL          string            `json:"url,omitempty" doc:"Where its webhook goes, with <key> in the place of the key."`
	Address      string            `json:"address,omitempty" doc:"Of source email, in place of a URL: where its mails go. Missing where the stack has no MailDomain."`
	Product      string            `json:"product,omitempty" doc:"What sends."`
	Page         string            `json:"page,omitempty" doc:"The vendor's documentation."`
	Steps        []string          `json:"steps" doc:"What is to be done on the sender's side."`
	Proof        string            `json:"proof,omitempty" doc:"How requests are authenticated."`
	Kinds        []string          `json:"auth_kinds" doc:"The kinds of auth that make sense for this source."`
	RetryStatus  int               `json:"retry_status" doc:"The status by which a request over the limit is refused, because its sender tries again on it."`
	LastDelivery *Delivery         `json:"last_delivery,omitempty"`
	Counts       IntegrationCounts `json:"counts"`
	Errors       []DeliveryError   `json:"errors" doc:"The last alerts that could not be understood, and requests that were refused, newest first."`
}

// IntegrationCounts are what an integration delivered.
type IntegrationCounts struct {
	Since      time.Time           `json:"since" doc:"From when on; later than 24 hours ago where more was delivered than is looked at."`
	Deliveries int                 `json:"deliveries"`
	Alerts     int                 `json:"alerts"`
	Refused    int                 `json:"refused" doc:"Requests with its key that were refused. Each process tells of them once a minute, so the newest may be missing."`
	Ended      map[ledger.Kind]int `json:"dispositions" doc:"How many alerts ended how, of the first 100 of each delivery."`
}

// DeliveryError is an alert that could not be understood, or a request that
// was refused.
type DeliveryError struct {
	ReceivedAt time.Time `json:"received_at" table:"RECEIVED"`
	Delivery   string    `json:"delivery_id" table:"DELIVERY"`
	Position   int       `json:"position" table:"POSITION"`
	Refused    int       `json:"refused,omitempty" table:"REFUSED" doc:"How many requests were refused, of which this is the last; without it the request was accepted."`
	Why        string    `json:"why" table:"WHY"`
}

const hiddenKey = "<key>"

func (d *Desk) getIntegration(ctx context.Context, c *Caller, in IntegrationID) (IntegrationDetail, error) {
	found, err := d.Integrations.Get(ctx, in.ID)
	if err != nil {
		return IntegrationDetail{}, err
	}
	known, _ := shipped.Named(found.Source)
	out := IntegrationDetail{
		Integration: integrationOf(found), Product: known.Guide.Product, Page: known.Guide.Page,
		Proof: known.Guide.Proof, Kinds: kindsOf(known, found), RetryStatus: known.RetryStatus, Errors: []DeliveryError{},
	}
	out.URL, out.Address, out.Steps = d.wayIn(c, found, hiddenKey)
	return out, d.addDeliveries(ctx, &out)
}

// wayIn is where the sender of an integration sends to, and the steps on its
// side. A mail goes to an address, which there is only with a domain.
func (d *Desk) wayIn(c *Caller, in integration.Integration, key string) (url, address string, steps []string) {
	known, _ := shipped.Named(in.Source)
	steps = slices.Clone(known.Guide.Setup)
	switch {
	case in.Source != shipped.Email:
		url = strings.ReplaceAll(d.webhook(c, in, key), "%3Ckey%3E", hiddenKey)
	case d.MailDomain == "":
		steps = slices.Insert(steps, 0, "No mail arrives yet: this stack was deployed without the parameter MailDomain, so that there is no address. With it, the address is the key at that domain.")
	default:
		address = key + "@" + d.MailDomain
	}
	fill := strings.NewReplacer("{url}", url, "{address}", cmp.Or(address, key+"@MailDomain"))
	for i, step := range steps {
		steps[i] = fill.Replace(step)
	}
	return url, address, steps
}

// kindsOf lists the kinds of proof that a sender can do.
func kindsOf(s shipped.Source, in integration.Integration) []string {
	kinds := []string{string(integration.None), string(integration.Bearer), string(integration.Basic), string(integration.HMAC)}
	if s.Vendor || in.Auth == integration.Vendor {
		kinds = append(kinds, string(integration.Vendor))
	}
	return kinds
}

// What is looked at for the page of an integration. It is read when somebody
// asks, so that no delivery pays for being counted.
const (
	lookedAt    = 1000
	lookBack    = 24 * time.Hour
	pageLooked  = 100
	shownErrors = 10
)

// addDeliveries adds what the ledger tells of an integration.
func (d *Desk) addDeliveries(ctx context.Context, out *IntegrationDetail) error {
	now := d.Now()
	out.Counts = IntegrationCounts{Since: now.Add(-lookBack), Ended: map[ledger.Kind]int{}}
	behind := clock.Format(now.Add(time.Hour)) // nothing is after it
	for looked := 0; behind != ""; {
		parts, next, err := d.keptDeliveries(ctx, behind, pageLooked)
		if err != nil {
			return err
		}
		for _, p := range parts {
			if p.ReceivedAt.Before(now.Add(-lookBack)) {
				return nil
			}
			out.count(p)
		}
		behind = next
		if looked += len(parts); looked >= lookedAt && len(parts) > 0 {
			out.Counts.Since = parts[len(parts)-1].ReceivedAt
			return nil
		}
	}
	return nil
}

func (out *IntegrationDetail) count(p ledger.Part) {
	if p.Integration != out.ID {
		return
	}
	out.Counts.Refused += p.Refused
	if p.Refused == 0 {
		out.countAccepted(p)
	}
	for _, x := range p.Dispositions {
		if x.Kind == ledger.Rejected && len(out.Errors) < shownErrors {
			out.Errors = append(out.Errors, DeliveryError{Delivery: p.Delivery, ReceivedAt: p.ReceivedAt, Position: x.Position, Refused: p.Refused, Why: strings.Join(x.Why, "; ")})
		}
	}
}

func (out *IntegrationDetail) countAccepted(p ledger.Part) {
	if out.LastDelivery == nil {
		last := deliveryOf(p)
		out.LastDelivery = &last
	}
	out.Counts.Deliveries++
	out.Counts.Alerts += p.Alerts
	for _, x := range p.Dispositions {
		out.Counts.Ended[x.Kind]++
	}
}
