package ops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/plan"
)

// decodeObject reads a JSON object. Numbers stay as they were written.
func decodeObject(body []byte) (map[string]any, error) {
	if !utf8.Valid(body) {
		return nil, fault.New(fault.Invalid, "the body is not valid UTF-8")
	}
	if _, err := doc.JSON(body); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the body is not valid JSON") // begins with a byte order mark
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fault.New(fault.Invalid, "the body is %s, expected a JSON object", kindOf(v))
	}
	var bad fault.Problems
	again := json.NewDecoder(bytes.NewReader(body))
	again.UseNumber()
	noteRepeated(again, "", &bad)
	return m, bad.Err("the body says something twice")
}

// noteRepeated notes the fields that stand twice in one object: of two
// answers to one question neither counts. d reads JSON that is valid.
func noteRepeated(d *json.Decoder, path string, bad *fault.Problems) {
	open, _ := d.Token()
	switch open {
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() {
			name, _ := d.Token()
			text, _ := name.(string)
			if seen[text] {
				bad.Add(join(path, text), "stands there twice")
			}
			seen[text] = true
			noteRepeated(d, join(path, text), bad)
		}
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			noteRepeated(d, fmt.Sprintf("%s[%d]", path, i), bad)
		}
	default:
		return
	}
	_, _ = d.Token() // the closing delimiter
}

// check notes every way in which v, decoded from JSON, is not as s says.
func (s *Schema) check(v any, path string, bad *fault.Problems) {
	switch s.Type {
	case "":
		return
	case "object":
		s.checkObject(v, path, bad)
	case "array":
		s.checkArray(v, path, bad)
	case "string":
		s.checkString(v, path, bad)
	case "boolean":
		if _, ok := v.(bool); !ok {
			bad.Add(path, "is %s, expected true or false", kindOf(v))
		}
	default:
		s.checkNumber(v, path, bad)
	}
}

func (s *Schema) checkObject(v any, path string, bad *fault.Problems) {
	m, ok := v.(map[string]any)
	if !ok {
		bad.Add(path, "is %s, expected an object", kindOf(v))
		return
	}
	for _, name := range sortedKeys(m) {
		at := join(path, name)
		if f, known := s.Field(name); known {
			f.Schema.check(m[name], at, bad)
		} else if s.Values != nil {
			s.Values.check(m[name], at, bad)
		} else {
			bad.Add(at, "unknown field; expected %s", s.expected(name))
		}
	}
	for _, f := range s.Fields {
		if _, given := m[f.Name]; f.Required && !given {
			bad.Add(join(path, f.Name), "missing")
		}
	}
	if s.Values != nil {
		s.checkBounds(len(m), "names", path, bad)
	}
}

// expected lists the field nearest to an unknown name, else all of them.
func (s *Schema) expected(unknown string) string {
	var names []string
	for _, f := range s.Fields {
		if strings.EqualFold(strings.ReplaceAll(f.Name, "_", ""), strings.NewReplacer("_", "", "-", "").Replace(unknown)) {
			return f.Name
		}
		if f.In == "" {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return "no field"
	}
	return "one of " + strings.Join(names, ", ")
}

func (s *Schema) checkArray(v any, path string, bad *fault.Problems) {
	list, ok := v.([]any)
	if !ok {
		bad.Add(path, "is %s, expected a list", kindOf(v))
		return
	}
	s.checkBounds(len(list), "items", path, bad)
	for i, item := range list {
		s.Items.check(item, fmt.Sprintf("%s[%d]", path, i), bad)
	}
}

func (s *Schema) checkString(v any, path string, bad *fault.Problems) {
	text, ok := v.(string)
	if !ok {
		bad.Add(path, "is %s, expected a string", kindOf(v))
		return
	}
	s.checkBounds(len(text), "bytes", path, bad)
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
		bad.Add(path, "is %.60q, expected one of %s", text, strings.Join(s.Enum, ", "))
	}
	switch s.Format {
	case "date-time":
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			bad.Add(path, "is %.60q, expected a time like 2026-01-31T09:00:00Z", text)
		}
	case "duration":
		if _, err := plan.ParseDuration(text); err != nil {
			bad.Add(path, "%v", err)
		}
	}
}

func (s *Schema) checkNumber(v any, path string, bad *fault.Problems) {
	var n json.Number
	switch v := v.(type) {
	case json.Number:
		n = v
	default:
		bad.Add(path, "is %s, expected a number", kindOf(v))
		return
	}
	if s.Type == "number" {
		return
	}
	whole, err := n.Int64()
	if err != nil {
		bad.Add(path, "is %.40s, expected a whole number", n)
		return
	}
	s.checkBounds(int(whole), "", path, bad)
}

func (s *Schema) checkBounds(n int, unit, path string, bad *fault.Problems) {
	if unit != "" {
		unit = " " + unit
	}
	if s.Min != nil && n < *s.Min {
		bad.Add(path, "is %d%s, expected at least %d", n, unit, *s.Min)
	}
	if s.Max != nil && n > *s.Max {
		bad.Add(path, "is %d%s, expected at most %d", n, unit, *s.Max)
	}
}

// Bounds of what is told of a bad request, so that the answer stays far below
// the 6 MB that a function may answer with (AWS Lambda, "Quotas").
const (
	maxProblems = 1000
	maxPathPart = 80 // bytes of a name that the caller chose
)

// bounded returns err with the first of its problems, and says of how many.
func bounded(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || len(e.Fields) <= maxProblems {
		return err
	}
	shown := *e
	shown.Fields = e.Fields[:maxProblems]
	shown.Text = fmt.Sprintf("%s; these are the first %d of %d problems", e.Text, maxProblems, len(e.Fields))
	return &shown
}

func join(path, name string) string {
	if len(name) > maxPathPart {
		name = strings.ToValidUTF8(name[:maxPathPart], "") + "..."
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func sortedKeys(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// kindOf names what a decoded JSON value is.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

// withoutSecrets returns out with the fields that are shown only once left
// empty.
func withoutSecrets(s *Schema, out any) any {
	v := reflect.ValueOf(out)
	if s == nil || v.Kind() != reflect.Struct {
		return out
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	for _, f := range s.Fields {
		if f.Secret {
			c.FieldByIndex(f.index).SetZero()
		}
	}
	return c.Interface()
}
