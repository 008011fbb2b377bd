package rule_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/rule"
)

// truth is a value of three-valued logic, ordered so that all is the least
// and any the greatest of its parts.
type truth int

const (
	no truth = iota
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// slowly evaluates a condition in the obvious way.
func slowly(c rule.Condition, a *alert.Alert, integration string) truth {
	switch {
	case c.All != nil:
		return slices.Min(slowParts(c.All, a, integration))
	case c.Any != nil:
		return slices.Max(slowParts(c.Any, a, integration))
	case c.Not != nil:
		return yes - slowly(*c.Not, a, integration)
	case c.Field == "":
		return yes
	case c.Equals != nil:
		return truthOf(slowValue(c.Field, a, integration) == *c.Equals)
	case c.In != nil:
		return truthOf(slices.Contains(c.In, slowValue(c.Field, a, integration)))
	case c.Match != "":
		holds, err := regexp.MatchString(c.Match, slowValue(c.Field, a, integration))
		if err != nil {
			return unknown
		}
		return truthOf(holds)
	}
	return unknown
}

func slowParts(cs []rule.Condition, a *alert.Alert, integration string) []truth {
	var truths []truth
	for _, c := range cs {
		truths = append(truths, slowly(c, a, integration))
	}
	return truths
}

func slowValue(path string, a *alert.Alert, integration string) string {
	if name, ok := strings.CutPrefix(path, "labels."); ok {
		return a.Labels[name]
	}
	return map[string]string{
		"source": a.Source, "integration": integration, "title": a.Title, "description": a.Description,
		"severity": string(a.Severity), "group": a.Group, "dedup_key": a.DedupKey,
	}[path]
}

// slowMatch tries one rule after the other; it returns the name of the rule
// that decides and that of the rule which cannot be evaluated.
func slowMatch(rules []rule.Rule, a *alert.Alert, integration string) (decides, fails string) {
	rules = slices.Clone(rules)
	slices.SortFunc(rules, rule.Compare)
	for _, r := range rules {
		switch slowly(r.When, a, integration) {
		case yes:
			return r.Name, ""
		case unknown:
			return "catch-all", r.Name
		}
	}
	return "catch-all", ""
}

var words = []string{"", "a", "b", "ab", "api", "api-1", "db", "db-2", "payments"}

var regexps = []string{"^a", "^api-(1|2)$", "b$", "^(a|b)$", "^ap*i?", "[ab]{2}", "^db|^api", "(", "pay.*s", `^db\-2`, "^payments?$"}

func word(rng *rand.Rand) string { return words[rng.IntN(len(words))] }

func randomField(rng *rand.Rand) string {
	return []string{"source", "integration", "title", "severity", "group", "labels.team", "labels.job", "labels.a.b"}[rng.IntN(8)]
}

func randomLeaf(rng *rand.Rand) rule.Condition {
	c := rule.Condition{Field: randomField(rng)}
	switch rng.IntN(5) {
	case 0, 1:
		c.Equals = new(word(rng))
	case 2:
		c.In = []string{word(rng), word(rng), word(rng)}
	case 3:
		c.Match = regexps[rng.IntN(len(regexps))]
	case 4:
		if rng.IntN(20) > 0 {
			c.Equals = new(word(rng))
		}
	}
	return c
}

func randomCondition(rng *rand.Rand, depth int) rule.Condition {
	if depth == 0 || rng.IntN(3) == 0 {
		return randomLeaf(rng)
	}
	parts := make([]rule.Condition, 1+rng.IntN(3))
	for i := range parts {
		parts[i] = randomCondition(rng, depth-1)
	}
	switch rng.IntN(5) {
	case 0, 1:
		return rule.Condition{All: parts}
	case 2, 3:
		return rule.Condition{Any: parts}
	}
	return rule.Condition{Not: &parts[0]}
}

func randomAlert(rng *rand.Rand) *alert.Alert {
	return &alert.Alert{
		Source: word(rng), Title: word(rng), Group: word(rng), Severity: alert.Severity(word(rng)),
		Labels: map[string]string{"team": word(rng), "job": word(rng), "a.b": word(rng)},
	}
}

func TestMatchAgreesWithTryingOneRuleAfterTheOther(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		rules := make([]rule.Rule, rng.IntN(40))
		for i := range rules {
			rules[i] = rule.Rule{Name: fmt.Sprintf("r%02d", i), Order: rng.IntN(10), Outcome: rule.Open, When: randomCondition(rng, 3)}
		}
		set, _ := rule.Compile(rules)
		for range 25 {
			a, integration := randomAlert(rng), word(rng)
			decides, fails := slowMatch(rules, a, integration)
			got, err := set.Match(a, integration)
			failed := ""
			if e, ok := errors.AsType[*rule.EvalError](err); ok {
				failed = e.Rule
			}
			if got.Name != decides || failed != fails {
				text, _ := json.Marshal(rules)
				t.Fatalf("decided by %q, failed %q (%v); want %q, %q\nrules %s\nalert %+v", got.Name, failed, err, decides, fails, text, a)
			}
		}
	}
}
