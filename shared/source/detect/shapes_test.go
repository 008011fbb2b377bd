package detect

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/shared/intake/intaketest"
	"tocsin/shared/source"
)

var update = flag.Bool("update", false, "write the golden file")

// TestShapes: each folder of testdata is a shape in which systems tell of
// alerts: firing, repeat (another time and value), recovery, and another alert.
func TestShapes(t *testing.T) {
	folders, err := filepath.Glob("testdata/*/firing.*")
	if err != nil || len(folders) < 20 {
		t.Fatalf("%d folders, %v", len(folders), err)
	}
	var out strings.Builder
	for _, path := range folders {
		shape, ext := filepath.Base(filepath.Dir(path)), filepath.Ext(path)
		out.WriteString(shape + "\n")
		keys := map[string]string{}
		for _, name := range []string{"firing", "repeat", "recovery", "other"} {
			body, err := os.ReadFile(filepath.Join("testdata", shape, name+ext))
			if os.IsNotExist(err) {
				continue // of shapes that tell of no end
			}
			if err != nil {
				t.Fatal(err)
			}
			line, key := readShape(t, string(body))
			out.WriteString("  " + name + " " + line + "\n")
			keys[name] = key
		}
		for _, name := range []string{"repeat", "recovery"} {
			if key, told := keys[name]; told && key != keys["firing"] {
				t.Errorf("%s: the %s has key %s, the firing %s", shape, name, key, keys["firing"])
			}
		}
		if keys["other"] == keys["firing"] {
			t.Errorf("%s: two alerts have key %s", shape, keys["other"])
		}
	}
	if *update {
		if err := os.WriteFile("testdata/shapes.golden", []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/shapes.golden")
	if err != nil || string(want) != out.String() {
		t.Errorf("testdata/shapes.golden differs, %v:\n%s", err, out.String())
	}
}

func readShape(t *testing.T, body string) (line, key string) {
	t.Helper()
	r := request("text/plain", body)
	p := Propose(r)
	parsed, err := p.Parse(r)
	if err != nil || len(parsed.Items) != 1 || parsed.Items[0].Alert == nil {
		t.Fatalf("%s: %+v, %v", body, parsed, err)
	}
	if source.StatusOf(parsed.Items[0].Alert.Title) != "" && !strings.Contains(parsed.Items[0].Alert.Title, " ") {
		t.Errorf("title %q", parsed.Items[0].Alert.Title)
	}
	return string(p.Sure) + " " + intaketest.Line(parsed.Items[0].Alert), parsed.Items[0].Alert.DedupKey
}
