package email

import (
	"encoding/base64"
	"strings"
	"testing"

	_ "github.com/emersion/go-message/charset"

	"tocsin/shared/source"
	"tocsin/shared/source/redact"
	"tocsin/shared/source/sourcetest"
)

// TestNothingOfAMailIsKeptThatWasRedacted: however a mail encodes it, it shows
// neither in the alert nor in any decoded form of what is kept.
func TestNothingOfAMailIsKeptThatWasRedacted(t *testing.T) {
	const card = "4111111111111111"
	encoded := base64.StdEncoding.EncodeToString([]byte("card " + card + "\nssn: 123-45-6789 of Ann\nend"))
	rules, err := redact.Compile([]string{"ssn", "x-pin", "$.headers.X-Other-Pin"}, []string{`\b4\d{15}\b`})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		mail, want string // want is in the description
		notes      int
	}{
		"plain":                    {plain("disk", "card "+card+"\r\nssn: 123-45-6789\r\nend"), "card [redacted]\nssn: [redacted]\nend", 0},
		"Base64":                   {plain("disk", encoded, "Content-Transfer-Encoding: base64"), "card [redacted]\nssn: [redacted]\nend", 0},
		"quoted-printable":         {plain("disk", "card 41111111=\r\n11111111 =C3=A9", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable"), "card [redacted] é", 0},
		"another character set":    {plain("disk", "caf\xe9 "+card, "Content-Type: text/plain; charset=iso-8859-1"), "café [redacted]", 0},
		"an unknown character set": {plain("disk", "abc "+card, "Content-Type: text/plain; charset=klingon"), "", 1},
		"an unknown encoding":      {plain("disk", "abc "+card, "Content-Transfer-Encoding: rot13"), "", 1},
		"encoded words":            {plain("disk =?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(card))+"?= full", "text"), "text", 0},
		"fields by name":           {plain("disk", "text", "X-Pin: "+card, "X-Other-Pin: 4711", "X-Ssn: ssn=4711"), "text", 0},
		"HTML":                     {plain("disk", "<p>card 4111<b>1111</b>1111&#49;111", "Content-Type: text/html"), "card [redacted]", 0},
		"HTML that holds nothing":  {plain("disk", "<p>a<b>b</b>", "Content-Type: text/html"), "ab", 0},
		"parts": {plain("disk", "preamble "+card+"\r\n--q\r\nContent-Type: multipart/alternative; boundary=r\r\n\r\n--r\r\nContent-Transfer-Encoding: base64\r\n\r\n"+encoded+"\r\n--r\r\nContent-Type: text/html\r\n\r\n"+card+
			"\r\n--r--\r\n--q\r\nContent-Disposition: attachment; filename=\""+card+".txt\"\r\n\r\nlog "+card+"\r\n--q\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"+encoded+"\r\n--q--\r\nepilogue "+card,
			"Content-Type: multipart/mixed; boundary=q"), "card [redacted]\nssn: [redacted]\nend", 1},
		"an attachment before the text": {plain("disk", "--q\r\nContent-Disposition: attachment\r\n\r\nlog\r\n--q\r\n\r\ntext\r\n--q--\r\n", "Content-Type: multipart/mixed; boundary=q"), "text", 0},
		"nothing but a picture":         {plain("disk", "GIF89a", "Content-Type: image/gif"), "", 1},
		"no boundary":                   {plain("disk", "abc "+card, "Content-Type: multipart/mixed"), "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			clean, _, notes := rules.Request(sourcetest.Request(c.mail, "Content-Type", Media), Source.Rewrite)
			parsed, err := parse(clean)
			if err != nil || len(parsed.Items) != 1 || len(notes) != c.notes {
				t.Fatalf("%+v, %q, %v\n%s", parsed, notes, err, clean.Body)
			}
			a := parsed.Items[0].Alert
			if a.Description != c.want || !strings.HasPrefix(a.Title, "disk") || parsed.SenderID != "1@m.example.com" || a.Labels["from"] != "a@m.example.com" {
				t.Errorf("%+v", a)
			}
			for _, kept := range []string{string(clean.Body), decoded(t, clean)} {
				for _, hush := range []string{card, "123-45", "4711", encoded} {
					if strings.Contains(kept, hush) {
						t.Errorf("%s is in\n%s", hush, kept)
					}
				}
			}
			again, n, _ := rules.Request(clean, Source.Rewrite)
			if n != 0 || string(again.Body) != string(clean.Body) {
				t.Errorf("a second time takes %d:\n%s\nbecame\n%s", n, clean.Body, again.Body)
			}
		})
	}
}

// decoded is all that can be read of a mail.
func decoded(t *testing.T, r *source.Request) string {
	t.Helper()
	v, ok := Decode(r)
	if !ok {
		t.Fatalf("no mail: %s", r.Body)
	}
	return v.JSON()
}

func TestRewrittenMailSaysTheSame(t *testing.T) {
	same := func(_, text string) string { return text }
	mail := plain("=?utf-8?q?B=C3=BCro?=", "one\r\ntwo", "References: <root@m.example.com> <2@m.example.com>", "X-Loop: a", "X-Loop: b", "Auto-Submitted: auto-generated", "Content-Type: text/plain; charset=utf-8")
	out, notes, ok := rewrite([]byte(mail), same)
	if !ok || len(notes) > 0 {
		t.Fatal(ok, notes)
	}
	before, err := parse(sourcetest.Request(mail))
	if err != nil {
		t.Fatal(err)
	}
	after, err := parse(sourcetest.Request(string(out)))
	if err != nil || sourcetest.Line(before.Items[0]) != sourcetest.Line(after.Items[0]) || before.Items[0].Alert.Description != after.Items[0].Alert.Description || before.SenderID != after.SenderID {
		t.Errorf("%+v, %v\n%s", after, err, out)
	}
	if strings.Index(string(out), "X-Loop: a") > strings.Index(string(out), "X-Loop: b") {
		t.Errorf("in another order:\n%s", out)
	}
	if _, _, ok := rewrite([]byte("hello there"), same); ok {
		t.Error("what is no mail was rewritten")
	}
	large := mail + strings.Repeat("x\r\n", MaxRead/3)
	if out, notes, _ := rewrite([]byte(large), same); len(notes) != 1 || len(out) > 2*MaxRead {
		t.Errorf("%d bytes, %q", len(out), notes)
	}
}

// FuzzRewrite: a mail stays one, its texts are seen, and twice is as once.
func FuzzRewrite(f *testing.F) {
	f.Add(plain("disk", "hush"))
	f.Add(plain("disk", "--q\r\n\r\nhush\r\n--q\r\nContent-Type: text/html\r\n\r\n<b>hu<i>sh\r\n--q--", "Content-Type: multipart/mixed; boundary=q"))
	f.Add(plain("=?utf-8?b?aHVzaA==?=", "aHVzaA==", "Content-Transfer-Encoding: base64"))
	clean := func(_, text string) string { return strings.ReplaceAll(text, "hush", "***") }
	f.Fuzz(func(t *testing.T, mail string) {
		before, err := read([]byte(mail))
		if err != nil {
			return
		}
		out, notes, ok := rewrite([]byte(mail), clean)
		if !ok {
			t.Fatalf("%q is no mail any more", mail)
		}
		if out == nil {
			return
		}
		after, err := read(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", mail, out, err)
		}
		if strings.Contains(after.subject+after.text, "hush") || before.text != "" && after.text == "" && len(notes) == 0 && clean("", before.text) != "" {
			t.Errorf("%q became %q, %q", mail, after.text, notes)
		}
	})
}
