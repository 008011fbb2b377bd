package stack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/local/ministack"
)

const (
	// sweeper is the logical id of the function that works off what is due.
	sweeper     = "SweeperFunction"
	settlePause = 10 * time.Millisecond
	// restTime bounds how long Stop waits for work in flight; what remains is
	// kept and goes on at the next start.
	restTime = 2 * time.Second
)

// Settle waits until nothing is in flight: no message waits for a function or
// is with one, no function runs, no execution has something to do now.
func (s *Stack) Settle(ctx context.Context) error {
	for {
		if err := s.states.Settle(ctx); err != nil {
			return fmt.Errorf("state machines: %w", err)
		}
		settled, err := s.settled(ctx)
		if settled {
			return nil
		}
		if ctx.Err() != nil {
			return s.unsettled(ctx)
		}
		if err != nil {
			return err
		}
		time.Sleep(settlePause)
	}
}

// settled looks at AWS before and after the state machines: equal counts of
// calls mean that no work passed from one to the other unseen.
func (s *Stack) settled(ctx context.Context) (bool, error) {
	before, err := s.aws.Activity(ctx)
	if err != nil || !before.Idle() || s.states.InFlight() > 0 {
		return false, err
	}
	after, err := s.aws.Activity(ctx)
	return err == nil && after.Idle() && after.Started == before.Started, err
}

// unsettled says what kept Settle waiting.
func (s *Stack) unsettled(ctx context.Context) error {
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	a, err := s.aws.Activity(look)
	if err != nil {
		return err
	}
	waiting := fmt.Sprintf("%d functions run, %d asynchronous calls", a.Executions, a.Asynchronous)
	for name, q := range a.Queues {
		if n := q.Visible + q.InFlight + q.Delayed; q.Consumed && n > 0 {
			waiting += fmt.Sprintf(", %s has %d messages", name, n)
		}
	}
	return fmt.Errorf("%s: %w", waiting, context.Cause(ctx))
}

// rest lets work in flight finish before the parts end.
func (s *Stack) rest() error {
	ctx, cancel := context.WithTimeout(context.Background(), restTime)
	defer cancel()
	_ = s.Settle(ctx)
	return nil
}

// Sweep calls the sweeper function as its schedule would.
func (s *Stack) Sweep(ctx context.Context) error {
	event, err := json.Marshal(map[string]any{
		"version": "0", "id": rand.Text(), "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}",
		"account": ministack.Account, "region": ministack.Region, "resources": []string{},
		"time": s.Clock.Now().Format(time.RFC3339),
	})
	if err != nil {
		return err
	}
	_, err = s.Invoke(ctx, sweeper, event)
	return err
}

// Skip lets d pass: the clock jumps from deadline to deadline, and at each the
// sweeper runs and everything that follows has settled before the next jump.
func (s *Stack) Skip(ctx context.Context, d time.Duration) error {
	end := s.Clock.Now().Add(d)
	if err := s.Settle(ctx); err != nil {
		return err
	}
	for s.Clock.Now().Before(end) {
		at, err := s.nextDeadline(ctx, end)
		if err != nil {
			return err
		}
		if err := s.jump(ctx, at); err != nil {
			return fmt.Errorf("skip to %s: %w", at.Format(time.RFC3339), err)
		}
	}
	return nil
}

// jump moves the clock to an instant and works off what is due then.
func (s *Stack) jump(ctx context.Context, at time.Time) error {
	if err := s.Clock.AdvanceTo(at); err != nil {
		return err
	}
	if err := s.Settle(ctx); err != nil {
		return err
	}
	if err := s.Sweep(ctx); err != nil {
		return err
	}
	return s.Settle(ctx)
}

// nextDeadline returns the earliest of end, the executions' deadlines and
// those that only the sweeper keeps.
func (s *Stack) nextDeadline(ctx context.Context, end time.Time) (time.Time, error) {
	now := s.Clock.Now()
	if at, ok := s.states.NextDeadline(); ok && at.Before(end) && at.After(now) {
		end = at
	}
	if s.config.Deadlines == nil {
		return end, nil
	}
	at, ok, err := s.config.Deadlines(ctx, now)
	if err != nil || !ok || !at.Before(end) || !at.After(now) {
		return end, err
	}
	return at, nil
}
