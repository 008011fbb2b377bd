package ops

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tocsin/shared/apitoken"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/plan"
)

// Tokens authenticates callers by the tokens of a store.
type Tokens struct {
	Store *apitoken.Store
}

// Caller returns who calls with a token.
func (t Tokens) Caller(ctx context.Context, secret string) (*Caller, error) {
	found, err := t.Store.Find(ctx, secret)
	if err != nil {
		return nil, err
	}
	c := &Caller{Token: found.Name, Member: found.Member}
	for _, s := range found.Scopes {
		c.Scopes = append(c.Scopes, Scope(s))
	}
	return c, nil
}

// Token is what is known of a token.
type Token struct {
	Name      string    `json:"name" table:"NAME"`
	Member    string    `json:"member,omitempty" doc:"Whose it is; what it does is done by them." table:"MEMBER"`
	Scopes    []string  `json:"scopes" table:"SCOPES"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitempty"`
	ExpiresAt time.Time `json:"expires_at" table:"EXPIRES"`
	LastUsed  time.Time `json:"last_used,omitzero" doc:"Noted at most once an hour." table:"LAST USED"`
}

// NewToken is a token with the secret, which is shown only once.
type NewToken struct {
	Token
	Secret string `json:"token,omitempty" secret:"true" doc:"Send it as Authorization: Bearer. It is shown only now."`
}

// CreateToken is the input of tokens.create.
type CreateToken struct {
	Name      string        `json:"name" required:"true" max:"63" doc:"What it is for, unique."`
	Member    string        `json:"member,omitempty" max:"63" doc:"Whose it is; what it does is done by them."`
	Scopes    []string      `json:"scopes" required:"true" min:"1" max:"20" enum:"events:read,events:write,incidents:read,incidents:write,deliveries:read,deliveries:write,people:read,people:write,integrations:read,integrations:write,heartbeats:read,heartbeats:write,config:read,config:write,admin" doc:"What it allows. A write scope allows reading too; admin allows everything."`
	ExpiresIn plan.Duration `json:"expires_in,omitempty" default:"90d" doc:"How long it lives, at most 366d."`
}

// TokenName is the input of tokens.revoke.
type TokenName struct {
	Name string `json:"name" in:"path" max:"63" doc:"Name of the token."`
}

func (d *Desk) tokenOperations() []*Operation {
	return []*Operation{
		New(Spec{
			Name: "tokens.list", Method: "GET", Path: "/tokens", Scope: Admin,
			Summary: "List tokens by name, expired ones too.",
		}, d.listTokens),
		New(Spec{
			Name: "tokens.create", Method: "POST", Path: "/tokens", Scope: Admin, Creates: true,
			Summary:     "Create a token; it is shown once and kept as a hash.",
			Description: "A repeat with the same Idempotency-Key is answered without the token, which is not kept.",
			Examples:    []Example{{"name": "ci", "scopes": []string{"config:write"}, "expires_in": "30d"}, {"name": "ann", "member": "ann", "scopes": []string{"events:write"}}},
		}, d.createToken),
		New(Spec{
			Name: "tokens.revoke", Method: "DELETE", Path: "/tokens/{name}", Scope: Admin,
			Summary:     "Revoke a token.",
			Description: "It stops working within 30 seconds.",
			Examples:    []Example{{"name": "ci"}},
		}, d.revokeToken),
	}
}

func tokenOf(t apitoken.Token) Token {
	return Token{
		Name: t.Name, Member: t.Member, Scopes: t.Scopes, CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy,
		ExpiresAt: t.ExpiresAt, LastUsed: t.LastUsed,
	}
}

func (d *Desk) listTokens(ctx context.Context, _ *Caller, _ None) (List[Token], error) {
	found, err := d.Tokens.List(ctx)
	items := make([]Token, len(found))
	for i, t := range found {
		items[i] = tokenOf(t)
	}
	return listOf(items, ""), err
}

func (d *Desk) createToken(ctx context.Context, c *Caller, in CreateToken) (NewToken, error) {
	if in.Member != "" {
		if err := d.checkMember(ctx, in.Member); fault.Is(err, fault.NotFound) {
			return NewToken{}, invalid("member", "there is no member %q", in.Member)
		} else if err != nil {
			return NewToken{}, err
		}
	}
	at := d.Now()
	t := apitoken.Token{
		Name: in.Name, Member: in.Member, Scopes: slices.Compact(slices.Sorted(slices.Values(in.Scopes))),
		CreatedBy: string(c.Actor()), ExpiresAt: at.Add(in.ExpiresIn.Or(apitoken.DefaultLife)),
	}
	created, secret, err := d.Tokens.Create(ctx, t, at)
	if err != nil {
		return NewToken{}, err
	}
	c.Changed("token "+created.Name, "", tokenSummary(created))
	return NewToken{Token: tokenOf(created), Secret: secret}, nil
}

func tokenSummary(t apitoken.Token) string {
	s := strings.Join(t.Scopes, ",") + " until " + t.ExpiresAt.Format(time.RFC3339)
	if t.Member != "" {
		s += " of " + t.Member
	}
	return s
}

func (d *Desk) revokeToken(ctx context.Context, c *Caller, in TokenName) (None, error) {
	if err := d.Tokens.Revoke(ctx, in.Name); err != nil {
		return None{}, err
	}
	c.Changed("token "+in.Name, "valid", "revoked")
	return None{}, nil
}

// Bootstrap makes a token with every scope for whoever may write the config
// table, and notes it in the audit log.
func Bootstrap(ctx context.Context, tokens *apitoken.Store, audit *AuditLog, t apitoken.Token, at time.Time) (apitoken.Token, string, error) {
	t.Scopes, t.CreatedBy = []string{string(Admin)}, cmp.Or(t.CreatedBy, "bootstrap")
	created, secret, err := tokens.Create(ctx, t, at)
	if err != nil {
		return created, secret, err
	}
	return created, secret, audit.Add(ctx, AuditEntry{
		ID: entryID(at), At: at, By: event.ByToken("bootstrap"), Token: "bootstrap", Operation: "bootstrap",
		Target: "token " + created.Name, After: tokenSummary(created),
	})
}
