package main

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// harm is what happens to a call.
type harm string

// The harms. A router that dies takes every later call with it.
const (
	dies       harm = "dies after"
	fails      harm = "is refused at"
	losesOne   harm = "loses the answer of"
	losesAgain harm = "loses an answer and tries again"
	meets      harm = "meets another before" // between runs first
)

var errLost = errors.New("the connection ended")

// wire is the connection of one router to DynamoDB. It harms one call, counted
// from 1; 0 is a sound wire. It is safe for concurrent use.
type wire struct {
	at      int
	harm    harm
	between func()
	patient bool                        // the client tries again
	counts  func(operation string) bool // nil: every call

	mu    sync.Mutex
	calls int
	dead  bool
}

// Do implements the HTTP client of the SDK.
func (w *wire) Do(r *http.Request) (*http.Response, error) {
	switch hit, dead := w.count(r); {
	case dead:
		return nil, errLost
	case hit:
		return w.harmed(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// count counts a call and says what becomes of it.
func (w *wire) count(r *http.Request) (hit, dead bool) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return false, true
	}
	if w.counts != nil && !w.counts(operation) {
		return false, false
	}
	w.calls++
	hit = w.calls == w.at
	w.dead = hit && w.harm == dies
	return hit, false
}

func (w *wire) harmed(r *http.Request) (*http.Response, error) {
	switch w.harm {
	case fails:
		return &http.Response{
			StatusCode: http.StatusInternalServerError, Header: http.Header{}, Request: r,
			Body: io.NopCloser(strings.NewReader(`{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}`)),
		}, nil
	case meets:
		w.between()
		return http.DefaultTransport.RoundTrip(r)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		resp.Body.Close()
	}
	return nil, errLost
}

// reached reports whether the call that was to be harmed was made.
func (w *wire) reached() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls >= w.at
}

// writes tells the operations that write.
func writes(operation string) bool {
	return slices.Contains([]string{"PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems"}, operation)
}
