package lifecycle

import (
	"context"
	"fmt"

	"tocsin/shared/catalog"
	"tocsin/shared/defaults"
	"tocsin/shared/fault"
	"tocsin/shared/page"
	"tocsin/shared/plan"
)

// Config is what is read of the configuration. Plans come from the version that
// an event keeps; people are read live.
type Config interface {
	Plan(ctx context.Context, version int, name string) (plan.Plan, error)
	Members(ctx context.Context, t plan.Target) ([]catalog.Member, error)
}

// Contacts reads a member's contacts.
type Contacts interface {
	List(ctx context.Context, member string) ([]catalog.Contact, error)
}

// People says who is told.
type People struct {
	Config   Config
	Contacts Contacts
}

// Behind reads the members behind targets with their contacts. A target that
// no longer exists is no failure: missing says why it is not reached.
func (p People) Behind(ctx context.Context, targets []plan.Target) (people []page.Person, missing []string, err error) {
	for _, t := range targets {
		members, err := p.Config.Members(ctx, t)
		if fault.Is(err, fault.NotFound) {
			missing = append(missing, err.Error())
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		for _, m := range members {
			contacts, err := p.Contacts.List(ctx, m.Name)
			if err != nil {
				return nil, nil, fmt.Errorf("contacts of %s: %w", m.Name, err)
			}
			people = append(people, page.Person{Member: m.Name, Name: nameOf(m), Contacts: contacts})
		}
	}
	return people, missing, nil
}

// LastResort reads who is told of what nothing else can be known: the last
// resort of the default plan in force, and the administrator.
func (p People) LastResort(ctx context.Context) ([]page.Person, error) {
	standard, err := p.Config.Plan(ctx, 0, defaults.Plan)
	if err != nil {
		return nil, err
	}
	people, _, err := p.Behind(ctx, append(standard.LastResort, plan.Target{Member: defaults.Administrator}))
	return people, err
}

func nameOf(m catalog.Member) string {
	if m.DisplayName != "" {
		return m.DisplayName
	}
	return m.Name
}
