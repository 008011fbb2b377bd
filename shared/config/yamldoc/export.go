package yamldoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tocsin/shared/config"
)

// Export writes documents as YAML, in the order of [config.Compare] and with
// the fields of each spec in the order in which they stand. Load reads the
// same documents back. It fails for a spec that is no JSON.
func Export(docs []config.Document) ([]byte, error) {
	docs = slices.SortedFunc(slices.Values(docs), config.Compare)
	var w writer
	for i, d := range docs {
		if i > 0 {
			w.WriteString("---\n")
		}
		fmt.Fprintf(&w, "kind: %s\nname: %s\n", scalar(d.Kind), scalar(d.Name))
		if err := w.spec(d.Spec); err != nil {
			return nil, fmt.Errorf("export %s %s: %w", d.Kind, d.Name, err)
		}
	}
	return w.Bytes(), nil
}

type writer struct{ bytes.Buffer }

func (w *writer) spec(spec json.RawMessage) error {
	if len(spec) == 0 {
		spec = json.RawMessage(`{}`)
	}
	d := json.NewDecoder(bytes.NewReader(spec))
	d.UseNumber()
	w.WriteString("spec:")
	return w.value(d, 0, "\n")
}

// value writes the next value of d behind a key or a dash: a scalar or an
// empty list or map on the same line, the elements of others after lead, which
// is a line break behind a key, and a space behind a dash.
func (w *writer) value(d *json.Decoder, indent int, lead string) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	open, nested := t.(json.Delim)
	switch {
	case !nested:
		w.WriteString(" " + scalar(t) + "\n")
		return nil
	case !d.More():
		w.WriteString(map[json.Delim]string{'[': " []\n", '{': " {}\n"}[open])
	default:
		w.WriteString(lead)
		if err := w.elements(d, open == '{', indent+2, lead == "\n"); err != nil {
			return err
		}
	}
	_, err = d.Token() // the closing delimiter
	return err
}

// elements writes each element on a line of its own; fresh says that the first
// begins one.
func (w *writer) elements(d *json.Decoder, keys bool, indent int, fresh bool) error {
	for ; d.More(); fresh = true {
		if fresh {
			w.WriteString(strings.Repeat(" ", indent))
		}
		lead := " "
		if keys {
			lead = "\n"
			name, err := d.Token()
			if err != nil {
				return err
			}
			w.WriteString(scalar(name) + ":")
		} else {
			w.WriteString("-")
		}
		if err := w.value(d, indent, lead); err != nil {
			return err
		}
	}
	return nil
}

// scalar writes a JSON scalar; a text without quotes where no reader of YAML
// takes it for something else.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		if plain(v) {
			return v
		}
		return quoted(v)
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}

// reserved words mean something else to some version of YAML.
var reserved = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// plain accepts words that begin with a letter, and lengths of time like 5m.
func plain(s string) bool {
	if s == "" || slices.Contains(reserved, strings.ToLower(s)) || strings.HasSuffix(s, " ") {
		return false
	}
	if duration(s) {
		return true
	}
	for i, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		inside := '0' <= c && c <= '9' || strings.IndexByte("_-./ ", c) >= 0
		if !letter && (i == 0 || !inside) {
			return false
		}
	}
	return true
}

// duration accepts digits and units by turns, ending with a unit.
func duration(s string) bool {
	digits := false
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9':
			digits = true
		case digits && strings.IndexByte("dhms", c) >= 0:
			digits = false
		default:
			return false
		}
	}
	return !digits
}

// quoted writes a text in double quotes. JSON's escapes are YAML's too; the
// characters that YAML does not allow in a file are escaped beside them.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // a string always encodes
	}
	var out strings.Builder
	for _, c := range strings.TrimSuffix(b.String(), "\n") {
		if c >= 0x7f && c <= 0x9f || c == 0xfeff || c == 0xfffe || c == 0xffff {
			fmt.Fprintf(&out, `\u%04x`, c)
			continue
		}
		out.WriteRune(c)
	}
	return out.String()
}
