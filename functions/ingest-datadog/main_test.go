package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/datadog"
)

const (
	group = `9bd4ac313a4d1e8fae2482df7b776280 host:db-1,env:prod `
	cpu   = `"CPU of database hosts (host:db-1,env:prod)"`
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, datadog.Source, []intaketest.Case{
		{File: "triggered.json", Alerts: []string{"firing P2 error aggreg_key:" + group + "2026-03-01T08:57:00Z " + cpu}},
		{File: "renotify.json", Alerts: []string{"firing P2 error aggreg_key:" + group + "2026-03-01T08:59:00Z " + cpu}},
		{File: "recovered.json", Alerts: []string{"resolved P2 error aggreg_key:" + group + "- " + cpu}},
		{File: "no-data.json", Alerts: []string{"firing P3 warning aggreg_key:" + group + "2026-03-01T08:57:00Z " + cpu}},
		{File: "default-triggered.json", Alerts: []string{`firing P3 warning hash1:bb8bd3bb196b1c0bfae7d0e2eef4c5ff 2026-03-01T08:57:00Z "Queue is long (queue:orders)"`}},
		{File: "default-recovered.json", Alerts: []string{`resolved P3 warning hash1:bb8bd3bb196b1c0bfae7d0e2eef4c5ff - "Queue is long (queue:orders)"`}},
		{File: "test.json", Alerts: []string{`firing P3 - hash1:518eb191546392a8b7137b8060c32cfd 2026-03-01T08:57:00Z "[TEST] [Memory Alert]"`}},
		{File: "camel-case-form.json", Alerts: []string{`firing P3 warning monitor:555 host:web-1 2026-03-01T08:57:00Z "Disk of web-1 (host:web-1)"`}},
		{File: "unknown-transition.json", Status: 422, Body: `alert_transition: is \"Muted\", expected Triggered`},
	})
}
