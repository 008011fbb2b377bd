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
	short := strings.ToValidUTF8(title[:min(len(title), maxStem)], "")
	if tag, rest := leadingTag(short); rest != "" && slices.Contains(opening, strings.ToLower(tag)) {
		short = rest
	}
	short = withoutEnd(withoutStates(strings.ToLower(withoutReason(withoutSince(short)))))
	words := strings.FieldsFunc(spacedWide(short), partsTitle)
	for i, w := range words {
		bare := withoutCount(withoutOutcome(strings.TrimPrefix(strings.TrimFunc(w, func(c rune) bool { return !inWord(c) }), "re-")))
		switch {
		case bare == "" || statuses()[bare] != "" || namesSeverity(bare) || slices.Contains(joining, bare), i > 0 && endsState(words[i-1], bare), opposes(words[i:]), stands(words[:i+1]):
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

// withoutSince cuts off what a title begins with and is no more than a status
// and how long it took: "Resolved in 5m 3s: disk full".
func withoutSince(title string) string {
	before, rest, found := strings.Cut(title, ":")
	status, since := false, false
	for _, w := range strings.Fields(strings.ToLower(before)) {
		switch {
		case statuses()[w] != "":
			status = true
		case w == "in" && status:
			since = true
		case w != "updated" && !(since && numeric(w)):
			return title
		}
	}
	if !found || !status || strings.TrimSpace(rest) == "" {
		return title
	}
	return rest
}

// withoutReason cuts off why it is so, where systems write that behind the
// status: HAProxy "Server a/b is DOWN, reason: ...", Uptime Kuma "[web] [🔴 Down]
// timeout", PRTG "... Down (timeout)" and "... Down ended (now: Up)".
func withoutReason(title string) string {
	marks := []string{", reason: ", "[🔴 ", "[✅ "}
	if strings.HasPrefix(title, "[PRTG ") {
		marks = []string{" Down (", " Down ended", " Warning (", " Warning ended", " Unusual (", " Unusual ended", " Up ("}
	}
	for _, mark := range marks {
		if before, _, found := strings.Cut(title, mark); found && strings.TrimSpace(before) != "" {
			title = before
		}
	}
	return title
}

// statePhrases say in several words how it stands.
var statePhrases = []string{"on battery power in response to an input power problem", "no longer on battery power", "on battery", "on line power", "power failure", "power has returned"}

// withoutStates cuts off a phrase of state that ends a title in lower case.
func withoutStates(title string) string {
	end := strings.TrimRight(title, " .!")
	for _, phrase := range statePhrases {
		if before, found := strings.CutSuffix(end, phrase); found && strings.TrimSpace(before) != "" {
			return before
		}
	}
	return title
}

// withoutEnd cuts out of a title the first of the phrases that tell of an end.
func withoutEnd(title string) string {
	before, after, found := strings.Cut(title, "has returned")
	for i := 0; !found && i < len(endingPhrases); i++ {
		before, after, found = strings.Cut(title, endingPhrases[i])
	}
	return before + " " + after
}

// endsState: half of a day belongs to the time before it, and monit's "limit
// matched" is the opposite of "limit succeeded".
func endsState(before, word string) bool {
	return (word == "am" || word == "pm") && numeric(before) || word == "matched" && before == "limit"
}

// standing are words of how something stands that say it only behind "is".
var standing = strings.Fields(`running responding working listening ready mounted`)

// stands reports words that end in such: "is running", "is not running".
func stands(words []string) bool {
	n := len(words)
	if n < 2 || !slices.Contains(standing, strings.Trim(words[n-1], ".!")) {
		return false
	}
	return slices.Contains(linking, words[n-2]) || slices.Contains(opposing, words[n-2])
}

// opposing are words that make the state behind them its opposite.
var opposing = strings.Fields(`not no longer isn't aren't nicht`)

// opposes reports words that begin with such: "not reachable", "no longer responding".
func opposes(words []string) bool {
	for i, w := range words {
		switch bare := strings.Trim(w, ".!"); {
		case i > 0 && (statuses()[bare] != "" || slices.Contains(standing, bare)):
			return true
		case !slices.Contains(opposing, w):
			return false
		}
	}
	return false
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

// withoutCount cuts off how many a word of status counts: "firing:2".
func withoutCount(word string) string {
	if status, n, ok := strings.Cut(word, ":"); ok && statuses()[status] != "" && strings.Trim(n, "0123456789") == "" {
		return status
	}
	return word
}

// joining are words that belong to a status: "is down", "has been restored",
// "is back online".
var joining = slices.Concat(linking, strings.Fields(`has have been back again`))

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
