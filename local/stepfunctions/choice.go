package stepfunctions

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Choice is one rule of a Choice state.
type Choice struct {
	Next string
	test test
}

// test is a condition over the state's input. It fails when a path of it names
// nothing, which IsPresent alone survives.
type test func(data any, context map[string]any) (bool, *missingPath)

// comparison compares the node that Variable names with the rule's value.
type comparison struct {
	wants string // what the rule's value must be
	valid func(want any) bool
	holds func(found, want any) bool
}

var comparisons = map[string]comparison{
	"StringEquals":             {"a string", is[string], equal[string]},
	"BooleanEquals":            {"a boolean", is[bool], equal[bool]},
	"NumericEquals":            numeric(func(a, b float64) bool { return a == b }),
	"NumericGreaterThan":       numeric(func(a, b float64) bool { return a > b }),
	"NumericGreaterThanEquals": numeric(func(a, b float64) bool { return a >= b }),
	"NumericLessThan":          numeric(func(a, b float64) bool { return a < b }),
	"NumericLessThanEquals":    numeric(func(a, b float64) bool { return a <= b }),
}

var choiceOperators = strings.Join(slices.Sorted(maps.Keys(comparisons)), ", ") + ", IsPresent, And, Or or Not"

func is[T any](value any) bool { _, ok := value.(T); return ok }

func equal[T comparable](found, want any) bool {
	value, ok := found.(T)
	return ok && value == want.(T)
}

func numeric(holds func(a, b float64) bool) comparison {
	return comparison{"a number", is[json.Number], func(found, want any) bool {
		a, isNumber := found.(json.Number)
		return isNumber && holds(float(a), float(want.(json.Number)))
	}}
}

func float(n json.Number) float64 {
	f, _ := n.Float64()
	return f
}

// choices reads the rules of a Choice state.
func (p *parser) choices(at string, items []any) []Choice {
	var rules []Choice
	for i, item := range items {
		o := p.object(index(at, i), item)
		next := o.text("Next")
		rules = append(rules, Choice{Next: next, test: o.test()})
		o.done()
	}
	return rules
}

// test reads the one operator that a rule has.
func (o *object) test() test {
	o.text("Comment")
	var found []string
	for _, name := range sortedKeys(o.fields) {
		if _, compares := comparisons[name]; compares || slices.Contains([]string{"And", "Or", "Not", "IsPresent"}, name) {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		o.p.refuse(o.at, "expected exactly one of "+choiceOperators)
		return nil
	}
	switch name := found[0]; name {
	case "And", "Or":
		return o.all(name)
	case "Not":
		return not(o.nested("Not", o.take("Not")))
	case "IsPresent":
		return o.isPresent()
	default:
		return o.compare(name)
	}
}

// nested reads a rule inside another one; it has no Next.
func (o *object) nested(name string, value any) test {
	inner := o.p.object(member(o.at, name), value)
	defer inner.done()
	return inner.test()
}

func (o *object) all(name string) test {
	var tests []test
	for i, item := range o.list(name) {
		tests = append(tests, o.nested(fmt.Sprintf("%s[%d]", name, i), item))
	}
	decided := name == "Or"
	return func(data any, context map[string]any) (bool, *missingPath) {
		for _, t := range tests {
			if holds, missing := t(data, context); missing != nil || holds == decided {
				return holds, missing
			}
		}
		return !decided, nil
	}
}

func not(t test) test {
	return func(data any, context map[string]any) (bool, *missingPath) {
		holds, missing := t(data, context)
		return !holds, missing
	}
}

func (o *object) isPresent() test {
	variable, want := o.requiredPath("Variable"), o.take("IsPresent")
	if !is[bool](want) {
		o.p.refuse(member(o.at, "IsPresent"), "expected a boolean")
	}
	return func(data any, context map[string]any) (bool, *missingPath) {
		_, present := variable.find(data, context)
		return present == want, nil
	}
}

func (o *object) compare(name string) test {
	how, variable, want := comparisons[name], o.requiredPath("Variable"), o.take(name)
	if !how.valid(want) {
		o.p.refuse(member(o.at, name), "expected "+how.wants)
	}
	return func(data any, context map[string]any) (bool, *missingPath) {
		found, ok := variable.find(data, context)
		if !ok {
			return false, &missingPath{field: "Variable", path: variable.text}
		}
		return how.holds(found, want), nil
	}
}
