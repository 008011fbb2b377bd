package doc

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tocsin/shared/fault"
)

// MaxDepth is how deep arrays and objects of a body may be nested.
const MaxDepth = 64

// byteOrderMark begins what some editors and shells write as UTF-8; JSON has
// none, and a reader may ignore it (RFC 8259, section 8.1).
var byteOrderMark = []byte("\ufeff")

// JSON reads a JSON text. The error is of kind Invalid and says at which byte
// the body stops being JSON, or nests too deep.
func JSON(body []byte) (Value, error) {
	body = bytes.TrimPrefix(body, byteOrderMark)
	p := parser{b: body, nodes: make([]node, 0, mostNodes(body))}
	i := p.value(p.space(0), 0, node{})
	if p.problem == "" {
		if i = p.space(i); i < len(body) {
			p.fail(i, "something follows the end")
		}
	}
	if p.problem != "" {
		return Value{}, p.err()
	}
	return Value{&tree{src: string(body), nodes: p.nodes}, 0}, nil
}

// Inner reads the text of v as JSON of its own: senders put whole documents
// into strings. What is none is absent; v itself, where it is no string.
func (v Value) Inner() Value {
	if v.Kind() != String {
		return v
	}
	n := v.node()
	if n.to-n.from <= longText {
		return parsed(v.Text())
	}
	v.t.mu.Lock()
	inner, known := v.t.inner[n.from]
	v.t.mu.Unlock()
	if known {
		return inner
	}
	inner = parsed(v.Text())
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	if v.t.inner == nil {
		v.t.inner = map[uint32]Value{}
	}
	v.t.inner[n.from] = inner
	return inner
}

func parsed(s string) Value {
	text := []byte(s)
	if !looksWhole(bytes.Trim(text, blanks)) {
		return Value{}
	}
	inner, err := JSON(text)
	if err != nil {
		return Value{}
	}
	return inner
}

// blanks are what may stand around a JSON text, with a byte order mark.
const blanks = " \t\r\n\ufeff"

// looksWhole tells most texts that are no JSON from their ends alone.
func looksWhole(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	last := text[len(text)-1]
	switch first := text[0]; first {
	case '{':
		return last == '}'
	case '[':
		return last == ']'
	case '"':
		return last == '"'
	default:
		return first == '-' || first >= '0' && first <= '9' || first == 't' || first == 'f' || first == 'n'
	}
}

// mostNodes bounds the number of values of a body: each follows a comma or an
// opening, and takes two bytes with what parts it from the next. What is no
// JSON has few. Where there would be many, those in strings are left out: they
// would take memory for nothing.
func mostNodes(body []byte) int {
	if !looksWhole(bytes.Trim(body, blanks)) {
		return 1
	}
	n := 1 + openings(body)
	if n > len(body)/manyIn {
		n = 1
		for outside := range outsideStrings(body) {
			n += openings(outside)
		}
	}
	return min(n, len(body)/2+1)
}

// manyIn: a body of so few bytes for each value is counted with care.
const manyIn = 8

func openings(b []byte) int {
	return bytes.Count(b, []byte{','}) + bytes.Count(b, []byte{'{'}) + bytes.Count(b, []byte{'['})
}

// outsideStrings yields the parts of a body between its strings.
func outsideStrings(body []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for {
			start := bytes.IndexByte(body, '"')
			if start < 0 {
				yield(body)
				return
			}
			if !yield(body[:start]) {
				return
			}
			body = body[start+1:]
			for end := 0; ; {
				next := bytes.IndexByte(body[end:], '"')
				if next < 0 {
					return
				}
				end += next
				escapes := end - len(bytes.TrimRight(body[:end], `\`))
				if end++; escapes%2 == 0 {
					body = body[end:]
					break
				}
			}
		}
	}
}

type parser struct {
	b       []byte
	nodes   []node
	at      int // where the problem is
	problem string
	deep    bool
}

func (p *parser) fail(at int, problem string) int {
	if p.problem == "" {
		p.at, p.problem = at, problem
	}
	return len(p.b)
}

func (p *parser) err() error {
	switch {
	case p.deep:
		return fault.New(fault.Invalid, "the body nests deeper than %d levels at byte %d", MaxDepth, p.at)
	case len(bytes.TrimLeft(p.b, " \t\r\n")) == 0:
		return fault.New(fault.Invalid, "the body is empty")
	case p.at >= len(p.b):
		return fault.New(fault.Invalid, "the body is not valid JSON: it ends early, at byte %d", len(p.b))
	}
	return fault.New(fault.Invalid, "the body is not valid JSON at byte %d: %s", p.at+1, p.problem)
}

func (p *parser) space(i int) int {
	for i < len(p.b) {
		switch p.b[i] {
		case ' ', '\t', '\r', '\n':
			i++
		default:
			return i
		}
	}
	return i
}

// value reads the value at i into a node that may have a name already, and
// returns where it ends.
func (p *parser) value(i, depth int, n node) int {
	if i >= len(p.b) {
		return p.fail(i, "a value is missing")
	}
	at := len(p.nodes)
	n.from = uint32(i)
	switch c := p.b[i]; {
	case c == '"':
		n.kind, n.from = String, uint32(i+1)
		end, raw := p.text(i + 1)
		n.to, n.raw, i = uint32(end), raw, end+1
	case c == '{' || c == '[':
		if depth == MaxDepth {
			p.deep = true
			return p.fail(i, "too deep")
		}
		n.kind = Object
		p.nodes = append(p.nodes, n)
		if c == '{' {
			i = p.object(i+1, depth+1)
		} else {
			p.nodes[at].kind = Array
			i = p.array(i+1, depth+1)
		}
		p.nodes[at].to, p.nodes[at].next = uint32(i), uint32(len(p.nodes))
		return i
	case c == '-' || c >= '0' && c <= '9':
		n.kind = Number
		i = p.number(i)
		n.to = uint32(i)
	case c == 't':
		n.kind, i = Bool, p.word(i, "true")
		n.to = uint32(i)
	case c == 'f':
		n.kind, i = Bool, p.word(i, "false")
		n.to = uint32(i)
	case c == 'n':
		n.kind, i = Null, p.word(i, "null")
		n.to = uint32(i)
	default:
		return p.fail(i, "no value begins with "+strconv.QuoteRune(p.rune(i)))
	}
	n.next = uint32(at + 1)
	p.nodes = append(p.nodes, n)
	return i
}

func (p *parser) rune(i int) rune {
	r, _ := utf8.DecodeRune(p.b[i:])
	return r
}

func (p *parser) array(i, depth int) int {
	if i = p.space(i); i < len(p.b) && p.b[i] == ']' {
		return i + 1
	}
	for {
		i = p.space(p.value(p.space(i), depth, node{}))
		switch {
		case i >= len(p.b):
			return p.fail(i, "the array does not end")
		case p.b[i] == ']':
			return i + 1
		case p.b[i] != ',':
			return p.fail(i, "expected , or ] after an item")
		}
		i++
	}
}

func (p *parser) object(i, depth int) int {
	if i = p.space(i); i < len(p.b) && p.b[i] == '}' {
		return i + 1
	}
	for {
		if i = p.space(i); i >= len(p.b) {
			return p.fail(i, "the object does not end")
		}
		if p.b[i] != '"' {
			return p.fail(i, "expected the name of a field in quotes")
		}
		end, raw := p.text(i + 1)
		n := node{key: uint32(i + 1), keyEnd: uint32(end), keyRaw: raw}
		if i = p.space(end + 1); i >= len(p.b) || p.b[i] != ':' {
			return p.fail(i, "expected : after the name of a field")
		}
		i = p.space(p.value(p.space(i+1), depth, n))
		switch {
		case i >= len(p.b):
			return p.fail(i, "the object does not end")
		case p.b[i] == '}':
			return i + 1
		case p.b[i] != ',':
			return p.fail(i, "expected , or } after a field")
		}
		i++
	}
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// text finds the end of the string whose first character is at i, eight bytes
// at a time: bytes that are a quote, a backslash or a control character get
// their high bit set in stops. raw: it has escapes, or is not plain ASCII.
func (p *parser) text(i int) (end int, raw bool) {
	var seen uint64
	for i+8 <= len(p.b) {
		w := binary.LittleEndian.Uint64(p.b[i:])
		stops := ((w - ones*' ') | ((w ^ ones*'"') - ones) | ((w ^ ones*'\\') - ones)) &^ w & highs
		seen |= w & highs
		if stops == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(stops) / 8
		switch p.b[i] {
		case '"':
			return i, raw || seen != 0
		case '\\':
			raw = true
			i = p.escape(i)
		default:
			return p.fail(i, "a control character stands in a string"), raw
		}
	}
	for i < len(p.b) {
		switch c := p.b[i]; {
		case c == '"':
			return i, raw || seen != 0
		case c == '\\':
			raw = true
			i = p.escape(i)
		case c < ' ':
			return p.fail(i, "a control character stands in a string"), raw
		default:
			seen |= uint64(c & 0x80)
			i++
		}
	}
	return p.fail(len(p.b), "the string does not end"), raw
}

// escape checks the escape at i and returns what follows it.
func (p *parser) escape(i int) int {
	if i+1 >= len(p.b) {
		return p.fail(len(p.b), "the string does not end")
	}
	switch p.b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if i+6 > len(p.b) {
			return p.fail(len(p.b), "the string does not end")
		}
		if _, ok := hex4(p.b[i+2 : i+6]); ok {
			return i + 6
		}
	}
	return p.fail(i+1, "the escape is unknown")
}

func (p *parser) number(i int) int {
	if p.b[i] == '-' {
		i++
	}
	switch {
	case i < len(p.b) && p.b[i] == '0':
		i++
	default:
		i = p.digits(i)
	}
	if i < len(p.b) && p.b[i] == '.' {
		i = p.digits(i + 1)
	}
	if i < len(p.b) && (p.b[i] == 'e' || p.b[i] == 'E') {
		if i++; i < len(p.b) && (p.b[i] == '+' || p.b[i] == '-') {
			i++
		}
		i = p.digits(i)
	}
	return i
}

func (p *parser) digits(i int) int {
	from := i
	for i < len(p.b) && p.b[i] >= '0' && p.b[i] <= '9' {
		i++
	}
	if i == from {
		return p.fail(i, "expected a digit")
	}
	return i
}

func (p *parser) word(i int, word string) int {
	for j := range len(word) {
		if i+j >= len(p.b) || p.b[i+j] != word[j] {
			return p.fail(i+j, "expected "+word)
		}
	}
	return i + len(word)
}

// text returns what stands between from and to, repaired where it is raw.
func (t *tree) text(from, to uint32, raw bool) string {
	if !raw {
		return t.src[from:to]
	}
	return repaired(t.src[from:to])
}

// repaired returns s unescaped; what is no UTF-8 becomes U+FFFD, byte by byte,
// as in encoding/json. What stands between escapes is copied whole: a document
// inside a string has a quote in every few bytes.
func repaired(s string) string {
	s = valid(s)
	plain := strings.IndexByte(s, '\\')
	if plain < 0 {
		return s
	}
	var out strings.Builder
	out.Grow(len(s)) // escapes only shrink
	for plain >= 0 {
		out.WriteString(s[:plain])
		s = s[plain:]
		if s[1] == 'u' {
			r, size := escapedRune(s)
			out.WriteRune(r)
			s = s[size:]
		} else {
			out.WriteByte(plainEscape(s[1]))
			s = s[2:]
		}
		plain = strings.IndexByte(s, '\\')
	}
	out.WriteString(s)
	return out.String()
}

func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	size := 0
	for _, r := range s {
		size += utf8.RuneLen(r)
	}
	var out strings.Builder
	out.Grow(size)
	for _, r := range s {
		out.WriteRune(r)
	}
	return out.String()
}

func plainEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// escapedRune reads \uXXXX, or the two of a surrogate pair; half a pair is U+FFFD.
func escapedRune(s string) (rune, int) {
	r, _ := hex4([]byte(s[2:6]))
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
		low, _ := hex4([]byte(s[8:12]))
		if whole := utf16.DecodeRune(r, low); whole != utf8.RuneError {
			return whole, 12
		}
	}
	return utf8.RuneError, 6
}

func hex4(b []byte) (rune, bool) {
	var r rune
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
