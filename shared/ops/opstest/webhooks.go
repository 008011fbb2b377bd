package opstest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"

	"tocsin/shared/ddb"
	"tocsin/shared/intake"
	"tocsin/shared/integration"
	"tocsin/shared/queue"
	"tocsin/shared/source/prometheus"
	"tocsin/shared/telemetry"
)

// Webhooks is the ingest function of Prometheus over the world's integrations,
// with a queue in memory.
type Webhooks struct {
	handler http.Handler

	mu   sync.Mutex
	Sent []intake.Delivery
}

func webhooks(settings ddb.Table, secrets *integration.Secrets, w *World) *Webhooks {
	hooks := &Webhooks{}
	log := slog.New(slog.DiscardHandler)
	in := &intake.Intake{
		Pick: intake.Only(prometheus.Source), Function: prometheus.Name, Queue: hooks, Objects: hooks, Now: w.Now, Clock: w.Now,
		Integrations: integration.NewDirectory(&integration.Store{Table: settings}, secrets),
		Metrics:      telemetry.NewMetrics(io.Discard, func(string) (string, bool) { return "", false }),
	}
	hooks.handler = in.Routes(log, prometheus.Name)
	return hooks
}

// Do serves a request in place of the network.
func (h *Webhooks) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// Send keeps what was sent.
func (h *Webhooks) Send(_ context.Context, e queue.Entry) error {
	d, object, err := intake.Decode([]byte(e.Body))
	if err != nil || object != "" {
		return fmt.Errorf("object %q: %w", object, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Sent = append(h.Sent, d)
	return nil
}

// Put refuses: nothing in tests is large.
func (h *Webhooks) Put(context.Context, string, []byte) error {
	return fmt.Errorf("nothing here is large")
}
