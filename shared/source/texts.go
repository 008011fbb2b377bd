package source

import (
	"iter"
	"strings"

	"tocsin/shared/alert"
	"tocsin/shared/doc"
)

// Labels returns the labels of names and values in turn, without empty values.
func Labels(nameAndValue ...string) map[string]string {
	labels := make(map[string]string, len(nameAndValue)/2)
	for i := 0; i+1 < len(nameAndValue); i += 2 {
		if value := strings.TrimSpace(nameAndValue[i+1]); value != "" {
			labels[nameAndValue[i]] = value
		}
	}
	return labels
}

// maxNamed bounds the fields and items of one object or list that are read as
// labels or dimensions. No system has as many: it keeps a body of nothing but
// fields cheap.
const maxNamed = 1000

// Named yields the first thousand fields of an object whose names may be any.
func Named(object doc.Value) iter.Seq2[string, doc.Value] {
	return func(yield func(string, doc.Value) bool) {
		n := 0
		for name, v := range object.Fields() {
			if n++; n > maxNamed || !yield(name, v) {
				return
			}
		}
	}
}

// Some yields the first thousand items of a list that is part of an alert.
func Some(list doc.Value) iter.Seq[doc.Value] {
	return func(yield func(doc.Value) bool) {
		n := 0
		for item := range list.Items() {
			if n++; n > maxNamed || !yield(item) {
				return
			}
		}
	}
}

// AddFields adds the fields of an object that are plain values to labels that
// have not got one of that name.
func AddFields(labels map[string]string, object doc.Value) {
	for name, v := range Named(object) {
		if k := v.Kind(); k == doc.Array || k == doc.Object || labels[name] != "" || strings.TrimSpace(name) == "" {
			continue
		}
		if text := strings.TrimSpace(v.Text()); text != "" {
			labels[name] = text
		}
	}
}

// Lines joins the texts that have something to read, a line each.
func Lines(texts ...string) string {
	kept := make([]string, 0, len(texts))
	for _, s := range texts {
		if s = strings.TrimSpace(s); s != "" {
			kept = append(kept, bounded(s))
		}
	}
	return strings.Join(kept, "\n")
}

// maxLine is more than is kept of any text.
const maxLine = 4 * alert.MaxDescription

// bounded leaves out what cannot be kept in any case, before it is copied.
func bounded(s string) string { return s[:min(len(s), maxLine)] }

// Said returns what, a colon and the text; nothing where there is no text.
func Said(what, text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	return what + ": " + bounded(text)
}

// Details writes the fields of an object a line each, but none whose name says
// that it holds a secret; what is no object is its text.
func Details(v doc.Value) string {
	if v.Kind() != doc.Object {
		return v.Text()
	}
	var lines []string
	for name, value := range Named(v) {
		if !HoldsSecret(name) {
			lines = append(lines, Said(name, value.Text()))
		}
	}
	return Lines(lines...)
}
