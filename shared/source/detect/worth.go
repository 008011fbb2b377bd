package detect

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/lookup"
)

// worth is how well l fits a role by its name, by that of what it is in, and
// by its shape; 0 is not at all.
func worth(l *leaf, r role) int {
	n := nameWorth(l, r)
	if n == 0 || !shaped(l, r) || isPerson(l.parent()) && slices.Contains(bare, l.name()) || l.past() {
		return 0
	}
	n -= 4 * (len(l.names) - 1)
	switch within := l.parent(); {
	case slices.Contains(enclosing, within):
		n += 5
	case within != "" && !slices.Contains(neutral, within) && slices.Contains(bare, l.name()) && rankOf(l.within, r) == 0:
		n -= 15
	}
	if l.request {
		n -= 15
	}
	if l.listed {
		n -= 25
	}
	if l.inner {
		n += 6 // what a request carries in a text is what it is about
	}
	return max(n-doubt(l, r), 1)
}

// isPerson: "triggeredBy" tells who, as "user" does.
func isPerson(name string) bool {
	return slices.Contains(people, name) || strings.HasSuffix(name, "edby")
}

// past reports what stands in an object of what was.
func (l *leaf) past() bool {
	return slices.ContainsFunc(l.names[:len(l.names)-1], func(name string) bool {
		return slices.ContainsFunc(past[:3], func(w string) bool { return strings.HasPrefix(name, w) })
	})
}

// nameWorth is what the names that lead to l are worth: its own, with that of what
// it is in, without what says that it is an alert's, or that of the object of
// which it is the value.
func nameWorth(l *leaf, r role) int {
	name, within := l.name(), l.parent()
	n := max(rankOf(name, r), rankOf(l.within, r))
	for _, prefix := range [...]string{"alert", "alarm", "event", "incident", "issue", "problem", "fault", "outage", "downtime", "告警", "报警", "アラート"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && r != roleKey {
			n = max(n, rankOf(rest, r)-5)
		}
	}
	if slices.Contains(parts, name) && within != "" && !slices.Contains(bare, within) || slices.Contains([]string{"status", "state", "severity", "priority", "title"}, within) && slices.Contains(parts, name) {
		n = max(n, rankOf(within, r)-2)
	}
	return n
}

// doubt lowers the worth of what has the name and shape of a role but says
// little.
func doubt(l *leaf, r role) int {
	switch r {
	case roleStatus:
		if isOver(l.text) {
			return 40
		}
		if saysLittle(l.text) {
			return 25
		}
	case roleTitle:
		if text, _ := l.line(); isGeneric(text) || slices.ContainsFunc(l.names, isAction) {
			return 60
		}
		if l.name() == "name" && ranks()[roleResource][l.parent()] > 0 {
			return 3 // "project.name" is that of a thing
		}
	case roleSeverity:
		if l.see().severity == "" {
			return 30
		}
	}
	return 0
}

// saysLittle reports a status of which all that is said is that there is an
// alert: "AlertNotification".
func saysLittle(said string) bool {
	little := false
	for _, w := range statusWords(said) {
		if source.StatusOf(w) != "" {
			if !slices.Contains(slight, w) {
				return false
			}
			little = true
		}
	}
	return little
}

func statusWords(said string) []string {
	return strings.FieldsFunc(strings.ToLower(source.SplitCase(said)), func(c rune) bool { return !unicode.IsLetter(c) })
}

// isOver reports a word that says that something ended, not how: "job_complete".
func isOver(said string) bool {
	words := statusWords(said)
	return len(words) > 0 && slices.Contains(over, words[len(words)-1])
}

// isAction: a button's text tells what to do.
func isAction(name string) bool {
	return strings.Contains(name, "action") || strings.Contains(name, "button")
}

// isGeneric reports a title that says only that there is an alert.
func isGeneric(text string) bool {
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
		if !slices.Contains(generic, w) && source.StatusOf(w) == "" {
			return false
		}
	}
	return true
}

// shaped reports whether what stands in l can play a role.
func shaped(l *leaf, r role) bool {
	kind := l.value.Kind()
	switch r {
	case roleTitle:
		return kind == doc.String && !l.see().time && titleShaped(l)
	case roleDescription:
		return kind == doc.String && !l.see().time && isProse(l.text)
	case roleStatus:
		return statusShaped(l)
	case roleSeverity:
		return kind == doc.String && (l.see().severity != "" || l.see().status == alert.Resolved)
	case roleKey:
		return keyShaped(l)
	case roleStarted, roleEnded, roleAt:
		return l.see().time
	}
	amount := kind == doc.Number && slices.Contains(parts, l.name())
	return (kind == doc.String || kind == doc.Number) && !amount && !l.see().time && resourceShaped(l.text)
}

func isProse(s string) bool {
	return !isURL(s) && !isNumber(s) && strings.ContainsFunc(s, unicode.IsLetter)
}

// titleShaped: a word of status is no title, nor is the first of lines that
// are fields.
func titleShaped(l *leaf) bool {
	text, path := l.line()
	if text == "" || len(text) > alert.MaxTitle || !isProse(text) || endsOpen(text) {
		return false
	}
	if path != l.path && lookup.Pairs(l.text).Len() > 0 && !isHeading(text) {
		return false
	}
	return source.StatusOf(text) == "" || strings.ContainsRune(text, ' ') || saysMore(text, l.name())
}

// endsOpen reports a line that says what comes after it; a drive is no such.
func endsOpen(line string) bool {
	before, ok := strings.CutSuffix(line, ":")
	drive := len(before) > 2 && before[len(before)-2] == ' '
	return ok && !drive
}

// saysMore reports a phrase without spaces that says more than a status:
// "rogue-ap-detected", "【告警】订单超时"; of a type, "monitor" in "monitor.down"
// says nothing.
func saysMore(phrase, name string) bool {
	return besides(phrase) > 0 && (!slices.Contains(typing, name) || besides(phrase, enclosing...) > 0)
}

// besides counts the words of a phrase that are none of status nor of others.
func besides(phrase string, others ...string) int {
	n := 0
	for _, w := range strings.FieldsFunc(source.SplitCase(phrase), func(c rune) bool { return !unicode.IsLetter(c) }) {
		if source.StatusOf(w) == "" && !slices.Contains(others, strings.ToLower(w)) {
			n++
		}
	}
	return n
}

// isWide: Chinese, Japanese and Korean part no words.
func isWide(c rune) bool { return c >= 0x2e80 }

// isHeading reports a line of more than one word that is no field.
func isHeading(line string) bool {
	for name := range lookup.Pairs(line).Fields() {
		return saysStatus(name)
	}
	return strings.ContainsFunc(strings.TrimSpace(line), unicode.IsSpace) || strings.ContainsFunc(line, isWide)
}

func statusShaped(l *leaf) bool {
	if _, flag := flags[l.name()]; flag && isBool(l) {
		return true
	}
	if slices.Contains(troubles, l.name()) && (l.name() != "trigger" || strings.ContainsRune(l.text, ' ')) {
		return l.value.Kind() == doc.String && l.see().status != "" && besides(l.text) == 0 // "ended"; a text is what is wrong
	}
	return l.value.Kind() == doc.String && l.see().status != "" && !isFlagOnly(l.name())
}

// isFlagOnly: a text of that name is no word of status.
func isFlagOnly(name string) bool { return slices.Contains(endFlags, name) }

func isBool(l *leaf) bool {
	switch strings.ToLower(l.text) {
	case "true", "false":
		return true
	case "0", "1", "yes", "no":
		return !slices.Contains(counts, l.name())
	}
	return false
}

// keyShaped: a bare id counts where it is that of an alert, not of something
// below it.
func keyShaped(l *leaf) bool {
	if k := l.value.Kind(); k != doc.String && k != doc.Number || len(l.text) > 256 || l.listed || isVolatile(l) {
		return false
	}
	if l.name() == "alias" {
		return slices.Contains(enclosing, l.parent()) // elsewhere it is another name of a host
	}
	return !l.bareID() || l.parent() == "" || slices.Contains(enclosing, l.parent())
}

func (l *leaf) bareID() bool { return slices.Contains(bareIDs, l.name()) }

func isVolatile(l *leaf) bool {
	return slices.Contains(volatile, l.within) || slices.Contains(volatile, l.name())
}

// resourceShaped: what changes from one report to the next names nothing.
func resourceShaped(s string) bool {
	return len(s) <= alert.MaxLabelValue && !strings.Contains(s, "\n") && !isFraction(s)
}

func isFraction(s string) bool { return strings.ContainsRune(s, '.') && isNumber(s) }

func isURL(s string) bool {
	if len(s) > alert.MaxURL || !strings.HasPrefix(s, "http") {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}
