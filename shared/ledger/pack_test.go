package ledger

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
)

func packable() Part {
	at := time.Date(2026, 3, 1, 9, 0, 0, 123e6, time.UTC)
	return Part{
		Delivery: "d-01k9w6z3v4q8abcdefghjkmnpq", Parts: 1, Integration: "prod", Source: "prometheus", ReceivedAt: at, DisposedAt: at.Add(time.Second),
		ContentType: "application/json", Raw: []byte("{\"a\":\n\"b\"}\n\x00\xff"), Notes: []string{"the sender left out 12 alerts\nand more"}, Alerts: 3,
		Dispositions: []Disposition{
			{Position: 0, Alert: string(alert.IDOf("prod", "fingerprint:1")), DedupKey: "fingerprint:1", Title: "Disk full", Kind: Repeated, Event: "E-1"},
			{Position: 1, Alert: "a-of-its-own", DedupKey: "fingerprint:2", Kind: Opened, Event: "E-2", Rule: "catch-all", Why: []string{"because"}},
			{Position: 2, Kind: Rejected, Why: []string{"status: missing"}},
		},
	}
}

func TestPartIsUnpackedAsItWas(t *testing.T) {
	whole, empty := packable(), packable()
	empty.Raw, empty.Dispositions = nil, nil
	for name, p := range map[string]Part{"whole": whole, "empty": empty} {
		packed, err := pack(p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := unpack(packed); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%s: unpacked %+v, %v\nwant %+v", name, got, err, p)
		}
	}
	if !reflect.DeepEqual(whole, packable()) {
		t.Error("packing changed the part")
	}
}

func TestUnpackRefusesWhatWasNotPacked(t *testing.T) {
	good, err := pack(packable())
	if err != nil {
		t.Fatal(err)
	}
	bomb, err := pack(Part{Raw: make([]byte, maxUnpacked)})
	if err != nil {
		t.Fatal(err)
	}
	for name, packed := range map[string][]byte{
		"nothing": {}, "another format": append([]byte{99}, good[1:]...), "cut short": good[:len(good)/2], "no JSON": {format, 1, 0, 0, 0xff, 0xff}, "bomb": bomb,
	} {
		if p, err := unpack(packed); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// TestADeliveryOfOneAlertIsOneUnit: a write is paid for by the kilobyte, and
// nine in ten deliveries say nothing new.
func TestADeliveryOfOneAlertIsOneUnit(t *testing.T) {
	raw, err := os.ReadFile("../../events/ingest-prometheus/alertmanager-firing.json")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := bytes.Cut(raw, []byte(`"body": "`))
	p := packable()
	p.Raw = []byte(strings.ReplaceAll(string(body), `\"`, `"`))
	packed, err := pack(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) > 700 { // the rest is keys and names
		t.Errorf("%d bytes", len(packed))
	}
	t.Logf("%d bytes of %d", len(packed), len(p.Raw))
}

func FuzzUnpack(f *testing.F) {
	good, err := pack(packable())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, packed []byte) {
		p, err := unpack(packed)
		if err != nil {
			return
		}
		again, err := pack(p)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := unpack(again); err != nil || len(second.Dispositions) != len(p.Dispositions) || !bytes.Equal(second.Raw, p.Raw) {
			t.Errorf("%+v and %+v: %v", p, second, err)
		}
	})
}
