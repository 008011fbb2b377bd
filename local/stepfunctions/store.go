package stepfunctions

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// store keeps machines and executions in a directory:
//
//	token.key                         seals task tokens
//	definitions/<sha256>.json         a definition, as it was given
//	machines/<name>.json              one machine; replaced whole
//	executions/<machine>:<name>.jsonl one execution; a line per commit
//
// A line holds the events since the line before and the position after them,
// so the last whole line is where the execution stands. Writes are not synced:
// they outlive the process, not the operating system.
type store struct{ dir string }

// stateMachine is a machine as CreateStateMachine made it.
type stateMachine struct {
	Arn        string    `json:"arn"`
	Name       string    `json:"name"`
	Definition string    `json:"definition"` // hash
	Role       string    `json:"role"`
	Created    time.Time `json:"created"`
	Deleting   bool      `json:"deleting,omitempty"`
}

// line is one commit of an execution; the first line has the header.
type line struct {
	Header *header  `json:"header,omitempty"`
	Events []Event  `json:"events,omitempty"`
	At     position `json:"at"`
}

func openStore(dir string) (*store, error) {
	for _, part := range []string{"definitions", "machines", "executions"} {
		if err := os.MkdirAll(filepath.Join(dir, part), 0o700); err != nil {
			return nil, err
		}
	}
	return &store{dir}, nil
}

// keepDefinition returns the hash under which the definition is kept.
func (s *store) keepDefinition(text string) (string, error) {
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:])
	return hash, replaceFile(s.definitionFile(hash), []byte(text))
}

func (s *store) definition(hash string) ([]byte, error) { return os.ReadFile(s.definitionFile(hash)) }

func (s *store) definitionFile(hash string) string {
	return filepath.Join(s.dir, "definitions", hash+".json")
}

func (s *store) machineFile(name string) string {
	return filepath.Join(s.dir, "machines", name+".json")
}

func (s *store) keepMachine(m *stateMachine) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return replaceFile(s.machineFile(m.Name), text)
}

func (s *store) dropMachine(m *stateMachine) error { return os.Remove(s.machineFile(m.Name)) }

// machines reads all machines.
func (s *store) machines() ([]*stateMachine, error) {
	files, err := filepath.Glob(s.machineFile("*"))
	if err != nil {
		return nil, err
	}
	var all []*stateMachine
	for _, file := range files {
		m := &stateMachine{}
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, m)
		}
		if err != nil {
			return nil, fmt.Errorf("read machine %s: %w", file, err)
		}
		all = append(all, m)
	}
	return all, nil
}

func (s *store) executionFile(h header) string {
	return filepath.Join(s.dir, "executions", lastPart(h.Machine)+":"+h.Name+".jsonl")
}

// keepExecution appends what x did since it was last kept.
func (s *store) keepExecution(x *execution) error {
	l := line{Events: x.events[x.kept:], At: x.at}
	if x.kept == 0 {
		l.Header = &x.header
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if err := appendFile(s.executionFile(x.header), append(text, '\n')); err != nil {
		return err
	}
	x.kept = len(x.events)
	return nil
}

func appendFile(file string, text []byte) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// executions reads all executions, without machine and environment.
func (s *store) executions() ([]*execution, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "executions", "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var all []*execution
	for _, file := range files {
		x, err := readExecution(file)
		if err != nil {
			return nil, fmt.Errorf("read execution %s: %w", file, err)
		}
		if x != nil {
			all = append(all, x)
		}
	}
	return all, nil
}

// readExecution reads a file up to its last whole line and cuts off what
// follows: a write that was interrupted, so nobody was answered. Without a
// whole line the execution was never started: nil.
func readExecution(file string) (*execution, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	x, good := &execution{}, int64(0)
	for in := bufio.NewReader(f); ; {
		text, err := in.ReadBytes('\n')
		if err == io.EOF {
			return finish(x, file, good, len(text))
		}
		if err != nil {
			return nil, err
		}
		if err := x.replay(text); err != nil {
			return nil, err
		}
		good += int64(len(text))
	}
}

func finish(x *execution, file string, good int64, torn int) (*execution, error) {
	switch {
	case good == 0:
		return nil, os.Remove(file)
	case torn > 0:
		return x, os.Truncate(file, good)
	}
	return x, nil
}

// replay adds one line.
func (x *execution) replay(text []byte) error {
	var l line
	if err := json.Unmarshal(bytes.TrimSpace(text), &l); err != nil {
		return err
	}
	if l.Header != nil {
		x.header = *l.Header
	}
	x.at = l.At
	x.events = append(x.events, l.Events...)
	x.kept = len(x.events)
	return nil
}
