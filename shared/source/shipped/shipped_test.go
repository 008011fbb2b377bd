package shipped_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"tocsin/shared/source"
	"tocsin/shared/source/all"
	"tocsin/shared/source/detect"
	"tocsin/shared/source/preset/presettest"
	"tocsin/shared/source/shipped"
)

var update = flag.Bool("update", false, "write sources.json")

// TestDataIsThatOfTheSources: sources.json is written from the sources.
func TestDataIsThatOfTheSources(t *testing.T) {
	want := data(t)
	if *update {
		if err := os.WriteFile("sources.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("sources.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("sources.json differs from the sources; run this test with -update (%v)", err)
	}
}

func data(t *testing.T) []byte {
	t.Helper()
	known := []source.Source{detect.Source}
	for _, name := range all.Names() {
		if s, ok := all.Named(name); ok && s.Name == name {
			known = append(known, presettest.Guided(t, s))
		}
	}
	var b bytes.Buffer
	b.WriteString("[\n")
	for i, s := range known {
		line, err := json.Marshal(shipped.Source{
			Name: s.Name, Aliases: s.Aliases, Vendor: s.Verify != nil && !s.Signed, Signed: s.Signed, Auths: s.Auths, RetryStatus: s.Retry(), Guide: s.Guide,
		})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(line)
		if i < len(known)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]\n")
	return b.Bytes()
}

func TestNamed(t *testing.T) {
	for name, want := range map[string]string{"prometheus": "prometheus", "uptime_kuma": "uptime-kuma", "Uptime-Kuma": "uptime-kuma", "custom": shipped.Custom} {
		if s, ok := shipped.Named(name); !ok || s.Name != want {
			t.Errorf("%s is %q, %v", name, s.Name, ok)
		}
	}
	if s, ok := shipped.Named("nothing"); ok {
		t.Errorf("found %+v", s)
	}
}

func TestUnknownNamesTheNearestFirst(t *testing.T) {
	for name, want := range map[string]string{"promethius": "prometheus", "graphana": "grafana", "Uptime_Kumar": "uptime-kuma", "zabix": "zabbix", "cloud-watch": "cloudwatch", "data": "datadog"} {
		if got := shipped.Unknown(name, shipped.Names()); !strings.HasPrefix(got, "nearest are "+want+",") || !strings.Contains(got, "known are custom, ") {
			t.Errorf("%s: %.100s", name, got)
		}
	}
}
