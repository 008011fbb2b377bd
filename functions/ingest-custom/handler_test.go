package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/detect"
)

func TestEvents(t *testing.T) {
	f := intaketest.Function{Name: "ingest-custom", Source: detect.Source, Serve: (&picker{}).routes}
	f.Run(t, []intaketest.Case{
		{File: "uptime-kuma-down.json", Source: "uptime-kuma", Alerts: []string{`firing P2 error key:4 2026-03-01T08:59:30Z "[Shop] [Down] timeout of 48000ms exceeded"`}},
		{File: "unknown-system.json", Alerts: []string{`firing P2 error key:a-17 - "Queue is long"`}},
		{File: "known-system.json", Alerts: []string{`firing P1 critical fingerprint:00aa11bb22cc33d1 2026-03-01T08:55:12Z "Disk of db-1 is full"`}},
		{File: "text.json", Alerts: []string{`firing P1 critical hash1:0c90545f78b813bde2f222e5d6281dbd - "CRITICAL: disk of db-1 is full"`}},
		{File: "xml.json", Alerts: []string{`firing P3 - key:77 - "Door of rack 4 is open"`}},
		{File: "query.json", Alerts: []string{`firing P2 error key:9 - "Backup failed"`}},
		{File: "multipart.json", Alerts: []string{`firing P1 critical key:d-9 - "Disk of db-1 is full"`}},
		{File: "multipart-file.json", Alerts: []string{`firing P3 - fingerprint:00aa11bb22cc33d2 2026-03-01T08:55:12Z "Disk of db-2 is full"`}},
		{File: "gbk.json", Alerts: []string{`firing P1 critical key:g-7 - "数据库 db-1 磁盘已满"`}},
		{File: "gzip.json", Alerts: []string{`firing P2 error key:z-7 - "Queue is long"`}},
		{File: "query-of-a-post.json", Alerts: []string{`firing P2 error key:10 - "Backup failed"`}},
		{File: "nothing.json", Status: 400, Body: "neither a body nor a query"},
		{File: "empty-body.json", Status: 400, Body: "neither a body nor a query"},
		{File: "bytes.json", Status: 400, Body: "neither JSON, a form, XML nor text"},
		{File: "prefix-of-another.json", Source: "prometheus", Status: 401},
	})
}
