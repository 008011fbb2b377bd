package rule

import (
	"cmp"
	"slices"
)

// index files each rule under terms of which at least one is true whenever the
// rule holds or cannot be evaluated. Lists of rules are positions, ascending.
type index struct {
	fields  []fieldIndex
	residue []int32 // rules without such terms
}

// fieldIndex lists the rules by what they ask of one field.
type fieldIndex struct {
	field    field
	exact    map[string][]int32
	prefixes []prefixIndex // by length
}

type prefixIndex struct {
	length int
	rules  map[string][]int32
}

// term is "field equals text" or "field begins with text".
type term struct {
	field  field
	text   string
	prefix bool
}

// prefixCost makes an equality win over a prefix that occurs as often: a
// prefix says less, and each length costs a lookup.
const prefixCost = 4

func newIndex(rules []compiled) index {
	frequency := map[term]int{}
	for i := range rules {
		count(&rules[i].when, frequency)
	}
	b := builder{frequency: frequency, fields: map[field]*fieldIndex{}}
	for i := range rules {
		b.file(int32(i), &rules[i].when)
	}
	return b.index()
}

// count notes how often each term occurs in a condition, wherever it stands.
func count(n *node, frequency map[term]int) {
	for _, t := range n.terms() {
		frequency[t]++
	}
	for i := range n.parts {
		count(&n.parts[i], frequency)
	}
}

// terms returns the terms of a leaf; none where it has no index.
func (n *node) terms() []term {
	switch n.op {
	case equals:
		return []term{{field: n.field, text: n.value}}
	case in:
		terms := make([]term, len(n.values))
		for i, v := range n.values {
			terms[i] = term{field: n.field, text: v}
		}
		return terms
	case match:
		if n.match.prefix != "" {
			return []term{{field: n.field, text: n.match.prefix, prefix: true}}
		}
	}
	return nil
}

type builder struct {
	frequency map[term]int
	fields    map[field]*fieldIndex
	residue   []int32
}

func (b *builder) file(at int32, when *node) {
	terms := b.cover(when)
	if terms == nil {
		b.residue = append(b.residue, at)
	}
	for _, t := range terms {
		b.under(t, at)
	}
}

// cover returns the rarest terms of which one must be true for n to hold or to
// be an error; nil when there are none. An all is covered by any part of it: a
// part that is false decides it, whatever cannot be evaluated beside it. An
// any needs a cover of every part.
func (b *builder) cover(n *node) []term {
	switch n.op {
	case all:
		var best []term
		for i := range n.parts {
			if c := b.cover(&n.parts[i]); c != nil && (best == nil || b.cost(c) < b.cost(best)) {
				best = c
			}
		}
		return best
	case anyOf:
		var union []term
		for i := range n.parts {
			c := b.cover(&n.parts[i])
			if c == nil {
				return nil
			}
			union = append(union, c...)
		}
		return union
	}
	return n.terms()
}

func (b *builder) cost(terms []term) int {
	sum := 0
	for _, t := range terms {
		if t.prefix {
			sum += prefixCost * b.frequency[t]
		} else {
			sum += b.frequency[t]
		}
	}
	return sum
}

func (b *builder) under(t term, at int32) {
	f, ok := b.fields[t.field]
	if !ok {
		f = &fieldIndex{field: t.field, exact: map[string][]int32{}}
		b.fields[t.field] = f
	}
	rules := f.exact
	if t.prefix {
		rules = f.ofLength(len(t.text))
	}
	rules[t.text] = append(rules[t.text], at)
}

func (f *fieldIndex) ofLength(n int) map[string][]int32 {
	at, found := slices.BinarySearchFunc(f.prefixes, n, func(p prefixIndex, n int) int { return cmp.Compare(p.length, n) })
	if !found {
		f.prefixes = slices.Insert(f.prefixes, at, prefixIndex{length: n, rules: map[string][]int32{}})
	}
	return f.prefixes[at].rules
}

// index orders the fields, so that a set compiled twice matches alike.
func (b *builder) index() index {
	x := index{residue: b.residue}
	for _, f := range b.fields {
		x.fields = append(x.fields, *f)
	}
	slices.SortFunc(x.fields, func(f, g fieldIndex) int {
		return cmp.Or(cmp.Compare(f.field.kind, g.field.kind), cmp.Compare(f.field.label, g.field.label))
	})
	return x
}
