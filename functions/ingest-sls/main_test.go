package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/sls"
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, sls.Source, []intaketest.Case{
		{File: "firing.json", Alerts: []string{`firing P1 critical hash1:f7e1819ce2c17947b9019c88daeec1d3 2026-03-01T08:40:00Z "登录失败过多 (login-1)"`}},
		{File: "merged.json", Alerts: []string{
			`firing P1 critical hash1:f7e1819ce2c17947b9019c88daeec1d3 2026-03-01T08:40:00Z "登录失败过多 (login-1)"`,
			`firing P3 warning hash1:c9c7b6c863ffed567da7f83c254779d5 2026-03-01T08:40:00Z "慢查询: 登录失败过多 (login-1)"`,
		}},
		{File: "newer-template.json", Alerts: []string{`firing P4 info fingerprint:f0e1d2c3b4a59687 2026-03-01T08:40:00Z "登录失败过多 (login-1)"`}},
		{File: "no-alert.json", Status: 422, Body: `alert_name: missing`},
		{File: "resolved.json", Alerts: []string{`resolved P1 critical hash1:f7e1819ce2c17947b9019c88daeec1d3 2026-03-01T08:40:00Z "登录失败过多 (login-1)"`}},
	})
}
