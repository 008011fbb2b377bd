// Package presettest reads what the files of the shipped presets say to people.
// Functions do without, so it is not packed into them. Tests alone import it.
//
//	s = presettest.Guided(t, s)
package presettest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tocsin/shared/config/yamldoc"
	"tocsin/shared/source"
	"tocsin/shared/source/preset"
)

// Guided returns s with the guide of its file, if it is a shipped preset, for
// tests of packages beside that of the presets.
func Guided(t testing.TB, s source.Source) source.Source {
	t.Helper()
	path := filepath.Join("../preset/sources", s.Name+".yaml")
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s
	}
	if err != nil {
		t.Fatal(err)
	}
	file, problems := yamldoc.Parse(path, raw)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	var spec preset.Spec
	if err := json.Unmarshal(file.Documents[0].Spec, &spec); err != nil {
		t.Fatal(err)
	}
	p, err := preset.Compile(s.Name, spec)
	if err != nil {
		t.Fatal(err)
	}
	s.Guide = p.Source().Guide
	return s
}
