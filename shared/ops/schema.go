package ops

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"

	"tocsin/shared/plan"
)

// Schema is the JSON Schema (draft 2020-12, the dialect of OpenAPI 3.1) of a
// Go type. The same value checks input and documents it, so that the two
// cannot differ; that, and initialisation, is why it is not a library's.
//
// Struct tags: json as in encoding/json; doc the description; enum the words
// allowed, separated by commas; min and max bound a number, the bytes of a
// string or the items of a list; required:"true"; default, for the docs;
// in:"path" or in:"query"; format that of a text; secret:"true" for what is shown once and never
// stored; table the heading of the column in lists, and width to how many
// characters it is cut there.
type Schema struct {
	Name        string // of the Go type, "" when it needs no entry of its own
	Type        string // "" allows anything
	Format      string
	Description string
	Enum        []string
	Min, Max    *int
	Default     string
	Items       *Schema    // of an array
	Values      *Schema    // of an object with names of any kind
	Fields      []Property // of an object with names known
}

// Property is one field of an object.
type Property struct {
	Name     string
	In       string // "path", "query", or "" for the body
	Required bool
	Secret   bool
	Table    string // heading of its column in lists; "" none
	Width    *int   // of that column; nil: whole
	Schema   *Schema

	index []int
}

// Field returns the field of a name.
func (s *Schema) Field(name string) (Property, bool) {
	for _, f := range s.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Property{}, false
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	rawType    = reflect.TypeFor[json.RawMessage]()
	bytesType  = reflect.TypeFor[[]byte]()
	lengthType = reflect.TypeFor[plan.Duration]()
	textType   = reflect.TypeFor[encoding.TextMarshaler]()
)

// schemaOf describes a type by reflection. Types must not be recursive.
func schemaOf(t reflect.Type) *Schema {
	if t.Kind() == reflect.Pointer {
		return schemaOf(t.Elem())
	}
	switch {
	case t == timeType:
		return &Schema{Type: "string", Format: "date-time"}
	case t == rawType, t.Kind() == reflect.Interface:
		return &Schema{}
	case t == bytesType:
		return &Schema{Type: "string", Format: "byte"}
	case t == lengthType:
		return &Schema{Type: "string", Format: "duration"}
	case t.Implements(textType):
		return &Schema{Type: "string"}
	}
	switch t.Kind() {
	case reflect.String:
		return &Schema{Type: "string"}
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	case reflect.Int, reflect.Int64, reflect.Int32:
		return &Schema{Type: "integer"}
	case reflect.Float64:
		return &Schema{Type: "number"}
	case reflect.Slice:
		return &Schema{Type: "array", Items: schemaOf(t.Elem())}
	case reflect.Map:
		return &Schema{Type: "object", Values: schemaOf(t.Elem())}
	case reflect.Struct:
		s := &Schema{Type: "object", Name: nameOf(t)}
		s.addFields(t, nil)
		return s
	}
	panic("ops: no schema for " + t.String())
}

// nameOf names a struct type in documents: List[tocsin/shared/ops.Event] is
// EventList, and a type with a path is named by what follows it.
func nameOf(t reflect.Type) string {
	outer, inner, generic := strings.Cut(strings.TrimSuffix(t.Name(), "]"), "[")
	if !generic {
		return outer
	}
	return inner[strings.LastIndexByte(inner, '.')+1:] + outer
}

func (s *Schema) addFields(t reflect.Type, at []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(at[:len(at):len(at)], i)
		if f.Anonymous && f.Tag.Get("json") == "" {
			s.addFields(f.Type, index)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || name == "" {
			continue
		}
		s.Fields = append(s.Fields, property(name, f, index))
	}
}

func property(name string, f reflect.StructField, index []int) Property {
	p := Property{
		Name:     name,
		In:       f.Tag.Get("in"),
		Required: f.Tag.Get("required") == "true" || f.Tag.Get("in") == "path",
		Secret:   f.Tag.Get("secret") == "true",
		Table:    f.Tag.Get("table"),
		Width:    bound(f.Tag.Get("width")),
		Schema:   schemaOf(f.Type),
		index:    index,
	}
	p.Schema.Description = f.Tag.Get("doc")
	p.Schema.Default = f.Tag.Get("default")
	p.Schema.Min, p.Schema.Max = bound(f.Tag.Get("min")), bound(f.Tag.Get("max"))
	enum := p.Schema
	if enum.Type == "array" {
		enum = enum.Items
	}
	if format := f.Tag.Get("format"); format != "" {
		enum.Format = format
	}
	if words := f.Tag.Get("enum"); words != "" {
		enum.Enum = strings.Split(words, ",")
	}
	return p
}

func bound(text string) *int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil
	}
	return &n
}

// object renders JSON objects in a fixed order.
type object []pair

type pair struct {
	name  string
	value any
}

// add appends a pair unless the value is empty.
func (o *object) add(name string, value any) {
	if v := reflect.ValueOf(value); v.IsValid() && !v.IsZero() {
		*o = append(*o, pair{name, value})
	}
}

// MarshalJSON renders o in its order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
