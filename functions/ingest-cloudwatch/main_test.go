package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/shared/function"
	"tocsin/shared/intake/intaketest"
	"tocsin/shared/integration"
	"tocsin/shared/source"
	"tocsin/shared/source/cloudwatch"
	"tocsin/shared/telemetry"
)

const (
	firing = `firing P2 error alarm_arn:arn:aws:cloudwatch:eu-west-1:123456789012:alarm:orders-db-cpu 2026-03-01T08:55:12Z "orders-db-cpu"`
	text   = ` "Nightly import was late"`
)

// vendor plays the endpoint of SNS: it has one certificate, whose key signed
// the events of the folder and was thrown away.
type vendor struct{ t *testing.T }

func (v vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.String() != "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem" {
		return nil, errors.New("not here")
	}
	certificate, err := os.ReadFile("testdata/signing.pem")
	if err != nil {
		v.t.Fatal(err)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(certificate))}, nil
}

func verified(t *testing.T) source.Source {
	src := cloudwatch.Source
	src.Verify = cloudwatch.NewVerifier(&http.Client{Transport: vendor{t}}).Verify
	return src
}

func TestEvents(t *testing.T) {
	intaketest.Run(t, verified(t), []intaketest.Case{
		{File: "alarm-firing.json", Body: `"rejected":[]`, Alerts: []string{firing}},
		{File: "alarm-firing-sha256.json", Alerts: []string{firing}},
		{File: "alarm-resolved.json", Alerts: []string{`resolved P3 - alarm_arn:arn:aws:cloudwatch:eu-west-1:123456789012:alarm:orders-db-cpu - "orders-db-cpu"`}},
		{File: "alarm-insufficient-data.json", Alerts: []string{`firing P4 info alarm_arn:arn:aws:cloudwatch:eu-west-1:123456789012:alarm:orders-db-cpu 2026-03-01T08:58:12Z "orders-db-cpu: insufficient data"`}},
		{File: "composite-alarm.json", Alerts: []string{`firing P1 critical alarm_arn:arn:aws:cloudwatch:eu-west-1:123456789012:alarm:orders-critical 2026-03-01T08:55:13Z "orders-critical"`}},
		{File: "plain-text.json", Alerts: []string{`firing P3 - sns_message:11111111-1111-4111-8111-111111111116 2026-03-01T08:59:58Z` + text}},
		{File: "database-event.json", Alerts: []string{`firing P3 warning hash1:93aca84c633ee656f2e36b28a718fed1 2026-03-01T08:57:00Z "orders-db: Multi-AZ instance failover completed"`}},
		{File: "subscription-confirmation.json", Body: `"keys":[]`},
		{File: "unsubscribe-confirmation.json", Body: `"keys":[]`},
		{File: "tampered.json", Status: 401, Body: `"title":"Unauthorized"`},
		{File: "too-old.json", Status: 401},
		{File: "raw-delivery.json", Status: 401},
		{File: "queue-records.json", Status: 401},
	})
}

func noEnv(string) (string, bool) { return "", false }

func TestSubscriptionIsConfirmedOnlyWhereSNSAsked(t *testing.T) {
	for file, want := range map[string]int{"subscription-confirmation.json": 1, "unsubscribe-confirmation.json": 0, "alarm-firing.json": 0} {
		src := verified(t)
		a := intaketest.NewAccount(src)
		a.Invoke(t, a.Intake(src).Routes(telemetry.NewLogger(a, noEnv), src.Name), intaketest.Read(t, "ingest-cloudwatch", file))
		if len(a.Visits) != want || want == 1 && !strings.HasPrefix(a.Visits[0], "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&") {
			t.Errorf("%s: visited %q", file, a.Visits)
		}
	}
}

// TestUnsignedNeedsASecret: what SNS delivers raw has no signature, so the
// integration's own secret must stand in for it; the key alone does not.
func TestUnsignedNeedsASecret(t *testing.T) {
	for name, c := range map[string]struct {
		auth    integration.Kind
		secrets []string
		file    string
		status  int
	}{
		"bearer":                       {integration.Bearer, []string{"hush-hush"}, "raw-delivery.json", 202},
		"another bearer":               {integration.Bearer, []string{"other"}, "raw-delivery.json", 401},
		"vendor, with a secret stored": {integration.Vendor, []string{"hush-hush"}, "raw-delivery.json", 401},
		"none":                         {integration.None, nil, "raw-delivery.json", 401},
		"of a queue, bearer":           {integration.Bearer, []string{"hush-hush"}, "queue-records.json", 202},
		"of a queue, none":             {integration.None, nil, "queue-records.json", 401},
		"of a queue, vendor":           {integration.Vendor, []string{"hush-hush"}, "queue-records.json", 401},
	} {
		t.Run(name, func(t *testing.T) {
			src := verified(t)
			a := intaketest.NewAccount(src)
			a.Found.Auth, a.Found.Secrets = c.auth, c.secrets
			answer, _ := a.Invoke(t, a.Intake(src).Routes(telemetry.NewLogger(a, noEnv), src.Name), intaketest.Read(t, "ingest-cloudwatch", c.file))
			if answer.StatusCode != c.status {
				t.Errorf("answered %d %s", answer.StatusCode, answer.Body)
			}
		})
	}
}

func TestRepeatHasTheSameDeliveryID(t *testing.T) {
	src := verified(t)
	a := intaketest.NewAccount(src)
	h := a.Intake(src).Routes(telemetry.NewLogger(a, noEnv), src.Name)
	for range 2 {
		a.Invoke(t, h, intaketest.Read(t, "ingest-cloudwatch", "alarm-firing.json"))
	}
	if len(a.Sent) != 2 || a.Sent[0].ID != a.Sent[1].ID || a.Sent[0].SenderID != "11111111-1111-4111-8111-111111111111" {
		t.Errorf("deliveries %+v", a.Sent)
	}
}

func TestCertificateOutOfReachAsksForARepeat(t *testing.T) {
	src := cloudwatch.Source
	src.Verify = cloudwatch.NewVerifier(&http.Client{Transport: unreachable{}}).Verify
	a := intaketest.NewAccount(src)
	answer, _ := a.Invoke(t, a.Intake(src).Routes(telemetry.NewLogger(a, noEnv), src.Name), intaketest.Read(t, "ingest-cloudwatch", "alarm-firing.json"))
	if answer.StatusCode != 503 || len(a.Sent) > 0 {
		t.Errorf("answered %d %s", answer.StatusCode, answer.Body)
	}
}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route")
}

// direct invokes the function as Lambda does.
func direct(t *testing.T, a *intaketest.Account, file string) error {
	t.Helper()
	event, err := os.ReadFile(filepath.Join("../../events/ingest-cloudwatch", file))
	if err != nil {
		t.Fatal(err)
	}
	src := verified(t)
	in, log := a.Intake(src), telemetry.NewLogger(a, noEnv)
	_, err = function.Dispatch(in.Routes(log, src.Name), in.Direct(log, src.Name)).Invoke(t.Context(), event)
	return err
}

func TestDirectInvocations(t *testing.T) {
	for file, want := range map[string][]string{
		"alarm-firing.json":        {firing}, // by API Gateway
		"direct/alarm-action.json": {firing},
		"direct/sns-records.json":  {firing, `firing P3 - sns_message:22222222-2222-4222-8222-222222222221 2026-03-01T08:59:58Z "From a script"`},
		"direct/unreadable.json":   {"rejected: this is no message of SNS"},
	} {
		t.Run(file, func(t *testing.T) {
			a := intaketest.NewAccount(cloudwatch.Source)
			if err := direct(t, a, file); err != nil || len(a.Sent) != 1 {
				t.Fatalf("%d deliveries, %v", len(a.Sent), err)
			}
			integration := "aws"
			if !strings.HasPrefix(file, "direct/") {
				integration = "prod"
			}
			var got []string
			for _, item := range a.Sent[0].Items {
				if item.Alert != nil {
					got = append(got, intaketest.Line(item.Alert))
				} else {
					got = append(got, "rejected: "+item.Rejected)
				}
			}
			if !slices.EqualFunc(got, want, strings.HasPrefix) || a.Sent[0].Integration != integration || a.Sent[0].Source != "cloudwatch" {
				t.Errorf("%s of %s: %q", a.Sent[0].Integration, a.Sent[0].Source, got)
			}
		})
	}
}

func TestDirectInvocationFailsWhereARepeatMayHelp(t *testing.T) {
	a := intaketest.NewAccount(cloudwatch.Source)
	a.Failed = errors.New("throttled by the queue")
	if err := direct(t, a, "direct/alarm-action.json"); err == nil {
		t.Error("nothing would repeat it")
	}
}
