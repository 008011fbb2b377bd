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

// Limits counts the requests of senders in this process alone: a store that all
// share would cost a write per delivery. Each process takes what a sender may
// send, up to a minute's worth at once, so that together they take at least
// that, and at most that times the processes that its overlapping requests have
// started. The zero Limits are ready for use, and safe for concurrent use.
type Limits struct {
	mu      sync.Mutex
	buckets map[string]bucket // by sender
}

// bucket holds how many requests may still come, as of an instant.
type bucket struct {
	left float64
	at   time.Time
}

// maxBuckets bounds memory; who is forgotten begins with a full bucket.
const maxBuckets = 1000

// take counts a request of an integration.
func (l *Limits) take(in *integration.Integration, status int, now time.Time) error {
	return l.Take("the integration", in.ID, in.PerMinute(), status, now)
}

// Take counts a request of the sender with that id, or refuses it with the
// status by which the sender tries again. what names such senders.
func (l *Limits) Take(what, id string, perMinute, status int, now time.Time) error {
	most := float64(perMinute)
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[id]
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
	l.buckets[id] = b
	if !refused {
		return nil
	}
	wait := math.Ceil((1 - b.left) / most * time.Minute.Seconds())
	return limitError{&httpapi.StatusError{
		Status: status, Text: fmt.Sprintf("%s takes at most %d requests a minute; send it again later", what, perMinute),
		Header: http.Header{"Retry-After": {strconv.Itoa(int(wait))}},
	}}
}

// limitError is the refusal of a request that is one too many.
type limitError struct{ answer *httpapi.StatusError }

func (e limitError) Error() string { return e.answer.Error() }
func (e limitError) Unwrap() error { return e.answer }
