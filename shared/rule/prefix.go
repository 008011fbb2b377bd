package rule

import (
	"strings"
	"unicode/utf8"
)

// metacharacters of RE2 syntax, each of which ends a literal run.
const metacharacters = `\.+*?()|[]{}^$`

// literalPrefix returns a text with which everything that pattern matches
// begins, without compiling it; "" when it sees none. It reads only patterns
// that begin with ^ and have no alternative outside parentheses; what it
// cannot read at a glance (\Q, named classes) has no prefix.
func literalPrefix(pattern string) string {
	rest, anchored := strings.CutPrefix(pattern, "^")
	if !anchored || strings.Contains(rest, `\Q`) || strings.Contains(rest, "[:") || alternative(rest) {
		return ""
	}
	var literal strings.Builder
	for rest != "" {
		char, after := literalRune(rest)
		if char == utf8.RuneError || after != "" && strings.IndexByte("*?{", after[0]) >= 0 {
			break
		}
		literal.WriteRune(char)
		rest = after
	}
	return literal.String()
}

// literalRune returns the first character where it stands for itself, also as
// an escaped metacharacter, and what follows; else utf8.RuneError.
func literalRune(pattern string) (rune, string) {
	if len(pattern) > 1 && pattern[0] == '\\' && strings.IndexByte(metacharacters, pattern[1]) >= 0 {
		return rune(pattern[1]), pattern[2:]
	}
	char, size := utf8.DecodeRuneInString(pattern)
	if strings.ContainsRune(metacharacters, char) {
		return utf8.RuneError, ""
	}
	return char, pattern[size:]
}

// alternative reports whether a | stands outside parentheses and classes.
func alternative(pattern string) bool {
	depth, class := 0, false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
			i += leadingBracket(pattern[i+1:])
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth <= 0:
			return true
		}
	}
	return false
}

// leadingBracket returns how many bytes at the start of a class hide a ] that
// stands for itself: "]", "^]" or none.
func leadingBracket(class string) int {
	n := len(class) - len(strings.TrimPrefix(class, "^"))
	if strings.HasPrefix(class[n:], "]") {
		return n + 1
	}
	return n
}
