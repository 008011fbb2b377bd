package ministack

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePython makes TOCSIN_PYTHON a script and the cache directory empty.
// The script gets the arguments of a python.
func fakePython(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	python := filepath.Join(dir, "python")
	if err := os.WriteFile(python, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TOCSIN_PYTHON", python)
	t.Setenv("XDG_CACHE_HOME", dir)
}

// newer answers the question for the version; the rest of the script follows.
const newer = `case "$1" in -c) echo 3 12; exit;; esac
`

// venv makes an environment whose pip does what is put in PIP's place.
const venv = newer + `mkdir -p "$3/bin"; printf '#!/bin/sh\nPIP\n' > "$3/bin/python"; chmod +x "$3/bin/python"`

func TestEnvironmentSaysWhatToDo(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"no Python":        {"exit 1", "no Python was found; install Python 3.11"},
		"an old Python":    {"echo 3 9", "is 3.9; install Python 3.11"},
		"no ensurepip":     {newer + "echo 'ensurepip is not available'; exit 1", "install its venv module"},
		"pip cannot reach": {strings.Replace(venv, "PIP", "echo no route to index; exit 1", 1), "no route to index; check that pip reaches"},
	} {
		t.Run(name, func(t *testing.T) {
			fakePython(t, c.script)
			_, err := Environment(t.Context(), func(string) {})
			if _, ok := errors.AsType[*PythonError](err); !ok || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestEnvironmentIsMadeOnce(t *testing.T) {
	fakePython(t, strings.Replace(venv, "PIP", "exit 0", 1))
	told := 0
	for range 2 {
		python, err := Environment(t.Context(), func(string) { told++ })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(python); err != nil {
			t.Error(err)
		}
	}
	if told != 1 {
		t.Errorf("told %d times, want once", told)
	}
}
