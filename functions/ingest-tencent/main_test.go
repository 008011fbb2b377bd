package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/tencent"
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, tencent.Source, []intaketest.Case{
		{File: "address-check.json", Status: 200, Body: `{"sessionId":"s-0002","retCode":0}`},
		{File: "eventbridge.json", Alerts: []string{`firing P2 error hash1:c807f4026d93abce3702aed50caada08 2026-03-01T08:55:00Z "guest_reboot on ins-4kq9d2ab"`}},
		{File: "event-firing.json", Status: 200, Body: `{"sessionId":"s-0001","retCode":0}`, Alerts: []string{`firing P2 error hash1:611056ceb2e1e5eb8928a4ed17c214b3 2026-03-01T08:50:00Z "ping unreachable on ins-00000002"`}},
		{File: "logs-firing.json", Alerts: []string{`firing P3 warning record_group:0a1b2c3d-0000-4000-8000-000000000001 2026-03-01T08:57:00Z "Too many 5xx"`}},
		{File: "logs-snake-case.json", Alerts: []string{`firing P1 critical record_group:0a1b2c3d-0000-4000-8000-000000000002 2026-03-01T08:57:00Z "Too many 5xx"`}},
		{File: "logs-resolved.json", Alerts: []string{`resolved P3 warning record_group:0a1b2c3d-0000-4000-8000-000000000001 2026-03-01T08:57:00Z "Too many 5xx"`}},
		{File: "metric-firing.json", Status: 200, Body: `{"sessionId":"s-0001","retCode":0}`, Alerts: []string{`firing P2 error hash1:fa53f930da919c2e510c55eae9a211fd 2026-03-01T08:50:00Z "CPU utilization > 90% on ins-00000001"`}},
		{File: "metric-no-data.json", Status: 200, Body: `{"sessionId":"s-0001","retCode":0}`, Alerts: []string{`firing P2 error hash1:fa53f930da919c2e510c55eae9a211fd 2026-03-01T08:50:00Z "CPU utilization > 90% on ins-00000001"`}},
		{File: "metric-resolved.json", Status: 200, Body: `{"sessionId":"s-0001","retCode":0}`, Alerts: []string{`resolved P2 error hash1:fa53f930da919c2e510c55eae9a211fd 2026-03-01T08:50:00Z "CPU utilization > 90% on ins-00000001"`}},
		{File: "unknown-status.json", Status: 422, Body: `alarmStatus: is \"9\", expected 1, 0, 2 or -`},
	})
}
