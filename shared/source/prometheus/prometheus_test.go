package prometheus

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/sourcetest"
)

var update = flag.Bool("update", false, "write the golden files")

// received is the receive time of the tests.
var received = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func request(body []byte) *source.Request { return &source.Request{Body: body, At: received} }

func TestParseGolden(t *testing.T) {
	for _, name := range []string{"webhook", "api_v2"} {
		t.Run(name, func(t *testing.T) {
			body := read(t, filepath.Join("testdata", name+".json"))
			parsed, err := Parse(request(body))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(parsed, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := read(t, golden); string(got)+"\n" != string(want) {
				t.Errorf("parsed\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseRefusesWhatHoldsNothing(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"empty", "", "the body is empty"},
		{"white space", " \n", "the body is empty"},
		{"not JSON", "nonsense", "not valid JSON at byte 2"},
		{"cut short", `{"alerts":[{"labels":{"a"`, "ends early, at byte 25"},
		{"two values", `[] []`, "not valid JSON at byte 4"},
		{"string", `"alerts"`, "neither an Alertmanager webhook"},
		{"null", `null`, "neither an Alertmanager webhook"},
		{"200 levels", strings.Repeat(`{"a":`, 200), "deeper than 64 levels at byte 320"},
		{"no alerts", `{"version":"4"}`, "alerts: missing"},
		{"alerts null", `{"version":"4","alerts":null}`, "alerts: missing"},
		{"alerts of another type", `{"version":"4","alerts":"x"}`, "alerts: is a string, expected an array"},
		{"too many", "[" + strings.Repeat("{},", source.MaxItems) + "{}]", "10001 alerts, more than 10000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(request([]byte(c.body)))
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err %v, want %q", err, c.want)
			}
		})
	}
}

// one wraps an alert into a webhook.
func one(fields string) string { return `{"version":"4","alerts":[` + fields + `]}` }

func TestParseOfOneAlert(t *testing.T) {
	const base = `"status":"firing","labels":{"alertname":"A"},"fingerprint":"f"`
	for _, c := range []struct {
		name, body string
		look       func(alert.Alert) any
		want       any
	}{
		{"fingerprint is the key", one(`{` + base + `}`), func(a alert.Alert) any { return a.DedupKey }, "fingerprint:f"},
		{"labels are the key", `[{"labels":{"alertname":"A"}}]`, func(a alert.Alert) any { return a.DedupKey }, alert.HashKey(map[string]string{"alertname": "A"})},
		{"title is the summary", one(`{` + base + `,"annotations":{"summary":"S"}}`), func(a alert.Alert) any { return a.Title }, "S"},
		{"title is the name", one(`{` + base + `,"annotations":{"summary":" \u0000"}}`), func(a alert.Alert) any { return a.Title }, "A"},
		{"title is the key", one(`{"status":"firing","fingerprint":"f"}`), func(a alert.Alert) any { return a.Title }, "fingerprint:f"},
		{"title of 1 MB", one(`{` + base + `,"annotations":{"summary":"` + strings.Repeat("x", 1_000_000) + `"}}`),
			func(a alert.Alert) any { return fmt.Sprint(len(a.Title), a.Truncated) }, "512 true"},
		{"byte order mark", "\ufeff" + one(`{`+base+`}`), func(a alert.Alert) any { return a.Title }, "A"},
		{"annotations that are a text", one(`{` + base + `,"annotations":"disk is full"}`), func(a alert.Alert) any { return a.Title + ": " + a.Description }, "A: disk is full"},
		{"annotations that are a list", one(`{` + base + `,"annotations":["full"]}`), func(a alert.Alert) any { return a.Description }, `["full"]`},
		{"control characters", one(`{` + base + `,"annotations":{"summary":"a\u0000b\u001b[31m\r\nc"}}`), func(a alert.Alert) any { return a.Title }, "a b [31m c"},
		{"invalid UTF-8", one(`{` + base + `,"annotations":{"summary":"caf` + "\xe9" + `"}}`), func(a alert.Alert) any { return a.Title }, "caf\ufffd"},
		{"last of two counts", one(`{` + base + `,"fingerprint":"g"}`), func(a alert.Alert) any { return a.DedupKey }, "fingerprint:g"},
		{"group is the group key", `{"groupKey":"G","alerts":[{` + base + `}]}`, func(a alert.Alert) any { return a.Group }, "G"},
		{"group key is a number", `{"groupKey":5615590933959184469,"alerts":[{` + base + `}]}`, func(a alert.Alert) any { return a.Group }, "5615590933959184469"},
		{"group is the name", one(`{` + base + `}`), func(a alert.Alert) any { return a.Group }, "A"},
		{"huge number", `{"truncatedAlerts":` + strings.Repeat("9", 400) + `,"alerts":[{` + base + `}]}`, func(a alert.Alert) any { return a.Group }, "A"},
		{"episode in UTC", one(`{` + base + `,"startsAt":"2026-03-01T10:00:00.120+02:00"}`), func(a alert.Alert) any { return a.Episode }, "2026-03-01T08:00:00.12Z"},
		{"zero start", one(`{` + base + `,"startsAt":"0001-01-01T00:00:00Z"}`), func(a alert.Alert) any { return a.Episode }, ""},
		{"unreadable start", one(`{` + base + `,"startsAt":"yesterday"}`), func(a alert.Alert) any { return a.Episode }, ""},
		{"start that RFC 3339 cannot hold", one(`{` + base + `,"startsAt":"9999-12-31T23:59:59-23:00"}`), func(a alert.Alert) any { return a.StartedAt.IsZero() }, true},
		{"status decides, not endsAt", one(`{` + base + `,"endsAt":"2020-01-01T00:00:00Z"}`), func(a alert.Alert) any { return a.Status }, alert.Firing},
		{"fires until endsAt", `[{"labels":{"a":"b"},"endsAt":"2026-03-01T09:00:01Z"}]`,
			func(a alert.Alert) any { return fmt.Sprintf("%s %s", a.Status, a.ExpiresAt.Sub(received)) }, "firing 1s"},
		{"ended", `[{"labels":{"a":"b"},"endsAt":"2026-03-01T09:00:00Z"}]`,
			func(a alert.Alert) any {
				return fmt.Sprintf("%s %t %t", a.Status, a.EndedAt.Equal(received), a.ExpiresAt.IsZero())
			}, "resolved true true"},
		{"status in capitals", one(`{"status":"Firing","labels":{"a":"b"}}`), func(a alert.Alert) any { return a.Status }, alert.Firing},
		{"status of the webhook", `{"status":"resolved","alerts":[{"labels":{"a":"b"},"endsAt":"2026-03-01T08:00:00Z"}]}`,
			func(a alert.Alert) any { return fmt.Sprintf("%s %s", a.Status, a.EndedAt.Format(time.TimeOnly)) }, "resolved 08:00:00"},
		{"unknown version", `{"version":"5","alerts":[{` + base + `}]}`, func(a alert.Alert) any { return a.DedupKey }, "fingerprint:f"},
		{"one alert by itself", `{` + base + `}`, func(a alert.Alert) any { return a.DedupKey }, "fingerprint:f"},
		{"title of the annotations", one(`{` + base + `,"annotations":{"title":"T"}}`), func(a alert.Alert) any { return a.Title }, "T"},
		{"links of SigNoz", one(`{` + base + `,"annotations":{"related_logs":"https://s.example.com/logs"}}`), func(a alert.Alert) any { return a.Links }, []alert.Link{{Text: "Logs", URL: "https://s.example.com/logs"}}},
		{"object where a word belongs", `[{"status":{"state":"active"},"labels":{"a":"b"}}]`, func(a alert.Alert) any { return a.Status }, alert.Firing},
	} {
		t.Run(c.name, func(t *testing.T) {
			parsed, err := Parse(request([]byte(c.body)))
			if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
				t.Fatalf("parsed %+v, %v", parsed, err)
			}
			if got := c.look(*parsed.Items[0].Alert); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestAlertsWithoutAStatus(t *testing.T) {
	parsed, err := Parse(request([]byte(`{"version":"5","status":"firing","alerts":[{"labels":{"a":"1"}},{"labels":{"a":"2"},"endsAt":"2026-03-01T08:00:00Z"},{"labels":{"a":"3"},"status":"suppressed"}]}`)))
	if err != nil || len(parsed.Items) != 3 || parsed.Items[0].Alert.Status != alert.Firing || parsed.Items[1].Alert.Status != alert.Resolved || !strings.Contains(parsed.Items[2].Rejected, `"suppressed"`) {
		t.Errorf("parsed %+v, %v", parsed, err)
	}
	if len(parsed.Notes) != 1 || !strings.Contains(parsed.Notes[0], `version "5"`) {
		t.Errorf("notes %q", parsed.Notes)
	}
}

func TestSeverityWords(t *testing.T) {
	for word, want := range map[string]alert.Severity{
		"critical": alert.Critical, "page": alert.Critical, "CRITICAL": alert.Critical, "error": alert.Error, "high": alert.Error,
		"warning": alert.Warning, "info": alert.Info, "none": alert.Info, "": "", "rather bad": "",
	} {
		if got := SeverityOf(map[string]string{"severity": word}); got != want {
			t.Errorf("%q is %q, want %q", word, got, want)
		}
	}
}

func TestParseOfThousandAlerts(t *testing.T) {
	parsed, err := Parse(request(thousand(1000)))
	if err != nil || len(parsed.Items) != 1000 {
		t.Fatalf("%d items, %v", len(parsed.Items), err)
	}
}

func thousand(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"version":"4","groupKey":"{}:{}","alerts":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"status":"firing","labels":{"alertname":"HighLatency","instance":"web-%d:9100","job":"web","severity":"warning"},
			"annotations":{"summary":"Latency of web-%d is high","description":"p99 above 2 s for 10 minutes"},"startsAt":"2026-03-01T08:00:00Z",
			"endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example.com/graph?g0.expr=x","fingerprint":"%016x"}`, i, i, i)
	}
	b.WriteString("]}")
	return b.Bytes()
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		body := thousand(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(request(body)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// manifestEntry is what the manifest of collected payloads says of a file.
type manifestEntry struct {
	File   string
	Source string
	Expect struct {
		Alerts        int
		Status        string
		TitleContains string          `json:"title_contains"`
		SeverityRaw   string          `json:"severity_raw"`
		KeyFields     []string        `json:"key_fields"`
		KeyValues     json.RawMessage `json:"key_values"`
		StartedAt     json.RawMessage `json:"started_at"`
	}
}

func TestCollectedPayloads(t *testing.T) {
	dir := payloads(t)
	for _, e := range manifest(t, dir) {
		t.Run(e.File, func(t *testing.T) {
			parsed, err := Parse(&source.Request{Body: read(t, filepath.Join(dir, e.File)), At: time.Date(2020, 10, 28, 12, 25, 0, 0, time.UTC)})
			if err != nil || len(parsed.Items) != e.Expect.Alerts {
				t.Fatalf("%d items, %v; want %d", len(parsed.Items), err, e.Expect.Alerts)
			}
			starts, keys := instants(t, e.Expect.StartedAt), keysOf(t, e)
			for i, item := range parsed.Items {
				compare(t, item, e, starts[min(i, len(starts)-1)], keys[min(i, len(keys)-1)])
			}
		})
	}
}

func compare(t *testing.T, item source.Item, e manifestEntry, start time.Time, key string) {
	t.Helper()
	if item.Alert == nil {
		t.Fatalf("rejected: %s", item.Rejected)
	}
	a := item.Alert
	if string(a.Status) != e.Expect.Status || a.Severity != SeverityOf(map[string]string{"severity": e.Expect.SeverityRaw}) || !a.StartedAt.Equal(start) || a.DedupKey != key {
		t.Errorf("alert %+v, want %s since %s under %s", a, e.Expect.Status, start, key)
	}
	if !strings.Contains(strings.ToLower(a.Title), strings.ToLower(e.Expect.TitleContains)) {
		t.Errorf("title %q, want %q", a.Title, e.Expect.TitleContains)
	}
}

// payloads finds the collection beside the repository or above it.
func payloads(t *testing.T) string {
	t.Helper()
	for dir := "."; ; dir = filepath.Join(dir, "..") {
		found := filepath.Join(dir, "shared", "payloads")
		if _, err := os.Stat(filepath.Join(found, "MANIFEST.json")); err == nil {
			return found
		}
		if abs, err := filepath.Abs(dir); err != nil || abs == filepath.Dir(abs) {
			break
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("the collection of payloads is missing")
	}
	t.Skip("not run: the collection of payloads is not here")
	return ""
}

func manifest(t *testing.T, dir string) []manifestEntry {
	t.Helper()
	var all []json.RawMessage
	unmarshal(t, read(t, filepath.Join(dir, "MANIFEST.json")), &all)
	var ours []manifestEntry
	for _, raw := range all {
		var head struct{ Source string }
		if unmarshal(t, raw, &head); head.Source == "alertmanager" {
			var e manifestEntry
			unmarshal(t, raw, &e)
			ours = append(ours, e)
		}
	}
	if len(ours) < 8 {
		t.Fatalf("%d payloads of Alertmanager, expected 8", len(ours))
	}
	return ours
}

func unmarshal(t *testing.T, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatal(err)
	}
}

// instants reads one time or a list of them.
func instants(t *testing.T, raw json.RawMessage) []time.Time {
	t.Helper()
	var list []time.Time
	if bytes.HasPrefix(raw, []byte("[")) {
		unmarshal(t, raw, &list)
		return list
	}
	list = make([]time.Time, 1)
	if len(raw) > 0 {
		unmarshal(t, raw, &list[0])
	}
	return list
}

// keysOf renders the identities that the manifest names as dedup keys.
func keysOf(t *testing.T, e manifestEntry) []string {
	t.Helper()
	if e.Expect.Alerts == 0 {
		return []string{""}
	}
	if strings.HasSuffix(e.Expect.KeyFields[0], "labels") {
		var labels []map[string]string
		unmarshal(t, e.Expect.KeyValues, &labels)
		return []string{alert.HashKey(labels[0])}
	}
	raw := e.Expect.KeyValues
	if bytes.HasPrefix(raw, []byte("[[")) || bytes.HasPrefix(bytes.Join(bytes.Fields(raw), nil), []byte("[[")) {
		var nested []json.RawMessage
		unmarshal(t, raw, &nested)
		raw = nested[0]
	}
	var ids, keys []string
	unmarshal(t, raw, &ids)
	for _, id := range ids {
		keys = append(keys, alert.SenderKey("fingerprint", id))
	}
	return keys
}

func FuzzParse(f *testing.F) {
	files, err := fs.Glob(os.DirFS("testdata"), "*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(errors.Join(err, errors.New("no seeds")))
	}
	seeds := []string{`[{"labels":{"a":1},"endsAt":"9999-12-31T23:59:59-23:00"},null,{"fingerprint":"\ud800"}]`}
	for _, name := range files {
		seeds = append(seeds, string(read(f, filepath.Join("testdata", name))))
	}
	sourcetest.FuzzStates(f, Source, seeds...)
}
