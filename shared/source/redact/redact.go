// Package redact takes out of a request what nobody may keep, before it is
// read: values of fields by name or path, and whatever a pattern matches, in
// the body, in names of fields, in JSON inside of texts, in the query and in
// headers. It knows nothing of integrations.
//
//	rules, err := redact.Compile([]string{"password", "$.user.email"}, []string{`\b\d{16}\b`})
//	clean, n := rules.Request(request)
package redact

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/lookup"
)

// Mark stands in the place of what was taken out.
const Mark = "[redacted]"

// Bounds of the rules of one integration.
const (
	MaxRules   = 50
	MaxPattern = 500
)

// Rules say what is taken out. The zero Rules take out nothing.
type Rules struct {
	names    []string         // of fields at any depth, of query and headers; case does not matter
	paths    []lookup.Path    // from the top of the body
	texts    []*regexp.Regexp // of the values of names in bodies that are no tree
	patterns []*regexp.Regexp
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
	return r, bad.Err("what is to be redacted is not valid")
}

func (r *Rules) field(written string) string {
	path, err := lookup.ParsePath(written)
	switch {
	case err != nil:
		return err.Error()
	case strings.Contains(written, "|json"):
		return "a path cannot go on inside a text; give the bare name, which is found there too"
	case strings.ContainsAny(written, `.$["`):
		r.paths = append(r.paths, path)
		return ""
	case strings.ContainsAny(written, ":@") || len(written) > MaxPattern:
		return "expected a name or a path into the body"
	}
	r.names = append(r.names, written)
	name := regexp.QuoteMeta(written)
	for _, shape := range []string{
		`(?i)(["']?\b` + name + `\b["']?\s*[=:]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&<>"']+)()`, // name=value, name: "value"
		`(?is)(<(?:\w+:)?` + name + `\b[^>]*>)(.*?)(</(?:\w+:)?` + name + `\s*>)`,               // <name>value</name>
	} {
		r.texts = append(r.texts, regexp.MustCompile(shape))
	}
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

// Request returns req without what r takes out, and how many places that were.
// Its reading begins anew: what was decoded of req is not used again.
func (r *Rules) Request(req *source.Request) (*source.Request, int) {
	if r.Empty() {
		return req, 0
	}
	t := taker{Rules: r}
	out := &source.Request{At: req.At, Other: req.Other, Header: http.Header{}, Query: url.Values{}}
	out.Body = t.body(req.Body, req.Media() == source.FormMedia)
	out.Path = t.text(req.Path)
	for name, values := range req.Query {
		out.Query[t.text(name)] = t.values(name, values)
	}
	for name, values := range req.Header {
		out.Header[name] = t.values(name, values)
	}
	return out, t.taken
}

// taker counts what it takes out.
type taker struct {
	*Rules
	taken int
}

// named reports whether all values of that name are taken out.
func (r *Rules) named(name string) bool {
	for _, n := range r.names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// text takes out of a text what patterns match.
func (t *taker) text(s string) string {
	for _, p := range t.patterns {
		s = p.ReplaceAllStringFunc(s, func(found string) string {
			if found == "" || found == Mark {
				return found
			}
			t.taken++
			return Mark
		})
	}
	return s
}

func (t *taker) values(name string, values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		switch {
		case !t.named(name):
			out[i] = t.inner(v)
		case v != Mark:
			t.taken++
			fallthrough
		default:
			out[i] = Mark
		}
	}
	return out
}

// plain takes out of a body that is no tree, such as XML or text.
func (t *taker) plain(body string) string {
	for _, shape := range t.texts {
		body = shape.ReplaceAllStringFunc(body, func(found string) string {
			m := shape.FindStringSubmatch(found)
			if m[2] == Mark || m[2] == `"`+Mark+`"` {
				return found
			}
			t.taken++
			if strings.HasPrefix(m[2], `"`) {
				return m[1] + `"` + Mark + `"` + m[3]
			}
			return m[1] + Mark + m[3]
		})
	}
	return t.text(body)
}

func (t *taker) form(body []byte) ([]byte, bool) {
	fields, err := url.ParseQuery(string(bytes.TrimSpace(body)))
	if err != nil {
		return nil, false
	}
	return t.fields(body, fields), true
}

// fields takes out of the fields of a form, which then is one with a plain
// body however it was sent.
func (t *taker) fields(body []byte, fields url.Values) []byte {
	before, clean := t.taken, url.Values{}
	for name, values := range fields {
		clean[t.text(name)] = t.values(name, values)
	}
	if t.taken == before {
		return body
	}
	return []byte(clean.Encode())
}
