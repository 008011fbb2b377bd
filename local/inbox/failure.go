package inbox

import (
	"io"
	"net/http"
	"net/http/httptest"
	"time"
)

// Failure is how a provider fails.
type Failure string

// The failures. Of an unanswered message only the inbox knows that it arrived.
const (
	Throttle   Failure = "throttle"   // too many requests; not taken
	Reject     Failure = "reject"     // refused for good; not taken
	Broken     Failure = "broken"     // status 500; not taken
	Silent     Failure = "silent"     // no answer until the sender gives up; not taken
	Unanswered Failure = "unanswered" // taken, but the connection ends before the answer
)

// silence bounds how long a silent provider holds a request.
const silence = 2 * time.Minute

type failing struct {
	kind Failure
	left int // requests still to fail; negative: all
}

// Fail makes the next requests of a channel fail: so many of them, or all
// while times is negative. times 0 ends it.
func (in *Inbox) Fail(c Channel, kind Failure, times int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.failures[c] = &failing{kind, times}
}

// failure takes one failure of a channel; "" for none.
func (in *Inbox) failure(c Channel) Failure {
	in.mu.Lock()
	defer in.mu.Unlock()
	f := in.failures[c]
	if f == nil || f.left == 0 {
		return ""
	}
	if f.left > 0 {
		f.left--
	}
	return f.kind
}

// failable serves a channel's requests unless the channel fails.
func (in *Inbox) failable(c Channel, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch kind := in.failure(c); kind {
		case "":
			serve(w, r)
		case Silent:
			holdSilent(r)
			panic(http.ErrAbortHandler)
		case Unanswered:
			serve(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			refuse(w, c, kind)
		}
	}
}

// holdSilent returns when the sender has given up, which the server notices
// only once the body is read.
func holdSilent(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-r.Context().Done():
	case <-time.After(silence):
	}
}

// refuse answers as the channel's provider does.
// Sources: SES API v2 reference, SendEmail, Errors; ntfy 2.11 server/errors.go.
func refuse(w http.ResponseWriter, c Channel, kind Failure) {
	switch {
	case c == Mail && kind == Throttle:
		sesError(w, http.StatusTooManyRequests, "TooManyRequestsException", "Maximum sending rate exceeded.")
	case c == Mail && kind == Reject:
		sesError(w, http.StatusBadRequest, "MessageRejected", "Email address is not verified.")
	case c == Mail:
		sesError(w, http.StatusInternalServerError, "InternalServiceErrorException", "Internal failure.")
	case kind == Throttle:
		ntfyError(w, http.StatusTooManyRequests, 42901, "limit reached: too many requests")
	case kind == Reject:
		ntfyError(w, http.StatusForbidden, 40301, "forbidden")
	default:
		ntfyError(w, http.StatusInternalServerError, 50001, "internal server error")
	}
}
