package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/dynatrace"
)

const failures = `pid:-4405112233445566778_1772355300000V2 2026-03-01T08:55:00Z "Failure rate increase: shop-web-1, checkout"`

func TestEvents(t *testing.T) {
	intaketest.Run(t, dynatrace.Source, []intaketest.Case{
		{File: "open.json", Alerts: []string{"firing P2 error " + failures}},
		{File: "resolved.json", Alerts: []string{"resolved P2 error " + failures}},
		{File: "merged.json", Alerts: []string{"resolved P2 error " + failures}},
		{File: "default-payload-test.json", Alerts: []string{`firing P3 - pid:999999999999999 - "Dynatrace problem notification test run: MyHost1, MyService1"`}},
		{File: "cloudevent.json", Alerts: []string{`firing P3 warning pid:-11_1772355000000V2 2026-03-01T08:50:00Z "CPU saturation"`}},
		{File: "workflow-event.json", Alerts: []string{`resolved P1 critical pid:-12_1772355060000V2 2026-03-01T08:51:00Z "Monitoring not available"`}},
		{File: "unknown-state.json", Status: 422, Body: `State: is \"PONDERING\", expected OPEN, RESOLVED or MERGED`},
	})
}
