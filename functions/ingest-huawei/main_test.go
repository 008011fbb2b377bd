package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"os"
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source"
	"tocsin/shared/source/huawei"
	"tocsin/shared/source/proof"
)

// signedBy is the source as it finds the certificate by which the events are
// signed.
func signedBy(t *testing.T) source.Source {
	t.Helper()
	certificate, err := os.ReadFile("testdata/certificate.pem")
	if err != nil {
		t.Fatal(err)
	}
	return huawei.With(&proof.Certificates{
		Hosts: func(host string) bool { return host == "smn.cn-north-4.myhuaweicloud.com" }, Client: &http.Client{Transport: published(certificate)},
	})
}

// published answers every request with a certificate.
type published []byte

func (p published) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(p))}, nil
}

func TestEvents(t *testing.T) {
	intaketest.Run(t, signedBy(t), []intaketest.Case{
		{File: "alarm-english.json", Alerts: []string{`firing P2 error hash1:16a06245d08d377430fbd295ed27364d 2026-03-01T08:57:00Z "ECS web-1: CPU Usage"`}},
		{File: "alarm-older.json", Alerts: []string{`firing P3 warning hash1:3ed271abf341af2f1a33eb33ebccff65 2026-03-01T08:57:00Z "orders-db: Storage Space Usage"`}},
		{File: "alarm-resolved.json", Alerts: []string{`resolved P1 critical hash1:5a88aa2a55a615f48f17c8d06733ed38 - "云服务器 web-1: CPU使用率"`}},
		{File: "alarm.json", Alerts: []string{`firing P1 critical hash1:5a88aa2a55a615f48f17c8d06733ed38 2026-03-01T08:57:00Z "云服务器 web-1: CPU使用率"`}},
		{File: "subscription.json", Body: `"keys":[]`},
		{File: "tampered.json", Status: 401},
		{File: "text-resolved.json", Alerts: []string{`resolved P2 error hash1:2172c485f2dfaccbd12f7b967e094e5d - "[华为云][重要告警恢复]云监控通知：分布式缓存服务 “cache-1” 的内存利用率已恢复正常。"`}},
		{File: "text.json", Alerts: []string{`firing P2 error hash1:2172c485f2dfaccbd12f7b967e094e5d 2026-03-01T08:58:00Z "[华为云][重要告警]云监控通知：分布式缓存服务 “cache-1” 的内存利用率已触发告警。"`}},
		{File: "unsubscribed.json", Body: `"keys":[]`},
	})
}

func TestSubscriptionIsConfirmedOnce(t *testing.T) {
	src := signedBy(t)
	a := intaketest.NewAccount(src)
	h := a.Intake(src).Routes(slog.New(slog.DiscardHandler), huawei.Name)
	answer, _ := a.Invoke(t, h, intaketest.Read(t, "ingest-huawei", "subscription.json"))
	const want = "https://console.huaweicloud.com/smn/subscription/confirm?token=EXAMPLE&topic_urn=urn:smn:cn-north-4:00000000000000000000000000000001:oncall&region=cn-north-4"
	if answer.StatusCode != http.StatusAccepted || len(a.Visits) != 1 || a.Visits[0] != want {
		t.Errorf("%d, visited %q", answer.StatusCode, a.Visits)
	}
}
