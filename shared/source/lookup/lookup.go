// Package lookup is the small language in which sources and presets name parts
// of a request: paths, conditions over them, and texts with paths in them. It
// has no loops and no functions, so whatever a user writes ends.
//
//	alerts.0.status            a field; a number is a position in an array
//	labels."k8s.io/name"       a name with dots in quotes
//	tags[*].name               of every item; the texts stand with commas between them
//	reports.*.severity         of every field, whatever its name
//	fields[key=team].value     of the item whose key is "team"
//	$.receiver                 from the top of the body, not from the alert
//	Message|json.AlarmName     goes on inside a string that is JSON itself
//	log|line                   the first line that says something, without markup
//	text|pairs."Host name"     of the lines that say "Host name: db-1"
//	header:X-GitHub-Event      a header; also query:name, path: and text:, the whole body
//	@host                      a group of the preset's extract
//	labels:                    all labels of the alert, as one text
//
//	event=up|down !error level>=12       a condition: all parts must hold
//	{monitor.name} is {heartbeat.status} a text; nothing if one of its paths leads nowhere
package lookup

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tocsin/shared/doc"
	"tocsin/shared/fault"
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
	Labels map[string]string // of the alert, once they are known
	Blank  *regexp.Regexp    // texts that mean nothing, like N/A; nil: none
	XML    bool              // the body is XML, where what stands there once is no list: [*] takes it for a list of one

	shared map[string]string // texts from outside of the alert; see Each
}

// Bounds of a text, so that a large body is not copied for each path into it:
// of any, of one that is the same for each of several alerts, and of one that
// may be blank.
const (
	maxText   = 64 << 10
	maxShared = 1 << 10
	maxBlank  = 100
)

// Each returns the scope of one of the alerts of sc.
func (sc *Scope) Each(item doc.Value) *Scope {
	if sc.shared == nil {
		sc.shared = map[string]string{}
	}
	one := *sc
	one.Item = item
	return &one
}

// Path names a part of a request.
type Path struct {
	written string
	from    origin
	name    string // of a header, parameter or group
	steps   []step
	several bool // it may lead to more than one value
}

// String returns the path as written.
func (p Path) String() string { return p.written }

// Group returns the name of the group of extract that p is, "" if it is none.
func (p Path) Group() string {
	if p.from != fromNamed {
		return ""
	}
	return p.name
}

// Doubt says what of p may be meant otherwise, "" if nothing: braces are those
// of a text, and ~ and & are signs elsewhere. A name that has them stands in quotes.
func (p Path) Doubt() string {
	quoted, within := p.from > fromRoot, false
	for _, c := range p.written {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '[' || c == ']':
			within = c == '['
		case quoted || within:
		case c == '{' || c == '}':
			return fmt.Sprintf("the path %q: a path stands in braces only within a text; write it without", p.written)
		case c == '~' || c == '&':
			return fmt.Sprintf("the path %q: %c is no sign of this language; a name that has it stands in quotes", p.written, c)
		}
	}
	return ""
}

type origin int

const (
	fromItem origin = iota
	fromRoot
	fromHeader
	fromQuery
	fromPath
	fromText
	fromLabels
	fromNamed
)

// step is what to do with the value reached so far.
type step struct {
	kind  stepKind
	name  string
	value string // of the field called name
}

type stepKind int

const (
	named  stepKind = iota // the field or position called name
	items                  // every item of an array
	fields                 // every field of an object
	having                 // the first item of an array whose field is value
	inner                  // the JSON inside a string
	line                   // the first line of a text
	pairs                  // the lines of a text as fields
)

var prefixes = map[string]origin{"header:": fromHeader, "query:": fromQuery, "path:": fromPath, "text:": fromText, "labels:": fromLabels}

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
		return p, p.checkName()
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
	p.several = slices.ContainsFunc(p.steps, func(s step) bool { return s.kind == items || s.kind == fields })
	return p, nil
}

func (p Path) checkName() error {
	whole := p.from == fromPath || p.from == fromText || p.from == fromLabels
	switch {
	case whole && p.name != "":
		return fault.New(fault.Invalid, "the path %q: nothing may follow the colon", p.written)
	case !whole && p.name == "":
		return fault.New(fault.Invalid, "the path %q: a name is missing", p.written)
	}
	return nil
}

// parseSteps reads name.name[*].name|json.name.
func parseSteps(s string) ([]step, error) {
	var steps []step
	for {
		next, rest, err := cutName(s)
		if err != nil {
			return nil, err
		}
		steps = append(steps, next...)
		for rest != "" && rest[0] != '.' {
			var one step
			if one, rest, err = cutStep(rest); err != nil {
				return nil, err
			}
			steps = append(steps, one)
		}
		if rest == "" {
			return steps, nil
		}
		s = rest[1:]
	}
}

// cutStep cuts what may follow a name off s.
func cutStep(s string) (step, string, error) {
	for word, kind := range map[string]stepKind{"[*]": items, "|json": inner, "|line": line, "|pairs": pairs} {
		if rest, ok := strings.CutPrefix(s, word); ok {
			return step{kind: kind}, rest, nil
		}
	}
	within, rest, closed := strings.Cut(s, "]")
	name, value, ok := strings.Cut(strings.TrimPrefix(within, "["), "=")
	if !strings.HasPrefix(s, "[") || !closed || !ok || name == "" || value == "" {
		return step{}, "", errors.New("expected . or [*] or [name=value] or |json or |line or |pairs at " + strconv.Quote(s))
	}
	return step{kind: having, name: name, value: unquote(value)}, rest, nil
}

// cutName cuts a bare or quoted name off s; * is every field. Brackets and
// |json may stand without one.
func cutName(s string) (steps []step, rest string, err error) {
	if quoted, ok := strings.CutPrefix(s, `"`); ok {
		name, rest, ok := strings.Cut(quoted, `"`)
		if !ok {
			return nil, "", errors.New("a quote does not end")
		}
		return []step{{name: name}}, rest, nil
	}
	end := strings.IndexAny(s, `.|["`)
	if end < 0 {
		end = len(s)
	}
	switch name := s[:end]; {
	case name == "*":
		return []step{{kind: fields}}, s[end:], nil
	case name != "":
		return []step{{name: name}}, s[end:], nil
	case strings.HasPrefix(s, "[") || strings.HasPrefix(s, "|"):
		return nil, s, nil
	}
	return nil, "", errors.New("a name is missing")
}

// Values returns what p leads to: nothing, one value, or several. Only paths
// into the body have values.
func (p Path) Values(sc *Scope) []doc.Value {
	if p.from > fromRoot {
		return nil
	}
	var found []doc.Value
	walk(p.top(sc), p.steps, sc.XML, func(v doc.Value) bool {
		found = append(found, v)
		return len(found) < maxValues
	})
	return found
}

// Places yields all values in a body that p may mean: without a bound, each of
// the fields of one name where it stands twice, and each item that
// [name=value] might choose.
func (p Path) Places(root doc.Value) iter.Seq[doc.Value] {
	return func(yield func(doc.Value) bool) {
		if p.from <= fromRoot {
			everywhere(root, p.steps, yield)
		}
	}
}

func everywhere(v doc.Value, steps []step, yield func(doc.Value) bool) bool {
	if len(steps) == 0 {
		return yield(v)
	}
	s, rest := steps[0], steps[1:]
	for item := range v.Items() {
		if s.kind == items || s.kind == having && s.chooses(item) {
			if !everywhere(item, rest, yield) {
				return false
			}
		}
	}
	for name, field := range v.Fields() {
		if s.kind == fields || s.kind == named && s.name == name {
			if !everywhere(field, rest, yield) {
				return false
			}
		}
	}
	if item := v.Step(s.name); s.kind == named && v.Kind() == doc.Array && item.Kind() != doc.Absent {
		return everywhere(item, rest, yield)
	}
	return true
}

func (s step) chooses(item doc.Value) bool {
	for name, field := range item.Fields() {
		if name == s.name && strings.EqualFold(field.Head(maxText), s.value) {
			return true
		}
	}
	return false
}

// InText reports whether p goes on inside a text of the body.
func (p Path) InText() bool {
	return slices.ContainsFunc(p.steps, func(s step) bool { return s.kind == inner || s.kind == line || s.kind == pairs })
}

// Name is the last name of a field in p, "" if there is none.
func (p Path) Name() string {
	for _, s := range slices.Backward(p.steps) {
		if s.kind == named && strings.Trim(s.name, "0123456789") != "" {
			return s.name
		}
	}
	return ""
}

// maxValues is one more than any reader takes.
const maxValues = 10_001

// isOnly reports whether v, which is no array, is all there is of a list in
// XML. An empty element is none.
func isOnly(v doc.Value) bool {
	return v.Kind() == doc.Object || v.Kind() == doc.String && v.Head(1) != ""
}

// walk yields what steps from v lead to, and reports whether to go on. A JSON
// inside of XML has lists of its own.
func walk(v doc.Value, steps []step, inXML bool, yield func(doc.Value) bool) bool {
	if len(steps) == 0 {
		return yield(v)
	}
	s, rest := steps[0], steps[1:]
	switch k := v.Kind(); {
	case s.kind == items && k != doc.Array && inXML && isOnly(v):
		return walk(v, rest, inXML, yield)
	case s.kind == items && k != doc.Array, s.kind == fields && k != doc.Object:
		return true
	case s.kind == items:
		for item := range v.Items() {
			if !walk(item, rest, inXML, yield) {
				return false
			}
		}
		return true
	case s.kind == fields:
		for _, field := range v.Fields() {
			if !walk(field, rest, inXML, yield) {
				return false
			}
		}
		return true
	}
	if v = s.follow(v); v.Kind() == doc.Absent {
		return true
	}
	return walk(v, rest, inXML && s.kind != inner, yield)
}

func (p Path) top(sc *Scope) doc.Value {
	if p.from == fromRoot {
		return sc.Root
	}
	return sc.Item
}

func (s step) follow(v doc.Value) doc.Value {
	switch s.kind {
	case items:
		return v.Index(0)
	case fields:
		return firstField(v)
	case having:
		return firstHaving(v, s.name, s.value)
	case inner:
		return v.Inner()
	case line:
		return doc.Of(Line(v.Head(maxText)))
	case pairs:
		if v.Kind() != doc.String {
			return doc.Value{}
		}
		return Pairs(v.Head(maxPaired))
	}
	return v.Step(s.name)
}

// firstField and firstHaving stand apart because their loops would have every
// step allocate.
func firstField(v doc.Value) doc.Value {
	for _, field := range v.Fields() {
		return field
	}
	return doc.Value{}
}

func firstHaving(v doc.Value, name, value string) doc.Value {
	for item := range v.Items() {
		if strings.EqualFold(item.Get(name).Head(maxText), value) {
			return item
		}
	}
	return doc.Value{}
}

// Line is the first line of a text that says something, without markup.
func Line(s string) string {
	for l := range strings.Lines(s) {
		if l = plain(l); strings.ContainsFunc(l, inWord) {
			return l
		}
	}
	return ""
}

// Value returns the first value that p leads to.
func (p Path) Value(sc *Scope) doc.Value {
	if p.from > fromRoot {
		return doc.Value{}
	}
	if sc.XML && p.several {
		var first doc.Value
		walk(p.top(sc), p.steps, true, func(v doc.Value) bool {
			first = v
			return false
		})
		return first
	}
	v := p.top(sc)
	for _, s := range p.steps {
		v = s.follow(v)
	}
	return v
}

// Text returns the text that p leads to, without white space around it; "" if
// there is none. Several are one text with commas between them.
func (p Path) Text(sc *Scope) string {
	if p.from == fromItem || sc.shared == nil {
		return sc.said(p.read(sc))
	}
	text, known := sc.shared[p.written]
	if !known {
		text = sc.said(p.read(sc))
		if len(text) > maxShared {
			text = strings.ToValidUTF8(text[:maxShared], "")
		}
		if p.from != fromLabels {
			sc.shared[p.written] = text
		}
	}
	return text
}

// said returns s, or nothing where it means nothing.
func (sc *Scope) said(s string) string {
	if sc.Blank != nil && len(s) <= maxBlank && sc.Blank.MatchString(s) {
		return ""
	}
	return s
}

func (p Path) read(sc *Scope) string {
	switch p.from {
	case fromHeader:
		return strings.TrimSpace(sc.Header.Get(p.name))
	case fromQuery:
		return strings.TrimSpace(sc.Query.Get(p.name))
	case fromPath:
		return sc.Path
	case fromText:
		return strings.TrimSpace(strings.ToValidUTF8(sc.Text[:min(len(sc.Text), maxText)], ""))
	case fromLabels:
		return inOrder(sc.Labels)
	case fromNamed:
		return strings.TrimSpace(sc.Named[p.name])
	}
	if p.several {
		return strings.Join(p.someTexts(sc), ", ")
	}
	return strings.TrimSpace(p.Value(sc).Head(maxText))
}

// maxSeveral is how many texts stand for those that a path leads to.
const maxSeveral = 20

// someTexts returns the first different texts of several values.
func (p Path) someTexts(sc *Scope) []string {
	var out []string
	for s := range p.texts(sc) {
		if !slices.Contains(out, s) {
			if out = append(out, s); len(out) == maxSeveral {
				break
			}
		}
	}
	return out
}

// texts yields the texts of the values that p leads to.
func (p Path) texts(sc *Scope) iter.Seq[string] {
	return func(yield func(string) bool) {
		if p.from > fromRoot {
			return
		}
		walk(p.top(sc), p.steps, sc.XML, func(v doc.Value) bool {
			s := sc.said(strings.TrimSpace(v.Head(maxShared)))
			return s == "" || yield(s)
		})
	}
}

// inOrder writes labels as name=value, sorted, so that equal labels are equal texts.
func inOrder(labels map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, strconv.Quote(name)+"="+strconv.Quote(labels[name]))
	}
	return strings.Join(out, ",")
}
