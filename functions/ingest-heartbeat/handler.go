package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"tocsin/shared/clock"
	"tocsin/shared/cloud"
	"tocsin/shared/ddb"
	"tocsin/shared/defaults"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
	"tocsin/shared/httpapi"
	"tocsin/shared/intake"
	"tocsin/shared/integration"
	"tocsin/shared/queue"
	"tocsin/shared/telemetry"
)

// handler takes pings. It remembers the definitions that it read: a ping is
// written on condition that the one it used is still the one that is stored.
type handler struct {
	teller  heartbeat.Teller
	limits  intake.Limits
	metrics *telemetry.Metrics
	now     func() time.Time

	mu    sync.Mutex
	known map[string]heartbeat.Heartbeat // by key
}

// maxKnown bounds what a process remembers.
const maxKnown = 1000

func open(log *slog.Logger, env cloud.Lookup) (http.Handler, error) {
	h, err := newHandler(env)
	if err != nil {
		return nil, err
	}
	return h.routes(log), nil
}

func newHandler(env cloud.Lookup) (*handler, error) {
	cfg, err := cloud.Config(env)
	if err != nil {
		return nil, err
	}
	table, err := ddb.Open(cfg, env, "EVENTS_TABLE")
	if err != nil {
		return nil, err
	}
	alerts, err := queue.Open(cfg, env, "ALERTS_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	h := &handler{metrics: telemetry.NewMetrics(os.Stdout, env), now: clock.Now, known: map[string]heartbeat.Heartbeat{}}
	h.teller = heartbeat.Teller{Store: &heartbeat.Store{Table: table}, Send: heartbeat.Outlet{Queue: alerts, Metrics: h.metrics}.Send}
	return h, nil
}

func (h *handler) routes(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	for _, method := range []string{http.MethodGet, http.MethodPost} { // GET is HEAD too
		mux.Handle(method+" /in/heartbeat/{key}", httpapi.Handler(h.ping))
		mux.Handle(method+" /in/heartbeat/{key}/{signal}", httpapi.Handler(h.ping))
	}
	return httpapi.Serve(log, h.metrics, httpapi.Limit(intake.MaxBody, httpapi.Straight(httpapi.Problems(mux))))
}

// answer is what a job is told.
type answer struct {
	Heartbeat heartbeat.ID    `json:"heartbeat"`
	State     heartbeat.State `json:"state"`
	Next      time.Time       `json:"next,omitzero"` // until when the next ping is awaited
}

// ping answers 200 once the ping is written and, where it began or ended an
// alert, the alerts queue has that.
func (h *handler) ping(w http.ResponseWriter, r *http.Request) error {
	p, err := heartbeat.ParsePing(r.PathValue("signal"))
	if err == nil {
		p.Output, err = output(r.Body)
	}
	if err != nil {
		return err
	}
	at := h.now()
	beat, err := h.write(r.Context(), r.PathValue("key"), p, at)
	if err != nil {
		return err
	}
	beat, told, err := h.teller.Settle(r.Context(), beat, at)
	httpapi.Annotate(r.Context(), slog.String("heartbeat", string(beat.ID)), slog.Any("told", told))
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the ping was taken, but not what it means; send it again")
	}
	h.metrics.Add("Pings", 1)
	httpapi.JSON(w, http.StatusOK, answer{Heartbeat: beat.ID, State: beat.State(), Next: beat.Deadline})
	return nil
}

// output is a body as text. Of one that is too large what was read will do: its
// job is no less alive.
func output(body io.Reader) (string, error) {
	text, err := io.ReadAll(body)
	if _, large := errors.AsType[*http.MaxBytesError](err); err != nil && !large {
		return "", fault.Wrap(fault.Invalid, err, "the body ended early")
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(text), "")), nil
}

// tries bounds how often a ping meets another definition than it read.
const tries = 5

// write writes the ping with one call while the definition is known.
func (h *handler) write(ctx context.Context, key string, p heartbeat.Ping, at time.Time) (heartbeat.Heartbeat, error) {
	beat, err := h.find(ctx, key)
	if err == nil {
		err = h.limits.Take("the heartbeat", string(beat.ID), defaults.PingsPerMinute, http.StatusTooManyRequests, at)
	}
	for try := 0; err == nil && try < tries; try++ {
		var after heartbeat.Heartbeat
		after, err = h.teller.Store.Ping(ctx, beat, p, at)
		if err == nil {
			h.remember(key, after)
			return after, nil
		}
		if fault.Is(err, fault.Conflict) && after.HasKey(integration.HashKey(key)) {
			beat, err = after, nil
			continue
		}
		h.forget(key)
		if fault.Is(err, fault.Conflict) {
			err = heartbeat.ErrRefused
		}
	}
	return beat, cmp.Or(err, error(fault.New(fault.Unavailable, "the heartbeat is changed too often; send it again")))
}

func (h *handler) find(ctx context.Context, key string) (heartbeat.Heartbeat, error) {
	h.mu.Lock()
	beat, known := h.known[key]
	h.mu.Unlock()
	if known {
		return beat, nil
	}
	return h.teller.Store.ByKey(ctx, key)
}

func (h *handler) remember(key string, beat heartbeat.Heartbeat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.known) >= maxKnown {
		clear(h.known)
	}
	h.known[key] = beat
}

func (h *handler) forget(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.known, key)
}
