package main

import (
	"strings"
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/grafana"
)

const disk = `firing P1 critical fingerprint:00aa11bb22cc33d1 2026-03-01T08:55:00Z "Disk full: Disk of db-1 is full"`

func resolved(line string) string { return "resolved" + strings.TrimPrefix(line, "firing") }

func TestEvents(t *testing.T) {
	secrets := []string{"grafana-secret-2", "grafana-secret-1"}
	intaketest.Run(t, grafana.Source, []intaketest.Case{
		{File: "firing.json", Alerts: []string{disk}},
		{File: "resolved.json", Alerts: []string{resolved(disk)}},
		{File: "several.json", Body: `"position":3,"reason":"status: is \"suppressed\", expected firing or resolved"`, Alerts: []string{
			disk,
			`resolved P1 critical fingerprint:00aa11bb22cc33d2 2026-03-01T08:55:00Z "Disk full: Disk of db-2 is full"`,
			`firing P1 critical fingerprint:00aa11bb22cc33d3 2026-03-01T08:55:00Z "DatasourceNoData: Queue length"`,
			`rejected: status: is "suppressed", expected firing or resolved`,
		}},
		{File: "test-button.json", Alerts: []string{`firing P3 - fingerprint:57c6d9296de2ad39 2026-03-01T08:59:58Z "TestAlert: Notification test"`}},
		{File: "signed.json", Secrets: secrets, Alerts: []string{disk}},
		{File: "signed-with-time.json", Secrets: secrets, Alerts: []string{disk}},
		{File: "firing.json", Secrets: secrets, Status: 401},
		{File: "signed.json", Secrets: []string{"grafana-secret-3"}, Status: 401},
		{File: "legacy-alerting.json", Alerts: []string{`firing P3 warning rule:1/7 - "Shop CPU"`}},
		{File: "legacy-ok.json", Alerts: []string{`resolved P3 warning rule:1/7 - "Shop CPU"`}},
		{File: "legacy-no-data.json", Alerts: []string{`firing P3 warning rule:1/7 - "No data: Shop CPU"`}},
		{File: "legacy-paused.json", Body: `"keys":[]`},
		{File: "legacy-test.json", Alerts: []string{`firing P3 - hash1:f1880054199fdb9bd0c3aef9359ff056 - "Test notification"`}},
		{File: "custom-payload.json", Alerts: []string{`firing P3 warning hash1:f560cd645afb174aa21d905364bdaa4a - "[FIRING:2] Orders are late (shop)"`}},
	})
}
