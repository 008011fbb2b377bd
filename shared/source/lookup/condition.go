package lookup

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"tocsin/shared/doc"
	"tocsin/shared/fault"
)

// Condition holds if all of its parts hold:
//
//	path            leads to a text, or to a list or object
//	!path           leads to neither
//	path=a|b        its text is one of these; * stands for any characters
//	path!=a|b       it has a text, and that is none of these
//	path>=9 path<9  it is a number, and compares like this; also > and <=
//
// Case does not matter. A value with white space or bars stands in quotes. Of
// a path that leads to several texts, one of them is enough.
type Condition struct {
	written string
	parts   []part
}

type part struct {
	path    Path
	op      string // "", "!", or one of signs
	words   []string
	operand float64
}

// signs stand between a path and a value; of two that begin alike, the longer
// is first.
var signs = [...]string{"!=", ">=", "<=", "=", ">", "<"}

// String returns the condition as written.
func (c Condition) String() string { return c.written }

// Weight says how much it tells that c holds: one for each part, one more for
// a value and two for a header. What is not there tells nothing.
func (c Condition) Weight() int {
	n := 0
	for _, p := range c.parts {
		if p.op == "!" {
			continue
		}
		n++
		if len(p.words) > 0 && p.words[0] != "*" {
			n++
		}
		if p.path.from == fromHeader {
			n += 2
		}
	}
	return max(n, 1)
}

// Doubt says what of c may be meant otherwise, "" if nothing: see [Path.Doubt],
// and a path alone behind a value may be the rest of a value that lacks its quotes.
func (c Condition) Doubt() string {
	for _, p := range c.parts {
		if doubt := p.path.Doubt(); doubt != "" {
			return doubt
		}
	}
	for i, p := range c.parts[1:] {
		if before := c.parts[i]; p.op == "" && len(before.words) > 0 {
			return fmt.Sprintf("the condition %q: %s stands behind a value; write a value with white space in quotes, like name=\"two words\", and a path alone before all values", c.written, p.path)
		}
	}
	return ""
}

// Paths yields the paths of c.
func (c Condition) Paths() iter.Seq[Path] {
	return func(yield func(Path) bool) {
		for _, p := range c.parts {
			if !yield(p.path) {
				return
			}
		}
	}
}

// ParseCondition reads a condition. The error is of kind Invalid.
func ParseCondition(s string) (Condition, error) {
	c := Condition{written: s}
	for _, word := range splitQuoted(s, ' ') {
		if word == "" {
			continue
		}
		p, err := parsePart(word)
		if err != nil {
			return c, fault.New(fault.Invalid, "the condition %q: %s", s, err.Error())
		}
		c.parts = append(c.parts, p)
	}
	if len(c.parts) == 0 {
		return c, fault.New(fault.Invalid, "the condition is empty")
	}
	return c, nil
}

// bad is what is wrong with a condition, with the signs that there are.
func bad(format string, args ...any) error {
	return fmt.Errorf(format+". Known are path, !path, and path=value with one of the signs "+strings.Join(signs[:], " ")+" without white space around it", args...)
}

func parsePart(s string) (part, error) {
	written, op, operand := cutOperator(s)
	p := part{op: op}
	if _, second, _ := cutOperator(written); op == "!" && second != "" {
		return p, fmt.Errorf("expected a path alone after !; write path!=value")
	}
	if op != "" && written == "" {
		return p, bad("found no path before %s", s)
	}
	var err error
	if p.path, err = ParsePath(written); err != nil || op == "" || op == "!" {
		return p, err
	}
	if operand == "" || strings.ContainsAny(operand[:1], "=<>!~") {
		return p, bad("expected a value after %s, found %q", op, operand)
	}
	if op == "=" || op == "!=" {
		for _, w := range splitQuoted(operand, '|') {
			p.words = append(p.words, strings.ToLower(unquote(w)))
		}
		return p, nil
	}
	if p.operand, err = strconv.ParseFloat(unquote(operand), 64); err != nil {
		return p, bad("expected a number after %s, found %q", op, operand)
	}
	return p, nil
}

// cutOperator finds the first operator outside of quotes and brackets.
func cutOperator(s string) (path, op, operand string) {
	if rest, ok := strings.CutPrefix(s, "!"); ok && !strings.HasPrefix(rest, "=") {
		return rest, "!", ""
	}
	quoted, within := false, false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case !quoted && (s[i] == '[' || s[i] == ']'):
			within = s[i] == '['
		}
		if quoted || within {
			continue
		}
		for _, op := range signs {
			if strings.HasPrefix(s[i:], op) {
				return s[:i], op, s[i+len(op):]
			}
		}
	}
	return s, "", ""
}

// splitQuoted splits s at sep outside of quotes.
func splitQuoted(s string, sep byte) []string {
	var out []string
	quoted, from := false, 0
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			out, from = append(out, s[from:i]), i+1
		}
	}
	return append(out, s[from:])
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// Holds reports whether c holds.
func (c Condition) Holds(sc *Scope) bool {
	for i := range c.parts {
		if !c.parts[i].holds(sc) {
			return false
		}
	}
	return true
}

// Found says what stands where c expected something else: path is "text". It
// is "" if c holds.
func (c Condition) Found(sc *Scope) string {
	for i := range c.parts {
		if p := &c.parts[i]; !p.holds(sc) {
			return fmt.Sprintf("%s is %.40q", p.path, p.path.Text(sc))
		}
	}
	return ""
}

func (p *part) holds(sc *Scope) bool {
	if p.path.several {
		return p.holdsOfSeveral(sc)
	}
	text := p.path.Text(sc)
	switch p.op {
	case "":
		return p.there(sc, text)
	case "!":
		return !p.there(sc, text)
	case "=":
		return p.anyOf(sc, text)
	case "!=":
		return text != "" && !p.anyOf(sc, text)
	}
	return p.compares(text)
}

func (p *part) compares(text string) bool {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return false
	}
	switch p.op {
	case ">=":
		return n >= p.operand
	case ">":
		return n > p.operand
	case "<=":
		return n <= p.operand
	}
	return n < p.operand
}

// holdsOfSeveral: one of the values is enough; for != and ! none may be there.
func (p *part) holdsOfSeveral(sc *Scope) bool {
	some := func(holds func(string) bool) (found, any bool) {
		for text := range p.path.texts(sc) {
			if any = true; holds(text) {
				return true, true
			}
		}
		return false, any
	}
	isWord := func(text string) bool { return p.anyOf(sc, text) }
	switch p.op {
	case "", "!":
		return (len(p.path.Values(sc)) > 0) == (p.op == "")
	case "!=":
		found, any := some(isWord)
		return any && !found
	case "=":
		found, _ := some(isWord)
		return found
	}
	found, _ := some(p.compares)
	return found
}

func (p *part) there(sc *Scope, text string) bool {
	return text != "" || p.path.Value(sc).Kind() >= doc.Array
}

func (p *part) anyOf(sc *Scope, text string) bool {
	lower := strings.ToLower(text)
	return slices.ContainsFunc(p.words, func(w string) bool { return w == "*" && p.there(sc, text) || w != "*" && match(w, lower) })
}

// Match reports whether text is the pattern, in which * stands for any
// characters. Case does not matter.
func Match(pattern, text string) bool { return match(strings.ToLower(pattern), strings.ToLower(text)) }

func match(pattern, text string) bool {
	if strings.IndexByte(pattern, '*') < 0 {
		return pattern == text
	}
	pieces := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(text, pieces[0])
	if !ok {
		return false
	}
	last := len(pieces) - 1
	for _, piece := range pieces[1:last] {
		if _, rest, ok = strings.Cut(rest, piece); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, pieces[last])
}

// Any is a list of conditions of which one must hold.
type Any []Condition

// ParseAny reads conditions. The error is of kind Invalid.
func ParseAny(written []string) (Any, error) {
	var out Any
	for _, s := range written {
		c, err := ParseCondition(s)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Holds reports whether one of a holds.
func (a Any) Holds(sc *Scope) bool {
	return slices.ContainsFunc(a, func(c Condition) bool { return c.Holds(sc) })
}
