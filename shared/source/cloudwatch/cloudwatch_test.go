package cloudwatch

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source"
)

func TestAlertsAreOfThisSource(t *testing.T) {
	parsed, err := Parse(&source.Request{Body: []byte(`{"AlarmName":"A","NewStateValue":"ALARM"}`), At: at})
	if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert.Source != Name {
		t.Errorf("%+v, %v", parsed, err)
	}
}

// FuzzVerify: nothing but what SNS signed gets through, whatever it looks like.
func FuzzVerify(f *testing.F) {
	seeds, err := filepath.Glob("testdata/published/*.json")
	if err != nil || len(seeds) == 0 {
		f.Fatal(err)
	}
	published := map[string]bool{}
	for _, file := range seeds {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
		published[said(body)] = true
	}
	v := NewVerifier(&http.Client{Transport: files{}})
	received := source.Instant("2026-03-06T20:00:30Z")
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := v.Verify(&source.Request{Body: body, At: received}, nil); err == nil && !published[said(body)] {
			t.Fatalf("believed %s", body)
		}
	})
}

// said is what a message says that was signed.
func said(body []byte) string {
	root, err := (&source.Request{Body: body}).Root()
	if err != nil {
		return ""
	}
	return canonical(root)
}

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"../../../events/ingest-cloudwatch/direct", "../../../../shared/payloads/aws_*", "../../../../../shared/payloads/aws_*"} {
		found, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range found {
			if body, err := os.ReadFile(file); err == nil {
				f.Add(body)
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		parsed, err := Parse(&source.Request{Body: body, At: at})
		if err != nil {
			return
		}
		for _, item := range parsed.Items {
			if a := item.Alert; a != nil && (a.DedupKey == "" || a.Title == "" || a.Source != Name || a.Status != alert.Firing && a.Status != alert.Resolved) {
				t.Fatalf("%+v", a)
			}
		}
	})
}
