package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/pagerduty"
)

var secrets = []string{"EXAMPLE-pagerduty-secret", "EXAMPLE-previous"}

func TestEvents(t *testing.T) {
	intaketest.Run(t, pagerduty.Source, []intaketest.Case{
		{File: "v1-acknowledged.json", Alerts: []string{`acknowledged P3 - incident:Q3 2026-03-01T08:50:00Z "HTTP is down"`}},
		{File: "v2-triggered-and-resolved.json", Alerts: []string{`firing P2 error incident:Q2 2026-03-01T08:50:00Z "Disk is full"`, `resolved P2 error incident:Q2 2026-03-01T08:50:00Z "Disk is full"`}},
		{File: "v3-acknowledged.json", Secrets: secrets, Alerts: []string{`acknowledged P2 error incident:Q1A2B3 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "v3-annotated.json", Secrets: secrets},
		{File: "v3-escalated-two-signatures.json", Secrets: secrets, Alerts: []string{`firing P4 info incident:Q1A2B3 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "v3-ping.json", Secrets: secrets},
		{File: "v3-priority-updated.json", Secrets: secrets, Alerts: []string{`firing P1 critical incident:Q1A2B3 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "v3-reopened.json", Secrets: secrets, Alerts: []string{`firing P2 error incident:Q1A2B3 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "v3-resolved.json", Secrets: secrets, Alerts: []string{`resolved P2 error incident:Q1A2B3 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "v3-triggered.json", Secrets: secrets, Alerts: []string{`firing P2 error incident:Q1A2B3 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "v3-unacknowledged.json", Secrets: secrets, Alerts: []string{`firing P2 error incident:Q1A2B3 2026-03-01T08:55:12Z "Payments are slow"`}},
	})
}
