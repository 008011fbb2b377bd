package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/ops"
)

// testPage asks for the page and waits until it left, or will not.
func (a *app) testPage(ctx context.Context, all []*ops.Operation, o *ops.Operation, input map[string]any, wait time.Duration) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	answer, err := c.call(ctx, o, input)
	if err != nil {
		return err
	}
	var e ops.Event
	if err := json.Unmarshal(answer, &e); err != nil {
		return fmt.Errorf("the answer is no event: %w", err)
	}
	if wait > 0 {
		if err := a.awaitPage(ctx, c, operation(all, "events.get"), e, wait); err != nil {
			return err
		}
	}
	return a.show(o, answer)
}

// lookEvery is the pause between two looks at the event.
const lookEvery = 500 * time.Millisecond

func (a *app) awaitPage(ctx context.Context, c *client, get *ops.Operation, e ops.Event, wait time.Duration) error {
	defer a.progressEnd()
	var problem string
	for end := a.now().Add(wait); a.now().Before(end); {
		answer, err := c.call(ctx, get, map[string]any{"id": string(e.ID)})
		if err != nil {
			return err
		}
		var detail ops.EventDetail
		if err := json.Unmarshal(answer, &detail); err != nil {
			return fmt.Errorf("the answer is no event: %w", err)
		}
		var done bool
		if done, problem = pageOf(detail); done {
			a.progressEnd()
			fmt.Fprintf(a.stderr, "Sent to %s.\n", e.AssigneeMember)
			return nil
		}
		a.progress("%s is paged: %s", e.AssigneeMember, first(problem, "waiting"))
		select {
		case <-ctx.Done():
			return fault.New(fault.Unavailable, "interrupted")
		case <-time.After(lookEvery):
		}
	}
	return fault.New(fault.Unavailable, "event %s: no page was sent within %s; %s. See tocsin events get %s", e.ID, wait, first(problem, "nothing tried yet"), e.ID)
}

// pageOf reports whether a page was sent, else what the last attempt came to.
func pageOf(detail ops.EventDetail) (sent bool, problem string) {
	for _, m := range detail.Messages {
		if m.State == "sent" {
			return true, ""
		}
		if n := len(m.Results); n > 0 {
			problem = clean(fmt.Sprintf("%s: %s %s", m.Channel, m.Results[n-1].Kind, m.Results[n-1].Detail))
		}
	}
	return false, problem
}
