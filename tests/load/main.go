// Command load measures how fast the local stack is:
//
//	go run ./tests/load
//
// It sends 50 alerts one by one and prints the time from each webhook to its
// mail in the inbox; then 10,000 alerts in deliveries of 100, and checks that
// each is in the ledger with the right disposition.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/local/inbox"
	"tocsin/local/stack"
	"tocsin/shared/fault"
	"tocsin/shared/ledger"
	"tocsin/tests/rig"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer) error {
	r, err := rig.Start(ctx, stack.Config{})
	if err != nil {
		return err
	}
	defer func() { _ = r.Stop() }()
	if err := latency(ctx, r, w); err != nil {
		return fmt.Errorf("one by one: %w", err)
	}
	if err := storm(ctx, r, w); err != nil {
		return fmt.Errorf("in hundreds: %w", err)
	}
	return nil
}

// What is sent, and how fast a page must come.
const (
	singles    = 50
	mostMedian = 2 * time.Second
	patience   = time.Minute
)

// latency sends alerts one by one, each to an event of its own.
func latency(ctx context.Context, r *rig.Rig, w io.Writer) error {
	var times []time.Duration
	for i := range singles {
		name := fmt.Sprintf("Single%d", i)
		began := time.Now()
		if _, err := r.Send(rig.Alert{Name: name, Instance: "web-1"}); err != nil {
			return err
		}
		if err := mailed(r, name); err != nil {
			return err
		}
		times = append(times, time.Since(began))
		if err := r.Settle(ctx); err != nil {
			return err
		}
	}
	slices.Sort(times)
	median := times[len(times)/2]
	_, _ = fmt.Fprintf(w, "from webhook to mail, %d alerts one by one: median %d ms, least %d ms, most %d ms (median below %s: %s)\n",
		singles, median.Milliseconds(), times[0].Milliseconds(), times[len(times)-1].Milliseconds(), mostMedian, met(median < mostMedian))
	if median >= mostMedian {
		return errors.New("too slow")
	}
	return nil
}

// mailed waits for a mail about an alert.
func mailed(r *rig.Rig, name string) error {
	for began := time.Now(); time.Since(began) < patience; time.Sleep(2 * time.Millisecond) {
		for _, m := range r.Inbox.Messages(inbox.Query{Channel: inbox.Mail}) {
			if strings.Contains(m.Subject, name+" ") {
				return nil
			}
		}
	}
	return fmt.Errorf("no mail about %s within %s", name, patience)
}

// The storm: each delivery holds alerts of one group, as Alertmanager sends
// them, and each group sends several.
const (
	stormAlerts = 10_000
	perDelivery = 100
	groups      = 20
	senders     = 4
)

// storm sends alerts that are all different. They belong to few groups, so the
// first of each group opens an event, and the others join it.
func storm(ctx context.Context, r *rig.Rig, w io.Writer) error {
	began := time.Now()
	deliveries, err := sendStorm(r)
	if err != nil {
		return err
	}
	sent := time.Since(began)
	kinds, events, err := disposed(ctx, r, deliveries)
	if err != nil {
		return err
	}
	took := time.Since(began)
	_, _ = fmt.Fprintf(w, "%d alerts in deliveries of %d: accepted in %.1f s, in the ledger after %.1f s, %.0f alerts/s; %v in %d events\n",
		stormAlerts, perDelivery, sent.Seconds(), took.Seconds(), stormAlerts/took.Seconds(), kinds, events)
	if kinds[ledger.Opened] != groups || kinds[ledger.Joined] != stormAlerts-groups || events != groups {
		return fmt.Errorf("wanted %d opened and %d joined, in %d events", groups, stormAlerts-groups, groups)
	}
	return nil
}

// sendStorm sends all alerts and returns the ids of the deliveries.
func sendStorm(r *rig.Rig) ([]string, error) {
	const count = stormAlerts / perDelivery
	ids, errs := make([]string, count), make([]error, count)
	next := make(chan int)
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for n := range next {
				alerts := make([]rig.Alert, perDelivery)
				for i := range alerts {
					alerts[i] = rig.Alert{Name: fmt.Sprintf("Storm%d", n%groups), Instance: fmt.Sprintf("web-%d-%d", n, i)}
				}
				ids[n], errs[n] = r.Send(alerts...)
			}
		})
	}
	for n := range count {
		next <- n
	}
	close(next)
	wg.Wait()
	return ids, errors.Join(errs...)
}

// disposed waits until deliveries are in the ledger, and counts where their
// alerts ended and the events that they belong to.
func disposed(ctx context.Context, r *rig.Rig, deliveries []string) (map[ledger.Kind]int, int, error) {
	kinds, events := map[ledger.Kind]int{}, map[string]bool{}
	for _, id := range deliveries {
		parts, err := await(ctx, r, id)
		if err != nil {
			return nil, 0, err
		}
		for _, p := range parts {
			for _, d := range p.Dispositions {
				kinds[d.Kind]++
				events[d.Event] = true
			}
		}
	}
	return kinds, len(events), nil
}

// await reads a delivery as soon as it is in the ledger.
func await(ctx context.Context, r *rig.Rig, id string) ([]ledger.Part, error) {
	for {
		parts, err := r.Ledger().Get(ctx, id)
		if !fault.Is(err, fault.NotFound) {
			return parts, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("delivery %s is not in the ledger: %w", id, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func met(ok bool) string {
	if ok {
		return "met"
	}
	return "not yet met"
}
