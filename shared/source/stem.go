package source

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"tocsin/shared/alert"
)

// Stem is a title without what changes from a firing to its repeats and its
// recovery: words of status and severity, and numbers and times that name
// nothing. Where nothing else is left, numbers stay.
func Stem(title string) string {
	var kept, numbersToo []string
	if tag, rest := leadingTag(title); rest != "" && slices.Contains(opening, strings.ToLower(tag)) {
		title = rest
	}
	words := strings.FieldsFunc(spacedWide(withoutEnd(strings.ToLower(title[:min(len(title), maxStem)]))), partsTitle)
	for i, w := range words {
		bare := withoutOutcome(strings.TrimFunc(w, func(c rune) bool { return !inWord(c) }))
		switch {
		case bare == "" || statuses()[bare] != "" || namesSeverity(bare) || slices.Contains(linking, bare):
			continue
		case !numeric(bare) || numbers(words, i) || namesAlone(w, bare):
			kept = append(kept, bare)
		}
		numbersToo = append(numbersToo, bare)
	}
	switch {
	case len(kept) > 0:
		return strings.Join(kept, " ")
	case len(numbersToo) > 0:
		return strings.Join(numbersToo, " ")
	}
	return title
}

// withoutEnd cuts out of a title the first of the phrases that tell of an end.
func withoutEnd(title string) string {
	for _, p := range append([]string{"has returned"}, endingPhrases...) {
		if before, after, found := strings.Cut(title, p); found {
			return before + " " + after
		}
	}
	return title
}

// withoutOutcome cuts off a name of an event what it says of the status:
// "budget.exceeded".
func withoutOutcome(word string) string {
	at := strings.LastIndexAny(word, "._")
	if at < 0 {
		return word
	}
	if last := word[at+1:]; statuses()[last] != "" || namesSeverity(last) {
		return word[:at]
	}
	return word
}

// opening are tags of what is told of for the first time, for which the tag of
// its end says something else.
var opening = []string{"incident", "event", "notice", "事件", "警告", "通知"}

// namesAlone: an address, "#12" and "5xx" name something wherever they stand.
func namesAlone(w, bare string) bool {
	if strings.HasPrefix(w, "#") || strings.HasSuffix(bare, "xx") {
		return true
	}
	w = strings.Trim(w, `.,;!?'"`)
	if _, err := netip.ParseAddr(strings.TrimSuffix(w, ":")); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(w)
	return err == nil
}

// numbered are things that a number after them names: "port 443", "disk 2".
var numbered = strings.Fields(`port disk drive partition shard node host server instance worker broker replica rack slot bay unit pump fan psu supply gate door lane line belt track tank room zone floor site store station
	machine camera sensor channel vlan pod queue interface link tunnel peer switch ap probe lamp vm ct container guest lun volume pool job line batch district sector area section building block segment circuit feeder breaker cell 号`)

// numbers reports a whole number that names what stands before it, and no
// amount of what follows.
func numbers(words []string, i int) bool {
	if i == 0 || strings.Trim(words[i], "0123456789,.;:!?'\"") != "" {
		return false
	}
	if i+1 < len(words) && (words[i+1] == "%" || slices.Contains(units, words[i+1])) {
		return false
	}
	return slices.Contains(numbered, strings.TrimRight(words[i-1], ":#"))
}

var units = strings.Fields(`% percent kb mb gb tb kib mib gib tib bytes ms s sec seconds min minutes h hours days times errors`)

// maxStem is more than any title that is kept.
const maxStem = 4 * alert.MaxTitle

// spacedWide parts letters and digits from the Chinese, Japanese or Korean
// words that follow them without a space: "P1告警".
func spacedWide(s string) string {
	var b strings.Builder
	before := ' '
	for _, c := range s {
		if isWide(c) != isWide(before) && inWord(c) && inWord(before) {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
		before = c
	}
	return b.String()
}

func isWide(c rune) bool { return c >= 0x2e80 }

func inWord(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }

// partsTitle: brackets and signs of comparing part words as spaces do.
func partsTitle(c rune) bool {
	return unicode.IsSpace(c) || strings.ContainsRune("()[]{}<>=【】（）「」：，、；", c)
}

// numeric reports a number, also with a unit, and a time.
func numeric(w string) bool {
	if c := w[0]; c < '0' || c > '9' {
		return false
	}
	letters := strings.TrimFunc(w, func(c rune) bool { return !unicode.IsLetter(c) })
	return len(letters) <= 2 || strings.ContainsRune(letters, ':') && !Instant(strings.ToUpper(w)).IsZero()
}
