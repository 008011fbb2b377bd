package redact

import (
	"cmp"
	"encoding/base64"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tocsin/shared/source"
)

// Text returns s, which stands for itself and is no body, without what r takes
// out.
func (r *Rules) Text(s string) string {
	if r.Empty() {
		return s
	}
	t := taker{Rules: r}
	return t.text(s)
}

// text takes out of a text, which may be JSON or Base64 itself.
func (t *taker) text(s string) string {
	if trimmed := strings.TrimLeft(s, " \t\r\n\ufeff"); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		within := taker{Rules: t.inside}
		if clean, ok := within.json([]byte(s)); ok {
			t.taken += within.taken
			return string(clean)
		}
	}
	if strings.TrimLeftFunc(s, inCode) == "" {
		bare := strings.ReplaceAll(strings.ReplaceAll(s, "\r", ""), "\n", "")
		if clean, read := t.encoded(bare, shortestCode); clean != bare {
			return clean
		} else if read { // once: what is encoded many times over would else cost twice as much each time
			return t.plain(s)
		}
	}
	return t.plain(t.codes(s))
}

// plain takes out of a text that is no tree, such as XML, logfmt or prose.
func (t *taker) plain(s string) string {
	spans := t.spans(s)
	if decoded, at := decode(s); decoded != s {
		for _, x := range t.spans(decoded) {
			spans = append(spans, span{at[x.from], at[x.to]})
		}
		spans = merged(spans)
	}
	if len(spans) == 0 {
		return s
	}
	var b strings.Builder
	done := 0
	for _, x := range spans {
		b.WriteString(s[done:x.from])
		b.WriteString(Mark)
		done = x.to
		t.taken++
	}
	b.WriteString(s[done:])
	return b.String()
}

// span is a part of a text.
type span struct{ from, to int }

// spans are the parts of a text that are taken out, in order.
func (t *taker) spans(s string) []span {
	found := t.shapes.values(s)
	for _, p := range t.patterns {
		for _, at := range p.FindAllStringIndex(s, -1) {
			found = append(found, span{at[0], at[1]})
		}
	}
	if len(found) == 0 {
		return nil
	}
	return slices.DeleteFunc(merged(found), func(x span) bool { return isMarked(s, x) })
}

// merged sorts spans and joins those that overlap.
func merged(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	out := spans[:0]
	for _, x := range spans {
		if n := len(out); n > 0 && x.from < out[n-1].to {
			out[n-1].to = max(out[n-1].to, x.to)
		} else if x.to > x.from {
			out = append(out, x)
		}
	}
	return out
}

// isMarked reports whether a part of a text is, or lies in, what stands there
// for something that was taken out.
func isMarked(s string, x span) bool {
	from := max(0, x.from-len(Mark))
	around := s[from:min(len(s), x.to+len(Mark))]
	for at := 0; ; at++ {
		next := strings.Index(around[at:], Mark)
		if next < 0 {
			return false
		}
		at += next
		if from+at <= x.from && x.to <= from+at+len(Mark) {
			return true
		}
	}
}

// decode reads the entities of XML and HTML and what is escaped in addresses;
// at says where each byte and the end stood before.
func decode(s string) (decoded string, at []int) {
	if !strings.ContainsAny(s, "&%") {
		return s, nil
	}
	var b strings.Builder
	at = make([]int, 0, len(s)+1)
	for i := 0; i < len(s); {
		text, size := decodeOne(s[i:min(len(s), i+maxEntity)])
		b.WriteString(text)
		for range len(text) {
			at = append(at, i)
		}
		i += size
	}
	return b.String(), append(at, len(s))
}

// maxEntity is longer than the entities that stand for letters and signs.
const maxEntity = 12

// decodeOne decodes what s begins with, one byte where nothing is encoded.
func decodeOne(s string) (text string, size int) {
	switch s[0] {
	case '&':
		if end := strings.IndexByte(s, ';'); end > 0 {
			if c := html.UnescapeString(s[:end+1]); !strings.HasSuffix(c, ";") {
				return c, end + 1
			}
		}
	case '%':
		if len(s) > 2 {
			if c, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
				return string([]byte{byte(c)}), 3
			}
		}
	}
	return s[:1], 1
}

// Lengths in bytes from which on a text is taken for Base64: one that is
// nothing else, and one among others.
const (
	shortestCode = 8
	shortestRun  = 16
)

// codes takes out of the Base64 that stands in a text.
func (t *taker) codes(s string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); i++ {
		from := i
		for i < len(s) && isCode(s[i]) {
			i++
		}
		run := i - from
		for run > 0 && i < len(s) && s[i] == '=' && i < from+run+2 {
			i++
		}
		if run < shortestRun {
			continue
		}
		if clean, _ := t.encoded(s[from:i], shortestRun); clean != s[from:i] {
			b.WriteString(s[done:from])
			b.WriteString(clean)
			done = i
		}
	}
	if done == 0 {
		return s
	}
	return b.String() + s[done:]
}

// inCode: Base64 also stands in lines.
func inCode(c rune) bool {
	return c < utf8.RuneSelf && (isCode(byte(c)) || c == '=' || c == '\r' || c == '\n')
}

func isCode(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '-' || c == '_'
}

// encoded takes out of a text in Base64; false: it is none.
func (t *taker) encoded(s string, shortest int) (string, bool) {
	bare := strings.TrimRight(s, "=")
	if len(bare) < shortest-2 || len(s) < shortest && len(bare) == len(s) {
		return s, false
	}
	code := base64.RawStdEncoding
	if strings.ContainsAny(bare, "-_") {
		code = base64.RawURLEncoding
	}
	decoded, err := code.DecodeString(bare)
	if err != nil || !isText(decoded) {
		return s, false
	}
	within := taker{Rules: t.inside}
	clean := within.text(string(decoded))
	if within.taken == 0 {
		return s, true
	}
	t.taken += within.taken
	if len(s)%4 == 0 {
		code = code.WithPadding(base64.StdPadding)
	}
	return code.EncodeToString([]byte(clean)), true
}

func isText(b []byte) bool {
	return utf8.Valid(b) && !strings.ContainsFunc(string(b), func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\r' && c != '\t' })
}

// shapes find the values of names in a text.
type shapes struct {
	names []string
	sign  *regexp.Regexp // a name and the sign behind it: name=, "name" :, | name |
	next  *regexp.Regexp // what ends a value of CEF, which has no quotes: " name=", a line
	tag   *regexp.Regexp // <name>, </name>
	pair  *regexp.Regexp // <field name="name" ...>, <key>name</key><value>
	value *regexp.Regexp // value= in a tag
}

func shapesOf(names []string) shapes {
	if len(names) == 0 {
		return shapes{}
	}
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, regexp.QuoteMeta(name))
	}
	slices.SortFunc(quoted, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // the longest name first
	either := `(` + strings.Join(quoted, "|") + `)`
	return shapes{
		names: names,
		sign:  regexp.MustCompile(`(?i)(?:^|[^\pL\pN_])_*` + either + `(?:[\[\]\\"'*_~` + "`" + `\s]|<[^<>\n]*>)*(=>|[:=：|]|</t[dh]>)`),
		next:  regexp.MustCompile(`\s[\w.-]+=|\n`),
		tag:   regexp.MustCompile(`(?i)<(/?)(?:[\w.-]+:)?` + either + `(?:\s[^<>]*)?>`),
		pair:  regexp.MustCompile(`(?i)<[\w.:-]+\s(?:[^<>]*\s)?` + naming + `\s*=\s*["']\s*` + either + `\s*["'][^<>]*>|<(?:[\w.-]+:)?` + naming + `>\s*` + either + `\s*</[^<>]*>\s*<(?:[\w.-]+:)?value>`),
		value: regexp.MustCompile(`(?i)\svalue\s*=`),
	}
}

// naming are names of fields, besides which another is the value of what they
// name.
const naming = `(?:name|key|title|label|field)`

func (s shapes) named(name string) bool { return isAmong(s.names, name) }

// values are the parts of a text that are values of the names.
func (s shapes) values(text string) []span {
	var found []span
	if len(s.names) > 0 && strings.ContainsAny(text, ":=：|<") {
		done, cef := 0, strings.Contains(text, "CEF:") || strings.Contains(text, "LEEF:")
		for _, m := range s.sign.FindAllStringSubmatchIndex(text, -1) {
			if m[1] < done { // so that brackets which never close are read once
				continue
			}
			x := valueBehind(text, m[2], m[4], m[5])
			if cef && x.from == m[5] {
				x.to = len(text)
				if end := s.next.FindStringIndex(text[x.from:]); end != nil {
					x.to = x.from + end[0]
				}
			}
			if x.to > x.from {
				found = append(found, x)
				done = x.to
			}
		}
	}
	if len(s.names) > 0 && strings.Contains(text, "</") {
		found = append(found, s.elements(text)...)
	}
	if len(s.names) > 0 && strings.Contains(text, "<") {
		found = append(found, s.pairs(text)...)
	}
	return found
}

// pairs are the values of what elements name: in an attribute of theirs, in
// themselves, or in the element behind.
func (s shapes) pairs(text string) []span {
	var found []span
	done, closed := 0, strings.LastIndex(text, "</")
	for _, m := range s.pair.FindAllStringIndex(text, -1) {
		if m[0] < done { // so that elements which never close are read once
			continue
		}
		tag := text[m[0]:m[1]]
		switch at := s.value.FindStringIndex(tag); {
		case at != nil:
			from, to := source.Value(text, m[0]+at[1])
			found = append(found, span{from, to})
		case m[1] <= closed && !strings.HasSuffix(tag, "/>"):
			done = m[1] + strings.Index(text[m[1]:], "</")
			found = append(found, span{m[1], done})
		}
	}
	return found
}

// elements are the contents of the elements of the names. One that is never
// closed goes on to the last end of its name.
func (s shapes) elements(text string) []span {
	type open struct {
		span
		depth int
	}
	var found []span
	opened := map[string]*open{}
	for _, m := range s.tag.FindAllStringSubmatchIndex(text, -1) {
		name := strings.ToLower(text[m[4]:m[5]])
		o := opened[name]
		switch end := m[2] < m[3]; {
		case end && o != nil:
			o.to = m[0]
			if o.depth--; o.depth == 0 {
				found = append(found, o.span)
				delete(opened, name)
			}
		case end || strings.HasSuffix(text[m[0]:m[1]], "/>"):
		case o != nil:
			o.depth++
		default:
			opened[name] = &open{span{m[1], m[1]}, 1}
		}
	}
	for _, o := range opened {
		found = append(found, o.span)
	}
	return found
}

// valueBehind returns the value of a name whose sign stands at from to to:
// where the name begins a line, all of the line; of a table, the next cell.
func valueBehind(text string, name, from, to int) span {
	sign := text[from:to]
	at := skipMarkup(text, to)
	crossed := strings.Contains(text[to:at], "\n")
	if at == len(text) || crossed && (sign == "=" || isPair(text[at:])) {
		return span{}
	}
	x := span{}
	x.from, x.to = source.Value(text, at)
	inLine := x.from == at && text[at] != '{' && text[at] != '['
	apart := at > to && (sign != "=" || from > 0 && text[from-1] == ' ')
	inQuotes := name > 0 && (text[name-1] == '"' || text[name-1] == '\'')
	switch {
	case !inLine:
	case sign == "|", sign[0] == '<': // a cell
		x.to = at + len(strings.TrimRight(text[at:at+endOf(text[at:], sign[:1]+"\r\n")], " \t"))
	case !inQuotes && (apart || sign == "：") && beginsLine(text[:name]):
		x.to = at + lineEnd(text[at:])
	}
	return x
}

// skipMarkup returns where a text goes on behind white space and markup.
func skipMarkup(text string, at int) int {
	for at < len(text) {
		switch c := text[at]; {
		case strings.IndexByte("*_~` \t\r\n", c) >= 0:
			at++
		case c == '<':
			end := strings.IndexAny(text[at:min(len(text), at+maxMarkup)], ">\n")
			if end < 0 || text[at+end] == '\n' {
				return at
			}
			at += end + 1
		default:
			return at
		}
	}
	return at
}

// maxMarkup is longer than the markup around a name.
const maxMarkup = 200

// isPair reports whether a line says "name: value" itself.
func isPair(s string) bool {
	line := s[:lineEnd(s)]
	at := strings.IndexAny(line, ":：")
	return at > 0 && at < maxMarkup && unicode.IsLetter(rune(line[0])) && (at == len(line)-1 || line[at] != ':' || line[at+1] == ' ')
}

// beginsLine reports whether nothing but markup stands before in the line.
func beginsLine(before string) bool {
	before = before[max(0, len(before)-maxMarkup):]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	for {
		open := strings.IndexAny(line, "<:")
		if open < 0 {
			return !strings.ContainsFunc(line, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) })
		}
		end := strings.IndexAny(line[open+1:], ">:")
		if end < 0 {
			return false
		}
		line = line[:open] + line[open+end+2:]
	}
}

func lineEnd(s string) int { return endOf(s, "\r\n") }

// endOf returns where s meets one of the signs, else its end.
func endOf(s, signs string) int {
	if end := strings.IndexAny(s, signs); end >= 0 {
		return end
	}
	return len(s)
}
