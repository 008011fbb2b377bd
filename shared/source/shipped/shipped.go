// Package shipped says what is known of every source that ships, as data: its
// names, how its side is set up and what its integrations may ask for. Who
// must not link the code of a hundred sources reads this instead.
package shipped

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"tocsin/shared/source"
)

// Source is what is known of a source.
type Source struct {
	Name        string       `json:"name"`
	Aliases     []string     `json:"aliases,omitempty"`
	Vendor      bool         `json:"vendor,omitempty"` // it has a proof of its own, checked against a secret
	Signed      bool         `json:"signed,omitempty"` // it proves itself without a secret
	Auths       []string     `json:"auths,omitempty"`  // kinds of proof beside none that its senders have room for; nil: all
	RetryStatus int          `json:"retry_status"`     // on which it sends again
	Guide       source.Guide `json:"guide"`
}

// Custom is the source of what nobody described, and of users' mappings; Email
// that whose senders have an address in place of a URL.
const (
	Custom = "custom"
	Email  = "email"
)

// sources.json holds one source a line; the test of this package writes it
// with -update from the sources themselves, and fails while it differs.
//
//go:embed sources.json
var sources []byte

var (
	once sync.Once
	all  []Source
)

// All lists the sources, custom first, the others by name. They are decoded at
// the first call, and not linked where there is none.
func All() []Source {
	once.Do(func() {
		if err := json.Unmarshal(sources, &all); err != nil {
			panic(err) // a constant of ours, held by a test
		}
	})
	return all
}

// Named returns the source of that name or alias; an underscore is as good as
// a hyphen.
func Named(name string) (Source, bool) {
	for _, s := range All() {
		if word(s.Name) == word(name) || slices.ContainsFunc(s.Aliases, func(a string) bool { return word(a) == word(name) }) {
			return s, true
		}
	}
	return Source{}, false
}

// Unknown says that a name is none of a source: those that are most like it
// first, then all.
func Unknown(name string, names []string) string {
	near := slices.Clone(names)
	slices.SortStableFunc(near, func(a, b string) int { return apart(word(a), word(name)) - apart(word(b), word(name)) })
	return "nearest are " + strings.Join(near[:min(len(near), 3)], ", ") + "; known are " + strings.Join(names, ", ")
}

// apart is how many letters must be put in, taken out or changed to make b of a
// (Levenshtein); of a name that begins the other, how it goes on counts half.
func apart(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = 2 * j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = 2 * (i + 1)
		for j := range len(b) {
			cost := 2
			if a[i] == b[j] {
				cost = 0
			}
			before, row[j+1] = row[j+1], min(before+cost, row[j]+2, row[j+1]+2)
		}
	}
	if strings.HasPrefix(a, b) || strings.HasPrefix(b, a) {
		return row[len(b)] / 2
	}
	return row[len(b)]
}

// Names lists the names, without aliases.
func Names() []string {
	var names []string
	for _, s := range All() {
		names = append(names, s.Name)
	}
	return names
}

func word(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }
