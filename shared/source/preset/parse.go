package preset

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/lookup"
)

// Parse reads a request.
func (p *Preset) Parse(r *source.Request) (source.Parsed, error) {
	root, err := r.Loose()
	if err != nil && (!p.takesText() || !utf8.Valid(r.Body) || len(strings.TrimSpace(string(r.Body))) == 0) {
		return source.Parsed{}, err
	}
	if k := root.Kind(); err == nil && k != doc.Object && k != doc.Array && !p.takesText() {
		return source.Parsed{}, fault.New(fault.Invalid, "the body is %s, expected an object or an array", k)
	}
	if err := r.BrokenJSON(); err != nil && !p.readsText {
		return source.Parsed{}, err
	}
	sc := r.Scope()
	sc.Blank = p.blank
	p.open(sc)
	p.extract(sc)
	out := source.Parsed{SenderID: p.requestID.In(sc), Items: []source.Item{}}
	if p.ignore.Holds(sc) {
		out.Notes = append(out.Notes, "the request holds no alert")
		return out, nil
	}
	if p.change != nil && p.change.when.Holds(sc) {
		out.Changes = []source.Change{p.changeOf(sc)}
		return out, nil
	}
	return out, p.read(sc, &out)
}

// takesText: a source of texts names "*" or text/plain.
func (p *Preset) takesText() bool {
	for _, m := range p.spec.Media {
		if m == "*" || strings.HasPrefix(m, "text/") {
			return true
		}
	}
	return false
}

// open takes the document out of its envelope, if it has one.
func (p *Preset) open(sc *lookup.Scope) {
	if p.body == nil {
		return
	}
	if v := p.body.Value(sc); v.Kind() >= doc.Array {
		sc.Item, sc.Root = v, v
	}
}

func (p *Preset) extract(sc *lookup.Scope) {
	sc.Named = map[string]string{}
	for _, e := range p.extracts {
		names := e.match.SubexpNames()
		for i, text := range e.match.FindStringSubmatch(e.from.Text(sc)) {
			if names[i] != "" && text != "" {
				sc.Named[names[i]] = text
			}
		}
	}
}

// variant returns the position of the reading that is meant: that of the first
// variant whose condition holds, else the common one.
func (p *Preset) variant(sc *lookup.Scope) int {
	last := len(p.readings) - 1
	for i := range p.readings[:last] {
		if p.readings[i].when.Holds(sc) {
			return i
		}
	}
	return last
}

// read reads the alerts of a request. Where no variant is that of the request,
// each alert has its own.
func (p *Preset) read(sc *lookup.Scope, out *source.Parsed) error {
	of := p.variant(sc)
	r := &p.readings[of]
	several := len(r.alerts)+len(r.ended) > 0
	items, ended := valuesOf(r.alerts, sc), valuesOf(r.ended, sc)
	if !several {
		items = []doc.Value{sc.Root}
	}
	if err := source.TooMany(len(items) + len(ended)); err != nil {
		return err
	}
	untitled, ending := 0, 0
	for i, v := range slices.Concat(items, ended) {
		one := sc
		if several {
			one = sc.Each(v)
		}
		if several && of == len(p.readings)-1 {
			r = &p.readings[p.variant(one)]
		}
		item, ok := r.one(p.name, one, i >= len(items))
		if !ok {
			continue
		}
		if a := item.Alert; a != nil && a.Title == a.DedupKey && r.title.In(one) == "" {
			untitled++
		}
		if !r.neverEnds {
			ending++
		}
		out.Items = append(out.Items, item)
	}
	out.NeverEnds = len(out.Items) > 0 && ending == 0
	if untitled > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d of %d alerts have no title: nothing stands at %s; the key stands for it", untitled, len(out.Items), written(r.title)))
	}
	switch {
	case len(items)+len(ended) == 0:
		out.Notes = append(out.Notes, "no alert was found where this source has them")
	case len(out.Items) == 0:
		out.Notes = append(out.Notes, "the request holds no alert")
	}
	return nil
}

// one reads one alert; false: it is left out. Where it stands may say that it
// has ended.
func (r *reading) one(of string, sc *lookup.Scope, ended bool) (source.Item, bool) {
	switch {
	case ended:
		return r.alert(of, alert.Resolved, sc), true
	case r.skip.Holds(sc) || r.ignored.Holds(sc):
		return source.Item{}, false
	}
	return r.item(of, sc), true
}

func valuesOf(paths []lookup.Path, sc *lookup.Scope) []doc.Value {
	var found []doc.Value
	for _, p := range paths {
		found = append(found, p.Values(sc)...)
	}
	return found
}

func (r *reading) item(name string, sc *lookup.Scope) source.Item {
	status, problem := r.status(sc)
	if problem != "" {
		return source.Item{Rejected: problem}
	}
	return r.alert(name, status, sc)
}

func (r *reading) alert(name string, status alert.Status, sc *lookup.Scope) source.Item {
	sc.Labels = r.labelsOf(sc)
	a := alert.Alert{
		Source: name, Status: status, Severity: r.severity(sc), Title: r.title.In(sc), Description: r.description.Lines(sc),
		Group: r.group.In(sc), Episode: r.episode.In(sc), Labels: sc.Labels, Links: linksOf(r.links, sc),
	}
	r.setTimes(&a, sc)
	if a.DedupKey = keyOf(r.key, sc); a.DedupKey == "" {
		if a.Title == "" {
			return source.Item{Rejected: fmt.Sprintf("neither key nor title: nothing stands at %s", written(r.key, r.title))}
		}
		a.DedupKey = r.hashOf(a.Title, sc)
	}
	return source.Told(a)
}

// hashOf is the key of an alert that its sender gives none.
func (r *reading) hashOf(title string, sc *lookup.Scope) string {
	parts := map[string]string{"title": source.Stem(title)}
	for _, p := range r.identity {
		if text := p.Text(sc); text != "" {
			parts[p.String()] = text
		}
	}
	return alert.HashKey(parts)
}

// setTimes: only a start that the sender calls one names the firing period,
// because the time of a request is another at each repeat. A spec that says
// what names it, if anything, is believed.
func (r *reading) setTimes(a *alert.Alert, sc *lookup.Scope) {
	instant := func(t lookup.Texts) time.Time { return source.InstantIn(t.In(sc), r.zone) }
	a.StartedAt = instant(r.startedAt)
	if len(r.episode) == 0 {
		a.Episode = source.Episode(a.StartedAt)
	}
	at := instant(r.at)
	if a.Status == alert.Resolved {
		if a.EndedAt = instant(r.endedAt); a.EndedAt.IsZero() {
			a.EndedAt = at
		}
	} else if a.StartedAt.IsZero() {
		a.StartedAt = at
	}
}

func written(lists ...lookup.Texts) string {
	var out []string
	for _, list := range lists {
		for _, t := range list {
			out = append(out, t.String())
		}
	}
	return strings.Join(out, ", ")
}

// keyOf takes the first of the identities that is whole.
func keyOf(keys lookup.Texts, sc *lookup.Scope) string {
	for _, k := range keys {
		if id := k.Key(sc); id != "" {
			return alert.SenderKey("key", id)
		}
	}
	return ""
}

func (r *reading) status(sc *lookup.Scope) (alert.Status, string) {
	switch {
	case r.acknowledged.Holds(sc):
		return alert.Acknowledged, ""
	case r.resolved.Holds(sc):
		return alert.Resolved, ""
	case r.firing.Holds(sc):
		return alert.Firing, ""
	}
	if s := r.saidStatus(sc); s != "" {
		return s, ""
	}
	if len(r.firing) == 0 {
		return alert.Firing, ""
	}
	var expected []string
	for _, c := range r.firing {
		expected = append(expected, c.String())
	}
	return "", fmt.Sprintf("status: %s; expected what is ignored, acknowledged or resolved, or %s", r.firing[0].Found(sc), strings.Join(expected, ", or "))
}

func (r *reading) saidStatus(sc *lookup.Scope) alert.Status {
	for _, t := range r.statusFrom {
		if s := source.StatusOf(t.In(sc)); s != "" {
			return s
		}
	}
	for _, t := range r.statusTold {
		if s := source.StatusTold(t.In(sc)); s != "" {
			return s
		}
	}
	return ""
}

func (r *reading) severity(sc *lookup.Scope) alert.Severity {
	for _, rank := range r.severities {
		if rank.when.Holds(sc) {
			return rank.severity
		}
	}
	for _, t := range r.severityFrom {
		if s := source.SeverityOf(t.In(sc)); s != "" {
			return s
		}
	}
	for _, t := range r.severityTold {
		if s := source.SeverityTold(t.In(sc)); s != "" {
			return s
		}
	}
	return r.defaultSeverity
}

func (r *reading) labelsOf(sc *lookup.Scope) map[string]string {
	to := spreader{labels: map[string]string{}, omit: r.labelsOmit, blank: sc.Blank}
	for _, p := range r.labelsFrom {
		for _, v := range p.Values(sc) {
			to.spread(v)
		}
	}
	for name, t := range r.labels {
		if text := t.In(sc); text != "" {
			to.labels[name] = text
		}
	}
	return to.labels
}

// maxSpread is how many fields or items may become labels, of which an alert
// keeps fewer.
const maxSpread = 200

// spreader reads labels from an object, from a list of objects with a name and
// a value, or from a list of texts like name:value or name=value.
type spreader struct {
	labels map[string]string
	omit   []string
	blank  *regexp.Regexp
	seen   int
}

func (s *spreader) spread(v doc.Value) {
	for name, value := range v.Fields() {
		if s.seen++; s.seen > maxSpread {
			return
		}
		s.add(name, value)
	}
	for item := range v.Items() {
		if s.seen++; s.seen > maxSpread {
			return
		}
		if item.Kind() == doc.String {
			s.addTag(item.Head(alert.MaxLabelValue))
		} else {
			s.add(item.First("name", "key", "label", "title"), item.Get("value"))
		}
	}
}

func (s *spreader) add(name string, value doc.Value) {
	switch value.Kind() {
	case doc.Object, doc.Array:
		return
	case doc.Number, doc.Bool:
		if slices.Contains(s.omit, "#") {
			return
		}
	}
	s.put(name, value.Head(2*alert.MaxLabelValue))
}

func (s *spreader) addTag(text string) {
	if at := strings.IndexAny(text, ":="); at >= 0 {
		s.put(text[:at], text[at+1:])
	} else {
		s.put(text, "true")
	}
}

func (s *spreader) put(name, value string) {
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	omitted := func(pattern string) bool { return lookup.Match(pattern, name) }
	if name != "" && value != "" && !slices.ContainsFunc(s.omit, omitted) && (s.blank == nil || !s.blank.MatchString(value)) {
		s.labels[name] = value
	}
}

func linksOf(links []link, sc *lookup.Scope) []alert.Link {
	out := []alert.Link{}
	for _, l := range links {
		out = source.AppendLink(out, l.text.In(sc), l.url.In(sc))
	}
	return out
}

func (p *Preset) changeOf(sc *lookup.Scope) source.Change {
	c := p.change
	out := source.Change{Source: p.name, Title: c.title.In(sc), ID: c.id.In(sc), At: source.Instant(c.at.In(sc)), Labels: map[string]string{}, Links: linksOf(c.links, sc)}
	for name, t := range c.labels {
		if text := t.In(sc); text != "" {
			out.Labels[name] = text
		}
	}
	if out.Title == "" {
		out.Title = p.name + " change"
	}
	return source.Changed(out)
}
