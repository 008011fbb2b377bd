package email

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/emersion/go-message/charset"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/sourcetest"
)

// plain is a mail of one text.
func plain(subject, text string, fields ...string) string {
	return strings.Join(append(fields, "From: a@m.example.com", "Message-ID: <1@m.example.com>", "Subject: "+subject), "\r\n") + "\r\n\r\n" + text
}

func TestStatusStandsAtTheEdges(t *testing.T) {
	for subject, want := range map[string]alert.Status{
		"disk full":                           alert.Firing,
		"OK: disk of db-1":                    alert.Resolved,
		"UP - web-1":                          alert.Resolved,
		"web-1 is UP":                         alert.Resolved,
		"web-1: OK":                           alert.Resolved,
		"web-1 -> DOWN":                       alert.Firing,
		"[OK] web-1":                          alert.Resolved,
		"[External] [RESOLVED] web-1":         alert.Resolved,
		"Fwd: RE: RECOVERY web-1":             alert.Resolved,
		"Not resolved: web-1":                 alert.Firing,
		"** ACKNOWLEDGED: web-1":              alert.Acknowledged,
		"ACKNOWLEDGED: web-1":                 alert.Acknowledged,
		"The button OK is missing":            alert.Firing,
		"Sign up fails":                       alert.Firing,
		"Backup completed with errors on db1": alert.Firing,
		"回复: [恢复] 主机":                         alert.Resolved,
		"回复：[告警] 主机":                          alert.Firing,
		"":                                    alert.Firing,
	} {
		parsed, err := parse(sourcetest.Request(plain(subject, "")))
		if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert.Status != want {
			t.Errorf("%q: %+v, %v; want %s", subject, parsed.Items, err, want)
		}
	}
}

func TestTitleAndSeverity(t *testing.T) {
	for subject, want := range map[string]string{
		"Re: Fwd: AW: disk":               `disk|`,
		"Re[2]: disk":                     `disk|`,
		"[EXT] [P2] disk on [db-1]":       `disk on [db-1]|error`,
		"[db-1] disk":                     `[db-1] disk|`,
		"[FIRING:2] disk":                 `disk|`,
		"[P1]":                            `[P1]|critical`,
		"disk\r\n\r\nSeverity: Disaster":  `disk|critical`,
		"disk\r\n\r\nPriority: see below": `disk|`,
		"WARNING - disk":                  `WARNING - disk|warning`,
		"=?utf-8?q?B=C3=BCro_hei=C3=9F?=": `Büro heiß|`,
		"=?x-unknown?q?abc?=":             `=?x-unknown?q?abc?=|`,
	} {
		parsed, err := parse(sourcetest.Request(plain(subject, "")))
		if err != nil || len(parsed.Items) != 1 {
			t.Fatal(parsed, err)
		}
		a := parsed.Items[0].Alert
		if got := fmt.Sprintf("%s|%s", a.Title, a.Severity); got != want {
			t.Errorf("%q: %q, want %q", subject, got, want)
		}
	}
}

// TestKey: a thread that all mails name, else sender and stem of the subject.
func TestKey(t *testing.T) {
	key := func(mail string) string {
		t.Helper()
		parsed, err := parse(sourcetest.Request(mail))
		if err != nil || len(parsed.Items) != 1 {
			t.Fatalf("%+v, %v", parsed, err)
		}
		return parsed.Items[0].Alert.DedupKey
	}
	first := key(plain("DOWN: web-1 at 09:00", ""))
	for name, c := range map[string]struct {
		mail string
		same bool
	}{
		"its recovery":                  {plain("UP: web-1 at 09:05", ""), true},
		"an answer to it":               {plain("Re: DOWN: web-1 at 09:00", "", "In-Reply-To: <1@m.example.com>"), true},
		"another host":                  {plain("DOWN: web-2 at 09:00", ""), false},
		"in a thread":                   {plain("DOWN: web-1 at 09:00", "", "References: <root@m.example.com> <2@m.example.com>"), false},
		"about the host in its subject": {plain("UP: web-1 at 09:05", "Host: web-1"), true},
		"about a host of its text":      {plain("UP: web-1 at 09:05", "Name of it all: x\nHost:  db-1\nSeverity: high"), false},
		"of another sender":             {strings.Replace(plain("DOWN: web-1 at 09:00", ""), "a@m.", "b@m.", 1), false},
		"of the sender in capitals":     {strings.Replace(plain("DOWN: web-1 at 09:00", ""), "a@m.example.com", "Ann <A@M.example.com>", 1), true},
	} {
		if same := key(c.mail) == first; same != c.same {
			t.Errorf("%s: same key %v", name, same)
		}
	}
	if key(plain("", "disk of db-1 is full")) == key(plain("", "disk of db-2 is full")) || key(plain("", "web-1 is down")) != key(plain("", "web-1 is up")) {
		t.Error("mails without a subject are not known by their first line")
	}
	if a, b := key(plain("one", "", "References: <r@m> <2@m>")), key(plain("two", "", "In-Reply-To: <r@m>")); a != b || a != "thread:r@m" {
		t.Errorf("threads %s and %s", a, b)
	}
}

func TestAutomaticMails(t *testing.T) {
	own := []string{Own, "Tocsin <pages@t.example.com>"}
	for name, c := range map[string]struct {
		mail   string
		header []string
		want   string // "" is an alert
	}{
		"generated, as cron does":        {plain("x", "", "Auto-Submitted: auto-generated"), own, ""},
		"in bulk, as trackers do":        {plain("x", "", "Precedence: bulk"), own, ""},
		"of a list":                      {plain("x", "", "List-Id: <ops.example.com>", "Precedence: list"), own, ""},
		"not automatic":                  {plain("x", "", "Auto-Submitted: no"), own, ""},
		"replied":                        {plain("x", "", "Auto-Submitted: auto-replied (vacation)"), own, "automatic reply"},
		"replied, with a parameter":      {plain("x", "", `Auto-Submitted: auto-replied; owner-email="x@y"`), own, "automatic reply"},
		"of an autoresponder":            {plain("x", "", "X-Autoreply: yes"), own, "automatic reply"},
		"of precedence auto_reply":       {plain("x", "", "Precedence: auto_reply"), own, "automatic reply"},
		"out of office":                  {plain("Out of Office: x", ""), own, "subject"},
		"自动回复":                           {plain("自动回复: x", ""), own, "subject"},
		"bulk answer":                    {plain("Re: x", "", "Precedence: bulk"), own, "bulk answer"},
		"without a sender":               {plain("x", ""), append([]string{Envelope, "<>"}, own...), "bounce"},
		"our own":                        {strings.Replace(plain("x", ""), "a@m.example.com", "PAGES@t.example.com", 1), own, "our own"},
		"generated, in answer to ours":   {plain("x", "", "Auto-Submitted: auto-generated", "In-Reply-To: <E-1.1@t.example.com>"), own, "answers one of our own"},
		"a person's answer to ours":      {plain("Re: x", "", "In-Reply-To: <E-1.1@t.example.com>"), own, ""},
		"looping through us":             {plain("x", "", "X-Loop: pages@t.example.com"), own, "loop"},
		"with somebody else's loop mark": {plain("x", "", "X-Loop: other@m.example.com"), own, ""},
		"over too many servers":          {plain("x", "", strings.Split(strings.Repeat("Received: from a by b\n", maxHops+1), "\n")[:maxHops+1]...), own, "loop"},
		"when we have no address":        {plain("x", ""), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			parsed, err := parse(sourcetest.Request(c.mail, c.header...))
			if err != nil {
				t.Fatal(err)
			}
			why := Dropped(parsed)
			if !strings.Contains(why, c.want) || (why == "") != (c.want == "") || (why == "") != (len(parsed.Items) == 1) {
				t.Errorf("dropped because %q, want %q; %d items", why, c.want, len(parsed.Items))
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		header []string
		why    string
		dmarc  string // label
	}{
		"all pass":             {[]string{Spam, "PASS", Virus, "PASS", DMARC, "PASS"}, "", ""},
		"grey":                 {[]string{Spam, "GRAY", Virus, "GRAY", DMARC, "GRAY"}, "", "gray"},
		"not scanned":          {[]string{Spam, "PROCESSING_FAILED", Virus, "PROCESSING_FAILED"}, "", ""},
		"spam":                 {[]string{Spam, "FAIL"}, "it is spam", ""},
		"virus and spam":       {[]string{Spam, "FAIL", Virus, "FAIL"}, "it holds a virus", ""},
		"forged":               {[]string{DMARC, "FAIL", Policy, "REJECT"}, "its sender is forged: DMARC fails, and the domain asks to reject it", ""},
		"forged, none asked":   {[]string{DMARC, "FAIL", Policy, "none"}, "", "fail"},
		"forged, without word": {[]string{DMARC, "FAIL"}, "", "fail"},
	} {
		t.Run(name, func(t *testing.T) {
			// What the sender writes of itself counts for nothing.
			parsed, err := parse(sourcetest.Request(plain("x", "", "Mail-Spam: FAIL", "Mail-Dmarc: PASS"), c.header...))
			if err != nil || Dropped(parsed) != c.why {
				t.Fatalf("%+v, %v", parsed, err)
			}
			if c.why == "" && parsed.Items[0].Alert.Labels["dmarc"] != c.dmarc {
				t.Errorf("labels %v", parsed.Items[0].Alert.Labels)
			}
		})
	}
}

func TestTextOfHTML(t *testing.T) {
	for markup, want := range map[string]string{
		"<p>a</p><p>b<br/>c":                            "a\n\nb\nc",
		"a\n b<b>c</b>":                                 "a bc",
		"<style>x{}</style><SCRIPT>1<2</SCRIPT >y":      "y",
		"<!-- <p>no --> yes":                            "yes",
		"<script>never ends":                            "",
		"1 < 2 &lt;b&gt; &#228;":                        "1 < 2 <b> ä",
		"<table><tr><td>a</td><td>b</td></tr><tr><td>c": "a b\nc",
		"<div>":                           "",
		"<":                               "<",
		strings.Repeat("<p>", 1000) + "x": "x",
	} {
		if got := textOf(markup); strings.ReplaceAll(got, "\n\n", "\n") != strings.ReplaceAll(want, "\n\n", "\n") {
			t.Errorf("%.40q: %q, want %q", markup, got, want)
		}
	}
}

// TestBroken: what can be read is; a mail is nothing only without a header.
func TestBroken(t *testing.T) {
	for name, c := range map[string]struct{ mail, want string }{
		"nothing":             {"", "no mail"},
		"no header":           {"hello there", "no mail"},
		"JSON":                {`{"a":1}`, "no mail"},
		"no sender":           {"Subject: x\r\n\r\n", ""},
		"cut off in the text": {"From: a@b\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\nContent-Type: text/plain\r\n\r\nhal", "hal"},
		"unknown charset":     {"From: a@b\r\nContent-Type: text/plain; charset=klingon\r\n\r\nabc", "abc"},
		"unknown encoding":    {"From: a@b\r\nContent-Transfer-Encoding: rot13\r\n\r\nabc", "abc"},
		"broken base64":       {"From: a@b\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj!!!!", "abc"},
		"no boundary":         {"From: a@b\r\nContent-Type: multipart/mixed\r\n\r\nabc", ""},
	} {
		parsed, err := parse(sourcetest.Request(c.mail))
		if c.want == "no mail" {
			if err == nil {
				t.Errorf("%s: read as %+v", name, parsed)
			}
			continue
		}
		if err != nil || len(parsed.Items) != 1 || !strings.Contains(parsed.Items[0].Alert.Description, c.want) {
			t.Errorf("%s: %+v, %v", name, parsed, err)
		}
	}
}

// TestBounds: deep nesting, many parts and a large mail cost no more than they
// may.
func TestBounds(t *testing.T) {
	deep := "From: a@b\r\n"
	for i := range 200 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	many := "From: a@b\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n" + strings.Repeat("--q\r\n\r\n\r\n", 5000)
	large := plain("x", strings.Repeat("x", 2*MaxRead))
	for name, mail := range map[string]string{"deep": deep, "many": many, "large": large} {
		parsed, err := parse(sourcetest.Request(mail))
		if err != nil || len(parsed.Items) != 1 {
			t.Fatalf("%s: %+v, %v", name, parsed, err)
		}
		if name == "large" && (len(parsed.Notes) != 1 || parsed.Notes[0] != "only the first 1024 KiB of the mail were read") {
			t.Errorf("notes %q", parsed.Notes)
		}
	}
}

func TestDecodeForAMapping(t *testing.T) {
	v, ok := Decode(sourcetest.Request(plain("=?utf-8?q?B=C3=BCro?=", "text", "X-Host: web-1", "X-Host: web-2")))
	if got := v.At("subject").Text() + " " + v.At("from").Text() + " " + v.At("text").Text() + " " + v.At("headers.X-Host").Text(); !ok || got != "Büro a@m.example.com text web-1" {
		t.Errorf("%q, %v", got, ok)
	}
	if _, ok := Decode(&source.Request{Body: []byte("{}")}); ok {
		t.Error("JSON is a mail")
	}
}

// FuzzParse: whatever a mail holds, it is read without panic, within limits.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../../../events/ingest-email/*.eml")
	if err != nil || len(files) < 10 {
		f.Fatalf("%d mails, %v", len(files), err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		parsed, err := parse(sourcetest.Request(string(body), Own, "pages@tocsin.example.com"))
		if err != nil {
			if len(parsed.Items) > 0 {
				t.Error("a result and an error")
			}
			return
		}
		if len(parsed.Items) == 0 && Dropped(parsed) == "" {
			t.Error("no alert, and no reason")
		}
		for _, item := range parsed.Items {
			a := *item.Alert
			if a.Title == "" || a.DedupKey == "" || len(a.DedupKey) > 1024 || len(a.Description) > alert.MaxDescription {
				t.Errorf("alert %+v", a)
			}
			again, err := parse(sourcetest.Request(string(body), Own, "pages@tocsin.example.com"))
			if err != nil || again.Items[0].Alert.DedupKey != a.DedupKey {
				t.Errorf("read again as %+v, %v", again, err)
			}
		}
	})
}

func TestOnlyTheAuthorThatDMARCJudgedIsProven(t *testing.T) {
	for from, want := range map[string]bool{
		"From: ops@corp.example": true, "From: Ops <OPS@corp.example>": true, "From: =?utf-8?q?Op=73?= <ops@corp.example>": true,
		"From: ops@evil.example": false,
		"From: =?utf-8?q?=3Cops=40corp.example=3E?= <x@evil.example>": false,
		"From: ops@corp.example\r\nFrom: x@evil.example":              false, "From: x@evil.example\r\nFrom: ops@corp.example": false,
		"From: <ops@corp.example>, x@evil.example": false, "From: <ops@corp.example> <x@evil.example>": false,
		"From: \"<ops@corp.example>\" <x@evil.example>": false, "From: ops@corp.example.evil.example": false, "From: ": false, "Sender: ops@corp.example": false,
	} {
		r := &source.Request{Header: http.Header{DMARC: {"PASS"}}, Body: []byte(from + "\r\nSubject: disk full\r\n\r\ntext\r\n")}
		for _, secret := range []string{"corp.example", "@corp.example", "ops@corp.example"} {
			if err := verify(r, []string{secret}); (err == nil) != want {
				t.Errorf("%q by %s: %v", from, secret, err)
			}
		}
	}
}
