package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"tocsin/shared/actionlink"
	"tocsin/shared/fault"
)

// secretFor is how long a secret is believed, as the ring of links is.
const secretFor = 10 * time.Minute

// secret is one that SSM keeps, read when it is first needed and again after a
// while. When it cannot be read again, the last one serves. It is safe for
// concurrent use.
type secret struct {
	from actionlink.Parameters
	now  func() time.Time

	mu    sync.Mutex
	value string
	until time.Time
}

// Value returns the secret. An error never holds a part of it.
func (s *secret) Value(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.Before(s.until) {
		return s.value, nil
	}
	text, err := s.from.Load(ctx)
	switch {
	case err == nil && strings.TrimSpace(string(text)) == "":
		return "", fault.New(fault.NotFound, "the parameter is empty")
	case err == nil:
		s.value = strings.TrimSpace(string(text))
	case s.value == "":
		return "", err
	}
	s.until = now.Add(secretFor)
	return s.value, nil
}
