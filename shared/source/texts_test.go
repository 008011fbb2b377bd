package source

import (
	"maps"
	"testing"

	"tocsin/shared/doc"
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

func TestDetails(t *testing.T) {
	object := doc.Of(map[string]any{"host": "db-1", "api_key": "x", "empty": ""})
	if got := Details(object); got != "host: db-1" {
		t.Errorf("%q", got)
	}
	if got := Details(doc.Of("as it is\nwritten")); got != "as it is\nwritten" {
		t.Errorf("%q", got)
	}
}
