package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"

	"tocsin/shared/alert"
	"tocsin/shared/rule"
)

// condition is one condition on a label: equal to a value, one of a list, or
// matched by a regular expression, which Alertmanager anchors.
type condition struct {
	label, equals string
	in            []string
	match         string
}

// benchConditions has the mix of a large team's configuration: most rules name
// a service and ask something more of it, some a pattern or a list of names.
func benchConditions(i int) []condition {
	service := fmt.Sprintf("service-%d", i)
	switch i % 10 {
	case 7:
		return []condition{{label: "env", equals: "prod"}, {label: "service", match: service + "-(eu|us)"}}
	case 8:
		return []condition{{label: "service", in: []string{service, service + "-a", service + "-b"}}}
	}
	return []condition{{label: "env", equals: "prod"}, {label: "service", equals: service},
		{label: "alertname", match: "(High|Low).*"}, {label: "level", equals: "critical"}}
}

// ours writes it as a condition of a rule.
func (c condition) ours() rule.Condition {
	leaf := rule.Condition{Field: "labels." + c.label, In: c.in}
	switch {
	case c.match != "":
		leaf.Match = "^" + c.match + "$"
	case c.in == nil:
		leaf.Equals = &c.equals
	}
	return leaf
}

// alertmanagers writes it as a matcher of a route.
func (c condition) alertmanagers() (*labels.Matcher, error) {
	switch {
	case c.match != "":
		return labels.NewMatcher(labels.MatchRegexp, c.label, c.match)
	case c.in != nil:
		return labels.NewMatcher(labels.MatchRegexp, c.label, strings.Join(c.in, "|"))
	}
	return labels.NewMatcher(labels.MatchEqual, c.label, c.equals)
}

// benchRules are n of our rules. They discard, so that a router that applies
// them does little.
func benchRules(n int) []rule.Rule {
	rules := make([]rule.Rule, n)
	for i := range rules {
		rules[i] = rule.Rule{Name: fmt.Sprintf("rule-%05d", i), Order: i, Outcome: rule.Discard}
		for _, c := range benchConditions(i) {
			rules[i].When.All = append(rules[i].When.All, c.ours())
		}
	}
	return rules
}

// benchRoutes are the same for Alertmanager, each with "continue", so that it
// tells every route that matches.
func benchRoutes(n int) (*dispatch.Route, error) {
	root := &config.Route{Receiver: "default"}
	for i := range n {
		route := &config.Route{Receiver: fmt.Sprintf("rule-%05d", i), Continue: true}
		for _, c := range benchConditions(i) {
			m, err := c.alertmanagers()
			if err != nil {
				return nil, err
			}
			route.Matchers = append(route.Matchers, m)
		}
		root.Routes = append(root.Routes, route)
	}
	return dispatch.NewRoute(root, nil), nil
}

// matching compares finding the rule of an alert among 10,000 with
// Alertmanager's routing, and with our own among 100.
func matching() ([]row, error) {
	const many, few = 10000, 100
	match, err := ours(many)
	if err != nil {
		return nil, err
	}
	matchFew, err := ours(few)
	if err != nil {
		return nil, err
	}
	peer, err := alertmanagers(many)
	if err != nil {
		return nil, err
	}
	allocations := testing.AllocsPerRun(1000, match)
	return []row{
		rowOf("match 10,000 rules, beside Alertmanager", compare(match, peer), target{least: 500}),
		rowOf("match 10,000 rules, beside 100", compare(match, matchFew), target{most: 1.5}),
		{what: "match 10,000 rules, allocations", measured: fmt.Sprint(allocations), target: "0", state: state(allocations == 0)},
	}, nil
}

// labelsFor are of an alert that the rule in the middle of n decides.
func labelsFor(n int) map[string]string {
	return map[string]string{"env": "prod", "service": fmt.Sprintf("service-%d", n/2), "alertname": "HighLatency",
		"level": "critical", "instance": "i-1", "zone": "a"}
}

func ours(n int) (work, error) {
	set, errs := rule.Compile(benchRules(n))
	if len(errs) > 0 {
		return nil, errs[0]
	}
	a := &alert.Alert{Source: "prometheus", Severity: alert.Critical, Title: "latency", Labels: labelsFor(n)}
	if r, err := set.Match(a, "bench"); err != nil || r.Order != n/2 {
		return nil, fmt.Errorf("matched %q, %w", r.Name, err)
	}
	return func() { _, _ = set.Match(a, "bench") }, nil
}

func alertmanagers(n int) (work, error) {
	routes, err := benchRoutes(n)
	if err != nil {
		return nil, err
	}
	set := model.LabelSet{}
	for name, value := range labelsFor(n) {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	if found := routes.Match(set); len(found) != 1 || found[0].RouteOpts.Receiver != fmt.Sprintf("rule-%05d", n/2) {
		return nil, fmt.Errorf("alertmanager matched %v", found)
	}
	return func() { routes.Match(set) }, nil
}
