package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/splunk"
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, splunk.Source, []intaketest.Case{
		{File: "search.json", Alerts: []string{`firing P2 error search:search/Failed logins 2026-03-01T08:59:00Z "Failed logins"`}},
		{File: "itsi-episode.json", Alerts: []string{`firing P2 error episode:aa11bb22-0001 2026-03-01T08:55:00Z "Checkout is degraded"`}},
		{File: "itsi-episode-closed.json", Alerts: []string{`resolved P2 error episode:aa11bb22-0001 2026-03-01T08:55:00Z "Checkout is degraded"`}},
		{File: "detector-anomalous.json", Status: 200, Secrets: []string{"sfx-new", "sfx-secret"}, Alerts: []string{`firing P2 error incident:FaBcDeFgHiJ 2026-03-01T08:57:00Z "Memory of hosts: Running out of memory"`}},
		{File: "detector-ok.json", Status: 200, Alerts: []string{`resolved P2 error incident:FaBcDeFgHiJ - "Memory of hosts: Running out of memory"`}},
		{File: "detector-ok.json", Secrets: []string{"sfx-secret"}, Status: 401},
		{File: "detector-manually-resolved.json", Status: 200, Alerts: []string{`resolved P2 error incident:FaBcDeFgHiJ - "Memory of hosts: Running out of memory"`}},
		{File: "on-call-unacked.json", Alerts: []string{`firing P1 critical entity:shop/checkout 2026-03-01T08:57:00Z "Checkout is slow"`}},
		{File: "on-call-acked.json", Alerts: []string{`acknowledged P1 critical entity:shop/checkout 2026-03-01T08:57:00Z "Checkout is slow"`}},
		{File: "on-call-nested.json", Alerts: []string{`firing P1 critical entity:cert/api 2026-03-01T08:05:09Z "Certificate of api"`}},
		{File: "detector-own-payload.json", Status: 200, Alerts: []string{`firing P1 critical incident:INC-77 - "Critical Alert: cpu (CPU)"`}},
		{File: "on-call-resolved.json", Alerts: []string{`resolved P3 - entity:shop/checkout 2026-03-01T08:57:00Z "Checkout is slow"`}},
	})
}
