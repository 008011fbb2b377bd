// Package doc reads a body into a tree of values, whatever its encoding: JSON
// by a decoder of its own, and forms, XML, logfmt and plain text as the same
// tree. It accepts the JSON that encoding/json accepts, up to MaxDepth, and a
// tree takes at most 14 times the size of its body.
//
//	root, err := doc.JSON(body)
//	title := root.At("data.essentials.alertRule").Text()
package doc

import (
	"iter"
	"strings"
	"sync"
	"unicode/utf8"
)

// Kind is the kind of a value.
type Kind uint8

// The kinds. A path that leads nowhere ends in an Absent value.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String names the kind in words of JSON.
func (k Kind) String() string {
	return [...]string{"nothing", "null", "true or false", "a number", "a string", "an array", "an object"}[k]
}

// Value is one value of a tree. The zero Value is absent, and every method of
// it answers as for nothing, so that paths need no checks on their way.
type Value struct {
	t *tree
	i uint32
}

type tree struct {
	src   string
	nodes []node // in the order of the body; a container's children follow it

	mu      sync.Mutex
	indexes map[uint32]map[string]uint32 // of the objects that are large, by name of the field
	read    map[uint32]string            // long texts as they were unescaped, by where they begin
	inner   map[uint32]Value             // and as they were read as JSON
}

// node is a value as it stands in the body: offsets, no copies.
type node struct {
	key, keyEnd uint32 // name of a field, without its quotes
	from, to    uint32 // the value; a string without its quotes
	next        uint32 // the node after this one and all below it
	kind        Kind
	keyRaw, raw bool // the text must be unescaped or repaired before it is read
}

func (v Value) node() *node { return &v.t.nodes[v.i] }

// Kind returns the kind of v.
func (v Value) Kind() Kind {
	if v.t == nil {
		return Absent
	}
	return v.node().kind
}

// Present reports whether v is something other than nothing and null.
func (v Value) Present() bool { return v.Kind() > Null }

// Text returns a string as it is, a number or boolean as written, an array or
// object as its JSON, and nothing or null as "".
func (v Value) Text() string {
	switch v.Kind() {
	case Absent, Null:
		return ""
	case String:
		n := v.node()
		if n.raw && n.to-n.from > longText {
			return v.t.longText(n)
		}
		return v.t.text(n.from, n.to, n.raw)
	}
	return v.JSON()
}

// longText is from where on a text is unescaped, and read as JSON, only once.
const longText = 4 << 10

func (t *tree) longText(n *node) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text, known := t.read[n.from]
	if !known {
		if t.read == nil {
			t.read = map[uint32]string{}
		}
		text = t.text(n.from, n.to, true)
		t.read[n.from] = text
	}
	return text
}

// JSON returns v as written in the body. A string has its quotes.
func (v Value) JSON() string {
	if v.t == nil {
		return ""
	}
	n := v.node()
	if n.kind == String {
		return v.t.src[n.from-1 : n.to+1]
	}
	return v.t.src[n.from:n.to]
}

// Span returns where v stands in the body, a string with its quotes.
func (v Value) Span() (from, to int) {
	if v.t == nil {
		return 0, 0
	}
	n := v.node()
	if n.kind == String {
		return int(n.from) - 1, int(n.to) + 1
	}
	return int(n.from), int(n.to)
}

// NameSpan returns where the name of v stands in the body, with its quotes;
// nowhere, 0 and 0, unless v is a field of an object.
func (v Value) NameSpan() (from, to int) {
	if v.t == nil || v.node().keyEnd == 0 {
		return 0, 0
	}
	return int(v.node().key) - 1, int(v.node().keyEnd) + 1
}

// True reports whether v is the boolean true, or its word.
func (v Value) True() bool { return strings.EqualFold(v.Text(), "true") }

// Head returns the first of the text of v, at most limit bytes of it: what
// follows is not even unescaped.
func (v Value) Head(limit int) string {
	if v.Kind() != String || int(v.node().to-v.node().from) <= limit {
		return cut(v.Text(), limit)
	}
	n := v.node()
	raw := v.t.src[n.from:n.to]
	end := 0
	for end < limit {
		size := 1
		if raw[end] == '\\' {
			size = 2
			if raw[end+1] == 'u' {
				_, size = escapedRune(raw[end:])
			}
		}
		if end+size > limit {
			break
		}
		end += size
	}
	for back := 0; back < utf8.UTFMax && end > 0 && !utf8.RuneStart(raw[end]); back++ {
		end--
	}
	return cut(v.t.text(n.from, n.from+uint32(end), n.raw), limit)
}

// cut shortens s to limit bytes, and leaves no part of a character at its end.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// manyNodes is from where on an object is worth an index of its fields: paths
// into a body are many, and must not each walk it.
const manyNodes = 256

// Get returns the field of that name of an object. Where one stands twice, the
// last counts, as in encoding/json.
func (v Value) Get(name string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	if v.node().next-v.i > manyNodes {
		if i, ok := v.index()[name]; ok {
			return Value{v.t, i}
		}
		return Value{}
	}
	var found Value
	for i, end := v.i+1, v.node().next; i < end; {
		n := &v.t.nodes[i]
		fits := n.keyRaw || int(n.keyEnd-n.key) == len(name) // most names do not
		if fits && v.t.text(n.key, n.keyEnd, n.keyRaw) == name {
			found = Value{v.t, i}
		}
		i = n.next
	}
	return found
}

func (v Value) index() map[string]uint32 {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	if v.t.indexes == nil {
		v.t.indexes = map[uint32]map[string]uint32{}
	}
	index := v.t.indexes[v.i]
	if index == nil {
		index = make(map[string]uint32, v.Len())
		for name, field := range v.Fields() {
			index[name] = field.i
		}
		v.t.indexes[v.i] = index
	}
	return index
}

// At follows a path of names with dots between them. A name that is a number
// is a position where it meets an array.
func (v Value) At(path string) Value {
	for path != "" && v.t != nil {
		name, rest, _ := strings.Cut(path, ".")
		v, path = v.Step(name), rest
	}
	return v
}

// Step follows one name.
func (v Value) Step(name string) Value {
	if v.Kind() == Array {
		if i, ok := position(name); ok {
			return v.Index(i)
		}
		return Value{}
	}
	return v.Get(name)
}

func position(s string) (int, bool) {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' || n > 1<<20 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, s != ""
}

// Index returns the item of an array at a position from 0.
func (v Value) Index(at int) Value {
	for item := range v.Items() {
		if at--; at < 0 {
			return item
		}
	}
	return Value{}
}

// Len returns the number of items or fields of an array or object.
func (v Value) Len() int {
	n := 0
	for range v.children() {
		n++
	}
	return n
}

// Items yields the items of an array.
func (v Value) Items() iter.Seq[Value] {
	if v.Kind() != Array {
		return func(func(Value) bool) {}
	}
	return v.children()
}

// Fields yields the fields of an object in the order of the body, with
// repeated ones.
func (v Value) Fields() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != Object {
			return
		}
		for i, end := v.i+1, v.node().next; i < end; {
			n := &v.t.nodes[i]
			if !yield(v.t.text(n.key, n.keyEnd, n.keyRaw), Value{v.t, i}) {
				return
			}
			i = n.next
		}
	}
}

func (v Value) children() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if k := v.Kind(); k != Array && k != Object {
			return
		}
		for i, end := v.i+1, v.node().next; i < end; i = v.t.nodes[i].next {
			if !yield(Value{v.t, i}) {
				return
			}
		}
	}
}

// First returns the first of paths below v that has a text.
func (v Value) First(paths ...string) string {
	for _, path := range paths {
		if text := v.At(path).Text(); strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}
