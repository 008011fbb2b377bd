package yamldoc_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/shared/config"
	"tocsin/shared/config/yamldoc"
	"tocsin/shared/fault"
)

const small = `# who answers
kind: member
name: ann
spec:
  display_name: Ann
---
kind: team
name: payments
spec:
  leader: ann
  members: [ann]
---
kind: plan
name: urgent
spec:
  steps:
    - targets: [{member: ann}]
      wait: 90s
  last_resort:
    - team: payments
`

func check(t *testing.T, text string) ([]config.Document, []string) {
	t.Helper()
	f, problems := yamldoc.Parse("t.yaml", []byte(text))
	docs, problems := yamldoc.Check([]yamldoc.File{f}, problems)
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	return docs, got
}

func TestParse(t *testing.T) {
	docs, problems := check(t, small)
	want := []config.Document{
		{Kind: "member", Name: "ann", Spec: []byte(`{"display_name":"Ann"}`)},
		{Kind: "team", Name: "payments", Spec: []byte(`{"leader":"ann","members":["ann"]}`)},
		{Kind: "plan", Name: "urgent", Spec: []byte(`{"steps":[{"targets":[{"member":"ann"}],"wait":"1m30s"}],"last_resort":[{"team":"payments"}]}`)},
	}
	if problems != nil || !reflect.DeepEqual(docs, want) {
		t.Errorf("documents %s, problems %q", docs, problems)
	}
}

func TestProblemsNameFileLineAndField(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // beginnings
	}{
		{"unknown field in a spec", "kind: member\nname: ann\nspec:\n  language: en\n  phone: 1\n", []string{"t.yaml:5: spec.phone: unknown field; known are"}},
		{"unknown field beside the spec", "kind: member\nname: ann\nversion: 2\n", []string{"t.yaml:3: version: unknown field; known are kind, name, spec"}},
		{"alias and anchor", "kind: team\nname: t\nspec:\n  leader: &a administrator\n  members: [*a]\n", []string{
			"t.yaml:4: spec.leader: found an anchor", "t.yaml:5: spec.members[0]: found an alias"}},
		{"merge key", "kind: team\nname: t\nspec:\n  <<: {leader: administrator}\n  members: [administrator]\n", []string{"t.yaml:4: spec: found a merge key, expected a plain name"}},
		{"tag", "kind: member\nname: !!str 7\n", []string{"t.yaml:2: name: found a tag", "t.yaml:2: name: expected a text"}},
		{"tab", "kind: member\nname: ann\nspec:\n\tlanguage: en\n", []string{"t.yaml:4: no valid YAML: the line is indented by a tab, expected spaces"}},
		{"key twice", "kind: member\nname: ann\nspec:\n  language: en\n  language: zh\n", []string{"t.yaml:5: spec.language: stands there twice"}},
		{"complex key", "kind: member\nname: ann\nspec:\n  ? [a, b]\n  : c\n", []string{"t.yaml:"}},
		{"reference to nobody", "kind: service\nname: s\nspec:\n  team: ghosts\n", []string{`t.yaml:4: spec.team: there is no team "ghosts"`}},
		{"plan that reaches nobody", "kind: team\nname: t\nspec:\n  members: []\n---\nkind: plan\nname: p\nspec:\n  steps:\n    - targets: [{team: t}]\n  last_resort: [{team: t}]\n", []string{
			"t.yaml:4: spec.members: the team is empty", "t.yaml:9: spec.steps: no step reaches anybody", "t.yaml:11: spec.last_resort: the last resort reaches nobody"}},
		{"a line inside a list", "kind: plan\nname: p\nspec:\n  steps:\n    - targets:\n        - member: administrator\n    - targets:\n        - member: ghost\n  last_resort: [{member: administrator}]\n", []string{
			`t.yaml:8: spec.steps[1].targets[0].member: there is no member "ghost"`}},
		{"a missing part is shown at what lacks it", "kind: member\nname: ann\n---\nkind: rule\nname: r\nspec:\n  order: 1\n", []string{`t.yaml:6: spec.outcome: found ""`}},
		{"kind and name missing", "spec: {}\n", []string{"t.yaml:1: kind: missing", "t.yaml:1: name: missing"}},
		{"name that looks like a number", "kind: member\nname: 7\n", []string{"t.yaml:2: name: expected a text; put it in quotes"}},
		{"no map", "- a\n- b\n", []string{"t.yaml:1: found sequence, expected a map with kind, name and spec"}},
		{"syntax", "kind: member\nname: [ann\n", []string{"t.yaml:2: no valid YAML:"}},
		{"not UTF-8", "kind: member\nname: \xff\n", []string{"t.yaml:2: the text is not UTF-8"}},
		{"every document is checked", "kind: member\nname: A\n---\nkind: robot\nname: r\n---\nkind: service\nname: s\nspec: {tier: 9}\n", []string{
			`t.yaml:2: name: found "A"`, `t.yaml:4: kind: found "robot"`, "t.yaml:9: spec.tier: found 9"}},
		{"empty documents do not count", "---\n---\n# nothing\n", nil},
		{"number too large for an order", "kind: rule\nname: r\nspec: {outcome: keep, order: 1e400}\n", []string{"t.yaml:3: spec.order:"}},
		{"infinity", "kind: service\nname: s\nspec: {tier: .inf}\n", []string{"t.yaml:3: spec.tier: found infinity"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			docs, got := check(t, c.text)
			if docs != nil && len(got) > 0 {
				t.Errorf("documents %s beside problems", docs)
			}
			wantBeginnings(t, got, c.want)
		})
	}
}

func wantBeginnings(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("problems %q, want %q", got, want)
	}
	for i := range got {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("problem %q, want %q", got[i], want[i])
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	const n = 200_000
	for name, text := range map[string]string{
		"brackets":      "kind: member\nname: ann\nspec: " + strings.Repeat("[", n),
		"braces":        "kind: member\nname: ann\nspec: " + strings.Repeat("{a: ", n),
		"dashes":        "kind: member\nname: ann\nspec:\n  " + strings.Repeat("- ", n) + "x\n",
		"questions":     strings.Repeat("? ", n) + "x\n",
		"200 levels":    "kind: member\nname: ann\nspec: " + strings.Repeat("{a: ", 200) + "1" + strings.Repeat("}", 200) + "\n",
		"by indenting":  indented(1200),
		"closing first": strings.Repeat("]", 100) + strings.Repeat("[", n),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			f, problems := yamldoc.Parse("t.yaml", []byte(text))
			if len(f.Documents) != 0 || len(problems) != 1 {
				t.Errorf("documents %d, problems %.300v", len(f.Documents), problems)
			}
			if d := time.Since(began); d > time.Minute {
				t.Errorf("took %v", d)
			}
		})
	}
}

func indented(levels int) string {
	var b strings.Builder
	for i := range levels {
		fmt.Fprintf(&b, "%sa:\n", strings.Repeat(" ", i))
	}
	return b.String()
}

func TestFileIsBounded(t *testing.T) {
	_, problems := yamldoc.Parse("t.yaml", make([]byte, 9<<20))
	wantBeginnings(t, []string{problems[0].String()}, []string{"t.yaml:1: the file has 9437184 bytes"})
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"b.yaml":        "kind: service\nname: checkout\nspec: {team: payments}\n",
		"people/a.yml":  small,
		"README.md":     "not: [read",
		".git/x.yaml":   "not: [read",
		"people/.z/y.y": "not: [read",
	})
	docs, problems, err := yamldoc.Load(dir, filepath.Join(dir, "b.yaml"))
	if err != nil || problems != nil || len(docs) != 4 {
		t.Errorf("documents %s, problems %v, err %v", docs, problems, err)
	}
	if _, _, err := yamldoc.Load(filepath.Join(dir, "absent")); err == nil {
		t.Error("an absent path is no error")
	}
}

func TestLoadNamesTheFileOfEachProblem(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.yaml": "kind: member\nname: ann\n", "b.yaml": "\nkind: member\nname: ann\n"})
	_, problems, err := yamldoc.Load(dir)
	if err != nil || len(problems) != 1 || problems[0].File != filepath.Join(dir, "b.yaml") || problems[0].Line != 3 {
		t.Fatalf("problems %v, err %v", problems, err)
	}
	if e := problems.Err(); !fault.Is(e, fault.Invalid) || !strings.Contains(e.Error(), "b.yaml:3: name") {
		t.Errorf("err %v", e)
	}
}

func TestExport(t *testing.T) {
	docs := []config.Document{
		{Kind: "rule", Name: "r", Spec: []byte(`{"order":-5,"when":{"all":[{"field":"labels.env","equals":""},{"field":"title","match":"^a\"b: #\n"}]},"outcome":"event"}`)},
		{Kind: "plan", Name: "p", Spec: []byte(`{"steps":[{"targets":[{"member":"ann"}],"wait":"1h30m","priorities":["P1"]}],"repeats":0,"last_resort":[{"member":"ann"}]}`)},
		{Kind: "member", Name: "ann"},
		{Kind: "team", Name: "no", Spec: []byte(`{"members":[]}`)},
	}
	const want = `kind: member
name: ann
spec: {}
---
kind: team
name: "no"
spec:
  members: []
---
kind: plan
name: p
spec:
  steps:
    - targets:
        - member: ann
      wait: 1h30m
      priorities:
        - P1
  repeats: 0
  last_resort:
    - member: ann
---
kind: rule
name: r
spec:
  order: -5
  when:
    all:
      - field: labels.env
        equals: ""
      - field: title
        match: "^a\"b: #\n"
  outcome: event
`
	got, err := yamldoc.Export(docs)
	if err != nil || string(got) != want {
		t.Errorf("err %v\n%s", err, got)
	}
}

func TestExportIsReadBack(t *testing.T) {
	docs, _ := check(t, small)
	cfg, _ := config.Parse(docs)
	text, err := yamldoc.Export(cfg.Documents)
	if err != nil {
		t.Fatal(err)
	}
	again, problems := check(t, string(text))
	if problems != nil || config.Diff(cfg.Documents, again) != nil {
		t.Errorf("problems %q, diff %v\n%s", problems, config.Diff(cfg.Documents, again), text)
	}
}

// FuzzParse holds that reading never panics, that a line is within the file,
// and that what is valid comes back the same from its export.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, s := range []string{
		"kind: member\nname: ann\nspec: {display_name: \"a\\u0085b \\\"c\\\"\"}\n", "a: &x [*x]\n", "<<: 1\n", "? a\n: b\n", "--- |\n x\n", "%YAML 1.2\n---\na: b\n",
		"kind: 'rule'\nname: r\nspec:\n  outcome: keep\n  when: {field: title, in: [yes, 5m, 1e3, 0x1F, ~, \"\"]}\n", "a:\n\t- b\n", "!!map {}\n", "\"a\": >-\n  b\n  c\n", "[[[[", "{{{",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, problems := yamldoc.Parse("f.yaml", data)
		docs, problems := yamldoc.Check([]yamldoc.File{file}, problems)
		for _, p := range problems {
			if p.Line < 1 || p.Line > strings.Count(string(data), "\n")+strings.Count(string(data), "\r")+2 {
				t.Errorf("line of %v", p)
			}
		}
		if problems != nil {
			return
		}
		text, err := yamldoc.Export(docs)
		if err != nil {
			t.Fatalf("export: %v", err)
		}
		back, problems := yamldoc.Parse("g.yaml", text)
		again, problems := yamldoc.Check([]yamldoc.File{back}, problems)
		if problems != nil || config.Diff(docs, again) != nil {
			t.Errorf("problems %v, diff %+v\n%s", problems, config.Diff(docs, again), text)
		}
	})
}

func TestProblemsWithoutAFieldNameNone(t *testing.T) {
	err := yamldoc.Problems{{File: "t.yaml", Line: 4, Detail: "no valid YAML"}, {File: "t.yaml", Line: 5, Field: "spec.tier", Detail: "missing"}}.Err()
	if want := "the configuration is not valid: t.yaml:4: no valid YAML; t.yaml:5: spec.tier: missing"; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
