package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"tocsin/shared/actionlink"
	"tocsin/shared/catalog"
	"tocsin/shared/defaults"
)

// Ring keeps the key ring of links.
type Ring interface {
	Load(ctx context.Context) ([]byte, error)
	Create(ctx context.Context, ring *actionlink.Ring) (created bool, err error)
}

// Contacts keeps contacts.
type Contacts interface {
	List(ctx context.Context, member string) ([]catalog.Contact, error)
	Put(ctx context.Context, c catalog.Contact) error
}

// account is what the function sets up.
type account struct {
	ring     Ring
	contacts Contacts
	email    string // of the administrator
}

// resourceID is the physical id of the resource. It never changes, so that no
// update makes CloudFormation delete the resource before it.
const resourceID = "tocsin-setup"

// contactID names the contact that is made for the administrator.
const contactID = "email"

// margin is what is left of the function's time to answer with.
const margin = 5 * time.Second

var errSlow = errors.New("it took too long")

// handler answers CloudFormation's requests.
type handler struct {
	open func() (*account, error)
	now  func() time.Time
	log  *slog.Logger
}

// handle does one request and answers it, whatever happens: CloudFormation
// waits an hour for an answer that does not come.
func (h *handler) handle(ctx context.Context, e cfn.Event) error {
	r := cfn.NewResponse(&e)
	r.PhysicalResourceID, r.Status = resourceID, cfn.StatusSuccess
	data, err := h.within(ctx, e.RequestType)
	r.Data = data
	if err != nil {
		r.Status, r.Reason = cfn.StatusFailed, "Tocsin is not set up: "+err.Error()
	}
	h.log.LogAttrs(ctx, level(err), "set up", slog.String("request", string(e.RequestType)), slog.Any("made", data), slog.Any("err", err))
	if err := r.Send(); err != nil {
		return fmt.Errorf("answer CloudFormation: %w", withoutURL(err))
	}
	return nil
}

func level(err error) slog.Level {
	if err != nil {
		return slog.LevelError
	}
	return slog.LevelInfo
}

// withoutURL takes the address out of an error: whoever holds it may answer.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// within leaves time to answer, and makes an error of a panic.
func (h *handler) within(ctx context.Context, request cfn.RequestType) (made map[string]any, err error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, deadline.Add(-margin), errSlow)
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			made, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	return h.do(ctx, request)
}

// do makes what is absent. On Delete it does nothing: keys and contacts are
// the team's, and outlive the stack.
func (h *handler) do(ctx context.Context, request cfn.RequestType) (map[string]any, error) {
	switch request {
	case cfn.RequestDelete:
		return map[string]any{"LinkKeys": "kept", "Contact": "kept"}, nil
	case cfn.RequestCreate, cfn.RequestUpdate:
	default:
		return nil, fmt.Errorf("request type %q is not known", request)
	}
	a, err := h.open()
	if err != nil {
		return nil, err
	}
	keys, err := a.makeKeys(ctx, h.now())
	if err != nil {
		return nil, err
	}
	contact, err := a.makeContact(ctx)
	return map[string]any{"LinkKeys": keys, "Contact": contact}, err
}

// makeKeys creates the key ring. One that is there is never overwritten, not
// even when it cannot be read: links that were sent depend on it.
func (a *account) makeKeys(ctx context.Context, at time.Time) (string, error) {
	ring, err := actionlink.NewRing(at)
	if err != nil {
		return "", err
	}
	created, err := a.ring.Create(ctx, ring)
	if err != nil {
		return "", fmt.Errorf("key ring: %w", err)
	}
	if created {
		return "created", nil
	}
	text, err := a.ring.Load(ctx)
	if err != nil {
		return "", fmt.Errorf("key ring: %w", err)
	}
	if _, err := actionlink.ParseRing(text); err != nil {
		return "", fmt.Errorf("key ring: the parameter exists and is left as it is, but %w", err)
	}
	return "kept", nil
}

// makeContact makes the address given at deployment the administrator's first
// contact. It counts as verified: whoever deploys gave it, and without it the
// catch-all rule would page nobody.
func (a *account) makeContact(ctx context.Context) (string, error) {
	there, err := a.contacts.List(ctx, defaults.Administrator)
	if err != nil {
		return "", fmt.Errorf("contact of the administrator: %w", err)
	}
	if len(there) > 0 {
		return "kept", nil
	}
	err = a.contacts.Put(ctx, catalog.Contact{
		ID: contactID, Member: defaults.Administrator, Channel: catalog.Email, Address: a.email, Verified: true,
	})
	if err != nil {
		return "", fmt.Errorf("contact of the administrator (ADMIN_EMAIL): %w", err)
	}
	return "created", nil
}
