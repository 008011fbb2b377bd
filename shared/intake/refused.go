package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/integration"
	"tocsin/shared/source"
)

// tellEvery is how often a process tells of the refused requests of an
// integration: who sends nothing but those costs no more.
const tellEvery = time.Minute

// refusals counts the refused requests of integrations in this process. The
// zero refusals are ready for use, and safe for concurrent use.
type refusals struct {
	mu      sync.Mutex
	tallies map[string]tally // by integration
}

// tally is how many requests were refused since the last was told.
type tally struct {
	untold int
	told   time.Time
}

// count counts a refusal, and returns how many are to be told of now; 0: it is
// too soon.
func (r *refusals) count(id string, now time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tallies[id]
	t.untold++
	n := 0
	if now.Sub(t.told) >= tellEvery {
		n, t = t.untold, tally{told: now}
	}
	if len(r.tallies) >= maxBuckets || r.tallies == nil {
		r.tallies = map[string]tally{}
	}
	r.tallies[id] = t
	return n
}

// tellOwner leaves a trace of a request that is refused: in the log line, and
// as a delivery that says why, so that it shows in the ledger. What the sender
// is answered stays. Nothing is written for a key that is unknown, whose
// integration has no id.
func (in *Intake) tellOwner(ctx context.Context, found integration.Found, src source.Source, req *source.Request, refusal error) {
	if found.ID == "" {
		return
	}
	httpapi.Annotate(ctx, slog.String("integration", found.ID))
	if found.Again != nil || fault.Is(refusal, fault.Forbidden) || outcomeOf(refusal) == "failed" {
		return // somebody waits for the answer, or knows of it; or the request comes again
	}
	n := in.refusals.count(found.ID, in.Now())
	if n == 0 {
		return
	}
	d, err := in.refused(found, src, req, refusal, n)
	if err == nil {
		err = in.send(ctx, d)
	}
	if err != nil {
		httpapi.Annotate(ctx, slog.String("refusal_not_kept", err.Error()))
	}
}

// refused is the delivery that tells of n refused requests, of which req is
// the last. Of a body it keeps only what was read, because from that the
// integration's secrets were taken out.
func (in *Intake) refused(found integration.Found, src source.Source, req *source.Request, refusal error, n int) (Delivery, error) {
	why := fmt.Sprintf("refused with %d: %s", httpapi.Status(refusal), reasonOf(found, src, req, refusal))
	if !fault.Is(refusal, fault.Invalid) {
		req = &source.Request{Header: http.Header{}, At: req.At}
	}
	d, err := in.deliver(found, src, req, source.Parsed{
		Items: []source.Item{{Rejected: keptText(why)}},
		Notes: []string{fmt.Sprintf("refused with %d; requests refused since this was last told: %d", httpapi.Status(refusal), n)},
	})
	d.Refused = n
	return d, err
}

// reasonOf says to the owner more than its sender may know.
func reasonOf(found integration.Found, src source.Source, req *source.Request, refusal error) string {
	if e, ok := errors.AsType[*httpapi.StatusError](refusal); ok {
		return e.Text
	}
	switch {
	case !fault.Is(refusal, fault.Unauthenticated):
		return shown(refusal)
	case src.Name == "":
		return "the key is right, but it came to the address of another source than " + found.Source
	}
	if name := found.ProofHeader(); name != "" && req.Header.Get(name) == "" {
		return "the key is right, but the header " + name + " is missing, with auth " + string(found.Auth)
	}
	return "the key is right, but the secret or signature is not, with auth " + string(found.Auth)
}
