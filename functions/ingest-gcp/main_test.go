package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/gcp"
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, gcp.Source, []intaketest.Case{
		{File: "acknowledged.json", Alerts: []string{`acknowledged P3 - incident:f1 2026-03-01T08:55:12Z "Shop: CPU usage on orders-1"`}},
		{File: "auth-token.json", Secrets: []string{"EXAMPLE-secret-1"}, Alerts: []string{`firing P1 critical incident:0.m1abcdefgh12 2026-03-01T08:55:12Z "Shop CPU: CPU above 90 % on orders-1"`}},
		{File: "basic.json", Secrets: []string{"EXAMPLE-secret-1"}, Alerts: []string{`firing P1 critical incident:0.m1abcdefgh12 2026-03-01T08:55:12Z "Shop CPU: CPU above 90 % on orders-1"`}},
		{File: "closed.json", Alerts: []string{`resolved P1 critical incident:0.m1abcdefgh12 2026-03-01T08:55:12Z "Shop CPU: CPU above 90 % on orders-1"`}},
		{File: "error-reporting.json", Alerts: []string{`firing P2 error hash1:8f9656dd80314b1fcf52076cb92ab9ab - "New error in shop: ValueError: no such order"`}},
		{File: "log-based.json", Alerts: []string{`firing P3 - incident:0.log1 2026-03-01T08:55:12Z "Denied: Log match condition on orders-1"`}},
		{File: "open.json", Body: `"keys":["incident:0.m1abcdefgh12"]`, Alerts: []string{`firing P1 critical incident:0.m1abcdefgh12 2026-03-01T08:55:12Z "Shop CPU: CPU above 90 % on orders-1"`}},
		{File: "pubsub-build-failed.json", Alerts: []string{`firing P2 error hash1:642b994c027c16b3e983161bff5de901 2026-03-01T08:57:00Z "Build of orders FAILURE"`}},
		{File: "pubsub-build-succeeded.json", Alerts: []string{`resolved P3 - hash1:642b994c027c16b3e983161bff5de901 - "Build of orders SUCCESS"`}},
		{File: "pubsub-closed.json", Alerts: []string{`resolved P1 critical incident:0.m1abcdefgh12 2026-03-01T08:55:12Z "Shop CPU: CPU above 90 % on orders-1"`}},
		{File: "security-finding.json", Alerts: []string{`firing P2 error finding:organizations/100000000001/sources/2/findings/0a1b2c3d 2026-03-01T08:50:01Z "PUBLIC_IP_ADDRESS on orders-1"`}},
		{File: "test-connection.json", Alerts: []string{`firing P3 - incident:12345 - "Test Incident"`}},
	})
}
