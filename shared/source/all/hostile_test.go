package all

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/detect"
	"tocsin/shared/source/sourcetest"
)

// sample is a fixture of the repository: a request and the source whose it is.
type sample struct {
	source source.Source
	file   string
	header http.Header
	query  url.Values
	path   string
	body   []byte
}

func (s sample) request(body []byte) *source.Request {
	return &source.Request{Header: s.header, Query: s.query, Path: s.path, Body: body, At: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), Other: detect.Decode, Proven: true}
}

// samples are the fixtures of all sources: the events of functions, and those
// of presets.
func samples(t testing.TB) []sample {
	t.Helper()
	var all []sample
	for _, s := range Sources() {
		found, err := filepath.Glob("../../../events/ingest-" + s.Name + "/*.json")
		if err != nil || len(found) == 0 {
			t.Fatalf("%d events of %s, %v", len(found), s.Name, err)
		}
		for _, file := range found {
			all = append(all, eventSample(t, s, file))
		}
	}
	found, err := filepath.Glob("../preset/testdata/*/*.*")
	if err != nil {
		t.Fatal(err)
	}
	media := map[string]string{".json": "application/json", ".form": source.FormMedia, ".txt": "text/plain"}
	for _, file := range found {
		if s, ok := Preset(filepath.Base(filepath.Dir(file))); ok && media[filepath.Ext(file)] != "" {
			all = append(all, sample{source: s, file: file, header: http.Header{"Content-Type": {media[filepath.Ext(file)]}}, query: url.Values{}, body: read(t, file)})
		}
	}
	if len(all) < 200 {
		t.Fatalf("%d fixtures", len(all))
	}
	return all
}

func eventSample(t testing.TB, s source.Source, file string) sample {
	t.Helper()
	var e struct {
		Headers        map[string]string
		RawQueryString string
		Body           string
	}
	if err := json.Unmarshal(read(t, file), &e); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	one := sample{source: s, file: file, header: http.Header{}, body: []byte(e.Body)}
	for name, value := range e.Headers {
		one.header.Set(name, value)
	}
	one.query, _ = url.ParseQuery(e.RawQueryString)
	return one
}

// repeated is a text of about a size.
func repeated(size int, head, each, tail string) string {
	n := (size - len(head) - len(tail)) / (len(each) + 1)
	return head + strings.TrimSuffix(strings.Repeat(each+",", max(n, 1)), ",") + tail
}

func numbered(size int, head, tail string, each func(i int) string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(each(i))
	}
	return b.String() + tail
}

// hostileValues are of about a size and hostile wherever a value may stand.
func hostileValues(size int) map[string]string {
	fields := numbered(size, `{`, `}`, func(i int) string { return fmt.Sprintf(`"f%d":%d`, i, i%7) })
	return map[string]string{
		"many fields":         fields,
		"many texts":          numbered(size, `{`, `}`, func(i int) string { return fmt.Sprintf(`"f%d":"http://a.b/%d"`, i, i) }),
		"one field often":     repeated(size, `{`, `"status":"x"`, `}`),
		"many items":          repeated(size, `[`, `1`, `]`),
		"nulls":               repeated(size, `[`, `null`, `]`),
		"empty objects":       repeated(size, `[`, `{}`, `]`),
		"objects":             numbered(size, `[`, `]`, func(i int) string { return fmt.Sprintf(`{"name":"n%d","value":"%d"}`, i, i) }),
		"different texts":     numbered(size, `[`, `]`, func(i int) string { return fmt.Sprintf(`"a%d:b"`, i) }),
		"deep":                strings.Repeat(`{"a":[`, 25) + repeated(size, `[`, `"x"`, `]`) + strings.Repeat(`]}`, 25),
		"long":                `"` + strings.Repeat("x", size) + `"`,
		"long words":          `"` + strings.Repeat("a=b, ", size/5) + `"`,
		"long lines":          `"` + strings.Repeat(`a: b\n`, size/6) + `"`,
		"commas":              `"` + strings.Repeat(",", size) + `"`,
		"escaped":             `"` + strings.Repeat(`\u0041`, size/6) + `"`,
		"quotes":              `"` + strings.Repeat(`\"`, size/2) + `"`,
		"braces":              `"` + strings.Repeat(`{$`, size/2) + `"`,
		"spaces":              `"` + strings.Repeat(" ", size) + `"`,
		"tags":                `"` + strings.Repeat(`<a>`, size/3) + `"`,
		"not UTF-8":           `"` + strings.Repeat("\xff", size) + `"`,
		"inner object":        inString(repeated(size*3/4, `{`, `"f":1`, `}`)),
		"inner list":          inString(repeated(size, `[`, `1`, `]`)),
		"inner form":          `"` + strings.Repeat("a=1&", size/4) + `"`,
		"long number":         strings.Repeat("9", size),
		"long key":            `{"` + strings.Repeat("k", size) + `":1}`,
		"long keys":           repeated(size, `{`, `"`+strings.Repeat("k", size/10)+`":{"`+strings.Repeat("l", size/200)+`":1}`, `}`),
		"long key above many": `{"` + strings.Repeat("k", size/2) + `":` + repeated(size/2, `{`, `"f":1`, `}`) + `}`,
		"escaped keys":        numbered(size, `{`, `}`, func(i int) string { return fmt.Sprintf(`"\u0041%d":1`, i) }),
	}
}

func inString(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

// place is where a value stands in a sample: its path with positions left out.
type place struct {
	path     string
	kind     doc.Kind
	from, to int
}

// places are the values of a body; of items, those of the first.
func places(v doc.Value, at string, depth int) []place {
	from, to := v.Span()
	all := []place{{at, v.Kind(), from, to}}
	if depth == 6 {
		return all
	}
	for name, field := range v.Fields() {
		all = append(all, places(field, at+"."+name, depth+1)...)
	}
	if v.Kind() == doc.Array && v.Len() > 0 {
		all = append(all, places(v.Index(0), at+"[]", depth+1)...)
	}
	return all
}

// bodies are what becomes of a sample when one value of it turns hostile: one
// of the shapes in its place, a list with its items again and again, an object
// with ever more fields. Each place gets one shape, because all take too long.
func (s sample) bodies(shapes map[string]string, size int, known map[string]bool, yield func(name string, body []byte)) {
	root, err := doc.JSON(s.body)
	if err != nil {
		return
	}
	names := slices.Sorted(maps.Keys(shapes))
	for _, p := range places(root, "", 0) {
		at := s.source.Name + " " + cmp.Or(p.path, "body") + ": "
		if known[at] {
			continue
		}
		known[at] = true
		before, is, after := string(s.body[:p.from]), string(s.body[p.from:p.to]), string(s.body[p.to:])
		for i, name := range names {
			if i == len(known)%len(names) || p.path == "" && i%3 == len(known)%3 {
				yield(at+name, []byte(before+shapes[name]+after))
			}
		}
		if p.kind != doc.Array && p.kind != doc.Object || len(is) <= len("{}") {
			continue
		}
		inside := is[1 : len(is)-1]
		if p.kind == doc.Array {
			yield(at+"items again", []byte(before+repeated(size, "[", inside, "]")+after))
			continue
		}
		yield(at+"more fields", []byte(before+strings.TrimSuffix(shapes["many fields"], "}")+","+inside+"}"+after))
		if p.path == "" {
			yield(at+"a list of it", []byte(repeated(size, "[", is, "]")))
			yield(at+"fields again", []byte(repeated(size, "{", inside, "}")))
		}
	}
}

// cost is what reading a body takes of processor time and memory.
type cost struct {
	name  string
	cpu   time.Duration
	bytes uint64
	times float64 // the size of the body
	items int
}

func measure(name string, body []byte, parse func() source.Parsed) cost {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := sourcetest.CPU()
	parsed := parse()
	spent := sourcetest.CPU() - start
	runtime.ReadMemStats(&after)
	bytes := after.TotalAlloc - before.TotalAlloc
	return cost{name, spent, bytes, float64(bytes) / float64(len(body)), len(parsed.Items)}
}

func (c cost) check(t *testing.T, body []byte) {
	t.Helper()
	if !raced && c.bytes > uint64(maxMemory*len(body)+itemMemory*c.items+fixedMemory) {
		t.Errorf("%s: %d KB takes %d KB, %.1f times its size", c.name, len(body)>>10, c.bytes>>10, c.times)
	}
	if c.cpu < unmeasured {
		return
	}
	start := sourcetest.CPU()
	var v any
	_ = json.Unmarshal(body, &v)
	if plain := sourcetest.CPU() - start; c.cpu > maxTimes*max(plain, time.Millisecond) {
		t.Errorf("%s: %d KB takes %s of CPU, encoding/json %s", c.name, len(body)>>10, c.cpu, plain)
	}
}

// What a body may cost: so many times what encoding/json takes for it, where
// that is not too little to be measured, and so many times its own size.
const (
	maxTimes    = 50
	maxMemory   = 20
	unmeasured  = 20 * time.Millisecond
	fixedMemory = 512 << 10
	itemMemory  = 3 << 10 // of each alert that is read
)

// TestHostileBodies: no body costs much more than reading it does, whatever it
// holds and wherever in a source's own payload it stands. TOCSIN_HOSTILE=1 tries
// bodies of 1 MiB, which takes minutes, and prints the most expensive.
func TestHostileBodies(t *testing.T) {
	large := os.Getenv("TOCSIN_HOSTILE") != ""
	size := 128 << 10
	if large {
		size = 1 << 20
	}
	shapes := hostileValues(size)
	known := map[string]bool{}
	var costs []cost
	for _, s := range samples(t) {
		s.bodies(shapes, size, known, func(name string, body []byte) {
			r := s.request(body)
			c := measure(name, body, func() source.Parsed { parsed, _ := s.source.Parse(r); return parsed })
			c.check(t, body)
			costs = append(costs, c)
		})
	}
	if len(costs) < 1000 {
		t.Errorf("only %d bodies were tried", len(costs))
	}
	if large {
		report(t, costs)
	}
}

// report prints the bodies that cost most.
func report(t *testing.T, costs []cost) {
	t.Helper()
	t.Logf("%d bodies of 1 MiB", len(costs))
	slices.SortFunc(costs, func(a, b cost) int { return cmp.Compare(b.cpu, a.cpu) })
	for _, c := range costs[:20] {
		t.Logf("%4d ms %5.1fx its size %5d alerts  %.120s", c.cpu.Milliseconds(), c.times, c.items, c.name)
	}
	slices.SortFunc(costs, func(a, b cost) int { return cmp.Compare(b.times, a.times) })
	for _, c := range costs[:20] {
		t.Logf("%5.1fx its size %4d ms %5d alerts  %.120s", c.times, c.cpu.Milliseconds(), c.items, c.name)
	}
}

// TestHostileBodiesAreRecognised at no more cost: conditions and guesses look
// at a body whose source nobody named.
func TestHostileBodiesAreRecognised(t *testing.T) {
	const size = 256 << 10
	marks() // once, before it is measured
	for name, value := range hostileValues(size) {
		for _, body := range []string{value, `{"alerts":` + value + `,"title":"a"}`, `{"message":` + value + `}`, `{"alerts":[{"title":` + value + `}]}`} {
			r := sample{header: http.Header{}, query: url.Values{}}.request([]byte(body))
			c := measure(fmt.Sprintf("%s in %.20s", name, body), []byte(body), func() source.Parsed { parsed, _ := Recognise(r).Source.Parse(r); return parsed })
			c.check(t, []byte(body))
		}
	}
}
