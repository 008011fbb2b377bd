package telemetry

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

func environment(values map[string]string) Lookup {
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

func lines(t *testing.T, out *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(out.String()) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		all = append(all, o)
	}
	return all
}

func TestLogLineCarriesRequestAndContext(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, environment(map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "router"}))
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "inv-1"})
	ctx = With(With(WithRequestID(ctx, "req-1"), slog.String("event_id", "E-1")), slog.Int("attempt", 2))
	log.DebugContext(ctx, "not logged")
	log.InfoContext(ctx, "not looked at")
	log.WarnContext(ctx, "event opened", slog.String("source", "prometheus"))
	got := lines(t, &out)
	if len(got) != 2 || got[0]["request_id"] != "req-1" || got[0]["invocation_id"] != nil {
		t.Fatalf("wrote %v", got)
	}
	got = got[1:]
	delete(got[0], "timestamp")
	want := map[string]any{"level": "WARN", "message": "event opened", "request_id": "req-1",
		"invocation_id": "inv-1", "event_id": "E-1", "attempt": 2.0, "source": "prometheus", "version": "development"}
	if a, b := mustJSON(t, got[0]), mustJSON(t, want); a != b {
		t.Errorf("line %s\nwant %s", a, b)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLogLevelComesFromTheEnvironment(t *testing.T) {
	for word, want := range map[string]slog.Level{"": slog.LevelInfo, "DEBUG": slog.LevelDebug, "ERROR": slog.LevelError, "loud": slog.LevelInfo} {
		if got := level(environment(map[string]string{"LOG_LEVEL": word})); got != want {
			t.Errorf("LOG_LEVEL %q: level %v, want %v", word, got, want)
		}
	}
}

func collector(out *bytes.Buffer) *Metrics {
	m := NewMetrics(out, environment(map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "router", "METRICS_NAMESPACE": "Test"}))
	m.now = func() time.Time { return time.UnixMilli(1700000000123) }
	return m
}

func TestMetricsOfOneSetOfDimensionsAreOneObject(t *testing.T) {
	var out bytes.Buffer
	m := collector(&out)
	m.Add("Disposed", 2, Reason("opened"), Function("router"))
	m.Add("Disposed", 3, Function("router"), Reason("opened"))
	m.Observe("Delay", Seconds, 1.5, Reason("opened"), Function("router"))
	m.Observe("Delay", Seconds, 2, Reason("opened"), Function("router"))
	m.Note("event_id", "E-1")
	m.Flush(WithRequestID(t.Context(), "req-1"))
	m.Flush(t.Context())
	want := `{"Delay":[1.5,2],"Disposed":5,"_aws":{"CloudWatchMetrics":[{"Dimensions":[["function","reason"]],"Metrics":[` +
		`{"Name":"Disposed","Unit":"Count"},{"Name":"Delay","Unit":"Seconds"}],"Namespace":"Test"}],"Timestamp":1700000000123},` +
		`"event_id":"E-1","function":"router","reason":"opened","request_id":"req-1"}` + "\n"
	if out.String() != want {
		t.Errorf("wrote %s\nwant  %s", out.String(), want)
	}
}

func TestMetricsOfOtherDimensionValuesAreAnotherObject(t *testing.T) {
	var out bytes.Buffer
	m := collector(&out)
	m.Add("Accepted", 1)
	m.Add("Disposed", 1, Reason("opened"))
	m.Add("Disposed", 1, Reason("joined"))
	m.Flush(t.Context())
	if got := lines(t, &out); len(got) != 2 || got[0]["reason"] != "opened" || got[1]["reason"] != "joined" {
		t.Errorf("wrote %v", got)
	}
}

func TestMetricsThatDoNotClashAreOneObject(t *testing.T) {
	var out bytes.Buffer
	m := collector(&out)
	m.Add("Accepted", 1)
	m.Add("Deliveries", 1, Source("prometheus"), Outcome("accepted"))
	m.Add("Rejected", 2, Source("prometheus"))
	m.Flush(t.Context())
	want := `{"Accepted":1,"Deliveries":1,"Rejected":2,"_aws":{"CloudWatchMetrics":[` +
		`{"Dimensions":[[]],"Metrics":[{"Name":"Accepted","Unit":"Count"}],"Namespace":"Test"},` +
		`{"Dimensions":[["outcome","source"]],"Metrics":[{"Name":"Deliveries","Unit":"Count"}],"Namespace":"Test"},` +
		`{"Dimensions":[["source"]],"Metrics":[{"Name":"Rejected","Unit":"Count"}],"Namespace":"Test"}],"Timestamp":1700000000123},` +
		`"outcome":"accepted","source":"prometheus"}` + "\n"
	if out.String() != want {
		t.Errorf("wrote %s\nwant  %s", out.String(), want)
	}
}

func TestMetricsStayWithinTheLimitsOfAnObject(t *testing.T) {
	var out bytes.Buffer
	m := collector(&out)
	for range maxValues + 1 {
		m.Observe("Delay", Seconds, 1)
	}
	m.Flush(t.Context())
	got := lines(t, &out)
	if len(got) != 2 || len(got[0]["Delay"].([]any)) != maxValues || got[1]["Delay"] != 1.0 {
		t.Errorf("%d objects, want %d values and one more", len(got), maxValues)
	}
}

func TestLineCarriesWhatWasCounted(t *testing.T) {
	for _, c := range []struct {
		name  string
		level slog.Level
		attrs []slog.Attr
		count func(m *Metrics)
		want  []string // of each line, its keys without those of every line
	}{
		{"nothing counted", slog.LevelInfo, []slog.Attr{slog.Int("status", 202)}, func(*Metrics) {}, []string{"status"}},
		{"one line", slog.LevelInfo, []slog.Attr{slog.Int("status", 202), slog.String("source", "prometheus")}, func(m *Metrics) {
			m.Add("Accepted", 1)
			m.Add("Deliveries", 1, Source("prometheus"))
		}, []string{"Accepted Deliveries _aws source status"}},
		{"another meaning", slog.LevelInfo, []slog.Attr{slog.String("source", "custom")}, func(m *Metrics) { m.Add("Deliveries", 1, Source("prometheus")) },
			[]string{"source", "Deliveries _aws source"}},
		{"two values", slog.LevelInfo, nil, func(m *Metrics) {
			m.Add("Disposed", 1, Outcome("joined"))
			m.Add("Disposed", 1, Outcome("opened"))
		}, []string{"Disposed _aws outcome", "Disposed _aws outcome"}},
		{"level not logged", slog.LevelDebug, []slog.Attr{slog.Int("status", 202)}, func(m *Metrics) { m.Add("Accepted", 1) }, []string{"Accepted _aws"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			m := collector(&out)
			c.count(m)
			m.Log(WithRequestID(t.Context(), "req-1"), NewLogger(&out, environment(nil)), c.level, "request answered", c.attrs...)
			m.Flush(t.Context())
			var got []string
			for _, line := range lines(t, &out) {
				if line["request_id"] != "req-1" {
					t.Errorf("line %v has no request id", line)
				}
				maps.DeleteFunc(line, func(k string, _ any) bool {
					return slices.Contains([]string{"level", "message", "timestamp", "request_id"}, k)
				})
				got = append(got, strings.Join(slices.Sorted(maps.Keys(line)), " "))
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("lines with %q, want %q", got, c.want)
			}
		})
	}
}

func TestNilMetricsDiscard(t *testing.T) {
	var m *Metrics
	m.Log(t.Context(), slog.New(slog.DiscardHandler), slog.LevelInfo, "nothing")
	m.Add("Accepted", 1)
	m.Note("id", 1)
	m.Flush(t.Context())
}
