package config_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"tocsin/shared/config"
)

func TestDiff(t *testing.T) {
	field := func(path, old, now string) config.FieldChange {
		c := config.FieldChange{Path: path}
		if old != "" {
			c.Old = json.RawMessage(old)
		}
		if now != "" {
			c.New = json.RawMessage(now)
		}
		return c
	}
	for _, c := range []struct {
		name     string
		old, now []config.Document
		want     []config.Change
	}{
		{"nothing", small(), small(), nil},
		{"order and spaces mean nothing", []config.Document{doc("member", "a", `{"language":"en","time_zone":"UTC"}`), doc("member", "b", `{}`)},
			[]config.Document{doc("member", "b", `{ }`), doc("member", "a", `{"time_zone": "UTC", "language":"en"}`)}, nil},
		{"added and removed, by kind", []config.Document{doc("rule", "r", `{"outcome":"keep"}`)}, []config.Document{doc("member", "m", `{}`)}, []config.Change{
			{config.Added, "member", "m", []config.FieldChange{field("spec", "", `{}`)}},
			{config.Removed, "rule", "r", []config.FieldChange{field("spec", `{"outcome":"keep"}`, "")}}}},
		{"fields", []config.Document{doc("service", "s", `{"tier":1,"team":"a"}`)}, []config.Document{doc("service", "s", `{"tier":2,"plan":"p"}`)}, []config.Change{
			{config.Changed, "service", "s", []config.FieldChange{field("spec.plan", "", `"p"`), field("spec.team", `"a"`, ""), field("spec.tier", "1", "2")}}}},
		{"inside a list of objects", []config.Document{doc("plan", "p", `{"steps":[{"wait":"5m"},{"wait":"1m"}]}`)}, []config.Document{doc("plan", "p", `{"steps":[{"wait":"6m"}]}`)}, []config.Change{
			{config.Changed, "plan", "p", []config.FieldChange{field("spec.steps[0].wait", `"5m"`, `"6m"`), field("spec.steps[1]", `{"wait":"1m"}`, "")}}}},
		{"a list of names as a whole", []config.Document{doc("team", "t", `{"members":["a","b"]}`)}, []config.Document{doc("team", "t", `{"members":["b"]}`)}, []config.Change{
			{config.Changed, "team", "t", []config.FieldChange{field("spec.members", `["a","b"]`, `["b"]`)}}}},
		{"another type", []config.Document{doc("team", "t", `{"members":["a"]}`)}, []config.Document{doc("team", "t", `{"members":{}}`)}, []config.Change{
			{config.Changed, "team", "t", []config.FieldChange{field("spec.members", `["a"]`, `{}`)}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := config.Diff(c.old, c.now); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %s\nwant %s", text(got), text(c.want))
			}
		})
	}
}

func text(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}
