package integration

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/shared/cloud"
	"tocsin/shared/fault"
)

// SecretsPrefixVariable names the environment variable of [Store.SecretsPrefix].
const SecretsPrefixVariable = "SECRETS_PREFIX"

// Pair is what an integration's parameter holds: the secret in use and, while
// senders change over, the one before it.
type Pair struct {
	Current  string `json:"current"`
	Previous string `json:"previous,omitempty"`
}

// Valid returns the secrets that are accepted.
func (p Pair) Valid() []string {
	var out []string
	for _, s := range [...]string{p.Current, p.Previous} {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// parameters is the parameter store.
type parameters interface {
	GetParameter(ctx context.Context, name string) (string, error)
	PutParameter(ctx context.Context, name, value string) error
}

// Secrets keeps the secrets of integrations, each pair in one SecureString.
// It is safe for concurrent use.
type Secrets struct {
	api parameters
}

// NewSecrets returns the secrets that SSM keeps.
func NewSecrets(cfg aws.Config, env cloud.Lookup) *Secrets {
	return &Secrets{api: newSSM(cfg, env)}
}

// Get reads the pair under ref. An error never holds a part of it.
func (s *Secrets) Get(ctx context.Context, ref string) (Pair, error) {
	value, err := s.api.GetParameter(ctx, ref)
	if fault.Is(err, fault.NotFound) {
		return Pair{}, fault.New(fault.NotFound, "there is no parameter %s", ref)
	}
	if err != nil {
		return Pair{}, fault.Wrap(fault.Unavailable, err, "read parameter %s", ref)
	}
	var p Pair
	if json.Unmarshal([]byte(value), &p) != nil || p.Current == "" {
		return Pair{}, fmt.Errorf("parameter %s holds no pair of secrets", ref)
	}
	return p, nil
}

// Put keeps p under ref, in place of what was there.
func (s *Secrets) Put(ctx context.Context, ref string, p Pair) error {
	value, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode the secrets of %s: %w", ref, err)
	}
	if err := s.api.PutParameter(ctx, ref, string(value)); err != nil {
		return fault.Wrap(fault.Unavailable, err, "write parameter %s", ref)
	}
	return nil
}

// Rotate puts a new secret for auth before the current one, which stays valid
// until the next rotation, and returns it. Where there was none, it is the first.
func (s *Secrets) Rotate(ctx context.Context, ref string, auth Kind) (string, error) {
	secret := rand.Text()
	if auth == Basic {
		secret = basicUser + ":" + secret
	}
	if err := s.Take(ctx, ref, secret); err != nil {
		return "", err
	}
	return secret, nil
}

// Take puts a secret that the sender gave before the current one, which stays
// valid until the next rotation.
func (s *Secrets) Take(ctx context.Context, ref, secret string) error {
	before, err := s.Get(ctx, ref)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return s.Put(ctx, ref, Pair{Current: secret, Previous: before.Current})
}

// Retire ends the validity of the secret before the current one.
func (s *Secrets) Retire(ctx context.Context, ref string) error {
	before, err := s.Get(ctx, ref)
	if err != nil {
		return err
	}
	return s.Put(ctx, ref, Pair{Current: before.Current})
}

// basicUser is the user of the secrets that we make for basic authentication.
const basicUser = "tocsin"
