package main

import (
	"context"
	"testing"
	"time"

	"tocsin/shared/fault"
)

// parameter is one that can be read, or not.
type parameter struct {
	text  string
	err   error
	loads int
}

func (p *parameter) Load(context.Context) ([]byte, error) {
	p.loads++
	return []byte(p.text), p.err
}

func TestSecretIsReadWhenNeededAndAgainAfterAWhile(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	p := &parameter{err: fault.New(fault.Unavailable, "throttled")}
	s := &secret{from: p, now: func() time.Time { return now }}
	for _, step := range []struct {
		what  string
		after time.Duration
		text  string
		err   error
		want  string
		loads int
	}{
		{"not to be read", 0, "", fault.New(fault.Unavailable, "throttled"), "", 1},
		{"empty", 0, " \n", nil, "", 2},
		{"read", 0, "tk_first\n", nil, "tk_first", 3},
		{"remembered", 9 * time.Minute, "tk_second", nil, "tk_first", 3},
		{"read again", time.Minute, "tk_second", nil, "tk_second", 4},
		{"not to be read again", secretFor, "", fault.New(fault.Unavailable, "throttled"), "tk_second", 5},
	} {
		now = now.Add(step.after)
		p.text, p.err = step.text, step.err
		got, err := s.Value(t.Context())
		if got != step.want || (err == nil) != (step.want != "") || p.loads != step.loads {
			t.Errorf("%s: %q, %v after %d loads", step.what, got, err, p.loads)
		}
	}
}
