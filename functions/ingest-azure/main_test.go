package main

import (
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/azure"
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, azure.Source, []intaketest.Case{
		{File: "activity-log.json", Alerts: []string{`firing P3 warning activity_event:e-1 2026-03-01T08:51:00Z "microsoft.compute/virtualMachines/delete Succeeded on orders-1"`}},
		{File: "autoscale.json", Changes: []string{"Scale Out of orders from 3 to 5"}},
		{File: "budget-aip.json", Alerts: []string{`firing P3 - hash1:7a63ce0a4236e4300a23cb2d269c3e1a - "Budget shop-monthly: 4100 spent of 5000"`}},
		{File: "budget.json", Alerts: []string{`firing P3 - hash1:ce1cf91a6f1e638cd45869a5f57ec33c 2026-03-01T08:55:12Z "Budget shop-monthly: $4210.50 forecast of $4000.00"`}},
		{File: "classic-metric-resolved.json", Alerts: []string{`resolved P3 - hash1:c284e0f46ecd36ea0e20c384369ebd1d - "requests on site"`}},
		{File: "common-log-v2.json", Alerts: []string{`firing P1 critical alert:/subscriptions/0a1b2c3d-0000-4000-8000-000000000001/providers/Microsoft.AlertsManagement/alerts/11aa22bb-0000-4000-8000-000000000002 2026-03-01T08:55:12Z "no-heartbeat on orders-2"`}},
		{File: "common-metric-fired.json", Alerts: []string{`firing P2 error alert:/subscriptions/0a1b2c3d-0000-4000-8000-000000000001/providers/Microsoft.AlertsManagement/alerts/11aa22bb-0000-4000-8000-000000000001 2026-03-01T08:55:12Z "orders-cpu on orders-1"`}},
		{File: "common-metric-resolved.json", Alerts: []string{`resolved P2 error alert:/subscriptions/0a1b2c3d-0000-4000-8000-000000000001/providers/Microsoft.AlertsManagement/alerts/11aa22bb-0000-4000-8000-000000000001 2026-03-01T08:55:12Z "orders-cpu on orders-1"`}},
		{File: "defender-alert.json", Alerts: []string{`firing P2 error security_alert:2518000000000000000_0a1b2c3d 2026-03-01T08:51:00Z "Malware found on orders-1"`}},
		{File: "event-grid-health.json", Alerts: []string{`firing P2 error hash1:f1d72101e48cae320aded272d5361262 2026-03-01T08:50:00Z "orders-1 is Unavailable"`}},
		{File: "event-grid-secret.json", Alerts: []string{`firing P3 warning hash1:6d2ed69066eff44128f25a2c1f2459f9 2026-03-01T08:50:00Z "SecretNearExpiry on orders-db"`}},
		{File: "log-v1.json", Alerts: []string{`firing P2 error hash1:2d1676e11b54de1bf2e52de7f95aa8d3 2026-03-01T08:50:00Z "too many 500"`}},
		{File: "metric-v2-activated.json", Alerts: []string{`firing P3 warning hash1:6054748c8a739073bf2790ff178c0a95 2026-03-01T08:52:35Z "orders cpu on orders-1"`}},
		{File: "metric-v2-deactivated.json", Alerts: []string{`resolved P3 warning hash1:6054748c8a739073bf2790ff178c0a95 - "orders cpu on orders-1"`}},
		{File: "prometheus-rule-group.json", Alerts: []string{`firing P3 warning alert:/subscriptions/0a1b2c3d-0000-4000-8000-000000000001/providers/Microsoft.AlertsManagement/alerts/11aa22bb-0000-4000-8000-000000000005 2026-03-01T08:55:12Z "PodsCrash on aks-1"`}},
		{File: "resource-health-available.json", Alerts: []string{`resolved P4 info resource_health:/subscriptions/0a1b2c3d-0000-4000-8000-000000000001/resourcegroups/shop/providers/microsoft.compute/virtualmachines/orders-1 - "vm-health: The machine is down on orders-1"`}},
		{File: "resource-health-unavailable.json", Alerts: []string{`firing P2 error resource_health:/subscriptions/0a1b2c3d-0000-4000-8000-000000000001/resourcegroups/shop/providers/microsoft.compute/virtualmachines/orders-1 2026-03-01T08:50:01Z "vm-health: The machine is down on orders-1"`}},
		{File: "sentinel-closed.json", Alerts: []string{`resolved P2 error sentinel_incident:0a1b2c3d-0000-4000-8000-00000000000a 2026-03-01T08:12:00Z "Impossible travel of ann@example.com"`}},
		{File: "sentinel-new.json", Alerts: []string{`firing P2 error sentinel_incident:0a1b2c3d-0000-4000-8000-00000000000a 2026-03-01T08:12:00Z "Impossible travel of ann@example.com"`}},
		{File: "service-health-active.json", Alerts: []string{`firing P2 error service_health:QX1R-9ZZ 2026-03-01T08:41:00Z "azure-issues: Storage is slow in West Europe"`}},
		{File: "service-health-maintenance.json", Alerts: []string{`firing P4 info service_health:MX1R-9ZZ 2026-03-01T08:41:00Z "azure-issues: Storage will be maintained"`}},
		{File: "service-health-resolved.json", Alerts: []string{`resolved P2 error service_health:QX1R-9ZZ 2026-03-01T08:30:00Z "azure-issues: Storage is slow in West Europe"`}},
	})
}
