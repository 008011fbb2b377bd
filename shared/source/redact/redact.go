// Package redact takes out of a request what nobody may keep, before it is
// read: values of fields by name or path, and whatever a pattern matches, in
// the body, in names of fields, in JSON, Base64 and lines inside of texts, in
// the query and in headers. What is understood of the request is gone through
// once more, because a source may decode what nobody else can. It knows
// nothing of integrations.
//
//	rules, err := redact.Compile([]string{"password", "$.user.email"}, []string{`\b\d{16}\b`})
//	clean, n, notes := rules.Request(request, src.Rewrite)
//	parsed, more := rules.Parsed(parse(clean))
package redact

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/lookup"
)

// Mark stands in the place of what was taken out.
const Mark = source.Hidden

// Bounds of the rules of one integration.
const (
	MaxRules   = 50
	MaxPattern = 500
)

// Rules say what is taken out. The zero Rules take out nothing.
type Rules struct {
	names    []string      // of fields at any depth, of query and headers; case does not matter
	paths    []lookup.Path // from the top of the body
	patterns []*regexp.Regexp
	shapes   shapes // of names and values in bodies that are no tree; a path means its last name there
	inside   *Rules // what is taken out of the texts of a tree: nothing by paths
}

// Compile reads fields and patterns. A field is a bare name, which is meant at
// any depth, or a path of package lookup into the body. A pattern is a regular
// expression (RE2). The error is of kind Invalid and names each that is wrong.
func Compile(fields, patterns []string) (*Rules, error) {
	r := &Rules{}
	var bad fault.Problems
	for i, f := range fields {
		if problem := r.field(f); problem != "" {
			bad.Add(fmt.Sprintf("redact_fields[%d]", i), "%s", problem)
		}
	}
	for i, p := range patterns {
		if problem := r.pattern(p); problem != "" {
			bad.Add(fmt.Sprintf("redact_patterns[%d]", i), "%s", problem)
		}
	}
	for name, list := range map[string][]string{"redact_fields": fields, "redact_patterns": patterns} {
		if len(list) > MaxRules {
			bad.Add(name, "found %d, expected at most %d", len(list), MaxRules)
		}
	}
	if err := bad.Err("what is to be redacted is not valid"); err != nil {
		return nil, err
	}
	r.inside = &Rules{names: r.names, patterns: r.patterns, shapes: shapesOf(r.names)}
	r.inside.inside = r.inside
	all := r.names
	for _, p := range r.paths {
		if name := p.Name(); name != "" {
			all = append(all[:len(all):len(all)], name)
		}
	}
	r.shapes = shapesOf(all)
	return r, nil
}

func (r *Rules) field(written string) string {
	path, err := lookup.ParsePath(written)
	switch {
	case err != nil:
		return err.Error()
	case path.InText():
		return "a path cannot go on inside a text; give the bare name, which is found there too"
	case strings.ContainsAny(written, `.$["`):
		r.paths = append(r.paths, path)
		return ""
	case strings.ContainsAny(written, ":@") || len(written) > MaxPattern:
		return "expected a name or a path into the body"
	}
	r.names = append(r.names, written)
	return ""
}

func (r *Rules) pattern(written string) string {
	p, err := regexp.Compile(written)
	switch {
	case err != nil:
		return err.Error()
	case len(written) > MaxPattern:
		return fmt.Sprintf("has %d characters, expected at most %d", len(written), MaxPattern)
	case p.MatchString(""):
		return "matches the empty text"
	}
	r.patterns = append(r.patterns, p)
	return ""
}

// Empty reports whether r takes out nothing.
func (r *Rules) Empty() bool {
	return r == nil || len(r.names)+len(r.paths)+len(r.patterns) == 0
}

// Request returns req without what r takes out, how many places that were, and
// what rewrite noted; rewrite is that of the source, see
// [source.Source.Rewrite]. The reading of req begins anew: what was decoded of
// it is not used again.
func (r *Rules) Request(req *source.Request, rewrite source.Rewrite) (clean *source.Request, taken int, notes []string) {
	if r.Empty() {
		return req, 0, nil
	}
	t, rewritten := taker{Rules: r}, false
	var body []byte
	if rewrite != nil {
		body, notes, rewritten = rewrite(req.Body, t.value)
	}
	if !rewritten {
		body = t.body(req.Body, req.IsForm())
	}
	clean, beside := req.With(http.Header{}, body), taker{Rules: r.inside}
	clean.Query = url.Values{}
	clean.Path = beside.text(req.Path)
	for name, values := range req.Query {
		clean.Query[beside.text(name)] = beside.values(name, values)
	}
	for name, values := range req.Header {
		clean.Header[name] = beside.values(name, values)
	}
	return clean, t.taken + beside.taken, notes
}

// taker counts what it takes out.
type taker struct {
	*Rules
	taken int
}

// named reports whether all values of that name are taken out.
func (r *Rules) named(name string) bool { return isAmong(r.names, strings.TrimSpace(name)) }

// isAmong goes by a name, and by the last part of one that is made of several.
func isAmong(names []string, name string) bool {
	last := lastPart(name)
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) || strings.EqualFold(n, last) })
}

func (t *taker) values(name string, values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = t.value(name, v)
	}
	return out
}

// value takes out of the value of a name.
func (t *taker) value(name, value string) string {
	if !t.shapes.named(name) {
		return t.text(value)
	}
	if value != Mark && value != "" {
		t.taken++
		return Mark
	}
	return value
}
