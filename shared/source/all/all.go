// Package all knows every source: by name, and by what a request looks like.
package all

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/arms"
	"tocsin/shared/source/azure"
	"tocsin/shared/source/cloudmonitor"
	"tocsin/shared/source/cloudwatch"
	"tocsin/shared/source/datadog"
	"tocsin/shared/source/detect"
	"tocsin/shared/source/dynatrace"
	"tocsin/shared/source/email"
	"tocsin/shared/source/eventbridge"
	"tocsin/shared/source/gcp"
	"tocsin/shared/source/github"
	"tocsin/shared/source/gitlab"
	"tocsin/shared/source/grafana"
	"tocsin/shared/source/huawei"
	"tocsin/shared/source/jira"
	"tocsin/shared/source/lookup"
	"tocsin/shared/source/newrelic"
	"tocsin/shared/source/opsgenie"
	"tocsin/shared/source/opsgenieapi"
	"tocsin/shared/source/pagerduty"
	"tocsin/shared/source/pagerdutyevents"
	"tocsin/shared/source/pingdom"
	"tocsin/shared/source/preset"
	"tocsin/shared/source/prometheus"
	"tocsin/shared/source/sentry"
	"tocsin/shared/source/site24x7"
	"tocsin/shared/source/sls"
	"tocsin/shared/source/splunk"
	"tocsin/shared/source/statuscake"
	"tocsin/shared/source/tencent"
	"tocsin/shared/source/zabbix"
)

// Sources returns every source that has a function of its own, by name.
var Sources = sync.OnceValue(func() []source.Source {
	list := []source.Source{
		arms.Source,
		azure.Source,
		cloudmonitor.Source,
		cloudwatch.Source,
		datadog.Source,
		dynatrace.Source,
		email.Source,
		eventbridge.Source,
		gcp.Source,
		github.Source,
		gitlab.Source,
		grafana.Source,
		huawei.Source,
		jira.Source,
		newrelic.Source,
		opsgenie.Source,
		opsgenieapi.Source,
		pagerduty.Source,
		pagerdutyevents.Source,
		pingdom.Source,
		prometheus.Source,
		sentry.Source,
		site24x7.Source,
		sls.Source,
		splunk.Source,
		statuscake.Source,
		tencent.Source,
		zabbix.Source,
	}
	slices.SortFunc(list, func(a, b source.Source) int { return strings.Compare(a.Name, b.Name) })
	return list
})

// Named returns the source of that name or alias; an underscore is as good as
// a hyphen.
func Named(name string) (source.Source, bool) {
	for _, k := range kinds() {
		if k.called(name) {
			if s, ok := Preset(k.name); ok {
				return s, true
			}
			return k.open(), true
		}
	}
	return source.Source{}, false
}

// Preset returns the shipped preset of that name.
func Preset(name string) (source.Source, bool) {
	for _, k := range preset.Shipped() {
		if k.Name == name {
			return opened(k), true
		}
	}
	return source.Source{}, false
}

// opened returns a shipped preset. What bears none of its marks and is nothing
// that it understands, like a body that a user wrote for that system, is read
// by what it looks like, so that no alert is lost.
func opened(k preset.Known) source.Source {
	s := k.Open().Source()
	read := s.Parse
	s.Parse = func(r *source.Request) (source.Parsed, error) {
		parsed, err := read(r)
		if err != nil || len(parsed.Items) == 0 || len(r.Body) > maxOwnBody || understood(parsed) || bears(k.Marks, r) {
			return parsed, err
		}
		found := Recognise(r)
		other, err := found.Source.Parse(r)
		if err != nil || !understood(other) {
			return parsed, nil
		}
		other.Confirm = nil // only an integration of its own source checks who asks
		for _, item := range other.Items {
			if item.Alert != nil {
				item.Alert.Source = s.Name
			}
		}
		other.Notes = append(other.Notes, "in none of the forms of "+s.Name+"; read as "+found.Source.Name+", detected by "+found.By)
		return other, nil
	}
	return s
}

// maxOwnBody bounds what is read a second time; what users write is short.
const maxOwnBody = 64 << 10

func understood(p source.Parsed) bool {
	return len(p.Changes) > 0 || slices.ContainsFunc(p.Items, func(i source.Item) bool { return i.Alert != nil })
}

func bears(marks []string, r *source.Request) bool {
	known, err := lookup.ParseAny(marks)
	return err == nil && known.Holds(r.Scope())
}

// kind is a source of either sort before it is needed.
type kind struct {
	name    string
	aliases []string
	marks   []string
	open    func() source.Source
}

func (k kind) called(name string) bool {
	return word(k.name) == word(name) || slices.ContainsFunc(k.aliases, func(a string) bool { return word(a) == word(name) })
}

// kinds lists the sources with a function of their own, then the presets.
var kinds = sync.OnceValue(func() []kind {
	var all []kind
	for _, s := range Sources() {
		all = append(all, kind{s.Name, s.Aliases, s.Marks, func() source.Source { return s }})
	}
	for _, k := range preset.Shipped() {
		all = append(all, kind{k.Name, k.Aliases, k.Marks, func() source.Source { return k.Open().Source() }})
	}
	return all
})

// Headers are the headers by which requests are told apart, and those that
// sources and the reading of CloudEvents look at.
var Headers = sync.OnceValue(func() []string {
	names := slices.Clone(detect.EventHeaders)
	for _, k := range kinds() {
		for _, mark := range k.marks {
			names = append(names, preset.HeadersIn(mark)...)
		}
	}
	for _, s := range Sources() {
		names = append(names, s.Headers...)
	}
	slices.Sort(names)
	return slices.Compact(names)
})

// Names lists the names and aliases of all sources, sorted.
func Names() []string {
	var names []string
	for _, k := range kinds() {
		names = append(append(names, k.name), k.aliases...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func word(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

// Detected says which source a request is of, and what shows it.
type Detected struct {
	Source source.Source
	By     string // the condition that holds
}

// knows reports whether r is a request of the source that was detected, also
// where it is one with a mistake: its source names the field.
func (d Detected) knows(r *source.Request) bool {
	_, err := d.Source.Parse(r)
	told, ok := errors.AsType[*fault.Error](err)
	return err == nil || ok && len(told.Fields) > 0
}

// Detect finds the source whose marks a request bears. When two sources have
// marks of the same weight, it is unsure, which is false.
func Detect(r *source.Request) (Detected, bool) {
	sc := r.Scope()
	var best match
	second := 0 // the weight of the heaviest mark of any other source
	for _, m := range marks() {
		c, weight := m.heaviest(sc)
		switch {
		case weight > best.weight:
			best, second = match{m.kind, c, weight}, best.weight
		case weight > second:
			second = weight
		}
	}
	if best.weight == 0 {
		return Detected{}, false
	}
	return Detected{best.kind.open(), best.by.String()}, best.weight > second
}

type match struct {
	kind   kind
	by     lookup.Condition
	weight int
}

// heaviest returns the condition of most weight that holds.
func (m *marked) heaviest(sc *lookup.Scope) (by lookup.Condition, weight int) {
	for _, c := range m.conditions {
		if w := c.Weight(); w > weight && c.Holds(sc) {
			by, weight = c, w
		}
	}
	return by, weight
}

// Recognise is [Detect] for who must read the request anyhow: what bears no
// mark is read without a description, and so is what only looks like a
// vendor's and is nothing that its source knows.
func Recognise(r *source.Request) Detected {
	_, _ = r.Loose() // whoever it is of: what cannot be read, none of them reads
	if found, sure := Detect(r); sure && found.knows(r) {
		return found
	}
	p := detect.Propose(r)
	return Detected{Source: p.Source(), By: "nothing: read by names and shapes, sureness " + string(p.Sure)}
}

// Decode reads bodies that are neither JSON nor a form; see [source.Request.Other].
func Decode(r *source.Request) (doc.Value, bool) {
	if r.Media() == email.Media {
		return email.Decode(r)
	}
	return detect.Decode(r)
}

type marked struct {
	kind       kind
	conditions lookup.Any
}

var marks = sync.OnceValue(func() []marked {
	var out []marked
	for _, k := range kinds() {
		conditions, err := lookup.ParseAny(k.marks)
		if err != nil {
			panic(k.name + ": " + err.Error()) // a constant of ours, held by a test
		}
		out = append(out, marked{k, conditions})
	}
	return out
})
