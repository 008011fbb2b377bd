package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/zabbix"
)

const space = `event:4815 2026-03-01T08:55:00Z "Free space of / is below 5 % on db-1"`

func TestEvents(t *testing.T) {
	intaketest.Run(t, zabbix.Source, []intaketest.Case{
		{File: "problem.json", Alerts: []string{"firing P2 error " + space}},
		{File: "recovery.json", Alerts: []string{"resolved P2 error " + space}},
		{File: "acknowledged.json", Alerts: []string{"acknowledged P2 error " + space}},
		{File: "severity-changed.json", Alerts: []string{"firing P1 critical " + space}},
		{File: "macros-as-names.json", Alerts: []string{`firing P1 critical event:4816 2026-03-01T08:57:00Z "MySQL is down on db-2"`}},
		{File: "alert-script.json", Alerts: []string{`firing P3 warning event:10528 - "Zabbix agent is unreachable for 5 minutes on web-1"`}},
		{File: "alert-script-ok.json", Alerts: []string{`resolved P3 warning event:10528 - "Zabbix agent is unreachable for 5 minutes on web-1"`}},
		{File: "alert-script-older.json", Alerts: []string{`firing P2 error event:4711 - "Disk is full"`}},
		{File: "default-message.json", Alerts: []string{`resolved P3 warning event:5121 - "Load average is too high on web-7"`}},
		{File: "test-unfilled.json", Body: `"keys":[]`},
		{File: "discovery.json", Body: `"keys":[]`},
	})
}
