// Package clock tells the time of day on which deadlines are judged.
//
// A deployed function reads the machine's clock. A binary built with the tag
// tocsin_local adds an offset that tests and the demonstration move, so that
// hours pass in seconds; TLS, request signatures, senders' times and queues
// keep real time and must not use this package.
package clock

import "time"

// Now returns the present instant in UTC, cut to milliseconds: the precision
// that stored times keep.
func Now() time.Time { return time.Now().Add(offset()).UTC().Truncate(time.Millisecond) }

// Layout is RFC 3339 with a fixed width, so that stored times sort as text.
const Layout = "2006-01-02T15:04:05.000Z"

// Format renders t in [Layout]. The zero time renders as "".
func Format(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(Layout)
}

// Parse reads what [Format] wrote. "" is the zero time.
func Parse(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(Layout, s)
}
