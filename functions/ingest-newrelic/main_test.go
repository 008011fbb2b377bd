package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/newrelic"
)

const errors = `P1 critical issue:0f1e2d3c-0001-4000-8000-00000000a001 2026-03-01T08:55:00Z "shop-web query result is > 5.0 for 5 minutes on 'Error rate'"`

func TestEvents(t *testing.T) {
	intaketest.Run(t, newrelic.Source, []intaketest.Case{
		{File: "issue-created.json", Alerts: []string{"firing " + errors}},
		{File: "issue-activated.json", Alerts: []string{"firing " + errors}},
		{File: "issue-acknowledged.json", Alerts: []string{"acknowledged " + errors}},
		{File: "issue-closed.json", Alerts: []string{"resolved " + errors}},
		{File: "custom-template.json", Alerts: []string{`firing P2 error issue:0f1e2d3c-0001-4000-8000-00000000a002 2026-03-01T08:56:00Z "Memory of db-1 is full"`}},
		{File: "incident-open.json", Alerts: []string{`firing P3 warning incident:1234567/9001 2026-03-01T08:58:00Z "Apdex < 0.8 for at least 5 minutes"`}},
		{File: "incident-acknowledged.json", Alerts: []string{`acknowledged P3 warning incident:1234567/9001 - "Apdex < 0.8 for at least 5 minutes"`}},
		{File: "incident-closed.json", Alerts: []string{`resolved P3 warning incident:1234567/9001 - "Apdex < 0.8 for at least 5 minutes"`}},
		{File: "incident-form.json", Alerts: []string{`firing P3 warning incident:1234567/9001 2026-03-01T08:58:00Z "Apdex < 0.8 for at least 5 minutes"`}},
		{File: "incident-of-issue-activated.json", Alerts: []string{`firing P1 critical issue:4f1c0de2-aaaa-4444-8888-123456789abc 2026-03-01T08:55:12Z "CPU is high on 'web-1'"`}},
		{File: "incident-of-issue-closed.json", Alerts: []string{`resolved P1 critical issue:4f1c0de2-aaaa-4444-8888-123456789abc - "CPU is high on 'web-1'"`}},
		{File: "channel-test.json", Alerts: []string{`firing P4 info incident:1234567/0 2026-03-01T08:58:00Z "New Relic Alert - Test Condition: New Relic Alert - Channel Test"`}},
	})
}
