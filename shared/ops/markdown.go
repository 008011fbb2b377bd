package ops

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// Markdown returns the page docs/api.md: every operation with its route,
// scope, input, an example and the command that does it.
func Markdown(all []*Operation) (string, error) {
	var b strings.Builder
	b.WriteString(preface)
	group := ""
	for _, o := range Resolved(all) {
		if o.Group() != group {
			group = o.Group()
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		if err := writeOperation(&b, o); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

const preface = `# API

<!-- Made from the registry by the tests of shared/ops; do not edit. -->

Everything is below ` + "`/v1`" + `. Send a token: ` + "`Authorization: Bearer tt_...`" + `. ` + "`GET /v1/openapi.json`" + ` is the OpenAPI 3.1
document and needs none. Bodies are JSON; an unknown field is refused and named.

- Errors are problem documents (RFC 9457): ` + "`type`, `title`, `status`, `detail`, `instance`" + ` and, in ` + "`errors`" + `, every bad field. 400 the
  request cannot be read, 401 no valid token, 403 the token lacks the scope, 404 it does not exist, 409 the state forbids it, 413 too
  large, 415 not JSON, 422 bad fields, 429 and 503 try again later.
- Lists take ` + "`limit`" + ` and ` + "`cursor`" + ` and answer ` + "`items`" + ` and, where there is more, ` + "`next_cursor`" + `.
- A creation takes ` + "`Idempotency-Key`" + `: a repeat within 24 hours gets the first answer, without secrets.
- Times are RFC 3339, lengths of time like ` + "`90s`, `5m`, `1h30m`, `2d`" + `.
- A write scope allows reading too; ` + "`admin`" + ` allows everything. Every change is in the audit log.
`

func writeOperation(b *strings.Builder, o *Operation) error {
	fmt.Fprintf(b, "\n### %s\n\n%s", o.Name, o.Summary)
	if o.Description != "" {
		fmt.Fprintf(b, " %s", o.Description)
	}
	fmt.Fprintf(b, "\n\n`%s %s%s`", o.Method, Base, o.Path)
	if o.Scope == "" {
		b.WriteString(" · any token")
	} else {
		fmt.Fprintf(b, " · scope `%s`", o.Scope)
	}
	fmt.Fprintf(b, " · answers %d\n", o.Status())
	writeFields(b, o)
	return writeExamples(b, o)
}

func writeFields(b *strings.Builder, o *Operation) {
	if len(o.In.Fields) == 0 {
		return
	}
	b.WriteString("\n| field | in | type | |\n|---|---|---|---|\n")
	for _, f := range o.In.Fields {
		in := f.In
		if in == "" {
			in = "body"
		}
		name := "`" + f.Name + "`"
		if f.Required {
			name += " *"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, in, typeWords(f.Schema), about(f.Schema))
	}
}

// typeWords says what a value may be.
func typeWords(s *Schema) string {
	switch {
	case s.Format == "date-time":
		return "time"
	case s.Format != "":
		return s.Format
	case s.Type == "array":
		return "list of " + typeWords(s.Items)
	case s.Type == "":
		return "any"
	}
	return s.Type
}

func about(s *Schema) string {
	parts := []string{s.Description}
	enum := s.Enum
	if s.Items != nil {
		enum = s.Items.Enum
	}
	if len(enum) > 0 {
		parts = append(parts, "One of `"+strings.Join(enum, "`, `")+"`.")
	}
	if s.Default != "" {
		parts = append(parts, "Default `"+s.Default+"`.")
	}
	if limits := limitWords(s); limits != "" {
		parts = append(parts, limits)
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

func limitWords(s *Schema) string {
	unit := map[string]string{"string": " bytes", "array": " items"}[s.Type]
	switch {
	case s.Min != nil && s.Max != nil:
		return fmt.Sprintf("%d to %d%s.", *s.Min, *s.Max, unit)
	case s.Max != nil:
		return fmt.Sprintf("At most %d%s.", *s.Max, unit)
	case s.Min != nil:
		return fmt.Sprintf("At least %d%s.", *s.Min, unit)
	}
	return ""
}

func writeExamples(b *strings.Builder, o *Operation) error {
	if len(o.Examples) == 0 {
		return nil
	}
	b.WriteString("\n```\n")
	for _, e := range o.Examples {
		path, query := o.Place(e)
		if len(query) > 0 {
			path += "?" + query.Encode()
		}
		fmt.Fprintf(b, "%s %s\n", o.Method, path)
		if body := o.bodyOf(e); len(body) > 0 {
			text, err := json.Marshal(body)
			if err != nil {
				return fmt.Errorf("example of %s: %w", o.Name, err)
			}
			fmt.Fprintf(b, "%s\n", text)
		}
	}
	b.WriteString("```\n")
	return nil
}

// Place returns the path, with [Base], and the query of an input.
func (o *Operation) Place(input map[string]any) (path string, query url.Values) {
	path, query = Base+o.Path, url.Values{}
	for _, f := range o.In.Fields {
		v, given := input[f.Name]
		if !given {
			continue
		}
		switch f.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+f.Name+"}", url.PathEscape(fmt.Sprint(v)))
		case "query":
			query[f.Name] = textsOf(v)
		}
	}
	return path, query
}

// textsOf is a value as a query has it: a list is one text for each item.
func textsOf(v any) []string {
	list := reflect.ValueOf(v)
	if list.Kind() != reflect.Slice {
		return []string{fmt.Sprint(v)}
	}
	texts := make([]string, list.Len())
	for i := range texts {
		texts[i] = fmt.Sprint(list.Index(i).Interface())
	}
	return texts
}

// Body returns the JSON body of an input; nil when it has none.
func (o *Operation) Body(input map[string]any) ([]byte, error) {
	body := o.bodyOf(input)
	if len(body) == 0 && (o.Method == http.MethodGet || o.Method == http.MethodDelete) {
		return nil, nil
	}
	return json.Marshal(body)
}
