package config

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"tocsin/shared/fault"
)

// Bounds of a spec, far above what people write.
const (
	maxSpecDepth = 64
	maxText      = 4096 // bytes of one text
	maxList      = 1000 // elements of one list or map
)

// decodeStrict reads JSON into a pointer to a struct. Other than
// encoding/json it notes every problem instead of the first, knows its path,
// takes no unknown or repeated field, no null and no letter of another case,
// and says what was expected. What can be read is read all the same.
func decodeStrict(raw json.RawMessage, into any, problems *fault.Problems) {
	v, err := readJSON(raw)
	if err != nil {
		problems.Add("", "%v", err)
		return
	}
	assign(v, reflect.ValueOf(into).Elem(), "", problems)
}

// value is a JSON value that keeps the order and the repetition of fields.
type value struct {
	what   string // as told to people: "a list"
	scalar any    // string, json.Number or bool
	list   []value
	object []field
}

type field struct {
	name  string
	value value
}

var errDepth = fmt.Errorf("nested deeper than %d", maxSpecDepth)

func readJSON(raw json.RawMessage) (value, error) {
	if !json.Valid(raw) {
		return value{}, errors.New("no valid JSON")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return readValue(d, 0)
}

func readValue(d *json.Decoder, depth int) (value, error) {
	if depth > maxSpecDepth {
		return value{}, errDepth
	}
	token, err := d.Token()
	if err != nil {
		return value{}, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return readList(d, depth)
		}
		return readObject(d, depth)
	case string:
		return value{what: "a text", scalar: t}, nil
	case json.Number:
		return value{what: "a number", scalar: t}, nil
	case bool:
		return value{what: "true or false", scalar: t}, nil
	}
	return value{what: "null"}, nil
}

func readList(d *json.Decoder, depth int) (value, error) {
	v := value{what: "a list"}
	for d.More() {
		element, err := readValue(d, depth+1)
		if err != nil {
			return value{}, err
		}
		v.list = append(v.list, element)
	}
	_, err := d.Token()
	return v, err
}

func readObject(d *json.Decoder, depth int) (value, error) {
	v := value{what: "an object"}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return value{}, err
		}
		inner, err := readValue(d, depth+1)
		if err != nil {
			return value{}, err
		}
		v.object = append(v.object, field{name.(string), inner}) // JSON has no other names
	}
	_, err := d.Token()
	return v, err
}

func assign(v value, to reflect.Value, at string, problems *fault.Problems) {
	if u, ok := to.Addr().Interface().(encoding.TextUnmarshaler); ok {
		assignText(v, u, at, problems)
		return
	}
	if many, ok := to.Addr().Interface().(oneOrMany); ok && v.what == many.OneOrMany() {
		to.Set(reflect.MakeSlice(to.Type(), 1, 1))
		assign(v, to.Index(0), at, problems)
		return
	}
	switch to.Kind() {
	case reflect.Pointer:
		inner := reflect.New(to.Type().Elem())
		assign(v, inner.Elem(), at, problems)
		to.Set(inner)
	case reflect.Struct:
		assignStruct(v, to, at, problems)
	case reflect.Slice:
		assignSlice(v, to, at, problems)
	case reflect.Map:
		assignMap(v, to, at, problems)
	default:
		assignScalar(v, to, at, problems)
	}
}

// oneOrMany is a list for which a single element may stand, and what that is.
type oneOrMany interface{ OneOrMany() string }

func assignText(v value, to encoding.TextUnmarshaler, at string, problems *fault.Problems) {
	text, ok := v.scalar.(string)
	if !ok {
		expected(v, "a text like 5m", at, problems)
		return
	}
	if err := to.UnmarshalText([]byte(text)); err != nil {
		problems.Add(at, "%v", err)
	}
}

func assignScalar(v value, to reflect.Value, at string, problems *fault.Problems) {
	switch scalar := v.scalar.(type) {
	case string:
		if to.Kind() == reflect.String && len(scalar) <= maxText {
			to.SetString(scalar)
			return
		}
		if to.Kind() == reflect.String {
			problems.Add(at, "found a text of %d bytes, expected at most %d", len(scalar), maxText)
			return
		}
	case bool:
		if to.Kind() == reflect.Bool {
			to.SetBool(scalar)
			return
		}
	case json.Number:
		if n, err := strconv.ParseInt(scalar.String(), 10, 64); err == nil && to.CanInt() && !to.OverflowInt(n) {
			to.SetInt(n)
			return
		}
	}
	expected(v, scalarName(to.Kind()), at, problems)
}

func scalarName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	}
	return "a whole number"
}

func assignSlice(v value, to reflect.Value, at string, problems *fault.Problems) {
	if v.what != "a list" {
		what := "a list"
		if many, ok := to.Addr().Interface().(oneOrMany); ok {
			what = many.OneOrMany() + " or a list"
		}
		expected(v, what, at, problems)
		return
	}
	if len(v.list) > maxList {
		problems.Add(at, "found %d elements, expected at most %d", len(v.list), maxList)
		return
	}
	to.Set(reflect.MakeSlice(to.Type(), len(v.list), len(v.list)))
	for i, element := range v.list {
		assign(element, to.Index(i), fmt.Sprintf("%s[%d]", at, i), problems)
	}
}

func assignMap(v value, to reflect.Value, at string, problems *fault.Problems) {
	if !isObject(v, at, problems) {
		return
	}
	to.Set(reflect.MakeMap(to.Type()))
	for _, f := range v.object {
		inner := reflect.New(to.Type().Elem()).Elem()
		assign(f.value, inner, join(at, f.name), problems)
		to.SetMapIndex(reflect.ValueOf(f.name).Convert(to.Type().Key()), inner)
	}
}

func assignStruct(v value, to reflect.Value, at string, problems *fault.Problems) {
	if !isObject(v, at, problems) {
		return
	}
	for _, f := range v.object {
		inner, known := fieldNamed(to, f.name)
		if !known {
			problems.Add(join(at, f.name), "unknown field; known are %s", strings.Join(fieldNames(to.Type()), ", "))
			continue
		}
		assign(f.value, inner, join(at, f.name), problems)
	}
}

// isObject also notes names that stand there twice.
func isObject(v value, at string, problems *fault.Problems) bool {
	if v.what != "an object" {
		expected(v, "an object", at, problems)
		return false
	}
	if len(v.object) > maxList {
		problems.Add(at, "found %d fields, expected at most %d", len(v.object), maxList)
		return false
	}
	seen := map[string]bool{}
	for _, f := range v.object {
		if seen[f.name] {
			problems.Add(join(at, f.name), "stands there twice")
		}
		seen[f.name] = true
	}
	return true
}

func fieldNamed(s reflect.Value, name string) (reflect.Value, bool) {
	for i, n := range tagNames(s.Type()) {
		if n == name && n != "-" && n != "" {
			return s.Field(i), true
		}
		if s.Type().Field(i).Anonymous && n == "" {
			if inner, known := fieldNamed(s.Field(i), name); known {
				return inner, true
			}
		}
	}
	return reflect.Value{}, false
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for i, n := range tagNames(t) {
		switch {
		case t.Field(i).Anonymous && n == "":
			names = append(names, fieldNames(t.Field(i).Type)...)
		case n != "-":
			names = append(names, n)
		}
	}
	return names
}

// tagNames returns the JSON name of each field; "-" for those without, "" for
// an embedded struct, whose fields stand as if they were the struct's own.
func tagNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return names
}

func expected(v value, what, at string, problems *fault.Problems) {
	problems.Add(at, "found %s, expected %s", v.what, what)
}

// maxPathPart keeps a name that a stranger chose from filling a page.
const maxPathPart = 80

func join(at, name string) string {
	if len(name) > maxPathPart {
		name = name[:maxPathPart] + "..."
	}
	if at == "" || name == "" {
		return at + name
	}
	return at + "." + name
}
