package preset_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/shared/config/yamldoc"
	"tocsin/shared/source/lookup"
	"tocsin/shared/source/preset"
)

var update = flag.Bool("update", false, "write presets.json.gz")

// specs reads sources/*.yaml, of which each holds the mapping that it is named
// for.
func specs(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	files, err := filepath.Glob("sources/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	all := map[string]json.RawMessage{}
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, problems := yamldoc.Parse(path, raw)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		if len(file.Documents) != 1 || file.Documents[0].Kind != "mapping" || file.Documents[0].Name != name {
			t.Fatalf("%s: expected one document of kind mapping named %s", path, name)
		}
		all[name] = file.Documents[0].Spec
	}
	return all
}

func TestShippedPresetsAreThoseOfTheFiles(t *testing.T) {
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	all := specs(t)
	for name, spec := range all {
		all[name] = unguided(t, spec)
	}
	if err := enc.Encode(all); err != nil {
		t.Fatal(err)
	}
	same := bytes.Equal(readPacked(t), want.Bytes())
	if *update && !same {
		writePacked(t, want.Bytes())
	} else if !same {
		t.Error("presets.json.gz differs from sources/*.yaml; run this test with -update")
	}
}

// unguided is a spec without what is only said to people.
func unguided(t *testing.T, raw json.RawMessage) json.RawMessage {
	t.Helper()
	var spec map[string]json.RawMessage
	var guide preset.Guide
	if err := json.Unmarshal(raw, &spec); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(spec["guide"], &guide); err != nil {
		t.Fatal(err)
	}
	delete(spec, "guide")
	if guide.NeverEnds {
		spec["guide"] = json.RawMessage(`{"never_ends":true}`)
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const packed = "presets.json.gz"

func readPacked(t *testing.T) []byte {
	t.Helper()
	file, err := os.Open(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	specs, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return specs
}

func writePacked(t *testing.T, specs []byte) {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(specs); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), os.WriteFile(packed, out.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestShippedPresetsCompile(t *testing.T) {
	for name, raw := range specs(t) {
		t.Run(name, func(t *testing.T) {
			dec := json.NewDecoder(bytes.NewReader(raw))
			dec.DisallowUnknownFields()
			var spec preset.Spec
			if err := dec.Decode(&spec); err != nil {
				t.Fatal(err)
			}
			if _, err := preset.Compile(name, spec); err != nil {
				t.Fatal(err)
			}
			if _, err := lookup.ParseAny(spec.Recognise); err != nil || len(spec.Recognise) == 0 {
				t.Errorf("recognise: %d conditions, %v", len(spec.Recognise), err)
			}
			if g := spec.Guide; spec.Product == "" || g == nil || g.Page == "" || !strings.Contains(strings.Join(g.Setup, ""), "{url}") || g.Proof == "" || g.Understood == "" {
				t.Error("product or guide is not complete")
			} else if !g.NeverEnds && !bytes.Contains(raw, []byte(`"resolved":`)) && !bytes.Contains(raw, []byte(`"ended":`)) {
				t.Error("nothing ends its alerts, and the guide does not say so")
			}
			if len(spec.Key) == 0 && len(spec.Variants) == 0 {
				t.Error("no key")
			}
		})
	}
}
