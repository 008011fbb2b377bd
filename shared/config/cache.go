package config

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Versions is where a [Cache] reads from; a [Store] is one.
type Versions interface {
	Current(ctx context.Context) (Version, error)
	Load(ctx context.Context, version int) (*Config, error)
}

// keptVersions bounds the old versions in memory; open events rarely stand on
// more.
const keptVersions = 8

// Cache keeps the configuration in force in memory, and the old versions that
// open events stand on. It is safe for concurrent use, and holds no lock while
// it reads.
type Cache struct {
	from  Versions
	every time.Duration
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	current *Config
	checked time.Time
	old     map[int]*Config
}

// NewCache returns a cache that asks for a newer version at most once per
// every, by the time that now tells.
func NewCache(from Versions, every time.Duration, now func() time.Time, log *slog.Logger) *Cache {
	return &Cache{from: from, every: every, now: now, log: log, old: map[int]*Config{}}
}

// Current returns the configuration in force. When a newer one cannot be read
// it logs an error and returns the last good one; without one it fails.
func (c *Cache) Current(ctx context.Context) (*Config, error) {
	last, fresh := c.last()
	if fresh {
		return last, nil
	}
	newer, err := c.newer(ctx, last)
	if err == nil {
		return c.keep(newer), nil
	}
	if last == nil {
		return nil, err
	}
	c.log.ErrorContext(ctx, "configuration not reloaded", "err", err, "config_version", last.Version)
	return last, nil
}

// last returns what is in memory, and whether it need not be checked now. Who
// is told to check does so for all: the others go on with what there is.
func (c *Cache) last() (last *Config, fresh bool) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && now.Sub(c.checked) < c.every {
		return c.current, true
	}
	c.checked = now
	return c.current, false
}

func (c *Cache) newer(ctx context.Context, last *Config) (*Config, error) {
	v, err := c.from.Current(ctx)
	if err != nil {
		return nil, err
	}
	if last != nil && last.Version == v.Number {
		return last, nil
	}
	return c.from.Load(ctx, v.Number)
}

// keep never goes back to an older version that a slower reader brings.
func (c *Cache) keep(read *Config) *Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil || c.current.Version < read.Version {
		c.current = read
	}
	return c.current
}

// At returns a version by its number. It fails as [Store.Load] does.
func (c *Cache) At(ctx context.Context, version int) (*Config, error) {
	if found := c.kept(version); found != nil {
		return found, nil
	}
	read, err := c.from.Load(ctx, version)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget()
	c.old[version] = read
	return read, nil
}

func (c *Cache) kept(version int) *Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && c.current.Version == version {
		return c.current
	}
	return c.old[version]
}

// forget makes room by dropping the oldest version.
func (c *Cache) forget() {
	if len(c.old) < keptVersions {
		return
	}
	oldest := -1
	for v := range c.old {
		if oldest < 0 || v < oldest {
			oldest = v
		}
	}
	delete(c.old, oldest)
}
