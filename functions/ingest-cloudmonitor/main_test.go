package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/cloudmonitor"
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, cloudmonitor.Source, []intaketest.Case{
		{File: "audit-event.json", Alerts: []string{`firing P3 - hash1:0ebc16f08a77488a6b8ddcce42259ce9 2026-03-01T08:50:00Z "DeleteInstance"`}},
		{File: "eventbridge-executed.json", Alerts: []string{`resolved P3 - hash1:0a927b9793fea1924fc1f0269bb7add7 - "Instance:SystemFailure.Reboot:Executed on i-bp100000000000000001"`}},
		{File: "eventbridge-executing.json", Alerts: []string{`firing P3 - hash1:0a927b9793fea1924fc1f0269bb7add7 2026-03-01T08:50:00Z "Instance:SystemFailure.Reboot:Executing on i-bp100000000000000001"`}},
		{File: "queue-envelope-resolved.json", Alerts: []string{`resolved P3 - hash1:6a5cb79c19494649f00cd340512f832b - "磁盘使用率: shop-db-1"`}},
		{File: "queue-level-ok.json", Alerts: []string{`resolved P1 critical hash1:0d72f008c9c160ddc1e0b0d48f9bf4fc - "memory of shop: i-2zeexample02"`}},
		{File: "queue-message.json", Alerts: []string{`firing P3 - hash1:6a5cb79c19494649f00cd340512f832b 2026-03-01T08:50:00Z "磁盘使用率: shop-db-1"`}},
		{File: "subscription-form-resolved.json", Alerts: []string{`resolved P1 critical hash1:3b0ace45730d11abd8f9f83371302534 - "Disk:Stalled:Executing on shop-disk-1"`}},
		{File: "subscription.json", Alerts: []string{`firing P1 critical hash1:3b0ace45730d11abd8f9f83371302534 2026-03-01T08:50:00Z "Disk:Stalled:Executing on shop-disk-1"`}},
		{File: "system-events.json", Alerts: []string{
			`firing P1 critical hash1:0a927b9793fea1924fc1f0269bb7add7 2026-03-01T08:50:00Z "Instance:SystemFailure.Reboot:Executing on shop-web-1"`,
			`firing P4 info hash1:24edad6fe97067de0cd7a734d479749d 2026-03-01T08:50:00Z "Instance:StateChange on shop-web-1"`,
		}},
		{File: "threshold-alert.json", Alerts: []string{`firing P1 critical hash1:c719eada1a208b6206c247b2fac15e3e 2026-03-01T08:58:00Z "基础监控-ECS-CPU使用率: shop-web-1"`}},
		{File: "threshold-json.json", Alerts: []string{`firing P3 - hash1:6aedc9ebf21099708086caed03fc8e45 2026-03-01T08:58:00Z "cpu_of_web"`}},
		{File: "threshold-no-data.json", Alerts: []string{`firing P4 info hash1:c719eada1a208b6206c247b2fac15e3e 2026-03-01T08:58:00Z "基础监控-ECS-CPU使用率: shop-web-1"`}},
		{File: "threshold-ok.json", Alerts: []string{`resolved P1 critical hash1:c719eada1a208b6206c247b2fac15e3e - "基础监控-ECS-CPU使用率: shop-web-1"`}},
		{File: "v2-occurred.json", Alerts: []string{`firing P3 warning hash1:af6d87a4d07a068ddb2a83828fac482a 2026-03-01T08:50:00Z "Latency of cart is high"`}},
		{File: "v2-recovered.json", Alerts: []string{`resolved P3 warning hash1:af6d87a4d07a068ddb2a83828fac482a - "Latency of cart is high"`}},
	})
}
