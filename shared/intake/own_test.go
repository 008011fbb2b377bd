package intake

import (
	"errors"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
)

func TestOwnDeliveryIsReadByItsConsumer(t *testing.T) {
	g := newRig()
	own := func(id, body string) Delivery {
		t.Helper()
		d, err := Own(id, "shop", received, alert.Alert{Source: "heartbeat", DedupKey: "heartbeat:backup", Status: alert.Firing, Severity: alert.Error, Title: "backup\nfailed"}, body)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := own("1", "disk full")
	if err := SendOwn(t.Context(), g, d); err != nil {
		t.Fatal(err)
	}
	got := g.delivered(t)
	body, err := got.Body()
	a := got.Items[0].Alert
	if err != nil || string(body) != "disk full" || got.Integration != "heartbeat" || got.Service != "shop" || !got.ReceivedAt.Equal(received) || a.Priority != alert.P2 || a.Title != "backup failed" {
		t.Errorf("delivered %+v %+v: %v", got, a, err)
	}
	if d.ID != own("1", "disk full").ID || d.ID == own("2", "disk full").ID || d.ID == own("1", "").ID {
		t.Errorf("id %s does not stand for id and body", d.ID)
	}
	g.sendErr = errors.New("throttled")
	if err := SendOwn(t.Context(), g, d); !fault.Is(err, fault.Unavailable) {
		t.Errorf("err %v", err)
	}
}
