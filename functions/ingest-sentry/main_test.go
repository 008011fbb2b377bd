package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/sentry"
)

var secrets = []string{"EXAMPLE0client0secret", "EXAMPLE0previous"}

func TestEvents(t *testing.T) {
	intaketest.Run(t, sentry.Source, []intaketest.Case{
		{File: "comment.json", Secrets: secrets},
		{File: "error-created.json", Secrets: secrets, Alerts: []string{`firing P2 error issue:41002 2026-03-01T08:56:01Z "KeyError: 'card'"`}},
		{File: "event-alert.json", Secrets: secrets, Alerts: []string{`firing P1 critical issue:41002 2026-03-01T08:56:01Z "KeyError: 'card'"`}},
		{File: "installation.json", Secrets: secrets},
		{File: "issue-archived.json", Secrets: secrets, Alerts: []string{`resolved P2 error issue:41001 2026-03-01T08:55:12Z "TypeError: total is undefined"`}},
		{File: "issue-assigned-by-rule.json", Secrets: secrets},
		{File: "issue-assigned.json", Secrets: secrets, Alerts: []string{`acknowledged P2 error issue:41001 2026-03-01T08:55:12Z "TypeError: total is undefined"`}},
		{File: "issue-created.json", Secrets: secrets, Alerts: []string{`firing P2 error issue:41001 2026-03-01T08:55:12Z "TypeError: total is undefined"`}},
		{File: "issue-resolved.json", Secrets: secrets, Alerts: []string{`resolved P2 error issue:41001 2026-03-01T08:55:12Z "TypeError: total is undefined"`}},
		{File: "issue-unresolved.json", Secrets: secrets, Alerts: []string{`firing P2 error issue:41001 2026-03-01T08:55:12Z "TypeError: total is undefined"`}},
		{File: "metric-alert-critical.json", Secrets: secrets, Alerts: []string{`firing P1 critical metric_alert:91 2026-03-01T08:49:00Z "Checkout is slow"`}},
		{File: "metric-alert-resolved.json", Secrets: secrets, Alerts: []string{`resolved P3 - metric_alert:91 2026-03-01T08:49:00Z "Checkout is slow"`}},
		{File: "metric-alert-warning.json", Secrets: secrets, Alerts: []string{`firing P3 warning metric_alert:91 2026-03-01T08:49:00Z "Checkout is slow"`}},
		{File: "plugin.json", Alerts: []string{`firing P3 warning issue:41003 2026-03-01T08:55:00Z "cron took 90 s"`}},
		{File: "service-hook.json", Alerts: []string{`firing P2 error issue:4207 2026-03-01T08:58:00Z "ZeroDivisionError: division by zero"`}},
	})
}
