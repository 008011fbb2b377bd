package config

import (
	"fmt"
	"slices"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/defaults"
	"tocsin/shared/fault"
	"tocsin/shared/plan"
	"tocsin/shared/rule"
)

// Bounds of a plan and of a team.
const (
	maxSteps        = 50
	maxTargets      = 20
	maxCauseClasses = 50
)

// check notes what is wrong with documents that could be read, each by itself
// and in what it says of others.
func (p *parser) check() {
	p.indexRules()
	for i, d := range p.docs {
		if at, there := p.at[keyOf(d)]; !there || at != i || p.unread[keyOf(d)] {
			continue
		}
		var found fault.Problems
		p.checkSpec(d, &found)
		for j := range found {
			found[j].Path = "spec." + found[j].Path
		}
		if d.Kind == KindMapping {
			checkShadow(d.Name, &found)
		}
		p.note(i, found)
	}
}

func (p *parser) checkSpec(d Document, found *fault.Problems) {
	switch d.Kind {
	case KindSettings:
		p.checkSettings(p.config.Settings, found)
	case KindMember:
		checkMember(p.config.Members[d.Name], found)
	case KindTeam:
		p.checkTeam(p.config.Teams[d.Name], found)
	case KindService:
		p.checkService(p.config.Services[d.Name], found)
	case KindPlan:
		p.checkPlan(p.config.Plans[d.Name], found)
	case KindRule:
		p.checkRule(p.rules[d.Name], found)
	case KindMapping:
		checkMapping(d.Name, p.config.Mappings[d.Name], found)
	}
}

func (p *parser) indexRules() {
	p.rules, p.ids = map[string]rule.Rule{}, map[string][]string{}
	for _, r := range p.config.Rules {
		p.rules[r.Name] = r
		p.ids[r.StableID()] = append(p.ids[r.StableID()], r.Name)
	}
}

func (p *parser) checkSettings(s Settings, found *fault.Problems) {
	refer("default_plan", KindPlan, s.DefaultPlan, p.config.Plans, found)
	checkZone(s.TimeZone, found)
	checkLanguage(s.Language, found)
}

func checkMember(m catalog.Member, found *fault.Problems) {
	checkZone(m.TimeZone, found)
	checkLanguage(m.Language, found)
}

func checkLanguage(language string, found *fault.Problems) {
	if !slices.Contains([]string{"", "en", "zh"}, language) {
		found.Add("language", "found %.40q, expected en or zh", language)
	}
}

// checkZone refuses "Local", which is another zone on each machine.
func checkZone(zone string, found *fault.Problems) {
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		found.Add("time_zone", "%.80q is no IANA time zone, expected one like Europe/Berlin", zone)
	}
}

func (p *parser) checkTeam(t catalog.Team, found *fault.Problems) {
	if len(t.Members) == 0 {
		found.Add("members", "the team is empty, expected at least one member")
	}
	for i, m := range t.Members {
		at := fmt.Sprintf("members[%d]", i)
		refer(at, KindMember, m, p.config.Members, found)
		if slices.Index(t.Members, m) < i {
			found.Add(at, "%q stands there twice", m)
		}
		if m == "" {
			found.Add(at, "the name is empty")
		}
	}
	if t.Leader != "" && !slices.Contains(t.Members, t.Leader) {
		found.Add("leader", "%.80q is not a member of the team", t.Leader)
	}
	checkCauseClasses(t.CauseClasses, found)
}

func checkCauseClasses(classes []string, found *fault.Problems) {
	if n := len(classes); n > maxCauseClasses {
		found.Add("cause_classes", "found %d classes, expected at most %d", n, maxCauseClasses)
	}
	for i, class := range classes {
		at := fmt.Sprintf("cause_classes[%d]", i)
		switch {
		case !catalog.ValidWord(class):
			found.Add(at, "found %.80q, expected 1 to %d of a-z, 0-9 and _, beginning with a letter", class, catalog.MaxName)
		case slices.Contains(defaults.CauseClasses, class):
			found.Add(at, "%q is there for every team", class)
		case slices.Index(classes, class) < i:
			found.Add(at, "%q stands there twice", class)
		}
	}
}

func (p *parser) checkService(s catalog.Service, found *fault.Problems) {
	const lowestTier = 4
	if s.Tier < 0 || s.Tier > lowestTier {
		found.Add("tier", "found %d, expected 1 to %d", s.Tier, lowestTier)
	}
	refer("team", KindTeam, s.Team, p.config.Teams, found)
	refer("plan", KindPlan, s.Plan, p.config.Plans, found)
}

func (p *parser) checkPlan(pl plan.Plan, found *fault.Problems) {
	if n := len(pl.Steps); n == 0 || n > maxSteps {
		found.Add("steps", "found %d steps, expected 1 to %d", n, maxSteps)
	}
	if r := pl.Repeats; r != nil && (*r < 0 || *r > defaults.MaxRepeats) {
		found.Add("repeats", "found %d, expected 0 to %d", *r, defaults.MaxRepeats)
	}
	reached := false
	for i, s := range pl.Steps {
		p.checkStep(fmt.Sprintf("steps[%d]", i), s, found)
		reached = reached || p.reaches(s.Targets)
	}
	if len(pl.Steps) > 0 && !reached {
		found.Add("steps", "no step reaches anybody")
	}
	p.checkTargets("last_resort", pl.LastResort, found)
	if len(pl.LastResort) > 0 && !p.reaches(pl.LastResort) {
		found.Add("last_resort", "the last resort reaches nobody")
	}
}

// reaches gives a team that could not be read the benefit of the doubt.
func (p *parser) reaches(targets []plan.Target) bool {
	return slices.ContainsFunc(targets, func(t plan.Target) bool {
		return p.unread[key{KindTeam, t.Team}] || slices.ContainsFunc(p.config.MembersOf(t), func(m string) bool {
			_, known := p.config.Members[m]
			return known
		})
	})
}

func (p *parser) checkStep(at string, s plan.Step, found *fault.Problems) {
	p.checkTargets(at+".targets", s.Targets, found)
	if w := time.Duration(s.Wait); w != 0 && (w < defaults.MinWait || w > defaults.MaxWait) {
		found.Add(at+".wait", "%v is not between %v and %v", s.Wait, plan.Duration(defaults.MinWait), plan.Duration(defaults.MaxWait))
	}
	for i, c := range s.Channels {
		if !slices.Contains(catalog.Channels(), catalog.Channel(c)) {
			found.Add(fmt.Sprintf("%s.channels[%d]", at, i), "found %.40q, expected one of %v", c, catalog.Channels())
		}
	}
	for i, priority := range s.Priorities {
		checkPriority(fmt.Sprintf("%s.priorities[%d]", at, i), priority, found)
	}
}

func checkPriority(at string, p alert.Priority, found *fault.Problems) {
	if !p.Valid() {
		found.Add(at, "found %.40q, expected P1 to P4", p)
	}
}

func (p *parser) checkTargets(at string, targets []plan.Target, found *fault.Problems) {
	if n := len(targets); n == 0 || n > maxTargets {
		found.Add(at, "found %d targets, expected 1 to %d", n, maxTargets)
	}
	for i, t := range targets {
		p.checkTarget(fmt.Sprintf("%s[%d]", at, i), t, found)
	}
}

func (p *parser) checkTarget(at string, t plan.Target, found *fault.Problems) {
	if (t.Member == "") == (t.Team == "") {
		found.Add(at, "expected exactly one of member and team")
	}
	refer(at+".member", KindMember, t.Member, p.config.Members, found)
	refer(at+".team", KindTeam, t.Team, p.config.Teams, found)
}

func (p *parser) checkRule(r rule.Rule, found *fault.Problems) {
	rule.Validate(r, found)
	if r.ID != "" && !catalog.ValidName(r.ID) {
		found.Add("id", "found %.80q, expected 1 to %d of a-z, 0-9 and -, not beginning with -", r.ID, catalog.MaxName)
	}
	if names := p.ids[r.StableID()]; len(names) > 1 {
		found.Add("id", "%q stands for more than one rule: %v", r.StableID(), names)
	}
	refer("service", KindService, r.Service, p.config.Services, found)
	refer("plan", KindPlan, r.Plan, p.config.Plans, found)
	if r.Assignee != (plan.Target{}) {
		p.checkTarget("assignee", r.Assignee, found)
	}
}

// refer notes a reference to what does not exist. "" refers to nothing.
func refer[T any](at, kind, name string, known map[string]T, found *fault.Problems) {
	if _, ok := known[name]; !ok && name != "" {
		found.Add(at, "there is no %s %.80q", kind, name)
	}
}
