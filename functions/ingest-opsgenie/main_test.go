package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/opsgenie"
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, opsgenie.Source, []intaketest.Case{
		{File: "acknowledge.json", Alerts: []string{`acknowledged P1 critical alert:052652ac-0000-4000-8000-7dd18bbfba8c-1772355312402 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "add-note.json"},
		{File: "close.json", Alerts: []string{`resolved P1 critical alert:052652ac-0000-4000-8000-7dd18bbfba8c-1772355312402 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "create.json", Alerts: []string{`firing P1 critical alert:052652ac-0000-4000-8000-7dd18bbfba8c-1772355312402 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "custom-action.json"},
		{File: "delete-number.json", Alerts: []string{`resolved P3 warning alert:052652ac-0000-4000-8000-7dd18bbfba8c-1772355312402 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "escalate.json"},
		{File: "unacknowledge.json", Alerts: []string{`firing P1 critical alert:052652ac-0000-4000-8000-7dd18bbfba8c-1772355312402 2026-03-01T08:55:12Z "Payments are slow"`}},
		{File: "update-priority.json", Alerts: []string{`firing P2 error alert:052652ac-0000-4000-8000-7dd18bbfba8c-1772355312402 2026-03-01T08:55:12Z "Payments are slow"`}},
	})
}
