package main

import (
	"encoding/json"
	"fmt"
	"time"

	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/prometheus"
)

// webhook is what Alertmanager posts for n alerts of a group.
func webhook(n int) []byte {
	var alerts []any
	for i := range n {
		instance := fmt.Sprintf("db-%d:9100", i)
		alerts = append(alerts, map[string]any{
			"status": "firing",
			"labels": map[string]string{"alertname": "HighDiskUsage", "instance": instance, "job": "node", "severity": "critical", "env": "prod",
				"service": "service-0", "level": "critical", "cluster": "eu-1", "namespace": "storage"},
			"annotations": map[string]string{"summary": "Disk of " + instance + " is full", "runbook_url": "https://runbooks.example.com/disk-full",
				"description": "98 % used; writes will fail within the hour."},
			"startsAt": "2026-03-01T08:55:12.402Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": fmt.Sprintf("%016x", 0x00aa11bb22cc33d1+i),
			"generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=disk_used_ratio+%3E+0.95&g0.tab=1",
		})
	}
	body, err := json.Marshal(map[string]any{
		"receiver": "tocsin", "status": "firing", "alerts": alerts, "version": "4", "truncatedAlerts": 0,
		"groupLabels": map[string]string{"alertname": "HighDiskUsage"}, "commonLabels": map[string]string{"alertname": "HighDiskUsage", "job": "node"},
		"commonAnnotations": map[string]string{}, "externalURL": "http://alertmanager.example.com:9093", "groupKey": `{}:{alertname="HighDiskUsage"}`,
	})
	if err != nil {
		panic(err) // constant but for numbers
	}
	return body
}

// plain has the fields of a webhook that we use, for encoding/json.
type plain struct {
	Version         string   `json:"version"`
	GroupKey        string   `json:"groupKey"`
	TruncatedAlerts int      `json:"truncatedAlerts"`
	Alerts          []firing `json:"alerts"`
}

type firing struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  annotations       `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

type annotations struct {
	Summary     string `json:"summary"`
	Description string `json:"description"`
	RunbookURL  string `json:"runbook_url"`
}

// read reads the same fields with the decoder of shared/doc.
func read(body []byte) (plain, error) {
	root, err := doc.JSON(body)
	if err != nil {
		return plain{}, err
	}
	alerts := root.Get("alerts")
	p := plain{Version: root.Get("version").Text(), GroupKey: root.Get("groupKey").Text(), Alerts: make([]firing, 0, alerts.Len())}
	for v := range alerts.Items() {
		p.Alerts = append(p.Alerts, firing{
			Status: v.Get("status").Text(), Labels: texts(v.Get("labels")), Annotations: told(v.Get("annotations")),
			StartsAt: source.Instant(v.Get("startsAt").Text()), EndsAt: source.Instant(v.Get("endsAt").Text()),
			GeneratorURL: v.Get("generatorURL").Text(), Fingerprint: v.Get("fingerprint").Text(),
		})
	}
	return p, nil
}

func told(v doc.Value) annotations {
	return annotations{v.Get("summary").Text(), v.Get("description").Text(), v.Get("runbook_url").Text()}
}

func texts(v doc.Value) map[string]string {
	m := make(map[string]string, v.Len())
	for name, value := range v.Fields() {
		m[name] = value.Text()
	}
	return m
}

// decoding compares the decoder with encoding/json into the same struct, and
// shows what parsing with all normalising takes beside that.
func decoding() ([]row, error) {
	var rows []row
	for _, n := range []int{10, 100} {
		body, at := webhook(n), time.Now()
		parsed, err := prometheus.Parse(&source.Request{Body: body, At: at})
		if err != nil || len(parsed.Items) != n {
			return nil, fmt.Errorf("parsed %d alerts: %w", len(parsed.Items), err)
		}
		peer := func() {
			var p plain
			_ = json.Unmarshal(body, &p)
		}
		rows = append(rows,
			rowOf(fmt.Sprintf("decode %d alerts, beside encoding/json", n), compare(func() { _, _ = read(body) }, peer), target{least: 3}),
			rowOf(fmt.Sprintf("decode and normalise %d alerts, beside encoding/json", n),
				compare(func() { _, _ = prometheus.Parse(&source.Request{Body: body, At: at}) }, peer), target{}))
	}
	return rows, nil
}
