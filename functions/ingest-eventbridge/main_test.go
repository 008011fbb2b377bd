package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/shared/function"
	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source/eventbridge"
	"tocsin/shared/telemetry"
)

const (
	alarmKey = "alarm_arn:arn:aws:cloudwatch:eu-west-1:123456789012:alarm:orders-db-cpu"
	firing   = `firing P2 error ` + alarmKey + ` 2026-03-01T08:55:12Z "orders-db-cpu"`
)

func TestEvents(t *testing.T) {
	intaketest.Run(t, eventbridge.Source, []intaketest.Case{
		{File: "alarm-firing.json", Alerts: []string{firing}},
		{File: "alarm-resolved.json", Alerts: []string{`resolved P3 - ` + alarmKey + ` - "orders-db-cpu"`}},
		{File: "alarm-contributor.json", Alerts: []string{
			`firing P2 error alarm_contributor:arn:aws:cloudwatch:eu-west-1:123456789012:alarm:orders-db-cpu/0a1b2c3d4e5f6071 2026-03-01T08:56:00Z "orders-db-cpu (TableName=orders)"`}},
		{File: "alarm-configured.json", Body: `"keys":[],"rejected":[]`},
		{File: "guardduty-finding.json", Alerts: []string{
			`firing P2 error guardduty_finding:0123456789abcdef0123456789abcdef 2026-03-01T08:35:00Z "The EC2 instance i-0123456789abcdef0 is querying a domain name associated with Bitcoin activity."`}},
		{File: "health-open.json", Alerts: []string{health("firing")}},
		{File: "health-closed.json", Alerts: []string{health("resolved")}},
		{File: "security-hub-two-findings.json", Alerts: []string{
			`firing P1 critical security_finding:arn:aws:securityhub:eu-west-1:123456789012:subscription/x/v/1/f-1 2026-03-01T08:10:00Z "S3 buckets should block public access"`,
			`resolved P4 info security_finding:arn:aws:securityhub:eu-west-1:123456789012:subscription/x/v/1/f-2 2026-03-01T08:10:00Z "S3 buckets should log"`}},
		{File: "backup-failed.json", Alerts: []string{`firing P2 error backup_job:0a1b2c3d-0000-4000-8000-000000000023 2026-03-01T08:50:00Z "Backup job of vol-1 FAILED"`}},
		{File: "insight-open.json", Alerts: []string{`firing P2 error hash1:263997e39aaa7feda87f58eb36fa484a 2026-03-01T08:50:00Z "DevOps Guru New Insight Open: DynamoDB ConsumedReadCapacityUnits anomalous in shop"`}},
		{File: "canary-failed.json", Alerts: []string{`firing P2 error canary:0123abcd-0000-4000-8000-000000000001 2026-03-01T08:59:30Z "Canary checkout FAILED"`}},
		{File: "canary-passed.json", Alerts: []string{`resolved P3 - canary:0123abcd-0000-4000-8000-000000000001 - "Canary checkout PASSED"`}},
		{File: "codedeploy-succeeded.json", Alerts: []string{`resolved P3 - deployment:123456789012/eu-west-1/orders/production - "Deployment of orders SUCCESS"`}, Changes: []string{"Deployment of orders SUCCESS"}},
		{File: "ecs-deployment-completed.json", Alerts: []string{`resolved P3 - deployment:arn:aws:ecs:eu-west-1:123456789012:service/shop/orders - "Deployment of shop/orders SERVICE_DEPLOYMENT_COMPLETED"`},
			Changes: []string{"Deployment of shop/orders SERVICE_DEPLOYMENT_COMPLETED"}},
		{File: "ecs-deployment-failed.json", Alerts: []string{`firing P2 error deployment:arn:aws:ecs:eu-west-1:123456789012:service/shop/orders 2026-03-01T08:59:30Z "Deployment of shop/orders SERVICE_DEPLOYMENT_FAILED"`}},
		{File: "ecs-task-failed.json", Alerts: []string{`firing P2 error hash1:44cf0e3c5ed23f9a45aa1b7bd024d436 2026-03-01T08:59:30Z "Task of service:orders is STOPPED: EssentialContainerExited"`}},
		{File: "own-event.json", Alerts: []string{`firing P1 critical hash1:b96e4b0b362bad253e9f3de07c9e0e69 2026-03-01T08:59:30Z "Order Stuck: Order 4711 waits for its payment since 2 h"`}},
		{File: "scheduled-event.json", Body: `"keys":[],"rejected":[]`},
	})
}

func health(status string) string {
	return status + ` P2 error health_event:arn:aws:health:eu-west-1::event/RDS/AWS_RDS_OPERATIONAL_ISSUE/AWS_RDS_OPERATIONAL_ISSUE_ABCDE_01234567890 2026-03-01T08:20:00Z "AWS Health issue: AWS_RDS_OPERATIONAL_ISSUE in eu-west-1"`
}

func noEnv(string) (string, bool) { return "", false }

func TestDirectInvocations(t *testing.T) {
	for file, want := range map[string]string{
		"alarm-firing.json": firing,
		"unreadable.json":   "rejected: this is no message of SNS",
	} {
		t.Run(file, func(t *testing.T) {
			event, err := os.ReadFile(filepath.Join("../../events/ingest-eventbridge/direct", file))
			if err != nil {
				t.Fatal(err)
			}
			a := intaketest.NewAccount(eventbridge.Source)
			in, log := a.Intake(eventbridge.Source), telemetry.NewLogger(a, noEnv)
			if _, err := function.Dispatch(in.Routes(log, eventbridge.Name), in.Direct(log, eventbridge.Name)).Invoke(t.Context(), event); err != nil || len(a.Sent) != 1 {
				t.Fatalf("%d deliveries, %v", len(a.Sent), err)
			}
			var got []string
			for _, item := range a.Sent[0].Items {
				if item.Alert != nil {
					got = append(got, intaketest.Line(item.Alert))
				} else {
					got = append(got, "rejected: "+item.Rejected)
				}
			}
			if !slices.EqualFunc(got, []string{want}, strings.HasPrefix) || a.Sent[0].Integration != "aws" {
				t.Errorf("%s: %q", a.Sent[0].Integration, got)
			}
		})
	}
}
