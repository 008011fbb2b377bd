package source

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"tocsin/shared/alert"
)

// SeverityOf sorts the words for how bad it is that are in common use; an
// unknown word says nothing.
func SeverityOf(word string) alert.Severity {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "critical", "crit", "fatal", "emergency", "emerg", "disaster", "page", "blocker", "p1", "sev1", "sev-1", "p0", "sev0", "alert", "urgent", "紧急", "严重":
		return alert.Critical
	case "error", "err", "high", "major", "p2", "sev2", "sev-2", "serious", "failure", "failed", "重要", "错误":
		return alert.Error
	case "warning", "warn", "medium", "moderate", "average", "minor", "p3", "sev3", "sev-3", "警告", "次要":
		return alert.Warning
	case "info", "informational", "information", "notice", "low", "debug", "trivial", "none", "ok", "p4", "p5", "sev4", "sev5", "提示", "通知":
		return alert.Info
	}
	return ""
}

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
var China = time.FixedZone("", 8*3600)

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
	"15:04 Jan 2, 2006 MST", "15:04 Jan 2, 2006", "02.01.2006 15:04:05", "02.01.2006 15:04",
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
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return believed(zoned(t))
		}
	}
	return time.Time{}
}

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
	if err != nil || len(whole) < 9 || len(whole) == 14 && strings.HasPrefix(whole, "20") {
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
