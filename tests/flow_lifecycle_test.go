package tests

import (
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/ledger"
	"tocsin/shared/ops"
	"tocsin/tests/harness"
)

var disk = harness.Alert{Name: "DiskFull", Instance: "db-1"}

func recovered(a harness.Alert) harness.Alert {
	a.Resolved = true
	return a
}

// TestFlowFromAlertToArchive follows one alert as people see it: page,
// acknowledge, resolve, all-clear, record, close, and the record again when it
// happens once more.
func TestFlowFromAlertToArchive(t *testing.T) {
	h := harness.Start(t)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	page := h.Receives("alice")[0]
	if !strings.Contains(page.Subject, "[P1]") || !strings.Contains(page.Text, "Bob") {
		t.Errorf("the page says neither P1 nor who is next:\n%s\n%s", page.Subject, page.Text)
	}
	link := harness.Link(t, page)
	if status, _ := h.Act(link, "acknowledge"); status != 200 {
		t.Errorf("acknowledging answered %d", status)
	}
	h.Settled().In(id, event.AckedState)
	h.Pass(29 * time.Minute).Receives()
	h.Act(link, "resolve")
	clear := h.Receives("alice")[0]
	if harness.EventOf(clear) != id {
		t.Errorf("the all-clear %q is not about %s", clear.Subject, id)
	}
	h.In(id, event.Resolved)
	if _, body := h.Act(link, "close"); !strings.Contains(body, "ause") {
		t.Errorf("closing a P1 without record did not ask for the cause:\n%s", body)
	}
	h.Act(link, "close", "cause_class", "capacity", "cause", "log rotation was off", "solution", "rotated")
	h.Settled().In(id, event.Closed)
	h.Pass(30 * 24 * time.Hour).Receives()

	again := h.Disposed(h.Send(disk), ledger.Opened)
	page = h.Receives("alice")[0]
	if want := "rotated (" + id + ")"; !strings.Contains(page.Text, want) {
		t.Errorf("the page does not say %q:\n%s", want, page.Text)
	}
	var shown ops.EventDetail
	if h.API("GET", "/events/"+again, nil, &shown); shown.LastTime == nil || string(shown.LastTime.Event) != id || shown.LastTime.Record.Cause != "log rotation was off" {
		t.Errorf("%s shows of the last time %+v", again, shown.LastTime)
	}
}

// TestInvariant12NoSecretInALog: neither the key of an integration, nor the
// token of a program, nor that of a link, nor the address of a contact is in
// what functions log.
func TestInvariant12NoSecretInALog(t *testing.T) {
	h := harness.Start(t)
	id := h.Disposed(h.Send(disk), ledger.Opened)
	link := harness.Link(t, h.Receives("alice")[0])
	h.Act(link, "acknowledge")
	h.Act(link[:len(link)-1], "resolve") // a token that is cut short
	h.API("GET", "/events/"+id, nil, nil)
	h.Post(h.Webhook()+"x", h.Body(disk)) // a key that is wrong
	h.Settled()
	functions, _ := h.Logs()
	text, err := os.ReadFile(functions)
	if err != nil || !strings.Contains(string(text), id) {
		t.Fatalf("the log says nothing of %s: %v", id, err)
	}
	for name, secret := range map[string]string{
		"the key": path.Base(h.Webhook()), "the token": h.Token(), "the link": path.Base(link), "the address": "alice@tocsin.example",
	} {
		if strings.Contains(string(text), secret[:len(secret)-1]) {
			t.Errorf("%s is in the log", name)
		}
	}
}
