package ministack

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed requirements.txt
var requirements []byte

// oldest is the oldest Python that the pinned packages run on.
var oldest = version{3, 11}

type version struct{ major, minor int }

func (v version) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

func (v version) before(w version) bool {
	return v.major < w.major || v.major == w.major && v.minor < w.minor
}

// PythonError says why there is no Python environment and what to do about it.
type PythonError struct {
	Problem string
	Remedy  string
}

func (e *PythonError) Error() string { return e.Problem + "; " + e.Remedy }

// Environment returns the python of a virtual environment that holds the
// pinned packages. It is made on first use, below the user's cache directory,
// under a name that changes with the pins and the version of Python; progress
// is told before that, as it takes half a minute. Every failure that a person
// can mend is a [*PythonError].
func Environment(ctx context.Context, progress func(string)) (string, error) {
	python, v, err := findPython(ctx)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(v.String()), requirements...))
	dir := filepath.Join(cache, "tocsin", "venv-"+hex.EncodeToString(sum[:6]))
	inside := filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(inside); err == nil {
		return inside, nil
	}
	progress("installing ministack for Python " + v.String() + ", once")
	return inside, makeEnvironment(ctx, python, dir)
}

// findPython returns the first usable python of TOCSIN_PYTHON and the path.
func findPython(ctx context.Context) (string, version, error) {
	names := []string{"python3", "python3.11", "python3.12", "python3.13", "python3.14"}
	if chosen := os.Getenv("TOCSIN_PYTHON"); chosen != "" {
		names = []string{chosen}
	}
	var seen []string
	for _, name := range names {
		v, err := pythonVersion(ctx, name)
		if err != nil {
			continue
		}
		if !v.before(oldest) {
			return name, v, nil
		}
		seen = append(seen, name+" is "+v.String())
	}
	problem := "no Python was found"
	if len(seen) > 0 {
		problem = "Python is too old: " + strings.Join(seen, ", ")
	}
	return "", version{}, &PythonError{problem, "install Python " + oldest.String() +
		" or newer with its venv module (Debian: apt install python3 python3-venv), or name one in TOCSIN_PYTHON"}
}

func pythonVersion(ctx context.Context, name string) (version, error) {
	out, err := exec.CommandContext(ctx, name, "-c", "import sys; print(*sys.version_info[:2])").Output()
	if err != nil {
		return version{}, err
	}
	var v version
	_, err = fmt.Sscan(string(out), &v.major, &v.minor)
	return v, err
}

// makeEnvironment builds beside dir and renames, so that dir is whole or
// absent; of two builders at once the first wins.
func makeEnvironment(ctx context.Context, python, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	building, err := os.MkdirTemp(filepath.Dir(dir), "building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(building)
	if err := createVenv(ctx, python, building); err != nil {
		return err
	}
	if err := install(ctx, building); err != nil {
		return err
	}
	err = os.Rename(building, dir)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

func createVenv(ctx context.Context, python, dir string) error {
	out, err := exec.CommandContext(ctx, python, "-m", "venv", dir).CombinedOutput()
	if err == nil {
		return nil
	}
	if bytes.Contains(out, []byte("ensurepip")) || bytes.Contains(out, []byte("No module named venv")) {
		return &PythonError{"this Python cannot make virtual environments", "install its venv module (Debian: apt install python3-venv)"}
	}
	return fmt.Errorf("make a virtual environment: %w\n%s", err, tail(out))
}

func install(ctx context.Context, dir string) error {
	list := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(list, requirements, 0o644); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet",
		"--disable-pip-version-check", "--no-input", "--only-binary", ":all:", "--require-hashes", "-r", list).CombinedOutput()
	if err != nil {
		return &PythonError{"pip could not install the pinned packages:\n" + tail(out), "check that pip reaches its package index, then run again"}
	}
	return nil
}

// tail returns the last lines of a program's output.
func tail(out []byte) string {
	const most = 15
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
