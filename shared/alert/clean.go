package alert

import (
	"maps"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxIdentity bounds the short texts that name things: group and episode.
const maxIdentity = 200

// Clean makes what a sender wrote fit to keep: invalid UTF-8 becomes U+FFFD,
// control characters go, title and names are one line, and every text is cut
// to its limit at a character's boundary, the whole to MaxStored bytes of
// JSON. Truncated tells that something was cut. DedupKey stays as it is. Its
// cost grows with the limits, not with the sender's text.
func Clean(a *Alert) {
	c := cleaner{}
	a.Title = c.line(a.Title, MaxTitle)
	a.Description = c.text(a.Description, MaxDescription)
	a.Group = c.line(a.Group, maxIdentity)
	a.Episode = c.line(a.Episode, maxIdentity)
	if a.Title == "" {
		a.Title = c.line(a.DedupKey, MaxTitle)
	}
	a.Labels = c.labels(a.Labels)
	a.Links = c.links(a.Links)
	c.fit(a)
	a.Truncated = a.Truncated || c.cut
}

type cleaner struct{ cut bool }

// line returns s as one line: white space and control characters in a row are
// one space.
func (c *cleaner) line(s string, limit int) string {
	if len(s) <= limit && plain(s) && !strings.Contains(s, "  ") {
		return strings.Trim(s, " ")
	}
	var b strings.Builder
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			space = b.Len() > 0
			continue
		}
		if hidden(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r)+spaces(space) > limit {
			c.cut = true
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plain reports printable ASCII, which most texts are: nothing to clean.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func spaces(space bool) int {
	if space {
		return 1
	}
	return 0
}

// text returns s without control characters other than line breaks and tabs.
func (c *cleaner) text(s string, limit int) string {
	if len(s) <= limit && plain(s) {
		return strings.Trim(s, " ")
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || hidden(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			c.cut = true
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// hidden reports characters that make a text read as another than it is:
// directional overrides (Unicode Standard Annex 9, section 2) and line and
// paragraph separators.
func hidden(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
}

// labels keeps the first MaxLabels of the names in order.
func (c *cleaner) labels(labels map[string]string) map[string]string {
	if labels != nil && len(labels) <= MaxLabels && allClean(labels) {
		return maps.Clone(labels)
	}
	names := sortedNames(labels)
	if len(names) > MaxLabels {
		names, c.cut = names[:MaxLabels], true
	}
	out := make(map[string]string, len(names))
	for _, n := range names {
		out[c.line(n, MaxLabelName)] = c.text(labels[n], MaxLabelValue)
	}
	return out
}

// allClean reports labels that stay as they are, as most do.
func allClean(labels map[string]string) bool {
	for name, value := range labels {
		var c cleaner
		if c.line(name, MaxLabelName) != name || c.text(value, MaxLabelValue) != value {
			return false
		}
	}
	return true
}

func sortedNames(labels map[string]string) []string {
	names := make([]string, 0, len(labels))
	for n := range labels {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// links drops what is too long to be kept: half a link leads nowhere.
func (c *cleaner) links(links []Link) []Link {
	out := make([]Link, 0, min(len(links), MaxLinks))
	for _, l := range links {
		if len(l.URL) > MaxURL || len(out) == MaxLinks {
			c.cut = true
			continue
		}
		out = append(out, Link{Text: c.line(l.Text, MaxLabelName), URL: l.URL})
	}
	return out
}

// Sizes of JSON around the texts: the names of all fields with times and
// enums, and the punctuation of one label or link.
const (
	fixedJSON = 512
	labelJSON = 6
	linkJSON  = 24
)

// minDescription is what fit leaves of a description until links and labels are gone.
const minDescription = 1024

// fit cuts the description, then links, then labels from the last name on,
// then the description again, until the JSON of a is within MaxStored.
func (c *cleaner) fit(a *Alert) {
	over := size(a) - MaxStored
	if over <= 0 {
		return
	}
	c.cut = true
	before := jsonSize(a.Description)
	a.Description = cutJSON(a.Description, max(before-over, minDescription))
	over -= before - jsonSize(a.Description)
	for ; over > 0 && len(a.Links) > 0; a.Links = a.Links[:len(a.Links)-1] {
		over -= linkSize(a.Links[len(a.Links)-1])
	}
	names := sortedNames(a.Labels)
	for i := len(names) - 1; over > 0 && i >= 0; i-- {
		over -= labelSize(names[i], a.Labels[names[i]])
		delete(a.Labels, names[i])
	}
	if over > 0 {
		a.Description = cutJSON(a.Description, jsonSize(a.Description)-over)
	}
}

// size is an upper bound of the length of a's JSON.
func size(a *Alert) int {
	n := fixedJSON
	for _, s := range [...]string{a.Source, a.DedupKey, a.Episode, a.Title, a.Description, a.Group} {
		n += jsonSize(s)
	}
	for name, value := range a.Labels {
		n += labelSize(name, value)
	}
	for _, l := range a.Links {
		n += linkSize(l)
	}
	return n
}

func labelSize(name, value string) int { return jsonSize(name) + jsonSize(value) + labelJSON }

func linkSize(l Link) int { return jsonSize(l.Text) + jsonSize(l.URL) + linkJSON }

// jsonSize is the length of s inside a JSON string as encoding/json writes it,
// which escapes <, > and & as well.
func jsonSize(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			for _, r := range s[i:] {
				n += jsonRune(r)
			}
			return n
		}
		n += int(jsonByte[s[i]])
	}
	return n
}

// jsonByte is jsonRune of ASCII, which most texts are.
var jsonByte = func() (size [utf8.RuneSelf]uint8) {
	for c := range size {
		size[c] = uint8(jsonRune(rune(c)))
	}
	return size
}()

func jsonRune(r rune) int {
	switch {
	case r == '"', r == '\\', r == '\n', r == '\t', r == '\r', r == '\b', r == '\f':
		return len(`\n`)
	case r < ' ', r == '<', r == '>', r == '&', r == utf8.RuneError, r == 0x2028, r == 0x2029:
		return len(`\u0026`)
	}
	return utf8.RuneLen(r)
}

// cutJSON returns the longest prefix of s whose jsonSize is at most limit.
func cutJSON(s string, limit int) string {
	for i, r := range s {
		if limit -= jsonRune(r); limit < 0 {
			return s[:i]
		}
	}
	return s
}
