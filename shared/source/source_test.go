package source

import (
	"testing"
	"time"

	"tocsin/shared/alert"
)

func TestAppendLinkTakesOnlyAbsoluteWebAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"https://example.com/x": true, "HTTP://example.com": true, "": false, "/graph": false, "javascript:alert(1)": false,
		"http: //127.0.0.1:9090": false, "https:///x": false, "ftp://example.com": false, "http://exa mple": false, "http://a/\n": false,
	} {
		if got := len(AppendLink([]alert.Link{}, "x", address)) == 1; got != want {
			t.Errorf("%q taken: %v, want %v", address, got, want)
		}
	}
}

func TestInstantReadsTheTimesOfMonitoringSystems(t *testing.T) {
	want := time.Date(2026, 3, 1, 8, 5, 9, 0, time.UTC)
	for _, s := range []string{
		"2026-03-01T08:05:09Z", "2026-03-01T09:05:09+01:00", "2026-03-01T08:05:09.000Z", "2026-03-01T08:05:09+0000", "2026-03-01T08:05:09",
		"2026-03-01 08:05:09", "2026-03-01 08:05:09 UTC", "2026-03-01 08:05:09 +0000 UTC", "2026/03/01 08:05:09", "Sun, 01 Mar 2026 08:05:09 GMT",
		"Sun Mar  1 08:05:09 2026", "1772352309", "1772352309.000", "1772352309000", "1772352309000000", "1772352309000000000", " 1772352309 ",
		"20260301T080509Z", "20260301T080509+0000", "3/1/2026 8:05:09 AM",
		"2026-03-01 00:05:09 PST", "Sun Mar 01 09:05:09 CET 2026", "2026-03-01 03:05:09 EST", "01.03.2026 08:05:09", "Sunday, March 1, 2026 8:05:09 AM", "1 Mar 2026 08:05:09 AM GMT", "01 Mar 2026 8:05:09 AM",
	} {
		if got := Instant(s); !got.Equal(want) {
			t.Errorf("%q is %s", s, got)
		}
	}
	for _, s := range []string{"Sunday, March 1, 2026 8:05 AM", "March 1, 2026 8:05 AM UTC", "3/1/2026 8:05:00 AM"} {
		if got := Instant(s); !got.Equal(want.Truncate(time.Minute)) {
			t.Errorf("%q is %s", s, got)
		}
	}
	for _, s := range []string{"", "yesterday", "0", "-1", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00", "12", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00-11:00", "1970-01-01T00:00:00Z"} {
		if got := Instant(s); !got.IsZero() {
			t.Errorf("%q is %s, want no time", s, got)
		}
	}
	if got := InstantIn("2026-03-01 16:05:09", time.FixedZone("", 8*3600)); !got.Equal(want) {
		t.Errorf("in its zone %s", got)
	}
}

func TestRequestIsReadByWhatItIs(t *testing.T) {
	for _, c := range []struct{ name, media, body, path, want string }{
		{"JSON", "application/json", `{"a":{"b":1}}`, "a.b", "1"},
		{"JSON as text", "text/plain; charset=UTF-8", `{"a":1}`, "a", "1"},
		{"form", "application/x-www-form-urlencoded", "a=1&b=x+y%21", "b", "x y!"},
		{"repeated name", "application/x-www-form-urlencoded", "a=1&a=2", "a.1", "2"},
		{"form without a type", "", "a=1&b=2", "b", "2"},
		{"text", "text/plain", "disk = full", "a", ""},
	} {
		r := Request{Header: map[string][]string{"Content-Type": {c.media}}, Body: []byte(c.body)}
		root, _ := r.Root()
		if got := root.At(c.path).Text(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
