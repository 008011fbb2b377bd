package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"tocsin/shared/ledger"
)

// Alert is one alert of an Alertmanager webhook that a test sends.
type Alert struct {
	Name     string // alertname; also tells its group
	Instance string // distinguishes alerts of a group
	Severity string // "" is critical
	Resolved bool
	Episode  int               // start time in minutes; another episode starts later
	Labels   map[string]string // more of them
}

// Receipt is the answer to an accepted delivery.
type Receipt struct {
	DeliveryID string   `json:"delivery_id"`
	Keys       []string `json:"keys"`
}

// Send posts a webhook with alerts as Alertmanager does and fails the test
// unless it is accepted.
func (h *Harness) Send(alerts ...Alert) Receipt {
	h.t.Helper()
	status, body := h.Post(h.Webhook(), h.Body(alerts...))
	if status != http.StatusAccepted {
		h.t.Fatalf("the webhook answered %d: %s", status, body)
	}
	var r Receipt
	if err := json.Unmarshal(body, &r); err != nil {
		h.t.Fatalf("the webhook answered %s: %v", body, err)
	}
	return r
}

// Webhook is the address to which Alertmanager posts.
func (h *Harness) Webhook() string { return h.Addresses.Front + h.seeded.Webhook }

// Post posts JSON.
func (h *Harness) Post(url string, body []byte) (int, []byte) {
	h.t.Helper()
	resp, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// Body is a webhook of version 4 with alerts of one group.
func (h *Harness) Body(alerts ...Alert) []byte {
	h.t.Helper()
	var list []map[string]any
	for _, a := range alerts {
		list = append(list, h.alert(a))
	}
	body, err := json.Marshal(map[string]any{
		"version": "4", "receiver": "tocsin", "status": list[0]["status"], "alerts": list,
		"groupKey": fmt.Sprintf("{}:{alertname=%q}", alerts[0].Name), "externalURL": "http://alertmanager.example:9093",
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return body
}

func (h *Harness) alert(a Alert) map[string]any {
	if a.Severity == "" {
		a.Severity = "critical"
	}
	labels := map[string]string{"alertname": a.Name, "instance": a.Instance, "severity": a.Severity, "job": "shop"}
	for k, v := range a.Labels {
		labels[k] = v
	}
	status, ends := "firing", "0001-01-01T00:00:00Z"
	starts := h.start.Add(time.Duration(a.Episode) * time.Minute)
	if a.Resolved {
		status, ends = "resolved", starts.Add(time.Second).Format(time.RFC3339)
	}
	return map[string]any{
		"status": status, "labels": labels, "startsAt": starts.Format(time.RFC3339Nano), "endsAt": ends,
		"annotations":  map[string]string{"summary": a.Name + " on " + a.Instance},
		"generatorURL": "http://prometheus.example:9090/graph", "fingerprint": fmt.Sprintf("%x", a.Name+"/"+a.Instance),
	}
}

// Dispositions waits until a delivery is in the ledger and returns where its
// alerts ended, by position.
func (h *Harness) Dispositions(r Receipt) []ledger.Disposition {
	h.t.Helper()
	h.Settled()
	ctx, cancel := h.Context()
	defer cancel()
	parts, err := h.Ledger().Get(ctx, r.DeliveryID)
	if err != nil {
		h.t.Fatal(err)
	}
	var all []ledger.Disposition
	for _, p := range parts {
		all = append(all, p.Dispositions...)
	}
	return all
}

// Disposed fails the test unless the only alert of a delivery ended so, and
// returns its event.
func (h *Harness) Disposed(r Receipt, kind ledger.Kind) string {
	h.t.Helper()
	all := h.Dispositions(r)
	if len(all) != 1 || all[0].Kind != kind {
		h.t.Fatalf("disposed as %+v, want %s", all, kind)
	}
	return all[0].Event
}
