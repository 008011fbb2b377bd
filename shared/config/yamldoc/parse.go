package yamldoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxDepth bounds how deep lists and maps nest, before the library's own
// recursion sees them.
const maxDepth = 64

// Parse reads the documents of one file. A document with problems is left out
// unless the rest of it can still be checked.
func Parse(name string, data []byte) (File, Problems) {
	p := reader{file: File{Name: name}}
	p.read(data)
	return p.file, p.problems
}

// reader reads one file.
type reader struct {
	file     File
	problems Problems
}

func (r *reader) problem(line int, field, format string, args ...any) {
	r.problems = append(r.problems, Problem{File: r.file.Name, Line: line, Field: field, Detail: fmt.Sprintf(format, args...)})
}

func (r *reader) read(data []byte) {
	switch {
	case len(data) > maxFile:
		r.problem(1, "", "the file has %d bytes, expected at most %d", len(data), maxFile)
		return
	case !utf8.Valid(data):
		r.problem(invalidLine(data), "", "the text is not UTF-8")
		return
	}
	tree, err := r.parse(string(data))
	if err != nil || tree == nil {
		r.syntax(data, err)
		return
	}
	for _, doc := range tree.Docs {
		r.document(doc)
	}
}

func invalidLine(data []byte) int {
	line := 1
	for len(data) > 0 {
		char, size := utf8.DecodeRune(data)
		if char == utf8.RuneError && size == 1 {
			break
		}
		if char == '\n' {
			line++
		}
		data = data[size:]
	}
	return line
}

// parse returns nil without an error after noting a problem itself. The
// library panics on some malformed input; that is a problem of the file, not
// of the program that reads it.
func (r *reader) parse(text string) (tree *ast.File, err error) {
	defer func() {
		if recover() != nil {
			tree, err = nil, errors.New("the file cannot be read as YAML")
		}
	}()
	tokens := lexer.Tokenize(text)
	if line := tooDeep(tokens); line > 0 {
		r.problem(line, "", "nested deeper than %d", maxDepth)
		return nil, nil
	}
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// tooDeep returns the line at which brackets, or dashes and question marks on
// one line, nest deeper than maxDepth; 0 when nowhere. Nesting by indentation
// is bounded too: a level costs a column.
func tooDeep(tokens token.Tokens) int {
	open, entries, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, entries = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			open++
		case token.MappingEndType, token.SequenceEndType:
			open--
		case token.SequenceEntryType, token.MappingKeyType:
			entries++
		}
		if open > maxDepth || entries > maxDepth || t.Position.Column > maxColumn && structural(t.Type) {
			return line
		}
	}
	return 0
}

// maxColumn is how far to the right a block may begin.
const maxColumn = 1000

func structural(t token.Type) bool {
	return t == token.SequenceEntryType || t == token.MappingKeyType || t == token.MappingValueType
}

// syntax notes why the library could not read the file.
func (r *reader) syntax(data []byte, err error) {
	if err == nil {
		return
	}
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		r.problem(1, "", "no valid YAML: %v", err)
		return
	}
	line := at.GetToken().Position.Line
	if tabbed(data, line) {
		r.problem(line, "", "no valid YAML: the line is indented by a tab, expected spaces")
		return
	}
	r.problem(line, "", "no valid YAML: %s", at.GetMessage())
}

// tabbed reports whether the indentation of a line holds a tab.
func tabbed(data []byte, line int) bool {
	for text := range bytes.Lines(data) {
		if line--; line == 0 {
			return bytes.IndexByte(text[:len(text)-len(bytes.TrimLeft(text, " \t"))], '\t') >= 0
		}
	}
	return false
}

func (r *reader) document(doc *ast.DocumentNode) {
	if doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
		return // an empty document, as after a closing ---
	}
	d := Document{line: line(doc.Body), lines: map[string]int{}}
	pairs, ok := pairsOf(doc.Body)
	if !ok {
		r.refuse(doc.Body, "", "a map with kind, name and spec")
		return
	}
	usable := true
	for _, f := range r.fields(pairs, "") {
		d.lines[f.name] = line(f.key)
		usable = r.topField(&d, f) && usable
	}
	for _, name := range [...]string{"kind", "name"} {
		if _, there := d.lines[name]; !there {
			r.problem(d.line, name, "missing")
			usable = false
		}
	}
	if usable {
		r.file.Documents = append(r.file.Documents, d)
	}
}

// topField takes over one of kind, name and spec, and reports whether the
// document can be checked further.
func (r *reader) topField(d *Document, f pair) bool {
	switch f.name {
	case "kind", "name":
		text, ok := r.value(f.value, f.name, d.lines).(string)
		if !ok {
			r.problem(line(f.value), f.name, "expected a text; put it in quotes if it looks like something else")
			return false
		}
		if f.name == "kind" {
			d.Kind = text
		} else {
			d.Name = text
		}
	case "spec":
		before := len(r.problems)
		spec, err := json.Marshal(r.value(f.value, f.name, d.lines))
		if err != nil {
			r.problem(line(f.value), f.name, "cannot be written as JSON: %v", err)
		}
		d.Spec = spec
		return len(r.problems) == before
	default:
		r.problem(line(f.key), f.name, "unknown field; known are kind, name, spec")
	}
	return true
}

// pair is a field of a map.
type pair struct {
	name  string
	key   ast.Node
	value ast.Node
}

// pairsOf returns the fields of a map; ok is false for anything else.
func pairsOf(n ast.Node) (values []*ast.MappingValueNode, ok bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// fields returns the fields of a map that stand there once under a plain name,
// and notes the others.
func (r *reader) fields(values []*ast.MappingValueNode, at string) []pair {
	var fields []pair
	for _, v := range values {
		name, ok := r.keyName(v.Key, at)
		if !ok {
			continue
		}
		if slices.ContainsFunc(fields, func(f pair) bool { return f.name == name }) {
			r.problem(line(v.Key), join(at, name), "stands there twice")
			continue
		}
		fields = append(fields, pair{name, v.Key, v.Value})
	}
	return fields
}

func (r *reader) keyName(key ast.MapKeyNode, at string) (string, bool) {
	switch k := key.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return key.GetToken().Value, true
	}
	r.refuse(key, at, "a plain name")
	return "", false
}

// value turns a node into what encoding/json writes, and notes the line of
// each field.
func (r *reader) value(n ast.Node, at string, lines map[string]int) any {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return r.object(n, at, lines)
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, v := range n.Values {
			path := fmt.Sprintf("%s[%d]", at, i)
			lines[path] = line(v)
			list[i] = r.value(v, path, lines)
		}
		return list
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.BoolNode:
		return n.Value
	case *ast.IntegerNode:
		return n.Value
	case *ast.FloatNode:
		return r.float(n, at)
	case *ast.NullNode, nil:
		return nil
	}
	r.refuse(n, at, "a plain value, a list or a map")
	return nil
}

func (r *reader) object(n ast.Node, at string, lines map[string]int) any {
	values, _ := pairsOf(n)
	object := map[string]any{}
	for _, f := range r.fields(values, at) {
		path := join(at, f.name)
		lines[path] = line(f.key)
		object[f.name] = r.value(f.value, path, lines)
	}
	return object
}

func (r *reader) float(n *ast.FloatNode, at string) any {
	if math.IsInf(n.Value, 0) || math.IsNaN(n.Value) {
		r.problem(line(n), at, "%s is too large", n.GetToken().Value)
		return nil
	}
	return json.Number(strconv.FormatFloat(n.Value, 'g', -1, 64))
}

// refuse notes a node that has no place where it stands.
func (r *reader) refuse(n ast.Node, at, want string) {
	var found string
	switch n.(type) {
	case *ast.AnchorNode:
		found = "an anchor"
	case *ast.AliasNode:
		found = "an alias"
	case *ast.MergeKeyNode:
		found = "a merge key"
	case *ast.TagNode:
		found = "a tag"
	case *ast.DirectiveNode:
		found = "a directive"
	default:
		found = strings.ToLower(n.Type().String())
	}
	r.problem(line(n), at, "found %s, expected %s", found, want)
}

// line returns where a node begins.
func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil {
		return 1
	}
	return n.GetToken().Position.Line
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}
