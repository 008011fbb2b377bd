// Package lookup is the small language in which sources and presets name parts
// of a request: paths, conditions over them, and texts with paths in them. It
// has no loops and no functions, so whatever a user writes ends.
//
//	alerts.0.status            a field; a number is a position in an array
//	labels."k8s.io/name"       a name with dots in quotes
//	$.receiver                 from the top of the body, not from the alert
//	Message|json.AlarmName     goes on inside a string that is JSON itself
//	header:X-GitHub-Event      a header; also query:name, path: and text:, the whole body
//	@host                      a group of the preset's extract
//
//	event=up|down !error level>=12       a condition: all parts must hold
//	{monitor.name} is {heartbeat.status} a text; nothing if one of its paths leads nowhere
package lookup

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tocsin/shared/fault"
	"tocsin/shared/source/doc"
)

// Scope is where paths begin.
type Scope struct {
	Item   doc.Value // the alert
	Root   doc.Value // the body
	Header http.Header
	Query  url.Values
	Path   string            // what stands after the key in the request's path
	Text   string            // the body as text
	Named  map[string]string // groups of extract
}

// Path names a part of a request.
type Path struct {
	written string
	from    origin
	name    string // of a header, parameter or group
	steps   []step
}

// String returns the path as written.
func (p Path) String() string { return p.written }

type origin int

const (
	fromItem origin = iota
	fromRoot
	fromHeader
	fromQuery
	fromPath
	fromText
	fromNamed
)

// step is a name to follow. every: all items of an array; inner: go on inside
// a string that is JSON.
type step struct {
	name         string
	every, inner bool
}

var prefixes = map[string]origin{"header:": fromHeader, "query:": fromQuery, "path:": fromPath, "text:": fromText}

// ParsePath reads a path. The error is of kind Invalid and says what is wrong.
func ParsePath(s string) (Path, error) {
	p := Path{written: s}
	for prefix, from := range prefixes {
		if name, ok := strings.CutPrefix(s, prefix); ok {
			p.from, p.name = from, name
			return p, p.checkName()
		}
	}
	if name, ok := strings.CutPrefix(s, "@"); ok {
		p.from, p.name = fromNamed, name
		return p, nil
	}
	if rest, ok := strings.CutPrefix(s, "$"); ok {
		if p.from, s = fromRoot, strings.TrimPrefix(rest, "."); s == "" {
			return p, nil
		}
	}
	if s == "." {
		return p, nil
	}
	var err error
	if p.steps, err = parseSteps(s); err != nil {
		return p, fault.New(fault.Invalid, "the path %q: %s", p.written, err.Error())
	}
	return p, nil
}

func (p Path) checkName() error {
	whole := p.from == fromPath || p.from == fromText
	switch {
	case whole && p.name != "":
		return fault.New(fault.Invalid, "the path %q: nothing may follow the colon", p.written)
	case !whole && p.name == "":
		return fault.New(fault.Invalid, "the path %q: expected a name after the colon", p.written)
	}
	return nil
}

// parseSteps reads name.name[*].name|json.name.
func parseSteps(s string) ([]step, error) {
	var steps []step
	for {
		name, rest, err := cutName(s)
		if err != nil {
			return nil, err
		}
		if name != "" {
			steps = append(steps, step{name: name})
		}
		for more := true; more; {
			switch {
			case strings.HasPrefix(rest, "[*]"):
				steps, rest = append(steps, step{every: true}), rest[len("[*]"):]
			case strings.HasPrefix(rest, "|json"):
				steps, rest = append(steps, step{inner: true}), rest[len("|json"):]
			default:
				more = false
			}
		}
		if rest == "" {
			return steps, nil
		}
		if rest[0] != '.' {
			return nil, errors.New("expected . or [*] or |json at " + strconv.Quote(rest))
		}
		s = rest[1:]
	}
}

// cutName cuts a bare or quoted name off s. Only "[*]" may stand without one.
func cutName(s string) (name, rest string, err error) {
	if quoted, ok := strings.CutPrefix(s, `"`); ok {
		if name, rest, ok = strings.Cut(quoted, `"`); !ok {
			return "", "", errors.New("a quote does not end")
		}
		return name, rest, nil
	}
	end := strings.IndexAny(s, `.|["`)
	if end < 0 {
		end = len(s)
	}
	if end == 0 && !strings.HasPrefix(s, "[*]") && !strings.HasPrefix(s, "|json") {
		return "", "", errors.New("a name is missing")
	}
	return s[:end], s[end:], nil
}

// Values returns what p leads to: nothing, one value, or more by [*]. Only
// paths into the body have values.
func (p Path) Values(sc *Scope) []doc.Value {
	if p.from > fromRoot {
		return nil
	}
	at := sc.Item
	if p.from == fromRoot {
		at = sc.Root
	}
	found := []doc.Value{at}
	for _, s := range p.steps {
		var next []doc.Value
		for _, v := range found {
			next = s.append(next, v)
		}
		found = next
	}
	return found
}

func (s step) append(to []doc.Value, v doc.Value) []doc.Value {
	if s.every {
		for item := range v.Items() {
			to = append(to, item)
		}
		return to
	}
	if v = s.follow(v); v.Kind() != doc.Absent {
		to = append(to, v)
	}
	return to
}

func (s step) follow(v doc.Value) doc.Value {
	if s.inner {
		return v.Inner()
	}
	return v.Step(s.name)
}

// Value returns the first value that p leads to.
func (p Path) Value(sc *Scope) doc.Value {
	if p.from > fromRoot {
		return doc.Value{}
	}
	v := sc.Item
	if p.from == fromRoot {
		v = sc.Root
	}
	for _, s := range p.steps {
		if s.every {
			v = v.Index(0)
		} else {
			v = s.follow(v)
		}
	}
	return v
}

// Text returns the text that p leads to, without white space around it; "" if
// there is none.
func (p Path) Text(sc *Scope) string {
	switch p.from {
	case fromHeader:
		return strings.TrimSpace(sc.Header.Get(p.name))
	case fromQuery:
		return strings.TrimSpace(sc.Query.Get(p.name))
	case fromPath:
		return sc.Path
	case fromText:
		return strings.TrimSpace(sc.Text)
	case fromNamed:
		return strings.TrimSpace(sc.Named[p.name])
	}
	return strings.TrimSpace(p.Value(sc).Text())
}
