package ops

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"tocsin/shared/apitoken"
	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/config"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
	"tocsin/shared/incident"
	"tocsin/shared/integration"
	"tocsin/shared/ledger"
)

// Desk holds what operations work with. The zero Desk is enough to list them,
// not to do them.
type Desk struct {
	Events             *event.Desk
	Incidents          *incident.Desk
	Executions         Executions // of events
	IncidentExecutions Executions
	Config             Configuration // in force
	Versions           *config.Store // as it stands
	Contacts           *catalog.Store
	Integrations       *integration.Store
	Secrets            *integration.Secrets
	Heartbeats         *heartbeat.Store
	Ledger             *ledger.Store
	Changes            *change.Store
	Bodies             Bodies
	Webhooks           Webhooks
	Tokens             *apitoken.Store
	Audit              *AuditLog
	PublicURL          *url.URL // where webhooks arrive; nil: where the caller calls
	MailDomain         string   // whose mails become alerts; "" when none do
	Now                func() time.Time
}

// All returns the registry: every operation, in the order of the docs.
func All(d *Desk) []*Operation {
	var all []*Operation
	for _, part := range [][]*Operation{
		d.eventOperations(), d.workOperations(), d.incidentOperations(), d.changeOperations(), d.deliveryOperations(), d.againOperations(), d.peopleOperations(), d.integrationOperations(),
		d.heartbeatOperations(), d.tokenOperations(), d.otherOperations(),
	} {
		all = append(all, part...)
	}
	return all
}

// reported returns the service of an event made by hand and the version of
// the configuration, after checking who is to be paged. The service's Plan is
// filled in.
func (d *Desk) reported(ctx context.Context, service string, to event.Assignee) (int, catalog.Service, error) {
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return 0, catalog.Service{}, err
	}
	var bad fault.Problems
	if service == "" {
		service = defaultService
	}
	s, known := cfg.Services[service]
	if !known {
		bad.Add("service", "there is no service %q", service)
	}
	noteAssignee(cfg, to, &bad)
	s.Plan = cfg.PlanNamed(s.Plan).Name
	return cfg.Version, s, bad.Err("the input is not valid")
}

func (d *Desk) checkAssignee(ctx context.Context, to event.Assignee) error {
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return err
	}
	var bad fault.Problems
	noteAssignee(cfg, to, &bad)
	return bad.Err("the input is not valid")
}

func noteAssignee(cfg *config.Config, to event.Assignee, bad *fault.Problems) {
	if to.Member != "" && to.Team != "" {
		bad.Add("team", "give either member or team")
	}
	if _, known := cfg.Members[to.Member]; to.Member != "" && !known {
		bad.Add("member", "there is no member %q", to.Member)
	}
	if _, known := cfg.Teams[to.Team]; to.Team != "" && !known {
		bad.Add("team", "there is no team %q", to.Team)
	}
}

// explain gives errors of the domain the kind by which callers tell them
// apart.
func explain(err error) error {
	if e, ok := event.IsState(err); ok {
		return fault.Wrap(fault.Conflict, err, "%s", e.Error())
	}
	if e, ok := errors.AsType[*incident.StateError](err); ok {
		return fault.Wrap(fault.Conflict, err, "%s", e.Error())
	}
	if e, ok := errors.AsType[*incident.HeldError](err); ok {
		return fault.Wrap(fault.Conflict, err, "%s", e.Error())
	}
	if e, ok := errors.AsType[*event.SlotError](err); ok {
		return fault.Wrap(fault.Conflict, err, "event %s took its place; work on that one", e.Holder)
	}
	if e, ok := errors.AsType[*event.ErrRecordMissing](err); ok {
		return missing(err, fmt.Sprintf("event %s is %s and closes only with a record by a person", e.ID, e.Priority), e.Missing)
	}
	if e, ok := errors.AsType[*incident.ReviewMissingError](err); ok {
		return missing(err, fmt.Sprintf("incident %s is %s and closes only with a review by a person", e.ID, e.Severity), e.Missing)
	}
	return err
}

// missing names the fields that are not there yet; "by" stands for a person.
func missing(cause error, text string, fields []string) error {
	bad := &fault.Error{Kind: fault.Invalid, Text: text, Cause: cause}
	for _, field := range fields {
		if field == "by" {
			bad.Text += "; save it once more under your name"
			continue
		}
		bad.Fields = append(bad.Fields, fault.Field{Path: field, Problem: "missing"})
	}
	return bad
}
