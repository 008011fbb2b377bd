package preset

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
)

var headerPath = regexp.MustCompile(`header:([A-Za-z0-9-]+)`)

// headersIn are the headers that paths of a spec name, wherever they stand.
func headersIn(spec Spec) []string {
	spec.Guide = nil
	text, err := json.Marshal(spec)
	if err != nil {
		return nil
	}
	var names []string
	for _, m := range headerPath.FindAllStringSubmatch(string(text), -1) {
		names = append(names, http.CanonicalHeaderKey(m[1]))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
