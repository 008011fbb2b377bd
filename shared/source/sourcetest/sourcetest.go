// Package sourcetest holds what the tests of sources have in common: tables of
// bodies and what becomes of them, tables of proofs, and the fuzz target. Tests
// alone import it.
//
//	sourcetest.Run(t, github.Source, []sourcetest.Case{
//		{Name: "ping", Body: `{"zen":"..."}`, Header: []string{"X-GitHub-Event", "ping"}, Note: "ping"},
//	})
package sourcetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Received is the receive time of the tests.
var Received = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// Request is a request with a body and headers, name and value in turn.
func Request(body string, header ...string) *source.Request {
	r := &source.Request{Header: http.Header{}, Query: url.Values{}, Body: []byte(body), At: Received}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// One is the alert of a JSON body that holds one.
func One(t *testing.T, src source.Source, body string) alert.Alert {
	t.Helper()
	parsed, err := src.Parse(Request(body, "Content-Type", "application/json"))
	if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
		t.Fatalf("%+v, %v", parsed, err)
	}
	return *parsed.Items[0].Alert
}

// Refused is why a JSON body is no alert: its error, or that of its one item.
func Refused(t *testing.T, src source.Source, body string) string {
	t.Helper()
	parsed, err := src.Parse(Request(body, "Content-Type", "application/json"))
	if err != nil {
		return err.Error()
	}
	if len(parsed.Items) != 1 {
		t.Fatalf("%+v", parsed)
	}
	return parsed.Items[0].Rejected
}

// Case is a request and what a source makes of it.
type Case struct {
	Name    string
	Body    string
	Header  []string               // names and values in turn
	Want    []string               // what [Line] says of the items
	Look    func(*alert.Alert) any // of the first alert ...
	Is      any                    // ... is this
	Changes []string               // what [ChangeLine] says of the changes
	Note    string                 // part of the notes
	Err     string                 // part of the error: nothing can be understood
}

// Line says what an item is: status, severity, key, start, end and title; or
// why it was rejected.
func Line(item source.Item) string {
	if item.Alert == nil {
		return "rejected: " + item.Rejected
	}
	a := item.Alert
	severity := string(a.Severity)
	if severity == "" {
		severity = "-"
	}
	return fmt.Sprintf("%s %s %s %s..%s %q", a.Status, severity, a.DedupKey, clock(a.StartedAt), clock(a.EndedAt), a.Title)
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// ChangeLine says what a change is: time, service and title.
func ChangeLine(c source.Change) string {
	return strings.Join(strings.Fields(clock(c.At)+" "+c.Service+" "+fmt.Sprintf("%q", c.Title)), " ")
}

// Run parses the body of each case.
func Run(t *testing.T, src source.Source, cases []Case) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			parsed, err := src.Parse(Request(c.Body, c.Header...))
			if c.Err != "" {
				if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.Err) {
					t.Errorf("error %v, want %q", err, c.Err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c.compare(t, parsed)
		})
	}
}

func (c Case) compare(t *testing.T, parsed source.Parsed) {
	t.Helper()
	var lines, changes []string
	for _, item := range parsed.Items {
		lines = append(lines, Line(item))
	}
	for _, change := range parsed.Changes {
		changes = append(changes, ChangeLine(change))
	}
	if c.Look == nil && !slices.Equal(lines, c.Want) {
		t.Errorf("alerts\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(c.Want, "\n"))
	}
	if !slices.Equal(changes, c.Changes) {
		t.Errorf("changes %q, want %q", changes, c.Changes)
	}
	if notes := strings.Join(parsed.Notes, "; "); !strings.Contains(notes, c.Note) {
		t.Errorf("notes %q, want %q", notes, c.Note)
	}
	if c.Look == nil {
		return
	}
	if len(parsed.Items) == 0 || parsed.Items[0].Alert == nil {
		t.Fatalf("no alert: %q", lines)
	}
	if got := c.Look(parsed.Items[0].Alert); fmt.Sprint(got) != fmt.Sprint(c.Is) {
		t.Errorf("%v, want %v", got, c.Is)
	}
}

// Proof is a request and whether it proves that it is the sender's.
type Proof struct {
	Name    string
	Request *source.Request
	OK      bool
}

// Verify checks proofs against secrets, and that none passes without one.
func Verify(t *testing.T, src source.Source, secrets []string, proofs []Proof) {
	t.Helper()
	for _, p := range proofs {
		t.Run(p.Name, func(t *testing.T) {
			err := src.Verify(p.Request, secrets)
			if (err == nil) != p.OK || err != nil && !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%v, want passed %t", err, p.OK)
			}
			for _, none := range [][]string{nil, {""}} {
				if src.Verify(p.Request, none) == nil {
					t.Error("passes without a secret")
				}
			}
			for _, s := range secrets {
				if err != nil && s != "" && strings.Contains(err.Error(), s) {
					t.Errorf("%v names the secret", err)
				}
			}
		})
	}
}

// FlipBit returns s with one bit of its last character but one flipped.
func FlipBit(s string) string {
	b := []byte(s)
	b[len(b)-2] ^= 1
	return string(b)
}

// Fuzz feeds src, with a header that tells kinds of requests apart ("" for
// none). Seeds are those given, the bodies of the function's events, and the
// collection of payloads where there is one.
func Fuzz(f *testing.F, src source.Source, header string, seeds ...string) {
	f.Helper()
	fuzz(f, src, header, Check, seeds)
}

// FuzzStates is [Fuzz] of a source whose alerts fire or are resolved, and bear
// its own name.
func FuzzStates(f *testing.F, src source.Source, seeds ...string) {
	f.Helper()
	fuzz(f, src, "", func(t *testing.T, item source.Item) {
		t.Helper()
		Check(t, item)
		if a := item.Alert; a != nil && (a.Source != src.Name || a.Status != alert.Firing && a.Status != alert.Resolved) {
			t.Fatalf("alert %+v", a)
		}
	}, seeds)
}

func fuzz(f *testing.F, src source.Source, header string, check func(*testing.T, source.Item), seeds []string) {
	f.Helper()
	for _, s := range seeds {
		f.Add([]byte(s), "")
	}
	for _, seed := range Seeds(f, src) {
		f.Add(seed.Body, seed.Header[strings.ToLower(header)])
	}
	f.Fuzz(func(t *testing.T, body []byte, value string) {
		r := Request(string(body))
		if header != "" && value != "" {
			r.Header.Set(header, value)
		}
		parsed, err := src.Parse(r)
		if err != nil {
			if len(parsed.Items) > 0 || !fault.Is(err, fault.Invalid) {
				t.Fatalf("%d items and error %v", len(parsed.Items), err)
			}
			return
		}
		for _, item := range parsed.Items {
			check(t, item)
		}
		for _, c := range parsed.Changes {
			if c.ID == "" || strings.TrimSpace(c.Title) == "" || c.Source != src.Name {
				t.Fatalf("change %+v", c)
			}
		}
	})
}

// Seed is a body to begin fuzzing with, and the headers it came with, by names
// in lower case.
type Seed struct {
	Body   []byte
	Header map[string]string
}

// Seeds are the bodies of the function's events, and the collection of
// payloads where there is one.
func Seeds(f *testing.F, src source.Source) []Seed {
	f.Helper()
	return append(fixtures(f, src.Name), collected(f, append([]string{src.Name}, src.Aliases...))...)
}

func fixtures(f *testing.F, name string) (seeds []Seed) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("../../../events", "ingest-"+name, "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("%d events of %s, %v", len(files), name, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var e struct {
			Headers map[string]string
			Body    string
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			f.Fatalf("%s: %v", file, err)
		}
		seeds = append(seeds, Seed{[]byte(e.Body), e.Headers})
	}
	return seeds
}

// collected reads the payloads of folders of the collection beside the
// repository or above it; without it, there are fewer seeds.
func collected(f *testing.F, folders []string) (seeds []Seed) {
	f.Helper()
	for dir, n := ".", 0; n < 8; dir, n = filepath.Join(dir, ".."), n+1 {
		for _, folder := range folders {
			files, err := filepath.Glob(filepath.Join(dir, "shared", "payloads", strings.ReplaceAll(folder, "-", "_"), "*"))
			if err != nil {
				f.Fatal(err)
			}
			for _, file := range files {
				if raw, err := os.ReadFile(file); err == nil {
					seeds = append(seeds, Seed{Body: raw})
				}
			}
		}
	}
	return seeds
}

// Check reports what no accepted item may be.
func Check(t *testing.T, item source.Item) {
	t.Helper()
	a := item.Alert
	if (a == nil) == (item.Rejected == "") {
		t.Fatalf("item %+v", item)
	}
	if a == nil {
		return
	}
	text, err := json.Marshal(a)
	if err != nil || len(text) > alert.MaxStored || !utf8.Valid(text) {
		t.Fatalf("%d bytes, %v", len(text), err)
	}
	known := a.Status == alert.Firing || a.Status == alert.Resolved || a.Status == alert.Acknowledged
	if a.Title == "" || a.DedupKey == "" || a.Source == "" || !known || !a.Severity.Valid() || !a.Priority.Valid() {
		t.Fatalf("alert %+v", a)
	}
}
