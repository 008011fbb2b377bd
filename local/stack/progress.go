package stack

import (
	"fmt"
	"io"
	"time"
)

// progress writes a line before and after each slow step.
type progress struct{ w io.Writer }

func (p *progress) step(name string, run func() error) error {
	begun := time.Now()
	p.note(name)
	err := run()
	if err == nil {
		fmt.Fprintf(p.w, "  %s: %.1f s\n", name, time.Since(begun).Seconds())
	}
	return err
}

func (p *progress) note(what string) { fmt.Fprintf(p.w, "%s ...\n", what) }
