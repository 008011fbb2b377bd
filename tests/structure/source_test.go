package structure

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

// selected are the names that a file uses of a package, by the package's name.
func selected(t *testing.T, at, packageName string) (used []string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), at, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == packageName {
				used = append(used, s.Sel.Name)
			}
		}
		return true
	})
	return used
}

// TestTextIsOfNoPlace: nothing in the repository names a host that packages
// come from, which each reader's tools are set up for, or a folder of the
// machine that it was written on.
func TestTextIsOfNoPlace(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("git is missing")
		}
		t.Skip("git is missing")
	}
	// In halves, so that this file does not name them either.
	banned := []string{
		"py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "proxy.golang" + ".org", "sum.golang" + ".org", "crates" + ".io",
		"maven" + ".org", "maven.apache" + ".org", "deb.debian" + ".org",
		"/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/", "/wo" + "rk/",
	}
	home, err := os.UserHomeDir()
	if err == nil && len(home) > 1 {
		banned = append(banned, home+"/")
	}
	// What is not ignored counts too: it is committed next.
	listed := run(t, ".", "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	for _, name := range strings.Split(strings.TrimSuffix(listed, "\x00"), "\x00") {
		text, err := os.ReadFile(root + "/" + name)
		if err != nil {
			continue // deleted and not yet committed
		}
		if !utf8.Valid(text) {
			continue
		}
		for _, b := range banned {
			if i := strings.Index(string(text), b); i >= 0 {
				t.Errorf("%s:%d names %s", name, 1+strings.Count(string(text[:i]), "\n"), b)
			}
		}
	}
}
