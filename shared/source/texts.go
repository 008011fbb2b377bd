package source

import (
	"strings"

	"tocsin/shared/source/doc"
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

// AddFields adds the fields of an object that are plain values to labels that
// have not got one of that name.
func AddFields(labels map[string]string, object doc.Value) {
	for name, v := range object.Fields() {
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
			kept = append(kept, s)
		}
	}
	return strings.Join(kept, "\n")
}

// Said returns what, a colon and the text; nothing where there is no text.
func Said(what, text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	return what + ": " + text
}
