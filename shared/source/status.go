package source

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"tocsin/shared/alert"
)

// Words of status, in lower case.
var (
	resolvedWords = strings.Fields(`resolved resolve ok recovered recovery recover closed close cleared clear normal up success successful succeeded passed pass inactive healthy ended end fixed
		completed complete done green online good restored available backtonormal unfiring stopped operational expired 恢复 已恢复 恢复告警 正常 已解决 解决 关闭 已关闭`)
	firingWords = strings.Fields(`firing alerting alert alarm triggered trigger problem open opened down critical crit warning warn error err failed failure fail errored active new created create start started degraded
		unhealthy bad red offline outage major minor fatal emergency breached breach violated violation unavailable unreachable nodata no_data insufficient_data activated raised raise fired occurred
		detected exceeded in_alarm partial_outage major_outage reopened renotify timeout 告警 报警 触发 异常 故障 发生 未恢复`)
	acknowledgedWords = strings.Fields(`acknowledged acknowledge acknowledgement acknowledgment ack acked assigned investigating identified in_progress 已确认 处理中`)
)

// statuses are the words above without what joins them.
var statuses = sync.OnceValue(func() map[string]alert.Status {
	all := map[string]alert.Status{}
	for _, w := range firingWords {
		all[Plain(w)] = alert.Firing
	}
	for _, w := range acknowledgedWords {
		all[Plain(w)] = alert.Acknowledged
	}
	for _, w := range resolvedWords {
		all[Plain(w)] = alert.Resolved
	}
	return all
})

// Plain is a name or word in lower case without what joins it: "alertName",
// "alert_name" and "Alert Name" are the same.
func Plain(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, s)
}

// maxPhrase bounds what is read as a word of status: a longer text only tells.
const maxPhrase = 64

// StatusOf sorts a word or phrase that names a status: "" says nothing. A
// phrase counts by the words in it, the last first, because "alert.resolved"
// and "Down ended" say at the end what holds.
func StatusOf(phrase string) alert.Status {
	if len(phrase) > maxPhrase {
		return ""
	}
	if s := statuses()[Plain(phrase)]; s != "" {
		return s
	}
	parts := wordsOf(splitCase(phrase))
	for i := len(parts) - 1; i >= 0; i-- {
		s := statuses()[strings.ToLower(parts[i])]
		if s == alert.Resolved && i > 0 && negates(parts[i-1]) {
			return alert.Firing
		}
		if s != "" {
			return s
		}
	}
	return ""
}

func negates(word string) bool {
	return slices.Contains([]string{"not", "un", "non", "no", "never", "isn", "未"}, strings.ToLower(word))
}

func wordsOf(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
}

// splitCase parts the words of camelCase.
func splitCase(s string) string {
	var b strings.Builder
	lower := false
	for _, c := range s {
		if unicode.IsUpper(c) && lower {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(c)
		b.WriteRune(c)
	}
	return b.String()
}

// Words that end an alert wherever they stand in its first line.
var endingWords = strings.Fields(`resolved recovered recovery cleared restored unfiring resolve recover`)

var endingPhrases = []string{"back to normal", "is ok", "is up", "is back", "back online", "is healthy", "has ended", "down ended", "[ok]", "恢复", "已解决"}

// maxTold bounds what is read of a text.
const maxTold = 512

// StatusTold reads from the first line of a text whether it tells of an end:
// Resolved, or "" if it does not.
func StatusTold(text string) alert.Status {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.ToLower(line[:min(len(line), maxTold)])
	parts := wordsOf(line)
	for i, w := range parts {
		if slices.Contains(endingWords, w) && (i == 0 || !negates(parts[i-1])) {
			return alert.Resolved
		}
	}
	for _, p := range endingPhrases {
		if before, _, found := strings.Cut(line, p); found && !strings.HasSuffix(before, "未") && !strings.HasSuffix(before, "not ") {
			return alert.Resolved
		}
	}
	return ""
}

// Stem is a title without what changes from a firing to its repeats and its
// recovery: words of status and severity, and numbers.
func Stem(title string) string {
	var kept []string
	for _, w := range strings.Fields(strings.ToLower(title)) {
		bare := strings.TrimFunc(w, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
		if bare == "" || statuses()[bare] != "" || SeverityOf(bare) != "" || numeric(bare) {
			continue
		}
		kept = append(kept, bare)
	}
	if len(kept) == 0 {
		return title
	}
	return strings.Join(kept, " ")
}

// numeric reports a number, also with a unit, and a time.
func numeric(w string) bool {
	digits := 0
	for _, c := range w {
		if unicode.IsDigit(c) {
			digits++
		}
	}
	letters := strings.TrimFunc(w, func(c rune) bool { return !unicode.IsLetter(c) })
	return digits > 0 && unicode.IsDigit([]rune(w)[0]) && len(letters) <= 2
}

// SeverityTold reads the severity that a text begins with: "CRITICAL: ...",
// "[P2] ...", "WARNING - ...".
func SeverityTold(text string) alert.Severity {
	text = strings.TrimSpace(text[:min(len(text), maxPhrase)])
	text = strings.TrimLeft(text, "[(<*# ")
	at := strings.IndexAny(text, " :])>|-,")
	if at <= 0 {
		return ""
	}
	return SeverityOf(text[:at])
}
