package intake

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tocsin/shared/httpapi"
	"tocsin/shared/integration"
)

// limits counts the requests of integrations in this process alone: a store
// that all share would cost a write per delivery. Each process takes what the
// integration allows, up to a minute's worth at once, so that together they
// take at least that, and at most that times the processes that its overlapping
// requests have started. The zero limits are ready for use, and safe for
// concurrent use.
type limits struct {
	mu      sync.Mutex
	buckets map[string]bucket // by integration
}

// bucket holds how many requests may still come, as of an instant.
type bucket struct {
	left float64
	at   time.Time
}

// maxBuckets bounds memory; who is forgotten begins with a full bucket.
const maxBuckets = 1000

// take counts a request, or refuses it with the status by which its sender
// tries again.
func (l *limits) take(in *integration.Integration, status int, now time.Time) error {
	most := float64(in.PerMinute())
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[in.ID]
	switch {
	case !known:
		b.left = most
	case now.After(b.at):
		b.left = min(most, b.left+now.Sub(b.at).Minutes()*most)
	}
	b.at = now
	refused := b.left < 1
	if !refused {
		b.left--
	}
	if len(l.buckets) >= maxBuckets || l.buckets == nil {
		l.buckets = map[string]bucket{}
	}
	l.buckets[in.ID] = b
	if !refused {
		return nil
	}
	wait := math.Ceil((1 - b.left) / most * time.Minute.Seconds())
	return limitError{&httpapi.StatusError{
		Status: status, Text: fmt.Sprintf("the integration takes at most %d requests a minute; send it again later", in.PerMinute()),
		Header: http.Header{"Retry-After": {strconv.Itoa(int(wait))}},
	}}
}

// limitError is the refusal of a request that is one too many.
type limitError struct{ answer *httpapi.StatusError }

func (e limitError) Error() string { return e.answer.Error() }
func (e limitError) Unwrap() error { return e.answer }
