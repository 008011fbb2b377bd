package ops

import (
	"context"
	"fmt"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/fault"
)

// Me is the output of whoami.
type Me struct {
	Token  string      `json:"token" doc:"Name of the token."`
	Member string      `json:"member,omitempty" doc:"Whose it is."`
	Actor  event.Actor `json:"actor" doc:"As written into timelines."`
	Scopes []Scope     `json:"scopes"`
}

// TestPage is the input of test-page.
type TestPage struct {
	To string `json:"to" required:"true" max:"63" doc:"A member, or me."`
}

// ListAudit is the input of audit.list.
type ListAudit struct {
	Month string `json:"month,omitempty" in:"query" max:"7" doc:"Like 2026-01; without it the present one."`
	Page
}

func (d *Desk) otherOperations() []*Operation {
	return append(d.configOperations(),
		New(Spec{
			Name: "test-page", Method: "POST", Path: "/test-pages", Scope: EventsWrite, Creates: true,
			Summary:     "Page a member to see that it arrives.",
			Description: "It opens an event titled TEST, which travels the whole way of a real one and counts nowhere. events.get tells what the provider said.",
			Examples:    []Example{{"to": "me"}, {"to": "ann"}},
		}, d.testPage),
		New(Spec{
			Name: "whoami", Method: "GET", Path: "/me",
			Summary: "Show who the token says you are, and what it allows.",
		}, func(_ context.Context, c *Caller, _ None) (Me, error) {
			return Me{Token: c.Token, Member: c.Member, Actor: c.Actor(), Scopes: c.Scopes}, nil
		}),
		New(Spec{
			Name: "audit.list", Method: "GET", Path: "/audit", Scope: Admin,
			Summary:     "List who changed what in a month, newest first.",
			Description: "Entries hold no secrets and no contact addresses.",
			Examples:    []Example{{"month": "2026-01", "limit": 20}},
		}, d.listAudit),
	)
}

func (d *Desk) testPage(ctx context.Context, c *Caller, in TestPage) (Event, error) {
	member := in.To
	if member == "me" {
		if member = c.Member; member == "" {
			return Event{}, invalid("to", "token %s is not a member's; name a member", c.Token)
		}
	}
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return Event{}, err
	}
	m, known := cfg.Members[member]
	if !known {
		return Event{}, invalid("to", "there is no member %q", member)
	}
	view, err := d.member(ctx, cfg, member)
	if err != nil {
		return Event{}, err
	}
	if !view.Reachable {
		return Event{}, fault.New(fault.Conflict, "member %s has no verified contact; add one first", member)
	}
	name := m.DisplayName
	if name == "" {
		name = member
	}
	return d.open(ctx, c, event.Event{
		Title:       "TEST: page to " + name,
		Description: fmt.Sprintf("%s asked for this page to see that it arrives. Nothing is wrong; acknowledge or resolve it.", c.Actor()),
		Priority:    alert.P4, Service: defaultService, Test: true,
		Assignee:      event.Assignee{Member: member, Named: true},
		ConfigVersion: cfg.Version, Plan: cfg.PlanNamed("").Name,
		Why: []string{"test page by " + string(c.Actor())},
	})
}

func (d *Desk) listAudit(ctx context.Context, _ *Caller, in ListAudit) (List[AuditEntry], error) {
	month := in.Month
	if month == "" {
		month = monthOf(d.Now())
	} else if _, err := time.Parse("2006-01", month); err != nil {
		return List[AuditEntry]{}, invalid("month", "is %q, expected a month like 2026-01", month)
	}
	before, err := in.position()
	if err != nil {
		return List[AuditEntry]{}, err
	}
	items, err := d.Audit.List(ctx, month, before, in.limit())
	next := ""
	if n := len(items); n == in.limit() {
		next = items[n-1].ID
	}
	return listOf(items, next), err
}
