package detect

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/preset"
)

// keyLeaf takes the id of the alert. A bare id is that of a run where the
// status is the result of one; at the top it is that of the request where the
// request carries the alert in an object, or names no state: then it may be
// that of a line of a log.
func (f *finder) keyLeaf(status *leaf) *leaf {
	stated, run := status != nil, f.isRun(status)
	return f.bestOf(roleKey, func(l *leaf) bool {
		switch {
		case l.request && l.bareID():
			return false // it is that of the request, and the alerts have others
		case !l.bareID() || slices.Contains(holding, l.parent()):
			return true
		case run:
			return false
		case len(l.names) > 1:
			return stated || f.besideTitle(l)
		}
		return stated && !f.envelope
	})
}

// isRun reports a status that is the result of something that ran and ended.
func (f *finder) isRun(status *leaf) bool {
	if status == nil || isOver(status.text) {
		return status != nil
	}
	return slices.Contains(results, source.Plain(status.text)) && slices.ContainsFunc(f.leaves, func(l leaf) bool {
		return slices.Contains(runs, whatHappened(l.name())) && l.see().time
	})
}

// besideTitle reports a field of an object that has a title.
func (f *finder) besideTitle(l *leaf) bool {
	object := strings.TrimSuffix(l.path, l.path[strings.LastIndexByte(l.path, '.')+1:])
	for i := range f.leaves {
		one := &f.leaves[i]
		if len(one.names) == len(l.names) && strings.HasPrefix(one.path, object) && ranks()[roleTitle][one.name()] > 80 && shaped(one, roleTitle) {
			return true
		}
	}
	return false
}

// identify says what the key is made of: the id of the alert; that of what
// watches with what it is about; the name of what watches with what it is
// about, or what is measured, where there is no title, or one that tells what
// was seen and may be another next time; what stands badly or well itself; else
// the title with what it is about.
func (f *finder) identify(key, status, title, thing *leaf, about []*leaf) (whole, identity preset.List) {
	tells := title == nil || slices.Contains(telling, title.name())
	one, watcher, measure := f.first(watching), f.first(called), f.first(measured)
	switch {
	case key != nil && (endsIn(key.within, aboutRules) || isKind(key.text)):
		return f.together(key, about), nil
	case key != nil && endsIn(key.within, aboutMonitors):
		beside := func(l *leaf) bool { return len(l.names) == len(key.names) && l.isHost() }
		return f.together(key, slices.DeleteFunc(slices.Clone(about), func(l *leaf) bool { return !beside(l) })), nil
	case key != nil:
		return braces(key), nil
	case thing != nil:
		return f.together(thing, f.targeted(thing, about)), nil
	case one != nil && one != title && (tells || title != nil && isFaint(title)):
		return f.together(one, f.targeted(one, about)), nil
	case tells && watcher != nil && watcher != title && len(without(about, watcher)) > 0:
		return f.together(watcher, about), nil
	case tells && measure != nil && measure != title:
		return f.together(measure, about), nil
	case tells && len(about) > 0 && (isStanding(status, title, about) || title == nil):
		return f.together(about[0], about[1:]), nil
	case title != nil && slices.Contains(outputs, title.name()) && slices.ContainsFunc(about, (*leaf).isHost):
		if service := f.first(services); service != nil {
			return f.together(service, about), nil
		}
	}
	if len(about) == 0 && title == nil {
		if address := f.address(); address != nil {
			about = []*leaf{address}
		} else {
			about = f.distinct()
		}
	}
	for _, l := range about[:min(len(about), maxAbout)] {
		identity = append(identity, l.path)
		f.because("identity", l.path, "names what the alert is about; together with the title it is the key")
	}
	return nil, identity
}

// isStanding reports a status that is how what the alert is about itself stands:
// a flag, "ServerDown" of a server, or "down" where the title is but the reason.
func isStanding(status, title *leaf, about []*leaf) bool {
	if status == nil || len(about) == 0 {
		return false
	}
	words := statusWords(status.text)
	n := len(words)
	switch {
	case isBool(status) && slices.Contains(standingFlags, status.name()):
		return true
	case n == 0 || !slices.Contains(standing, words[n-1]):
		return false
	case n > 1:
		return words[n-2] == about[0].name()
	}
	return title == nil || slices.Contains(reasons, title.name())
}

func (l *leaf) isHost() bool { return slices.Contains(hosts, l.name()) }

// isKind reports an id that is that of a kind of alert: "switch_link_status".
func isKind(id string) bool {
	return strings.ContainsAny(id, "_. ") && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.- ") == ""
}

// endsIn reports whether a name is one of those, or has more words before it.
func endsIn(name string, list []string) bool {
	return slices.ContainsFunc(list, func(w string) bool { return strings.HasSuffix(name, w) })
}

func without(list []*leaf, l *leaf) []*leaf {
	return slices.DeleteFunc(slices.Clone(list), func(one *leaf) bool { return one.text == l.text })
}

// together is a key of several parts.
func (f *finder) together(first *leaf, about []*leaf) preset.List {
	text := "{" + first.path + "}"
	f.because("key", first.path, "names what watches; it is the key together with what that is about")
	for _, l := range without(about, first) {
		text += "/{" + l.path + "}"
		f.because("key", l.path, "names what the alert is about")
	}
	return preset.List{text}
}

// first returns the text of the first of names, each also as the one of an
// object and a field of it.
func (f *finder) first(names []string) *leaf {
	for _, name := range names {
		for i := range f.leaves {
			l := &f.leaves[i]
			if n := l.name(); (n == name || l.within == name) && l.value.Kind() == doc.String && !l.listed && !l.see().time && isProse(l.text) && besides(l.text) > 0 && len(l.text) <= alert.MaxLabelValue {
				return l
			}
		}
	}
	return nil
}

// titled is the title: a text that tells what was seen after the name of what
// watches; the name of a thing before what was seen there, and then it is the
// thing that is returned; what the alert is about before what says hardly
// anything. Without any it is made of these.
func (f *finder) titled(title, status *leaf, about []*leaf) (text preset.List, thing *leaf) {
	switch {
	case title == nil:
		f.because("title", "", "nothing has the name or shape of one")
		return f.untitled(about), nil
	case isFaint(title) && f.first(watching) != nil:
		return f.titled(f.first(watching), status, about)
	case isFaint(title) && firstName(about) != nil:
		return f.joined(cmp.Or(f.first(services), firstName(about)), title), nil
	case slices.Contains(classes, title.name()):
		if after := f.first(seen); after != nil && after != title {
			return f.joined(title, after), nil
		}
	case slices.Contains(telling, title.name()):
		if before := f.first(slices.Concat(called, things)); before != nil {
			return f.joined(before, title), nil
		} else if isStanding(status, title, about) {
			return f.joined(firstName(about), title), nil
		}
	case slices.Contains(things, title.name()) || slices.Contains(things, title.within):
		if after := f.first(seen); after != nil && !f.taken[after.path] {
			return f.joined(title, after), title
		}
		return f.joined(nil, title), title
	case title.name() == "name" && rankOf(title.parent(), roleResource) > 0:
		if after := f.first(measured); after != nil && after != title {
			return f.joined(title, after), title
		}
	}
	return f.joined(nil, title), nil
}

// isFaint reports a title that hardly tells what is wrong, or is the name of a
// type: "budget.critical".
func isFaint(l *leaf) bool {
	return slices.Contains(faint, l.name()) || slices.Contains(typing, l.name()) && !strings.ContainsFunc(l.text, unicode.IsSpace) && !strings.ContainsFunc(l.text, isWide)
}

// joined is "before: title", where the title does not say it already.
func (f *finder) joined(before, title *leaf) preset.List {
	text, path := title.line()
	plain := preset.List{"{" + path + "}"}
	if before == nil {
		return plain
	}
	if strings.Contains(strings.ToLower(text), strings.ToLower(before.text)) || len(before.text)+len(text) > alert.MaxTitle {
		if f.taken[before.path] {
			return braces(before)
		}
		return plain
	}
	f.because("title", before.path, "says more than the other part alone")
	first := "{" + before.path + "}"
	if f.taken[before.path] {
		return append(preset.List{first + ": {" + path + "}"}, first)
	}
	return append(preset.List{first + ": {" + path + "}"}, plain...)
}

// firstName returns the first that is a name, not an id.
func firstName(about []*leaf) *leaf {
	for _, l := range about {
		if !strings.HasSuffix(l.name(), "id") && !isNumber(l.text) {
			return l
		}
	}
	return nil
}

// untitled is the title of what has none: what watches and what that is about,
// else an address, else whatever the alert is about.
func (f *finder) untitled(about []*leaf) preset.List {
	var title preset.List
	if watched := f.first(watched); watched != nil && (watched.see().status == "" || saysMore(watched.text, watched.name())) {
		if rest := without(about, watched); len(rest) > 0 {
			title = append(title, "{"+watched.path+"} on {"+rest[0].path+"}")
		}
		title = append(title, "{"+watched.path+"}")
	} else if address := f.address(); address != nil {
		title = append(title, "{"+address.path+"}")
	} else if len(about) > 0 {
		var paths []string
		for _, l := range about {
			paths = append(paths, l.path)
		}
		title = append(title, "Alert of {"+strings.Join(paths, "}, {")+"}")
	} else if said := f.sentence(); said != nil {
		f.taken[said.path] = true
		title = append(title, "{"+said.path+"}")
	}
	return append(title, "Alert without a title")
}

// sentence returns the first text that says something to people, whatever its name.
func (f *finder) sentence() *leaf {
	for i := range f.leaves {
		l := &f.leaves[i]
		if !l.request && !l.listed && !f.taken[l.path] && l.value.Kind() == doc.String && len(l.text) <= alert.MaxTitle && strings.ContainsFunc(l.text, unicode.IsSpace) && isProse(l.text) && besides(l.text) > 0 && !l.see().time {
			return l
		}
	}
	return nil
}

// address returns the address of what is watched.
func (f *finder) address() *leaf {
	ids := f.ids()
	for _, name := range addresses {
		for i := range f.leaves {
			if l := &f.leaves[i]; l.name() == name && isURL(l.text) && !l.listed && len(l.names) <= 3 && !slices.ContainsFunc(ids, func(id string) bool { return strings.Contains(l.text, id) }) {
				return l
			}
		}
	}
	return nil
}

// targeted is what an alert of l is about, else the address that l watches, where
// it is none of a page about it: that would have a number or a query.
func (f *finder) targeted(l *leaf, about []*leaf) []*leaf {
	if len(without(about, l)) > 0 {
		return about
	}
	if at := f.address(); at != nil && !strings.ContainsAny(at.text, "?0123456789") {
		return []*leaf{at}
	}
	return about
}

// ids are those that an address names if it is that of the alert's own page.
func (f *finder) ids() []string {
	var ids []string
	for i := range f.leaves {
		if l := &f.leaves[i]; len(l.text) > 1 && len(ids) < maxAbout && worth(l, roleKey) > 0 {
			ids = append(ids, "/"+l.text)
		}
	}
	return ids
}

// distinct returns what is said in texts that name no state, no time and no
// request, for alerts of which nothing else tells one from another.
func (f *finder) distinct() []*leaf {
	var found []*leaf
	for i := range f.leaves {
		l := &f.leaves[i]
		said := l.value.Kind() == doc.String && len(l.text) <= alert.MaxLabelValue && l.see().status == "" && !l.see().time && !isURL(l.text)
		if said && !f.taken[l.path] && !l.request && !l.listed && !isVolatile(l) && !l.bareID() {
			found = append(found, l)
		}
	}
	return found
}
