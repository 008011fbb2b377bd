package rule

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/defaults"
	"tocsin/shared/fault"
	"tocsin/shared/plan"
)

// Bounds of a rule, so that one rule cannot make matching slow for all.
const (
	MaxDepth     = 16   // conditions nested in conditions
	MaxNodes     = 256  // conditions in one rule
	MaxValues    = 1000 // of one list
	MaxValue     = 1024 // bytes of one value or regular expression
	MaxMerge     = 8    // merge fields
	MaxMagnitude = 1_000_000_000
)

// Validate notes every problem of a rule that can be seen without the rest of
// the configuration. Paths are those of its JSON: "when.all[1].match".
func Validate(r Rule, problems *fault.Problems) {
	if !slices.Contains([]Outcome{Discard, Keep, Open}, r.Outcome) {
		problems.Add("outcome", "found %q, expected discard, keep or event", r.Outcome)
	}
	if r.Priority != "" && !r.Priority.Valid() {
		problems.Add("priority", "found %q, expected P1 to P4", r.Priority)
	}
	if r.Order < -MaxMagnitude || r.Order > MaxMagnitude {
		problems.Add("order", "found %d, expected at most %d", r.Order, MaxMagnitude)
	}
	validateMerge(r.Merge, problems)
	for _, p := range slices.Sorted(maps.Keys(r.Recovery)) {
		validateRecovery(p, r.Recovery[p], problems)
	}
	nodes := 0
	if !r.When.zero() {
		validateCondition(r.When, "when", 1, &nodes, problems)
	}
	if r.Name == defaults.CatchAll {
		validateCatchAll(r, problems)
	}
}

func validateCatchAll(r Rule, problems *fault.Problems) {
	if !r.When.zero() {
		problems.Add("when", "the catch-all takes what no other rule does; it has no condition")
	}
	if r.Outcome == Discard {
		problems.Add("outcome", "the catch-all may not discard, it would hide every alert that nobody thought of; expected keep or event")
	}
}

func validateMerge(fields []string, problems *fault.Problems) {
	if len(fields) > MaxMerge {
		problems.Add("merge", "found %d fields, expected at most %d", len(fields), MaxMerge)
	}
	for i, path := range fields {
		at := fmt.Sprintf("merge[%d]", i)
		if _, err := parseField(path); err != nil {
			problems.Add(at, "%v", err)
		}
		if slices.Index(fields, path) < i {
			problems.Add(at, "%q stands there twice", path)
		}
	}
}

func validateRecovery(p alert.Priority, r Recovery, problems *fault.Problems) {
	at := "recovery." + string(p)
	if !p.Valid() {
		problems.Add(at, "%q is no priority, expected P1 to P4", p)
	}
	validateWait(at+".quiet", r.Quiet, problems)
	validateWait(at+".reopen", r.Reopen, problems)
	if closes := defaults.AutoClose(p); closes > 0 && time.Duration(r.Reopen) > closes {
		problems.Add(at+".reopen", "%v is longer than the automatic close of a %s after %v", r.Reopen, p, plan.Duration(closes))
	}
}

func validateWait(at string, d plan.Duration, problems *fault.Problems) {
	if w := time.Duration(d); w != 0 && (w < defaults.MinWait || w > defaults.MaxWait) {
		problems.Add(at, "%v is not between %v and %v", d, plan.Duration(defaults.MinWait), plan.Duration(defaults.MaxWait))
	}
}

// zero reports whether c is the condition that always holds.
func (c Condition) zero() bool {
	return c.Field == "" && c.Not == nil && c.operators() == 0
}

// operators counts the operators that are set.
func (c Condition) operators() int {
	n := 0
	for _, set := range [...]bool{c.Equals != nil, c.In != nil, c.Match != "", c.All != nil, c.Any != nil, c.Not != nil} {
		if set {
			n++
		}
	}
	return n
}

// shape returns what is wrong with c apart from its parts.
func (c Condition) shape() error {
	branch := c.All != nil || c.Any != nil || c.Not != nil
	switch n := c.operators(); {
	case n > 1:
		return fmt.Errorf("found %d operators, expected exactly one of equals, in, match, all, any and not", n)
	case n == 0 && c.Field == "":
		return fmt.Errorf("found nothing, expected a field with an operator, or all, any or not")
	case n == 0:
		return fmt.Errorf("field %.200q has no operator, expected equals, in or match", c.Field)
	case branch && c.Field != "":
		return fmt.Errorf("field %.200q does not go with all, any and not", c.Field)
	case !branch && c.Field == "":
		return fmt.Errorf("the operator has no field")
	case c.All != nil && len(c.All) == 0, c.Any != nil && len(c.Any) == 0, c.In != nil && len(c.In) == 0:
		return fmt.Errorf("the list is empty")
	}
	return nil
}

func validateCondition(c Condition, at string, depth int, nodes *int, problems *fault.Problems) {
	*nodes++
	switch {
	case depth > MaxDepth:
		problems.Add(at, "conditions are nested deeper than %d", MaxDepth)
		return
	case *nodes == MaxNodes+1:
		problems.Add("when", "found more than %d conditions in one rule", MaxNodes)
		return
	case *nodes > MaxNodes:
		return
	}
	if err := c.shape(); err != nil {
		problems.Add(at, "%v", err)
	}
	validateLeaf(c, at, problems)
	for i, sub := range c.All {
		validateCondition(sub, fmt.Sprintf("%s.all[%d]", at, i), depth+1, nodes, problems)
	}
	for i, sub := range c.Any {
		validateCondition(sub, fmt.Sprintf("%s.any[%d]", at, i), depth+1, nodes, problems)
	}
	if c.Not != nil {
		validateCondition(*c.Not, at+".not", depth+1, nodes, problems)
	}
}

func validateLeaf(c Condition, at string, problems *fault.Problems) {
	if c.Field != "" {
		if _, err := parseField(c.Field); err != nil {
			problems.Add(at+".field", "%v", err)
		}
	}
	if c.Equals != nil {
		validateValue(at+".equals", *c.Equals, problems)
	}
	if len(c.In) > MaxValues {
		problems.Add(at+".in", "found %d values, expected at most %d", len(c.In), MaxValues)
	}
	for i, v := range c.In {
		validateValue(fmt.Sprintf("%s.in[%d]", at, i), v, problems)
	}
	validatePattern(at+".match", c.Match, problems)
}

func validateValue(at, v string, problems *fault.Problems) {
	if len(v) > MaxValue {
		problems.Add(at, "found %d bytes, expected at most %d", len(v), MaxValue)
	}
}

func validatePattern(at, pattern string, problems *fault.Problems) {
	validateValue(at, pattern, problems)
	if _, err := regexp.Compile(pattern); err != nil {
		problems.Add(at, "no RE2 expression: %v", err)
	}
}
