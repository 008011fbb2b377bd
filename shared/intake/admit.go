package intake

import (
	"context"

	"tocsin/shared/fault"
	"tocsin/shared/integration"
	"tocsin/shared/source"
)

// Admit finds the integration of the request and checks that its sender may
// use it. An integration of another source is refused like an unknown one; its
// owner is told.
func (in *Intake) Admit(ctx context.Context, key string, req *source.Request) (integration.Found, source.Source, error) {
	found, src, err := in.admit(ctx, key, req)
	if err != nil {
		in.tellOwner(ctx, found, src, req, err)
	}
	return found, src, err
}

func (in *Intake) admit(ctx context.Context, key string, req *source.Request) (integration.Found, source.Source, error) {
	found, err := in.Integrations.Find(ctx, key)
	if err != nil {
		return found, source.Source{}, err
	}
	src, served := in.Pick(ctx, found.Integration)
	if !served {
		return found, source.Source{}, integration.ErrRefused
	}
	if found.Again != nil { // its key is lent for this one request: what it was sent with may be old, and is not kept
		return found, src, nil
	}
	if err := found.Check(req); err != nil {
		return found, src, err
	}
	req.Proven = found.Auth != integration.None && found.Auth != integration.Vendor
	if src.Signed || found.Auth == integration.Vendor {
		if err := verify(src, req, found.Secrets); err != nil {
			return found, src, err
		}
	}
	if found.Paused {
		return found, src, fault.New(fault.Forbidden, "the integration is paused")
	}
	return found, src, in.limits.take(&found.Integration, src.Retry(), in.Now())
}

// verify asks the source. What may pass by itself is no refusal: a sender that
// gives up on 401 would lose the alert.
func verify(src source.Source, req *source.Request, secrets []string) error {
	if src.Verify == nil {
		return integration.ErrRefused
	}
	err := src.Verify(req, secrets)
	if err != nil && !fault.KindOf(err).Retryable() {
		return integration.ErrRefused
	}
	return err
}
