package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/github"
)

var secrets = []string{"EXAMPLE-webhook-secret", "EXAMPLE-previous"}

func TestEvents(t *testing.T) {
	intaketest.Run(t, github.Source, []intaketest.Case{
		{File: "check-run-failure.json", Secrets: secrets, Alerts: []string{`firing P2 error hash1:7fa6edaea673a18f9504b705d2d0d781 2026-03-01T08:52:00Z "check lint failed on main in example/shop"`}},
		{File: "check-suite-success.json", Secrets: secrets, Alerts: []string{`resolved P3 - hash1:c52050f258b346903b4fd388d6ab8194 - "checks of GitHub Actions succeeded on main in example/shop"`}},
		{File: "code-scanning-created.json", Secrets: secrets, Alerts: []string{`firing P1 critical code_scanning_alert:example/shop#8 2026-03-01T08:40:00Z "Cross-site scripting in example/shop"`}},
		{File: "dependabot-created.json", Secrets: secrets, Alerts: []string{`firing P2 error dependabot_alert:example/shop#7 2026-02-28T08:00:00Z "tiny runs what it is given in example/shop"`}},
		{File: "dependabot-fixed.json", Secrets: secrets, Alerts: []string{`resolved P2 error dependabot_alert:example/shop#7 2026-02-28T08:00:00Z "tiny runs what it is given in example/shop"`}},
		{File: "deployment-status-failure.json", Secrets: secrets, Alerts: []string{`firing P2 error hash1:3c6b9636c37314f8bae71ce89721e3b8 2026-03-01T08:53:00Z "deployment of main to production failed in example/shop"`}},
		{File: "deployment-status-success.json", Secrets: secrets, Alerts: []string{`resolved P3 - hash1:3c6b9636c37314f8bae71ce89721e3b8 - "deployment of main to production succeeded in example/shop"`}, Changes: []string{"deployment of main to production in example/shop"}},
		{File: "deployment.json", Secrets: secrets, Changes: []string{"deployment of main to production in example/shop"}},
		{File: "issues-labeled.json", Secrets: secrets},
		{File: "ping.json", Secrets: secrets},
		{File: "push.json", Secrets: secrets, Changes: []string{"ann pushed to main (Round totals) in example/shop"}},
		{File: "release-published.json", Secrets: secrets, Changes: []string{"release Round totals in example/shop"}},
		{File: "secret-scanning-resolved.json", Secrets: secrets, Alerts: []string{`resolved P2 error secret_scanning_alert:example/shop#9 2026-03-01T08:00:00Z "Secret found: Mail API Key (mail_key) in example/shop"`}},
		{File: "security-advisory-published.json", Secrets: secrets, Alerts: []string{`firing P4 info advisory:GHSA-gggg-hhhh-jjjj 2026-03-01T08:05:00Z "Low severity issue of tiny"`}},
		{File: "status-failure.json", Secrets: secrets, Alerts: []string{`firing P2 error hash1:26f5dbafa0744d287142725578fc3f98 2026-03-01T08:55:00Z "status ci/other failed on main in example/shop"`}},
		{File: "vulnerability-create.json", Secrets: secrets, Alerts: []string{`firing P3 warning repository_vulnerability_alert:example/shop#3 2026-03-01T08:10:00Z "CVE-2026-00002 in rocket in example/shop"`}},
		{File: "workflow-job-failure.json", Secrets: secrets, Alerts: []string{`firing P2 error hash1:227ed555e25ae5928e38fa86dc3d7db6 2026-03-01T08:54:00Z "job unit failed on main in example/shop"`}},
		{File: "workflow-run-cancelled.json", Secrets: secrets},
		{File: "workflow-run-failure.json", Secrets: secrets, Alerts: []string{`firing P2 error hash1:6216fcb89991c64bbb972da8b2b95b79 2026-03-01T08:55:12Z "workflow ci failed on main in example/shop"`}},
		{File: "workflow-run-form.json", Secrets: secrets, Alerts: []string{`firing P2 error hash1:6216fcb89991c64bbb972da8b2b95b79 2026-03-01T08:55:12Z "workflow ci failed on main in example/shop"`}},
		{File: "workflow-run-requested.json", Secrets: secrets},
		{File: "workflow-run-success.json", Secrets: secrets, Alerts: []string{`resolved P3 - hash1:6216fcb89991c64bbb972da8b2b95b79 - "workflow ci succeeded on main in example/shop"`}},
	})
}
