package lookup

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"tocsin/shared/fault"
)

// Text is a text with paths in braces. It yields nothing where one of its
// paths does, so that a list of texts reads as "the first that can be said".
type Text struct {
	written string
	pieces  []piece
}

type piece struct {
	literal string
	path    *Path // nil: literal
}

// String returns the text as written.
func (t Text) String() string { return t.written }

// ParseText reads a text; {{ is a brace. The error is of kind Invalid.
func ParseText(s string) (Text, error) {
	t := Text{written: s}
	for s != "" {
		at := strings.IndexByte(s, '{')
		switch {
		case at < 0:
			t.literal(s)
			return t, nil
		case strings.HasPrefix(s[at:], "{{"):
			t.literal(s[:at+1])
			s = s[at+2:]
			continue
		}
		t.literal(s[:at])
		written, rest, ok := strings.Cut(s[at+1:], "}")
		if !ok {
			return t, fault.New(fault.Invalid, "the text %q: a brace does not end", t.written)
		}
		path, err := ParsePath(written)
		if err != nil {
			return t, err
		}
		t.pieces, s = append(t.pieces, piece{path: &path}), rest
	}
	return t, nil
}

// Paths yields the paths of t.
func (t Text) Paths() iter.Seq[Path] {
	return func(yield func(Path) bool) {
		for _, p := range t.pieces {
			if p.path != nil && !yield(*p.path) {
				return
			}
		}
	}
}

// Constant reports whether t says the same of every request.
func (t Text) Constant() bool {
	return !slices.ContainsFunc(t.pieces, func(p piece) bool { return p.path != nil })
}

// Doubt says what of t may be meant otherwise, "" if nothing: {{ is a brace, so
// {{name}} leads nowhere.
func (t Text) Doubt() string {
	_, rest, doubled := strings.Cut(t.written, "{{")
	if path, _, closed := strings.Cut(rest, "}}"); doubled && closed && path != "" && !strings.ContainsAny(path, "{}") {
		return fmt.Sprintf("the text %q: two braces are one that shows; write {%s}", t.written, path)
	}
	return ""
}

func (t *Text) literal(s string) {
	if s != "" {
		t.pieces = append(t.pieces, piece{literal: s})
	}
}

// In returns what t says in sc, "" if one of its paths leads to no text, or to
// an empty list or object.
func (t Text) In(sc *Scope) string { return t.render(sc, func(s string) string { return s }) }

// Key returns what t says, where t is an identity: with two paths or more, the
// punctuation of t is escaped in what they insert, so that "a/b" and "c" are
// never "a" and "b/c".
func (t Text) Key(sc *Scope) string {
	paths := 0
	marks := []byte("%")
	for _, p := range t.pieces {
		if p.path != nil {
			paths++
			continue
		}
		for _, c := range []byte(p.literal) {
			if strings.IndexByte(punctuation, c) >= 0 {
				marks = append(marks, c)
			}
		}
	}
	if paths < 2 {
		return t.In(sc)
	}
	return t.render(sc, func(s string) string { return escape(s, string(marks)) })
}

const punctuation = "/:|,;#+ -_."

// escape writes each of marks in s as % and two hex digits.
func escape(s, marks string) string {
	if !strings.ContainsAny(s, marks) {
		return s
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte(marks, c) < 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

const hexDigits = "0123456789abcdef"

func (t Text) render(sc *Scope, escape func(string) string) string {
	if len(t.pieces) == 1 && t.pieces[0].path != nil {
		return t.pieces[0].said(sc)
	}
	said := make([]string, len(t.pieces))
	for i, p := range slices.Backward(t.pieces) { // the end is where the texts of a list differ
		if p.path == nil {
			said[i] = p.literal
		} else if said[i] = escape(p.said(sc)); said[i] == "" {
			return ""
		}
	}
	return strings.Join(said, "")
}

// said is what p inserts; an empty list or object says nothing to a reader.
func (p piece) said(sc *Scope) string {
	if s := p.path.Text(sc); s != "[]" && s != "{}" {
		return s
	}
	return ""
}

// Texts is a list of which the first that can be said counts.
type Texts []Text

// ParseTexts reads texts. The error is of kind Invalid.
func ParseTexts(written []string) (Texts, error) {
	var out Texts
	for _, s := range written {
		t, err := ParseText(s)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// In returns the first text that can be said in sc, "" if none can.
func (ts Texts) In(sc *Scope) string {
	for _, t := range ts {
		if s := t.In(sc); s != "" {
			return s
		}
	}
	return ""
}

// Lines returns all texts that can be said in sc, one a line, none twice.
func (ts Texts) Lines(sc *Scope) string {
	var lines []string
	for _, t := range ts {
		if s := t.In(sc); s != "" && !slices.Contains(lines, s) {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}
