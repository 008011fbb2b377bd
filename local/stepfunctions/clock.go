package stepfunctions

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Clock is the time on which deadlines are judged. It runs on by itself and
// may jump ahead; it never goes back.
type Clock interface {
	Now() time.Time
	// Moved returns a channel that is closed at the next jump.
	Moved() <-chan struct{}
}

// OffsetClock is real time plus an offset that can be raised. The offset is
// kept in a file as one Go duration ("36h0m0s"), which is replaced whole: the
// format that shared/clock reads in binaries built with the tag tocsin_local.
type OffsetClock struct {
	file string

	mu     sync.Mutex
	offset time.Duration
	moved  chan struct{}
}

// OpenClock reads the offset from file, which need not exist yet. With file ""
// the offset is not kept.
func OpenClock(file string) (*OffsetClock, error) {
	c := &OffsetClock{file: file, moved: make(chan struct{})}
	if file == "" {
		return c, nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	c.offset, err = time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil || c.offset < 0 {
		return nil, fmt.Errorf("read clock %s: %q is no offset", file, text)
	}
	return c, nil
}

// Now returns the present instant in UTC, cut to milliseconds as shared/clock
// cuts it.
func (c *OffsetClock) Now() time.Time {
	return time.Now().Add(c.Offset()).UTC().Truncate(time.Millisecond)
}

// Offset returns by how much the clock is ahead of real time.
func (c *OffsetClock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Moved implements [Clock].
func (c *OffsetClock) Moved() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.moved
}

// Advance moves the clock ahead by d, which may not be negative. The file is
// replaced first: whoever is woken by the jump reads a time at least as late.
func (c *OffsetClock) Advance(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("move clock by %s: it never goes back", d)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.keep(c.offset + d); err != nil {
		return fmt.Errorf("move clock by %s: %w", d, err)
	}
	c.offset += d
	close(c.moved)
	c.moved = make(chan struct{})
	return nil
}

// AdvanceTo moves the clock to t; an instant that has passed moves nothing.
func (c *OffsetClock) AdvanceTo(t time.Time) error {
	return c.Advance(max(0, t.Sub(c.Now())))
}

func (c *OffsetClock) keep(offset time.Duration) error {
	if c.file == "" {
		return nil
	}
	return replaceFile(c.file, []byte(offset.String()+"\n"))
}

// replaceFile writes content so that a reader sees the old file or the new one.
func replaceFile(file string, content []byte) error {
	part, err := os.CreateTemp(filepath.Dir(file), ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	if _, err := part.Write(content); err != nil {
		part.Close()
		return err
	}
	if err := part.Close(); err != nil {
		return err
	}
	return os.Rename(part.Name(), file)
}
