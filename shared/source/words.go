package source

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"tocsin/shared/alert"
)

// Words for how bad something is, in lower case. What stands in the second
// list of one says so only where nothing else is said: in a text, they are
// words like others.
var severityWords = map[alert.Severity][2]string{
	alert.Critical: {`critical crit fatal emergency emerg disaster page blocker p1 sev1 sev-1 p0 sev0 alert urgent catastrophic kritisch critique crítico crítica critico critica критический критично
		紧急 严重 致命 灾难 緊急 重大 致命的 嚴重 심각 치명`,
		`immediate severe extreme panic highest veryhigh priority1 severity1 s1 dringend urgente 危险 危険 危急 特大 위험`},
	alert.Error: {`error err high major p2 sev2 sev-2 serious failure failed schwerwiegend majeur majeure высокий 重要 错误 錯誤 エラー`,
		`priority2 severity2 s2 hoch fehler élevé élevée eleve haute alta alto elevada elevado erreur grave 高 高级 高危 障害 높음`},
	alert.Warning: {`warning warn medium moderate average minor p3 sev3 sev-3 warnung avertissement advertencia предупреждение 警告 次要 预警 警報 경고`,
		`priority3 severity3 s3 mittel moyen moyenne media medio mineur mineure средний 中 中级 中危 一般 普通 注意 주의 보통`},
	alert.Info: {`info informational information notice low debug trivial none ok p4 p5 sev4 sev5 提示 通知 信息 정보`,
		`priority4 priority5 severity4 severity5 lowest verylow s4 s5 niedrig gering hinweis faible baja bajo низкий 低 低级 低危 提醒 情報 낮음`},
}

// severities are the words above: those of any text, and all.
var severities = sync.OnceValue(func() (all [2]map[string]alert.Severity) {
	all = [2]map[string]alert.Severity{{}, {}}
	for severity, lists := range severityWords {
		for _, w := range strings.Fields(lists[0]) {
			all[0][w], all[1][Plain(w)], all[1][w] = severity, severity, severity
		}
		for _, w := range strings.Fields(lists[1]) {
			all[1][w] = severity
		}
	}
	return all
})

// SeverityOf sorts the words for how bad it is that are in common use, also
// where they stand among others: "HIGH_SEVERITY", "2 - Critical". An unknown
// word, or one that stands beside its opposite, says nothing.
func SeverityOf(phrase string) alert.Severity {
	if len(phrase) > maxPhrase {
		return ""
	}
	known := severities()[1]
	if s := known[strings.ToLower(strings.TrimSpace(phrase))]; s != "" {
		return s
	}
	if s := known[Plain(phrase)]; s != "" {
		return s
	}
	var found alert.Severity
	for _, w := range wordsOf(SplitCase(phrase)) {
		w = strings.ToLower(w)
		s := severities()[0][w]
		if s == "" || slices.Contains(besideSeverity, w) {
			continue
		}
		if found != "" && found != s {
			return ""
		}
		found = s
	}
	return found
}

// besideSeverity are words of severity that mean something else in a phrase.
var besideSeverity = strings.Fields(`alert page none ok debug failure failed low notice`)

func namesSeverity(word string) bool { return severities()[0][strings.ToLower(word)] != "" }

// FirstText returns the first of texts that has something to read.
func FirstText(texts ...string) string {
	for _, s := range texts {
		if strings.ContainsFunc(s, legible) {
			return s
		}
	}
	return ""
}

func legible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// The times that are believed: outside of them one is the zero time of some
// language, in whatever zone, or cannot be rendered as RFC 3339.
var (
	firstBelieved = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
	lastBelieved  = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
)

// hoursOf are the zones that senders name by their letters alone, where these
// mean one zone only; package time reads them as UTC.
var hoursOf = map[string]time.Duration{
	"PST": -8, "PDT": -7, "MST": -7, "MDT": -6, "CDT": -5, "EST": -5, "EDT": -4, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
	"SGT": 8, "HKT": 8, "AWST": 8, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}

// China is the zone of the times that Chinese clouds leave without one.
var China = time.FixedZone("CST", 8*3600)

// layouts are the ways beside RFC 3339 in which monitoring systems write
// times, most common first. One without a zone is read in the zone of the call.
var layouts = [...]string{
	"2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999Z07", "2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999 Z0700",
	"2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02 15:04:05.999999999 MST", "2006-01-02 15:04:05.999999999",
	"2006/01/02 15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", "2006.01.02 15:04:05",
	time.RFC1123, time.RFC1123Z, time.RFC850, time.ANSIC, time.UnixDate, time.RubyDate,
	"Mon, 2 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 02 Jan 2006, 15:04:05 MST", "2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05", "02 Jan 2006 15:04:05 -0700",
	"Jan 2, 2006 15:04:05 MST", "Jan 2, 2006 3:04:05 PM MST", "Jan 2, 2006 3:04:05 PM", "Jan 2, 2006, 3:04:05 PM", "January 2, 2006 15:04:05", "January 2, 2006 3:04 PM MST", "Jan 2, 2006 15:04:05",
	"15:04 Jan 2, 2006 MST", "15:04 Jan 2, 2006", "02.01.2006 15:04:05", "02.01.2006 15:04", "02-01-2006 15:04:05", "02-01-2006 15:04", "2 Jan 2006 15:04 MST",
	"Monday, January 2, 2006 3:04 PM", "Monday, January 2, 2006 3:04:05 PM", "2 Jan 2006 3:04:05 PM MST", "2 Jan 2006 3:04:05 PM",
	"1/2/2006 3:04:05 PM MST", "1/2/2006 3:04:05 PM", "1/2/2006 15:04:05", "02/Jan/2006:15:04:05 -0700", "20060102T150405Z0700", "20060102150405",
}

// Instant reads a time as monitoring systems write them: RFC 3339 and its
// relatives, RFC 1123, seconds, milliseconds, microseconds or nanoseconds
// since 1970. What has no zone is UTC. What is absent, unreadable or outside
// of the years believed is the zero time: a bad time is no reason to lose an
// alert.
func Instant(s string) time.Time { return InstantIn(s, time.UTC) }

// InstantIn is [Instant] for senders that leave out the zone.
func InstantIn(s string, zone *time.Location) time.Time {
	if s = strings.TrimSpace(s); s == "" || len(s) > 64 {
		return time.Time{}
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return believed(t)
	}
	if t, ok := sinceEpoch(s); ok {
		return believed(t)
	}
	if !holdsDate(s) {
		return time.Time{}
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return believed(zoned(t))
		}
	}
	return time.Time{}
}

// holdsDate tells most texts that are no time without trying every layout.
func holdsDate(s string) bool {
	digits := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			digits++
		}
	}
	return digits >= fewestDigits
}

// fewestDigits are those of Jan 2, 2006 3:04.
const fewestDigits = 8

// zoned moves a time that names its zone by letters into it.
func zoned(t time.Time) time.Time {
	name, offset := t.Zone()
	if offset != 0 {
		return t
	}
	return t.Add(-hoursOf[name] * time.Hour)
}

func believed(t time.Time) time.Time {
	if t = t.UTC(); t.Before(firstBelieved) || !t.Before(lastBelieved) {
		return time.Time{}
	}
	return t
}

// sinceEpoch reads a number of seconds, or of thousandths and so on, which
// its size tells.
func sinceEpoch(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	if strings.Trim(whole, "0123456789") != "" {
		return time.Time{}, false
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || len(whole) < 9 || (len(whole) == 14 || len(whole) == 12) && strings.HasPrefix(whole, "20") {
		return time.Time{}, false
	}
	switch {
	case n < 1e11:
		nanos := (fraction + "000000000")[:9]
		part, err := strconv.ParseInt(nanos, 10, 64)
		return time.Unix(n, part), err == nil
	case n < 1e14:
		return time.UnixMilli(n), true
	case n < 1e17:
		return time.UnixMicro(n), true
	}
	return time.Unix(0, n), true
}
