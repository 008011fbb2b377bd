package ops

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/integration"
	"tocsin/shared/source"
	"tocsin/shared/source/all"
)

// Sources returns every kind of monitoring system that has an ingest function.
func Sources() []source.Source {
	return all.Sources()
}

// sourceNames lists the sources as they are called.
func sourceNames() []string {
	var names []string
	for _, s := range Sources() {
		names = append(names, s.Name)
	}
	return names
}

// Integration is one configured connection from a source.
type Integration struct {
	ID        string           `json:"id" table:"ID"`
	Name      string           `json:"name" table:"NAME"`
	Source    string           `json:"source" table:"SOURCE"`
	Service   string           `json:"service,omitempty" doc:"Default service of its alerts." table:"SERVICE"`
	Auth      integration.Kind `json:"auth" enum:"none,bearer,basic,hmac-sha256" table:"AUTH"`
	Header    string           `json:"header,omitempty" doc:"Header of the signature."`
	Paused    bool             `json:"paused" doc:"Its requests are refused." table:"PAUSED"`
	Keys      int              `json:"keys" doc:"How many keys are valid; two after a rotation."`
	CreatedAt time.Time        `json:"created_at" table:"CREATED"`
	UpdatedAt time.Time        `json:"updated_at"`
}

// NewIntegration is an integration with what is shown only once.
type NewIntegration struct {
	Integration
	URL    string `json:"url,omitempty" secret:"true" doc:"Where its webhook goes. It holds the key and is shown only now."`
	Key    string `json:"key,omitempty" secret:"true" doc:"The key in the URL."`
	HexKey string `json:"hex_key,omitempty" secret:"true" doc:"The same key for senders that want 32 hexadecimal digits, like a routing key of PagerDuty."`
	Secret string `json:"secret,omitempty" secret:"true" doc:"What the sender authenticates with: bearer token, user:password, or key of the signature."`
}

// CreateIntegration is the input of integrations.create.
type CreateIntegration struct {
	Name    string           `json:"name" required:"true" min:"1" max:"200" doc:"For people."`
	Source  string           `json:"source" required:"true" max:"64" doc:"Kind of monitoring system, like prometheus."`
	ID      string           `json:"id,omitempty" max:"64" doc:"Without it one is chosen."`
	Service string           `json:"service,omitempty" max:"63" doc:"Default service of its alerts."`
	Auth    integration.Kind `json:"auth,omitempty" enum:"none,bearer,basic,hmac-sha256" default:"none" doc:"What a request must prove beside the key in its URL. The secret is made and shown once."`
	Header  string           `json:"header,omitempty" max:"100" doc:"hmac-sha256: the header of the signature."`
}

// IntegrationID is the input of what needs nothing but an integration.
type IntegrationID struct {
	ID string `json:"id" in:"path" max:"64" doc:"Id of the integration."`
}

// RotateIntegration is the input of integrations.rotate.
type RotateIntegration struct {
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
			Name: "integrations.create", Method: "POST", Path: "/integrations", Scope: IntegrationsWrite, Creates: true,
			Summary:     "Create an integration; its URL and key are shown once.",
			Description: "A repeat with the same Idempotency-Key is answered without URL, key and secret, which are not kept.",
			Examples:    []Example{{"name": "Prometheus of shop", "source": "prometheus", "service": "shop"}},
		}, d.createIntegration),
		d.onIntegration("pause", "Refuse the requests of an integration.", "It holds within 30 seconds.",
			func(in *integration.Integration) { in.Paused = true }),
		d.onIntegration("resume", "Accept the requests of an integration again.", "",
			func(in *integration.Integration) { in.Paused = false }),
		New(Spec{
			Name: "integrations.rotate", Method: "POST", Path: "/integrations/{id}/rotate", Scope: IntegrationsWrite,
			Summary:     "Give an integration a new key or secret, shown once.",
			Description: "The one before stays valid while its sender changes over, until retire for a key, and until the next rotation.",
			Examples:    []Example{{"id": "int-k3v9x2m4qp"}, {"id": "int-k3v9x2m4qp", "what": "secret"}},
		}, d.rotateIntegration),
		New(Spec{
			Name: "integrations.retire", Method: "POST", Path: "/integrations/{id}/retire", Scope: IntegrationsWrite,
			Summary:     "End the validity of the key before the current one.",
			Description: "It holds within 30 seconds.",
			Examples:    []Example{{"id": "int-k3v9x2m4qp"}},
		}, d.retireKey),
		New(Spec{
			Name: "integrations.remove", Method: "DELETE", Path: "/integrations/{id}", Scope: IntegrationsWrite,
			Summary:     "Remove an integration with its keys.",
			Description: "What it delivered stays. Its requests are refused within 30 seconds.",
			Examples:    []Example{{"id": "int-k3v9x2m4qp"}},
		}, d.removeIntegration),
	}
}

func integrationOf(in integration.Integration) Integration {
	return Integration{
		ID: in.ID, Name: in.Name, Source: in.Source, Service: in.Service, Auth: in.Auth, Header: in.Header,
		Paused: in.Paused, Keys: len(in.KeyHashes), CreatedAt: in.CreatedAt, UpdatedAt: in.UpdatedAt,
	}
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
	if err := d.checkIntegration(ctx, in); err != nil {
		return NewIntegration{}, err
	}
	created, key, err := d.Integrations.Create(ctx, integration.Integration{
		ID: in.ID, Name: in.Name, Source: in.Source, Service: in.Service,
		Auth: cmp.Or(in.Auth, integration.None), Header: in.Header,
	}, d.Now())
	if err != nil {
		return NewIntegration{}, err
	}
	out := NewIntegration{Integration: integrationOf(created), Key: key, HexKey: integration.HexKey(key), URL: d.webhook(c, created, key)}
	if created.Auth != integration.None {
		if out.Secret, err = d.Secrets.Rotate(ctx, created.SecretRef, created.Auth); err != nil {
			// Without its secret it refuses every request; better none than half of one.
			_ = d.Integrations.Delete(context.WithoutCancel(ctx), created.ID)
			return NewIntegration{}, err
		}
	}
	c.Changed("integration "+created.ID, "", created.Source+" auth="+string(created.Auth))
	return out, nil
}

func (d *Desk) checkIntegration(ctx context.Context, in CreateIntegration) error {
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return err
	}
	var bad fault.Problems
	if !slices.Contains(sourceNames(), in.Source) {
		bad.Add("source", "is %.60q, expected one of %s", in.Source, strings.Join(sourceNames(), ", "))
	}
	if _, known := cfg.Services[in.Service]; in.Service != "" && !known {
		bad.Add("service", "there is no service %q", in.Service)
	}
	return bad.Err("the input is not valid")
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
		return d.rotateSecret(ctx, c, in.ID)
	}
	after, key, err := d.Integrations.RotateKey(ctx, in.ID, d.Now())
	if err != nil {
		return NewIntegration{}, err
	}
	c.Changed("integration "+in.ID, "", "new key")
	return NewIntegration{Integration: integrationOf(after), Key: key, HexKey: integration.HexKey(key), URL: d.webhook(c, after, key)}, nil
}

func (d *Desk) rotateSecret(ctx context.Context, c *Caller, id string) (NewIntegration, error) {
	found, err := d.Integrations.Get(ctx, id)
	if err != nil {
		return NewIntegration{}, err
	}
	if found.Auth == integration.None {
		return NewIntegration{}, invalid("what", "integration %s has no secret", id)
	}
	secret, err := d.Secrets.Rotate(ctx, found.SecretRef, found.Auth)
	if err != nil {
		return NewIntegration{}, err
	}
	c.Changed("integration "+id, "", "new secret")
	return NewIntegration{Integration: integrationOf(found), Secret: secret}, nil
}

func (d *Desk) retireKey(ctx context.Context, c *Caller, in IntegrationID) (Integration, error) {
	after, err := d.Integrations.RetireKey(ctx, in.ID, d.Now())
	if err != nil {
		return Integration{}, err
	}
	c.Changed("integration "+in.ID, "", "previous key retired")
	return integrationOf(after), nil
}

func (d *Desk) removeIntegration(ctx context.Context, c *Caller, in IntegrationID) (None, error) {
	found, err := d.Integrations.Get(ctx, in.ID)
	if err != nil {
		return None{}, err
	}
	if err := d.Integrations.Delete(ctx, in.ID); err != nil {
		return None{}, err
	}
	c.Changed("integration "+in.ID, found.Source+" auth="+string(found.Auth), "")
	return None{}, nil
}
