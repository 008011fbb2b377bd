// Package detect reads what nobody described: it finds title, status,
// severity, identity, times and links of an alert by the names and shapes that
// monitoring systems use, and says how sure it is and why. What it finds is a
// mapping like any other, which a user may edit.
//
//	p := detect.Propose(request)
//	parsed, err := p.Parse(request)
package detect

import (
	"bytes"
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/doc"
	"tocsin/shared/source/preset"
)

// Name is the source of alerts that were read without a description.
const Name = "custom"

// Proposal is how a request can be read.
type Proposal struct {
	Spec    preset.Spec
	Sure    Sureness
	Reasons []Reason
}

// Sureness is how far a proposal can be trusted.
type Sureness string

// High: title, status and identity have names of their own. Medium: a title
// and one of the others. Low: the rest, which a person should look at.
const (
	High   Sureness = "high"
	Medium Sureness = "medium"
	Low    Sureness = "low"
)

// Reason says where a part was found and why there.
type Reason struct {
	Part string `json:"part"`
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Bounds of what is looked at of one alert.
const (
	maxLeaves = 400
	maxDeep   = 5
)

// leaf is a single value with the names that lead to it.
type leaf struct {
	path    string
	names   []string // without what joins their words
	value   doc.Value
	text    string
	request bool // stands beside the list of alerts, not in the alert
}

func (l leaf) name() string { return l.names[len(l.names)-1] }

func (l leaf) parent() string {
	if len(l.names) < 2 {
		return ""
	}
	return l.names[len(l.names)-2]
}

// Propose finds out how r can be read. A body that is nothing at all makes a
// proposal that reads nothing.
func Propose(r *source.Request) Proposal {
	root, err := r.Root()
	if err != nil {
		return Proposal{Sure: Low}
	}
	list, sample := findAlerts(root)
	f := finder{taken: map[string]bool{}, envelope: list == "" && isEnvelope(root)}
	f.collect(sample, "", nil, 0, false)
	if list != "" {
		f.collect(root, "$.", nil, 0, true)
	}
	return f.propose(list)
}

// Parse reads a request as p says.
func (p Proposal) Parse(r *source.Request) (source.Parsed, error) {
	compiled, err := preset.Compile(Name, p.Spec)
	if err != nil {
		return source.Parsed{}, fmt.Errorf("compile a proposed mapping: %w", err)
	}
	parsed, err := compiled.Parse(r)
	if err == nil {
		parsed.Notes = append(parsed.Notes, "read without a description, sureness "+string(p.Sure))
	}
	return parsed, err
}

// findAlerts returns the path of the list of alerts and the first of them; ""
// and the body if it is one alert.
func findAlerts(root doc.Value) (path string, sample doc.Value) {
	if root.Kind() == doc.Array {
		if first := root.Index(0); first.Kind() == doc.Object {
			return "$[*]", first
		}
		return "", root
	}
	candidates := lists
	if _, titled := bestName(root, roleTitle, 10); !titled {
		candidates = slices.Concat(lists, weakLists)
	}
	if name, first := listIn(root, candidates); name != "" {
		return "$." + quoted(name) + "[*]", first
	}
	for name, v := range source.Named(root) {
		if inner, first := listIn(v, lists); inner != "" && slices.Contains(enclosing, source.Plain(name)) {
			return "$." + quoted(name) + "." + quoted(inner) + "[*]", first
		}
	}
	return "", root
}

func listIn(v doc.Value, candidates []string) (name string, first doc.Value) {
	for n, field := range source.Named(v) {
		if first := field.Index(0); slices.Contains(candidates, source.Plain(n)) && first.Kind() == doc.Object {
			return n, first
		}
	}
	return "", doc.Value{}
}

// bestName reports whether a field of v has one of the first names of a role.
func bestName(v doc.Value, r role, first int) (string, bool) {
	for n, field := range source.Named(v) {
		if slices.Contains(names[r][:first], source.Plain(n)) && field.Kind() == doc.String {
			return n, true
		}
	}
	return "", false
}

// quoted is a name as it stands in a path.
func quoted(name string) string {
	if name == "" || strings.ContainsAny(name, ".|[ {}@$:=!<>") {
		return `"` + name + `"`
	}
	return name
}

type finder struct {
	leaves   []leaf
	objects  []leaf          // objects and lists by a name that labels have
	taken    map[string]bool // paths that have a role
	envelope bool            // the body only carries what it is about
	reasons  []Reason
}

// isEnvelope reports whether a body carries what it is about in an object.
func isEnvelope(root doc.Value) bool {
	for name, v := range source.Named(root) {
		if v.Kind() == doc.Object && slices.Contains(envelopes, source.Plain(name)) {
			return true
		}
	}
	return false
}

func (f *finder) collect(v doc.Value, at string, above []string, depth int, request bool) {
	if depth > maxDeep || len(f.leaves) >= maxLeaves {
		return
	}
	for name, field := range source.Named(v) {
		if len(f.leaves) >= maxLeaves {
			return
		}
		if strings.ContainsAny(name, `"}`) || len(name) > 100 {
			continue // no path can name it
		}
		l := leaf{path: at + quoted(name), names: append(slices.Clip(above), source.Plain(name)), value: field, request: request}
		switch field.Kind() {
		case doc.Object:
			if holdsLabels(l.name()) {
				f.objects = append(f.objects, l)
			}
			f.collect(field, l.path+".", l.names, depth+1, request)
		case doc.Array:
			if holdsLabels(l.name()) {
				f.objects = append(f.objects, l)
			}
		case doc.String:
			if inner := field.Inner(); inner.Kind() == doc.Object {
				f.collect(inner, l.path+"|json.", l.names, depth+1, request)
				continue
			}
			fallthrough
		default:
			if l.text = strings.TrimSpace(field.Text()); l.text != "" && len(f.leaves) < maxLeaves {
				f.leaves = append(f.leaves, l)
			}
		}
	}
}

func holdsLabels(name string) bool {
	return slices.Contains([]string{"labels", "tags", "dimensions", "tag", "attributes", "commonlabels", "metadata"}, name)
}

// propose fills each role with the leaf that fits best.
func (f *finder) propose(list string) Proposal {
	var p Proposal
	if list != "" {
		p.Spec.Alerts = preset.List{list}
		f.because("alerts", list, "a list of objects")
	}
	status := f.best(roleStatus)
	severity := f.best(roleSeverity)
	key := f.best(roleKey)
	title := f.best(roleTitle)
	p.Spec.Status = f.status(status, severity, title)
	p.Spec.Severity = f.severity(severity, status, title)
	if key != nil {
		p.Spec.Key = braces(key)
	} else {
		p.Spec.Identity = f.identity(title != nil)
	}
	p.Spec.Title = f.titled(title)
	p.Spec.Description = braces(f.best(roleDescription))
	p.Spec.StartedAt, p.Spec.EndedAt, p.Spec.At = braces(f.best(roleStarted)), braces(f.best(roleEnded)), braces(f.best(roleAt))
	p.Spec.Links = f.links()
	p.Spec.LabelsFrom, p.Spec.Labels = f.labels()
	if title == nil {
		p.Spec.Title = untitled(p.Spec.Identity)
		f.because("title", "", "nothing has the name or shape of one")
	}
	p.Sure = sureness(title != nil, status != nil, key != nil)
	p.Reasons = f.reasons
	return p
}

func sureness(title, status, key bool) Sureness {
	switch {
	case title && status && key:
		return High
	case title && (status || key):
		return Medium
	}
	return Low
}

// untitled is the title of what has none: what it is about, if that is known.
func untitled(identity preset.List) preset.List {
	title := preset.List{"Alert without a title"}
	if len(identity) > 0 {
		title = append(preset.List{"Alert of {" + strings.Join(identity, "}, {") + "}"}, title...)
	}
	return title
}

// titled is the title, after the name of what watches where it is known and
// the title does not say it.
func (f *finder) titled(title *leaf) preset.List {
	if title == nil || !slices.Contains(telling, title.name()) {
		return braces(title)
	}
	for _, name := range called {
		for i := range f.leaves {
			l := &f.leaves[i]
			fits := l.name() == name && !f.taken[l.path] && shaped(l, roleTitle) && len(l.text)+len(title.text) <= alert.MaxTitle
			if fits && !strings.Contains(strings.ToLower(title.text), strings.ToLower(l.text)) {
				f.because("title", l.path, "names what watches")
				return preset.List{"{" + l.path + "}: {" + title.path + "}", "{" + title.path + "}"}
			}
		}
	}
	return braces(title)
}

func braces(l *leaf) preset.List {
	if l == nil {
		return nil
	}
	return preset.List{"{" + l.path + "}"}
}

func (f *finder) because(part, path, why string) {
	f.reasons = append(f.reasons, Reason{part, path, why})
}

// best takes the leaf of most worth for a role.
func (f *finder) best(r role) *leaf {
	var best *leaf
	most := 0
	for i := range f.leaves {
		l := &f.leaves[i]
		if n := worth(l, r); n > most && !f.taken[l.path] && (r != roleKey || !f.envelope || len(l.names) > 1 || !slices.Contains(bareIDs, l.name())) {
			best, most = l, n
		}
	}
	if best != nil {
		f.taken[best.path] = true
		f.because(string(r), best.path, fmt.Sprintf("its name and what stands there, worth %d", most))
	}
	return best
}

// worth is how well l fits a role by its name, by that of what it is in, and
// by its shape; 0 is not at all.
func worth(l *leaf, r role) int {
	by := ranks()[r]
	n := max(by[l.name()], by[l.parent()+l.name()])
	if n == 0 && r == roleStatus && endsLikeStatus(l.name()) {
		n = leastRank
	}
	if n == 0 || !shaped(l, r) {
		return 0
	}
	if r == roleStatus && slices.Contains(over, source.Plain(l.text)) {
		n -= 40
	}
	n -= 4 * (len(l.names) - 1)
	if slices.Contains(enclosing, l.parent()) {
		n += 5
	}
	if l.request {
		n -= 15
	}
	return max(n, 1)
}

// leastRank is less than what any name in a list is worth.
const leastRank = 35

// endsLikeStatus: the name of a state that has more words, unless they say
// that it is another's or past.
func endsLikeStatus(name string) bool {
	past := func(w string) bool { return strings.HasPrefix(name, w) }
	return !slices.ContainsFunc([]string{"old", "prev", "last", "prior", "initial", "from", "http"}, past) &&
		slices.ContainsFunc([]string{"status", "state", "phase"}, func(w string) bool { return strings.HasSuffix(name, w) })
}

// shaped reports whether what stands in l can play a role.
func shaped(l *leaf, r role) bool {
	kind := l.value.Kind()
	switch r {
	case roleTitle, roleDescription:
		return kind == doc.String && !isURL(l.text) && source.Instant(l.text).IsZero() && !isNumber(l.text) && strings.ContainsFunc(l.text, isLetter) &&
			(r == roleDescription || len(l.text) <= alert.MaxTitle && (source.StatusOf(l.text) == "" || strings.Contains(l.text, " ")))
	case roleStatus:
		return statusShaped(l)
	case roleSeverity:
		return kind == doc.String && (source.SeverityOf(l.text) != "" || source.StatusOf(l.text) == alert.Resolved)
	case roleKey:
		return keyShaped(l)
	case roleStarted, roleEnded, roleAt:
		return !source.Instant(l.text).IsZero()
	}
	return kind == doc.String || kind == doc.Number
}

func statusShaped(l *leaf) bool {
	if _, flag := flags[l.name()]; flag {
		return l.value.Kind() == doc.Bool || strings.EqualFold(l.text, "true") || strings.EqualFold(l.text, "false")
	}
	return l.value.Kind() == doc.String && source.StatusOf(l.text) != ""
}

// keyShaped: a bare id counts where it is that of an alert, not of something
// below it.
func keyShaped(l *leaf) bool {
	if k := l.value.Kind(); k != doc.String && k != doc.Number || len(l.text) > 256 || slices.Contains(volatile, l.parent()+l.name()) || slices.Contains(volatile, l.name()) {
		return false
	}
	if l.name() == "alias" {
		return slices.Contains(enclosing, l.parent()) // elsewhere it is another name of a host
	}
	return !slices.Contains(bareIDs, l.name()) || l.parent() == "" || slices.Contains(enclosing, l.parent())
}

// bareIDs are names that do not say what it is that they identify.
var bareIDs = []string{"id", "uid", "uuid", "key", "reference"}

func isURL(s string) bool {
	if len(s) > alert.MaxURL {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

func isLetter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c > 0x7f }

// status: a flag means what its name says, a word what it says; without
// either the severity may be the word of an end, or the title tell of one.
func (f *finder) status(l, severity, title *leaf) *preset.Status {
	s := preset.Status{Told: braces(title)}
	if l == nil {
		s.From = braces(severity)
		return &s
	}
	means, flag := flags[l.name()]
	switch {
	case flag && means == alert.Resolved:
		s.Resolved = preset.List{l.path + "=true"}
		s.Told = nil
	case flag:
		s.Resolved = preset.List{l.path + "=false"}
		s.Told = nil
	default:
		s.From = braces(l)
	}
	return &s
}

// severity: where none is named, the status may be the word of one, or the
// title begin with it.
func (f *finder) severity(l, status, title *leaf) *preset.Severity {
	if l == nil && status != nil && source.SeverityOf(status.text) != "" {
		l = status
	}
	return &preset.Severity{From: braces(l), Told: braces(title)}
}

// identity takes what the alert is about, at most four; of one without a title
// at least what it says.
func (f *finder) identity(titled bool) preset.List {
	var found []*leaf
	for i := range f.leaves {
		if l := &f.leaves[i]; worth(l, roleResource) > 0 && !f.taken[l.path] && !isURL(l.text) {
			found = append(found, l)
		}
	}
	slices.SortStableFunc(found, func(a, b *leaf) int { return cmp.Compare(worth(b, roleResource), worth(a, roleResource)) })
	if len(found) == 0 && !titled {
		found = f.distinct()
	}
	var paths preset.List
	for _, l := range found[:min(len(found), 4)] {
		paths = append(paths, l.path)
		f.because("identity", l.path, "names what the alert is about; together with the title it is the key")
	}
	return paths
}

// distinct returns what is said in texts that name no state, no time and no
// request, for alerts of which nothing else tells one from another.
func (f *finder) distinct() []*leaf {
	var found []*leaf
	for i := range f.leaves {
		l := &f.leaves[i]
		said := l.value.Kind() == doc.String && len(l.text) <= alert.MaxLabelValue && source.StatusOf(l.text) == "" && source.Instant(l.text).IsZero() && !isURL(l.text)
		if said && !f.taken[l.path] && !l.request && !slices.Contains(volatile, l.name()) && !slices.Contains(bareIDs, l.name()) {
			found = append(found, l)
		}
	}
	return found
}

func (f *finder) links() []preset.Link {
	var links []preset.Link
	for _, l := range f.leaves {
		if isURL(l.text) && len(links) < alert.MaxLinks {
			f.taken[l.path] = true
			links = append(links, preset.Link{Text: strings.ReplaceAll(l.path, `"`, ""), URL: "{" + l.path + "}"})
		}
	}
	return links
}

// maxLabels bounds the labels of values that have no other role.
const maxLabels = 40

func (f *finder) labels() (from preset.List, single map[string]string) {
	for _, l := range f.objects {
		from = append(from, l.path)
	}
	single = map[string]string{}
	for _, l := range f.leaves {
		in := slices.ContainsFunc(f.objects, func(o leaf) bool { return strings.HasPrefix(l.path, o.path+".") })
		if in || f.taken[l.path] || len(l.text) > alert.MaxLabelValue || len(single) == maxLabels || !source.Instant(l.text).IsZero() {
			continue
		}
		single[labelName(l.path)] = "{" + l.path + "}"
	}
	return from, single
}

func labelName(path string) string {
	return strings.NewReplacer("$.", "", `"`, "", "|json", "").Replace(path)
}

// Source is the automatic reading as a source.
var Source = source.Source{
	Name: Name, Media: []string{"*"},
	Parse: func(r *source.Request) (source.Parsed, error) {
		if len(bytes.TrimSpace(r.Body)) == 0 {
			return source.Parsed{}, fault.New(fault.Invalid, "the body is empty")
		}
		if _, err := r.Root(); err != nil {
			return source.Parsed{}, fault.Wrap(fault.Invalid, err, "the body is neither JSON, a form, XML nor text")
		}
		p := Propose(r)
		parsed, err := p.Parse(r)
		s := p.Spec.Status
		parsed.NeverEnds = s == nil || len(s.From)+len(s.Told)+len(s.Resolved) == 0
		return parsed, err
	},
	Guide: source.Guide{
		Product: "Any other system",
		Setup: []string{
			"Let it send its webhook to {url}, with POST, PUT or GET; JSON, lines of JSON, a form, XML, logfmt and plain text are understood.",
			"Look at what became of it: tocsin deliveries list --integration ID, and tocsin deliveries get ID.",
			"Where it was read wrongly, let `tocsin normalize --propose FILE` write a mapping of the body, edit it, publish it, and name it in the integration.",
		},
		Proof:      "The key in the address, and a secret in a header or an HMAC where the sender can do one.",
		Understood: "What bears the marks of a source that ships is read as that; else title, status, severity, identity and times are found by the names and shapes of fields, or as the integration's mapping says.",
	},
}
