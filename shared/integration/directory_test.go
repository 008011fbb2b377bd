package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/fault"
)

// shelf answers from maps and counts what it is asked.
type shelf struct {
	byHash map[string]Integration
	pairs  map[string]Pair
	err    error
	asked  int
}

func (s *shelf) ByKeyHash(_ context.Context, hash string) (Integration, error) {
	s.asked++
	if s.err != nil {
		return Integration{}, s.err
	}
	if in, ok := s.byHash[hash]; ok {
		return in, nil
	}
	return Integration{}, ErrNotFound
}

func (s *shelf) Get(_ context.Context, ref string) (Pair, error) {
	if p, ok := s.pairs[ref]; ok {
		return p, nil
	}
	return Pair{}, fault.New(fault.NotFound, "there is no parameter %s", ref)
}

func directory(s *shelf) (*Directory, *time.Time) {
	at := now
	d := NewDirectory(s, s)
	d.now = func() time.Time { return at }
	return d, &at
}

func TestFindRemembersForAWhile(t *testing.T) {
	known, unknown := NewKey(), NewKey()
	s := &shelf{byHash: map[string]Integration{HashKey(known): {ID: "int-1", Auth: None}}}
	d, at := directory(s)
	for _, c := range []struct {
		name  string
		key   string
		after time.Duration
		asked int
		err   error
	}{
		{"first", known, 0, 1, nil},
		{"remembered", known, 29 * time.Second, 1, nil},
		{"read again", known, time.Second, 2, nil},
		{"unknown", unknown, 0, 3, ErrRefused},
		{"unknown, remembered", unknown, 4 * time.Second, 3, ErrRefused},
		{"unknown, read again", unknown, time.Second, 4, ErrRefused},
		{"no key at all", "tk_", 0, 4, ErrRefused},
		{"known, in digits", HexKey(known), 0, 4, nil},
		{"unknown, in digits", HexKey(unknown), 0, 4, ErrRefused},
	} {
		*at = at.Add(c.after)
		if _, err := d.Find(t.Context(), c.key); !errors.Is(err, c.err) || s.asked != c.asked {
			t.Errorf("%s: err %v, %d reads; want %v, %d", c.name, err, s.asked, c.err, c.asked)
		}
	}
}

func TestFindBringsTheValidSecrets(t *testing.T) {
	key := NewKey()
	s := &shelf{byHash: map[string]Integration{HashKey(key): {ID: "int-1", Auth: Bearer, SecretRef: "/t/int-1"}},
		pairs: map[string]Pair{"/t/int-1": {Current: "new", Previous: "old"}}}
	d, _ := directory(s)
	if f, err := d.Find(t.Context(), key); err != nil || !slices.Equal(f.Secrets, []string{"new", "old"}) {
		t.Errorf("found %+v, %v", f, err)
	}
}

func TestFindThatFailsIsNoRefusal(t *testing.T) {
	key := NewKey()
	s := &shelf{byHash: map[string]Integration{HashKey(key): {ID: "int-1", Auth: Bearer, SecretRef: "/t/int-1"}}}
	d, _ := directory(s)
	_, noSecret := d.Find(t.Context(), key)
	s.err = errors.New("throttled")
	_, noTable := d.Find(t.Context(), key)
	for _, err := range []error{noSecret, noTable} {
		if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), key) {
			t.Errorf("err %v", err)
		}
	}
}

func TestAFloodOfWrongKeysCostsNoMemory(t *testing.T) {
	s := &shelf{}
	d, at := directory(s)
	for i := range 3 * maxCached {
		*at = at.Add(time.Millisecond)
		if _, err := d.Find(t.Context(), fmt.Sprintf("tk_%026d", i)); !errors.Is(err, ErrRefused) {
			t.Fatal(err)
		}
	}
	if len(d.cached) > maxCached {
		t.Errorf("%d entries", len(d.cached))
	}
}
