package preset

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
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

// HeadersIn are the headers that paths in a text name, wherever they stand.
func HeadersIn(text string) []string { return namedIn(text, headerPath, http.CanonicalHeaderKey) }

// queriesIn are the parameters of the address that they name.
func queriesIn(text string) []string { return namedIn(text, queryPath, strings.Clone) }

func namedIn(text string, path *regexp.Regexp, write func(string) string) []string {
	var names []string
	for _, m := range path.FindAllStringSubmatch(text, -1) {
		names = append(names, write(m[1]))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
