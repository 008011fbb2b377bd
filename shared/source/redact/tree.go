package redact

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"

	"tocsin/shared/doc"
	"tocsin/shared/source"
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
	if mended, ok := doc.Mend(body); ok { // as sources read it
		clean, _ := t.json(mended)
		return clean
	}
	if form {
		if clean, ok := t.form(body); ok {
			return clean
		}
	}
	return []byte(t.text(string(body)))
}

// json takes out of one JSON text; false: it is none.
func (t *taker) json(body []byte) ([]byte, bool) {
	body = bytes.TrimPrefix(body, byteOrderMark) // places are counted without it
	root, err := doc.JSON(body)
	if err != nil {
		return nil, false
	}
	var c cuts
	for _, p := range t.paths {
		for v := range p.Places(root) {
			if v.Present() {
				c.add(v, Mark)
			}
		}
	}
	t.walk(root, &c)
	return c.apply(t, body), true
}

// lines takes out of one JSON text after another. They are read as a list, so
// a path may begin at it or at one of them.
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
		if clean, ok = t.json(slices.Concat([]byte("["), clean, []byte("]"))); !ok {
			return nil, false
		}
		out.Write(append(clean[1:len(clean)-1], '\n'))
	}
}

// lastPart is the last of the names in one that stands for a field of an object:
// user[email], user.email or email[].
func lastPart(name string) string {
	name = strings.TrimRight(name, "[]")
	return name[strings.LastIndexAny(name, ".[")+1:]
}

// form takes out of a form, as of the object that it is read as.
func (t *taker) form(body []byte) ([]byte, bool) {
	fields, err := url.ParseQuery(string(bytes.TrimSpace(body)))
	if err != nil {
		return nil, false
	}
	before := t.taken
	for name, values := range fields {
		if nested := lastPart(name); nested != name {
			fields[name] = t.values(nested, values)
		}
	}
	clean, ok := t.json([]byte(doc.Form(fields).JSON()))
	if !ok {
		return nil, false
	}
	if t.taken == before {
		return body, true
	}
	root, err := doc.JSON(clean)
	if err != nil {
		return nil, false
	}
	left := url.Values{}
	for name, v := range root.Fields() {
		if v.Kind() != doc.Array {
			left.Add(name, v.Text())
		}
		for item := range v.Items() {
			left.Add(name, item.Text())
		}
	}
	return []byte(left.Encode()), true
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
			if field.Present() && (t.named(name) || isValue(name) && t.names(v)) {
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
		if clean := t.quiet(v.Text()); clean != v.Text() {
			c.add(v, clean)
		}
	}
}

// isValue and names tell objects that name a value, such as the fields of a
// message for Slack: {"title": "Password", "value": "x"}.
func isValue(name string) bool { return strings.EqualFold(name, "value") }

func (t *taker) names(object doc.Value) bool {
	for name, field := range object.Fields() {
		switch strings.ToLower(name) {
		case "name", "key", "title", "label", "field": // as naming says
			if field.Kind() == doc.String && t.named(strings.Trim(field.Text(), ":：*_ \t\n")) {
				return true
			}
		}
	}
	return false
}

// quiet does not count: a cut may lie inside of another.
func (t *taker) quiet(s string) string { return (&taker{Rules: t.inside}).text(s) }

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
		return `"` + source.Hidden + `"`
	}
	return string(text)
}
