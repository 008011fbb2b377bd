package page_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/event"
	"tocsin/shared/notify"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
)

var update = flag.Bool("update", false, "write the golden files anew")

var opened = time.Date(2026, 3, 11, 19, 12, 0, 0, time.UTC)

// letter is a page of an open event, four minutes old.
func letter() page.Letter {
	return page.Letter{
		Message: outbox.Message{
			Key:  outbox.Key{Event: "E-12", Cycle: 1, Reason: outbox.Page, Stage: "plan", Member: "ann", Contact: "mail"},
			Next: outbox.Forecast{What: "step", Who: []string{"Bob"}, At: opened.Add(15 * time.Minute)},
		},
		Event: event.Event{
			ID: "E-12", State: event.Triggered, Title: "Disk full on db-1", Priority: alert.P1, Service: "orders",
			Description: "The data volume of db-1 is 98 % full.\nWrites fail at 100 %.", Source: "prometheus", Cycle: 1,
			Assignee: event.Assignee{Team: "storage"}, AlertCount: 3, OpenedAt: opened, TriggeredAt: opened,
			Labels: map[string]string{"alertname": "DiskFull", "instance": "db-1:9100", "severity": "critical"},
			Links:  []alert.Link{{Text: "Runbook", URL: "https://wiki.example.com/disk?a=1&b=2"}, {URL: "https://prometheus.example.com/graph"}},
		},
		Reader:  catalog.Member{Name: "ann", Language: "en", TimeZone: "Asia/Shanghai"},
		Service: "Order service",
		Names:   func(m string) string { return map[string]string{"ann": "Ann Lee", "bob": "Bob"}[m] },
		Act:     "https://tocsin.example.com/a/act", View: "https://tocsin.example.com/a/view",
		Helped: "Deleted old binlogs, then grew the volume (E-7)",
		At:     opened.Add(4 * time.Minute),
	}
}

func resolved(l page.Letter, by event.Actor) page.Letter {
	l.Message.Reason = outbox.Ended
	l.Event.State, l.Event.ResolvedBy, l.Event.ResolvedAt = event.Resolved, by, opened.Add(65*time.Minute)
	l.Event.Owner, l.Event.RecoveredAt = "bob", opened.Add(time.Hour)
	l.At = opened.Add(65 * time.Minute)
	return l
}

// TestGolden compares whole messages with testdata/*.txt.
func TestGolden(t *testing.T) {
	chinese := func(l page.Letter) page.Letter {
		l.Reader.Language = "zh-CN"
		return l
	}
	lastResort := letter()
	lastResort.Message.Reason = outbox.LastResort
	lastResort.Message.Next = outbox.Forecast{What: "last_resort", Who: []string{"A", "B", "C", "D", "E"}, At: opened.Add(30 * time.Hour)}
	record := resolved(letter(), event.ByMember("bob"))
	record.Message.Reason = outbox.Record
	news := letter()
	news.Message.Reason, news.Message.About = outbox.News, outbox.Fact{What: event.NewsPromoted, By: "member:bob", At: opened.Add(3 * time.Minute)}
	news.Event.State, news.Event.Owner, news.Event.Incident = event.AckedState, "bob", "I-7"
	test := letter()
	test.Message.Test = true
	bare := page.Letter{
		Message: outbox.Message{Key: outbox.Key{Event: "E-1", Reason: outbox.Page}},
		Event:   event.Event{ID: "E-1", State: event.Triggered, Priority: alert.P4, OpenedAt: opened}, At: opened,
	}
	dead := page.Letter{
		Message: outbox.Message{Key: outbox.Key{Event: "E-12", Reason: outbox.Dead}, Subject: "Tocsin cannot keep event E-12 alive"},
		Act:     "https://tocsin.example.com/a/act", At: opened,
	}
	changed := letter()
	changed.Changes = []change.Filed{
		{Change: change.Change{Title: "rollback", At: opened.Add(time.Minute)}},
		{Change: change.Change{Title: "deploy orders\u202e v1.8 <b>", At: opened.Add(-12 * time.Minute)}},
		{Change: change.Change{Title: "flag on", At: opened.Add(-time.Hour)}},
	}
	since := letter()
	since.Changes = changed.Changes[:1]
	for name, l := range map[string]page.Letter{
		"changed_en": changed, "changed_zh": chinese(changed), "changed_since_en": since,
		"page_en": letter(), "page_zh": chinese(letter()), "last_resort_en": lastResort, "test_zh": chinese(test),
		"ended_by_person_en": resolved(letter(), event.ByMember("bob")), "ended_by_recovery_zh": chinese(resolved(letter(), event.Self)),
		"record_en": record, "news_en": news, "news_zh": chinese(news), "bare_en": bare, "dead_zh": chinese(dead),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, page.Render(l)) })
	}
}

func golden(t *testing.T, name string, c notify.Content) {
	t.Helper()
	links := ""
	for _, l := range c.Links {
		links += fmt.Sprintf("%s <%s>; ", l.Label, l.URL)
	}
	for file, got := range map[string]string{
		name + ".txt":  fmt.Sprintf("Thread: %s\nLanguage: %s\nSubject: %s\nTitle: %s\nUrgency: %d\nTags: %v\nTest: %v\nLinks: %s\n--- brief\n%s\n--- text\n%s", c.Thread, c.Language, c.Subject, c.Title, c.Urgency, c.Tags, c.Test, links, c.Brief, c.Text),
		name + ".html": c.HTML,
	} {
		path := filepath.Join("testdata", file)
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != got {
			t.Errorf("%s differs (go test -update writes it anew): %v\n%s", path, err, got)
		}
	}
}

// TestNewsSaysWhatChanged: each kind of news has a headline of its own.
func TestNewsSaysWhatChanged(t *testing.T) {
	for what, want := range map[string]string{
		event.NewsAcknowledged: "Acknowledged by Bob at ", event.NewsReopened: "Reopened by Bob at ", event.NewsPromoted: "Raised to incident I-7 by Bob at ",
		event.NewsMerged: "Merged into E-3 by Bob at ", event.NewsClosed: "Closed by Bob at ",
	} {
		l := letter()
		l.Message.Reason, l.Message.About = outbox.News, outbox.Fact{What: what, By: "member:bob", At: opened}
		l.Event.Incident, l.Event.MergedInto = "I-7", "E-3"
		if got := page.Render(l); !strings.Contains(got.Brief, want) || got.Urgency != notify.Low {
			t.Errorf("%s: urgency %d\n%s", what, got.Urgency, got.Brief)
		}
	}
}

// TestSubjectIsTheSameForAllMessages: mail programs keep together what has one
// subject.
func TestSubjectIsTheSameForAllMessages(t *testing.T) {
	first := page.Render(letter())
	last := page.Render(resolved(letter(), event.ByMember("bob")))
	if first.Subject != last.Subject || first.Thread != last.Thread || first.Title == last.Title {
		t.Errorf("%q and %q, threads %q and %q", first.Subject, last.Subject, first.Thread, last.Thread)
	}
}

// TestWhatSendersWriteIsData: no markup, no header, no dangerous link.
func TestWhatSendersWriteIsData(t *testing.T) {
	const evil = "</td><script>alert(1)</script>\"'\r\nBcc: x@example.com\u202e"
	l := letter()
	l.Event.Title, l.Event.Description, l.Event.Service, l.Event.Source, l.Helped, l.Service = evil, evil, evil, evil, evil, evil
	l.Event.Assignee = event.Assignee{Member: "eve"}
	l.Names = func(string) string { return evil }
	l.Event.Labels = map[string]string{evil: evil}
	l.Event.Links = []alert.Link{
		{Text: evil, URL: "https://example.com/" + evil}, {Text: evil, URL: "javascript:alert(1)"}, {Text: evil, URL: "data:text/html,x"}, {Text: evil, URL: "https://example.com/?a=<b>"},
		{Text: evil, URL: "https://example.com/?a=1&b='2'"},
	}
	l.Message.Next.Who = []string{evil}
	c := page.Render(l)
	for _, bad := range []string{"<script", "javascript:", "data:text", "\u202e", "<b>"} {
		if strings.Contains(c.HTML, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	if !strings.Contains(c.HTML, `href="https://example.com/?a=1&amp;b=&#39;2&#39;"`) {
		t.Error("a good link is missing")
	}
	if strings.ContainsAny(c.Subject+c.Title, "\r\n\u202e") {
		t.Errorf("subject %q", c.Subject)
	}
}

func TestSizesAreBounded(t *testing.T) {
	l := letter()
	long := strings.Repeat("火", 5000)
	l.Event.Title, l.Event.Description, l.Helped = long, long, long
	for i := range 64 {
		l.Event.Labels[fmt.Sprintf("label-%02d", i)] = long
	}
	c := page.Render(l)
	// Gmail cuts a mail's page at 102 KB.
	if len(c.Subject) > 250 || len(c.Brief) > 2500 || len(c.Text) > 20000 || len(c.HTML) > 60000 {
		t.Errorf("subject %d, brief %d, text %d, html %d bytes", len(c.Subject), len(c.Brief), len(c.Text), len(c.HTML))
	}
}

func TestTimesAreTheReaders(t *testing.T) {
	for _, c := range []struct{ zone, at, want string }{
		{"Asia/Shanghai", "2026-03-11T19:27:00Z", "next: Bob at 03:27 (UTC+8)"},
		{"", "2026-03-11T19:27:00Z", "next: Bob at 19:27 (UTC)"},
		{"No/Where", "2026-03-11T19:27:00Z", "next: Bob at 19:27 (UTC)"},
		{"Local", "2026-03-11T19:27:00Z", "next: Bob at 19:27 (UTC)"},
		{"Asia/Kolkata", "2026-03-11T19:27:00Z", "next: Bob at 00:57 (UTC+5:30)"},
		{"America/St_Johns", "2026-03-12T12:00:00Z", "next: Bob at 2026-03-12 09:30 (UTC-2:30)"},
		{"Asia/Shanghai", "2026-03-12T18:00:00Z", "next: Bob at 2026-03-13 02:00 (UTC+8)"},
	} {
		t.Run(c.zone+" "+c.at, func(t *testing.T) {
			l := letter()
			l.Reader.TimeZone = c.zone
			l.Message.Next.At, _ = time.Parse(time.RFC3339, c.at)
			if text := page.Render(l).Text; !strings.Contains(text, c.want) {
				t.Errorf("want %q in\n%s", c.want, text)
			}
		})
	}
}

func TestUrgency(t *testing.T) {
	for priority, want := range map[alert.Priority]notify.Urgency{alert.P1: notify.Urgent, alert.P2: notify.High, alert.P3: notify.Normal, alert.P4: notify.Low} {
		l := letter()
		l.Event.Priority = priority
		ended := resolved(l, event.Self)
		if got, told := page.Render(l).Urgency, page.Render(ended).Urgency; got != want || told != notify.Low {
			t.Errorf("%s: page %d, all-clear %d", priority, got, told)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	l := letter()
	b.ReportAllocs()
	for b.Loop() {
		page.Render(l)
	}
}
