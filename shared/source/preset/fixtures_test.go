package preset_test

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/preset"
)

// fixture is testdata/<preset>/<case>.json, .form or .txt. A .txt may begin
// with headers, of which an empty line is the end.
type fixture struct{ preset, path string }

func fixtures(t testing.TB) []fixture {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*.*")
	if err != nil {
		t.Fatal(err)
	}
	var all []fixture
	for _, path := range paths {
		if ext := filepath.Ext(path); ext != ".want" && !strings.Contains(path, "/fuzz/") {
			all = append(all, fixture{filepath.Base(filepath.Dir(path)), path})
		}
	}
	return all
}

var media = map[string]string{".json": "application/json", ".form": source.FormMedia, ".txt": "text/plain"}

func (f fixture) request(t testing.TB) *source.Request {
	t.Helper()
	body, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	return &source.Request{Header: http.Header{"Content-Type": {media[filepath.Ext(f.path)]}}, Query: url.Values{}, Body: body, At: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
}

func shipped(t testing.TB) map[string]*preset.Preset {
	t.Helper()
	all := map[string]*preset.Preset{}
	for _, k := range preset.Shipped() {
		all[k.Name] = k.Open()
	}
	return all
}

// TestFixtures compares what becomes of each fixture with <case>.want beside
// it, which -update writes.
func TestFixtures(t *testing.T) {
	presets, tried := shipped(t), map[string]bool{}
	for _, f := range fixtures(t) {
		p := presets[f.preset]
		if p == nil {
			t.Errorf("%s: there is no preset %s", f.path, f.preset)
			continue
		}
		tried[f.preset] = true
		t.Run(strings.TrimPrefix(f.path, "testdata/"), func(t *testing.T) {
			parsed, err := p.Parse(f.request(t))
			if err != nil {
				t.Fatal(err)
			}
			got := []byte(said(parsed) + "\n")
			golden := strings.TrimSuffix(f.path, filepath.Ext(f.path)) + ".want"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v\n%s\nwant\n%s", err, got, want)
			}
		})
	}
	for name := range presets {
		if !tried[name] {
			t.Errorf("%s has no fixture", name)
		}
	}
}

// check fails for an alert that no other part could take.
func check(t testing.TB, name string, body []byte, parsed source.Parsed) {
	t.Helper()
	for _, item := range parsed.Items {
		if (item.Alert == nil) == (item.Rejected == "") {
			t.Fatalf("%s: %q is neither alert nor rejected", name, body)
		}
		a := item.Alert
		if a == nil {
			continue
		}
		switch a.Status {
		case alert.Firing, alert.Resolved, alert.Acknowledged:
		default:
			t.Fatalf("%s: %q has status %q", name, body, a.Status)
		}
		if a.DedupKey == "" || a.Title == "" || !a.Severity.Valid() || a.Source != name || a.Labels == nil {
			t.Fatalf("%s: %q gives %+v", name, body, a)
		}
	}
}

// FuzzParse: no preset breaks at any body, whosever it is.
func FuzzParse(f *testing.F) {
	for _, one := range fixtures(f) {
		r := one.request(f)
		f.Add(r.Header.Get("Content-Type"), r.Body)
	}
	presets := shipped(f)
	f.Fuzz(func(t *testing.T, media string, body []byte) {
		for name, p := range presets {
			parsed, err := p.Parse(&source.Request{Header: http.Header{"Content-Type": {media}}, Query: url.Values{}, Body: body})
			if err == nil {
				check(t, name, body, parsed)
			}
		}
	})
}

// largeBodies are of the largest size that is accepted, in shapes that are
// hard on one way of reading or another.
func largeBodies() map[string][]byte {
	const size = 1 << 20
	fill := func(head, each, tail string) []byte {
		return []byte(head + strings.Repeat(each+",", (size-len(head)-len(tail))/(len(each)+1)-1) + each + tail)
	}
	numbered := func(each func(i int) string, n int) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(each(i))
		}
		return b.String()
	}
	long := strings.Repeat(`\"é `, size/5)
	return map[string][]byte{
		"fields":       []byte("{" + numbered(func(i int) string { return `"f` + strings.Repeat("x", i%3) + `":1` }, size/9) + "}"),
		"items":        fill("[", "1", "]"),
		"objects":      fill("[", "{}", "]"),
		"string":       []byte(`{"title":"` + long + `","name":"` + long[:size/3/4*4] + `"}`),
		"nested":       []byte(strings.Repeat(`{"alerts":[`, 31) + fillString(size-1000) + strings.Repeat("]}", 31)),
		"alerts":       fill(`{"alerts":[`, `{"id":1}`, "]}"),
		"text in text": []byte(`{"payload":"{\"id\":\"` + strings.Repeat("x", size-100) + `\"}"}`),
		"white space":  []byte("{" + strings.Repeat(" ", size-2) + "}"),
		"10,000 objects": []byte(`[` + numbered(func(int) string {
			return `{"event":"check.down","check":{"token":"abc","url":"https://example.com"},"id":1}`
		}, 10_000) + `]`),
	}
}

func fillString(n int) string { return `"` + strings.Repeat("x", n) + `"` }

// BenchmarkLargeBodies shows that no preset is slow at any body: the target is
// 100 ms of CPU.
func BenchmarkLargeBodies(b *testing.B) {
	presets := shipped(b)
	for shape, body := range largeBodies() {
		for name, p := range presets {
			b.Run(shape+"/"+name, func(b *testing.B) {
				for b.Loop() {
					r := &source.Request{Header: http.Header{"Content-Type": {"application/json"}}, Query: url.Values{}, Body: body}
					if _, err := p.Parse(r); err != nil && len(err.Error()) > 1000 {
						b.Fatal("the error holds the body")
					}
				}
			})
		}
	}
}
