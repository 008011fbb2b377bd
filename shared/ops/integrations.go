package ops

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/shared/config"
	"tocsin/shared/fault"
	"tocsin/shared/integration"
	"tocsin/shared/plan"
	"tocsin/shared/source/shipped"
)

// Integration is one configured connection from a source.
type Integration struct {
	ID             string           `json:"id" table:"ID"`
	Name           string           `json:"name" table:"NAME"`
	Source         string           `json:"source" table:"SOURCE"`
	Mapping        string           `json:"mapping,omitempty" doc:"By which its requests are read." table:"MAPPING"`
	Service        string           `json:"service,omitempty" doc:"Default service of its alerts." table:"SERVICE"`
	Auth           integration.Kind `json:"auth" enum:"none,bearer,basic,hmac-sha256,vendor" table:"AUTH"`
	Header         string           `json:"header,omitempty" doc:"Header of the signature."`
	Paused         bool             `json:"paused" doc:"Its requests are refused." table:"PAUSED"`
	ExpiresAfter   string           `json:"expires_after,omitempty" doc:"Without a repeat, its alerts end after this; nothing: only their sender ends them."`
	Limit          int              `json:"limit" doc:"Requests per minute that a warm process takes."`
	RedactFields   []string         `json:"redact_fields,omitempty" doc:"Fields whose values are taken out before anything is stored."`
	RedactPatterns []string         `json:"redact_patterns,omitempty" doc:"Patterns of what is taken out."`
	Keys           int              `json:"keys" doc:"How many keys are valid; two after a rotation."`
	KeyIDs         []string         `json:"key_ids" doc:"The beginning of the SHA-256 of each valid key, current first: which key a sender has, without showing it."`
	CreatedAt      time.Time        `json:"created_at" table:"CREATED"`
	UpdatedAt      time.Time        `json:"updated_at"`
}

// NewIntegration is an integration with what is shown only once.
type NewIntegration struct {
	Integration
	URL     string   `json:"url,omitempty" secret:"true" doc:"Where its webhook goes. It holds the key and is shown only now."`
	Address string   `json:"address,omitempty" secret:"true" doc:"Of source email, in place of a URL: where its mails go. Missing where the stack has no MailDomain."`
	Key     string   `json:"key,omitempty" secret:"true" doc:"The key in the URL or address."`
	HexKey  string   `json:"hex_key,omitempty" secret:"true" doc:"The same key for senders that want 32 hexadecimal digits, like a routing key of PagerDuty."`
	Secret  string   `json:"secret,omitempty" secret:"true" doc:"What the sender authenticates with: bearer token, user:password, or key of the signature. One that was given is not shown."`
	Steps   []string `json:"steps,omitempty" secret:"true" doc:"What is to be done on the sender's side."`
}

// IntegrationSettings are what may be changed of an integration; what is not
// given stays.
type IntegrationSettings struct {
	Service        *string        `json:"service,omitempty" max:"63" doc:"Default service of its alerts."`
	Mapping        *string        `json:"mapping,omitempty" max:"63" doc:"Of source custom or email: the mapping of the configuration by which requests are read; without one each is looked at."`
	ExpiresAfter   *plan.Duration `json:"expires_after,omitempty" doc:"An alert that is not repeated for so long ends, where its sender does not say when; 0s: after 24 hours where the source never sends a recovery, else never."`
	Limit          *int           `json:"limit,omitempty" min:"0" max:"600000" doc:"Requests per minute; 0 is the default of 6000. Each warm process counts its own."`
	RedactFields   *[]string      `json:"redact_fields,omitempty" max:"50" doc:"Fields whose values are taken out before anything is stored: bare names at any depth, or paths like $.user.email."`
	RedactPatterns *[]string      `json:"redact_patterns,omitempty" max:"50" format:"regex" doc:"Regular expressions (RE2) of what is taken out of every text."`
}

// CreateIntegration is the input of integrations.create.
type CreateIntegration struct {
	Name   string           `json:"name" required:"true" min:"1" max:"200" doc:"For people."`
	Source string           `json:"source" required:"true" max:"64" doc:"Kind of monitoring system, like prometheus; custom for any other."`
	ID     string           `json:"id,omitempty" max:"64" doc:"Without it one is chosen."`
	Auth   integration.Kind `json:"auth,omitempty" enum:"none,bearer,basic,hmac-sha256,vendor" default:"none" doc:"What a request must prove beside the key in its URL; vendor is the source's own scheme."`
	Header string           `json:"header,omitempty" max:"100" doc:"hmac-sha256: the header of the signature."`
	Secret string           `json:"secret,omitempty" min:"8" max:"4096" doc:"The secret, where the sender gives one. Without it one is made and shown once."`
	IntegrationSettings
}

// UpdateIntegration is the input of integrations.update.
type UpdateIntegration struct {
	IntegrationID
	Name *string `json:"name,omitempty" min:"1" max:"200" doc:"For people."`
	IntegrationSettings
}

// IntegrationID is the input of what needs nothing but an integration.
type IntegrationID struct {
	ID string `json:"id" in:"path" max:"64" doc:"Id of the integration."`
}

// RotateIntegration is the input of integrations.rotate.
type RotateIntegration struct {
	IntegrationID
	What   string `json:"what,omitempty" enum:"key,secret" default:"key" doc:"The key in the URL, or the secret."`
	Secret string `json:"secret,omitempty" min:"8" max:"4096" doc:"The new secret, where the sender gives one."`
}

// RetireIntegration is the input of integrations.retire.
type RetireIntegration struct {
	IntegrationID
	What string `json:"what,omitempty" enum:"key,secret" default:"key" doc:"The key in the URL, or the secret."`
}

func (d *Desk) integrationOperations() []*Operation {
	return []*Operation{
		New(Spec{
			Name: "integrations.list", Method: "GET", Path: "/integrations", Scope: IntegrationsRead,
			Summary: "List integrations by id.",
		}, d.listIntegrations),
		New(Spec{
			Name: "integrations.get", Method: "GET", Path: "/integrations/{id}", Scope: IntegrationsRead,
			Summary:     "Show an integration: its URL, the steps on the sender's side, what it delivered and what was rejected.",
			Description: "The key in the URL is shown only when it is made. Counts are of the last 24 hours, or of the last 1,000 deliveries of all integrations where these are fewer. Requests that were refused are among the errors with the reason, which their sender is not told.",
			Examples:    []Example{{"id": "int-k3v9x2m4qp"}},
		}, d.getIntegration),
		New(Spec{
			Name: "integrations.create", Method: "POST", Path: "/integrations", Scope: IntegrationsWrite, Creates: true,
			Summary:     "Create an integration; its URL, or mail address, and key are shown once.",
			Description: "A repeat with the same Idempotency-Key is answered without URL, key and secret, which are not kept.",
			Examples: []Example{
				{"name": "Prometheus of shop", "source": "prometheus", "service": "shop"},
				{"name": "Warehouse", "source": "custom", "mapping": "warehouse", "expires_after": "2h", "redact_fields": []string{"password"}},
			},
		}, d.createIntegration),
		New(Spec{
			Name: "integrations.update", Method: "PATCH", Path: "/integrations/{id}", Scope: IntegrationsWrite,
			Summary:     "Change the settings of an integration; what is not given stays.",
			Description: "It holds within 30 seconds.",
			Examples:    []Example{{"id": "int-k3v9x2m4qp", "mapping": "warehouse", "limit": 600}},
		}, d.updateIntegration),
		d.onIntegration("pause", "Refuse the requests of an integration.", "It holds within 30 seconds.",
			func(in *integration.Integration) { in.Paused = true }),
		d.onIntegration("resume", "Accept the requests of an integration again.", "",
			func(in *integration.Integration) { in.Paused = false }),
		New(Spec{
			Name: "integrations.rotate", Method: "POST", Path: "/integrations/{id}/rotate", Scope: IntegrationsWrite,
			Summary:     "Give an integration a new key or secret, shown once.",
			Description: "The one before stays valid while its sender changes over, until it is retired or the next rotation.",
			Examples:    []Example{{"id": "int-k3v9x2m4qp"}, {"id": "int-k3v9x2m4qp", "what": "secret"}},
		}, d.rotateIntegration),
		New(Spec{
			Name: "integrations.retire", Method: "POST", Path: "/integrations/{id}/retire", Scope: IntegrationsWrite,
			Summary:     "End the validity of the key or secret before the current one.",
			Description: "It holds within 30 seconds. Where there is none before the current one it is refused.",
			Examples:    []Example{{"id": "int-k3v9x2m4qp"}, {"id": "int-k3v9x2m4qp", "what": "secret"}},
		}, d.retire),
		New(Spec{
			Name: "integrations.remove", Method: "DELETE", Path: "/integrations/{id}", Scope: IntegrationsWrite,
			Summary:     "Remove an integration with its keys.",
			Description: "What it delivered stays. Its requests are refused within 30 seconds.",
			Examples:    []Example{{"id": "int-k3v9x2m4qp"}},
		}, d.removeIntegration),
	}
}

func integrationOf(in integration.Integration) Integration {
	known, _ := shipped.Named(in.Source)
	out := Integration{
		ID: in.ID, Name: in.Name, Source: in.Source, Mapping: in.Mapping, Service: in.Service, Auth: in.Auth, Header: in.Header,
		Paused: in.Paused, Limit: in.PerMinute(), RedactFields: in.RedactFields, RedactPatterns: in.RedactPatterns,
		Keys: len(in.KeyHashes), KeyIDs: []string{}, CreatedAt: in.CreatedAt, UpdatedAt: in.UpdatedAt,
	}
	if expiry := in.Expiry(0, known.Guide.NeverEnds); expiry > 0 {
		out.ExpiresAfter = plan.Duration(expiry).String()
	}
	for _, hash := range in.KeyHashes {
		out.KeyIDs = append(out.KeyIDs, integration.KeyID(hash))
	}
	return out
}

func (d *Desk) listIntegrations(ctx context.Context, _ *Caller, _ None) (List[Integration], error) {
	found, err := d.Integrations.List(ctx)
	items := make([]Integration, len(found))
	for i, in := range found {
		items[i] = integrationOf(in)
	}
	return listOf(items, ""), err
}

func (d *Desk) createIntegration(ctx context.Context, c *Caller, in CreateIntegration) (NewIntegration, error) {
	known, _ := shipped.Named(in.Source)
	wanted := integration.Integration{
		ID: in.ID, Name: in.Name, Source: known.Name, Auth: cmp.Or(in.Auth, integration.None), Header: in.Header,
	}
	in.onto(&wanted)
	if err := d.checkIntegration(ctx, wanted, in); err != nil {
		return NewIntegration{}, err
	}
	of, err := d.sourceOf(ctx, wanted)
	if err != nil {
		return NewIntegration{}, err
	}
	created, key, err := d.Integrations.Create(ctx, wanted, d.Now())
	if err != nil {
		return NewIntegration{}, err
	}
	out := d.newIntegration(c, created, of, key)
	if created.Auth != integration.None {
		if out.Secret, err = d.newSecret(ctx, created, in.Secret); err != nil {
			// Without its secret it refuses every request; better none than half of one.
			_ = d.Integrations.Delete(context.WithoutCancel(ctx), created.ID)
			return NewIntegration{}, err
		}
	}
	c.Changed("integration "+created.ID, "", settingsOf(created))
	return out, nil
}

// newIntegration shows an integration with its new key.
func (d *Desk) newIntegration(c *Caller, in integration.Integration, of sender, key string) NewIntegration {
	out := NewIntegration{Integration: integrationOf(in), Key: key, HexKey: integration.HexKey(key)}
	out.URL, out.Address, out.Steps = d.wayIn(c, in, of, key)
	return out
}

// newSecret puts a new secret before the current one, and returns it if it was
// made here.
func (d *Desk) newSecret(ctx context.Context, in integration.Integration, given string) (string, error) {
	if given != "" {
		return "", d.Secrets.Take(ctx, in.SecretRef, given)
	}
	return d.Secrets.Rotate(ctx, in.SecretRef, in.Auth)
}

// onto changes in as s says.
func (s IntegrationSettings) onto(in *integration.Integration) {
	set(&in.Service, s.Service)
	set(&in.Mapping, s.Mapping)
	set(&in.Limit, s.Limit)
	set(&in.RedactFields, s.RedactFields)
	set(&in.RedactPatterns, s.RedactPatterns)
	if s.ExpiresAfter != nil {
		in.ExpiresAfter = time.Duration(*s.ExpiresAfter)
	}
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// settingsOf is what the audit log tells of an integration.
func settingsOf(in integration.Integration) string {
	text := in.Source + " auth=" + string(in.Auth)
	for _, f := range []struct{ name, value string }{{"service", in.Service}, {"mapping", in.Mapping}} {
		if f.value != "" {
			text += " " + f.name + "=" + f.value
		}
	}
	if in.ExpiresAfter > 0 {
		text += " expires_after=" + plan.Duration(in.ExpiresAfter).String()
	}
	if in.Limit > 0 {
		text += fmt.Sprintf(" limit=%d", in.Limit)
	}
	if n := len(in.RedactFields) + len(in.RedactPatterns); n > 0 {
		text += fmt.Sprintf(" redacts=%d", n)
	}
	return text
}

// checkIntegration names everything that is wrong with what is wanted.
func (d *Desk) checkIntegration(ctx context.Context, wanted integration.Integration, in CreateIntegration) error {
	var bad fault.Problems
	known, ok := shipped.Named(in.Source)
	if !ok {
		bad.Add("source", "is %.60q, which is no source; %s", in.Source, shipped.Unknown(in.Source, shipped.Names()))
	}
	cfg, err := d.noteReferences(ctx, wanted, &bad)
	if err != nil {
		return err
	}
	if m, named := cfg.Mappings[wanted.Mapping]; ok && wanted.Auth == integration.Vendor && !known.Vendor && len(m.Proof) == 0 {
		whose := known.Name + " has no proof of its own that needs a secret"
		if named {
			whose = "the mapping " + wanted.Mapping + " has no field proof, by which requests would be checked"
		}
		bad.Add("auth", "%s; expected none, bearer, basic or hmac-sha256", whose)
	}
	if auth := string(wanted.Auth); len(known.Auths) > 0 && wanted.Auth != integration.None && !slices.Contains(known.Auths, auth) {
		bad.Add("auth", "senders of %s have no room for %s; expected none or %s", known.Name, auth, strings.Join(known.Auths, ", "))
	}
	if in.Secret != "" && wanted.Auth == integration.None {
		bad.Add("secret", "an integration without authentication has none")
	}
	if in.Secret != "" && wanted.Auth == integration.Basic && !strings.Contains(in.Secret, ":") {
		bad.Add("secret", "expected user:password")
	}
	return bad.Err("the input is not valid")
}

// noteReferences notes what an integration names and is not there.
func (d *Desk) noteReferences(ctx context.Context, in integration.Integration, bad *fault.Problems) (*config.Config, error) {
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return nil, err
	}
	if _, known := cfg.Services[in.Service]; in.Service != "" && !known {
		bad.Add("service", "there is no service %q", in.Service)
	}
	if _, known := cfg.Mappings[in.Mapping]; in.Mapping != "" && !known {
		bad.Add("mapping", "there is no mapping %q", in.Mapping)
	}
	return cfg, nil
}

func (d *Desk) updateIntegration(ctx context.Context, c *Caller, in UpdateIntegration) (Integration, error) {
	before, err := d.Integrations.Get(ctx, in.ID)
	if err != nil {
		return Integration{}, err
	}
	change := func(x *integration.Integration) {
		set(&x.Name, in.Name)
		in.onto(x)
	}
	wanted := before
	change(&wanted)
	var bad fault.Problems
	if _, err := d.noteReferences(ctx, wanted, &bad); err != nil {
		return Integration{}, err
	}
	if err := bad.Err("the input is not valid"); err != nil {
		return Integration{}, err
	}
	after, err := d.Integrations.Update(ctx, in.ID, d.Now(), change)
	if err != nil {
		return Integration{}, err
	}
	c.Changed("integration "+in.ID, settingsOf(before), settingsOf(after))
	return integrationOf(after), nil
}

// webhook is the URL that a sender posts to: on the host that is configured,
// else on the one that the caller used.
func (d *Desk) webhook(c *Caller, in integration.Integration, key string) string {
	base := c.base
	if d.PublicURL != nil {
		base = *d.PublicURL
	}
	return base.JoinPath("in", in.Source, key).String()
}

// onIntegration is a change of one field of an integration.
func (d *Desk) onIntegration(verb, summary, description string, change func(*integration.Integration)) *Operation {
	return New(Spec{
		Name: "integrations." + verb, Method: "POST", Path: "/integrations/{id}/" + verb, Scope: IntegrationsWrite,
		Summary: summary, Description: description, Examples: []Example{{"id": "int-k3v9x2m4qp"}},
	}, func(ctx context.Context, c *Caller, in IntegrationID) (Integration, error) {
		after, err := d.Integrations.Update(ctx, in.ID, d.Now(), change)
		if err != nil {
			return Integration{}, err
		}
		c.Changed("integration "+in.ID, "", verb+"d")
		return integrationOf(after), nil
	})
}

func (d *Desk) rotateIntegration(ctx context.Context, c *Caller, in RotateIntegration) (NewIntegration, error) {
	if in.What == "secret" {
		return d.rotateSecret(ctx, c, in)
	}
	if in.Secret != "" {
		return NewIntegration{}, invalid("secret", "a key is always made here; with what=secret it is the secret that is given")
	}
	before, err := d.Integrations.Get(ctx, in.ID)
	if err != nil {
		return NewIntegration{}, err
	}
	of, err := d.sourceOf(ctx, before)
	if err != nil {
		return NewIntegration{}, err
	}
	after, key, err := d.Integrations.RotateKey(ctx, in.ID, d.Now())
	if err != nil {
		return NewIntegration{}, err
	}
	c.Changed("integration "+in.ID, "", "new key")
	return d.newIntegration(c, after, of, key), nil
}

func (d *Desk) rotateSecret(ctx context.Context, c *Caller, in RotateIntegration) (NewIntegration, error) {
	found, err := d.withSecret(ctx, in.ID)
	if err != nil {
		return NewIntegration{}, err
	}
	if in.Secret != "" && found.Auth == integration.Basic && !strings.Contains(in.Secret, ":") {
		return NewIntegration{}, invalid("secret", "expected user:password")
	}
	secret, err := d.newSecret(ctx, found, in.Secret)
	if err != nil {
		return NewIntegration{}, err
	}
	c.Changed("integration "+in.ID, "", "new secret")
	return NewIntegration{Integration: integrationOf(found), Secret: secret}, nil
}

func (d *Desk) withSecret(ctx context.Context, id string) (integration.Integration, error) {
	found, err := d.Integrations.Get(ctx, id)
	if err == nil && found.Auth == integration.None {
		err = invalid("what", "integration %s has no secret", id)
	}
	return found, err
}

func (d *Desk) retire(ctx context.Context, c *Caller, in RetireIntegration) (Integration, error) {
	if in.What == "secret" {
		return d.retireSecret(ctx, c, in.ID)
	}
	before, err := d.Integrations.Get(ctx, in.ID)
	if err != nil {
		return Integration{}, err
	}
	if len(before.KeyHashes) < 2 {
		return Integration{}, nothingToRetire("key", in.ID)
	}
	after, err := d.Integrations.RetireKey(ctx, in.ID, d.Now())
	if err != nil {
		return Integration{}, err
	}
	c.Changed("integration "+in.ID, "", "previous key retired")
	return integrationOf(after), nil
}

func (d *Desk) retireSecret(ctx context.Context, c *Caller, id string) (Integration, error) {
	found, err := d.withSecret(ctx, id)
	if err != nil {
		return Integration{}, err
	}
	valid, err := d.validSecrets(ctx, found)
	if err != nil {
		return Integration{}, err
	}
	if valid < 2 {
		return Integration{}, nothingToRetire("secret", id)
	}
	if err := d.Secrets.Retire(ctx, found.SecretRef); err != nil {
		return Integration{}, err
	}
	c.Changed("integration "+id, "", "previous secret retired")
	return integrationOf(found), nil
}

func nothingToRetire(what, id string) error {
	return fault.New(fault.Conflict, "integration %s has one %s; there is none before it to retire", id, what)
}

func (d *Desk) removeIntegration(ctx context.Context, c *Caller, in IntegrationID) (None, error) {
	found, err := d.Integrations.Get(ctx, in.ID)
	if err != nil {
		return None{}, err
	}
	if err := d.Integrations.Delete(ctx, in.ID); err != nil {
		return None{}, err
	}
	c.Changed("integration "+in.ID, settingsOf(found), "")
	return None{}, nil
}
