package source

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tocsin/shared/alert"
)

// Words and phrases that end an alert wherever they stand in its first line.
var (
	endingWords = strings.Fields(`resolved recovered cleared restored unfiring succeeded behoben wiederhergestellt rétabli résolu resuelto recuperado resolvido risolto ripristinato`)

	// stating phrases say so only at the end of what they say: "is up to 97 %"
	// and "is back on db-1" tell nothing.
	statingPhrases = []string{"is ok", "is up", "is now up", "is back", "is online", "is healthy", "is reachable", "is available", "is normal"}
	endingPhrases  = []string{"completed successfully", "finished successfully", "has been cleared", "on line power", "no longer on battery", "power has returned", "ended (now: up", "from red to green", "from yellow to green", "backup ok of", "duplicati success", "back to normal", "returned to normal", "returned to service", "back online", "reachable again", "available again",
		"has ended", "down ended", "[ok]", "wieder erreichbar", "wieder verfügbar", "wieder online", "恢复", "已解决", "已解除", "恢復", "復旧", "回復しました", "解消", "해소", "복구"}
	endingMarks = []string{"✅", "🟢", "✔", "☑", "💚", ":white_check_mark:", ":heavy_check_mark:", ":large_green_circle:", ":green_circle:"}
)

// What takes the end from a phrase: words that begin a condition shortly before
// it ("until it is resolved"), and what Chinese and Japanese put at once before
// or after it.
var (
	conditions  = strings.Fields(`until unless if when once whether`)
	denyingWide = []string{"未", "没有", "没", "无法", "不能", "不可", "不", "尚", "尝试", "等待", "需要", "请", "自动"}
	failingWide = []string{"失败", "失敗", "异常", "超时", "不", "点", "任务", "演练", "测试", "作业", "时间", "中", "できません", "できない", "待ち"}
)

// toldWords are words that tell the status at the edge of a line, though
// others say elsewhere that something ended.
var toldWords = strings.Fields(`firing triggered problem down open opened error err failed failure fatal`)

// maxTold bounds what is read of a text.
const maxTold = 512

// StatusTold reads from the first line of a text what it tells of the status,
// "" where it tells nothing: words of an end wherever they stand, others only
// at its edges, because in the midst "ok" and "up" are words like others. In
// doubt it tells nothing: what is taken for an end pages nobody.
func StatusTold(text string) alert.Status {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = withoutTags(strings.TrimSpace(strings.ToValidUTF8(line[:min(len(line), maxTold)], "")))
	lower := strings.ToLower(line)
	if slices.ContainsFunc(endingMarks, func(mark string) bool { return strings.HasPrefix(lower, mark) }) {
		return alert.Resolved
	}
	edge, word := edgeStatus(line)
	switch {
	case !slices.Contains(toldWords, word) && tellsEnd(lower):
		return alert.Resolved
	case edge == "" && says(lower, "acknowledged problem", wordEnds):
		return alert.Acknowledged // "Admin acknowledged problem at 09:00"
	}
	return edge
}

// withoutTags takes the tags of HTML out of a line.
func withoutTags(line string) string {
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(line, "<")
		b.WriteString(before)
		tag, after, closed := strings.Cut(rest, ">")
		if !open {
			return b.String()
		}
		if !closed || strings.Trim(tag, "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			b.WriteByte('<')
			line = rest
			continue
		}
		line = after
	}
}

func tellsEnd(line string) bool {
	return slices.ContainsFunc(endingWords, func(w string) bool { return says(line, w, endsThere) }) ||
		slices.ContainsFunc(endingPhrases, func(p string) bool { return says(line, p, wordEnds) }) ||
		slices.ContainsFunc(statingPhrases, func(p string) bool { return says(line, p, clauseEnds) })
}

// says reports whether a phrase stands in a line where it is not denied before
// it and ends as it should.
func says(line, phrase string, ends func(phrase, after string) bool) bool {
	for before, after := "", line; ; {
		skipped, rest, found := strings.Cut(after, phrase)
		if !found {
			return false
		}
		before, after = line[:len(line)-len(after)+len(skipped)], rest
		last, _ := utf8.DecodeLastRuneInString(before)
		begins := !inWord(last) || isWide(last) || isWide(firstRune(phrase))
		if begins && ends(phrase, after) && !denied(wordsOf(before)) &&
			!slices.ContainsFunc(denyingWide, func(w string) bool { return strings.HasSuffix(before, w) }) {
			return true
		}
	}
}

// maxCondition is how many words stand between what begins a condition and the
// end that it waits for.
const maxCondition = 3

func denied(before []string) bool {
	near := before[max(len(before)-maxCondition, 0):]
	return negates(before) || slices.ContainsFunc(near, func(w string) bool { return slices.Contains(conditions, w) })
}

// fails: "succeeded with errors", "recovered with failures".
func fails(word string) bool {
	return slices.ContainsFunc([]string{"fail", "errors", "issues", "abnormal", "unexpected"}, func(p string) bool { return strings.HasPrefix(word, p) })
}

// endsThere: a word of an end is none where it belongs to what follows and that
// is bad: "restored volume is offline", "succeeded with errors".
func endsThere(word, after string) bool {
	words := wordsOf(after)
	switch {
	case !wordEnds(word, after) || slices.ContainsFunc(words, fails):
		return false
	case len(words) == 0 || !inWord(firstRune(strings.TrimLeft(after, " "))) || slices.Contains(going, words[0]):
		return true
	}
	return !slices.ContainsFunc(words, func(w string) bool { return statuses()[w] == alert.Firing })
}

// wordEnds: 恢复 does not stand in 恢复失败, nor "back online" in "back onliner".
func wordEnds(phrase, after string) bool {
	if slices.ContainsFunc(failingWide, func(w string) bool { return strings.HasPrefix(after, w) }) {
		return false
	}
	last, _ := utf8.DecodeLastRuneInString(phrase)
	next, _ := utf8.DecodeRuneInString(after)
	return last >= utf8.RuneSelf || !unicode.IsLetter(last) || !unicode.IsLetter(next)
}

// going are the words with which a clause goes on that has said what is.
var going = strings.Fields(`again now since after and with at in up online to from by automatically`)

// clauseEnds: nothing follows that makes another statement of it.
func clauseEnds(phrase, after string) bool {
	if !wordEnds(phrase, after) {
		return false
	}
	rest, spaced := strings.CutPrefix(after, " ")
	words := wordsOf(rest)
	if !spaced || len(words) == 0 || !inWord(firstRune(rest)) {
		return true
	}
	return !slices.ContainsFunc(words, fails) && slices.Contains(going, words[0]) && (words[0] != "to" || len(words) > 1 && words[1] == "normal")
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// edgeStatus reads the status that a line begins or ends with, and the word in
// lower case.
func edgeStatus(line string) (status alert.Status, word string) {
	line = strings.TrimLeftFunc(line, func(c rune) bool { return !inWord(c) && !strings.ContainsRune("[【", c) })
	for {
		tag, rest := leadingTag(line)
		if tag == "" || rest == "" && tag == line {
			break
		}
		if s := StatusOf(tag); s != "" {
			first, _, _ := strings.Cut(strings.ToLower(tag), ":") // "FIRING:2"
			return s, first
		}
		line = rest
	}
	line = strings.TrimRightFunc(line, func(c rune) bool { return strings.ContainsRune(" *_.!", c) })
	written := strings.Fields(strings.ReplaceAll(line, "：", ": "))
	if len(written) == 0 {
		return "", ""
	}
	words := strings.Fields(strings.ToLower(strings.Join(written, " ")))
	first := strings.TrimRight(words[0], ":-|*_")
	if len(words) > 1 && slices.Contains(troubles, first) && slices.Contains([]string{"ended", "cleared", "closed", "solved"}, strings.Trim(words[1], ":-|*_")) && !slices.ContainsFunc(words, fails) {
		return alert.Resolved, words[1] // "Alarm ended db-1"
	}
	if StatusOf(first) == alert.Acknowledged {
		return alert.Acknowledged, first
	}
	if s := StatusOf(first); s != "" && (len(words) == 1 || isJoint(words[0]) || isJoint(words[1]) || shouted(written) || s == alert.Resolved && inTime(words[1:])) {
		if len(words) > 1 && StatusOf(strings.TrimRight(words[1], ":-|")) == alert.Resolved {
			return alert.Resolved, words[1] // "Problem resolved: db-1"
		}
		return s, first
	}
	return lastStatus(words)
}

// inTime: "Resolved in 5m 0s: ..." tells how long it took.
func inTime(words []string) bool {
	return len(words) > 1 && words[0] == "in" && unicode.IsDigit(firstRune(words[1])) && slices.ContainsFunc(words[1:], isJoint)
}

// shouted: a word in capitals before others that are not is a tag: "RECOVERY web-1".
func shouted(words []string) bool { return inCapitals(words[0]) && !inCapitals(words[1]) }

func inCapitals(word string) bool {
	return strings.ContainsFunc(word, unicode.IsUpper) && !strings.ContainsFunc(word, unicode.IsLower)
}

// lastStatus reads the last word of a line where it tells the status: "… is
// down", "… : OK", "10.0.0.1 up", "Backup failed".
func lastStatus(words []string) (status alert.Status, word string) {
	words, entered := enteredState(words)
	n := len(words)
	if n < 2 {
		return "", ""
	}
	last, before := strings.Trim(words[n-1], ".!*_"), words[n-2]
	tells := entered || changedTo(words) || isJoint(before) || slices.Contains(linking, before) || slices.Contains(outcomes, last) || slices.Contains(states, last) && strings.ContainsFunc(before, namesThing)
	switch s := StatusOf(last); {
	case !tells:
		return "", ""
	case s == alert.Resolved && denied(wordsOf(strings.Join(words[:n-1], " "))):
		return "", ""
	default:
		return s, last
	}
}

// enteredState takes "state" off a line that says which one something is in:
// "entered the DOWN state", and not "left the UP state" or "not in UP state".
func enteredState(words []string) (rest []string, entered bool) {
	n := len(words)
	if n < 3 || words[n-1] != "state" || !slices.Contains(states, words[n-2]) {
		return words, false
	}
	before := words[:n-2]
	if last := len(before) - 1; last > 0 && before[last] == "the" {
		before = before[:last]
	}
	denies := func(w string) bool {
		return slices.Contains(negations, w) || slices.Contains(conditions, w) || w == "unable" || fails(w)
	}
	if slices.ContainsFunc(before, denies) || !slices.Contains(arriving, before[len(before)-1]) {
		return words, false
	}
	return words[:n-1], true
}

// changedTo reports a line that ends in "changed state to up".
func changedTo(words []string) bool {
	n := len(words)
	return n > 3 && words[n-2] == "to" && (words[n-3] == "state" || words[n-3] == "status") && strings.HasPrefix(words[n-4], "chang")
}

var arriving = strings.Fields(`entered enters in into to reached`)

// namesThing: words of prose are letters alone; "db-1", "10.0.0.1" and "eth0" are not.
func namesThing(c rune) bool { return unicode.IsDigit(c) || strings.ContainsRune("-_./:", c) }

// states are words that follow what they are said of: "10.0.0.1 up".
var states = []string{"up", "down", "ok", "online", "offline"}

// outcomes are words with which lines about jobs end: "Backup successful".
var outcomes = []string{"successful", "succeeded", "failed"}

var linking = []string{"is", "are", "now", "ist", "est", "está"}

// leadingTag parts "[tag] rest".
func leadingTag(s string) (tag, rest string) {
	for _, pair := range [...][2]string{{"[", "]"}, {"【", "】"}} {
		if after, found := strings.CutPrefix(s, pair[0]); found {
			if tag, rest, found := strings.Cut(after, pair[1]); found {
				return strings.TrimSpace(tag), strings.TrimSpace(rest)
			}
		}
	}
	return "", s
}

// isJoint reports whether s ends in what stands between a word of status and
// what it is said of.
func isJoint(s string) bool {
	return slices.ContainsFunc([]string{":", "-", "|", "–", "=", ">"}, func(j string) bool { return strings.HasSuffix(s, j) })
}

// SeverityTold reads the severity that a text begins with, as "CRITICAL: ...",
// "[P2] ..." and "WARNING - ..." do, or that its first line ends with:
// "... is CRITICAL".
func SeverityTold(text string) alert.Severity {
	line, _, _ := strings.Cut(strings.TrimSpace(text[:min(len(text), maxTold)]), "\n")
	line = strings.Trim(strings.TrimSpace(line), "*_ ")
	lead := strings.TrimLeft(line, "[(<# 【")
	if at := strings.IndexAny(lead, " :])>|-,】："); at > 0 {
		word, rest := lead[:at], strings.TrimLeft(lead[at:], " ")
		joined := rest != "" && !inWord(firstRune(rest))
		if s := severities()[0][strings.ToLower(word)]; s != "" && (joined || inCapitals(word) || !slices.Contains(adjectives, strings.ToLower(word))) {
			return s
		}
	}
	if tag, rest := leadingTag(line); tag != "" && rest != "" {
		return SeverityTold(rest) // "[mon-1] CRITICAL: disk"
	}
	if word, rest, found := strings.Cut(line, ":"); found && statuses()[strings.ToLower(word)] == alert.Firing && !strings.HasPrefix(rest, " ") {
		return SeverityTold(rest) // "Fired:Sev1 CPU"
	}
	words := strings.Fields(strings.ToLower(line))
	if n := len(words); n > 1 && slices.Contains(linking, words[n-2]) {
		if last := strings.Trim(words[n-1], ".!"); !slices.Contains(adjectives, last) {
			return severities()[0][last]
		}
	}
	return ""
}

// adjectives name a severity only where something parts them from what follows:
// "Emergency contacts changed" is none, nor are "Page load is slow" and "Heat is high".
var adjectives = []string{"alert", "urgent", "emergency", "major", "minor", "high", "low", "page", "info", "information", "notice"}
