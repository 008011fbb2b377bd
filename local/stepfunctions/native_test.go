package stepfunctions

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNativeNamesItsTests: every row of NATIVE.md names tests that exist.
func TestNativeNamesItsTests(t *testing.T) {
	var tests strings.Builder
	files, _ := filepath.Glob("*_test.go")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(text)
	}
	table, err := os.ReadFile("NATIVE.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`\bTest[A-Z]\w+`)
	for row := range strings.Lines(string(table)) {
		if !strings.HasPrefix(row, "|") || strings.HasPrefix(row, "|---") || strings.HasPrefix(row, "| behaviour") {
			continue
		}
		cells := strings.Split(row, "|")
		named := name.FindAllString(cells[len(cells)-2], -1)
		if len(named) == 0 {
			t.Errorf("no test: %s", row)
		}
		for _, test := range named {
			if !strings.Contains(tests.String(), "func "+test+"(t *testing.T)") {
				t.Errorf("no %s: %s", test, row)
			}
		}
	}
}
