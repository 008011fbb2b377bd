package detect

import (
	"slices"
	"strings"
	"unicode"

	"tocsin/shared/doc"
	"tocsin/shared/source"
	"tocsin/shared/source/preset"
)

// attributes are those of a CloudEvent that say what it is about; its id is
// that of one message, and its time that of one report.
var attributes = words(`type source subject`)

// eventHeader begins the headers in which a CloudEvent in binary mode has its
// attributes.
const eventHeader = "ce-"

// EventHeaders are the headers that are read of a CloudEvent in binary mode.
var EventHeaders = []string{"Ce-Specversion", "Ce-Type", "Ce-Source", "Ce-Subject", "Ce-Time"}

func isCloudEvent(v doc.Value) bool { return v.Get("specversion").Present() }

// collectHeaders takes what stands in the headers of a CloudEvent in binary
// mode, whose body is its data.
func (f *finder) collectHeaders(r *source.Request, listed bool) {
	if r.Header.Get(EventHeaders[0]) == "" {
		return
	}
	f.isEvent, f.event = true, "header:"+eventHeader
	for _, name := range append(slices.Clone(attributes), "time") {
		if text := strings.TrimSpace(r.Header.Get(eventHeader + name)); text != "" {
			f.add(leaf{path: f.event + name, names: []string{name}, value: doc.Of(text), text: text, request: listed})
		}
	}
}

// attribute returns an attribute of the CloudEvent that is read, nil if it has none.
func (f *finder) attribute(name string) *leaf {
	for i := range f.leaves {
		if l := &f.leaves[i]; f.isAttribute(l) && l.path == f.event+name {
			return l
		}
	}
	return nil
}

// isAttribute reports an attribute of a CloudEvent. A sentence is none, but what
// a sender says in its subject to people.
func (f *finder) isAttribute(l *leaf) bool {
	name, found := strings.CutPrefix(l.path, f.event)
	return f.isEvent && found && slices.Contains(attributes, name) && !strings.ContainsFunc(l.text, unicode.IsSpace)
}

// eventKey is the key of a CloudEvent that names its subject: with its type,
// its source and what its data is about. Of a type that ends with a state, like
// alarm.raised, only what stands before that counts; in a list no path leads
// there, and then there is no key.
func (f *finder) eventKey(list string, about []*leaf) (key preset.List, extract []preset.Extract) {
	kind := f.attribute("type")
	var text string
	if kind != nil {
		text = "{" + kind.path + "}/"
		if at := strings.LastIndexAny(kind.text, "._/-"); at > 0 && saysState(kind.text[at+1:]) {
			switch {
			case list == "":
				text = "{@kind}/"
				extract = []preset.Extract{{From: kind.path, Match: `^(?P<kind>.+)[._/-][^._/-]+$`}}
			case !slices.Contains(slight, strings.ToLower(kind.text[at+1:])):
				return nil, nil
			}
		}
		f.because("key", kind.path, "the type of a CloudEvent")
	}
	if from := f.attribute("source"); from != nil {
		text += "{" + from.path + "}/"
		f.because("key", from.path, "the source of a CloudEvent")
	}
	subject := f.attribute("subject")
	text += "{" + subject.path + "}"
	f.because("key", subject.path, "the subject of a CloudEvent")
	for _, l := range about {
		if !f.isAttribute(l) && l.text != subject.text {
			text += "/{" + l.path + "}"
			f.because("key", l.path, "names what the alert is about")
		}
	}
	return preset.List{text}, extract
}

// saysState reports a word that says how things stand now.
func saysState(word string) bool {
	return source.StatusOf(word) != "" || slices.Contains(slight, strings.ToLower(word))
}
