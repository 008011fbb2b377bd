package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"tocsin/shared/httpapi"
	"tocsin/shared/intake/intaketest"
	"tocsin/shared/queue"
	"tocsin/shared/source/prometheus"
	"tocsin/shared/telemetry"
)

// taker takes what is sent.
type taker struct{}

func (taker) Send(context.Context, queue.Entry) error { return nil }

// BenchmarkAccept is what a webhook costs without its call of the queue: from
// the event as Lambda hands it over to the answer.
func BenchmarkAccept(b *testing.B) {
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprintf("alerts=%d", n), func(b *testing.B) {
			in := intaketest.NewAccount(prometheus.Source).Intake(prometheus.Source)
			none := func(string) (string, bool) { return "", false }
			in.Queue, in.Metrics = taker{}, telemetry.NewMetrics(io.Discard, none)
			at := time.Now()
			in.Now = func() time.Time { at = at.Add(time.Second); return at } // slowly, or the limit refuses them
			f, event := httpapi.Lambda(in.Routes(telemetry.NewLogger(io.Discard, none), prometheus.Name)), webhook(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if answer, err := f.Invoke(b.Context(), event); err != nil || !strings.Contains(string(answer), `"statusCode":202`) {
					b.Fatalf("%s, %v", answer, err)
				}
			}
		})
	}
}

// webhook is an event of API Gateway with n alerts of Alertmanager.
func webhook(b *testing.B, n int) []byte {
	e := intaketest.Read(b, "ingest-prometheus", "alertmanager-firing.json")
	var body struct {
		Receiver string           `json:"receiver"`
		Status   string           `json:"status"`
		Alerts   []map[string]any `json:"alerts"`
		Version  string           `json:"version"`
	}
	if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
		b.Fatal(err)
	}
	alert := body.Alerts[0]
	for len(body.Alerts) < n {
		another := map[string]any{}
		for k, v := range alert {
			another[k] = v
		}
		another["fingerprint"] = fmt.Sprintf("%016x", len(body.Alerts))
		body.Alerts = append(body.Alerts, another)
	}
	text, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	e.Body = string(text)
	if text, err = json.Marshal(e); err != nil {
		b.Fatal(err)
	}
	return text
}
