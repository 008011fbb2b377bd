// Package all knows every source: by name, and by what a request looks like.
package all

import (
	"slices"
	"strings"
	"sync"

	"tocsin/shared/source"
	"tocsin/shared/source/datadog"
	"tocsin/shared/source/dynatrace"
	"tocsin/shared/source/grafana"
	"tocsin/shared/source/lookup"
	"tocsin/shared/source/newrelic"
	"tocsin/shared/source/pingdom"
	"tocsin/shared/source/prometheus"
	"tocsin/shared/source/site24x7"
	"tocsin/shared/source/splunk"
	"tocsin/shared/source/statuscake"
	"tocsin/shared/source/zabbix"
)

// Sources returns every source that has a function of its own, by name.
var Sources = sync.OnceValue(func() []source.Source {
	list := []source.Source{
		datadog.Source,
		dynatrace.Source,
		grafana.Source,
		newrelic.Source,
		pingdom.Source,
		prometheus.Source,
		site24x7.Source,
		splunk.Source,
		statuscake.Source,
		zabbix.Source,
	}
	slices.SortFunc(list, func(a, b source.Source) int { return strings.Compare(a.Name, b.Name) })
	return list
})

// Named returns the source of that name or alias; an underscore is as good as
// a hyphen.
func Named(name string) (source.Source, bool) {
	name = word(name)
	for _, s := range Sources() {
		if s.Name == name || slices.ContainsFunc(s.Aliases, func(a string) bool { return word(a) == name }) {
			return s, true
		}
	}
	return source.Source{}, false
}

// Names lists the names and aliases of all sources, sorted.
func Names() []string {
	var names []string
	for _, s := range Sources() {
		names = append(append(names, s.Name), s.Aliases...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func word(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

// Detected says which source a request is of, and what shows it.
type Detected struct {
	Source source.Source
	By     string // the condition that holds
	weight int
}

// Detect finds the source whose marks a request bears. When two sources have
// marks of the same weight, it is unsure, which is false.
func Detect(r *source.Request) (Detected, bool) {
	sc := r.Scope()
	var best, second Detected
	for _, m := range marks() {
		for _, c := range m.conditions {
			w := c.Weight()
			if w <= second.weight || !c.Holds(sc) {
				continue
			}
			found := Detected{Source: m.source, By: c.String(), weight: w}
			switch {
			case w > best.weight:
				if best.Source.Name != m.source.Name {
					second = best
				}
				best = found
			case best.Source.Name != m.source.Name:
				second = found
			}
		}
	}
	return best, best.weight > second.weight
}

// Recognise is [Detect] for who must read the request anyhow.
func Recognise(r *source.Request) Detected {
	if found, sure := Detect(r); sure {
		return found
	}
	return Detected{Source: prometheus.Source, By: "nothing"}
}

type marked struct {
	source     source.Source
	conditions lookup.Any
}

var marks = sync.OnceValue(func() []marked {
	var out []marked
	for _, s := range Sources() {
		conditions, err := lookup.ParseAny(s.Marks)
		if err != nil {
			panic(s.Name + ": " + err.Error()) // a constant of ours, held by a test
		}
		out = append(out, marked{s, conditions})
	}
	return out
})
