package preset

import (
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/source"
	"tocsin/shared/source/lookup"
	"tocsin/shared/source/proof"
)

// Preset is a compiled Spec.
type Preset struct {
	name      string
	spec      Spec
	body      *lookup.Path
	blank     *regexp.Regexp
	extracts  []extract
	requestID lookup.Text
	ignore    lookup.Any
	change    *change
	readings  []reading // of the variants, then the common one
	headers   []string  // that its paths name
	queries   []string  // likewise
	ways      []way     // by one of which a request proves itself
	readsText bool      // what is no JSON may be meant
}

type extract struct {
	from  lookup.Path
	match *regexp.Regexp
}

type change struct {
	when          lookup.Any
	title, id, at lookup.Texts
	labels        map[string]lookup.Text
	links         []link
}

type reading struct {
	when                                                            lookup.Any // none: always
	alerts, ended, labelsFrom, identity                             []lookup.Path
	skip                                                            lookup.Any
	ignored, acknowledged, resolved, firing                         lookup.Any
	severities                                                      []rank
	statusFrom, statusTold, severityFrom, severityTold              lookup.Texts
	defaultSeverity                                                 alert.Severity
	key, title, description, group, episode, at, startedAt, endedAt lookup.Texts
	zone                                                            *time.Location
	labels                                                          map[string]lookup.Text
	links                                                           []link
	labelsOmit                                                      []string
	neverEnds                                                       bool
}

type rank struct {
	severity alert.Severity
	when     lookup.Any
}

type link struct{ text, url lookup.Text }

// Bounds of a spec, so that what a user writes stays cheap.
const (
	maxVariants = 20
	maxExtracts = 10
	maxPattern  = 500
)

// Compile checks a spec and makes it ready. The error names every field that
// is wrong, and is of kind Invalid.
func Compile(name string, spec Spec) (*Preset, error) {
	return (&compiler{}).compile(name, spec)
}

// Check is [Compile] for what a person wrote: it also refuses what is likely to
// be meant otherwise, like a path where a text is expected.
func Check(name string, spec Spec) error {
	_, err := (&compiler{careful: true}).compile(name, spec)
	return err
}

func (c *compiler) compile(name string, spec Spec) (*Preset, error) {
	p := &Preset{name: name, spec: spec}
	p.extracts = c.extracts(spec.Extract)
	p.body, p.blank = c.body(spec.Body), c.blank(spec.Blank)
	p.requestID = c.text("request_id", spec.RequestID)
	p.ignore = c.any("ignore", spec.Ignore)
	p.change = c.change(spec.Change)
	c.any("recognise", spec.Recognise)
	p.ways = c.proofs(spec.Proof)
	if len(spec.Variants) > maxVariants {
		c.bad.Add("variants", "found %d, expected at most %d", len(spec.Variants), maxVariants)
		spec.Variants = nil
	}
	for i, v := range spec.Variants {
		at := fmt.Sprintf("variants[%d].", i)
		r := c.reading(at, over(spec.Reading, v.Reading))
		if r.when = c.any(at+"when", v.When); len(r.when) == 0 {
			c.bad.Add(at+"when", "missing; a variant needs a condition")
		}
		p.readings = append(p.readings, r)
	}
	p.readings = append(p.readings, c.reading("", spec.Reading))
	text := textOf(spec)
	p.headers, p.queries, p.readsText = HeadersIn(text), queriesIn(text), p.takesText() || textPath.MatchString(text)
	return p, c.bad.Err("the mapping is not valid")
}

// over returns base with what v says in its place.
func over(base, v Reading) Reading {
	for _, f := range []struct{ to, from *List }{
		{&base.Alerts, &v.Alerts}, {&base.Ended, &v.Ended}, {&base.Skip, &v.Skip}, {&base.Key, &v.Key}, {&base.Identity, &v.Identity}, {&base.Title, &v.Title}, {&base.Description, &v.Description},
		{&base.Group, &v.Group}, {&base.Episode, &v.Episode}, {&base.At, &v.At}, {&base.StartedAt, &v.StartedAt}, {&base.EndedAt, &v.EndedAt}, {&base.LabelsFrom, &v.LabelsFrom}, {&base.LabelsOmit, &v.LabelsOmit},
	} {
		if *f.from != nil {
			*f.to = *f.from
		}
	}
	if v.Status != nil {
		base.Status = v.Status
	}
	if v.Severity != nil {
		base.Severity = v.Severity
	}
	if v.Zone != "" {
		base.Zone = v.Zone
	}
	base.NeverEnds = base.NeverEnds || v.NeverEnds
	if v.Links != nil {
		base.Links = v.Links
	}
	if v.Labels != nil {
		labels := maps.Clone(base.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		maps.Copy(labels, v.Labels)
		base.Labels = labels
	}
	return base
}

// compiler gathers every problem.
type compiler struct {
	bad     fault.Problems
	careful bool
	groups  []string // of extract
}

func (c *compiler) note(at string, err error) {
	if err != nil {
		c.bad.Add(at, "%s", err.Error())
	}
}

func (c *compiler) any(at string, written List) lookup.Any {
	a, err := lookup.ParseAny(written)
	c.note(at, err)
	for _, one := range a {
		c.doubt(at, one.Doubt(), one.Paths())
	}
	return a
}

// doubt notes of what a person wrote what is likely to be meant otherwise, and
// paths to groups that nothing extracts.
func (c *compiler) doubt(at, doubt string, paths iter.Seq[lookup.Path]) {
	if !c.careful {
		return
	}
	if doubt != "" {
		c.bad.Add(at, "%s", doubt)
	}
	for p := range paths {
		if group := p.Group(); group != "" && !slices.Contains(c.groups, group) {
			c.bad.Add(at, "the path %q: no extract has a group (?P<%s>...)", p, group)
		}
	}
}

func (c *compiler) texts(at string, written List) lookup.Texts {
	t, err := lookup.ParseTexts(written)
	c.note(at, err)
	for _, one := range t {
		c.doubt(at, one.Doubt(), one.Paths())
	}
	return t
}

// told are texts that tell one alert from others, or one state from others: a
// person who wrote the first of them without a path meant the path.
func (c *compiler) told(at string, written List) lookup.Texts {
	t := c.texts(at, written)
	if c.careful && len(t) > 0 && t[0].String() != "" && t[0].Constant() {
		c.bad.Add(at, "the text %q is the same for all alerts; a path stands in braces: {%[1]s}", t[0].String())
	}
	return t
}

func (c *compiler) text(at, written string) lookup.Text {
	t, err := lookup.ParseText(written)
	c.note(at, err)
	c.doubt(at, t.Doubt(), t.Paths())
	return t
}

func (c *compiler) paths(at string, written List) []lookup.Path {
	var out []lookup.Path
	for _, s := range written {
		p, err := lookup.ParsePath(s)
		c.note(at, err)
		c.doubt(at, p.Doubt(), slices.Values([]lookup.Path{p}))
		out = append(out, p)
	}
	return out
}

func (c *compiler) reading(at string, r Reading) reading {
	out := reading{
		alerts: c.paths(at+"alerts", r.Alerts), ended: c.paths(at+"ended", r.Ended), skip: c.any(at+"skip", r.Skip), key: c.told(at+"key", r.Key), title: c.texts(at+"title", r.Title),
		description: c.texts(at+"description", r.Description), group: c.texts(at+"group", r.Group), episode: c.told(at+"episode", r.Episode),
		at: c.told(at+"at", r.At), startedAt: c.told(at+"started_at", r.StartedAt), endedAt: c.told(at+"ended_at", r.EndedAt), labelsFrom: c.paths(at+"labels_from", r.LabelsFrom),
		identity: c.paths(at+"identity", r.Identity), labelsOmit: r.LabelsOmit, neverEnds: r.NeverEnds, zone: c.zone(at+"zone", r.Zone), labels: c.labels(at+"labels.", r.Labels), links: c.links(at, r.Links),
	}
	if s := r.Status; s != nil {
		out.ignored, out.acknowledged = c.any(at+"status.ignored", s.Ignored), c.any(at+"status.acknowledged", s.Acknowledged)
		out.statusFrom, out.statusTold = c.told(at+"status.from", s.From), c.told(at+"status.told", s.Told)
		out.resolved, out.firing = c.any(at+"status.resolved", s.Resolved), c.any(at+"status.firing", s.Firing)
	}
	if s := r.Severity; s != nil {
		out.severities = []rank{
			{alert.Critical, c.any(at+"severity.critical", s.Critical)}, {alert.Error, c.any(at+"severity.error", s.Error)},
			{alert.Warning, c.any(at+"severity.warning", s.Warning)}, {alert.Info, c.any(at+"severity.info", s.Info)},
		}
		out.severityTold = c.told(at+"severity.told", s.Told)
		out.severityFrom, out.defaultSeverity = c.told(at+"severity.from", s.From), alert.Severity(s.Default)
		if !out.defaultSeverity.Valid() {
			c.bad.Add(at+"severity.default", "is %.40q, expected critical, error, warning or info", s.Default)
		}
	}
	return out
}

func (c *compiler) zone(at, written string) *time.Location {
	if t, err := time.Parse("-07:00", written); err == nil {
		_, offset := t.Zone()
		return time.FixedZone(written, offset)
	}
	zone, err := time.LoadLocation(written)
	if err != nil || written == "Local" {
		c.bad.Add(at, "is %.40q, expected an offset like +08:00 or a name like Europe/Berlin", written)
		return time.UTC
	}
	return zone
}

func (c *compiler) body(written string) *lookup.Path {
	if written == "" {
		return nil
	}
	p, err := lookup.ParsePath(written)
	c.note("body", err)
	return &p
}

func (c *compiler) blank(written string) *regexp.Regexp {
	if written == "" {
		return nil
	}
	if len(written) > maxPattern {
		c.bad.Add("blank", "has %d characters, expected at most %d", len(written), maxPattern)
		return nil
	}
	match, err := regexp.Compile("^(?:" + written + ")$")
	c.note("blank", err)
	return match
}

func (c *compiler) labels(at string, written map[string]string) map[string]lookup.Text {
	out := map[string]lookup.Text{}
	for _, name := range slices.Sorted(maps.Keys(written)) {
		out[name] = c.text(at+name, written[name])
	}
	return out
}

func (c *compiler) links(at string, written []Link) []link {
	var out []link
	for i, l := range written {
		at := fmt.Sprintf("%slinks[%d].", at, i)
		if c.careful && l.URL == "" {
			c.bad.Add(at+"url", "missing")
		}
		out = append(out, link{c.text(at+"text", l.Text), c.text(at+"url", l.URL)})
	}
	return out
}

func (c *compiler) extracts(written []Extract) []extract {
	if len(written) > maxExtracts {
		c.bad.Add("extract", "found %d, expected at most %d", len(written), maxExtracts)
		return nil
	}
	var out []extract
	for i, w := range written {
		at := fmt.Sprintf("extract[%d].", i)
		from, err := lookup.ParsePath(w.From)
		c.note(at+"from", err)
		match, err := regexp.Compile(w.Match)
		switch {
		case err != nil:
			c.note(at+"match", err)
		case len(w.Match) > maxPattern:
			c.bad.Add(at+"match", "has %d characters, expected at most %d", len(w.Match), maxPattern)
		case !slices.ContainsFunc(match.SubexpNames(), func(n string) bool { return n != "" }):
			c.bad.Add(at+"match", "has no named group, like (?P<host>...)")
		default:
			c.groups = append(c.groups, match.SubexpNames()...)
		}
		out = append(out, extract{from, match})
	}
	return out
}

func (c *compiler) change(written *Change) *change {
	if written == nil {
		return nil
	}
	out := &change{
		when: c.any("change.when", written.When), title: c.texts("change.title", written.Title), id: c.texts("change.id", written.ID), at: c.texts("change.at", written.At),
		labels: c.labels("change.labels.", written.Labels), links: c.links("change.", written.Links),
	}
	if len(out.when) == 0 || len(out.title) == 0 {
		c.bad.Add("change", "needs when and title")
	}
	return out
}

// maxProofs bounds the ways to prove a request.
const maxProofs = 4

func (c *compiler) proofs(all Proofs) (ways []way) {
	if len(all) > maxProofs {
		c.bad.Add("proof", "found %d, expected at most %d", len(all), maxProofs)
		return nil
	}
	for i, p := range all {
		at := "proof."
		if len(all) > 1 {
			at = fmt.Sprintf("proof[%d].", i)
		}
		ways = append(ways, c.proof(at, p))
	}
	return ways
}

// way verifies a request by one proof.
type way = func(*source.Request, []string) error

func (c *compiler) proof(at string, p Proof) way {
	whole := p.Scheme == "standard" || p.Scheme == "http-signature"
	switch {
	case whole && p != Proof{Scheme: p.Scheme}:
		c.bad.Add(at+"scheme", "%s says all of a proof; expected no field beside it", p.Scheme)
	case !whole && p.Header == "" && (p.Scheme != "secret" || p.Field == ""):
		c.bad.Add(at+"header", "missing")
	case p.Scheme == "secret" && p.Header != "" && p.Field != "":
		c.bad.Add(at+"field", "the secret stands in a header already")
	}
	c.proofTexts(at, p)
	switch p.Encoding {
	case "", "hex", "base64":
	default:
		c.bad.Add(at+"encoding", "is %.40q, expected hex or base64", p.Encoding)
	}
	return c.way(at, p)
}

// way returns what verifies.
func (c *compiler) way(at string, p Proof) way {
	field := c.field(at, p)
	switch p.Scheme {
	case "secret":
		if field != nil {
			return proof.Field{Path: *field}.Verify
		}
		return proof.Header{Name: p.Header, Prefix: p.Prefix}.Verify
	case "hmac-sha256", "hmac-sha1", "hmac-sha512":
		return proof.HMAC{Name: p.Header, Prefix: p.Prefix, Hash: p.Scheme[len("hmac-"):], Base64: p.Encoding == "base64", List: p.List,
			TimeHeader: p.TimeHeader, TimePrefix: p.TimePrefix, TimeJoin: p.TimeJoin}.Verify
	case "rsa-sha256", "rsa-sha1":
		return proof.RSA{Name: p.Header, SHA1: p.Scheme == "rsa-sha1", Path: field}.Verify
	case "jws":
		return proof.JWS{Name: p.Header, Claim: "sha256"}.Verify
	case "standard":
		return proof.Standard{}.Verify
	case "http-signature":
		return proof.HTTPSignature{}.Verify
	}
	c.bad.Add(at+"scheme", "is %.40q, expected secret, hmac-sha256, hmac-sha1, hmac-sha512, rsa-sha256, rsa-sha1, jws, standard or http-signature", p.Scheme)
	return nil
}

func (c *compiler) field(at string, p Proof) *lookup.Path {
	if p.Field == "" {
		return nil
	}
	path, err := lookup.ParsePath(p.Field)
	c.note(at+"field", err)
	if p.Scheme != "secret" && !strings.HasPrefix(p.Scheme, "rsa-") {
		c.bad.Add(at+"field", "%.40s is over the raw body", p.Scheme)
	}
	return &path
}

// proofTexts notes what no request could ever bear: a proof that nobody can
// give is found out when the mapping is written, not by alerts that are refused.
func (c *compiler) proofTexts(at string, p Proof) {
	for field, name := range map[string]string{"header": p.Header, "time_header": p.TimeHeader} {
		if name != "" && !headerName.MatchString(name) {
			c.bad.Add(at+field, "is %.40q, which is no name of a header", name)
		}
	}
	if p.TimeHeader != "" && strings.EqualFold(p.Header, p.TimeHeader) {
		c.bad.Add(at+"time_header", "is that of the proof itself; time_prefix says where in it the time stands")
	}
	for field, text := range map[string]string{"prefix": p.Prefix, "list": p.List, "time_prefix": p.TimePrefix} {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			c.bad.Add(at+field, "is %.40q, expected characters that a header may have", text)
		}
	}
	for field, text := range map[string]string{"prefix": p.Prefix, "time_prefix": p.TimePrefix} {
		if strings.HasPrefix(text, " ") {
			c.bad.Add(at+field, "begins with a space, which no header does")
		}
	}
	if parts := strings.Trim(p.List, signatureLetters+" "); p.List != "" && (parts == "" || strings.ContainsAny(p.Prefix+p.TimePrefix, parts)) {
		c.bad.Add(at+"list", "is %.40q, which also stands in a signature", p.List)
	}
	c.proofFields(at, p)
}

// proofFields notes fields that a scheme has not.
func (c *compiler) proofFields(at string, p Proof) {
	if hmac := strings.HasPrefix(p.Scheme, "hmac-"); !hmac && p.Encoding+p.List+p.TimeHeader+p.TimePrefix+p.TimeJoin != "" {
		c.bad.Add(at+"scheme", "%.40s has neither encoding, list nor time", p.Scheme)
	}
	if p.Prefix != "" && (p.Scheme == "jws" || strings.HasPrefix(p.Scheme, "rsa-") || p.Field != "") {
		c.bad.Add(at+"prefix", "a %.40s has none", p.Scheme)
	}
	switch {
	case p.TimePrefix != "" && p.List == "":
		c.bad.Add(at+"time_prefix", "needs a list in which the time stands")
	case p.TimePrefix != "" && p.TimeHeader != "":
		c.bad.Add(at+"time_prefix", "the time stands in a header of its own already")
	case p.TimePrefix != "" && p.Prefix != "" && (strings.HasPrefix(p.Prefix, p.TimePrefix) || strings.HasPrefix(p.TimePrefix, p.Prefix)):
		c.bad.Add(at+"time_prefix", "cannot be told from the prefix of the signature")
	}
}

// headerName is a token (RFC 9110, 5.6.2).
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// signatureLetters are those of hex and base64.
const signatureLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

// Own returns p as the source of a mapping of a user, whose requests are read
// as those without a mapping are: without media it takes all of them.
func (p *Preset) Own() source.Source {
	s := p.Source()
	if len(p.spec.Media) == 0 {
		s.Media = []string{"*"}
	}
	return s
}

// Source returns p as a source that ships.
func (p *Preset) Source() source.Source {
	s := source.Source{Name: p.name, Aliases: p.spec.Aliases, Marks: p.spec.Recognise, Media: append([]string{source.FormMedia}, p.spec.Media...), Parse: p.Parse, Verify: p.verify(), Headers: p.headers, Queries: p.queries}
	s.Guide.Product = p.spec.Product
	if g := p.spec.Guide; g != nil {
		s.Guide = source.Guide{Product: p.spec.Product, Page: g.Page, Setup: g.Setup, Proof: g.Proof, Understood: g.Understood, Repeats: g.Repeats, NeverEnds: g.NeverEnds}
	}
	return s
}

func (p *Preset) verify() func(*source.Request, []string) error {
	if len(p.ways) == 0 {
		return nil
	}
	return proof.Any(p.ways...)
}
