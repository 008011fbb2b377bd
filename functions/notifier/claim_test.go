package main

import (
	"context"
	"testing"

	"tocsin/shared/fault"
	"tocsin/shared/outbox"
)

// unheard keeps messages, but the answer to the first write is lost, and the
// client, which tries again, is refused by what it wrote itself.
type unheard struct {
	*shelf
	puts int
}

func (u *unheard) Put(ctx context.Context, m *outbox.Message) error {
	read := *m
	err := u.shelf.Put(ctx, m)
	if u.puts++; u.puts == 1 && err == nil {
		*m = read
		return fault.New(fault.Conflict, "written meanwhile")
	}
	return err
}

// TestAClaimWhoseAnswerWasLostIsKnownAgain: its page leaves at once and not
// when the lease ends.
func TestAClaimWhoseAnswerWasLostIsKnownAgain(t *testing.T) {
	s := newStage(t)
	m := message()
	s.store(m)
	s.messages = &unheard{shelf: s.shelf}
	s.do(m)
	s.want(m, outbox.Sent, 1, 0)
	if got := s.stored(m).Attempts; got != 1 {
		t.Errorf("claimed %d times, want once", got)
	}
}

// TestAnotherSendersClaimIsNotTakenForOnesOwn, though both were made at the
// same instant.
func TestAnotherSendersClaimIsNotTakenForOnesOwn(t *testing.T) {
	s := newStage(t)
	m := message()
	s.store(m)
	s.messages = &overtaker{shelf: s.shelf}
	s.do(m)
	s.want(m, outbox.Claimed, 0, 0)
}

// overtaker lets another sender claim a message first.
type overtaker struct {
	*shelf
	puts int
}

func (o *overtaker) Put(ctx context.Context, m *outbox.Message) error {
	if o.puts++; o.puts == 1 {
		other := *m
		other.Claimer = "other"
		if err := o.shelf.Put(ctx, &other); err != nil {
			return err
		}
	}
	return o.shelf.Put(ctx, m)
}
