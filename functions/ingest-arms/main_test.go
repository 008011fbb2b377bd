package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/arms"
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, arms.Source, []intaketest.Case{
		{File: "alertmanager-firing.json", Alerts: []string{`firing P2 error fingerprint:aa00000000000000000000000000a001 2026-03-01T08:50:00Z "容器内存使用率大于80%"`}},
		{File: "alertmanager-resolved.json", Alerts: []string{`resolved P2 error fingerprint:aa00000000000000000000000000a001 2026-03-01T08:50:00Z "容器内存使用率大于80%"`}},
		{File: "alertmanager-two.json", Alerts: []string{
			`firing P2 error fingerprint:aa00000000000000000000000000a001 2026-03-01T08:50:00Z "容器内存使用率大于80%"`,
			`firing P4 info fingerprint:aa00000000000000000000000000a002 2026-03-01T08:50:00Z "容器内存使用率大于80%"`,
		}},
		{File: "console-test.json", Body: `"keys":[],"rejected":[]`},
		{File: "custom-event.json", Alerts: []string{`firing P1 critical hash1:dbb4ec7d7ac782996166357a2193ee3c 2026-03-01T08:55:00Z "Orders stall"`}},
		{File: "template-chinese-resolved.json", Alerts: []string{`resolved P3 - hash1:f6302941d910044424d7fad8c27b671d 2026-03-01T08:50:00Z "应用错误率过高"`}},
		{File: "template-chinese.json", Alerts: []string{`firing P2 error hash1:f6302941d910044424d7fad8c27b671d 2026-03-01T08:50:00Z "应用错误率过高"`}},
		{File: "template-english-text.json", Alerts: []string{`firing P3 - hash1:74e18a4f60fe5b208fa8af93ff5c32c4 2026-03-01T08:50:00Z "Error rate is high"`}},
	})
}
