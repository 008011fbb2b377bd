package rule

import (
	"fmt"
	"strconv"
	"strings"

	"tocsin/shared/alert"
)

// field is a parsed field path.
type field struct {
	kind  fieldKind
	label string // of a label field
}

type fieldKind uint8

const (
	source fieldKind = iota
	integrationField
	title
	description
	severity
	group
	dedupKey
	label
)

var fieldKinds = map[string]fieldKind{
	"source":      source,
	"integration": integrationField,
	"title":       title,
	"description": description,
	"severity":    severity,
	"group":       group,
	"dedup_key":   dedupKey,
}

const labelPrefix = "labels."

// parseField reads a field path. A label's name may itself hold dots.
func parseField(path string) (field, error) {
	if kind, ok := fieldKinds[path]; ok {
		return field{kind: kind}, nil
	}
	name, ok := strings.CutPrefix(path, labelPrefix)
	if !ok || name == "" || len(name) > alert.MaxLabelName {
		return field{}, fmt.Errorf("unknown field %.200q; known are source, integration, title, description, severity, group, dedup_key and labels.<name>", path)
	}
	return field{kind: label, label: name}, nil
}

// value reads the field of an alert; "" where the alert lacks it.
func (f field) value(a *alert.Alert, integration string) string {
	switch f.kind {
	case source:
		return a.Source
	case integrationField:
		return integration
	case title:
		return a.Title
	case description:
		return a.Description
	case severity:
		return string(a.Severity)
	case group:
		return a.Group
	case dedupKey:
		return a.DedupKey
	default:
		return a.Labels[f.label]
	}
}

// MergeKey returns what an alert shares with those that join its event: the
// values of the rule's merge fields, else the sender's group, else the dedup
// key. Names and values carry their length, so that no two different lists
// make one key; it holds sender's text, so hash it before it becomes part of
// a stored key. A field that cannot be read counts as "".
func MergeKey(r Rule, a *alert.Alert, integration string) string {
	if len(r.Merge) == 0 {
		if a.Group != "" {
			return "group=" + sized(a.Group)
		}
		return "dedup_key=" + sized(a.DedupKey)
	}
	var b strings.Builder
	for _, path := range r.Merge {
		b.WriteString(sized(path))
		b.WriteByte('=')
		if f, err := parseField(path); err == nil {
			b.WriteString(sized(f.value(a, integration)))
		}
		b.WriteByte(',')
	}
	return b.String()
}

func sized(s string) string { return strconv.Itoa(len(s)) + ":" + s }
