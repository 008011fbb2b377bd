package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/integration"
	"tocsin/shared/ops"
	"tocsin/shared/ops/opstest"
	"tocsin/shared/source"
	"tocsin/shared/source/detect"
)

const jobs = `{"site":"north","jobs":[{"id":7,"name":"Stock count","state":"late","since":"2026-03-01T08:00:00Z"},{"id":8,"name":"Labels","state":"ok"}]}`

func TestNormalizeByAMapping(t *testing.T) {
	s := &shell{t: t, stdin: jobs}
	golden(t, "normalize-mapping", s.want(0, "normalize", "--mapping", "testdata/warehouse.yaml", "-"))
	s.want(3, "normalize", "--mapping", "testdata/nothing.yaml", "-")
	s.want(2, "normalize", "--mapping", "testdata/warehouse.yaml", "--propose", "-")
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("kind: mapping\nname: wrong\nspec:\n  titel: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := s.want(1, "normalize", "--mapping", wrong, "-"); !strings.Contains(p.err, "wrong.yaml:4: spec.titel") {
		t.Errorf("%s", p.err)
	}
}

// TestMappingIsReadByWhateverItLooksLike: a mapping takes no part in finding out
// what a payload is of, but says when it is not like its own.
func TestMappingIsReadByWhateverItLooksLike(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.yaml")
	for condition, like := range map[string]bool{"site=north": true, "site=south": false, "": true} {
		text := "kind: mapping\nname: own\nspec:\n  alerts: \"$.jobs[*]\"\n  title: \"{name}\"\n"
		if condition != "" {
			text += "  recognise: \"" + condition + "\"\n"
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &shell{t: t, stdin: jobs}
		p := s.want(0, "normalize", "--mapping", file, "-")
		if strings.Contains(p.err, "no condition of recognise holds; without --mapping it is read as custom") == like || strings.Count(p.out, `"source": "own"`) != 2 {
			t.Errorf("%q: %s%s", condition, p.err, p.out)
		}
	}
}

func TestNormalizeJudgesTheMediaTypeAsIntakeDoes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.yaml")
	for _, c := range []struct {
		media, header string
		code          int
	}{
		{"", "application/xml", 0}, {"text/plain", "text/plain", 0}, {"text/plain", "application/xml", 1}, {"text/plain", "", 0},
	} {
		text := "kind: mapping\nname: own\nspec:\n  title: \"{a.name}\"\n"
		if c.media != "" {
			text += "  media: " + c.media + "\n"
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"normalize", "--mapping", file, "-"}
		if c.header != "" {
			args = append(args, "--header", "Content-Type: "+c.header)
		}
		(&shell{t: t, stdin: "<a><name>Door</name></a>"}).want(c.code, args...)
	}
	s := &shell{t: t, stdin: "disk full"}
	if p := s.want(1, "normalize", "--source", "prometheus", "--header", "Content-Type: text/plain", "-"); !strings.Contains(p.err, "the content type is not application/json") {
		t.Errorf("%s", p.err)
	}
}

const problems = `{"site":"north","problems":[{"id":"p-7","title":"Stock count is late","status":"open","started_at":"2026-03-01T08:00:00Z"},{"id":"p-8","title":"Labels","status":"closed"}]}`

// TestProposeIsAMappingThatReadsTheSame: what is printed can be published as
// it is.
func TestProposeIsAMappingThatReadsTheSame(t *testing.T) {
	s := &shell{t: t, stdin: problems}
	p := s.want(0, "normalize", "--propose", "-")
	golden(t, "normalize-propose", p)
	file := filepath.Join(t.TempDir(), "mapping.yaml")
	if err := os.WriteFile(file, []byte(p.out), 0o600); err != nil {
		t.Fatal(err)
	}
	plain, mapped := s.want(0, "normalize", "-").out, s.want(0, "normalize", "--mapping", file, "-").out
	for _, line := range []string{`"status": "firing"`, `"started_at": "2026-03-01T08:00:00Z"`, `"status": "resolved"`} {
		if !strings.Contains(plain, line) || !strings.Contains(mapped, line) {
			t.Errorf("%s is missing in\n%s\nor\n%s", line, plain, mapped)
		}
	}
}

// TestEveryProposalReadsTheSame as automatic reading, once it is published:
// also of names that need quotes, of lists, texts and documents in texts.
func TestEveryProposalReadsTheSame(t *testing.T) {
	bodies, err := filepath.Glob("../../shared/source/*/testdata/*/*.*")
	if err != nil || len(bodies) < 200 {
		t.Fatalf("%d bodies, %v", len(bodies), err)
	}
	file := filepath.Join(t.TempDir(), "mapping.yaml")
	for _, path := range bodies {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		request := func() *source.Request {
			return &source.Request{Header: http.Header{}, Query: url.Values{}, Body: body, Other: detect.Decode}
		}
		want, err := detect.Source.Parse(request())
		if err != nil {
			continue // what nobody can read
		}
		var proposal bytes.Buffer
		if err := (&app{stdout: &proposal}).propose(request()); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if err := os.WriteFile(file, proposal.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := mapped(file)
		if err != nil {
			t.Errorf("%s: %v\n%s", path, err, proposal.String())
			continue
		}
		got, err := found.Source.Parse(request())
		if err != nil || !reflect.DeepEqual(withoutSource(got.Items), withoutSource(want.Items)) {
			t.Errorf("%s: %v\n%+v\nwant\n%+v\n%s", path, err, got.Items, want.Items, proposal.String())
		}
	}
}

func withoutSource(items []source.Item) (alerts []alert.Alert) {
	for _, item := range items {
		if item.Alert == nil {
			alerts = append(alerts, alert.Alert{Title: item.Rejected})
			continue
		}
		one := *item.Alert
		one.Source = ""
		alerts = append(alerts, one)
	}
	return alerts
}

// TestTrialProvesItself as the directory of integrations checks it.
func TestTrialProvesItself(t *testing.T) {
	at, body := time.Now(), []byte(jobs)
	for _, c := range []struct {
		auth           integration.Kind
		header, secret string
		refused        bool
	}{
		{integration.Bearer, "", "hush-hush", false}, {integration.Basic, "", "user:hush", false}, {integration.HMAC, "", "hush-hush", false},
		{integration.HMAC, "X-Sig", "hush-hush", false}, {integration.None, "", "hush-hush", true}, {integration.Vendor, "", "hush-hush", true},
	} {
		header := http.Header{}
		err := prove(header, ops.Integration{ID: "x", Auth: c.auth, Header: c.header}, c.secret, body, at)
		if (err != nil) != c.refused {
			t.Errorf("%s: %v", c.auth, err)
		}
		found := integration.Found{Integration: integration.Integration{Auth: c.auth, Header: c.header}, Secrets: []string{c.secret}}
		if err == nil && found.Check(&source.Request{Header: header, Body: body, At: at}) != nil {
			t.Errorf("%s %s is refused with %v", c.auth, c.header, header)
		}
	}
	for given, want := range map[string]string{"tk_X": "tk_X", "https://a.example.com/in/custom/tk_X": "tk_X", "https://a.example.com/p/in/custom/tk_X/more": "tk_X"} {
		if got := keyOf(given); got != want {
			t.Errorf("the key of %s is %s", given, got)
		}
	}
}

func TestTrialNeedsAKeyThatIsKnown(t *testing.T) {
	w := opstest.New(t)
	s := newShell(t, w, "", ops.Admin)
	s.stdin = jobs
	if p := s.want(3, "integrations", "test", "tk_UNKNOWNUNKNOWNUNKNOWNUNKN", "-"); !strings.Contains(p.err, "no integration has this key") {
		t.Errorf("%s", p.err)
	}
	s.want(2, "integrations", "test", "https://elsewhere.example.com/x", "-")
	s.want(2, "integrations", "test", "tk_UNKNOWNUNKNOWNUNKNOWNUNKN", "--header", "x", "-")
}

func TestMediaOf(t *testing.T) {
	for body, want := range map[string]string{
		`{"a":1}`: "application/json", `<a/>`: "application/xml", `a=1&b=2`: "application/x-www-form-urlencoded", `it is = broken`: "text/plain",
		"--b 1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b 1--": `multipart/form-data; boundary="b 1"`, "--\r\nContent-": "text/plain", "--- a": "text/plain",
	} {
		if got := mediaOf([]byte(body)); got != want {
			t.Errorf("%s is %s, want %s", body, got, want)
		}
	}
}

// TestTutorialIsTrue: the mapping of docs/own-source.md is short, and reads the
// body there as the table there says.
func TestTutorialIsTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/own-source.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(language string) string {
		_, rest, _ := strings.Cut(string(text), "```"+language+"\n")
		inside, _, _ := strings.Cut(rest, "```")
		return inside
	}
	mapping := block("yaml")
	if lines := strings.Count(mapping, "\n"); lines == 0 || lines > 30 {
		t.Errorf("the mapping has %d lines", lines)
	}
	file := filepath.Join(t.TempDir(), "tidegate.yaml")
	if err := os.WriteFile(file, []byte(mapping), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &shell{t: t, stdin: block("json")}
	var alerts []normalized
	if err := json.Unmarshal([]byte(s.want(0, "normalize", "--mapping", file, "-").out), &alerts); err != nil || len(alerts) != 2 {
		t.Fatalf("%d alerts, %v", len(alerts), err)
	}
	for _, a := range alerts {
		row := fmt.Sprintf("| `%s` | %s | %s | %s |", a.DedupKey, a.Status, a.Priority, a.Title)
		if !strings.Contains(string(text), row) {
			t.Errorf("the tutorial lacks %s", row)
		}
	}
	if at := alerts[0].StartedAt; at == nil || at.Format(time.RFC3339) != "2026-03-01T08:12:00Z" || len(alerts[0].Links) != 1 {
		t.Errorf("%+v", alerts[0])
	}
	s.want(0, "normalize", "--propose", "-")
}

// TestTutorialOfMailsIsTrue: the second mapping there reads a mail.
func TestTutorialOfMailsIsTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/own-source.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "## Mails")
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	mapping, _, _ := strings.Cut(rest, "```")
	dir := t.TempDir()
	file, mail := filepath.Join(dir, "nas.yaml"), filepath.Join(dir, "mail.eml")
	for name, text := range map[string]string{
		file: mapping, mail: "From: nas@example.com\r\nSubject: =?utf-8?q?B=C3=BCro?= is healthy\r\nX-Volume: v2\r\n\r\nfine\r\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &shell{t: t}
	var alerts []normalized
	if err := json.Unmarshal([]byte(s.want(0, "normalize", "--mapping", file, mail).out), &alerts); err != nil || len(alerts) != 1 {
		t.Fatalf("%d alerts, %v", len(alerts), err)
	}
	if a := alerts[0]; a.DedupKey != "key:v2" || a.Status != "resolved" || a.Title != "Büro is healthy" || a.Description != "fine" {
		t.Errorf("%+v", a)
	}
}
