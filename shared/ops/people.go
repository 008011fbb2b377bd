package ops

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"tocsin/shared/catalog"
	"tocsin/shared/config"
	"tocsin/shared/defaults"
	"tocsin/shared/fault"
)

const defaultService = defaults.Service

// Configuration is the configuration in force.
type Configuration interface {
	Current(ctx context.Context) (*config.Config, error)
}

// Member is a person who can be paged.
type Member struct {
	Name        string   `json:"name" table:"NAME"`
	DisplayName string   `json:"display_name,omitempty" table:"DISPLAY NAME"`
	Language    string   `json:"language,omitempty"`
	TimeZone    string   `json:"time_zone,omitempty" table:"TIME ZONE"`
	Teams       []string `json:"teams" table:"TEAMS"`
	Channels    []string `json:"channels" doc:"Channels of the verified contacts, in the order in which they are tried." table:"CHANNELS"`
	Reachable   bool     `json:"reachable" doc:"They have a verified contact." table:"REACHABLE"`
}

// Contact is one way to reach a member.
type Contact struct {
	ID       string          `json:"id" table:"ID"`
	Member   string          `json:"member" table:"MEMBER"`
	Channel  catalog.Channel `json:"channel" enum:"email,ntfy" table:"CHANNEL"`
	Address  string          `json:"address" table:"ADDRESS"`
	Verified bool            `json:"verified" doc:"Only a member who has no verified contact is paged at another." table:"VERIFIED"`
	Order    int             `json:"order" doc:"The lowest is tried first." table:"ORDER"`
}

// ListMembers is the input of members.list.
type ListMembers struct {
	Page
}

// MemberName is the input of what needs nothing but a member.
type MemberName struct {
	Member string `json:"member" in:"path" max:"63" doc:"Name of the member."`
}

// AddContact is the input of contacts.add.
type AddContact struct {
	MemberName
	Channel  catalog.Channel `json:"channel" required:"true" enum:"email,ntfy" doc:"How they are reached."`
	Address  string          `json:"address" required:"true" max:"512" doc:"Mail address; topic of ntfy, or the https URL of one."`
	ID       string          `json:"id,omitempty" max:"63" doc:"Name of the contact; without it the channel's."`
	Order    int             `json:"order,omitempty" min:"0" max:"1000" doc:"The lowest is tried first."`
	Verified bool            `json:"verified,omitempty" doc:"You know that it reaches them. Only a member who has no verified contact is paged at another."`
}

// RemoveContact is the input of contacts.remove.
type RemoveContact struct {
	MemberName
	Contact string `json:"contact" in:"path" max:"63" doc:"Id of the contact."`
}

// Service is what is monitored.
type Service struct {
	Name        string `json:"name" table:"NAME"`
	DisplayName string `json:"display_name,omitempty" table:"DISPLAY NAME"`
	Description string `json:"description,omitempty"`
	Tier        int    `json:"tier,omitempty" doc:"1 is the most important." table:"TIER"`
	Team        string `json:"team,omitempty" doc:"The team that answers for it." table:"TEAM"`
	Plan        string `json:"plan" doc:"The plan that runs for its events." table:"PLAN"`

	CauseClasses []string `json:"cause_classes" doc:"What the record of its events may name as cause_class; those of the team stand last."`
}

func (d *Desk) peopleOperations() []*Operation {
	return []*Operation{
		New(Spec{
			Name: "members.list", Method: "GET", Path: "/members", Scope: PeopleRead,
			Summary:     "List members by name, and whether a page can reach them.",
			Description: "Members are part of the configuration; their contacts are not.",
			Examples:    []Example{{"limit": 20}},
		}, d.listMembers),
		New(Spec{
			Name: "contacts.list", Method: "GET", Path: "/members/{member}/contacts", Scope: PeopleRead,
			Summary:  "List the contacts of a member, in the order in which they are tried.",
			Examples: []Example{{"member": "ann"}},
		}, d.listContacts),
		New(Spec{
			Name: "contacts.add", Method: "POST", Path: "/members/{member}/contacts", Scope: PeopleWrite, Creates: true,
			Summary:     "Add a contact to a member.",
			Description: "Without verified the contact is paged only while the member has no verified one.",
			Examples:    []Example{{"member": "ann", "channel": "email", "address": "ann@example.com", "verified": true}},
		}, d.addContact),
		New(Spec{
			Name: "contacts.remove", Method: "DELETE", Path: "/members/{member}/contacts/{contact}", Scope: PeopleWrite,
			Summary:  "Remove a contact of a member.",
			Examples: []Example{{"member": "ann", "contact": "email"}},
		}, d.removeContact),
		New(Spec{
			Name: "services.list", Method: "GET", Path: "/services", Scope: PeopleRead,
			Summary:  "List services by name.",
			Examples: []Example{{"limit": 20}},
		}, d.listServices),
	}
}

// named returns the page of names after the cursor, in order, and the next
// cursor's position.
func named[T any](all map[string]T, in Page) (names []string, next string, err error) {
	after, err := in.position()
	if err != nil {
		return nil, "", err
	}
	names = slices.Sorted(maps.Keys(all))
	at, found := slices.BinarySearch(names, after)
	if found {
		at++
	}
	names = names[at:]
	if len(names) > in.limit() {
		names = names[:in.limit()]
		next = names[len(names)-1]
	}
	return names, next, nil
}

func (d *Desk) listMembers(ctx context.Context, _ *Caller, in ListMembers) (List[Member], error) {
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return List[Member]{}, err
	}
	names, next, err := named(cfg.Members, in.Page)
	if err != nil {
		return List[Member]{}, err
	}
	items := make([]Member, len(names))
	for i, name := range names {
		if items[i], err = d.member(ctx, cfg, name); err != nil {
			return List[Member]{}, err
		}
	}
	return listOf(items, next), nil
}

func (d *Desk) member(ctx context.Context, cfg *config.Config, name string) (Member, error) {
	m := cfg.Members[name]
	v := Member{Name: name, DisplayName: m.DisplayName, Language: m.Language, TimeZone: m.TimeZone, Teams: []string{}, Channels: []string{}}
	for _, team := range slices.Sorted(maps.Keys(cfg.Teams)) {
		if slices.Contains(cfg.Teams[team].Members, name) {
			v.Teams = append(v.Teams, team)
		}
	}
	contacts, err := d.Contacts.List(ctx, name)
	for _, c := range contacts {
		if c.Verified {
			v.Channels = append(v.Channels, string(c.Channel))
		}
	}
	v.Reachable = len(v.Channels) > 0
	return v, err
}

// checkMember returns an error of kind NotFound for a member that does not
// exist.
func (d *Desk) checkMember(ctx context.Context, name string) error {
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return err
	}
	if _, known := cfg.Members[name]; !known {
		return fault.New(fault.NotFound, "there is no member %q", name)
	}
	return nil
}

func (d *Desk) listContacts(ctx context.Context, _ *Caller, in MemberName) (List[Contact], error) {
	if err := d.checkMember(ctx, in.Member); err != nil {
		return List[Contact]{}, err
	}
	contacts, err := d.Contacts.List(ctx, in.Member)
	items := make([]Contact, len(contacts))
	for i, c := range contacts {
		items[i] = Contact(c)
	}
	return listOf(items, ""), err
}

func (d *Desk) addContact(ctx context.Context, c *Caller, in AddContact) (Contact, error) {
	if err := d.checkMember(ctx, in.Member); err != nil {
		return Contact{}, err
	}
	existing, err := d.Contacts.List(ctx, in.Member)
	if err != nil {
		return Contact{}, err
	}
	taken := func(id string) bool {
		return slices.ContainsFunc(existing, func(c catalog.Contact) bool { return c.ID == id })
	}
	id := cmp.Or(in.ID, string(in.Channel))
	for n := 2; in.ID == "" && taken(id); n++ {
		id = fmt.Sprintf("%s-%d", in.Channel, n)
	}
	if taken(id) {
		return Contact{}, fault.New(fault.Conflict, "member %s has a contact %s already", in.Member, id)
	}
	contact := catalog.Contact{ID: id, Member: in.Member, Channel: in.Channel, Address: in.Address, Order: in.Order, Verified: in.Verified}
	if err := d.Contacts.Put(ctx, contact); err != nil {
		return Contact{}, err
	}
	c.Changed("member "+in.Member, "", "contact "+id)
	return Contact(contact), nil
}

func (d *Desk) removeContact(ctx context.Context, c *Caller, in RemoveContact) (None, error) {
	if err := d.Contacts.Remove(ctx, in.Member, in.Contact); err != nil {
		return None{}, err
	}
	c.Changed("member "+in.Member, "contact "+in.Contact, "")
	return None{}, nil
}

// ListServices is the input of services.list.
type ListServices struct {
	Page
}

func (d *Desk) listServices(ctx context.Context, _ *Caller, in ListServices) (List[Service], error) {
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return List[Service]{}, err
	}
	names, next, err := named(cfg.Services, in.Page)
	if err != nil {
		return List[Service]{}, err
	}
	items := make([]Service, len(names))
	for i, name := range names {
		s := cfg.Services[name]
		items[i] = Service{
			Name: name, DisplayName: s.DisplayName, Description: s.Description, Tier: s.Tier, Team: s.Team,
			Plan: cfg.PlanNamed(s.Plan).Name, CauseClasses: cfg.CauseClasses(name),
		}
	}
	return listOf(items, next), nil
}
