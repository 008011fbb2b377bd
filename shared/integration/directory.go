package integration

import (
	"context"
	"errors"
	"sync"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/source/redact"
)

// How long a process believes what it read, and how much of it.
const (
	foundFor   = 30 * time.Second
	missingFor = 5 * time.Second
	maxCached  = 1000
)

// keyReader and secretReader are what a directory reads from: [Store] and
// [Secrets].
type keyReader interface {
	ByKeyHash(ctx context.Context, hash string) (Integration, error)
}

type secretReader interface {
	Get(ctx context.Context, ref string) (Pair, error)
}

// Directory finds integrations by their key. It remembers what it found for 30
// seconds and what it did not find for 5, up to a bounded number. It is safe
// for concurrent use.
type Directory struct {
	keys    keyReader
	secrets secretReader
	now     func() time.Time

	mu     sync.Mutex
	cached map[string]entry // by hash of the key
}

type entry struct {
	found   Found
	missing bool
	until   time.Time
}

// NewDirectory returns a directory over the store and the secrets.
func NewDirectory(keys keyReader, secrets secretReader) *Directory {
	return &Directory{keys: keys, secrets: secrets, now: time.Now, cached: map[string]entry{}}
}

// Find returns the integration of a key, also one as [HexKey] writes it, and
// its valid secrets. ErrRefused: there is none. Any other error is of kind
// Unavailable: nothing is known.
func (d *Directory) Find(ctx context.Context, key string) (Found, error) {
	if key = PlainKey(key); !plausible(key) {
		return Found{}, ErrRefused
	}
	hash := HashKey(key)
	e, ok := d.recall(hash)
	if !ok {
		var err error
		if e, err = d.read(ctx, hash); err != nil {
			return Found{}, err
		}
		d.remember(hash, e)
	}
	if e.missing {
		return Found{}, ErrRefused
	}
	return e.found, nil
}

func (d *Directory) read(ctx context.Context, hash string) (entry, error) {
	in, err := d.keys.ByKeyHash(ctx, hash)
	if errors.Is(err, ErrNotFound) {
		return entry{missing: true, until: d.now().Add(missingFor)}, nil
	}
	if err != nil {
		return entry{}, fault.Wrap(fault.Unavailable, err, "the integration cannot be read")
	}
	if in.Again != nil && !d.now().Before(in.Again.Until) {
		return entry{missing: true, until: d.now().Add(missingFor)}, nil
	}
	e := entry{found: Found{Integration: in}, until: d.now().Add(foundFor)}
	if e.found.Redact, err = redact.Compile(in.RedactFields, in.RedactPatterns); err != nil {
		return entry{}, fault.Wrap(fault.Unavailable, err, "what integration %s redacts cannot be read", in.ID)
	}
	if in.Auth == None {
		return e, nil
	}
	pair, err := d.secrets.Get(ctx, in.SecretRef)
	if err != nil {
		return entry{}, fault.Wrap(fault.Unavailable, err, "the secrets of integration %s cannot be read", in.ID)
	}
	e.found.Secrets = pair.Valid()
	return e, nil
}

func (d *Directory) recall(hash string) (entry, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.cached[hash]
	return e, ok && d.now().Before(e.until)
}

// remember forgets what has lapsed when there is no more room, and everything
// when that frees none: a flood of wrong keys costs reads, not memory.
func (d *Directory) remember(hash string, e entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.cached) >= maxCached {
		now := d.now()
		for h, old := range d.cached {
			if !now.Before(old.until) {
				delete(d.cached, h)
			}
		}
	}
	if len(d.cached) >= maxCached {
		clear(d.cached)
	}
	d.cached[hash] = e
}
