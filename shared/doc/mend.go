package doc

import (
	"bytes"
	"strings"
)

// Mend makes JSON of a body that nearly is: of what people write by hand into
// templates, where variables are put in as they are. It mends line breaks and
// tabs within strings, quotes within strings, backslashes that escape nothing,
// commas after the last field, values that were left empty, and JSON that was
// put between quotes. false: the body is JSON already, or nothing of this kind.
//
//	{"title": "Disk "C:\" is full", "value": ,}
func Mend(body []byte) ([]byte, bool) {
	body = bytes.TrimPrefix(body, byteOrderMark)
	if whole := bytes.Trim(body, blanks); !looksWhole(whole) || whole[0] != '{' && whole[0] != '[' {
		return nil, false
	}
	if _, err := JSON(body); err == nil {
		return nil, false
	}
	m := mender{in: body, tries: maxTries}
	m.mend()
	_, err := JSON(m.out)
	return m.out, err == nil
}

// maxTries bounds how often JSON between quotes is looked for, so that a body
// made to look like it costs no more than a few readings.
const maxTries = 8

type mender struct {
	in, out []byte
	within  []byte // the brackets that are open
	last    byte   // the last sign outside of strings: , : { [ } ] or " for a string
	tries   int
}

func (m *mender) mend() {
	for i := 0; i < len(m.in); {
		c := m.in[i]
		if c == '"' {
			i = m.text(i)
			continue
		}
		i++
		switch c {
		case ' ', '\t', '\r', '\n':
			m.out = append(m.out, c)
			continue
		case ',':
			if next := m.after(i); next == '}' || next == ']' {
				continue
			}
		}
		if m.last == ':' && (c == ',' || c == '}') {
			m.out = append(m.out, "null"...)
		}
		m.out, m.last = append(m.out, c), c
		switch n := len(m.within); {
		case (c == '{' || c == '[') && n < MaxDepth:
			m.within = append(m.within, c)
		case (c == '}' || c == ']') && n > 0:
			m.within = m.within[:n-1]
		}
	}
}

func (m *mender) after(i int) byte {
	for ; i < len(m.in); i++ {
		if c := m.in[i]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
	}
	return 0
}

func (m *mender) inObject() bool {
	return len(m.within) > 0 && m.within[len(m.within)-1] == '{'
}

// text copies the string whose quote is at i, and returns where it ends.
func (m *mender) text(i int) int {
	if end, ok := m.quotedJSON(i); ok {
		m.out, m.last = append(m.out, m.in[i+1:end]...), '"'
		return end + 1
	}
	name := m.inObject() && m.last != ':'
	m.last = '"'
	m.out = append(m.out, '"')
	for i++; i < len(m.in); i++ {
		switch c := m.in[i]; {
		case c == '"' && m.ends(i, name):
			m.out = append(m.out, '"')
			return i + 1
		case c == '"':
			m.out = append(m.out, `\"`...)
		case c == '\\' && i+1 < len(m.in) && strings.IndexByte(`"\/bfnrtu`, m.in[i+1]) >= 0:
			m.out = append(m.out, c, m.in[i+1])
			i++
		case c == '\\':
			m.out = append(m.out, `\\`...)
		case c < ' ':
			m.out = append(m.out, escaped(c)...)
		default:
			m.out = append(m.out, c)
		}
	}
	return i
}

func escaped(c byte) string {
	switch c {
	case '\n':
		return `\n`
	case '\t':
		return `\t`
	case '\r':
		return `\r`
	}
	return " "
}

// ends reports whether the quote at i ends a string: what follows is what may
// follow a string.
func (m *mender) ends(i int, name bool) bool {
	next := m.after(i + 1)
	switch {
	case name:
		return next == ':'
	case next == ',' && m.inObject():
		return m.namesField(i + 1)
	}
	return next == ',' || next == '}' || next == ']'
}

// maxName is longer than any name of a field.
const maxName = 256

// namesField reports whether a comma follows at i, and the name of a field or
// the end of the object after it.
func (m *mender) namesField(i int) bool {
	rest := m.in[i:min(i+maxName, len(m.in))]
	rest = bytes.TrimLeft(bytes.TrimPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(",")), " \t\r\n")
	if bytes.HasPrefix(rest, []byte("}")) {
		return true
	}
	rest, opens := bytes.CutPrefix(rest, []byte(`"`))
	_, rest, closes := bytes.Cut(rest, []byte(`"`))
	return opens && closes && bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(":"))
}

// quotedJSON finds an object or array between quotes that does not escape its
// own, and returns where the quote after it stands.
func (m *mender) quotedJSON(i int) (end int, ok bool) {
	if m.last != ':' || m.tries == 0 || i+1 >= len(m.in) || m.in[i+1] != '{' && m.in[i+1] != '[' {
		return 0, false
	}
	m.tries--
	p := parser{b: m.in}
	end = p.value(i+1, len(m.within), node{})
	ok = p.problem == "" && end < len(m.in) && m.in[end] == '"' && bytes.IndexByte(m.in[i+1:end], '"') >= 0
	return end, ok
}
