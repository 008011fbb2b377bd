package decide_test

import (
	"reflect"
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/decide"
	"tocsin/shared/plan"
	"tocsin/shared/rule"
)

func config(rules ...rule.Rule) decide.Config {
	set, _ := rule.Compile(rules)
	return decide.Config{
		Version: 7, Rules: set, DefaultPlan: "standard",
		Services: map[string]catalog.Service{
			"default": {Name: "default"},
			"shop":    {Name: "shop", Team: "web", Plan: "shop-plan"},
		},
	}
}

func TestDecide(t *testing.T) {
	critical := alert.Alert{Source: "prometheus", DedupKey: "k", Title: "Disk full", Severity: alert.Critical}
	for _, c := range []struct {
		name  string
		rules []rule.Rule
		alert alert.Alert
		facts decide.Facts
		want  decide.Decision // slot, recovery and reasons apart
	}{
		{"the catch-all", nil, critical, decide.Facts{},
			decide.Decision{Outcome: rule.Open, Rule: "catch-all", Priority: alert.P1, Service: "default", Plan: "standard"}},
		{"the integration's service, its plan and its team", nil, critical, decide.Facts{Service: "shop"},
			decide.Decision{Outcome: rule.Open, Rule: "catch-all", Priority: alert.P1, Service: "shop", Plan: "shop-plan", Assignee: plan.Target{Team: "web"}}},
		{"what a rule says comes first", []rule.Rule{{
			Name: "r", Outcome: rule.Open, Priority: alert.P4, Service: "shop", Plan: "other", Assignee: plan.Target{Member: "ann"},
		}}, critical, decide.Facts{Service: "default"},
			decide.Decision{Outcome: rule.Open, Rule: "r", Priority: alert.P4, Service: "shop", Plan: "other", Assignee: plan.Target{Member: "ann"}, Named: true}},
		{"a service that is gone", []rule.Rule{{Name: "r", Outcome: rule.Open, Service: "gone"}}, critical, decide.Facts{Service: "shop"},
			decide.Decision{Outcome: rule.Open, Rule: "r", Priority: alert.P1, Service: "shop", Plan: "shop-plan", Assignee: plan.Target{Team: "web"}}},
		{"without a severity the source's priority", nil, alert.Alert{DedupKey: "k", Priority: alert.P2}, decide.Facts{},
			decide.Decision{Outcome: rule.Open, Rule: "catch-all", Priority: alert.P2, Service: "default", Plan: "standard"}},
		{"without either P3", nil, alert.Alert{DedupKey: "k"}, decide.Facts{},
			decide.Decision{Outcome: rule.Open, Rule: "catch-all", Priority: alert.P3, Service: "default", Plan: "standard"}},
		{"kept", []rule.Rule{{Name: "r", Outcome: rule.Keep}}, critical, decide.Facts{},
			decide.Decision{Outcome: rule.Keep, Rule: "r", Priority: alert.P1}},
		{"a rule that cannot be evaluated", []rule.Rule{{Name: "r", Outcome: rule.Discard, When: rule.Condition{Field: "title", Match: "("}}}, critical, decide.Facts{},
			decide.Decision{Outcome: rule.Open, Rule: "catch-all", Priority: alert.P1, Service: "default", Plan: "standard"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := decide.Decide(config(c.rules...), &c.alert, c.facts)
			if len(got.Reasons) < 2 || got.ConfigVersion != 7 || (got.Slot == "") != (got.Outcome != rule.Open) {
				t.Errorf("decided without reasons, version or slot: %+v", got)
			}
			got.Slot, got.Recovery, got.Reasons, got.ConfigVersion = "", nil, nil, 0
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestABrokenRuleIsAReason(t *testing.T) {
	broken := rule.Rule{Name: "broken", Outcome: rule.Discard, When: rule.Condition{Field: "title", Match: "("}}
	d := decide.Decide(config(broken), &alert.Alert{DedupKey: "k"}, decide.Facts{})
	if !strings.Contains(strings.Join(d.Reasons, "\n"), "rule broken cannot be evaluated") {
		t.Errorf("reasons %q", d.Reasons)
	}
}

// TestSlots: what shares an event and what does not.
func TestSlots(t *testing.T) {
	slot := func(r rule.Rule, a alert.Alert, integration string) string {
		r.Outcome = rule.Open
		return decide.Decide(config(r), &a, decide.Facts{Integration: integration}).Slot
	}
	a := alert.Alert{DedupKey: "a", Group: "disk", Labels: map[string]string{"zone": "1"}}
	b := alert.Alert{DedupKey: "b", Group: "disk", Labels: map[string]string{"zone": "2"}}
	for _, c := range []struct {
		name string
		x, y string
		same bool
	}{
		{"one group", slot(rule.Rule{Name: "r"}, a, "it"), slot(rule.Rule{Name: "r"}, b, "it"), true},
		{"one group of two integrations", slot(rule.Rule{Name: "r"}, a, "it"), slot(rule.Rule{Name: "r"}, a, "other"), false},
		{"two rules", slot(rule.Rule{Name: "r"}, a, "it"), slot(rule.Rule{Name: "s"}, a, "it"), false},
		{"a rule renamed", slot(rule.Rule{Name: "r", ID: "1"}, a, "it"), slot(rule.Rule{Name: "s", ID: "1"}, a, "it"), true},
		{"a merge field that differs", slot(rule.Rule{Name: "r", Merge: []string{"labels.zone"}}, a, "it"), slot(rule.Rule{Name: "r", Merge: []string{"labels.zone"}}, b, "it"), false},
		{"a merge field of two integrations", slot(rule.Rule{Name: "r", Merge: []string{"group"}}, a, "it"), slot(rule.Rule{Name: "r", Merge: []string{"group"}}, b, "other"), true},
	} {
		if (c.x == c.y) != c.same {
			t.Errorf("%s: same slot %v, want %v", c.name, c.x == c.y, c.same)
		}
	}
}
