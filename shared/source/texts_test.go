package source

import (
	"maps"
	"testing"

	"tocsin/shared/source/doc"
)

func TestLabels(t *testing.T) {
	labels := Labels("a", "1", "b", " ", "c", " 2 ", "odd")
	AddFields(labels, doc.Of(map[string]any{"a": "other", "d": 3, "e": nil, "f": []int{1}, "g": map[string]int{}, " ": "x", "h": true}))
	if want := (map[string]string{"a": "1", "c": "2", "d": "3", "h": "true"}); !maps.Equal(labels, want) {
		t.Errorf("%v, want %v", labels, want)
	}
	AddFields(labels, doc.Value{})
}

func TestLines(t *testing.T) {
	if got := Lines("", "a ", " \n", Said("b", " c "), Said("d", " ")); got != "a\nb: c" {
		t.Errorf("%q", got)
	}
}
