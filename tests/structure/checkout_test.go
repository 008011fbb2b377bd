package structure

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/local/ministack"
)

// root is the checkout, seen from this folder.
const root = "../.."

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// run returns the standard output of a program in a folder of the checkout.
func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = filepath.Join(root, dir)
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, &problem)
	}
	return string(out)
}

// functionNames are the folders below functions.
func functionNames(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "functions"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// object is a mapping of JSON or YAML.
type object map[string]any

// at follows names down; nil where one is absent.
func (o object) at(names ...string) any {
	var v any = map[string]any(o)
	for _, n := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[n]
	}
	return v
}

// object is the mapping at names, empty where it is absent.
func (o object) object(names ...string) object {
	m, _ := o.at(names...).(map[string]any)
	return m
}

// text is the string at names, "" where it is absent.
func (o object) text(names ...string) string {
	s, _ := o.at(names...).(string)
	return s
}

// number is the number at names, 0 where it is absent.
func (o object) number(names ...string) float64 {
	switch n := o.at(names...).(type) {
	case float64:
		return n
	case uint64:
		return float64(n)
	case int64:
		return float64(n)
	}
	return 0
}

// list is the list at names; a single value is a list of one.
func (o object) list(names ...string) []any {
	switch v := o.at(names...).(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// words is the list of strings at names.
func (o object) words(names ...string) (words []string) {
	for _, v := range o.list(names...) {
		if s, ok := v.(string); ok {
			words = append(words, s)
		}
	}
	return words
}

// names are the sorted keys of a mapping.
func names[M ~map[string]V, V any](m M) []string {
	all := make([]string, 0, len(m))
	for n := range m {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// refers is the logical name that {"Ref": X} or {"Fn::GetAtt": [X, ...]}
// names, "" for anything else.
func refers(v any) string {
	m, _ := v.(map[string]any)
	if ref, ok := m["Ref"].(string); ok {
		return ref
	}
	if list, ok := m["Fn::GetAtt"].([]any); ok && len(list) > 0 {
		name, _ := list[0].(string)
		return name
	}
	return ""
}

// stack is template.yaml.
type stack struct{ object }

func readStack(t *testing.T) stack {
	t.Helper()
	template, err := ministack.ReadTemplate(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return stack{object(template)}
}

// of returns the resources of a type by their names.
func (s stack) of(kind string) map[string]object {
	found := map[string]object{}
	resources := s.object.object("Resources")
	for name := range resources {
		if r := resources.object(name); r.text("Type") == kind {
			found[name] = r
		}
	}
	return found
}

// function is one function of the template, with what Globals add.
type function struct {
	id, name   string // RouterFunction, router
	properties object
	globals    object
}

const (
	lambdaFunction = "AWS::Serverless::Function"
	built          = ".build/arm64/" // where CodeUri points
)

func (s stack) functions() (all []function) {
	found := s.of(lambdaFunction)
	for _, id := range names(found) {
		p := found[id].object("Properties")
		all = append(all, function{
			id: id, name: strings.TrimPrefix(p.text("CodeUri"), built), properties: p,
			globals: s.object.object("Globals", "Function"),
		})
	}
	return all
}

// timeout is in seconds; SAM's default is 3.
func (f function) timeout() float64 {
	for _, p := range []object{f.properties, f.globals} {
		if n := p.number("Timeout"); n > 0 {
			return n
		}
	}
	return 3
}

// queues are the queues that the function reads.
func (f function) queues() (queues []string) {
	events := f.properties.object("Events")
	for name := range events {
		if e := events.object(name); e.text("Type") == "SQS" {
			queues = append(queues, refers(e.at("Properties", "Queue")))
		}
	}
	return queues
}
