package lifecycle

import (
	"context"
	"time"

	"tocsin/shared/execution"
	"tocsin/shared/fault"
)

// Life is one event or incident as its executions drive it, and as the sweeper
// does in their place. It is safe for concurrent use: every write is
// conditional, and losing a race means reading again.
type Life struct {
	execution.Driver
	ID string

	look     func(ctx context.Context) (turn, error)     // reads and decides
	read     func(ctx context.Context) (Standing, error) // reads, and needs no configuration for it
	handOver func(ctx context.Context, h Handover) error // to the next generation
}

// turn is one reading of an event or incident, and what it needs.
type turn struct {
	execution.Execution
	Step
	ends time.Time                       // when the timer of the step ends
	act  func(ctx context.Context) error // does the step, unless it waits
}

// Standing is how an event or incident stands with its executions. Done:
// nothing is left to do, so it needs none.
type Standing struct {
	execution.Execution
	Done bool
}

// Handover leads from a generation to the next.
type Handover struct {
	From    int // nothing happens at another
	Because string
	Failed  bool // it ended before it reached a wait
}

// Verdict is the answer to the state machine: the state to go to, and how long
// to wait there.
type Verdict struct {
	Next        Do  `json:"next"`
	WaitSeconds int `json:"wait_seconds"`
}

// AnyGeneration lets an event or incident be evaluated whatever execution
// drives it.
const AnyGeneration = 0

// steps bounds what one call does, far above what can be needed at once.
const steps = 64

func (l Life) endless() error {
	return fault.New(fault.Internal, "%s %s: no end of steps", l.Kind.Name, l.ID)
}

// Read returns how it stands. It reads no configuration. fault.NotFound: it
// does not exist. fault.Internal: it cannot be read.
func (l Life) Read(ctx context.Context) (Standing, error) { return l.read(ctx) }

// Evaluate does what is needed at this moment and returns what to wait for. An
// execution of another generation than the present one has nothing to do.
func (l Life) Evaluate(ctx context.Context, generation int) (Verdict, error) {
	for range steps {
		t, err := l.look(ctx)
		if err != nil {
			return Verdict{}, err
		}
		if generation != AnyGeneration && t.Generation != generation {
			return Verdict{Next: End, WaitSeconds: 1}, nil
		}
		if t.Do.answered() {
			return l.verdict(ctx, t)
		}
		if err := t.act(ctx); err != nil {
			return Verdict{}, err
		}
	}
	return Verdict{}, l.endless()
}

// verdict answers the machine. What is over leaves the index of deadlines.
func (l Life) verdict(ctx context.Context, t turn) (Verdict, error) {
	if t.Do == End && !t.Due.IsZero() {
		if err := l.SetDue(ctx, l.ID, t.Execution, time.Time{}); err != nil {
			return Verdict{}, err
		}
	}
	return Verdict{Next: t.Do, WaitSeconds: Seconds(t.ends, l.Now())}, nil
}

// Seconds clamps the time until an instant to what a wait may last.
func Seconds(until, at time.Time) int {
	left := min(max(until.Sub(at), time.Second), maxWait)
	return int((left + time.Second - 1) / time.Second)
}

// Wait is a state of the machine that waits to be woken.
type Wait struct {
	State Do
	Token string
	For   time.Duration // when its timer ends; 0: an older machine, which does not say
}

// tolerance is how much later than a deadline the timer of a wait may end.
const tolerance = 10 * time.Second

// tooLong reports whether the timer ends long after a deadline, which moved
// since the wait was decided.
func (w Wait) tooLong(deadline, at time.Time) bool {
	return w.For > 0 && deadline.Add(tolerance).Before(at.Add(w.For))
}

// Enter is the task of a waiting state: it does what comes before the wait,
// such as to tell a step's people, and parks the token until the next deadline.
// When something else is needed by now, or earlier than the state's timer
// ends, the machine is woken at once.
func (l Life) Enter(ctx context.Context, generation int, w Wait) error {
	for range steps {
		t, err := l.look(ctx)
		if err != nil {
			return err
		}
		if t.Generation != generation || t.Do != w.State {
			return l.Machine.Wake(ctx, w.Token)
		}
		if !t.waits() {
			if err := t.act(ctx); err != nil {
				return err
			}
			continue
		}
		if w.tooLong(t.Until, l.Now()) {
			return l.Machine.Wake(ctx, w.Token)
		}
		parked, err := l.Park(ctx, l.ID, t.Execution, w.Token, t.Until)
		if parked || err != nil {
			return err
		}
	}
	return l.Machine.Wake(ctx, w.Token)
}

// Repair does what is overdue without a machine, and then wakes the machine so
// that it looks again. It is the sweeper's evaluation: the execution is only a
// timer. The new deadline becomes the entry in the index.
func (l Life) Repair(ctx context.Context) (Verdict, error) {
	for range steps {
		t, err := l.look(ctx)
		if err != nil {
			return Verdict{}, err
		}
		if !t.waits() && t.Do != StartNext && t.Do != End {
			if err := t.act(ctx); err != nil {
				return Verdict{}, err
			}
			continue
		}
		v, err := l.verdict(ctx, t)
		if err != nil {
			return v, err
		}
		if t.waits() {
			err = l.SetDue(ctx, l.ID, t.Execution, t.Until)
		}
		l.Wake(ctx, l.ID, t.Execution)
		return v, err
	}
	return Verdict{}, l.endless()
}

// LookBy lets the sweeper look at an instant, unless it looks before, or
// nothing is left to look at.
func (l Life) LookBy(ctx context.Context, at time.Time) error {
	s, err := l.read(ctx)
	if err != nil || s.Due.IsZero() || !s.Due.After(at) {
		return err
	}
	return l.SetDue(ctx, l.ID, s.Execution, at)
}

// StartNext hands over to a new execution, for one that grew too long or met a
// word that it does not know. One that never reached a wait has failed: after
// the third in a row it is left to the sweeper, which replaces at its own pace.
func (l Life) StartNext(ctx context.Context, generation int) error {
	s, err := l.read(ctx)
	if err != nil || s.Generation != generation || s.Hopeless() {
		return err
	}
	return l.handOver(ctx, Handover{From: generation, Because: "the execution is handed over", Failed: !s.Waited()})
}

// Replace begins the next generation in place of one that is over.
func (l Life) Replace(ctx context.Context, over execution.Execution, because string) error {
	return l.handOver(ctx, Handover{From: over.Generation, Because: because, Failed: !over.Waited()})
}
