package detect

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"tocsin/shared/doc"
)

// maxAbout is how many names of what an alert is about are part of its key.
const maxAbout = 4

// about returns what the alert is about, best first: what is named as such with
// the scopes in which it stands, else what looks like a name, else what hardly
// names anything, else what stands in a list.
func (f *finder) about() []*leaf {
	var named, scoped, weak, listed []*leaf
	worths := map[*leaf]int{}
	for i := range f.leaves {
		l := &f.leaves[i]
		if worths[l] = f.resourceWorth(l); worths[l] == 0 {
			continue
		}
		switch {
		case l.listed:
			if slices.Contains(affected, l.parent()) {
				listed = append(listed, l)
			}
		case !f.isWeak(l):
			named = append(named, l)
		case slices.Contains(scopes, l.name()):
			scoped = append(scoped, l)
			fallthrough
		default:
			weak = append(weak, l)
		}
	}
	found := named
	if len(found) == 0 {
		found = f.instances()
	}
	if len(found) == 0 {
		found, scoped = weak, nil
	}
	if len(found) == 0 {
		found = listed
	}
	slices.SortStableFunc(found, func(a, b *leaf) int { return cmp.Compare(worths[b], worths[a]) })
	found = slices.CompactFunc(append(found, scoped...), func(a, b *leaf) bool { return a.text == b.text })
	return found[:min(len(found), maxAbout)]
}

// resourceWorth is how well l says what an alert is about; 0 is not at all. The
// name of a product that sends it does not.
func (f *finder) resourceWorth(l *leaf) int {
	if isURL(l.text) || isVolatile(l) || l.name() == "source" && !strings.ContainsAny(l.text, "0123456789") {
		return 0
	}
	if n := worth(l, roleResource); n > 0 || !f.isDimension(l) {
		return n
	}
	return 1
}

// isWeak reports what counts only where nothing else is named.
func (f *finder) isWeak(l *leaf) bool {
	says := l.see().status != "" || l.see().severity != ""
	return !f.isDimension(l) && (nameWorth(l, roleResource) < hardly || slices.Contains(weakResources, l.name()) || says)
}

// isDimension reports a label by which alerts of one rule differ.
func (f *finder) isDimension(l *leaf) bool {
	named := slices.Contains(dimensions, l.parent()) && !f.taken[l.path]
	return named && l.value.Kind() == doc.String && resourceShaped(l.text) && !l.tells()
}

// instances are what looks like the name of one thing among others, "vol-1",
// where nothing is named as such: two alerts with one key would page once.
func (f *finder) instances() (found []*leaf) {
	for i := range f.leaves {
		if l := &f.leaves[i]; !f.chat && !f.taken[l.path] && l.isInstance() {
			found = append(found, l)
		}
	}
	return found
}

// maxInstance is longer than most names, and shorter than most ids.
const maxInstance = 30

func (l *leaf) isInstance() bool {
	parts := func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("-_./:#", c)
	}
	looks := l.value.Kind() == doc.String && len(l.text) <= maxInstance && isProse(l.text) && strings.ContainsAny(l.text, "-_./:0123456789") && !strings.ContainsFunc(l.text, parts)
	stays := !isVolatile(l) && !l.past() && !l.tells() && !endsIn(l.name(), unstable) && !slices.Contains(typing, l.name())
	return looks && stays && !l.request && !l.listed && !isPerson(l.parent())
}
