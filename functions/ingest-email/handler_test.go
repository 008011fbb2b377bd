package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"tocsin/shared/fault"
	"tocsin/shared/intake/intaketest"
	"tocsin/shared/integration"
	"tocsin/shared/source/email"
	"tocsin/shared/telemetry"
)

const folder = "../../events/ingest-email"

// bucket holds the mails of the folder.
type bucket struct{ down error }

func (b bucket) GetStart(_ context.Context, name string, limit int64) ([]byte, error) {
	if b.down != nil {
		return nil, b.down
	}
	body, err := os.ReadFile(filepath.Join(folder, strings.TrimPrefix(name, prefix)+".eml"))
	if err != nil {
		return nil, fault.New(fault.Invalid, "object %s is gone", name)
	}
	return body[:min(int64(len(body)), limit)], nil
}

// rig is the handler over an account in memory.
type rig struct {
	handler
	account *intaketest.Account
	wrote   bytes.Buffer
}

func newRig() *rig {
	g := &rig{account: intaketest.NewAccount(email.Source)}
	none := func(string) (string, bool) { return "", false }
	g.handler = handler{mails: bucket{}, intake: g.account.Intake(email.Source), own: "pages@tocsin.example.com",
		metrics: telemetry.NewMetrics(&g.wrote, none), log: slog.New(slog.NewJSONHandler(&g.wrote, nil))}
	return g
}

func (g *rig) invoke(t *testing.T, file string) error {
	t.Helper()
	var e events.SimpleEmailEvent
	raw, err := os.ReadFile(filepath.Join(folder, file+".json"))
	if err == nil {
		err = json.Unmarshal(raw, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g.handle(t.Context(), e)
}

func (g *rig) lines() []string {
	var lines []string
	for _, d := range g.account.Sent {
		for _, item := range d.Items {
			lines = append(lines, intaketest.Line(item.Alert))
		}
	}
	return lines
}

func TestMailsBecomeAlerts(t *testing.T) {
	disk := "hash1:f4e212837600dc08cb79cb705f7609e7"
	for file, want := range map[string]string{
		"down":              `firing P1 critical ` + disk + ` - "CRITICAL: disk full on db-1"`,
		"up":                `resolved P3 - ` + disk + ` - "OK: disk full on db-1"`,
		"answer":            `resolved P3 - ` + disk + ` - "OK: disk full on db-1"`,
		"forged-quarantine": `firing P1 critical ` + disk + ` - "CRITICAL: disk full on db-1"`,
		"status-in-text":    `resolved P3 - hash1:fb24e3a6e7a90747e762291c8c863003 - "Host web-1"`,
		"thread-problem":    `firing P3 - thread:4711.web-2@monitor.example.com - "Problem: High load on web-2"`,
		"thread-recovery":   `resolved P3 - thread:4711.web-2@monitor.example.com - "Resolved in 4m: load of web-2"`,
		"html":              `firing P3 warning hash1:d1f9c99b5dfda9602176ab91bc3b7417 - "WARNUNG für Büro: Drucker"`,
		"chinese":           `resolved P3 - hash1:33ca25aab6c8c795c5bfd78d13429864 - "主机 web-1 磁盘"`,
		"plus":              `firing P1 critical ` + disk + ` - "CRITICAL: disk full on db-1"`,
	} {
		t.Run(file, func(t *testing.T) {
			g := newRig()
			if err := g.invoke(t, file); err != nil {
				t.Fatal(err)
			}
			if got := g.lines(); !slices.Equal(got, []string{want}) {
				t.Errorf("%q, want %q", got, want)
			}
			if !strings.Contains(g.wrote.String(), `"mail taken"`) || strings.Contains(strings.ToUpper(g.wrote.String()), strings.ToUpper(intaketest.Key)) {
				t.Errorf("logged %s", g.wrote.String())
			}
		})
	}
}

// TestDroppedMails are told of in the log and the metrics and, where the
// integration is known, by a delivery without alerts.
func TestDroppedMails(t *testing.T) {
	for file, c := range map[string]struct {
		why       string
		delivered bool
	}{
		"spam":        {"it is spam", true},
		"virus":       {"it holds a virus", true},
		"forged":      {"its sender is forged: DMARC fails, and the domain asks to reject it", true},
		"own":         {"it is one of our own", true},
		"loop":        {"it goes in a loop", true},
		"vacation":    {"it answers one of our own by itself", true},
		"bounce":      {"it is a bounce or a report of delivery", true},
		"no-key":      {"no recipient's address holds a key", false},
		"unknown-key": {"unknown integration, or wrong key or signature", false},
	} {
		t.Run(file, func(t *testing.T) {
			g := newRig()
			if err := g.invoke(t, file); err != nil {
				t.Fatal(err)
			}
			if text := g.wrote.String(); !strings.Contains(text, `"mail dropped"`) || !strings.Contains(text, `"reason":"`+c.why) || !strings.Contains(text, `"MailsDropped":1`) {
				t.Errorf("logged %s", text)
			}
			if len(g.account.Sent) == 1 != c.delivered || len(g.lines()) != 0 {
				t.Fatalf("sent %+v", g.account.Sent)
			}
			if c.delivered && !slices.Contains(g.account.Sent[0].Notes, "dropped: "+c.why) {
				t.Errorf("notes %q", g.account.Sent[0].Notes)
			}
		})
	}
}

func TestVirusIsKeptNowhere(t *testing.T) {
	g := newRig()
	if err := g.invoke(t, "virus"); err != nil {
		t.Fatal(err)
	}
	body, err := g.account.Sent[0].Body()
	if err != nil || strings.Contains(string(body), "97 %") || !strings.Contains(string(body), "Subject:") {
		t.Errorf("kept %q, %v", body, err)
	}
}

// TestMailTwiceIsOneDelivery: SES and Lambda may both repeat.
func TestMailTwiceIsOneDelivery(t *testing.T) {
	g := newRig()
	for range 2 {
		if err := g.invoke(t, "down"); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := g.account.Sent[0], g.account.Sent[1]; a.ID != b.ID || a.SenderID != "down@monitor.example.com" {
		t.Errorf("%s and %s of %s", a.ID, b.ID, a.SenderID)
	}
}

// TestWhatMayPassIsTriedAgain: an error is Lambda's to repeat.
func TestWhatMayPassIsTriedAgain(t *testing.T) {
	for name, harm := range map[string]func(*rig){
		"the bucket is down": func(g *rig) { g.mails = bucket{down: fault.New(fault.Unavailable, "down")} },
		"the queue is down":  func(g *rig) { g.account.Failed = fault.New(fault.Unavailable, "down") },
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig()
			harm(g)
			if err := g.invoke(t, "down"); err == nil || strings.Contains(g.wrote.String(), "MailsDropped") {
				t.Errorf("error %v, logged %s", err, g.wrote.String())
			}
		})
	}
	if err := newRig().invoke(t, "gone"); err == nil {
		t.Error("a mail that is not in the bucket is taken for one that is")
	}
}

// TestProofBesideTheKey: a paused integration takes nothing, and one that names
// who may write takes nothing of others.
func TestProofBesideTheKey(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*integration.Found)
		file   string
		taken  bool
	}{
		"paused":             {func(f *integration.Found) { f.Paused = true }, "down", false},
		"bearer":             {func(f *integration.Found) { f.Auth, f.Secrets = integration.Bearer, []string{"hush"} }, "down", false},
		"another sender":     {func(f *integration.Found) { f.Auth, f.Secrets = integration.Vendor, []string{"other.example.com"} }, "down", false},
		"a sender by domain": {func(f *integration.Found) { f.Auth, f.Secrets = integration.Vendor, []string{"monitor.example.com"} }, "down", true},
		"a sender by address": {func(f *integration.Found) {
			f.Auth, f.Secrets = integration.Vendor, []string{"alerts@monitor.example.com"}
		}, "down", true},
		"a sender without proof": {func(f *integration.Found) { f.Auth, f.Secrets = integration.Vendor, []string{"monitor.example.com"} }, "forged-quarantine", false},
		"another source":         {func(f *integration.Found) { f.Source = "prometheus" }, "down", false},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig()
			c.change(&g.account.Found)
			if err := g.invoke(t, c.file); err != nil {
				t.Fatal(err)
			}
			if len(g.account.Sent) == 1 != c.taken {
				t.Errorf("sent %d, logged %s", len(g.account.Sent), g.wrote.String())
			}
		})
	}
}

func TestOpen(t *testing.T) {
	full := map[string]string{"AWS_REGION": "us-east-1", "CONFIG_TABLE": "c", "ALERTS_QUEUE_URL": "http://q", "BUCKET": "b", "MAIL_FROM": "a@example.com"}
	env := func(without string) func(string) (string, bool) {
		return func(name string) (string, bool) { v, ok := full[name]; return v, ok && name != without }
	}
	for _, missing := range []string{"CONFIG_TABLE", "ALERTS_QUEUE_URL", "BUCKET"} {
		if _, err := newHandler(slog.Default(), env(missing)); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	if h, err := newHandler(slog.Default(), env("")); err != nil || h.own != "a@example.com" {
		t.Errorf("%+v, %v", h, err)
	}
}
