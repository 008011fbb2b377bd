package all

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"tocsin/shared/alert"
	"tocsin/shared/source"
	"tocsin/shared/source/detect"
)

// reading is one alert as it was read without a description, and what is known
// of it: "" is nothing.
type reading struct {
	path, source      string
	got               *alert.Alert
	status, title, id string
}

func propose(t testing.TB, path string, r *source.Request) *alert.Alert {
	t.Helper()
	fresh := &source.Request{Header: r.Header, Query: r.Query, Body: r.Body, At: r.At, Other: detect.Decode}
	parsed, err := detect.Source.Parse(fresh)
	if err != nil {
		t.Logf("%s: %v", path, err)
		return nil
	}
	if len(parsed.Items) == 0 {
		return nil
	}
	return parsed.Items[0].Alert
}

// collected reads the collection, of which its manifest knows the truth.
func collected(t *testing.T) []reading {
	t.Helper()
	dir := collection(t)
	var all []reading
	for _, e := range manifest(t, dir) {
		if e.Expect.Alerts == 0 {
			continue
		}
		one := reading{path: e.File, source: e.Source, got: propose(t, e.File, e.request(t, dir)), status: e.status(0), title: e.Expect.TitleContains}
		if strings.Contains(e.Expect.AlsoOK, "acknowledged") {
			one.status = ""
		}
		var compact bytes.Buffer
		if e.Expect.Alerts == 1 && len(e.Expect.KeyValues) > 0 {
			if err := json.Compact(&compact, e.Expect.KeyValues); err != nil {
				t.Fatal(err)
			}
			one.id = strings.Trim(compact.String(), "[]")
		}
		all = append(all, one)
	}
	return all
}

// ours reads our own requests with one alert, of which the sources themselves
// know the truth.
func ours(t *testing.T) []reading {
	t.Helper()
	var all []reading
	for _, o := range owned(t) {
		s, _ := Named(o.source)
		parsed, err := s.Parse(o.request)
		if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
			continue
		}
		a := parsed.Items[0].Alert
		all = append(all, reading{path: o.path, source: o.source, got: propose(t, o.path, o.request), status: string(a.Status), id: a.DedupKey})
	}
	return all
}

func titleOf(a *alert.Alert) string {
	if a == nil {
		return ""
	}
	return a.Title
}

// score counts what was right of what is known.
type score struct{ right, all int }

func (s *score) add(right bool) bool {
	s.all++
	if right {
		s.right++
	}
	return right
}

func (s score) atLeast(t *testing.T, what string, percent int) {
	t.Helper()
	t.Logf("%s: %d of %d, %d %%", what, s.right, s.all, 100*s.right/max(s.all, 1))
	if s.all == 0 || 100*s.right < percent*s.all {
		t.Errorf("%s: less than %d %%", what, percent)
	}
}

// TestReadingWithoutADescription measures how much of the requests of known
// systems is understood by names and shapes alone. A pair is two requests of
// one source: about the same alert they must have one key, else two.
func TestReadingWithoutADescription(t *testing.T) {
	for _, c := range []struct {
		name                       string
		read                       func(*testing.T) []reading
		status, title, same, other int // per cent
	}{
		{"collection", collected, 95, 86, 94, 99},
		{"own requests", ours, 91, 0, 84, 95},
	} {
		t.Run(c.name, func(t *testing.T) {
			var status, title, same, other score
			all := c.read(t)
			for i, one := range all {
				if one.status != "" && !status.add(one.got != nil && string(one.got.Status) == one.status) {
					t.Logf("%s: status %s", one.path, one.status)
				}
				if one.title != "" && !title.add(one.got != nil && strings.Contains(strings.ToLower(one.got.Title), strings.ToLower(one.title))) {
					t.Logf("%s: no %q in title %q", one.path, one.title, titleOf(one.got))
				}
				for _, before := range all[:i] {
					if before.source != one.source || one.id == "" || before.id == "" || before.got == nil || one.got == nil {
						continue
					}
					if before.id == one.id {
						if !same.add(before.got.DedupKey == one.got.DedupKey) {
							t.Logf("%s and %s: keys %s and %s", before.path, one.path, before.got.DedupKey, one.got.DedupKey)
						}
					} else if !other.add(before.got.DedupKey != one.got.DedupKey) {
						t.Logf("%s and %s share key %s", before.path, one.path, one.got.DedupKey)
					}
				}
			}
			status.atLeast(t, "status", c.status)
			if title.all > 0 {
				title.atLeast(t, "title", c.title)
			}
			same.atLeast(t, "one key for one alert", c.same)
			other.atLeast(t, "two keys for two", c.other)
		})
	}
}
