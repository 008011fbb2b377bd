package rule

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"tocsin/shared/alert"
)

// node is a compiled condition. It is read only; see [node.holds].
type node struct {
	op     op
	field  field
	value  string   // equals
	values []string // in, sorted
	match  *pattern
	parts  []node // all, any; one of not
	err    error  // broken
}

type op uint8

const (
	always op = iota
	equals
	in
	match
	all
	anyOf
	not
	broken
)

// pattern is a regular expression that is compiled when it is first needed.
// It is safe for concurrent use.
type pattern struct {
	text   string
	prefix string // every text that matches begins so
	once   sync.Once
	re     *regexp.Regexp
	err    error
}

// holds looks at the prefix first: most texts need no regular expression, and
// for those it is the same whether the rest of it can be compiled.
func (p *pattern) holds(text string) (bool, error) {
	if !strings.HasPrefix(text, p.prefix) {
		return false, nil
	}
	p.once.Do(func() { p.re, p.err = regexp.Compile(p.text) })
	if p.err != nil {
		return false, p.err
	}
	return p.re.MatchString(text), nil
}

// patterns shares one pattern among the rules that write the same text.
type patterns map[string]*pattern

func (ps patterns) of(text string) *pattern {
	p, ok := ps[text]
	if !ok {
		p = &pattern{text: text, prefix: literalPrefix(text)}
		ps[text] = p
	}
	return p
}

// compile turns the condition of a rule into a node.
func compile(when Condition, ps patterns) node {
	if when.zero() {
		return node{op: always}
	}
	return compilePart(when, ps)
}

// compilePart makes a broken node of what has no meaning, so that the parts
// around it still count.
func compilePart(c Condition, ps patterns) node {
	if err := c.shape(); err != nil {
		return node{op: broken, err: err}
	}
	switch {
	case c.All != nil:
		return node{op: all, parts: compileAll(c.All, ps)}
	case c.Any != nil:
		return node{op: anyOf, parts: compileAll(c.Any, ps)}
	case c.Not != nil:
		return node{op: not, parts: []node{compilePart(*c.Not, ps)}}
	}
	return compileLeaf(c, ps)
}

func compileAll(cs []Condition, ps patterns) []node {
	nodes := make([]node, len(cs))
	for i, c := range cs {
		nodes[i] = compilePart(c, ps)
	}
	return nodes
}

func compileLeaf(c Condition, ps patterns) node {
	f, err := parseField(c.Field)
	switch {
	case err != nil:
		return node{op: broken, err: err}
	case c.Equals != nil:
		return node{op: equals, field: f, value: *c.Equals}
	case c.In != nil:
		values := slices.Clone(c.In)
		slices.Sort(values)
		return node{op: in, field: f, values: slices.Compact(values)}
	}
	return node{op: match, field: f, match: ps.of(c.Match)}
}

// holds evaluates n in the logic of three values: a part that cannot be
// evaluated makes the whole an error only where the other parts do not decide.
// So the result does not depend on the order of parts, and an index that skips
// a rule because one equality fails is right.
func (n *node) holds(a *alert.Alert, integration string) (bool, error) {
	switch n.op {
	case always:
		return true, nil
	case equals:
		return n.field.value(a, integration) == n.value, nil
	case in:
		_, found := slices.BinarySearch(n.values, n.field.value(a, integration))
		return found, nil
	case match:
		return n.match.holds(n.field.value(a, integration))
	case all:
		return decide(n.parts, false, a, integration)
	case anyOf:
		return decide(n.parts, true, a, integration)
	case not:
		holds, err := n.parts[0].holds(a, integration)
		return !holds && err == nil, err
	case broken:
		return false, n.err
	}
	return false, errUnknownOperator
}

var errUnknownOperator = errors.New("unknown operator")

// decide returns decisive as soon as a part yields it: true decides an any,
// false an all.
func decide(parts []node, decisive bool, a *alert.Alert, integration string) (bool, error) {
	var failed error
	for i := range parts {
		holds, err := parts[i].holds(a, integration)
		switch {
		case err != nil:
			failed = err
		case holds == decisive:
			return decisive, nil
		}
	}
	return !decisive && failed == nil, failed
}
