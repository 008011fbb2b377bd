package all

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/shared/source"
)

// own is a request of ours and the source that it is of.
type own struct {
	path, source string
	request      *source.Request
}

// owned lists the fixtures of the presets and the events of the functions.
func owned(t testing.TB) []own {
	t.Helper()
	return append(ofPresets(t), ofFunctions(t)...)
}

func ofPresets(t testing.TB) []own {
	t.Helper()
	media := map[string]string{".json": "application/json", ".form": source.FormMedia, ".txt": "text/plain"}
	var all []own
	for _, path := range files(t, "../preset/testdata/*/*.*") {
		if of, known := media[filepath.Ext(path)]; known {
			r := &source.Request{Header: http.Header{"Content-Type": {of}}, Query: url.Values{}, Body: read(t, path)}
			all = append(all, own{path, filepath.Base(filepath.Dir(path)), r})
		}
	}
	return all
}

// ofFunctions reads events as API Gateway calls the functions with them. A
// folder that is not named for a source holds no body of one.
func ofFunctions(t testing.TB) []own {
	t.Helper()
	var all []own
	for _, path := range files(t, "../../../events/ingest-*/*.json") {
		if strings.Contains(path, "/ingest-email/") || strings.Contains(path, "/ingest-heartbeat/") {
			continue // their senders post no body that tells who they are
		}
		s, known := Named(strings.TrimPrefix(filepath.Base(filepath.Dir(path)), "ingest-"))
		if !known {
			continue
		}
		var e struct {
			Headers         map[string]string
			Body            string
			IsBase64Encoded bool
			RawPath         string
		}
		if err := json.Unmarshal(read(t, path), &e); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		r := &source.Request{Header: http.Header{}, Query: url.Values{}, Body: []byte(e.Body)}
		for name, value := range e.Headers {
			r.Header.Set(name, value)
		}
		if e.IsBase64Encoded {
			body, err := base64.StdEncoding.DecodeString(e.Body)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			r.Body = body
		}
		all = append(all, own{path, s.Name, r})
	}
	return all
}

func files(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
	}
	return paths
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestNoneIsTakenForAnother: a request of one source either is recognised as
// that source's or leaves Detect unsure.
func TestNoneIsTakenForAnother(t *testing.T) {
	right, all := 0, owned(t)
	for _, o := range all {
		found, sure := Detect(o.request)
		switch {
		case !sure:
			t.Logf("%s: unsure (%s by %s)", o.path, found.Source.Name, found.By)
		case found.Source.Name != o.source:
			t.Errorf("%s is taken for %s by %s", o.path, found.Source.Name, found.By)
		default:
			right++
		}
	}
	if share := float64(right) / float64(len(all)); share < 0.95 {
		t.Errorf("%d of %d recognised, %.1f %%", right, len(all), 100*share)
	}
}
