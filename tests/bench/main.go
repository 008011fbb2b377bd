// Command bench measures Tocsin beside its peers and prints a table of ratios
// with the targets of the design beside them. It runs on Linux, from its own
// folder, and takes some minutes, most of them for "size", which builds all anew:
//
//	go run .
//	go run . links matching
//
// Arguments name the parts to be measured; without any, all are.
//
// All figures are processor time, but for the one that says "elapsed". Ours and
// the peer's are measured in turns, many times, so that what disturbs the
// machine disturbs both: the table shows the median of each, and of the ratios
// within single turns the median and in brackets the range (the middle four
// fifths of them). It exits with 1 only when something cannot be measured: a
// missed target is a line of the table.
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// parts are measured one after the other, each for itself.
func run(w io.Writer, only []string) error {
	dir, err := os.MkdirTemp("", "tocsin-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	progress("build the functions")
	b, err := build(dir)
	if err != nil {
		return err
	}
	var rows []row
	for _, part := range []struct {
		name    string
		measure func() ([]row, error)
	}{
		{"initialisation", b.initialisation},
		{"size", b.sizes},
		{"ingest", b.ingest},
		{"router", b.router},
		{"links", links},
		{"tls", b.firstCall},
		{"matching", matching},
		{"decoding", decoding},
	} {
		if len(only) > 0 && !slices.Contains(only, part.name) {
			continue
		}
		progress(part.name)
		more, err := part.measure()
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		rows = append(rows, more...)
	}
	table(w, rows)
	return nil
}

func progress(what string) { fmt.Fprintln(os.Stderr, "...", what) }

func table(w io.Writer, rows []row) {
	lines := [][]string{{"what", "measured", "peer", "ratio (of single turns)", "target", ""}}
	for _, r := range rows {
		lines = append(lines, []string{r.what, r.measured, r.peer, r.ratio, r.target, r.state})
	}
	width := make([]int, len(lines[0]))
	for _, l := range lines {
		for i, cell := range l {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, l := range lines {
		for i, cell := range l {
			l[i] = cell + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(strings.Join(l, "  "), " "))
	}
}
