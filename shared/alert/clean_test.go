package alert

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestCleanText(t *testing.T) {
	long := strings.Repeat("é", MaxTitle)
	for _, c := range []struct {
		name          string
		in, line, all string
		cut           bool
	}{
		{"plain", "Disk full", "Disk full", "Disk full", false},
		{"line breaks", "Disk\r\n\tfull\n", "Disk full", "Disk\n\tfull", false},
		{"many spaces", "  Disk   full ", "Disk full", "Disk   full", false},
		{"controls", "Di\x00sk\x1b[31m", "Di sk [31m", "Disk[31m", false},
		{"invalid UTF-8", "Disk \xff full", "Disk \ufffd full", "Disk \ufffd full", false},
		{"other direction", "exe\u202egpj", "exegpj", "exegpj", false},
		{"line separator", "a\u2028b", "a b", "ab", false},
		{"cut between characters", long, long[:MaxTitle], long[:MaxTitle], true},
		{"nothing", " \n\x00", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l, x cleaner
			if got := l.line(c.in, MaxTitle); got != c.line || l.cut != c.cut {
				t.Errorf("line %q, cut %v; want %q", got, l.cut, c.line)
			}
			if got := x.text(c.in, MaxTitle); got != c.all || x.cut != c.cut {
				t.Errorf("text %q, cut %v; want %q", got, x.cut, c.all)
			}
		})
	}
}

func manyLabels(n, size int) map[string]string {
	labels := map[string]string{}
	for i := range n {
		labels[fmt.Sprintf("label_%03d", i)] = strings.Repeat("v", size)
	}
	return labels
}

func TestCleanKeepsSmallAlertsWhole(t *testing.T) {
	a := Alert{Source: "prometheus", DedupKey: "fingerprint:1", Title: "Disk full", Description: "one\ntwo", Labels: manyLabels(3, 9),
		Links: []Link{{"Runbook", "https://example.com/?a=1&b=2"}}, StartedAt: time.Unix(1, 0)}
	want := a
	Clean(&a)
	if !reflect.DeepEqual(a, want) {
		t.Errorf("cleaned %+v\nwant    %+v", a, want)
	}
}

func TestCleanBoundsLabelsAndLinks(t *testing.T) {
	a := Alert{Title: "t", Labels: manyLabels(MaxLabels+1, 3)}
	a.Labels["label_000"] = strings.Repeat("v", MaxLabelValue+1)
	for range MaxLinks + 1 {
		a.Links = append(a.Links, Link{URL: "https://example.com"})
	}
	Clean(&a)
	if len(a.Labels) != MaxLabels || len(a.Labels["label_000"]) != MaxLabelValue || len(a.Links) != MaxLinks || !a.Truncated {
		t.Errorf("%d labels, %d bytes, %d links, truncated %v", len(a.Labels), len(a.Labels["label_000"]), len(a.Links), a.Truncated)
	}
	if _, last := a.Labels["label_064"]; last {
		t.Error("the label kept is not the first by name")
	}
}

func TestCleanFitsTheWholeIntoAnItem(t *testing.T) {
	for _, c := range []struct {
		name string
		a    Alert
	}{
		{"labels", Alert{Title: "t", Labels: manyLabels(MaxLabels, MaxLabelValue)}},
		{"escaped", Alert{Title: strings.Repeat("<", MaxTitle), Description: strings.Repeat("&", MaxDescription), Labels: manyLabels(20, 400)}},
		{"title of 1 MB", Alert{Title: strings.Repeat("x", 1<<20), Description: strings.Repeat("\"", 1<<20)}},
		{"all escaped", Alert{DedupKey: SenderKey("fingerprint", strings.Repeat("<", 256)), Title: strings.Repeat("<", MaxTitle), Group: strings.Repeat("<", 999),
			Episode: strings.Repeat("<", 999), Description: strings.Repeat("&", MaxDescription), Labels: manyLabels(20, 400)}},
		{"long links", Alert{Title: "t", Description: strings.Repeat("d", MaxDescription), Links: longLinks()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			Clean(&c.a)
			if n := len(mustJSON(t, c.a)); n > MaxStored || !c.a.Truncated {
				t.Errorf("%d bytes, truncated %v", n, c.a.Truncated)
			}
		})
	}
}

func longLinks() []Link {
	var links []Link
	for range MaxLinks {
		links = append(links, Link{URL: "https://example.com/" + strings.Repeat("&", MaxURL-20)})
	}
	return links
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCleanTitleFallsBackToTheKey(t *testing.T) {
	a := Alert{DedupKey: "fingerprint:1", Title: "\n\x00"}
	if Clean(&a); a.Title != "fingerprint:1" {
		t.Errorf("title %q", a.Title)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("Disk\nfull", "text", "name", "value", "https://example.com", 3)
	f.Add(strings.Repeat("<", 999), strings.Repeat("&", 4000), "n", strings.Repeat("<", 999), "x", 100)
	f.Add("\xff\u202e", strings.Repeat("&", 4000), "\x00", "\u2028", "x", 100)
	f.Fuzz(func(t *testing.T, title, text, name, value, url string, n int) {
		a := Alert{DedupKey: "k", Title: title, Description: text, Group: title, Episode: value, Labels: map[string]string{}}
		for i := range min(max(n, 0), 200) {
			a.Labels[fmt.Sprint(name, i)] = value
			a.Links = append(a.Links, Link{Text: title, URL: url})
		}
		Clean(&a)
		if b := mustJSON(t, a); len(b) > MaxStored {
			t.Errorf("%d bytes", len(b))
		}
		if !utf8.ValidString(a.Title+a.Description) || strings.ContainsAny(a.Title, "\r\n\x00") || len(a.Title) > MaxTitle {
			t.Errorf("title %q", a.Title)
		}
		again := a
		if Clean(&again); !reflect.DeepEqual(again, a) {
			t.Errorf("cleaning twice differs:\n%+v\n%+v", a, again)
		}
	})
}
