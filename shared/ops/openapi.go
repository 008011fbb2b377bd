package ops

import (
	"encoding/json"
	"sort"
	"strconv"
	"strings"
)

// OpenAPI returns the OpenAPI 3.1 document of operations, as JSON.
func OpenAPI(all []*Operation, version string) ([]byte, error) {
	d := document{schemas: map[string]*Schema{}}
	paths := d.paths(all)
	return json.Marshal(object{
		{"openapi", "3.1.0"},
		{"info", object{
			{"title", "Tocsin"},
			{"version", version},
			{"summary", "Event management for operations teams."},
			{"license", object{{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}},
		}},
		{"servers", []object{{{"url", Base}}}},
		{"security", []object{{{"token", []string{}}}}},
		{"tags", d.tags(all)},
		{"paths", paths},
		{"components", object{
			{"schemas", d.components()},
			{"responses", object{{"problem", problemResponse}}},
			{"securitySchemes", object{{"token", object{{"type", "http"}, {"scheme", "bearer"}}}}},
		}},
	})
}

// problemResponse is the problem document of package httpapi.
var problemResponse = object{
	{"description", "What went wrong (RFC 9457)."},
	{"content", object{{"application/problem+json", object{{"schema", object{
		{"type", "object"},
		{"properties", object{
			{"type", object{{"type", "string"}}},
			{"title", object{{"type", "string"}}},
			{"status", object{{"type", "integer"}}},
			{"detail", object{{"type", "string"}}},
			{"instance", object{{"type", "string"}}},
			{"errors", object{{"type", "array"}, {"items", object{
				{"type", "object"},
				{"properties", object{{"field", object{{"type", "string"}}}, {"detail", object{{"type", "string"}}}}},
			}}}},
		}},
	}}}}}},
}

// document collects the named schemas that operations refer to.
type document struct {
	schemas map[string]*Schema
}

func (d *document) tags(all []*Operation) []object {
	var tags []object
	seen := map[string]bool{}
	for _, o := range all {
		if !seen[o.Group()] {
			seen[o.Group()] = true
			tags = append(tags, object{{"name", o.Group()}})
		}
	}
	return tags
}

func (d *document) paths(all []*Operation) object {
	var paths object
	at := map[string]int{}
	for _, o := range all {
		i, seen := at[o.Path]
		if !seen {
			i = len(paths)
			at[o.Path] = i
			paths = append(paths, pair{o.Path, object{}})
		}
		item := paths[i].value.(object)
		paths[i].value = append(item, pair{strings.ToLower(o.Method), d.operation(o)})
	}
	return paths
}

func (d *document) operation(o *Operation) object {
	var out object
	out.add("operationId", o.Name)
	out.add("tags", []string{o.Group()})
	out.add("summary", o.Summary)
	out.add("description", o.Description)
	if o.Scope != "" {
		out.add("security", []object{{{"token", []string{string(o.Scope)}}}})
	}
	out.add("parameters", d.parameters(o))
	out.add("requestBody", d.requestBody(o))
	out.add("responses", d.responses(o))
	return out
}

func (d *document) parameters(o *Operation) []object {
	var list []object
	for _, f := range o.In.Fields {
		if f.In == "" {
			continue
		}
		var p object
		p.add("name", f.Name)
		p.add("in", f.In)
		p.add("required", f.Required)
		p.add("description", f.Schema.Description)
		bare := *f.Schema
		bare.Description = ""
		p.add("schema", d.inline(&bare))
		list = append(list, p)
	}
	if o.Creates {
		list = append(list, object{
			{"name", IdempotencyHeader}, {"in", "header"},
			{"description", "A request with the same key within 24 hours gets the first one's answer."},
			{"schema", object{{"type", "string"}, {"maxLength", maxIdempotencyKey}}},
		})
	}
	return list
}

func (d *document) requestBody(o *Operation) object {
	body := &Schema{Type: "object"}
	required := false
	for _, f := range o.In.Fields {
		if f.In == "" {
			body.Fields = append(body.Fields, f)
			required = required || f.Required
		}
	}
	if len(body.Fields) == 0 {
		return nil
	}
	content := object{{"schema", d.inline(body)}}
	var examples object
	for i, e := range o.Examples {
		value := o.bodyOf(e)
		if len(value) > 0 {
			examples = append(examples, pair{"example" + strconv.Itoa(i+1), object{{"value", value}}})
		}
	}
	content.add("examples", examples)
	out := object{{"content", object{{"application/json", content}}}}
	out.add("required", required)
	return out
}

// bodyOf returns the fields of an input that travel in the body.
func (o *Operation) bodyOf(input map[string]any) map[string]any {
	body := map[string]any{}
	for name, v := range input {
		if f, ok := o.In.Field(name); ok && f.In == "" {
			body[name] = v
		}
	}
	return body
}

func (d *document) responses(o *Operation) object {
	done := object{{"description", "Done."}}
	if o.Out != nil {
		done = append(done, pair{"content", object{{"application/json", object{{"schema", d.schema(o.Out)}}}}})
	}
	return object{
		{strconv.Itoa(o.Status()), done},
		{"default", object{{"$ref", "#/components/responses/problem"}}},
	}
}

// schema refers to a named schema and writes others where they stand.
func (d *document) schema(s *Schema) object {
	if s.Name == "" {
		return d.inline(s)
	}
	d.schemas[s.Name] = s
	ref := object{{"$ref", "#/components/schemas/" + s.Name}}
	ref.add("description", s.Description)
	return ref
}

func (d *document) inline(s *Schema) object {
	var out object
	out.add("type", s.Type)
	out.add("format", s.Format)
	out.add("description", s.Description)
	out.add("enum", s.Enum)
	if s.Default != "" {
		out.add("default", defaultOf(s))
	}
	d.bounds(&out, s)
	if s.Items != nil {
		out.add("items", d.schema(s.Items))
	}
	if s.Values != nil {
		out.add("additionalProperties", d.schema(s.Values))
	}
	d.properties(&out, s)
	return out
}

func defaultOf(s *Schema) any {
	if n, err := strconv.Atoi(s.Default); err == nil && s.Type == "integer" {
		return n
	}
	return s.Default
}

func (d *document) bounds(out *object, s *Schema) {
	low, high := "minimum", "maximum"
	switch s.Type {
	case "string":
		low, high = "minLength", "maxLength"
	case "array":
		low, high = "minItems", "maxItems"
	case "object":
		low, high = "minProperties", "maxProperties"
	}
	if s.Min != nil {
		*out = append(*out, pair{low, *s.Min})
	}
	if s.Max != nil {
		*out = append(*out, pair{high, *s.Max})
	}
}

func (d *document) properties(out *object, s *Schema) {
	var properties object
	var required []string
	for _, f := range s.Fields {
		properties = append(properties, pair{f.Name, d.schema(f.Schema)})
		if f.Required {
			required = append(required, f.Name)
		}
	}
	out.add("properties", properties)
	out.add("required", required)
}

// components writes the named schemas, and those that they refer to.
func (d *document) components() object {
	written := map[string]object{}
	for len(written) < len(d.schemas) {
		for name, s := range d.schemas {
			if _, ok := written[name]; !ok {
				bare := *s
				bare.Description = ""
				written[name] = d.inline(&bare)
			}
		}
	}
	names := make([]string, 0, len(written))
	for name := range written {
		names = append(names, name)
	}
	sort.Strings(names)
	var out object
	for _, name := range names {
		out = append(out, pair{name, written[name]})
	}
	return out
}
