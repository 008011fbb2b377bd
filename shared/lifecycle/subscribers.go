package lifecycle

import (
	"context"
	"slices"
	"strings"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
	"tocsin/shared/plan"
)

// tellSubscribers tells those who subscribed by now the oldest news of the
// event, once: the key of each message holds the number of the news.
func (g *Engine) tellSubscribers(ctx context.Context, e event.Event) error {
	news := e.News[0]
	people, missing, err := g.Behind(ctx, membersOf(e.Subscribers))
	if err != nil {
		return err
	}
	told := page.Tell(page.Step{Key: news.Key(e.ID), Opening: e.Opening, Test: e.Test}, people, g.Now())
	for i := range told.Messages {
		told.Messages[i].About = news.About
	}
	return g.commitWith(ctx, e, told.Messages, func(messages []outbox.Message) event.Op {
		return event.TellNews{
			News: news, Messages: messages,
			Who: strings.Join(told.Who, ", "), WhyNot: strings.Join(append(told.WhyNot, missing...), "; "),
		}
	})
}

// subscribersBeside returns the messages that tell the end of an event to those
// subscribers to whom none of all goes.
func (g *Engine) subscribersBeside(ctx context.Context, e event.Event, all []outbox.Message, at time.Time) ([]outbox.Message, error) {
	others := slices.DeleteFunc(slices.Clone(e.Subscribers), func(member string) bool {
		return slices.ContainsFunc(all, func(m outbox.Message) bool { return m.Member == member })
	})
	people, _, err := g.Behind(ctx, membersOf(others))
	if err != nil {
		return nil, err
	}
	key := outbox.Key{Event: string(e.ID), Cycle: e.Opening, Reason: outbox.Ended}
	return page.Tell(page.Step{Key: key, Opening: e.Opening, Test: e.Test}, people, at).Messages, nil
}

func membersOf(names []string) []plan.Target {
	targets := make([]plan.Target, len(names))
	for i, name := range names {
		targets[i] = plan.Target{Member: name}
	}
	return targets
}
