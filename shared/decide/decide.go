// Package decide concludes what an alert means for people: which rule takes
// it, with what priority, service, plan and assignee, and which slot its event
// holds. It is pure; the router, dry runs, replays and the command line call
// the same function.
package decide

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/defaults"
	"tocsin/shared/plan"
	"tocsin/shared/rule"
)

// Config is the part of a compiled configuration that decisions depend on.
type Config struct {
	Version     int
	Rules       *rule.Set
	Services    map[string]catalog.Service
	DefaultPlan string // of services that name none
}

// Facts are what is known about an alert beside its own text.
type Facts struct {
	Integration string // its id
	Service     string // the integration's default service; "" none
}

// Decision is what was concluded for an alert, with every reason.
type Decision struct {
	Outcome       rule.Outcome
	Rule          string
	ConfigVersion int
	Priority      alert.Priority
	Service       string
	Plan          string
	Assignee      plan.Target
	Named         bool   // the rule names the assignee; else it is the service's team
	Slot          string // scope and merge key, hashed; only for outcome event
	Recovery      map[alert.Priority]rule.Recovery
	Reasons       []string
}

// Decide returns the decision for an alert. It never fails: a rule that cannot
// be evaluated is a reason, and the alert takes the default route.
func Decide(c Config, a *alert.Alert, f Facts) Decision {
	d := Decision{ConfigVersion: c.Version}
	r, err := c.Rules.Match(a, f.Integration)
	if err != nil {
		d.because("%v: the default route applies", err)
	}
	d.Rule, d.Outcome = r.Name, r.Outcome
	d.because("rule %s of version %d: %s", r.Name, c.Version, r.Outcome)
	d.priority(r, a)
	if r.Outcome != rule.Open {
		return d
	}
	d.service(c, r, f)
	d.people(c, r)
	d.Slot = slot(r, a, f.Integration)
	d.Recovery = recoveries(r)
	return d
}

func (d *Decision) because(format string, args ...any) {
	d.Reasons = append(d.Reasons, fmt.Sprintf(format, args...))
}

func (d *Decision) priority(r rule.Rule, a *alert.Alert) {
	switch {
	case r.Priority != "":
		d.Priority = r.Priority
		d.because("priority %s: set by the rule", d.Priority)
	case a.Severity != "":
		d.Priority = a.Severity.Priority()
		d.because("priority %s: from severity %s", d.Priority, a.Severity)
	case a.Priority.Valid():
		d.Priority = a.Priority
		d.because("priority %s: from the source", d.Priority)
	default:
		d.Priority = a.Severity.Priority()
		d.because("priority %s: the source gave no severity", d.Priority)
	}
}

func (d *Decision) service(c Config, r rule.Rule, f Facts) {
	for _, from := range []struct{ name, why string }{
		{r.Service, "set by the rule"},
		{f.Service, "of the integration"},
		{defaults.Service, "the default"},
	} {
		if from.name == "" {
			continue
		}
		if _, known := c.Services[from.name]; !known {
			d.because("service %s does not exist", from.name)
			continue
		}
		d.Service = from.name
		d.because("service %s: %s", from.name, from.why)
		return
	}
	d.Service = defaults.Service
}

func (d *Decision) people(c Config, r rule.Rule) {
	s := c.Services[d.Service]
	switch {
	case r.Plan != "":
		d.Plan = r.Plan
		d.because("plan %s: set by the rule", d.Plan)
	case s.Plan != "":
		d.Plan = s.Plan
		d.because("plan %s: of the service", d.Plan)
	default:
		d.Plan = c.DefaultPlan
		d.because("plan %s: the default", d.Plan)
	}
	d.Assignee, d.Named = r.Assignee, r.Assignee != plan.Target{}
	if !d.Named && s.Team != "" {
		d.Assignee = plan.Target{Team: s.Team}
	}
}

// slot scopes the merge key by the rule's stable id, not its version. Without
// merge fields the key is the sender's own, so it is the integration's too.
func slot(r rule.Rule, a *alert.Alert, integration string) string {
	scope := ""
	if len(r.Merge) == 0 {
		scope = integration
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", r.StableID(), scope, rule.MergeKey(r, a, integration)))
	return hex.EncodeToString(sum[:16])
}

func recoveries(r rule.Rule) map[alert.Priority]rule.Recovery {
	all := make(map[alert.Priority]rule.Recovery, 4)
	for _, p := range []alert.Priority{alert.P1, alert.P2, alert.P3, alert.P4} {
		all[p] = r.RecoveryOf(p)
	}
	return all
}
