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
	"slices"
	"strconv"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/preset"
)

// Name is the source of alerts that were read without a description.
const Name = "custom"

// Proposal is how a request can be read.
type Proposal struct {
	Spec    preset.Spec
	Sure    Sureness
	Lacks   []string // parts that nothing names
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

// Propose finds out how r can be read. A body that is nothing at all makes a
// proposal that reads nothing.
func Propose(r *source.Request) Proposal {
	root, err := r.Loose()
	if err != nil {
		return Proposal{Sure: Low}
	}
	list, found := findAlerts(root)
	f := finder{taken: map[string]bool{}, envelope: list == "" && isEnvelope(root), chat: list == "" && isChat(root)}
	if list == "" {
		f.isEvent = isCloudEvent(root)
		f.collect(found, place{})
	} else {
		f.isEvent = isCloudEvent(found.Index(0))
		f.envelope = f.isEvent
		f.collectEach(found)
		f.collect(root, place{at: "$.", request: true})
	}
	f.collectHeaders(r, list != "")
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
		note := "read without a description, sureness " + string(p.Sure)
		if len(p.Lacks) > 0 {
			note += ": nothing names its " + strings.Join(p.Lacks, ", ")
		}
		parsed.Notes = append(parsed.Notes, note)
	}
	return parsed, err
}

// findAlerts returns the path of the list of alerts and the list; "" and the
// body if it is one alert.
func findAlerts(root doc.Value) (path string, found doc.Value) {
	if holdsObjects(root) {
		return "$[*]", root
	}
	if isChat(root) {
		return "", root
	}
	candidates := lists
	if _, titled := bestName(root, roleTitle, 10); !titled {
		candidates = slices.Concat(candidates, otherLists)
		if !holdsAlert(root) {
			candidates = slices.Concat(candidates, weakLists)
		}
	}
	if name, list := listIn(root, candidates); name != "" {
		return "$." + quoted(name) + "[*]", list
	}
	for name, v := range source.Named(root) {
		if inner, list := listIn(v, slices.Concat(lists, otherLists)); inner != "" && slices.Contains(enclosing, source.Plain(name)) {
			return "$." + quoted(name) + "." + quoted(inner) + "[*]", list
		}
	}
	return "", root
}

func holdsObjects(v doc.Value) bool { return v.Kind() == doc.Array && v.Index(0).Kind() == doc.Object }

// holdsAlert reports whether an object of a body is an alert, so that a list
// beside it is of what it is about.
func holdsAlert(root doc.Value) bool {
	for name, v := range source.Named(root) {
		if v.Kind() == doc.Object && slices.Contains(holding, source.Plain(name)) {
			return true
		}
	}
	return false
}

func listIn(v doc.Value, candidates []string) (name string, list doc.Value) {
	for n, field := range source.Named(v) {
		if slices.Contains(candidates, source.Plain(n)) && holdsObjects(field) {
			return n, field
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
	if name == "" || strings.ContainsAny(name, ".|[ {}@$:=!<>~&") {
		return `"` + name + `"`
	}
	return name
}

// isEnvelope reports whether a body carries what it is about in an object.
func isEnvelope(root doc.Value) bool {
	for name, v := range source.Named(root) {
		if slices.Contains(envelopes, source.Plain(name)) && v.Inner().Kind() == doc.Object {
			return true
		}
	}
	return isCloudEvent(root)
}

// propose fills each role with the leaf that fits best.
func (f *finder) propose(list string) Proposal {
	var p Proposal
	if list != "" {
		p.Spec.Alerts = preset.List{list}
		f.because("alerts", list, "a list of objects")
	}
	status, severity := f.best(roleStatus), f.best(roleSeverity)
	if status == nil {
		status = f.plain()
	}
	key := f.keyLeaf(status)
	title := f.lead()
	if title == nil {
		title = f.bestOf(roleTitle, func(l *leaf) bool { return !f.isAttribute(l) && !(f.isEvent && isFaint(l)) })
	}
	if title == nil {
		title = f.best(roleTitle)
	}
	if title == nil && status != nil && shaped(status, roleTitle) && saysMore(status.text, status.name()) {
		title = status
	}
	about := f.about()
	var thing *leaf
	p.Spec.Title, thing = f.titled(title, status, about)
	p.Spec.Status = f.status(status, severity, title)
	p.Spec.Severity = f.severity(severity, status, title)
	p.Spec.Key, p.Spec.Identity = f.identify(key, status, title, thing, about)
	if key == nil && f.attribute("subject") != nil {
		if whole, extract := f.eventKey(list, about); whole != nil {
			p.Spec.Key, p.Spec.Identity, p.Spec.Extract = whole, nil, extract
		} else {
			p.Spec.Key, p.Spec.Identity = nil, append(p.Spec.Identity, f.attribute("subject").path)
		}
	}
	if list != "" {
		f.otherForms(&p.Spec, status, key, title, about)
	}
	p.Spec.Description = f.description(title)
	f.times(&p.Spec, key)
	p.Spec.Links = f.links()
	p.Spec.LabelsFrom, p.Spec.Labels = f.labels()
	if f.blank {
		p.Spec.Blank = blank
	}
	p.judge(title != nil, status != nil, len(p.Spec.Key) > 0)
	p.Reasons = f.reasons
	return p
}

// otherForms adds to what was found in one alert of a list what fits of those
// that have another form.
func (f *finder) otherForms(spec *preset.Spec, status, key, title *leaf, about []*leaf) {
	of := func(l *leaf, r role) preset.List {
		if l == nil {
			return nil
		}
		return braces(f.bestOf(r, func(one *leaf) bool { return one.other != l.other && !one.request }))
	}
	spec.Title = append(append(spec.Title, of(title, roleTitle)...), f.untitled(about)...)
	spec.Status.From = append(spec.Status.From, of(status, roleStatus)...)
	if len(spec.Key) == 0 {
		return
	}
	spec.Key = append(spec.Key, of(key, roleKey)...)
	for _, l := range about {
		spec.Identity = append(spec.Identity, l.path)
	}
}

// judge says how far p can be trusted, and what nothing names.
func (p *Proposal) judge(title, status, key bool) {
	for _, part := range []struct {
		name  string
		named bool
	}{{"title", title}, {"status", status}, {"identity", key}} {
		if !part.named {
			p.Lacks = append(p.Lacks, part.name)
		}
	}
	switch {
	case len(p.Lacks) == 0:
		p.Sure = High
	case title && len(p.Lacks) == 1:
		p.Sure = Medium
	default:
		p.Sure = Low
	}
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
	return f.bestOf(r, func(*leaf) bool { return true })
}

func (f *finder) bestOf(r role, fits func(*leaf) bool) *leaf {
	var best *leaf
	most := 0
	for i := range f.leaves {
		l := &f.leaves[i]
		if n := worth(l, r); n > most && !f.taken[l.path] && fits(l) {
			best, most = l, n
		}
	}
	if best != nil {
		f.taken[best.path] = true
		f.because(string(r), best.path, likeness(most))
	}
	return best
}

// likeness says how sure a worth is.
func likeness(worth int) string {
	if worth < leastRank+20 {
		return "its name is like that of one, and what stands there fits"
	}
	return "its name is that of one, and what stands there fits"
}

// status: a flag means what its name says, a word what it says, and a flag of
// an end goes before it; without either a time of an end tells, or the title, and
// the severity may be the word of one.
func (f *finder) status(l, severity, title *leaf) *preset.Status {
	s := preset.Status{Resolved: f.endFlags(l)}
	if severity != nil {
		s.Resolved = append(s.Resolved, severity.path+"="+f.endWords(l, severity))
	}
	s.Told = f.told(title)
	if (l == nil || isOver(l.text)) && f.outcome(&s, l, title) {
		return &s
	}
	if l == nil {
		s.Resolved = append(s.Resolved, f.finals()...)
		return &s
	}
	means, flag := flags[l.name()]
	if !flag || !isBool(l) {
		if !saysLittle(l.text) || !tells(title) {
			s.From = braces(l)
		}
		if slices.Contains(early, source.Plain(l.text)) {
			s.Firing = append(s.Firing, l.path+"="+strings.Join(early, "|"))
			s.Told = append(s.Told, "firing") // what is none of these fires too
		}
		return &s
	}
	s.Told, s.Resolved = nil, append(s.Resolved, l.path+"="+flagWords(means == alert.Resolved))
	return &s
}

// tells reports a title that says how things stand.
func tells(title *leaf) bool {
	if title == nil {
		return false
	}
	line, _ := title.line()
	return source.StatusTold(line) != ""
}

// flagWords are the values of a flag that is set, or not.
func flagWords(set bool) string {
	if set {
		return "true|1|yes"
	}
	return "false|0|no"
}

// maxPlainly is longer than any of the words that plainly tell a status.
const maxPlainly = 16

// plain is a word that can mean nothing but a status, whatever its name.
func (f *finder) plain() *leaf {
	for i := range f.leaves {
		l := &f.leaves[i]
		if len(l.text) <= maxPlainly && slices.Contains(plainly, source.Plain(l.text)) && !l.listed && !l.past() && !slices.ContainsFunc(past, func(w string) bool { return strings.HasPrefix(l.name(), w) }) {
			f.taken[l.path] = true
			f.because(string(roleStatus), l.path, "no name of one, but nothing else than a status")
			return l
		}
	}
	return nil
}

// maxExit is more than any code with which jobs end, and less than those of HTTP.
const maxExit = 100

// outcome: what only says that something ended, if anything, leaves it to a
// code how, or to the title.
func (f *finder) outcome(s *preset.Status, said, title *leaf) (decides bool) {
	for i := range f.leaves {
		l := &f.leaves[i]
		code, err := strconv.Atoi(l.text)
		if named := slices.Contains(exits, l.name()) || said != nil && l.name() == "code"; named && err == nil && 0 <= code && code < maxExit && !l.listed {
			s.Resolved, s.Told = append(s.Resolved, l.path+"=0"), nil
			f.because("status", l.path, "the code with which it ended")
			return true
		}
	}
	if said != nil && title != nil {
		_, path := title.line()
		s.Firing = append(s.Firing, path+"=*fail*|*error*")
		s.Told = append(s.Told, "firing") // what is none of these fires too
	}
	return false
}

// heading is the least worth of names of titles that head a message.
const heading = 97

// maxTold bounds how many lines are asked whether they tell of an end.
const maxTold = 5

// told are the lines that may tell of an end: the title and, of a message for
// people, whatever it begins with.
func (f *finder) told(title *leaf) (lines preset.List) {
	add := func(l *leaf) {
		_, path := l.line()
		lines = append(lines, "{"+path+"}")
	}
	if title != nil {
		add(title)
	}
	for i := range f.leaves {
		l := &f.leaves[i]
		leads := f.chat && slices.Contains(prose, l.name()) || !l.listed && !l.request && ranks()[roleTitle][l.name()] >= heading
		if leads && (title == nil || l.path != title.path) && len(lines) < maxTold && l.value.Kind() == doc.String {
			add(l)
		}
	}
	return lines
}

// lead is the text of a message for people that itself says how things stand,
// before the titles of what is attached to it.
func (f *finder) lead() *leaf {
	for i := range f.leaves {
		l := &f.leaves[i]
		line, _ := l.line()
		if f.chat && len(l.names) == 1 && slices.Contains(prose, l.name()) && source.StatusTold(line) != "" && shaped(l, roleTitle) {
			f.taken[l.path] = true
			f.because(string(roleTitle), l.path, "the message itself says how things stand")
			return l
		}
	}
	return nil
}

// endWords are words of a severity that tell of an end: more of them where
// nothing else tells, but what is urgent may be normally so.
func (f *finder) endWords(status, severity *leaf) string {
	few := "clear|cleared|resolved|recovery"
	if status != nil && !saysLittle(status.text) {
		return few
	}
	f.because("status", severity.path, "the word of a severity may tell of an end")
	if status != nil || endsIn(severity.name(), urgency) {
		return few + "|recovered|ok"
	}
	return few + "|recovered|ok|normal|up|good|green"
}

// endFlags are conditions of the flags, other than l, that decide.
func (f *finder) endFlags(l *leaf) (conditions preset.List) {
	for i := range f.leaves {
		one := &f.leaves[i]
		if l != nil && one.path == l.path || one.listed || one.request || !isBool(one) || !slices.Contains(endFlags, one.name()) || len(one.names) > 1 && !slices.Contains(enclosing, one.parent()) {
			continue
		}
		conditions = append(conditions, one.path+"="+flagWords(flags[one.name()] == alert.Resolved))
		f.because("status", one.path, "a flag that decides")
	}
	return conditions
}

// finals are conditions of times that stand only where something ended.
func (f *finder) finals() (conditions preset.List) {
	for i := range f.leaves {
		l := &f.leaves[i]
		number := l.value.Kind() == doc.Number
		if l.listed || !isFinal(l.name(), number) || !l.see().time && !number {
			continue
		}
		condition := l.path + "=*20*" // a year: neither "N/A" nor the zero of a date
		if isNumber(l.text) {
			condition = l.path + ">=1"
		}
		conditions = append(conditions, condition)
		f.because("status", l.path, "a time that stands where something ended")
	}
	return conditions
}

// severity: where none is named, a status may be the word of one, or the title
// begin with it.
func (f *finder) severity(l, status, title *leaf) *preset.Severity {
	if l == nil || l.see().severity == "" {
		l = cmp.Or(f.severe(status), l)
	}
	s := preset.Severity{From: braces(l)}
	if title != nil {
		_, path := title.line()
		s.Told = preset.List{"{" + path + "}"}
	}
	return &s
}

// severe returns the status, else what is called one, that is the word of a
// severity.
func (f *finder) severe(status *leaf) *leaf {
	grades := func(l *leaf) bool { return l.see().severity != "" && !saysLittle(l.text) }
	if status != nil && grades(status) {
		return status
	}
	for i := range f.leaves {
		if l := &f.leaves[i]; !l.listed && worth(l, roleStatus) > 0 && grades(l) {
			return l
		}
	}
	return nil
}

// description: of a title that is the first line of a text, the text.
func (f *finder) description(title *leaf) preset.List {
	if l := f.best(roleDescription); l != nil {
		return braces(l)
	}
	if title != nil && strings.ContainsRune(title.text, '\n') {
		return braces(title)
	}
	return nil
}

// times: where nothing but a rule or a text identifies the alert, the time of
// its creation may be that of the request, and names no firing period.
func (f *finder) times(spec *preset.Spec, key *leaf) {
	own := key != nil && !endsIn(key.within, aboutRules)
	started := f.bestOf(roleStarted, func(l *leaf) bool { return own || !slices.Contains(created, l.name()) })
	spec.StartedAt, spec.EndedAt = braces(started), braces(f.best(roleEnded))
	at := f.best(roleAt)
	if at == nil && started == nil {
		at = f.best(roleStarted)
	}
	spec.At = braces(at)
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
	for i := range f.leaves {
		l := &f.leaves[i]
		in := func(o leaf) bool {
			rest, within := strings.CutPrefix(l.path, o.path)
			return within && rest != "" && (rest[0] == '.' || rest[0] == '[')
		}
		if slices.ContainsFunc(f.objects, in) || f.taken[l.path] || len(l.text) > alert.MaxLabelValue || len(single) == maxLabels || l.see().time {
			continue
		}
		single[labelName(l.path)] = "{" + l.path + "}"
	}
	return from, single
}

func labelName(path string) string {
	if _, name, paired := strings.Cut(path, "|pairs."); paired {
		path = name
	}
	return labelNames.Replace(path)
}

var labelNames = strings.NewReplacer("$.", "", "header:", "", `"`, "", "|json", "")

// Source is [Source] that reads the request that p was made of.
func (p Proposal) Source() source.Source {
	s := Source
	s.Parse = p.read
	return s
}

func (p Proposal) read(r *source.Request) (source.Parsed, error) {
	if len(bytes.TrimSpace(r.Body)) == 0 {
		return source.Parsed{}, fault.New(fault.Invalid, "the body is empty")
	}
	root, err := r.Root()
	switch {
	case err != nil:
		return source.Parsed{}, fault.Wrap(fault.Invalid, err, "the body is neither JSON, a form, XML nor text")
	case saysNothing(root) && r.BrokenJSON() != nil:
		return source.Parsed{}, r.BrokenJSON() // curl calls it a form unless it is told otherwise
	case saysNothing(root) || listsNothing(root):
		return source.Parsed{Notes: []string{"the body holds no alert: it says nothing, or its list of alerts is empty"}}, nil
	}
	parsed, err := p.Parse(r)
	s := p.Spec.Status
	parsed.NeverEnds = s == nil || len(s.From)+len(s.Told)+len(s.Resolved) == 0
	return parsed, err
}

// saysNothing reports whether there is no text anywhere in v.
func saysNothing(v doc.Value) bool {
	switch v.Kind() {
	case doc.Array:
		for item := range v.Items() {
			if !saysNothing(item) {
				return false
			}
		}
		return true
	case doc.Object:
		for _, field := range v.Fields() {
			if !saysNothing(field) {
				return false
			}
		}
		return true
	}
	return strings.TrimSpace(v.Text()) == ""
}

// listsNothing reports whether a body has a list of alerts with none in it, and
// nothing beside it that would be one.
func listsNothing(root doc.Value) bool {
	if _, titled := bestName(root, roleTitle, 10); titled || holdsAlert(root) {
		return false
	}
	for name, field := range source.Named(root) {
		if slices.Contains(lists, source.Plain(name)) && field.Kind() == doc.Array && field.Len() == 0 {
			return true
		}
	}
	return false
}

// Source is the automatic reading as a source.
var Source = source.Source{
	Name: Name, Media: []string{"*"},
	Parse: func(r *source.Request) (source.Parsed, error) { return Propose(r).read(r) },
	Guide: source.Guide{
		Product: "Any other system",
		Setup: []string{
			"Let it send its webhook to {url}, with POST, PUT or GET; JSON, lines of JSON, a form, XML, syslog, CEF, LEEF, logfmt and plain text are understood, and messages as Slack, Teams, Discord, DingTalk, Feishu, WeCom, Telegram and Google Chat take them.",
			"Look at what became of it: tocsin deliveries list --integration {id}, and tocsin deliveries get with the id of a delivery.",
			"Where it was read wrongly, let `tocsin normalize --propose FILE` write a mapping of the body, edit it, publish it, and name it in the integration.",
		},
		Proof:      "The key in the address, and a secret in a header or an HMAC where the sender can do one.",
		Understood: "What bears the marks of a source that ships is read as that; else title, status, severity, identity and times are found by the names and shapes of fields, or as the integration's mapping says.",
	},
}
