package source

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"tocsin/shared/alert"
)

// Words of status, in lower case.
var (
	resolvedWords = strings.Fields(`resolved resolve ok recovered recovery recover closed close cleared clear normal up success successful succeeded passed pass inactive healthy ended end fixed
		completed complete done green online good restored available backtonormal unfiring operational expired solved reset reporting reachable canceled cancelled deactivated renewed valid connected reconnected reestablished resumed remediated unblocked
		恢复 已恢复 恢复告警 告警恢复 正常 已解决 解决 关闭 已关闭 已解除 解除 恢復 已恢復 復旧 障害復旧 回復 解消 復帰 해소 해제 복구 정상
		behoben gelöst erledigt wiederhergestellt geschlossen beendet résolu résolue rétabli rétablie clos fermé fermée resuelto resuelta recuperado recuperada cerrado cerrada
		resolvido resolvida normalizado risolto risolta ripristinato решено восстановлено закрыто`)
	firingWords = strings.Fields(`firing alerting alert alarm triggered trigger problem open opened down critical crit warning warn error err failed failure fail errored active new created create start started degraded
		unhealthy bad red offline outage major minor fatal emergency breached breach violated violation unavailable unreachable nodata no_data insufficient_data activated raised raise fired occurred
		detected exceeded in_alarm partial_outage major_outage reopened renotify timeout abnormal anomalous anomaly missing ongoing danger critical_alert begin began lost disconnected disconnect expiring overdue missed unresponsive flapping blocked reminder
		告警 报警 触发 异常 故障 发生 未恢复 告警触发 告警中 警报 触发告警 障害 障害発生 発生 異常 検知 アラート 警報 발생 장애 경보
		ausgelöst gestört störung ausgefallen offen déclenché déclenchée ouvert ouverte panne alerte activado activada abierto abierta caído caída alerta ativado disparado проблема авария`)
	acknowledgedWords = strings.Fields(`acknowledged acknowledge acknowledgement acknowledgment ack acked assigned investigating identified in_progress 已确认 处理中 已认领 確認済み 対応中 bestätigt`)
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
// and "Down ended" say at the end what holds, and words of severity last of all.
func StatusOf(phrase string) alert.Status {
	if len(phrase) > maxPhrase {
		return ""
	}
	if s := statuses()[Plain(phrase)]; s != "" {
		return s
	}
	parts := wordsOf(SplitCase(phrase))
	var bad alert.Status
	for i := len(parts) - 1; i >= 0; i-- {
		s := statuses()[strings.ToLower(parts[i])]
		if i > 0 && slices.Contains(stops, strings.ToLower(parts[i])) && slices.Contains(troubles, strings.ToLower(parts[i-1])) {
			s = alert.Resolved
		}
		switch {
		case s == alert.Resolved && i > 0 && negates(parts[i-1]):
			return alert.Firing
		case i < len(parts)-1 && strings.EqualFold(parts[i], "reporting"):
			// it reports something: that may be an error
		case s == alert.Firing && namesSeverity(parts[i]):
			bad = s // "CLOSE_CRITICAL" tells the status before
		case s != "":
			return s
		}
	}
	return bad
}

// stops end troubles, and are trouble in anything else.
var (
	stops    = []string{"stop", "stops", "stopped"}
	troubles = strings.Fields("alert alarm attack ddos event fault flood incident outage problem storm violation")
)

func negates(word string) bool {
	return slices.Contains([]string{"not", "un", "non", "no", "never", "isn", "未"}, strings.ToLower(word))
}

func wordsOf(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
}

// SplitCase parts the words of camelCase by spaces.
func SplitCase(s string) string {
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

// Words and phrases that end an alert wherever they stand in its first line.
var (
	endingWords   = strings.Fields(`resolved recovered recovery cleared restored unfiring resolve recover succeeded behoben wiederhergestellt rétabli résolu resuelto recuperado resolvido risolto ripristinato`)
	endingPhrases = []string{"completed successfully", "finished successfully", "has been cleared", "on line power", "back to normal", "is ok", "is up", "is now up", "is back", "back online", "is online", "is healthy", "is reachable", "is available", "reachable again", "available again",
		"has ended", "down ended", "[ok]", "wieder erreichbar", "wieder verfügbar", "wieder online", "恢复", "已解决", "已解除", "恢復", "復旧", "回復しました", "解消", "해소", "복구"}
	endingMarks = []string{"✅", "🟢", "✔", "☑", "💚", ":white_check_mark:", ":heavy_check_mark:", ":large_green_circle:", ":green_circle:"}
)

// toldWords are words that tell the status at the edge of a line, though
// others say elsewhere that something ended.
var toldWords = strings.Fields(`firing triggered problem down open opened`)

// maxTold bounds what is read of a text.
const maxTold = 512

// StatusTold reads from the first line of a text what it tells of the status,
// "" where it tells nothing: words of an end wherever they stand, others only
// at its edges, because in the midst "ok" and "up" are words like others.
func StatusTold(text string) alert.Status {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.TrimSpace(strings.ToLower(strings.ToValidUTF8(line[:min(len(line), maxTold)], "")))
	for _, mark := range endingMarks {
		if strings.HasPrefix(line, mark) {
			return alert.Resolved
		}
	}
	line = withoutTags(line)
	edge, word := edgeStatus(line)
	if slices.Contains(toldWords, word) {
		return edge
	}
	if tellsEnd(line) {
		return alert.Resolved
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
		if !closed || strings.Trim(tag, "/abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			b.WriteByte('<')
			line = rest
			continue
		}
		line = after
	}
}

func tellsEnd(line string) bool {
	parts := wordsOf(line)
	for i, w := range parts {
		if slices.Contains(endingWords, w) && (i == 0 || !negates(parts[i-1])) {
			return true
		}
	}
	for _, p := range endingPhrases {
		if before, after, found := strings.Cut(line, p); found && !negated(before) && !goesOn(p, after) {
			return true
		}
	}
	return false
}

func negated(before string) bool {
	return strings.HasSuffix(before, "未") || strings.HasSuffix(before, "not ") || strings.HasSuffix(before, "nicht ")
}

// goesOn: "is up" does not stand in "is updated", nor 恢复 in 恢复失败.
func goesOn(phrase, after string) bool {
	for _, failing := range []string{"失败", "失敗", "异常", "超时", "不"} {
		if strings.HasPrefix(after, failing) {
			return true
		}
	}
	last, _ := utf8.DecodeLastRuneInString(phrase)
	next, _ := utf8.DecodeRuneInString(after)
	return last < utf8.RuneSelf && unicode.IsLetter(last) && unicode.IsLetter(next)
}

// edgeStatus reads the status that a line begins or ends with, and the word.
func edgeStatus(line string) (status alert.Status, word string) {
	line = strings.TrimLeftFunc(line, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("[【", c)
	})
	for {
		tag, rest := leadingTag(line)
		if tag == "" || rest == "" && tag == line {
			break
		}
		if s := StatusOf(tag); s != "" {
			return s, tag
		}
		line = rest
	}
	words := strings.Fields(strings.ReplaceAll(line, "：", ": "))
	if len(words) == 0 {
		return "", ""
	}
	first := strings.TrimRight(words[0], ":-|*_")
	if StatusOf(first) == alert.Acknowledged {
		return alert.Acknowledged, first
	}
	if s := StatusOf(first); s != "" && (len(words) == 1 || isJoint(words[0]) || isJoint(words[1])) {
		return s, first
	}
	if n := len(words); n > 1 {
		last := strings.Trim(words[n-1], ".!*_")
		if isJoint(words[n-2]) || slices.Contains(linking, words[n-2]) || slices.Contains(outcomes, last) && !negates(words[n-2]) {
			return StatusOf(last), last
		}
	}
	return "", ""
}

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

// Stem is a title without what changes from a firing to its repeats and its
// recovery: words of status and severity, numbers and times.
func Stem(title string) string {
	var kept []string
	if tag, rest := leadingTag(title); rest != "" && slices.Contains(opening, strings.ToLower(tag)) {
		title = rest
	}
	words := strings.FieldsFunc(strings.ToLower(spacedWide(title[:min(len(title), maxStem)])), partsTitle)
	for i, w := range words {
		bare := strings.TrimFunc(w, func(c rune) bool { return !inWord(c) })
		if bare = withoutOutcome(bare); bare == "" || statuses()[bare] != "" || namesSeverity(bare) || numeric(bare) && !numbers(words, i) {
			continue
		}
		kept = append(kept, bare)
	}
	if len(kept) == 0 {
		return title
	}
	return strings.Join(kept, " ")
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

// numbered are things that a number after them names: "port 443", "disk 2".
var numbered = strings.Fields(`port disk drive partition shard node host server instance worker broker replica rack slot bay unit pump fan psu supply gate door lane line belt track tank room zone floor site store station
	machine camera sensor channel vlan pod queue interface link tunnel peer switch ap probe lamp 号`)

// numbers reports a whole number that names what stands before it, and no
// amount of what follows.
func numbers(words []string, i int) bool {
	if i == 0 || strings.Trim(words[i], "0123456789,.;:!?'\"") != "" {
		return false
	}
	if i+1 < len(words) && (words[i+1] == "%" || slices.Contains(units, words[i+1])) {
		return false
	}
	return slices.Contains(numbered, words[i-1])
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

// SeverityTold reads the severity that a text begins with: "CRITICAL: ...",
// "[P2] ...", "WARNING - ...".
func SeverityTold(text string) alert.Severity {
	text = strings.TrimSpace(text[:min(len(text), maxPhrase)])
	text = strings.TrimLeft(text, "[(<*# 【")
	at := strings.IndexAny(text, " :])>|-,】：")
	if at <= 0 {
		return ""
	}
	return severities()[0][strings.ToLower(text[:at])]
}
