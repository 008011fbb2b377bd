package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/shared/config"
	"tocsin/shared/intake/intaketest"
	"tocsin/shared/integration"
	"tocsin/shared/mapping"
	"tocsin/shared/source"
	"tocsin/shared/source/detect"
	"tocsin/shared/telemetry"
)

// settings is a configuration that can be read, or cannot.
type settings struct {
	config *config.Config
	err    error
}

func (s settings) Current(context.Context) (*config.Config, error) { return s.config, s.err }

const byName = `{"title":"mapped: {alert_name}","key":"{alert_id}"}`

func TestMappingOfAnIntegration(t *testing.T) {
	cfg, problems := config.Parse([]config.Document{{Kind: config.KindMapping, Name: "warehouse", Spec: json.RawMessage(byName)}})
	if problems != nil {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		name    string
		in      integration.Integration
		from    settings
		mapped  bool
		note    string
		source  string
		refused bool
	}{
		{"published", integration.Integration{Source: "custom", Mapping: "warehouse"}, settings{config: cfg}, true, "read by the mapping warehouse", "warehouse", false},
		{"gone", integration.Integration{Source: "custom", Mapping: "gone"}, settings{config: cfg}, false, "there is no mapping gone", "custom", false},
		{"not to be read", integration.Integration{Source: "custom", Mapping: "warehouse"}, settings{err: errors.New("throttled")}, false, "cannot be read now", "custom", false},
		{"none", integration.Integration{Source: "custom"}, settings{config: cfg}, false, "read as custom", "custom", false},
		{"brought along", integration.Integration{Source: "custom", Again: &integration.Again{OnlyRead: false, Mapping: json.RawMessage(byName)}}, settings{config: cfg}, true, "by the given mapping", "mapping", false},
		{"brought along and broken", integration.Integration{Source: "custom", Again: &integration.Again{Mapping: json.RawMessage(`{"titel":1}`)}}, settings{config: cfg}, false, "given mapping is not valid", "custom", false},
		{"another function's source", integration.Integration{Source: "prometheus"}, settings{config: cfg}, false, "", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := intaketest.NewAccount(detect.Source)
			c.in.ID, c.in.Auth = "prod", integration.None
			a.Found.Integration = c.in
			log := telemetry.NewLogger(a, func(string) (string, bool) { return "", false })
			p := &picker{mappings: &mapping.Finder{Config: c.from, Log: slog.New(slog.DiscardHandler)}}
			answer, _ := a.Invoke(t, p.routes(log, a.Intake(detect.Source)), intaketest.Read(t, "ingest-custom", "unknown-system.json"))
			if c.refused {
				if answer.StatusCode != 401 {
					t.Errorf("answered %d", answer.StatusCode)
				}
				return
			}
			if answer.StatusCode != 202 || len(a.Sent) != 1 {
				t.Fatalf("answered %d %s", answer.StatusCode, answer.Body)
			}
			d := a.Sent[0]
			got := d.Items[0].Alert
			if strings.HasPrefix(got.Title, "mapped: ") != c.mapped || got.Source != c.source {
				t.Errorf("read as %+v", got)
			}
			if notes := strings.Join(d.Notes, "; "); !strings.Contains(notes, c.note) {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}

func TestAProofThatCannotBeReadIsNoRefusal(t *testing.T) {
	a := intaketest.NewAccount(detect.Source)
	a.Found.Integration = integration.Integration{ID: "prod", Source: "custom", Mapping: "warehouse", Auth: integration.Vendor}
	log := telemetry.NewLogger(a, func(string) (string, bool) { return "", false })
	p := &picker{mappings: &mapping.Finder{Config: settings{err: errors.New("throttled")}, Log: slog.New(slog.DiscardHandler)}}
	answer, _ := a.Invoke(t, p.routes(log, a.Intake(detect.Source)), intaketest.Read(t, "ingest-custom", "unknown-system.json"))
	if answer.StatusCode != 503 || len(a.Sent) != 0 {
		t.Errorf("answered %d %s, sent %d", answer.StatusCode, answer.Body, len(a.Sent))
	}
}

func TestNothingIsConfirmedWithoutItsSignature(t *testing.T) {
	parsed, err := recognise(&source.Request{At: time.Now(), Header: http.Header{"X-Amz-Sns-Message-Type": {"SubscriptionConfirmation"}}, Body: []byte(`{"Type":"SubscriptionConfirmation","MessageId":"m-1","Token":"t",
		"TopicArn":"arn:aws:sns:eu-west-1:123456789012:ops","Message":"confirm","SubscribeURL":"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:123456789012:ops&Token=t",
		"Timestamp":"2026-03-01T09:00:00.000Z","SignatureVersion":"1","Signature":"AA==","SigningCertURL":"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"}`)})
	if err != nil || parsed.Confirm != nil || !strings.Contains(strings.Join(parsed.Notes, "; "), "not confirmed: create an integration of source cloudwatch") {
		t.Errorf("%+v, %v", parsed, err)
	}
}

func TestMappingTakesWhatItsBodyCanBeReadAs(t *testing.T) {
	for _, c := range []struct {
		name, spec, media, body string
		status                  int
		title                   string
	}{
		{"JSON", `{"title":"{name}"}`, "application/json", `{"name":"Door"}`, 202, "Door"},
		{"XML", `{"title":"{a.name}"}`, "application/xml", `<a><name>Door</name></a>`, 202, "Door"},
		{"a form", `{"title":"{name}"}`, source.FormMedia, `name=Door`, 202, "Door"},
		{"logfmt as text", `{"title":"{name}"}`, "text/plain", `name=Door state=open`, 202, "Door"},
		{"text", `{"title":"{subject}"}`, "text/plain", `The door is open`, 202, "The door is open"},
		{"what it names", `{"title":"{name}","media":"text/plain"}`, "text/plain", `name=Door state=open`, 202, "Door"},
		{"what it does not name", `{"title":"{name}","media":"text/plain"}`, "application/xml", `<a><name>Door</name></a>`, 415, ""},
		{"nothing of it", `{"title":"{name}"}`, "application/xml", `<a><b>1</b></a>`, 422, ""},
		{"broken JSON", `{"alerts":"alerts[*]","title":"{name}"}`, "text/plain", `{bad`, 400, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, problems := config.Parse([]config.Document{{Kind: config.KindMapping, Name: "doors", Spec: json.RawMessage(c.spec)}})
			if problems != nil {
				t.Fatal(problems)
			}
			a := intaketest.NewAccount(detect.Source)
			a.Found.Integration = integration.Integration{ID: "prod", Source: "custom", Mapping: "doors", Auth: integration.None}
			log := telemetry.NewLogger(a, func(string) (string, bool) { return "", false })
			p := &picker{mappings: &mapping.Finder{Config: settings{config: cfg}, Log: slog.New(slog.DiscardHandler)}}
			event := intaketest.Read(t, "ingest-custom", "unknown-system.json")
			event.Headers["content-type"], event.Body, event.IsBase64Encoded = c.media, c.body, false
			answer, _ := a.Invoke(t, p.routes(log, a.Intake(detect.Source)), event)
			if answer.StatusCode != c.status {
				t.Fatalf("answered %d %s", answer.StatusCode, answer.Body)
			}
			if c.title != "" && (len(a.Sent) != 1 || a.Sent[0].Items[0].Alert.Title != c.title) {
				t.Errorf("sent %+v", a.Sent)
			}
		})
	}
}
