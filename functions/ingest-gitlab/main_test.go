package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/gitlab"
)

// secrets are a signing token and a secret token.
var secrets = []string{"whsec_RVhBTVBMRUVYQU1QTEVFWEFNUExFRVhBTVBMRTMyYnk=", "EXAMPLE-gitlab-token"}

func TestEvents(t *testing.T) {
	intaketest.Run(t, gitlab.Source, []intaketest.Case{
		{File: "access-token-expiring.json", Secrets: secrets, Alerts: []string{`firing P3 warning access_token:7/25 - "access token deployer of example/shop expires on 2026-03-07"`}},
		{File: "deployment-failed.json", Secrets: secrets, Alerts: []string{`firing P2 error hash1:5a5535344b281f42bde7c825730b4d64 2026-03-01T08:53:00Z "deployment of main to production failed in example/shop"`}},
		{File: "deployment-success.json", Secrets: secrets, Alerts: []string{`resolved P3 - hash1:5a5535344b281f42bde7c825730b4d64 - "deployment of main to production succeeded in example/shop"`}, Changes: []string{"deployment of main to production in example/shop"}},
		{File: "feature-flag.json", Secrets: secrets, Changes: []string{"feature flag new-checkout turned on in example/shop"}},
		{File: "group-access-token-expiring.json", Secrets: secrets, Alerts: []string{`firing P3 warning access_token:group/35/26 - "access token mirror of example expires on 2026-03-08"`}},
		{File: "incident-opened.json", Secrets: secrets, Alerts: []string{`firing P1 critical incident:example/shop#23 2026-03-01T08:52:00Z "Shop is down"`}},
		{File: "job-allowed-to-fail.json", Secrets: secrets},
		{File: "job-failed.json", Secrets: secrets, Alerts: []string{`firing P2 error hash1:01e51f9c44018992005a334153c08b5b 2026-03-01T08:54:00Z "job unit failed on main in example/shop"`}},
		{File: "merge-request.json", Secrets: secrets},
		{File: "pipeline-failed.json", Secrets: secrets, Alerts: []string{`firing P2 error hash1:13831693f1dca7207b4263bf1ba4dafe 2026-03-01T08:55:12Z "pipeline failed on main in example/shop"`}},
		{File: "pipeline-running.json", Secrets: secrets},
		{File: "pipeline-success-signed.json", Secrets: secrets, Alerts: []string{`resolved P3 - hash1:13831693f1dca7207b4263bf1ba4dafe - "pipeline succeeded on main in example/shop"`}},
		{File: "push.json", Secrets: secrets, Changes: []string{"ann pushed to main (Round totals) in example/shop"}},
		{File: "release.json", Secrets: secrets, Changes: []string{"release Round totals in example/shop"}},
		{File: "tag-push.json", Secrets: secrets, Changes: []string{"ann pushed the tag v2.4 in example/shop"}},
		{File: "vulnerability-confirmed.json", Secrets: secrets, Alerts: []string{`firing P2 error vulnerability:https://gitlab.example.com/example/shop/-/security/vulnerabilities/1 2026-03-01T08:00:00Z "tiny runs what it is given"`}},
		{File: "vulnerability-resolved.json", Secrets: secrets, Alerts: []string{`resolved P2 error vulnerability:https://gitlab.example.com/example/shop/-/security/vulnerabilities/1 2026-03-01T08:00:00Z "tiny runs what it is given"`}},
	})
}
