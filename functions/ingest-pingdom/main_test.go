package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/pingdom"
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, pingdom.Source, []intaketest.Case{
		{File: "http-down.json", Alerts: []string{`firing P2 error check:4711 2026-03-01T08:58:00Z "Shop front page is DOWN"`}},
		{File: "http-up.json", Alerts: []string{`resolved P2 error check:4711 - "Shop front page is UP"`}},
		{File: "transaction-failing.json", Alerts: []string{`firing P3 warning check:4712 2026-03-01T08:58:10Z "Buy a book is FAILING"`}},
		{File: "transaction-success.json", Alerts: []string{`resolved P3 warning check:4712 - "Buy a book is SUCCESS"`}},
		{File: "test.json", Alerts: []string{`firing P3 - check:12345 2016-01-01T01:01:01Z "Name of DNS check is DOWN"`}},
	})
}
