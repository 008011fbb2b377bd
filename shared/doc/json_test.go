package doc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"tocsin/shared/fault"
)

// plain returns v as encoding/json decodes it with UseNumber.
func plain(v Value) any {
	switch v.Kind() {
	case Bool:
		return v.True()
	case Number:
		return json.Number(v.Text())
	case String:
		return v.Text()
	case Array:
		out := []any{}
		for item := range v.Items() {
			out = append(out, plain(item))
		}
		return out
	case Object:
		out := map[string]any{}
		for name, field := range v.Fields() {
			out[name] = plain(field)
		}
		return out
	}
	return nil
}

// peer decodes a body as encoding/json does.
func peer(body []byte) (any, error) {
	if !json.Valid(body) {
		return nil, json.Unmarshal(body, new(any))
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func depth(body []byte) int {
	depth, most, inString := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			most = max(most, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return most
}

func compare(t *testing.T, body []byte) {
	t.Helper()
	if bytes.HasPrefix(body, byteOrderMark) || depth(body) > MaxDepth {
		return
	}
	want, wantErr := peer(body)
	got, err := JSON(body)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: err %v, encoding/json %v", body, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(plain(got), want) {
		t.Fatalf("%q is\n%#v, encoding/json\n%#v", body, plain(got), want)
	}
}

var bodies = []string{
	``, ` `, `x`, `null`, ` true `, `false`, `tru`, `nul`, `0`, `-0`, `01`, `-`, `1.`, `1.5`, `.5`, `1e5`, `1E+5`, `1e`, `1e-`, `-1.25e-7`, `+1`, `NaN`,
	`""`, `"`, `"a`, `"a\`, `"\u00e9"`, `"\u00e"`, `"\uD83D\uDE00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\ud83d\ude00"`, `"\ud83d\n"`, `"\q"`, `"\/\b\f\n\r\t\"\\"`,
	"\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"\xff\"", "\"a\xffb\xfe\xfdc\"", "\"abcdefgh\xffijklmnop\"", `"日本語のテキスト"`, `"12345678"`, `"1234567\n"`, "\"1234567\n\"",
	`[]`, `[ ]`, `[1]`, `[1,]`, `[,1]`, `[1 2]`, `[[[]],{}]`, `[`, `]`, `[1`, `{}`, `{ }`, `{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`, `{`, `}`,
	`{"a":1,"a":{"b":2}}`, `{"a\u0062":1}`, "{\"\xff\":1}", `{"":{"":[]}}`, `1 2`, `{} {}`, `[] x`, "\t\r\n[1]\n", `{"a":[{"b":null},{"b":"x"}],"c":{"d":[1,2.5,true]}}`,
}

func TestJSONReadsWhatEncodingJSONReads(t *testing.T) {
	for _, body := range bodies {
		compare(t, []byte(body))
		for cut := range len(body) {
			compare(t, []byte(body[:cut]))
		}
		compare(t, []byte(`{"padding":"0123456789","v":`+body+`}`))
	}
}

func FuzzJSON(f *testing.F) {
	for _, body := range bodies {
		f.Add([]byte(body))
	}
	for _, pattern := range []string{"../preset/testdata/*/*.json", "../../../../shared/payloads/*/*.json", "../../../../../shared/payloads/*/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			if body, err := os.ReadFile(file); err == nil {
				f.Add(body)
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) { compare(t, body) })
}

func TestJSONSaysWhere(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"empty", "", "the body is empty"},
		{"white space", " \n", "the body is empty"},
		{"no value", "nonsense", "not valid JSON at byte 2: expected null"},
		{"cut short", `{"a":"b`, "it ends early, at byte 7"},
		{"two values", `[] []`, "at byte 4: something follows the end"},
		{"no comma", `{"a":1 "b":2}`, "at byte 8: expected , or } after a field"},
		{"bare name", `{a:1}`, "at byte 2: expected the name of a field in quotes"},
		{"control character", "[\"a\nb\"]", "at byte 4: a control character"},
		{"not UTF-8 outside of strings", "\xff\xfe", "at byte 1: no value begins with"},
		{"too deep", strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200), "deeper than 64 levels at byte 320"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := JSON([]byte(c.body))
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err %v, want %q", err, c.want)
			}
		})
	}
	for _, body := range []string{strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), `"` + strings.Repeat("[", 200) + `"`, "\ufeff{}"} {
		if _, err := JSON([]byte(body)); err != nil {
			t.Errorf("%.80s: %v", body, err)
		}
	}
}

func TestPathsLeadToValuesOrToNothing(t *testing.T) {
	root, err := JSON([]byte(`{"a":{"b":[{"c":"x"},{"c":2.50}],"n":null,"t":true},"s":"{\"in\":[1]}","a.b":"dotted","":"empty"}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"a.b.0.c": "x", "a.b.1.c": "2.50", "a.b.2.c": "", "a.b.x": "", "a.n": "", "a.n.x": "", "a.t": "true", "z": "", "a.b.1": `{"c":2.50}`, "s.x": "", "": root.JSON(),
	} {
		if got := root.At(path).Text(); got != want {
			t.Errorf("%q is %q, want %q", path, got, want)
		}
	}
	if got := root.Get("s").Inner().At("in.0").Text(); got != "1" {
		t.Errorf("inner is %q", got)
	}
	if got := root.Get("a.b").Text(); got != "dotted" {
		t.Errorf("dotted name is %q", got)
	}
	if v := root.At("a.n"); v.Present() || v.Kind() != Null || root.At("q.r").Kind() != Absent || root.At("q").Len() != 0 {
		t.Errorf("null is %v", v.Kind())
	}
	if from, to := root.At("a.b.0.c").Span(); root.JSON()[from:to] != `"x"` {
		t.Errorf("span %d to %d", from, to)
	}
}

func BenchmarkJSON(b *testing.B) {
	one := `{"status":"firing","labels":{"alertname":"HighLatency","instance":"web-1:9100","job":"web","severity":"warning"},` +
		`"annotations":{"summary":"Latency of web is high","description":"p99 above 2 s for 10 minutes"},"startsAt":"2026-03-01T08:00:00Z",` +
		`"endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example.com/graph?g0.expr=x","fingerprint":"00aa11bb22cc33dd"}`
	body := []byte(`{"version":"4","alerts":[` + strings.Repeat(one+",", 99) + one + `]}`)
	b.Run("doc", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := JSON(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var v any
			if err := json.Unmarshal(body, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestHeadIsTheBeginningOfTheText(t *testing.T) {
	for _, text := range []string{`"abcdef"`, `"a\"b\\c"`, `"日本語"`, `"\u65e5\u672c\u8a9e"`, `"\ud83d\ude00x"`, "\"\xff\xfe\xfdab\"", "\"\x80\x80\x80\x80\x80\x80\"", `12345678`, `[1,2,3]`, `null`} {
		v, err := JSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for limit := range 12 {
			head := v.Head(limit)
			if len(head) > limit || !utf8.ValidString(head) || !strings.HasPrefix(v.Text(), head) {
				t.Errorf("%s at %d is %q of %q", text, limit, head, v.Text())
			}
		}
		if whole := v.Head(100); whole != v.Text() {
			t.Errorf("%s is %q", text, whole)
		}
	}
}

func TestLargeObjectsAreReadLikeSmallOnes(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"twice":1,"in":{"a":"x"}`)
	for i := range manyNodes {
		fmt.Fprintf(&b, `,"f%d":%d`, i, i)
	}
	b.WriteString(`,"twice":2,"a\u0062":3}`)
	v, err := JSON([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"twice": "2", "in.a": "x", "f7": "7", "ab": "3", "f": ""} {
		if got := v.First(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}
