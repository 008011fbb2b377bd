package outbox_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/outbox"
	"tocsin/shared/queue"
)

type entries struct {
	got []queue.Entry
	err error
}

func (e *entries) SendAll(_ context.Context, all []queue.Entry) error {
	e.got = append(e.got, all...)
	return e.err
}

func TestPostNamesMessages(t *testing.T) {
	q := &entries{}
	post := &outbox.Post{Queue: q}
	a := outbox.New(outbox.Key{Event: "E-1", Reason: outbox.Page, Member: "ann", Contact: "mail"}, "email", time.Time{})
	b := outbox.New(outbox.Key{Event: "E-2", Reason: outbox.Page, Member: "ann", Contact: "mail"}, "email", time.Time{})
	if err := post.Send(t.Context(), []outbox.Message{a, b}); err != nil {
		t.Fatal(err)
	}
	if err := post.SendAfter(t.Context(), time.Minute, a); err != nil {
		t.Fatal(err)
	}
	body := func(m outbox.Message) string {
		return `{"v":1,"event_id":"` + m.Event + `","message_id":"` + m.ID() + `"}`
	}
	want := []queue.Entry{{Group: "E-1", Body: body(a)}, {Group: "E-2", Body: body(b)}, {Group: "E-1", Body: body(a), Delay: time.Minute}}
	if !reflect.DeepEqual(q.got, want) {
		t.Errorf("got %+v", q.got)
	}
	for _, e := range q.got {
		ticket, err := outbox.ParseTicket(e.Body)
		if err != nil || ticket.Encode() != e.Body {
			t.Errorf("%s is read as %+v, %v", e.Body, ticket, err)
		}
	}
	q.err = fault.New(fault.Unavailable, "the queue is down")
	if err := post.Send(t.Context(), []outbox.Message{a}); !fault.Is(err, fault.Unavailable) || !errors.Is(err, q.err) {
		t.Errorf("err %v", err)
	}
}

func FuzzParseTicket(f *testing.F) {
	for _, body := range []string{`{"v":1,"event_id":"E-1","message_id":"0a1b"}`, `{"v":2,"event_id":"E-1","message_id":"0a1b"}`, `{"v":1,"event_id":"E-1"}`, `[]`, ``, `{`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		ticket, err := outbox.ParseTicket(body)
		if err != nil {
			if !fault.Is(err, fault.Invalid) || ticket != (outbox.Ticket{}) {
				t.Errorf("ticket %+v, err %v", ticket, err)
			}
			return
		}
		if again, err := outbox.ParseTicket(ticket.Encode()); err != nil || again != ticket {
			t.Errorf("%+v is read as %+v, %v", ticket, again, err)
		}
	})
}
