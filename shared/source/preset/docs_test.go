package preset_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
)

const reference = "../../../docs/mappings.md"

// TestReferenceIsWrittenFromTheSpec: docs/mappings.md is written from the
// types of spec.go and their comments.
func TestReferenceIsWrittenFromTheSpec(t *testing.T) {
	want := page(t)
	if *update {
		if err := os.WriteFile(reference, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(reference)
	if err != nil || string(got) != want {
		t.Errorf("docs/mappings.md differs from spec.go; run this test with -update (%v)", err)
	}
}

const preamble = `# Mappings: reference

Written from ` + "`shared/source/preset/spec.go` by `go test ./shared/source/preset -update`" + `; do not edit. The tutorial is [own-source.md](own-source.md).

A mapping is a configuration document of kind ` + "`mapping`" + `. Wherever a list of texts stands, a single text may stand for it; of a list the first that can be said counts.

| written | means |
|---|---|
| ` + "`alerts.0.status`" + ` | a path: a field; a number is a position in a list, ` + "`[*]`" + ` is all of it; in XML what stands there once is a list of one, in JSON a list is written as one |
| ` + "`labels.\"k8s.io/name\"`" + ` | a name with dots in quotes |
| ` + "`$.receiver`" + ` | from the top of the body; every other path begins at the alert |
| ` + "`Message\\|json.AlarmName`" + ` | goes on inside a text that is JSON itself |
| ` + "`message\\|line`" + ` | the first line of a text that says something, without markup |
| ` + "`message\\|pairs.\"Host name\"`" + ` | a field of the lines of a text that say "Host name: db-1" |
| ` + "`fields[title=Host].value`" + ` | of the item of a list whose title is Host |
| ` + "`header:X-Event`, `query:name`, `path:`, `text:`" + ` | a header, a parameter, what stands after the key, the whole body |
| ` + "`@host`" + ` | a named group of ` + "`extract`" + ` |
| ` + "`event=up\\|down !error level>=12`" + ` | a condition: all parts must hold; the signs are ` + "`= != >= > <= <`" + `, ` + "`!path`" + ` is absent, ` + "`*`" + ` stands for any characters |
| ` + "`{monitor.name} is {status}`" + ` | a text; nothing, if one of its paths leads nowhere or to what is empty |

`

func page(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "spec.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(preamble)
	for _, decl := range file.Decls {
		g, ok := decl.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		for _, spec := range g.Specs {
			s := spec.(*ast.TypeSpec)
			if fields, ok := s.Type.(*ast.StructType); ok {
				section(t, &b, s.Name.Name, g.Doc.Text(), fields)
			}
		}
	}
	return b.String()
}

func section(t *testing.T, b *strings.Builder, name, about string, fields *ast.StructType) {
	t.Helper()
	about = strings.Join(strings.Fields(strings.NewReplacer("package lookup", "the table above").Replace(about)), " ")
	fmt.Fprintf(b, "## %s\n\n%s\n\n| field | is | |\n|---|---|---|\n", name, about)
	for _, f := range fields.Fields.List {
		if len(f.Names) == 0 {
			fmt.Fprintf(b, "| | | and all fields of [%[1]s](#%[2]s) |\n", kind(f.Type), strings.ToLower(kind(f.Type)))
			continue
		}
		if f.Comment.Text() == "" {
			t.Errorf("%s.%s has no description", name, f.Names[0])
		}
		tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json")
		named, _, _ := strings.Cut(tag, ",")
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", named, kind(f.Type), strings.ReplaceAll(strings.TrimSpace(f.Comment.Text()), "|", `\|`))
	}
	b.WriteString("\n")
}

// kind says of a Go type what a writer of YAML must write.
func kind(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return kind(e.X)
	case *ast.ArrayType:
		return "list of " + kind(e.Elt)
	case *ast.MapType:
		return "texts by name"
	case *ast.Ident:
		switch e.Name {
		case "string":
			return "text"
		case "bool":
			return "true or false"
		case "List":
			return "texts"
		case "Proofs":
			return "one or a list of [Proof](#proof)"
		}
		if e.Name != "Reading" {
			return fmt.Sprintf("[%s](#%s)", e.Name, strings.ToLower(e.Name))
		}
		return e.Name
	}
	return "anything"
}
