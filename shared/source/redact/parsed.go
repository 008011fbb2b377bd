package redact

import (
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/change"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Parsed takes out of what was understood of a request, whatever it was
// decoded from, and returns how many places that were.
func (r *Rules) Parsed(p source.Parsed) (source.Parsed, int) {
	if r.Empty() {
		return p, 0
	}
	t := taker{Rules: r.inside}
	if p.SenderID = t.identity(p.SenderID); strings.Contains(p.SenderID, Mark) {
		p.SenderID = "" // those of two requests would be the same, and one would pass for a repeat
	}
	for i := range p.Items {
		p.Items[i].Rejected = t.text(p.Items[i].Rejected)
		if a := p.Items[i].Alert; a != nil {
			t.alert(a)
		}
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		c.ID, c.Title, c.Service = t.identity(c.ID), t.text(c.Title), t.text(c.Service)
		c.Labels, c.Links = t.labels(c.Labels), t.links(c.Links)
		*c = change.Clean(*c)
	}
	for i := range p.Notes {
		p.Notes[i] = t.text(p.Notes[i])
	}
	return p, t.taken
}

func (t *taker) alert(a *alert.Alert) {
	before := t.taken
	a.DedupKey, a.Episode = t.identity(a.DedupKey), t.identity(a.Episode)
	a.Title, a.Description, a.Group = t.text(a.Title), t.text(a.Description), t.text(a.Group)
	a.Labels, a.Links = t.labels(a.Labels), t.links(a.Links)
	if t.taken > before {
		alert.Clean(a) // the mark may be longer than what it stands for
	}
}

// identity takes out of a text that tells things apart only what patterns
// match: "key: gate-3" is no field called key. A digest holds nothing of it, and
// without its digits all alerts would be one.
func (t *taker) identity(s string) string {
	if alert.Hashed(s) {
		return s
	}
	only := taker{Rules: &Rules{patterns: t.patterns}}
	s = only.plain(s)
	t.taken += only.taken
	return s
}

func (t *taker) labels(labels map[string]string) map[string]string {
	if labels == nil {
		return nil
	}
	out := make(map[string]string, len(labels))
	for name, value := range labels {
		out[t.text(name)] = t.value(name, value)
	}
	return out
}

// links drops an address that is none any more.
func (t *taker) links(links []alert.Link) []alert.Link {
	out := []alert.Link{}
	for _, l := range links {
		out = source.AppendLink(out, t.text(l.Text), t.text(l.URL))
	}
	return out
}

// Err takes out of what an error says: a sender's words may be quoted in it.
func (r *Rules) Err(err error) error {
	if r.Empty() {
		return err
	}
	t := taker{Rules: r.inside}
	return fault.Reworded(err, t.text)
}
