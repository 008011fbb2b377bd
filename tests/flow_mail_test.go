package tests

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/ledger"
	"tocsin/tests/harness"
)

// mails sends a mail to an address and waits until what followed has settled.
func mails(t *testing.T, h *harness.Harness, address, text string) {
	t.Helper()
	resp, err := http.Post(h.Addresses.Front+"/mail/"+address, "message/rfc822", strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if said, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("the mail was answered %d %s, %v", resp.StatusCode, said, err)
	}
	h.Settled()
}

const (
	diskMail = `From: Monitoring <alerts@monitor.example.com>
To: %s
Subject: %s
Message-ID: <%s@monitor.example.com>
%s
/var is 97 %% full
`
	root = "4711.disk"
)

// lastOf is the newest delivery of an integration.
func lastOf(t *testing.T, h *harness.Harness, id string) (delivery, disposition string) {
	t.Helper()
	var shown struct {
		Last struct{ ID string } `json:"last_delivery"`
	}
	if status := h.API("GET", "/integrations/"+id, nil, &shown); status != 200 || shown.Last.ID == "" {
		t.Fatalf("integrations.get answered %d, %+v", status, shown)
	}
	all := h.Dispositions(harness.Receipt{DeliveryID: shown.Last.ID})
	if len(all) == 0 {
		return shown.Last.ID, ""
	}
	return shown.Last.ID, string(all[0].Kind)
}

// TestFlowMail: a mail pages, and the mail of its thread that tells of the end
// is its recovery; what answers by itself is dropped visibly; the mail is read
// again by a mapping, which then reads those that come.
func TestFlowMail(t *testing.T) {
	h := harness.Start(t)
	var in struct{ ID, URL, Address string }
	if status := h.API("POST", "/integrations", map[string]any{"name": "Disks", "source": "email"}, &in); status != 201 || in.URL != "" || !strings.HasPrefix(in.Address, "tk_") {
		t.Fatalf("integrations.create answered %d, %+v", status, in)
	}
	thread := "References: <" + root + "@monitor.example.com>\n"
	mails(t, h, in.Address, fmt.Sprintf(diskMail, in.Address, "Problem: disk of db-1 is full", root, thread))
	page := h.Receives("alice")[0]
	id := harness.EventOf(page)
	says(t, page, "disk of db-1 is full", id)
	first, how := lastOf(t, h, in.ID)
	if how != string(ledger.Opened) {
		t.Errorf("the first mail ended as %q", how)
	}

	// An address is the same in lower case, which some mail servers make of it.
	mails(t, h, "disks+"+strings.ToLower(in.Address), fmt.Sprintf(diskMail, in.Address, "Re: you are out of office", "vacation", "Auto-Submitted: auto-replied\n"))
	if _, how := lastOf(t, h, in.ID); how != "" {
		t.Errorf("the automatic reply ended as %q", how)
	}
	mails(t, h, strings.ToLower(in.Address), fmt.Sprintf(diskMail, in.Address, "Resolved: disk of db-1", "4712.disk", thread))
	if _, how := lastOf(t, h, in.ID); how != string(ledger.Recovered) {
		t.Errorf("the mail that tells of the end ended as %q", how)
	}
	h.Pass(6 * time.Minute)
	h.In(id, event.Resolved)
	h.Receives("alice") // the all-clear

	var parsed struct {
		Alerts []struct{ Title, Source string }
		Notes  []string
	}
	spec := map[string]any{"title": "{from} says {subject}", "key": "{from}"}
	if status := h.API("POST", "/deliveries/"+first+"/parse", map[string]any{"spec": spec}, &parsed); status != 200 || len(parsed.Alerts) != 1 ||
		parsed.Alerts[0].Title != "alerts@monitor.example.com says Problem: disk of db-1 is full" {
		t.Errorf("parsed again: %d, %+v", status, parsed)
	}
	h.Change("kind: mapping\nname: disks\nspec: {title: \"{from} says {subject}\", key: \"{headers.X-Disk}\"}")
	if status := h.API("PATCH", "/integrations/"+in.ID, map[string]any{"mapping": "disks"}, nil); status != 200 {
		t.Fatalf("integrations.update answered %d", status)
	}
	time.Sleep(31 * time.Second) // what a process remembers of an integration
	mails(t, h, in.Address, fmt.Sprintf(diskMail, in.Address, "Array is degraded", "4713.disk", "X-Disk: sdb\n"))
	says(t, h.Receives("alice")[0], "alerts@monitor.example.com says Array is degraded", "E-")
}
