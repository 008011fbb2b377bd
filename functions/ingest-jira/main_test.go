package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/jira"
)

var secrets = []string{"EXAMPLE-jira-secret", "EXAMPLE-previous"}

func TestEvents(t *testing.T) {
	intaketest.Run(t, jira.Source, []intaketest.Case{
		{File: "automation.json", Alerts: []string{`firing P1 critical issue:OPS-7 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "comment-created.json", Secrets: secrets},
		{File: "data-center.json", Alerts: []string{`firing P1 critical issue:SHOP-2 2026-03-01T08:55:12Z "Disk is full"`}},
		{File: "issue-created.json", Secrets: secrets, Alerts: []string{`firing P2 error issue:OPS-7 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "issue-deleted.json", Secrets: secrets, Alerts: []string{`resolved P2 error issue:OPS-7 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "issue-done.json", Secrets: secrets, Alerts: []string{`resolved P2 error issue:OPS-7 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "issue-edited.json", Secrets: secrets, Alerts: []string{`firing P2 error issue:OPS-7 2026-03-01T08:55:12Z "Payments are slow again"`}},
		{File: "issue-in-progress.json", Secrets: secrets, Alerts: []string{`acknowledged P2 error issue:OPS-7 2026-03-01T08:55:12Z "Payments are slow"`}},
	})
}
