// Package config owns the configuration: documents of a kind, a name and a
// spec, checked as a whole, published as one numbered version, and the typed
// [Config] that functions read. Overrides, silences, contacts and secrets are
// data and stand elsewhere.
//
//	cfg, problems := config.Parse([]config.Document{{Kind: "member", Name: "ann", Spec: []byte(`{"language":"en"}`)}})
package config

import (
	"cmp"
	"encoding/json"
	"slices"
	"sync"

	"tocsin/shared/catalog"
	"tocsin/shared/defaults"
	"tocsin/shared/plan"
	"tocsin/shared/rule"
	"tocsin/shared/source/preset"
)

// The kinds of documents.
const (
	KindSettings = "settings" // one document, named "default"
	KindMember   = "member"
	KindTeam     = "team"
	KindService  = "service"
	KindPlan     = "plan"
	KindRule     = "rule"
	KindMapping  = "mapping"
)

// Kinds returns the kinds in the order in which documents are listed.
func Kinds() []string {
	return []string{KindSettings, KindMember, KindTeam, KindService, KindPlan, KindRule, KindMapping}
}

// Document is one thing that is configured, the same in YAML, API and store.
type Document struct {
	Kind string          `json:"kind"`
	Name string          `json:"name"`           // see [catalog.ValidName]; unique within the kind
	Spec json.RawMessage `json:"spec,omitempty"` // none: all defaults
}

// Compare orders documents by kind, then name.
func Compare(a, b Document) int {
	kinds := Kinds()
	return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

// Settings apply to the whole installation.
type Settings struct {
	DefaultPlan string `json:"default_plan,omitempty"` // of services that name none
	TimeZone    string `json:"time_zone,omitempty"`    // IANA; of members that name none
	Language    string `json:"language,omitempty"`     // "en" or "zh"; of members that name none
}

// Config is one version of the configuration with the built-in documents
// filled in. It is read only and safe for concurrent use.
type Config struct {
	Version   int // 0: nothing was published yet
	Services  map[string]catalog.Service
	Teams     map[string]catalog.Team
	Members   map[string]catalog.Member
	Plans     map[string]plan.Plan
	Mappings  map[string]preset.Spec
	Rules     []rule.Rule // in the order in which they are tried; the catch-all is last
	Settings  Settings    // with the defaults filled in
	Documents []Document  // as published, in canonical form and order, without the built-in ones

	compile  sync.Once // rules, into ruleSet
	ruleSet  *rule.Set
	compiled sync.Map // mappings by name, as *preset.Preset
}

// Builtin returns the documents that are always there; a published document of
// the same kind and name takes the place of one.
func Builtin() []Document {
	document := func(kind, name, spec string) Document {
		return Document{Kind: kind, Name: name, Spec: json.RawMessage(spec)}
	}
	return []Document{
		document(KindSettings, SettingsName, `{}`),
		document(KindMember, defaults.Administrator, `{"display_name":"Administrator"}`),
		document(KindService, defaults.Service, `{"display_name":"Default"}`),
		document(KindPlan, defaults.Plan, `{"steps":[{"targets":[{"member":"`+defaults.Administrator+`"}]}],"last_resort":[{"member":"`+defaults.Administrator+`"}]}`),
		document(KindRule, defaults.CatchAll, `{"outcome":"event"}`),
	}
}

// SettingsName is the name of the one document of settings.
const SettingsName = "default"

// empty returns a configuration without anything in it.
func empty() *Config {
	return &Config{
		Services: map[string]catalog.Service{},
		Teams:    map[string]catalog.Team{},
		Members:  map[string]catalog.Member{},
		Plans:    map[string]plan.Plan{},
		Mappings: map[string]preset.Spec{},
	}
}

// RuleSet returns the compiled rules. They are compiled at the first call, and
// a binary that never asks does not hold what compiles them.
func (c *Config) RuleSet() *rule.Set {
	c.compile.Do(func() {
		c.ruleSet, _ = rule.Compile(c.Rules) // a broken rule reports itself when it is matched
	})
	return c.ruleSet
}

// put decodes a spec, keeps it under its name, and returns it as decoded; nil
// for a kind that does not exist.
func (c *Config) put(kind, name string, decode func(into any)) any {
	switch kind {
	case KindSettings:
		var s Settings
		decode(&s)
		c.Settings = s.filled()
		return s
	case KindMember:
		var m catalog.Member
		decode(&m)
		m.Name = name
		c.Members[name] = m
		return m
	case KindTeam:
		var t catalog.Team
		decode(&t)
		t.Name = name
		c.Teams[name] = t
		return t
	case KindService:
		var s catalog.Service
		decode(&s)
		s.Name = name
		c.Services[name] = s
		return s
	case KindPlan:
		var p plan.Plan
		decode(&p)
		p.Name = name
		c.Plans[name] = p
		return p
	case KindRule:
		var r rule.Rule
		decode(&r)
		r.Name = name
		c.Rules = append(c.Rules, r)
		return r
	case KindMapping:
		var m preset.Spec
		decode(&m)
		c.Mappings[name] = m
		return m
	}
	return nil
}

func (s Settings) filled() Settings {
	return Settings{
		DefaultPlan: cmp.Or(s.DefaultPlan, defaults.Plan),
		TimeZone:    cmp.Or(s.TimeZone, defaults.TimeZone),
		Language:    cmp.Or(s.Language, defaults.Language),
	}
}

// PlanFor returns the plan of an event: the rule's, else the service's, else
// the default.
func (c *Config) PlanFor(r rule.Rule, service string) plan.Plan {
	return c.PlanNamed(cmp.Or(r.Plan, c.Services[service].Plan))
}

// PlanNamed returns a plan; for a name that is "" or unknown the default plan,
// so that there is always somebody to page.
func (c *Config) PlanNamed(name string) plan.Plan {
	for _, n := range [...]string{name, c.Settings.DefaultPlan, defaults.Plan} {
		if p, ok := c.Plans[n]; ok {
			return p
		}
	}
	return plan.Plan{}
}

// CauseClasses returns the classes that the record of a service's event may
// have: those that ship, then those of the service's team.
func (c *Config) CauseClasses(service string) []string {
	return slices.Concat(defaults.CauseClasses, c.Teams[c.Services[service].Team].CauseClasses)
}

// MembersOf returns the members that a target stands for, in the order of the
// team; none when it names nobody.
func (c *Config) MembersOf(t plan.Target) []string {
	if _, ok := c.Members[t.Member]; ok {
		return []string{t.Member}
	}
	return c.Teams[t.Team].Members
}
