package all

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/source"
)

// entry is what the manifest of collected payloads says of a file.
type entry struct {
	File, Source string
	ContentType  string `json:"content_type"`
	Headers      []string
	Expect       struct {
		Alerts        int
		Status        string
		Statuses      []string
		Event         string
		TitleContains string          `json:"title_contains"`
		SeverityRaw   any             `json:"severity_raw"`
		KeyFields     []string        `json:"key_fields"`
		KeyValues     json.RawMessage `json:"key_values"`
		StartedAt     json.RawMessage `json:"started_at"`
		EndedAt       string          `json:"ended_at"`
		TimeIs        string          `json:"time_is"`
		AlsoOK        string          `json:"also_ok"`
	}
}

// exceptions are points of the manifest that are read otherwise, by file and
// point ("title", "key", "time", "status", "severity"), with the reason.
var exceptions = map[string]string{}

// collection finds the payloads beside the repository or above it.
func collection(t testing.TB) string {
	t.Helper()
	if dir, ok := payloads(); ok {
		return dir
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("the collection of payloads is missing")
	}
	t.Skip("not run: the collection of payloads is not here")
	return ""
}

func payloads() (dir string, ok bool) {
	for dir := "."; ; dir = filepath.Join(dir, "..") {
		found := filepath.Join(dir, "shared", "payloads")
		if _, err := os.Stat(filepath.Join(found, "MANIFEST.json")); err == nil {
			return found, true
		}
		if abs, err := filepath.Abs(dir); err != nil || abs == filepath.Dir(abs) {
			return "", false
		}
	}
}

func manifest(t testing.TB, dir string) []entry {
	t.Helper()
	var all []entry
	raw, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil || len(all) < 208 {
		t.Fatalf("%d payloads, %v", len(all), err)
	}
	return all
}

// request is e as its sender posts it.
func (e entry) request(t testing.TB, dir string) *source.Request {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(dir, e.File))
	if err != nil {
		t.Fatal(err)
	}
	media, note, _ := strings.Cut(e.ContentType, " (")
	if strings.HasPrefix(note, "field payload") {
		body = []byte(url.Values{"payload": {string(body)}}.Encode())
	}
	r := &source.Request{Header: http.Header{"Content-Type": {media}}, Query: url.Values{}, Body: body, At: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	for _, h := range e.Headers {
		if name, value, ok := strings.Cut(h, ": "); ok && !strings.ContainsAny(value, "<(") {
			r.Header.Set(name, value)
		}
	}
	return r
}

func TestManifest(t *testing.T) {
	dir := collection(t)
	words := priorities(t, dir)
	for _, e := range manifest(t, dir) {
		t.Run(e.File, func(t *testing.T) {
			s, ok := Named(e.Source)
			if !ok {
				t.Fatalf("no source %s", e.Source)
			}
			parsed, err := s.Parse(e.request(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			e.compare(t, parsed, words[e.Source])
		})
	}
}

func (e entry) compare(t *testing.T, parsed source.Parsed, words map[string]alert.Priority) {
	t.Helper()
	wrong := func(point, format string, args ...any) {
		t.Helper()
		if exceptions[e.File+" "+point] == "" {
			t.Errorf("%s: %s", point, fmt.Sprintf(format, args...))
		}
	}
	if len(parsed.Items) != e.Expect.Alerts {
		t.Fatalf("%d alerts, want %d", len(parsed.Items), e.Expect.Alerts)
	}
	starts := instants(t, e.Expect.StartedAt)
	for i, item := range parsed.Items {
		if item.Alert == nil {
			t.Fatalf("rejected: %s", item.Rejected)
		}
		a := item.Alert
		if want := e.status(i); want != "" && string(a.Status) != want && !strings.Contains(e.Expect.AlsoOK, string(a.Status)) {
			wrong("status", "%s, want %s", a.Status, want)
		}
		if i == 0 && !strings.Contains(strings.ToLower(a.Title), strings.ToLower(e.Expect.TitleContains)) {
			wrong("title", "%q, want %q in it", a.Title, e.Expect.TitleContains)
		}
		if at := starts[min(i, len(starts)-1)]; e.Expect.TimeIs == "end" {
			if !at.IsZero() && !a.EndedAt.Equal(at) {
				wrong("time", "ended %s, want %s", a.EndedAt, at)
			}
		} else if !a.StartedAt.Equal(at) {
			wrong("time", "started %s, want %s", a.StartedAt, at)
		}
		if ended := source.Instant(e.Expect.EndedAt); !ended.IsZero() && !a.EndedAt.Equal(ended) {
			wrong("time", "ended %s, want %s", a.EndedAt, ended)
		}
		if want := words[strings.ToLower(fmt.Sprint(e.Expect.SeverityRaw))]; e.Expect.SeverityRaw != nil && len(parsed.Items) == 1 && want != "" && a.Priority != want {
			wrong("severity", "%v is %s, want %s", e.Expect.SeverityRaw, a.Priority, want)
		}
	}
}

func (e entry) status(i int) string {
	switch {
	case e.Expect.Event == "acknowledged":
		return e.Expect.Event
	case e.Expect.Status == "mixed":
		return e.Expect.Statuses[i]
	}
	return e.Expect.Status
}

// instants reads one time or a list of them.
func instants(t *testing.T, raw json.RawMessage) []time.Time {
	t.Helper()
	var list []*time.Time
	if bytes.HasPrefix(raw, []byte("[")) {
		if err := json.Unmarshal(raw, &list); err != nil {
			t.Fatal(err)
		}
	} else {
		var one *time.Time
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &one); err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, one)
	}
	out := make([]time.Time, 0, len(list))
	for _, at := range list {
		if at == nil {
			at = &time.Time{}
		}
		out = append(out, *at)
	}
	return out
}

var suggested = regexp.MustCompile(`([^;>]+) > (P[1-4])`)

// priorities reads the table of the collection's README: which word of which
// source suggests which priority.
func priorities(t *testing.T, dir string) map[string]map[string]alert.Priority {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]alert.Priority{}
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(line, "|")
		if len(cells) < 8 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		words := map[string]alert.Priority{}
		for _, m := range suggested.FindAllStringSubmatch(cells[6], -1) {
			for w := range strings.SplitSeq(m[1], ",") {
				_, after, named := strings.Cut(w, ":")
				if named {
					w = after
				}
				words[strings.ToLower(strings.TrimSpace(w))] = alert.Priority(m[2])
			}
		}
		out[strings.Trim(strings.TrimSpace(cells[1]), "`")] = words
	}
	if len(out) < 86 {
		t.Fatalf("the table has %d sources", len(out))
	}
	return out
}

// TestManifestKeys: within a source, alerts have the same key if and only if
// the manifest gives them the same identity.
func TestManifestKeys(t *testing.T) {
	dir := collection(t)
	identity, file := map[string]string{}, map[string]string{}
	for _, e := range manifest(t, dir) {
		s, ok := Named(e.Source)
		if !ok || e.Expect.Alerts != 1 || len(e.Expect.KeyValues) == 0 || exceptions[e.File+" key"] != "" {
			continue
		}
		parsed, err := s.Parse(e.request(t, dir))
		if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
			continue // TestManifest says so
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, e.Expect.KeyValues); err != nil {
			t.Fatal(err)
		}
		key := e.Source + " " + parsed.Items[0].Alert.DedupKey
		id := e.Source + " " + strings.Trim(compact.String(), "[]")
		if other, known := identity[key]; known && other != id {
			t.Errorf("%s and %s share %s; identities %s and %s", e.File, file[key], key, id, other)
		}
		if other, known := file[id]; known && !slices.Contains([]string{key}, identity["id "+id]) {
			t.Errorf("%s and %s have identity %s but keys %s and %s", e.File, other, id, key, identity["id "+id])
		}
		identity[key], file[key], file[id], identity["id "+id] = id, e.File, e.File, key
	}
}

// TestDetect: without a name nearly all are recognised, and none as another.
func TestDetect(t *testing.T) {
	dir := collection(t)
	right, all := 0, manifest(t, dir)
	for _, e := range all {
		want, ok := Named(e.Source)
		if !ok {
			continue
		}
		found, sure := Detect(e.request(t, dir))
		switch {
		case !sure:
			t.Logf("%s: unsure (%s by %s)", e.File, found.Source.Name, found.By)
		case found.Source.Name != want.Name:
			t.Errorf("%s is taken for %s by %s, want %s", e.File, found.Source.Name, found.By, want.Name)
		default:
			right++
		}
	}
	if share := float64(right) / float64(len(all)); share < 0.97 {
		t.Errorf("%d of %d recognised, %.1f %%", right, len(all), 100*share)
	}
}
