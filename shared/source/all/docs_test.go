package all

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"tocsin/shared/source"
	"tocsin/shared/source/preset/presettest"
	"tocsin/shared/source/shipped"
)

var update = flag.Bool("update", false, "write docs/sources.md")

const docs = "../../../docs/sources.md"

// TestDocsTellOfEverySource: docs/sources.md is written from the sources
// themselves.
func TestDocsTellOfEverySource(t *testing.T) {
	want := page(t)
	if *update {
		if err := os.WriteFile(docs, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docs)
	if err != nil || string(got) != want {
		t.Errorf("docs/sources.md differs from the sources; run this test with -update (%v)", err)
	}
}

const preamble = `# Sources

Written from the sources themselves by ` + "`go test ./shared/source/all -update`" + `; do not edit.

Every integration has an address of its own, ` + "`<stack>/in/<source>/<key>`" + `, which ` + "`tocsin integrations create`" + ` prints; below it stands as {url}, and where mails go as {address}. The key in it is a
secret and proves the sender. What a sender can prove beside that is said for each source: an integration created with ` + "`--auth vendor`" + ` checks the source's own scheme,
and ` + "`bearer`, `basic` and `hmac-sha256`" + ` are there for every sender that can set a header. A system that is not listed is read by the names and shapes of its
fields when its integration is of source ` + "`custom`" + `, or as a mapping of your own says ([own-source.md](own-source.md)). So is, for most sources, what is in none of their forms, like a body that you wrote yourself.

`

func page(t *testing.T) string {
	var b strings.Builder
	b.WriteString(preamble)
	b.WriteString("| source | product | also called | recovery |\n|---|---|---|---|\n")
	var sections strings.Builder
	for _, k := range kinds() {
		s := presettest.Guided(t, k.open())
		ends := "yes"
		if s.Guide.NeverEnds {
			ends = "never: expires"
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", s.Name, s.Name, s.Guide.Product, strings.Join(s.Aliases, ", "), ends)
		section(&sections, s)
	}
	return b.String() + "\n" + sections.String()
}

func section(b *strings.Builder, s source.Source) {
	g := s.Guide
	fmt.Fprintf(b, "## %s\n\n%s. [Its documentation](%s).\n\n", s.Name, g.Product, g.Page)
	for i, step := range g.Setup {
		fmt.Fprintf(b, "%d. %s\n", i+1, step)
	}
	fmt.Fprintf(b, "\nProof: %s\n\nUnderstood: %s\n", g.Proof, g.Understood)
	if g.Repeats != "" {
		fmt.Fprintf(b, "\nSends again: %s\n", g.Repeats)
	}
	b.WriteString("\n")
}

// placeOf is the word of guides for where a source sends to.
func placeOf(source string) string {
	if source == shipped.Email {
		return "{address}"
	}
	return "{url}"
}

// TestGuidesAreComplete: each source says how it is set up, verified and read.
func TestGuidesAreComplete(t *testing.T) {
	for _, k := range kinds() {
		g := presettest.Guided(t, k.open()).Guide
		if g.Product == "" || !strings.HasPrefix(g.Page, "https://") || len(g.Setup) == 0 || g.Proof == "" || g.Understood == "" {
			t.Errorf("%s: the guide is not complete: %+v", k.name, g)
		}
		if where := placeOf(k.name); !strings.Contains(strings.Join(g.Setup, " "), where) {
			t.Errorf("%s: the setup does not say where %s goes", k.name, where)
		}
	}
}
