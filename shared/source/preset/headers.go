package preset

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
)

// textPath is a path to the whole body.
var textPath = regexp.MustCompile(`\btext:`)

// textOf is a spec as text, without what it says to people.
func textOf(spec Spec) string {
	spec.Guide = nil
	text, err := json.Marshal(spec)
	if err != nil {
		return ""
	}
	return string(text)
}

var (
	headerPath = regexp.MustCompile(`\bheader:([A-Za-z0-9-]+)`)
	queryPath  = regexp.MustCompile(`\bquery:([A-Za-z0-9_.-]+)`)
)

// headersIn are the headers that paths in the text of a spec name, wherever
// they stand.
func headersIn(text string) []string {
	var names []string
	for _, m := range headerPath.FindAllStringSubmatch(text, -1) {
		names = append(names, http.CanonicalHeaderKey(m[1]))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// queriesIn are the parameters of the address that they name.
func queriesIn(text string) []string {
	var names []string
	for _, m := range queryPath.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}
