// Command guards takes the guards of the invariants out, one at a time, and
// shows that a test fails without each. A guard is a piece of code that is
// replaced by a build overlay; the checkout is not touched.
//
//	go run ./tests/guards [-run text] [-list]
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// Guard is one piece of code that keeps an invariant true.
type Guard struct {
	Invariant int    // number in the list of what is always true
	Why       string // what it prevents
	File      string
	Code      string // stands in File exactly once
	Without   string // what it is replaced by
	Package   string
	Test      string // regular expression of the test that fails without it
}

// patience bounds one run of a test.
const patience = 5 * time.Minute

func main() {
	only := flag.String("run", "", "only guards whose reason or file has this text")
	list := flag.Bool("list", false, "list the guards and run nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only, *list); err != nil {
		fmt.Fprintln(os.Stderr, "guards:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, list bool) error {
	work, err := os.MkdirTemp("", "guards")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	unseen := 0
	for i, g := range guards {
		if !strings.Contains(g.Why+g.File, only) {
			continue
		}
		fmt.Printf("%2d  %-78s ", g.Invariant, g.Why)
		if list {
			fmt.Println(g.File)
			continue
		}
		begun := time.Now()
		problem := g.try(ctx, filepath.Join(work, fmt.Sprint(i)))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if problem != "" {
			unseen++
			fmt.Printf("NOT SEEN: %s\n", problem)
			continue
		}
		fmt.Printf("seen by %s (%.0f s)\n", g.Test, time.Since(begun).Seconds())
	}
	if unseen > 0 {
		return fmt.Errorf("%d guards can be taken out without a test failing", unseen)
	}
	return nil
}

// try returns why no test sees that the guard is gone; "" when one does.
func (g Guard) try(ctx context.Context, work string) string {
	overlay, err := g.overlay(work)
	if err != nil {
		return err.Error()
	}
	out, err := g.test(ctx, overlay)
	switch {
	case err == nil && bytes.Contains(out, []byte("no tests to run")):
		return "there is no test " + g.Test
	case err == nil:
		return g.Test + " passes without it"
	case bytes.Contains(out, []byte("[build failed]")), bytes.Contains(out, []byte("[setup failed]")):
		return "it does not build without: " + firstLines(out)
	case !bytes.Contains(out, []byte("--- FAIL")):
		return "no test failed: " + firstLines(out)
	}
	return ""
}

func firstLines(out []byte) string { return string(out[:min(len(out), 400)]) }

// overlay writes the file without the guard, and what tells the go command.
func (g Guard) overlay(work string) (string, error) {
	if err := os.MkdirAll(work, 0o755); err != nil {
		return "", err
	}
	text, err := os.ReadFile(g.File)
	if err != nil {
		return "", err
	}
	if n := bytes.Count(text, []byte(g.Code)); n != 1 {
		return "", fmt.Errorf("the guard stands %d times in %s", n, g.File)
	}
	mutant := filepath.Join(work, filepath.Base(g.File))
	if err := os.WriteFile(mutant, bytes.Replace(text, []byte(g.Code), []byte(g.Without), 1), 0o600); err != nil {
		return "", err
	}
	original, err := filepath.Abs(g.File)
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: mutant}})
	if err != nil {
		return "", err
	}
	file := filepath.Join(work, "overlay.json")
	return file, os.WriteFile(file, overlay, 0o600)
}

// test runs the guard's test. GOFLAGS carries the overlay, so that binaries
// which the test builds are without the guard too.
func (g Guard) test(ctx context.Context, overlay string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-run", g.Test, g.Package)
	cmd.Env = append(os.Environ(), "GOFLAGS=-overlay="+overlay)
	return cmd.CombinedOutput()
}
