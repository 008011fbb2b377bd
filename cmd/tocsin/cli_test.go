package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tocsin/shared/catalog"
	"tocsin/shared/event"
	"tocsin/shared/ledger"
	"tocsin/shared/ops"
	"tocsin/shared/ops/opstest"
)

var update = flag.Bool("update", false, "write what is printed instead of comparing with it")

// shell runs commands as a person does.
type shell struct {
	t     testing.TB
	env   map[string]string
	stdin string
	home  string

	before func() // each command; may be nil
}

func newShell(t testing.TB, w *opstest.World, member string, scopes ...ops.Scope) *shell {
	t.Helper()
	server := httptest.NewServer(w.Handler)
	t.Cleanup(server.Close)
	return &shell{t: t, home: t.TempDir(), env: map[string]string{
		"TOCSIN_URL": server.URL, "TOCSIN_TOKEN": w.Token(t, "shell", member, scopes...),
	}}
}

type printed struct {
	code     int
	out, err string
}

func (s *shell) run(args ...string) printed {
	s.t.Helper()
	if s.before != nil {
		s.before()
	}
	var out, problems bytes.Buffer
	a := &app{
		env:   func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
		stdin: strings.NewReader(s.stdin), stdout: &out, stderr: &problems, now: time.Now,
		configDir: func() (string, error) { return s.home, nil },
	}
	code := a.run(context.Background(), args)
	return printed{code, out.String(), problems.String()}
}

// want is run, and fails the test at another exit code.
func (s *shell) want(code int, args ...string) printed {
	s.t.Helper()
	p := s.run(args...)
	if p.code != code {
		s.t.Fatalf("tocsin %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), p.code, code, p.out, p.err)
	}
	return p
}

// chance is what differs from run to run.
var chance = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`tt_[A-Za-z0-9_-]{43}`), "tt_SECRET"},
	{regexp.MustCompile(`tk_[A-Z2-7]{26}`), "tk_SECRET"},
	{regexp.MustCompile(`th_[A-Z2-7]{26}`), "th_SECRET"},
	{regexp.MustCompile(`\b[A-Z2-7]{26}\b`), "SECRET"},
	{regexp.MustCompile(`hex_key     [0-9a-f]{32}`), "hex_key     HEX_SECRET"},
	{regexp.MustCompile(`\b[0-9a-f]{12}\b`), "KEYID"},
	{regexp.MustCompile(`--cursor \S+`), "--cursor CURSOR"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
}

func golden(t *testing.T, name string, p printed) {
	t.Helper()
	text := p.out
	if p.err != "" {
		text += "--- stderr\n" + p.err
	}
	for _, c := range chance {
		text = c.what.ReplaceAllString(text, c.with)
	}
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != text {
		t.Errorf("%s differs:\n%s\nwant\n%s", file, text, want)
	}
}

func TestAnEventGoesItsWholeWayByTheCommandLine(t *testing.T) {
	w := opstest.New(t)
	s := newShell(t, w, "ann", ops.EventsWrite)
	golden(t, "events-report", s.want(0, "events", "report", "--title", "Customers cannot log in", "--priority", "P1", "--service", "shop"))
	for _, args := range [][]string{
		{"events", "acknowledge", "E-1"},
		{"events", "note", "E-1", "--text", "looking"},
		{"events", "snooze", "E-1", "--for", "1h"},
		{"events", "wake", "E-1"},
		{"events", "assign", "E-1", "--member", "bob"},
		{"events", "set-priority", "E-1", "--priority", "P2"},
		{"events", "escalate", "E-1"},
		{"events", "resolve", "E-1", "--note", "rolled back"},
		{"events", "close", "E-1", "--cause-class", "code_defect", "--cause", "nil pointer", "--solution", "1.4.2", "--tags", "login,release"},
	} {
		w.Pass(time.Minute)
		s.want(0, args...)
	}
	golden(t, "events-get", s.want(0, "events", "get", "E-1"))
	golden(t, "events-list-closed", s.want(0, "events", "list", "--closed"))
	for flags, lines := range map[string]int{"--state closed": 2, "--state closed,triggered": 2, "--state resolved": 1, "--priority P2 --state closed": 2, "--priority P1,P3 --state closed": 1} {
		if p := s.want(0, append([]string{"events", "list"}, strings.Fields(flags)...)...); strings.Count(p.out, "\n") != lines {
			t.Errorf("%s:\n%s", flags, p.out)
		}
	}
	golden(t, "events-list-json", s.want(0, "events", "list", "-o", "json"))
}

func TestExitCodes(t *testing.T) {
	w := opstest.New(t)
	s := newShell(t, w, "ann", ops.EventsWrite)
	s.want(0, "events", "report", "--title", "Slow", "--priority", "P1")
	s.want(0, "events", "resolve", "E-1")
	stranger := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(stranger.Close)
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message":"Too Many Requests"}`, http.StatusTooManyRequests)
	}))
	t.Cleanup(busy.Close)
	for _, c := range []struct {
		name string
		args []string
		env  map[string]string
		code int
		text string
	}{
		{"unknown command", []string{"evnts"}, nil, 2, "no command of tocsin"},
		{"unknown verb", []string{"events", "ack"}, nil, 2, "known are"},
		{"unknown flag", []string{"events", "list", "--colour"}, nil, 2, "unknown flag"},
		{"missing argument", []string{"events", "get"}, nil, 2, "tocsin events get ID"},
		{"missing field", []string{"events", "note", "E-1"}, nil, 2, "text: missing"},
		{"word that is not allowed", []string{"events", "set-priority", "E-1", "--priority", "P7"}, nil, 2, "P1, P2, P3, P4"},
		{"output", []string{"events", "list", "-o", "xml"}, nil, 2, "table or json"},
		{"not found", []string{"events", "get", "E-77"}, nil, 3, "E-77 does not exist"},
		{"state forbids it", []string{"events", "snooze", "E-1", "--for", "1h"}, nil, 4, "resolved"},
		{"refused by the server", []string{"events", "close", "E-1"}, nil, 1, "cause_class: missing"},
		{"no such id", []string{"events", "resolve", "4821"}, nil, 1, "E-4821"},
		{"wrong token", []string{"events", "list"}, map[string]string{"TOCSIN_TOKEN": "tt_wrong"}, 5, "unknown, revoked or expired"},
		{"no token", []string{"events", "list"}, map[string]string{"TOCSIN_TOKEN": ""}, 5, "set TOCSIN_TOKEN"},
		{"scope is missing", []string{"tokens", "list"}, nil, 5, "scope admin"},
		{"no address", []string{"events", "list"}, map[string]string{"TOCSIN_URL": ""}, 2, "set TOCSIN_URL"},
		{"address that is none", []string{"events", "list", "--url", "tocsin"}, nil, 2, "no address"},
		{"token in the clear", []string{"events", "list", "--url", "http://tocsin.example.com"}, nil, 2, "use https"},
		{"nobody listens", []string{"events", "list", "--url", "http://127.0.0.1:1"}, nil, 6, "cannot be reached"},
		{"something else answers", []string{"events", "get", "E-1", "--url", stranger.URL}, nil, 1, "not as the API of Tocsin does"},
		{"the gateway is busy", []string{"events", "get", "E-1", "--url", busy.URL}, nil, 6, "429 Too Many Requests; try again later"},
		{"a folder is no payload", []string{"normalize", "testdata"}, nil, 1, "tocsin: read testdata: is a directory"},
		{"profile that is not there", []string{"events", "list", "--profile", "prod"}, nil, 2, "no profile prod"},
		{"file that is not there", []string{"diff", "testdata/nothing"}, nil, 2, "nothing"},
		{"unknown source", []string{"normalize", "--source", "no-such-system", "-"}, nil, 2, "alertmanager, "},
		{"source almost known", []string{"normalize", "--source", "promethius", "-"}, nil, 2, "nearest are prometheus, "},
		{"help", []string{"--help"}, nil, 0, "Exit codes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := map[string]string{}
			for k, v := range s.env {
				env[k] = v
			}
			for k, v := range c.env {
				env[k] = v
			}
			p := (&shell{t: t, env: env, home: t.TempDir()}).want(c.code, c.args...)
			if !strings.Contains(p.out+p.err, c.text) {
				t.Errorf("no %q in\n%s%s", c.text, p.out, p.err)
			}
			if strings.Contains(p.out+p.err, s.env["TOCSIN_TOKEN"]) {
				t.Error("the token is printed")
			}
		})
	}
}

func TestProfilesComeFromTheConfigurationFile(t *testing.T) {
	w := opstest.New(t)
	s := newShell(t, w, "ann", ops.EventsRead)
	file := filepath.Join(s.home, "tocsin", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	text := "profile: prod\nprofiles:\n  prod:\n    url: " + s.env["TOCSIN_URL"] + "\n    token: " + s.env["TOCSIN_TOKEN"] + "\n  other:\n    url: https://127.0.0.1:1\n    token: x\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	secret := s.env["TOCSIN_TOKEN"]
	s.env = map[string]string{}
	golden(t, "whoami", s.want(0, "whoami"))
	s.want(6, "whoami", "--profile", "other")
	if err := os.WriteFile(file, []byte("profiles:\n  prod:\n    tokn: "+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := s.want(2, "whoami"); strings.Contains(p.err, secret) {
		t.Errorf("the error shows a token: %s", p.err)
	}
}

func TestConfigurationFilesAreAppliedWhole(t *testing.T) {
	w := opstest.New(t)
	s := newShell(t, w, "ann", ops.ConfigWrite)
	bad := s.want(1, "apply", "testdata/bad")
	golden(t, "apply-bad", bad)
	empty := filepath.Join(t.TempDir(), "empty.yaml")
	if err := os.WriteFile(empty, []byte("# nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := s.want(1, "apply", empty); !strings.Contains(p.err, "there is no document in "+empty) {
		t.Errorf("applied nothing: %s", p.err)
	}
	if v := version1(t, s); v != 1 {
		t.Fatalf("version %d after a refused apply", v)
	}
	golden(t, "diff", s.want(0, "diff", "testdata/config"))
	golden(t, "apply", s.want(0, "apply", "testdata/config", "--comment", "eve joins"))
	golden(t, "apply-again", s.want(0, "apply", "testdata/config"))
	s.want(4, "apply", "testdata/config", "--expected-version", "1")
	exported := s.want(0, "export")
	golden(t, "export", exported)
	file := filepath.Join(t.TempDir(), "all.yaml")
	s.want(0, "export", "--file", file)
	if text, err := os.ReadFile(file); err != nil || string(text) != exported.out {
		t.Errorf("exported file %q, err %v", text, err)
	}
	if p := s.want(0, "diff", file); !strings.Contains(p.out, "No changes") {
		t.Errorf("what was exported differs: %s", p.out)
	}
	golden(t, "rollback", s.want(0, "rollback", "1"))
	s.want(4, "rollback", "3")
	s.want(3, "rollback", "9")
	s.want(2, "rollback", "one")
	golden(t, "config-history", s.want(0, "config", "history"))
}

func TestApplyRemovesNothingUnasked(t *testing.T) {
	w := opstest.New(t)
	s := newShell(t, w, "ann", ops.ConfigWrite)
	some := filepath.Join(t.TempDir(), "some.yaml")
	if err := os.WriteFile(some, []byte("kind: member\nname: ann\nspec: {display_name: Ann}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := s.want(0, "export").out
	golden(t, "apply-removes", s.want(4, "apply", some))
	if after := s.want(0, "export").out; after != before {
		t.Fatalf("after a refused apply\n%s\nwant\n%s", after, before)
	}
	golden(t, "apply-prune", s.want(0, "apply", some, "--prune"))
	s.want(0, "rollback", "1")
	if after := s.want(0, "export").out; after != before {
		t.Errorf("after the rollback\n%s\nwant\n%s", after, before)
	}
}

func version1(t *testing.T, s *shell) int {
	t.Helper()
	var out struct{ Version int }
	if err := json.Unmarshal([]byte(s.want(0, "export", "-o", "json").out), &out); err != nil {
		t.Fatal(err)
	}
	return out.Version
}

func TestPeopleIntegrationsAndTokens(t *testing.T) {
	w := opstest.New(t)
	s := newShell(t, w, "", ops.Admin)
	s.before = func() { w.Pass(time.Second) } // so that the order of the log is that of the commands
	golden(t, "contacts-add", s.want(0, "contacts", "add", "ann", "--channel", "email", "--address", "ann@example.com", "--verified"))
	golden(t, "contacts-list", s.want(0, "contacts", "list", "ann"))
	golden(t, "members-list", s.want(0, "members", "list"))
	golden(t, "services-list", s.want(0, "services", "list"))
	golden(t, "integrations-create", s.want(0, "integrations", "create", "--id", "prom", "--name", "Prometheus", "--source", "prometheus", "--auth", "bearer"))
	golden(t, "integrations-list", s.want(0, "integrations", "list"))
	s.want(0, "integrations", "pause", "prom")
	s.want(0, "integrations", "rotate", "prom")
	s.want(0, "integrations", "remove", "prom")
	golden(t, "tokens-create", s.want(0, "tokens", "create", "--name", "ci", "--scopes", "config:write,events:read", "--expires-in", "30d"))
	golden(t, "tokens-list", s.want(0, "tokens", "list"))
	s.want(0, "tokens", "revoke", "ci")
	s.want(0, "contacts", "remove", "ann", "email")
	golden(t, "audit-list", s.want(0, "audit", "list", "--limit", "2", "--month", "2026-03"))
	if p := s.want(0, "audit", "list", "--all", "--limit", "2"); strings.Count(p.out, "\n") != 9 {
		t.Errorf("whole log:\n%s", p.out)
	}
}

func TestHeartbeatsByTheCommandLine(t *testing.T) {
	s := newShell(t, opstest.New(t), "", ops.HeartbeatsWrite)
	golden(t, "heartbeats-create", s.want(0, "heartbeats", "create", "--id", "backup", "--name", "Nightly backup", "--cron", "30 2 * * *", "--zone", "Europe/Berlin"))
	s.want(0, "heartbeats", "update", "backup", "--service", "shop", "--max-run", "2h", "--redact-fields", "password")
	if cleared := s.want(0, "heartbeats", "update", "backup", "--service", "", "--max-run", "0s", "--zone", "").out; strings.Contains(cleared, "shop") || strings.Contains(cleared, "2h") || strings.Contains(cleared, "Berlin") || !strings.Contains(cleared, "password") {
		t.Errorf("cleared:\n%s", cleared)
	}
	s.want(0, "heartbeats", "update", "backup", "--every", "1d")
	golden(t, "heartbeats-list", s.want(0, "heartbeats", "list"))
	s.want(0, "heartbeats", "remove", "backup")
}

func TestDeliveriesTellWhereEachAlertEnded(t *testing.T) {
	w := opstest.New(t)
	s := newShell(t, w, "", ops.DeliveriesRead)
	part := ledger.Part{
		Delivery: "d-1", Parts: 1, Integration: "prom", Source: "prometheus", ReceivedAt: opstest.Began, DisposedAt: opstest.Began.Add(time.Second),
		ContentType: "application/json", Raw: []byte(`{"alerts":[]}`), Alerts: 2, Notes: []string{"no alert was found where this source has them", "read by the mapping warehouse"},
		Dispositions: []ledger.Disposition{
			{Position: 0, Kind: ledger.Opened, Event: "E-1", Rule: "catch-all", Title: "Disk\x1b[31m full", Why: []string{"rule catch-all of version 1: event"}},
			{Position: 1, Kind: ledger.Rejected, Why: []string{"status: missing"}},
		},
	}
	if _, err := (&ledger.Store{Table: w.Ledger}).Put(t.Context(), part); err != nil {
		t.Fatal(err)
	}
	golden(t, "deliveries-list", s.want(0, "deliveries", "list"))
	golden(t, "deliveries-get", s.want(0, "deliveries", "get", "d-1", "--with-body"))
	s.want(3, "deliveries", "get", "d-2")
}

func TestNormalizeShowsWhatIntakeMakesOfAPayload(t *testing.T) {
	s := &shell{t: t, home: t.TempDir()}
	s.stdin = `{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"DiskFull","severity":"critical"},"annotations":{"summary":"Disk of db-1 is full"},"startsAt":"2026-03-01T08:55:12Z","fingerprint":"00aa"},{"status":"odd","labels":{"alertname":"X"}}]}`
	golden(t, "normalize", s.want(0, "normalize", "-"))
	s.stdin = `{"version":"4","alerts":[]}`
	s.want(0, "normalize", "--source", "custom", "-")
	if p := s.want(0, "normalize", "--source", "alertmanager", "-"); p.out != "[]\n" {
		t.Errorf("no alerts: %q", p.out)
	}
	s.stdin = `{"object_kind":"release","action":"create","tag":"v1","name":"v1","project":{"path_with_namespace":"ann/shop"}}`
	if p := s.want(0, "normalize", "-"); p.out != "[]\n" || !strings.Contains(p.err, "change: release v1 in ann/shop\n") {
		t.Errorf("a change: %q %q", p.out, p.err)
	}
	for _, body := range []string{"", "{", "7", strings.Repeat("[", 200), "\xff", strings.Repeat("x", 2<<20)} {
		s.stdin = body
		if p := s.want(1, "normalize", "-"); p.out != "" || p.err == "" {
			t.Errorf("%.20q: %q %q", body, p.out, p.err)
		}
	}
	s.want(3, "normalize", "testdata/nothing.json")
}

func TestNormalizeReadsWhatIsSentOtherwise(t *testing.T) {
	const form = "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nDisk full\r\n--b\r\nContent-Disposition: form-data; name=\"p\"; filename=\"p.png\"\r\nContent-Type: image/png\r\n\r\n\x89\r\n--b--\r\n"
	s := &shell{t: t, home: t.TempDir(), stdin: form}
	if p := s.want(0, "normalize", "-"); !strings.Contains(p.out, `"title": "Disk full"`) || !strings.Contains(p.err, `note: the file "p" of the form`) {
		t.Errorf("a form of parts: %s %s", p.out, p.err)
	}
	s.stdin = "{\"title\":\"\xb4\xc5\xc5\xcc\xd2\xd1\xc2\xfa\"}"
	if p := s.want(0, "normalize", "--header", "Content-Type: application/json; charset=gbk", "-"); !strings.Contains(p.out, `"title": "磁盘已满"`) {
		t.Errorf("GBK: %s %s", p.out, p.err)
	}
	for header, want := range map[string]string{"Content-Encoding: br": "expected gzip, deflate", "Content-Encoding: gzip": "not gzip", "Content-Type: text/plain; charset=koi8-r": `"koi8-r"`} {
		if p := s.want(1, "normalize", "--header", header, "-"); !strings.Contains(p.err, want) {
			t.Errorf("%s: %s", header, p.err)
		}
	}
}

func TestTestPageWaitsUntilItWasSent(t *testing.T) {
	w := opstest.New(t)
	s := newShell(t, w, "ann", ops.EventsWrite)
	s.want(4, "test-page", "--to", "me")
	if err := w.Desk.Contacts.Put(t.Context(), contactOfAnn()); err != nil {
		t.Fatal(err)
	}
	s.want(6, "test-page", "--to", "me", "--wait", "1ms")
	golden(t, "test-page", s.want(0, "test-page", "--to", "me", "--wait", "0"))
	go func() {
		for {
			e, err := w.Desk.Events.Store.Get(context.Background(), "E-3")
			if err == nil {
				_ = sendPage(w, e)
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	if p := s.want(0, "test-page", "--to", "ann", "--wait", "30s"); !strings.Contains(p.err, "Sent to ann") {
		t.Errorf("printed %q", p.err)
	}
}

func TestCompletionKnowsIDsAndWords(t *testing.T) {
	w := opstest.New(t)
	s := newShell(t, w, "ann", ops.Admin)
	s.want(0, "events", "report", "--title", "Slow")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"events", "acknowledge", ""}, "E-1\tSlow"},
		{[]string{"events", "assign", "E-1", "--member", ""}, ""},
		{[]string{"contacts", "list", "b"}, "bob\tBob"},
		{[]string{"events", "set-priority", "E-1", "--priority", ""}, "P1\nP2\nP3\nP4"},
		{[]string{"tokens", "create", "--scopes", "conf"}, "config:read\nconfig:write"},
	} {
		p := s.want(0, append([]string{"__complete"}, c.args...)...)
		if !strings.Contains(p.out, c.want) {
			t.Errorf("%v: %q, want %q", c.args, p.out, c.want)
		}
	}
}

func contactOfAnn() catalog.Contact {
	return catalog.Contact{ID: "email", Member: "ann", Channel: catalog.Email, Address: "ann@example.com", Verified: true}
}

func sendPage(w *opstest.World, e event.Event) error {
	m := messageTo(e, w.Now())
	_, err := w.Desk.Events.Store.Outbox.Add(context.Background(), m)
	return err
}
