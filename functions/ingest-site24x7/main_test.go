package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/site24x7"
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, site24x7.Source, []intaketest.Case{
		{File: "down.json", Alerts: []string{`firing P1 critical monitor:100000000000012345 2026-03-01T08:57:00Z "Shop is DOWN"`}},
		{File: "up.json", Alerts: []string{`resolved P3 - monitor:100000000000012345 2026-03-01T08:57:00Z "Shop is UP"`}},
		{File: "trouble.json", Alerts: []string{`firing P3 warning monitor:100000000000012345 2026-03-01T08:57:00Z "Shop is TROUBLE"`}},
		{File: "critical.json", Alerts: []string{`firing P1 critical monitor:100000000000012345 2026-03-01T08:57:00Z "Shop is CRITICAL"`}},
		{File: "suspended.json", Body: `"keys":[]`},
		{File: "form.json", Alerts: []string{`firing P1 critical monitor:100000000000012345 2026-03-01T08:57:00Z "Shop is DOWN"`}},
		{File: "custom-template.json", Alerts: []string{`firing P1 critical monitor:100000000000012345 - "Shop is DOWN"`}},
	})
}
