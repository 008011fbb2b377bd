package lookup

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tocsin/shared/doc"
)

// Bounds of the lines of a text that are read as fields.
const (
	maxPaired = 16 << 10
	maxPairs  = 100
	maxName   = 48
)

// Pairs reads the lines of a text that say "name: value" as the fields of an
// object, of the same name the first; absent, where none does.
//
//	Host: db-1
//	- 告警级别：严重
//	*Severity:*
//	high
func Pairs(text string) doc.Value {
	fields := map[string]any{}
	name := ""
	for line := range strings.Lines(strings.ToValidUTF8(text[:min(len(text), maxPaired)], "")) {
		line = plain(line)
		if line == "" {
			continue
		}
		next, value, ok := cutPair(line)
		if !ok && name != "" {
			next, value = name, line // the value of a name that stands alone
		}
		if name = ""; next == "" {
			continue
		}
		if value == "" {
			name = next
		} else if _, known := fields[next]; !known {
			fields[next] = value
		}
		if len(fields) == maxPairs {
			break
		}
	}
	if len(fields) == 0 {
		return doc.Value{}
	}
	return doc.Of(fields)
}

// endsWide: behind Chinese and Japanese names a colon needs no space.
func endsWide(name string) bool {
	last, _ := utf8.DecodeLastRuneInString(name)
	return last >= 0x2e80 && last != utf8.RuneError
}

// cutPair parts "name: value"; the value may be missing.
func cutPair(line string) (name, value string, ok bool) {
	at := strings.IndexAny(line, ":：=")
	if at <= 0 || at > maxName {
		return "", "", false
	}
	sign, size := utf8.DecodeRuneInString(line[at:])
	name, value = strings.TrimSpace(line[:at]), line[at+size:]
	switch {
	case sign == ':' && value != "" && value[0] != ' ' && value[0] != '\t' && !endsWide(name),
		sign == '=' && (!strings.HasPrefix(value, " ") || !strings.HasSuffix(line[:at], " ")),
		len(strings.Fields(name)) > 4, !isName(name):
		return "", "", false
	}
	return name, strings.TrimSpace(value), true
}

// isName: letters first, and nothing that only sentences, addresses and paths
// of this language have.
func isName(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(first) && !strings.ContainsAny(s, "\"{}[]|<>,;!?")
}

// plain is a line without the markup that chats, mails and Markdown write:
// what only adorns it, tags, and addresses behind a text.
func plain(line string) string {
	line = strings.TrimSpace(line)
	if strings.ContainsRune(line, '<') {
		line = withoutTags(line)
	}
	line = strings.TrimRight(withoutMark(strings.ReplaceAll(line, "**", "")), "*_`~#= \t")
	if !strings.ContainsAny(line, "*`") {
		return line
	}
	var b strings.Builder
	before := ' '
	for rest := line; rest != ""; {
		c, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		next, _ := utf8.DecodeRuneInString(rest)
		if c != '`' && (c != '*' || unicode.IsSpace(before) && unicode.IsSpace(next) || inWord(before) && inWord(next)) {
			b.WriteRune(c)
		}
		before = c
	}
	return b.String()
}

func inWord(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }

// withoutEmoji takes away the picture that a line begins with, as chats write
// it: ":red_circle:".
func withoutEmoji(line string) string {
	if len(line) < 2 || line[0] != ':' || line[1] < 'a' || line[1] > 'z' {
		return line
	}
	name, rest, found := strings.Cut(line[1:], ":")
	if !found || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_+-") != "" {
		return line
	}
	return rest
}

// withoutMark takes away what begins a heading, a quotation or an item of a list.
func withoutMark(line string) string {
	for {
		short := withoutEmoji(strings.TrimLeft(line, "*>•`~= \t"))
		for _, mark := range [...]string{"##", "# ", "--", "- "} {
			short = strings.TrimPrefix(short, mark)
		}
		if short == line {
			return line
		}
		line = short
	}
}

// withoutTags takes tags out of a line, and of <address|text> the address.
func withoutTags(line string) string {
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(line, "<")
		b.WriteString(before)
		if !open {
			return b.String()
		}
		tag, after, closed := cutTag(rest)
		switch address, text, named := strings.Cut(tag, "|"); {
		case closed && named && strings.Contains(address, ":"):
			b.WriteString(text)
		case closed && strings.HasPrefix(tag, "http"):
			b.WriteString(tag)
		case !closed || !isTag(tag):
			b.WriteByte('<')
			line = rest
			continue
		}
		line = after
	}
}

// cutTag cuts what comes before the next >, unless a tag begins there, so that
// a line of nothing but < is read once.
func cutTag(s string) (tag, after string, closed bool) {
	at := strings.IndexAny(s, "<>")
	if at < 0 || s[at] == '<' {
		return "", s, false
	}
	return s[:at], s[at+1:], true
}

// tags are those that senders of short texts use.
var tags = strings.Fields("a b i u s p br em li ul ol div pre code span font strong h1 h2 h3 h4 h5 h6 td tr th table")

func isTag(s string) bool {
	name, _, _ := strings.Cut(strings.Trim(s, "/ "), " ")
	for _, t := range tags {
		if strings.EqualFold(name, t) {
			return true
		}
	}
	return false
}
