package detect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/shared/source/sourcetest"
)

// large are bodies of the largest size that is accepted, in shapes that are
// hard on one way of reading or another.
func large() map[string]string {
	const size = 1 << 20
	times := func(head, each, tail string) string {
		return head + strings.Repeat(each, (size-len(head)-len(tail))/len(each)) + tail
	}
	numbered := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < size-100; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	return map[string]string{
		"fields":          "{" + numbered(`"f%d":"x",`) + `"z":1}`,
		"alike fields":    times("{", `"title":"x",`, `"z":1}`),
		"objects":         "{" + numbered(`"f%d":{"a":{"b":1}},`) + `"z":1}`,
		"items":           times("[", "1,", "1]"),
		"alerts":          times(`{"alerts":[`, `{"id":1,"title":"x"},`, `{}]}`),
		"10,000 alerts":   `{"alerts":[` + strings.Repeat(`{"id":1,"title":"disk of db is full","status":"firing","host":"db-1"},`, 9_999) + `{}]}`,
		"deep":            strings.Repeat(`{"a":`, 60) + `"` + strings.Repeat("x", size-500) + `"` + strings.Repeat("}", 60),
		"string":          `{"title":"` + strings.Repeat("x ", size/4) + `","text":"` + strings.Repeat(`\"é`, size/8) + `"}`,
		"strings":         "{" + numbered(`"a%d":"{\"b\":\"c\"}",`) + `"z":1}`,
		"JSON in strings": `{"a":"{` + strings.Repeat(`\"f\":1,`, size/9) + `\"z\":1}"}`,
		"one long name":   `{"` + strings.Repeat("n", size-10) + `":1}`,
		"lines of JSON":   times("", "{\"id\":1}\n", ""),
		"XML elements":    times("<a>", "<b>1</b>", "</a>"),
		"XML attributes":  "<a " + numbered(`b%d="c" `) + "/>",
		"brackets":        "{" + strings.Repeat(`"title":"`+strings.Repeat("<", 60<<10)+`>","text":"*`+strings.Repeat("- ", 1<<10)+`\n",`, 14) + `"z":1}`,
		"most attributes": "<a " + whole(numbered(`b%d="c" `), maxXML-100) + "/>",
		"most elements":   "<a>" + strings.Repeat(`<b><c d="1"/></b>`, maxElements/2-1) + "</a>",
		"most logfmt":     whole(numbered(`k%d=v `), maxPlain),
		"deep XML":        times("", "<a>", ""),
		"XML text":        "<a>" + strings.Repeat("x &amp; ", size/9) + "</a>",
		"logfmt":          numbered(`k%d=v `),
		"logfmt quotes":   times("", `k="v v" `, `k="`),
		"text":            times("", "word ", ""),
		"one word":        strings.Repeat("x", size),
		"lines":           times("", "a\n", ""),
		"white space":     "x" + strings.Repeat(" ", size-2) + "y",
		"form":            numbered("a%d=b&") + "z=1",
		"not ASCII":       strings.Repeat("告警 ", size/7),
	}
}

// whole is the beginning of s up to a space.
func whole(s string, limit int) string { return s[:strings.LastIndexByte(s[:limit], ' ')] }

// BenchmarkLarge shows that no body is slow to read: the target is 100 ms.
func BenchmarkLarge(b *testing.B) {
	for shape, body := range large() {
		b.Run(shape, func(b *testing.B) {
			for b.Loop() {
				_, _ = Source.Parse(request("application/json", body))
			}
		})
	}
}

// TestLargeBodiesAreReadSoon holds the order of it, also with the race detector.
func TestLargeBodiesAreReadSoon(t *testing.T) {
	for shape, body := range large() {
		began := sourcetest.CPU()
		_, err := Source.Parse(request("application/json", body))
		if took := sourcetest.CPU() - began; took > 5*time.Second {
			t.Errorf("%s: %s (%v)", shape, took, err)
		}
	}
}
