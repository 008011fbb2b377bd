package email

import (
	"html"
	"strings"
)

// Elements that begin a line, and those whose content is not for reading.
const (
	lines  = " br p div tr li ul ol table h1 h2 h3 h4 h5 h6 hr pre blockquote section article "
	cells  = " td th "
	unread = " head style script title noscript template svg "
)

// textOf is HTML as text: a line for each block, a space between cells. It
// reads once from left to right, so that no nesting costs more than its size.
func textOf(markup string) string {
	var b strings.Builder
	for markup != "" {
		text, rest, found := strings.Cut(markup, "<")
		b.WriteString(strings.Map(unbroken, text))
		if !found {
			break
		}
		markup = tag(&b, rest)
	}
	return tidy(html.UnescapeString(b.String()))
}

// unbroken: a line break in markup is a space.
func unbroken(c rune) rune {
	if c == '\n' || c == '\r' || c == '\t' {
		return ' '
	}
	return c
}

// tag writes what a tag stands for, and returns what follows it.
func tag(b *strings.Builder, s string) string {
	if after, comment := strings.CutPrefix(s, "!--"); comment {
		_, rest, _ := strings.Cut(after, "-->")
		return rest
	}
	if s == "" || !strings.ContainsRune("/!?", rune(s[0])) && nameOf(s) == "" {
		b.WriteByte('<')
		return s
	}
	inside, rest, _ := strings.Cut(s, ">")
	end := strings.HasPrefix(inside, "/")
	name := " " + strings.ToLower(nameOf(strings.TrimPrefix(inside, "/"))) + " "
	switch {
	case name == "  ":
		b.WriteByte(' ')
	case strings.Contains(lines, name):
		b.WriteByte('\n')
	case strings.Contains(cells, name):
		b.WriteByte(' ')
	case !end && strings.Contains(unread, name) && !strings.HasSuffix(inside, "/"):
		return behind(rest, strings.TrimSpace(name))
	}
	return rest
}

func nameOf(inside string) string {
	for i, c := range inside {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			return inside[:i]
		}
	}
	return inside
}

// behind returns what follows the end of an element, nothing where it never
// ends.
func behind(s, name string) string {
	for {
		_, rest, found := strings.Cut(s, "</")
		if !found {
			return ""
		}
		if len(rest) >= len(name) && strings.EqualFold(rest[:len(name)], name) {
			_, rest, _ = strings.Cut(rest, ">")
			return rest
		}
		s = rest
	}
}

// tidy makes one space of several, and of several empty lines one.
func tidy(s string) string {
	var kept []string
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.Join(strings.Fields(line), " ")
		if line == "" && (len(kept) == 0 || kept[len(kept)-1] == "") {
			continue
		}
		kept = append(kept, line)
	}
	return strings.TrimSpace(strings.Join(kept, "\n"))
}
