package ops

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/shared/clock"
	"tocsin/shared/fault"
	"tocsin/shared/integration"
	"tocsin/shared/ledger"
	"tocsin/shared/source/preset"
	"tocsin/shared/source/proof"
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
	Secrets      int               `json:"secrets" doc:"How many secrets are valid; two after a rotation, until the one before is retired."`
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
	known, err := d.sourceOf(ctx, found)
	if err != nil {
		return IntegrationDetail{}, err
	}
	out := IntegrationDetail{
		Integration: integrationOf(found), Product: known.Guide.Product, Page: known.Guide.Page,
		Proof: known.Guide.Proof, Kinds: kindsOf(known.Source, found), RetryStatus: known.RetryStatus, Errors: []DeliveryError{},
	}
	if out.Secrets, err = d.validSecrets(ctx, found); err != nil {
		return IntegrationDetail{}, err
	}
	out.URL, out.Address, out.Steps = d.wayIn(c, found, known, hiddenKey)
	return out, d.addDeliveries(ctx, &out)
}

// sender is what is known of the source of an integration.
type sender struct {
	shipped.Source
	mapping preset.Proofs // of the integration's mapping
}

// sourceOf is what ships of the source of an integration, with what its mapping
// says instead.
func (d *Desk) sourceOf(ctx context.Context, in integration.Integration) (sender, error) {
	ships, _ := shipped.Named(in.Source)
	out := sender{Source: ships}
	if in.Mapping == "" {
		return out, nil
	}
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return out, err
	}
	m := cfg.Mappings[in.Mapping]
	out.mapping, out.Guide.Product = m.Proof, cmp.Or(m.Product, out.Guide.Product)
	if g := m.Guide; g != nil {
		out.Guide.Page, out.Guide.Proof = cmp.Or(g.Page, out.Guide.Page), cmp.Or(g.Proof, out.Guide.Proof)
		if len(g.Setup) > 0 {
			out.Guide.Setup = g.Setup
		}
	}
	return out, nil
}

// validSecrets is how many secrets are valid; two after a rotation.
func (d *Desk) validSecrets(ctx context.Context, in integration.Integration) (int, error) {
	if in.Auth == integration.None {
		return 0, nil
	}
	pair, err := d.Secrets.Get(ctx, in.SecretRef)
	if fault.Is(err, fault.NotFound) {
		return 0, nil
	}
	return len(pair.Valid()), err
}

// wayIn is where the sender of an integration sends to, and the steps on its
// side. A mail goes to an address, which there is only with a domain.
func (d *Desk) wayIn(c *Caller, in integration.Integration, of sender, key string) (url, address string, steps []string) {
	steps = slices.Clone(of.Guide.Setup)
	if step := of.proving(in); step != "" {
		steps = append(steps, step)
	}
	switch {
	case in.Source != shipped.Email:
		url = strings.ReplaceAll(d.webhook(c, in, key), "%3Ckey%3E", hiddenKey)
	case d.MailDomain == "":
		steps = slices.Insert(steps, 0, "No mail arrives yet: this stack was deployed without the parameter MailDomain, so that there is no address. With it, the address is the key at that domain.")
	default:
		address = key + "@" + d.MailDomain
	}
	fill := strings.NewReplacer("{id}", in.ID, "{url}", url, "{address}", cmp.Or(address, key+"@MailDomain"))
	for i, step := range steps {
		steps[i] = fill.Replace(step)
	}
	return url, address, steps
}

// proving is the step in which the sender learns to prove itself; "" where it
// need not.
func (s sender) proving(in integration.Integration) string {
	switch in.Auth {
	case integration.Bearer:
		return "Let it send the header `Authorization: Bearer SECRET`, where SECRET is the integration's secret."
	case integration.Basic:
		return "Give it user and password for HTTP Basic authentication; the integration's secret is `user:password`."
	case integration.HMAC:
		found := integration.Found{Integration: in}
		return fmt.Sprintf("Let it sign each body: the header `%s: sha256=SIGNATURE`, where SIGNATURE is the HMAC-SHA256 of the raw body with the integration's secret as its key, in hexadecimal digits. "+
			"Where it also sends `%s` with the time in seconds since 1970, it signs the time, a dot and the body, and its clock may be %d minutes off.", found.ProofHeader(), integration.TimestampHeader, int(proof.MaxSkew.Minutes()))
	case integration.Vendor:
		return s.provingItsWay()
	}
	return ""
}

func (s sender) provingItsWay() string {
	if len(s.mapping) == 0 {
		return "Give it the integration's secret. " + s.Guide.Proof
	}
	ways := make([]string, len(s.mapping))
	for i, p := range s.mapping {
		ways[i] = provingBy(p)
	}
	return strings.Join(ways, " Or: ")
}

func provingBy(p preset.Proof) string {
	in := "the header `" + p.Header + ": " + p.Prefix
	if p.Header == "" {
		in = "`" + p.Field + "` of the body, `" + p.Prefix
	}
	switch p.Scheme {
	case "standard":
		return "Let it sign as Standard Webhooks says, with the integration's secret."
	case "http-signature":
		return "Let it sign by HTTP Signatures, with the integration's secret."
	case "jws":
		return "Let it send a token: " + in + "TOKEN`, a JWT by HS256 with the integration's secret, whose claim sha256 is that of the raw body."
	case "rsa-sha1", "rsa-sha256":
		return "Give the integration the sender's public key as its secret."
	case "secret":
		return "Let it send " + in + "SECRET`, where SECRET is the integration's secret."
	}
	return fmt.Sprintf("Let it sign with the integration's secret: %sSIGNATURE`, by %s in %s over %s.", in, p.Scheme, cmp.Or(p.Encoding, "hex"), signedBy(p))
}

// signedBy is what an HMAC is over.
func signedBy(p preset.Proof) string {
	var where string
	switch {
	case p.TimeHeader != "":
		where = "which the header `" + p.TimeHeader + "` tells"
	case p.TimePrefix != "":
		where = "which stands behind `" + p.TimePrefix + "` in the same header"
	default:
		return "the raw body"
	}
	if p.TimeJoin == "" {
		return "the time, " + where + ", and the raw body"
	}
	return "the time, " + where + ", `" + p.TimeJoin + "` and the raw body"
}

// kindsOf lists the kinds of proof that a sender can do.
func kindsOf(s shipped.Source, in integration.Integration) []string {
	if len(s.Auths) > 0 {
		return append([]string{string(integration.None)}, s.Auths...)
	}
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
