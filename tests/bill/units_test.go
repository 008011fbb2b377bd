package main

import "testing"

func s(v string) map[string]any { return map[string]any{"S": v} }

func TestSizeFollowsTheGuide(t *testing.T) {
	for _, c := range []struct {
		name string
		item item
		want int
	}{
		{"nothing", nil, 0},
		{"text", item{"pk": s("abc")}, 5},
		{"number", item{"n": {"N": "1795357432"}}, 1 + 7},
		{"bytes", item{"b": {"B": "AAECAw=="}}, 1 + 4},
		{"flag", item{"f": {"BOOL": true}}, 1 + 1},
		{"list", item{"l": {"L": []any{map[string]any{"S": "ab"}}}}, 1 + 3 + 1 + 2},
		{"map", item{"m": {"M": map[string]any{"k": map[string]any{"S": "ab"}}}}, 1 + 3 + 1 + 1 + 2},
		{"set", item{"s": {"SS": []any{"ab", "c"}}}, 1 + 3 + 3},
	} {
		if got := c.item.size(); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
}

func TestIndexUnits(t *testing.T) {
	due := func(at string) item { return item{"due_shard": s("event#1"), "due_at": s(at)} }
	for _, c := range []struct {
		name          string
		before, after item
		want          float64
	}{
		{"entered", nil, due("1"), 1},
		{"left", due("1"), item{}, 1},
		{"moved", due("1"), due("2"), 2},
		{"stayed", due("1"), due("1"), 0},
		{"half a key", nil, item{"due_shard": s("event#1")}, 0},
	} {
		if got := indexUnits(c.before, c.after); got != c.want {
			t.Errorf("%s: %v units, want %v", c.name, got, c.want)
		}
	}
}

func TestUnitsRoundUp(t *testing.T) {
	big := item{"b": s(string(make([]byte, 1024)))}
	if w, r, half := writeUnits(nil, big), readUnits(4097, true), readUnits(10, false); w != 2 || r != 2 || half != 0.5 {
		t.Errorf("write %v, read %v, eventually consistent %v", w, r, half)
	}
}
