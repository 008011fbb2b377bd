package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"tocsin/shared/ops"
)

// show writes the answer of an operation as --output asks.
func (a *app) show(o *ops.Operation, answer []byte) error {
	if o.Out == nil {
		return nil
	}
	if a.output == "json" {
		return a.showJSON(answer)
	}
	v, err := decode(answer)
	if err != nil {
		return fmt.Errorf("the answer is no JSON: %w", err)
	}
	if items, ok := o.Out.Field("items"); ok && items.Schema.Items != nil {
		return a.showList(items.Schema.Items, v)
	}
	showObject(a.stdout, o.Out, v)
	return nil
}

func (a *app) showJSON(answer []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(answer), "", "  "); err != nil {
		return fmt.Errorf("the answer is no JSON: %w", err)
	}
	b.WriteByte('\n')
	_, err := b.WriteTo(a.stdout)
	return err
}

func decode(answer []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(answer))
	dec.UseNumber()
	var v map[string]any
	return v, dec.Decode(&v)
}

func (a *app) showList(row *ops.Schema, v map[string]any) error {
	items, _ := v["items"].([]any)
	showTable(a.stdout, row, items)
	if next, ok := v["next_cursor"].(string); ok {
		fmt.Fprintf(a.stderr, "There is more: add --all, or --cursor %s\n", clean(next))
	}
	return nil
}

// showTable writes the fields that have a heading.
func showTable(w io.Writer, row *ops.Schema, items []any) {
	t := newTable()
	var heads []string
	for _, f := range row.Fields {
		if f.Table != "" {
			heads = append(heads, f.Table)
		}
	}
	t.row(heads...)
	for _, item := range items {
		m, _ := item.(map[string]any)
		var cells []string
		for _, f := range row.Fields {
			if f.Table != "" {
				cells = append(cells, cut(cell(f.Schema, m[f.Name]), f.Width))
			}
		}
		t.row(cells...)
	}
	t.writeTo(w)
}

// cut shortens a text to width characters; nil: not at all.
func cut(text string, width *int) string {
	runes := []rune(text)
	if width == nil || len(runes) <= *width {
		return text
	}
	return string(runes[:*width-3]) + "..."
}

// table aligns columns; every row has as many cells.
type table struct {
	text *bytes.Buffer
	tabs *tabwriter.Writer
}

func newTable() table {
	var b bytes.Buffer
	return table{&b, tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)}
}

func (t table) row(cells ...string) { fmt.Fprintln(t.tabs, strings.Join(cells, "\t")) }

// writeTo writes the rows without spaces at their ends.
func (t table) writeTo(w io.Writer) {
	_ = t.tabs.Flush() // a buffer takes everything
	for line := range strings.Lines(t.text.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}

// showObject writes the plain fields, one a line, then each list of objects as
// a table.
func showObject(w io.Writer, s *ops.Schema, m map[string]any) {
	t := newTable()
	var lists []ops.Property
	for _, f := range s.Fields {
		v, there := m[f.Name]
		switch {
		case isTable(f.Schema), isProse(f.Schema, v):
			lists = append(lists, f)
		case there && len(f.Schema.Fields) > 0:
			inner, _ := v.(map[string]any)
			for _, g := range f.Schema.Fields {
				if x, ok := inner[g.Name]; ok {
					t.row(f.Name+"."+g.Name, cell(g.Schema, x))
				}
			}
		case there:
			t.row(f.Name, cell(f.Schema, v))
		}
	}
	t.writeTo(w)
	for _, f := range lists {
		items, ok := m[f.Name].([]any)
		if !ok || len(items) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", f.Name)
		if isTable(f.Schema) {
			showTable(w, f.Schema.Items, items)
			continue
		}
		for i, item := range items {
			fmt.Fprintf(w, "%d. %s\n", i+1, cell(f.Schema.Items, item))
		}
	}
}

// longLine is the length from which a text of a list stands on a line of its own.
const longLine = 60

// isProse reports a list of texts that are sentences more than words.
func isProse(s *ops.Schema, v any) bool {
	items, _ := v.([]any)
	return s.Items != nil && slices.ContainsFunc(items, func(item any) bool {
		text, ok := item.(string)
		return ok && len(text) > longLine
	})
}

// isTable reports a list whose items have columns.
func isTable(s *ops.Schema) bool {
	if s.Items == nil {
		return false
	}
	for _, f := range s.Items.Fields {
		if f.Table != "" {
			return true
		}
	}
	return false
}

// cell renders a value on one line.
func cell(s *ops.Schema, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if s.Format == "date-time" {
			return instant(v)
		}
		return clean(v)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = cell(&ops.Schema{}, item)
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		names := make([]string, 0, len(v))
		for n := range v {
			names = append(names, n)
		}
		sort.Strings(names)
		parts := make([]string, len(names))
		for i, n := range names {
			parts[i] = clean(n) + "=" + cell(&ops.Schema{}, v[n])
		}
		return strings.Join(parts, " ")
	}
	return fmt.Sprint(v)
}

// instant renders a time in UTC to the second.
func instant(text string) string {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return clean(text)
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// clean makes a text of others fit for a terminal: one line, without control
// and formatting characters.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
}

// progress writes over the last line of a terminal; elsewhere nothing.
func (a *app) progress(format string, args ...any) {
	if a.terminal {
		fmt.Fprintf(a.stderr, "\r\x1b[K"+format, args...)
	}
}

func (a *app) progressEnd() {
	if a.terminal {
		fmt.Fprint(a.stderr, "\r\x1b[K")
	}
}
