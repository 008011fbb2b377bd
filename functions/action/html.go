package main

import (
	"strings"
)

// The page is a tree of elements that is written out escaped, so that nothing
// a sender wrote can become markup. html/template would do the same; but it
// calls methods by name, which keeps every method of every AWS client in the
// binary: 11.7 MB instead of 8.2.

// part is what an element is made of: attributes, text and other elements.
type part interface{ join(*element) }

type element struct {
	tag   string
	attrs []attribute
	parts []part // elements and texts
}

type attribute struct{ name, value string }

type text string

type many []part

func (a attribute) join(e *element) {
	if a.name != "" {
		e.attrs = append(e.attrs, a)
	}
}
func (e *element) join(into *element) { into.parts = append(into.parts, e) }
func (t text) join(e *element)        { e.parts = append(e.parts, t) }
func (m many) join(e *element) {
	for _, p := range m {
		if p != nil {
			p.join(e)
		}
	}
}

// el is an element. The tag is a constant of ours. Parts that are nil are
// left out.
func el(tag string, parts ...part) *element {
	e := &element{tag: tag}
	many(parts).join(e)
	return e
}

// when is a part that is there only on a condition.
func when(condition bool, p ...part) part {
	if !condition {
		return nil
	}
	return many(p)
}

// The attributes that pages use. There is none that runs a script or loads
// anything, and href takes what [web] lets pass.
func class(v string) attribute      { return attribute{"class", v} }
func id(v string) attribute         { return attribute{"id", v} }
func lang(v string) attribute       { return attribute{"lang", v} }
func name(v string) attribute       { return attribute{"name", v} }
func value(v string) attribute      { return attribute{"value", v} }
func kind(v string) attribute       { return attribute{"type", v} }
func forID(v string) attribute      { return attribute{"for", v} }
func role(v string) attribute       { return attribute{"role", v} }
func datetime(v string) attribute   { return attribute{"datetime", v} }
func described(v string) attribute  { return attribute{"aria-describedby", v} }
func labelledBy(v string) attribute { return attribute{"aria-labelledby", v} }
func length(v string) attribute     { return attribute{"maxlength", v} }
func rows(v string) attribute       { return attribute{"rows", v} }
func boolean(v string) attribute    { return attribute{v, ""} }
func meta(n, v string) *element     { return el("meta", name(n), attribute{"content", v}) }

// href is the attribute of a link to a page elsewhere; none when the address
// is not of the web.
func href(address string) attribute {
	if !web(address) {
		return attribute{}
	}
	return attribute{"href", address}
}

// web reports whether an address that a sender gave is one of http or https.
func web(address string) bool {
	lower := strings.ToLower(address[:min(len(address), 8)])
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

// post is a form that is sent to this very page. The address is relative, so
// that it holds under any stage and domain.
func post(token string, parts ...part) *element {
	return el("form", attribute{"method", "post"}, attribute{"action", token}, many(parts))
}

// inParts is for forms with text: the other encoding makes three bytes of
// each byte that is not ASCII.
func inParts() attribute { return attribute{"enctype", "multipart/form-data"} }

// void reports whether an element has no end tag (HTML standard, section
// 13.1.2).
func void(tag string) bool { return tag == "meta" || tag == "input" || tag == "br" }

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "\x00", "\uFFFD")

func (e *element) write(b *strings.Builder) {
	b.WriteByte('<')
	b.WriteString(e.tag)
	for _, a := range e.attrs {
		b.WriteByte(' ')
		b.WriteString(a.name)
		if a.value != "" {
			b.WriteString(`="`)
			_, _ = escape.WriteString(b, a.value)
			b.WriteByte('"')
		}
	}
	b.WriteByte('>')
	switch {
	case void(e.tag):
		return
	case e.tag == "style":
		b.WriteString(style) // a constant, and raw text by the standard
	case e.tag == "textarea":
		b.WriteByte('\n') // the first line break inside is dropped
	}
	for _, p := range e.parts {
		switch p := p.(type) {
		case *element:
			p.write(b)
		case text:
			_, _ = escape.WriteString(b, string(p))
		}
	}
	b.WriteString("</")
	b.WriteString(e.tag)
	b.WriteByte('>')
}
