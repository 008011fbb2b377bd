package detect

import (
	"slices"
	"strconv"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/lookup"
)

// Bounds of what is looked at of one alert.
const (
	maxLeaves = 400
	maxDeep   = 7
	maxItems  = 8 // of a list of alerts, or of a message
	maxPairs  = 40
)

// leaf is a single value with the names that lead to it.
type leaf struct {
	path    string
	names   []string // without what joins their words
	value   doc.Value
	text    string
	request bool // stands beside the list of alerts, not in the alert
	listed  bool // stands in the first item of a list
	inner   bool // stands in a document that is a text of the body
	other   bool // stands not in the first alert of a list, but in another

	within string // the names of what it is in and of itself
	facts  facts  // of its text, once they are asked for
}

// facts are what a text is besides a text.
type facts struct {
	known    bool
	status   alert.Status
	severity alert.Severity
	time     bool

	line, path string // of a title
}

func (l *leaf) see() *facts {
	if !l.facts.known {
		l.facts.known = true
		l.facts.status, l.facts.severity, l.facts.time = source.StatusOf(l.text), source.SeverityOf(l.text), !source.Instant(l.text).IsZero()
	}
	return &l.facts
}

// add keeps a leaf for all that is asked of it.
func (f *finder) add(l leaf) {
	if isBlank(l.text) {
		f.blank = true
		return
	}
	l.within = l.parent() + l.name()
	f.leaves = append(f.leaves, l)
}

const dashes = "-–—"

// blankWords mean nothing, nor does a text of nothing but dashes; blank says so
// as a regular expression.
var (
	blankWords = []string{"n/a", "null", "nil", "undefined"}
	blank      = "(?i)" + strings.Join(blankWords, "|") + "|[" + dashes + "]+"
)

func isBlank(s string) bool {
	return strings.Trim(s, dashes) == "" || slices.Contains(blankWords, strings.ToLower(s))
}

func (l *leaf) name() string { return l.names[len(l.names)-1] }

func (l *leaf) parent() string {
	if len(l.names) < 2 {
		return ""
	}
	return l.names[len(l.names)-2]
}

// line is what a title can be made of, and the path of it.
func (l *leaf) line() (text, path string) {
	if l.facts.path == "" {
		l.facts.line, l.facts.path = l.firstLine()
	}
	return l.facts.line, l.facts.path
}

func (l *leaf) firstLine() (text, path string) {
	if !strings.ContainsAny(l.text, "\n<*") && !strings.HasPrefix(l.text, ":") && len(l.text) <= alert.MaxTitle {
		return l.text, l.path
	}
	return lookup.Line(l.text), l.path + "|line"
}

type finder struct {
	leaves   []leaf
	objects  []leaf          // objects and lists by a name that labels have
	taken    map[string]bool // paths that have a role
	envelope bool            // the body only carries what it is about
	chat     bool            // the body is a message for people
	isEvent  bool            // it is a CloudEvent
	event    string          // of which the paths of its attributes begin with this
	blank    bool            // there are texts that mean nothing
	reasons  []Reason
}

// place is where the fields of an object stand.
type place struct {
	at      string
	above   []string
	depth   int
	request bool
	listed  bool
	inner   bool
}

func (p place) in(l leaf, path string) place {
	return place{path, l.names, p.depth + 1, p.request, p.listed, p.inner}
}

func (f *finder) collect(v doc.Value, p place) {
	if p.depth > maxDeep {
		return
	}
	for name, field := range source.Named(v) {
		if len(f.leaves) >= maxLeaves {
			return
		}
		if strings.ContainsAny(name, `"}`) || len(name) > 100 {
			continue // no path can name it
		}
		f.take(field, leaf{path: p.at + quoted(name), names: append(slices.Clip(p.above), source.Plain(name)), value: field, request: p.request, listed: p.listed, inner: p.inner}, p)
	}
}

// collectEach collects the first alert of a list, and of others what it does
// not say: they may be of another form.
func (f *finder) collectEach(list doc.Value) {
	known := map[string]int{}
	n := 0
	for item := range list.Items() {
		if n++; n > maxItems {
			return
		}
		one := finder{chat: f.chat}
		one.collect(item, place{})
		f.blank = f.blank || one.blank
		for _, l := range one.leaves {
			at, seen := known[l.path]
			switch {
			case !seen && len(f.leaves) < maxLeaves:
				known[l.path], l.other = len(f.leaves), n > 1
				f.leaves = append(f.leaves, l)
			case seen && !f.leaves[at].tells() && l.tells():
				l.other = f.leaves[at].other
				f.leaves[at] = l
			}
		}
		for _, o := range one.objects {
			if !slices.ContainsFunc(f.objects, func(known leaf) bool { return known.path == o.path }) {
				f.objects = append(f.objects, o)
			}
		}
	}
}

// tells reports a text that is more than a text.
func (l *leaf) tells() bool {
	is := l.see()
	return is.status != "" || is.severity != "" || is.time
}

func (f *finder) take(field doc.Value, l leaf, p place) {
	switch field.Kind() {
	case doc.Object:
		if holdsLabels(l.name()) {
			f.objects = append(f.objects, l)
		}
		f.collect(field, p.in(l, l.path+"."))
	case doc.Array:
		f.list(field, l, p)
	case doc.String:
		if inner := field.Inner(); inner.Kind() == doc.Object {
			within := p.in(l, l.path+"|json.")
			within.inner = true
			within.above = l.names[len(l.names)-1:] // a document of its own
			f.collect(inner, within)
			return
		}
		fallthrough
	default:
		if l.text = strings.TrimSpace(field.Head(maxText)); l.text != "" && (!f.chat || !slices.Contains(styling, l.name())) {
			f.add(l)
			f.pairs(l, p)
		}
	}
}

// maxText is how much of a text is looked at.
const maxText = 64 << 10

// list looks at items with a name and a value, and at the first of others; in
// a message, whose parts stand in lists, at several.
func (f *finder) list(list doc.Value, l leaf, p place) {
	if holdsLabels(l.name()) {
		f.objects = append(f.objects, l)
	}
	first := list.Index(0)
	if text := strings.TrimSpace(first.Head(maxText)); first.Kind() == doc.String && text != "" && slices.Contains(prose, l.name()) {
		l.path, l.value, l.text = l.path+".0", first, text
		f.add(l)
	}
	if first.Kind() != doc.Object || p.request {
		return
	}
	if key, value := pairNames(list.Index(0)); key != "" {
		f.namedItems(list, l, key, value)
		return
	}
	p = p.in(l, "")
	p.listed = p.listed || !f.chat
	i := 0
	for item := range list.Items() {
		if i == maxItems || i == 1 && !f.chat {
			return
		}
		p.at = l.path + "." + strconv.Itoa(i) + "."
		f.collect(item, p)
		i++
	}
}

// pairNames are the names of the two fields of an item that names its value.
func pairNames(item doc.Value) (key, value string) {
	for _, key := range []string{"name", "key", "title", "label"} {
		for _, value := range []string{"value", "Value"} {
			if k, v := item.Get(key), item.Get(value); k.Kind() == doc.String && v.Kind() > doc.Null && v.Kind() < doc.Array {
				return key, value
			}
		}
	}
	return "", ""
}

// namedItems takes the items of a list by the names that stand in them.
func (f *finder) namedItems(list doc.Value, l leaf, key, value string) {
	n := 0
	for item := range list.Items() {
		name := strings.TrimSpace(item.Get(key).Head(100))
		if n++; n > maxPairs || len(f.leaves) >= maxLeaves {
			return
		}
		one := leaf{path: l.path + "[" + key + "=" + inBrackets(name) + "]." + value, names: append(slices.Clip(l.names), source.Plain(name)), value: item.Get(value), request: l.request, listed: l.listed}
		one.text = strings.TrimSpace(one.value.Head(maxText))
		if name != "" && one.text != "" && !strings.ContainsAny(name, `"]}=`) {
			f.add(one)
		}
	}
}

// inBrackets is a value as it stands in the brackets of a path.
func inBrackets(s string) string {
	if strings.ContainsAny(s, ` |.`) {
		return `"` + s + `"`
	}
	return s
}

// pairs takes the lines of a text that say "name: value". In a message one
// such line is enough; elsewhere one may be a sentence.
func (f *finder) pairs(l leaf, p place) {
	if !strings.Contains(l.text, "\n") || l.value.Kind() != doc.String {
		return
	}
	fields := lookup.Pairs(l.text)
	if n := fields.Len(); n < 2 && !f.chat || n == 0 || n > maxPairs {
		return
	}
	for name, field := range fields.Fields() {
		one := leaf{path: l.path + "|pairs." + quoted(name), names: append(slices.Clip(p.above), source.Plain(name)), value: field, text: field.Text(), request: l.request, listed: l.listed}
		if len(f.leaves) < maxLeaves && (besides(name) > 0 || rankOf(one.name(), roleTitle) > 0) {
			f.add(one)
		}
	}
}

// saysStatus: "CRITICAL: disk full" names nothing.
func saysStatus(s string) bool { return source.StatusOf(s) != "" || source.SeverityOf(s) != "" }

func holdsLabels(name string) bool {
	return slices.Contains([]string{"labels", "tags", "dimensions", "tag", "attributes", "commonlabels", "metadata", "fields", "facts"}, name)
}

// isChat reports a message as Slack, Teams, Discord, Google Chat, Telegram,
// DingTalk, Feishu or WeCom take it: systems that can send nothing else send
// their alerts so.
func isChat(root doc.Value) bool {
	holds := func(name, within string) bool { return root.Get(name).Index(0).Get(within).Present() }
	text := func(name string) bool { return root.Get(name).Kind() == doc.String }
	object := func(name string) bool { return root.Get(name).Kind() == doc.Object }
	switch {
	case holds("attachments", "text"), holds("attachments", "title"), holds("attachments", "fallback"), holds("attachments", "blocks"), holds("attachments", "content"),
		holds("embeds", "title"), holds("embeds", "description"), holds("embeds", "fields"), holds("blocks", "type"), holds("cardsV2", "card"), holds("cards", "sections"), holds("cards", "header"):
		return true
	case strings.HasSuffix(root.Get("@type").Text(), "MessageCard"), root.Get("type").Text() == "AdaptiveCard":
		return true
	case text("msgtype"), text("msg_type"), object("card") && object("header"):
		return true
	case text("text") || text("content"):
		return root.Get("parse_mode").Present() || root.Get("chat_id").Present() || root.Get("icon_emoji").Present() || root.Get("channel").Present() && root.Get("username").Present()
	}
	return false
}
