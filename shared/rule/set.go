package rule

import (
	"cmp"
	"fmt"
	"slices"

	"tocsin/shared/alert"
	"tocsin/shared/defaults"
)

// Set is a compiled list of rules. It is immutable and safe for concurrent
// use; matching allocates nothing, unless a rule cannot be evaluated or a
// regular expression is needed for the first time.
type Set struct {
	rules    []compiled // in the order in which they are tried
	catchAll Rule
	index    index
}

type compiled struct {
	rule Rule
	when node
}

// EvalError says which rule cannot be evaluated, and why.
type EvalError struct {
	Rule string
	Err  error
}

func (e *EvalError) Error() string {
	return fmt.Sprintf("rule %s cannot be evaluated: %v", e.Rule, e.Err)
}

// Unwrap returns why.
func (e *EvalError) Unwrap() error { return e.Err }

// Compile sorts and indexes rules. A rule whose condition has no meaning gets
// an [EvalError] in the second result and stays in the set, where [Set.Match]
// reports it to every alert that it might have decided. Regular expressions
// are compiled, and found to be broken, when they are first needed; [Validate]
// finds them before. Without a rule named [defaults.CatchAll] the set has the
// one that [CatchAll] returns.
func Compile(rules []Rule) (*Set, []error) {
	s := &Set{catchAll: CatchAll(), rules: make([]compiled, 0, len(rules))}
	ps := patterns{}
	var errs []error
	for _, r := range rules {
		if r.Name == defaults.CatchAll {
			s.catchAll = r
			continue
		}
		c := compiled{rule: r, when: compile(r.When, ps)}
		if err := c.when.firstBroken(); err != nil {
			errs = append(errs, &EvalError{Rule: r.Name, Err: err})
		}
		s.rules = append(s.rules, c)
	}
	slices.SortStableFunc(s.rules, func(a, b compiled) int { return Compare(a.rule, b.rule) })
	s.index = newIndex(s.rules)
	return s, errs
}

// Compare orders rules as they are tried: the catch-all last, the others by
// Order, then Name.
func Compare(a, b Rule) int {
	return cmp.Or(compareBool(a.Name == defaults.CatchAll, b.Name == defaults.CatchAll),
		cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func (n *node) firstBroken() error {
	if n.op == broken {
		return n.err
	}
	for i := range n.parts {
		if err := n.parts[i].firstBroken(); err != nil {
			return err
		}
	}
	return nil
}

// Match returns the first rule whose condition holds for an alert of an
// integration, else the catch-all. Where a rule that stands before any match
// cannot be evaluated, it returns the catch-all and an *[EvalError]: the alert
// takes the default route and the error must be shown with the decision.
func (s *Set) Match(a *alert.Alert, integration string) (Rule, error) {
	found := s.first(a, integration)
	switch {
	case found.err != nil:
		return s.catchAll, &EvalError{Rule: s.rules[found.at].rule.Name, Err: found.err}
	case found.at < len(s.rules):
		return s.rules[found.at].rule, nil
	}
	return s.catchAll, nil
}

// hit is the earliest rule found so far that holds or cannot be evaluated.
type hit struct {
	at  int
	err error
}

// first tries the indexed candidates before the residue, because an early hit
// spares the rules behind it, and those of the residue cost most.
func (s *Set) first(a *alert.Alert, integration string) hit {
	best := hit{at: len(s.rules)}
	for i := range s.index.fields {
		f := &s.index.fields[i]
		value := f.field.value(a, integration)
		best = s.try(f.exact[value], best, a, integration)
		for _, p := range f.prefixes {
			if len(value) >= p.length {
				best = s.try(p.rules[value[:p.length]], best, a, integration)
			}
		}
	}
	return s.try(s.index.residue, best, a, integration)
}

// try looks in an ascending list of rules for a hit before best.
func (s *Set) try(rules []int32, best hit, a *alert.Alert, integration string) hit {
	for _, at := range rules {
		if int(at) >= best.at {
			break
		}
		holds, err := s.rules[at].when.holds(a, integration)
		if holds || err != nil {
			return hit{at: int(at), err: err}
		}
	}
	return best
}
