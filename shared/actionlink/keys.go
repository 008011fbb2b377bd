package actionlink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/shared/fault"
)

// Parameters keeps rings. [Parameter] is the one in SSM.
type Parameters interface {
	// Load reads the ring's text. fault.NotFound: there is none.
	Load(ctx context.Context) ([]byte, error)
}

// lookAgain bounds how often an unknown key id, or a load that failed, makes
// the ring be loaded again; firstAgain is that bound while there is no ring at
// all. loadTimeout bounds one load.
const (
	lookAgain   = 30 * time.Second
	firstAgain  = time.Second
	loadTimeout = 3 * time.Second
)

var errLoadTimeout = errors.New("the key ring took too long to load")

// Keys is the ring of a running process: loaded at first use, again every ten
// minutes, and when a token names an unknown key. When a reload fails the last
// good ring serves. It is safe for concurrent use.
type Keys struct {
	from Parameters
	now  func() time.Time

	ring atomic.Pointer[loaded]
	mu   sync.Mutex // held while loading
	last time.Time  // of the last try; under mu
	err  error      // what it came to; under mu
}

type loaded struct {
	ring *Ring
	at   time.Time
}

// NewKeys returns keys that are loaded from a parameter when first needed. now
// tells the time by which links expire.
func NewKeys(from Parameters, now func() time.Time) *Keys { return &Keys{from: from, now: now} }

// Sign returns the token of c.
func (k *Keys) Sign(ctx context.Context, c Claims) (string, error) {
	now := k.now()
	ring, err := k.fresh(ctx, now)
	if err != nil {
		return "", err
	}
	return Sign(ring, now, c)
}

// Verify returns what a token says; its errors are those of the function
// [Verify]. fault.Unavailable: no ring could be loaded yet.
func (k *Keys) Verify(ctx context.Context, token string) (Claims, error) {
	now := k.now()
	ring, err := k.fresh(ctx, now)
	if err != nil {
		return Claims{}, err
	}
	c, err := Verify(ring, now, token)
	if !errors.Is(err, ErrUnknownKey) {
		return c, err
	}
	newer, loadErr := k.reload(ctx, now)
	if loadErr != nil || newer == ring {
		return Claims{}, err
	}
	return Verify(newer, now, token)
}

// fresh returns a ring that is not older than ten minutes, if it can be had.
func (k *Keys) fresh(ctx context.Context, now time.Time) (*Ring, error) {
	if l := k.ring.Load(); l != nil && now.Sub(l.at) < ReloadEvery {
		return l.ring, nil
	}
	return k.reload(ctx, now)
}

// reload loads the ring unless that was tried a moment ago, and returns the
// newest good one.
func (k *Keys) reload(ctx context.Context, now time.Time) (*Ring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	bound := lookAgain
	if k.ring.Load() == nil {
		bound = firstAgain
	}
	if k.last.IsZero() || now.Sub(k.last) >= bound {
		k.load(ctx, now)
	}
	if l := k.ring.Load(); l != nil {
		return l.ring, nil
	}
	return nil, k.err
}

func (k *Keys) load(ctx context.Context, now time.Time) {
	k.last = now
	// Others wait for this load too: one caller's cancellation must not fail it.
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), loadTimeout, errLoadTimeout)
	defer cancel()
	text, err := k.from.Load(ctx)
	if err != nil {
		k.err = fault.Wrap(fault.Unavailable, err, "the key ring cannot be loaded")
		return
	}
	ring, err := ParseRing(text)
	if err != nil {
		k.err = fault.Wrap(fault.Unavailable, fmt.Errorf("read: %w", err), "the key ring cannot be loaded")
		return
	}
	k.ring.Store(&loaded{ring: ring, at: now})
	k.err = nil
}
