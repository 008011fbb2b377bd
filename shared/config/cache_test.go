package config_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/shared/config"
)

// versions is a Versions in memory that counts reads and can fail.
type versions struct {
	mu             sync.Mutex
	number         int
	fail           error
	asked, loaded  int
	whileLoading   func()
	whileLoadingOf int
}

func (v *versions) Current(context.Context) (config.Version, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	return config.Version{Number: v.number}, v.fail
}

func (v *versions) Load(_ context.Context, number int) (*config.Config, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.loaded++
	if v.whileLoading != nil && number == v.whileLoadingOf {
		v.whileLoading()
	}
	return &config.Config{Version: number}, v.fail
}

type clockAt struct{ t time.Time }

func (c *clockAt) now() time.Time { return c.t }

func newCache(from config.Versions) (*config.Cache, *clockAt, *bytes.Buffer) {
	at, log := &clockAt{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}, &bytes.Buffer{}
	return config.NewCache(from, 5*time.Second, at.now, slog.New(slog.NewJSONHandler(log, nil))), at, log
}

func wantCurrent(t *testing.T, cache *config.Cache, want int) {
	t.Helper()
	got, err := cache.Current(t.Context())
	if err != nil || got.Version != want {
		t.Errorf("version %+v, err %v; want %d", got, err, want)
	}
}

func TestCacheAsksAtMostOncePerPeriod(t *testing.T) {
	from := &versions{number: 1}
	cache, at, _ := newCache(from)
	wantCurrent(t, cache, 1)
	from.number = 2
	at.t = at.t.Add(4999 * time.Millisecond)
	wantCurrent(t, cache, 1)
	at.t = at.t.Add(time.Millisecond)
	wantCurrent(t, cache, 2)
	wantCurrent(t, cache, 2)
	if from.asked != 2 || from.loaded != 2 {
		t.Errorf("asked %d times, loaded %d; want 2, 2", from.asked, from.loaded)
	}
}

func TestCacheLoadsAgainOnlyWhatChanged(t *testing.T) {
	from := &versions{number: 1}
	cache, at, _ := newCache(from)
	for range 3 {
		wantCurrent(t, cache, 1)
		at.t = at.t.Add(time.Minute)
	}
	if from.asked != 3 || from.loaded != 1 {
		t.Errorf("asked %d times, loaded %d; want 3, 1", from.asked, from.loaded)
	}
}

func TestCacheKeepsTheLastGoodVersionAndSaysSo(t *testing.T) {
	from := &versions{number: 1}
	cache, at, log := newCache(from)
	wantCurrent(t, cache, 1)
	from.number, from.fail = 2, errors.New("table is away")
	at.t = at.t.Add(time.Minute)
	wantCurrent(t, cache, 1)
	if !strings.Contains(log.String(), `"level":"ERROR"`) || !strings.Contains(log.String(), "table is away") {
		t.Errorf("log %s", log)
	}
	from.fail = nil
	at.t = at.t.Add(time.Minute)
	wantCurrent(t, cache, 2)
}

func TestCacheFailsWithoutAnyVersion(t *testing.T) {
	from := &versions{fail: errors.New("table is away")}
	cache, _, _ := newCache(from)
	if got, err := cache.Current(t.Context()); err == nil {
		t.Errorf("version %+v", got)
	}
	from.fail = nil
	wantCurrent(t, cache, 0)
}

func TestCacheHoldsNoLockWhileItReads(t *testing.T) {
	from := &versions{number: 1, whileLoadingOf: 2}
	cache, at, _ := newCache(from)
	wantCurrent(t, cache, 1)
	from.number = 2
	at.t = at.t.Add(time.Minute)
	from.whileLoading = func() { wantCurrent(t, cache, 1) } // another invocation goes on with what there is
	wantCurrent(t, cache, 2)
}

func TestCacheAtReadsAnOldVersionOnce(t *testing.T) {
	from := &versions{number: 30}
	cache, _, _ := newCache(from)
	wantCurrent(t, cache, 30)
	for range 2 {
		for v := 25; v <= 30; v++ {
			if got, err := cache.At(t.Context(), v); err != nil || got.Version != v {
				t.Errorf("version %+v, err %v; want %d", got, err, v)
			}
		}
	}
	if want := 1 + 5; from.loaded != want {
		t.Errorf("loaded %d times, want %d", from.loaded, want)
	}
}

func TestCacheAtForgetsTheOldest(t *testing.T) {
	from := &versions{number: 100}
	cache, _, _ := newCache(from)
	for _, v := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 2, 1} {
		if got, err := cache.At(t.Context(), v); err != nil || got.Version != v {
			t.Errorf("version %+v, err %v; want %d", got, err, v)
		}
	}
	if want := 9 + 1; from.loaded != want {
		t.Errorf("loaded %d times, want %d", from.loaded, want)
	}
}
