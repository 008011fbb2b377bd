package redact

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/lookup"
)

var byteOrderMark = []byte("\ufeff")

// body takes out of a whole body, whatever it is.
func (t *taker) body(body []byte, form bool) []byte {
	bare := bytes.TrimPrefix(body, byteOrderMark)
	if clean, ok := t.json(bare); ok {
		return clean
	}
	if clean, ok := t.lines(bare); ok {
		return clean
	}
	if parts, ok := source.PartsOf(bare); ok {
		return t.fields(body, parts)
	}
	if form {
		if clean, ok := t.form(body); ok {
			return clean
		}
	}
	return []byte(t.plain(string(body)))
}

// json takes out of one JSON text; false: it is none.
func (t *taker) json(body []byte) ([]byte, bool) {
	root, err := doc.JSON(body)
	if err != nil {
		return nil, false
	}
	var c cuts
	scope := &lookup.Scope{Item: root, Root: root}
	for _, p := range t.paths {
		for _, v := range p.Values(scope) {
			if v.Present() {
				c.add(v, Mark)
			}
		}
	}
	t.walk(root, &c)
	return c.apply(t, body), true
}

// lines takes out of one JSON text after another.
func (t *taker) lines(body []byte) ([]byte, bool) {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' {
		return nil, false
	}
	var out bytes.Buffer
	dec := json.NewDecoder(bytes.NewReader(body))
	for {
		var one json.RawMessage
		err := dec.Decode(&one)
		if errors.Is(err, io.EOF) {
			return out.Bytes(), true
		}
		clean, ok := t.json(one)
		if err != nil || !ok {
			return nil, false
		}
		out.Write(append(clean, '\n'))
	}
}

// walk finds what names and patterns mean below v.
func (t *taker) walk(v doc.Value, c *cuts) {
	switch v.Kind() {
	case doc.Object:
		for name, field := range v.Fields() {
			if clean := t.quiet(name); clean != name {
				from, to := field.NameSpan()
				c.list = append(c.list, cut{from, to, quote(clean)})
			}
			if t.named(name) && field.Present() {
				c.add(field, Mark)
				continue
			}
			t.walk(field, c)
		}
	case doc.Array:
		for item := range v.Items() {
			t.walk(item, c)
		}
	case doc.String, doc.Number:
		if clean := t.quietInner(v.Text()); clean != v.Text() {
			c.add(v, clean)
		}
	}
}

// quiet and quietInner do not count: a cut may lie inside of another.
func (t *taker) quiet(s string) string { return (&taker{Rules: t.Rules}).text(s) }

func (t *taker) quietInner(s string) string { return (&taker{Rules: t.Rules}).inner(s) }

// inner takes out of a text, which may be JSON itself.
func (t *taker) inner(s string) string {
	if trimmed := strings.TrimSpace(s); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		inside := taker{Rules: &Rules{names: t.names, patterns: t.patterns}}
		if clean, ok := inside.json([]byte(s)); ok {
			t.taken += inside.taken
			return string(clean)
		}
	}
	return t.text(s)
}

// cut replaces a part of a body.
type cut struct {
	from, to int
	by       string
}

type cuts struct{ list []cut }

func (c *cuts) add(v doc.Value, by string) {
	from, to := v.Span()
	c.list = append(c.list, cut{from, to, quote(by)})
}

// apply makes the cuts; of one inside of another the outer counts.
func (c *cuts) apply(t *taker, body []byte) []byte {
	slices.SortStableFunc(c.list, func(a, b cut) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	var out bytes.Buffer
	at := 0
	for _, x := range c.list {
		if x.from < at || string(body[x.from:x.to]) == x.by {
			continue
		}
		out.Write(body[at:x.from])
		out.WriteString(x.by)
		at = x.to
		t.taken++
	}
	if at == 0 {
		return body
	}
	out.Write(body[at:])
	return out.Bytes()
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `"` + Mark + `"`
	}
	return string(text)
}
