package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Op says how a document changed.
type Op string

// What happens to a document.
const (
	Added   Op = "added"
	Removed Op = "removed"
	Changed Op = "changed"
)

// Change is what became of one document.
type Change struct {
	Op     Op            `json:"op"`
	Kind   string        `json:"kind"`
	Name   string        `json:"name"`
	Fields []FieldChange `json:"fields"` // of an added or removed document: its spec as a whole
}

// FieldChange is one difference. A value that is not there is nil.
type FieldChange struct {
	Path string          `json:"field"` // "spec.steps[0].wait"
	Old  json.RawMessage `json:"old,omitempty"`
	New  json.RawMessage `json:"new,omitempty"`
}

// Diff returns what turns one list of documents into another, in the order of
// [Compare]; none when they mean the same. Give it canonical documents, as
// [Config] holds them: in others "90s" and "1m30s" differ. Lists of plain
// values are compared as a whole, other lists by position.
func Diff(before, after []Document) []Change {
	old, now := byKey(before), byKey(after)
	both := maps.Clone(old)
	maps.Copy(both, now)
	var changes []Change
	for _, d := range slices.SortedFunc(maps.Values(both), Compare) {
		o, was := old[keyOf(d)]
		n, is := now[keyOf(d)]
		switch {
		case !was:
			changes = append(changes, Change{Added, d.Kind, d.Name, []FieldChange{{Path: "spec", New: n.Spec}}})
		case !is:
			changes = append(changes, Change{Removed, d.Kind, d.Name, []FieldChange{{Path: "spec", Old: o.Spec}}})
		default:
			if fields := diffValues("spec", tree(o.Spec), tree(n.Spec)); fields != nil {
				changes = append(changes, Change{Changed, d.Kind, d.Name, fields})
			}
		}
	}
	return changes
}

func byKey(docs []Document) map[key]Document {
	m := make(map[key]Document, len(docs))
	for _, d := range docs {
		m[keyOf(d)] = d
	}
	return m
}

// tree decodes JSON; nil when it is none.
func tree(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	_ = d.Decode(&v) // specs of a Config are JSON
	return v
}

func diffValues(at string, old, now any) []FieldChange {
	switch o := old.(type) {
	case map[string]any:
		if n, ok := now.(map[string]any); ok {
			return diffObjects(at, o, n)
		}
	case []any:
		if n, ok := now.([]any); ok && !plain(o) && !plain(n) {
			return diffLists(at, o, n)
		}
	}
	if was, is := raw(old), raw(now); !bytes.Equal(was, is) {
		return []FieldChange{{Path: at, Old: was, New: is}}
	}
	return nil
}

func diffObjects(at string, old, now map[string]any) []FieldChange {
	both := maps.Clone(old)
	maps.Copy(both, now)
	var changes []FieldChange
	for _, name := range slices.Sorted(maps.Keys(both)) {
		changes = append(changes, diffValues(join(at, name), old[name], now[name])...)
	}
	return changes
}

func diffLists(at string, old, now []any) []FieldChange {
	var changes []FieldChange
	for i := range max(len(old), len(now)) {
		changes = append(changes, diffValues(fmt.Sprintf("%s[%d]", at, i), element(old, i), element(now, i))...)
	}
	return changes
}

func element(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// plain reports whether a list holds no lists or objects.
func plain(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool {
		switch v.(type) {
		case map[string]any, []any:
			return true
		}
		return false
	})
}

// raw writes a value that tree read; nil where it is not there.
func raw(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	return canonical(v)
}
