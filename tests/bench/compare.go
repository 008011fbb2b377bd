package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"tocsin/tests/bench/cpu"
)

// samples are repeated measurements of the same thing.
type samples []time.Duration

// comparison is ours beside a peer's, taken in turns, so that what disturbs
// the machine disturbs both.
type comparison struct{ ours, peer samples }

// ratios are ours to the peer's in each turn, ascending.
func (c comparison) ratios() []float64 {
	all := make([]float64, len(c.ours))
	for i := range c.ours {
		all[i] = float64(c.ours[i]) / float64(c.peer[i])
	}
	slices.Sort(all)
	return all
}

func (s samples) median() time.Duration { return slices.Sorted(slices.Values(s))[len(s)/2] }

// spread is the range of the middle four fifths.
func spread(sorted []float64) (from, to float64) {
	n := len(sorted)
	return sorted[n/10], sorted[n-1-n/10]
}

// perSample is the processor time after which a sample is long enough.
const (
	perSample = 20 * time.Millisecond
	turns     = 21
)

// work is something that takes a moment, to be repeated.
type work func()

// compare runs two pieces of work in turns and returns their processor time
// for one run each, that of the garbage they make included, with the settings
// that functions run with (template.yaml, Globals).
func compare(ours, peer work) comparison {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	n, m := repeats(ours), repeats(peer)
	var c comparison
	for range turns {
		c.ours = append(c.ours, sample(ours, n))
		c.peer = append(c.peer, sample(peer, m))
	}
	return c
}

// repeats returns how often w fills a sample.
func repeats(w work) int {
	n := 1
	for sample(w, n)*time.Duration(n) < perSample {
		n *= 2
	}
	return n
}

func sample(w work, n int) time.Duration {
	began := cpu.Self()
	for range n {
		w()
	}
	return (cpu.Self() - began) / time.Duration(n)
}

// target is the bound of a ratio. Zero: the row is only shown.
type target struct {
	most  float64 // ours may be at most so many times the peer's
	least float64 // the peer's must be at least so many times ours
}

// row is one line of the table.
type row struct {
	what           string
	measured, peer string
	ratio          string
	target, state  string
}

// rowOf judges a comparison by the median of its ratios.
func rowOf(what string, c comparison, t target) row {
	ratios := c.ratios()
	from, to := spread(ratios)
	r := row{what: what, measured: show(c.ours.median()), peer: show(c.peer.median())}
	switch ratio := ratios[len(ratios)/2]; {
	case t.least > 0:
		r.ratio = fmt.Sprintf("%s× less (%s … %s)", digits(1/ratio), digits(1/to), digits(1/from))
		r.target, r.state = fmt.Sprintf("≥ %g× less", t.least), state(1/ratio >= t.least)
	default:
		r.ratio = fmt.Sprintf("%.2f (%.2f … %.2f)", ratio, from, to)
		if t.most > 0 {
			r.target, r.state = fmt.Sprintf("≤ %g", t.most), state(ratio <= t.most)
		}
	}
	return r
}

func state(met bool) string {
	if met {
		return "met"
	}
	return "not yet met"
}

func digits(x float64) string {
	if x >= 10 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// show prints a duration with three digits.
func show(d time.Duration) string {
	switch {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d.Nanoseconds())/1e3)
	}
	return fmt.Sprintf("%.2f ms", float64(d.Nanoseconds())/1e6)
}
