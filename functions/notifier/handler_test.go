package main

import (
	"context"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/notify"
	"tocsin/shared/outbox"
	"tocsin/shared/page"
	"tocsin/shared/queue"
	"tocsin/tests/dynamo"
)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPageGoesOut(t *testing.T) {
	s := newStage(t)
	m := message()
	s.store(m)
	answer, err := queue.Batch(s.log, s.metrics, s.handleAll)(t.Context(), fixture(t, "page.json"))
	if err != nil || len(answer.BatchItemFailures) != 0 {
		t.Fatalf("%+v, %v", answer, err)
	}
	s.want(m, outbox.Sent, 1, 0)
	got := s.stored(m)
	if want := []outbox.Result{{At: s.at, Kind: "sent", Detail: "HTTP 200", ID: "ses-1"}}; !reflect.DeepEqual(got.Results, want) || !got.SentAt.Equal(s.at) || got.Attempts != 1 || !got.Due.IsZero() {
		t.Errorf("stored %+v", got)
	}
	if want := []string{"PagesSent 1 ", "PagesSentBy 1 email", "SecondsToFirstPage 3 "}; !slices.Equal(s.counted(), want) {
		t.Errorf("counted %q", s.counted())
	}
	if len(s.tickets.sent)+len(s.reports.sent) != 0 {
		t.Errorf("tickets %v, reports %v", s.tickets.sent, s.reports.sent)
	}
}

func TestBatchFailsOnlyWhatFailed(t *testing.T) {
	s := newStage(t)
	m := message()
	s.store(m)
	events := fixture(t, "batch.json") // the page twice, and what is no ticket
	answer, err := queue.Batch(s.log, s.metrics, s.handleAll)(t.Context(), events)
	if err != nil || len(answer.BatchItemFailures) != 1 || answer.BatchItemFailures[0].ItemIdentifier != events.Records[2].MessageId {
		t.Fatalf("%+v, %v", answer, err)
	}
	s.want(m, outbox.Sent, 1, 0)
}

func TestNothingHappensToWhatIsFinal(t *testing.T) {
	for _, state := range []outbox.State{outbox.Sent, outbox.Overtaken} {
		s := newStage(t)
		m := message(func(m *outbox.Message) { m.State = state })
		s.store(m)
		s.do(m)
		s.want(m, state, 0, 0)
		if len(s.tickets.sent)+len(s.reports.sent) != 0 {
			t.Errorf("%s: tickets %v", state, s.tickets.sent)
		}
	}
}

func TestUnknownMessage(t *testing.T) {
	s := newStage(t)
	if err := s.handle(t.Context(), ticket(message())); !fault.Is(err, fault.NotFound) {
		t.Errorf("err %v", err)
	}
}

// TestOvertaken: what is acknowledged while its message waits is not sent.
func TestOvertaken(t *testing.T) {
	for _, c := range []struct {
		name   string
		reason outbox.Reason
		change func(*event.Event)
	}{
		{"acknowledged", outbox.Page, func(e *event.Event) { e.State = event.AckedState }},
		{"snoozed", outbox.Page, func(e *event.Event) { e.State = event.Snoozed }},
		{"resolved", outbox.LastResort, func(e *event.Event) { e.State = event.Resolved }},
		{"merged", outbox.Page, func(e *event.Event) { e.State, e.MergedInto = event.Closed, "E-1" }},
		{"newer_cycle", outbox.Page, func(e *event.Event) { e.Cycle = 2 }},
		{"reopened", outbox.Ended, func(e *event.Event) { e.Opening = 1 }},
		{"closed", outbox.Record, func(e *event.Event) { e.State = event.Closed }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			c.change(&s.board.event)
			m := message(because(c.reason))
			s.store(m)
			s.do(m)
			s.want(m, outbox.Overtaken, 0, 0)
			if r := s.stored(m).Results; len(r) != 1 || r[0].Kind != "overtaken" || r[0].Detail != c.name {
				t.Errorf("results %+v", r)
			}
			if want := []string{"PagesOvertaken 1 "}; !slices.Equal(s.counted(), want) {
				t.Errorf("counted %q", s.counted())
			}
		})
	}
}

// TestRemindersOfAnIncident: what was given or done while its reminder waits is
// not asked for.
func TestRemindersOfAnIncident(t *testing.T) {
	late := incident.AddAction{Text: "grow the disk", Owner: "ann", Due: start.Add(-time.Hour)}
	for _, c := range []struct {
		name string
		key  func(*incident.Incident) outbox.Key
		ops  []incident.Op // since the reminder was written
		want outbox.State
	}{
		{"the update is still owed", (*incident.Incident).UpdateKey, nil, outbox.Sent},
		{"the update was given", (*incident.Incident).UpdateKey, []incident.Op{incident.Update{Text: "Traffic is moving."}}, outbox.Overtaken},
		{"it was resolved", (*incident.Incident).UpdateKey, []incident.Op{incident.Resolve{}}, outbox.Overtaken},
		{"the action item is still overdue", (*incident.Incident).ActionsKey, []incident.Op{incident.Resolve{}}, outbox.Sent},
		{"the action item was done", (*incident.Incident).ActionsKey, []incident.Op{incident.CompleteAction{Number: 1}}, outbox.Overtaken},
		{"it was cancelled", (*incident.Incident).ActionsKey, []incident.Op{incident.Cancel{Reason: "a drill"}}, outbox.Overtaken},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			i := incident.Opened("I-7", event.Event{ID: "E-4821", Title: "Orders fail"}, start)
			apply := func(op incident.Op) {
				change, err := incident.Apply(i, op, event.ByMember("ann"), start)
				if err != nil {
					t.Fatal(err)
				}
				i = change.Incident
			}
			apply(late)
			k := c.key(&i)
			k.Member, k.Contact = "ann", "mail"
			m := outbox.New(k, "email", start)
			s.store(m)
			for _, op := range c.ops {
				apply(op)
			}
			s.crises.incident = i
			s.do(m)
			sent := 0
			if c.want == outbox.Sent {
				sent = 1
			}
			s.want(m, c.want, sent, 0)
		})
	}
}

// TestClaimComesBeforeReading: whoever ends the event after it was read must
// find the claim, to tell its reader of the end.
func TestClaimComesBeforeReading(t *testing.T) {
	s := newStage(t)
	m := message()
	s.store(m)
	seen := outbox.State("")
	s.events = reading(func() event.Event {
		seen = s.shelf.kept[m.ID()].State
		return s.board.event
	})
	s.do(m)
	if seen != outbox.Claimed {
		t.Errorf("the event was read while the message was %q", seen)
	}
}

type reading func() event.Event

func (r reading) Get(context.Context, event.ID) (event.Event, error) { return r(), nil }

// TestSomebodyElseHasIt: nobody is paged twice while a lease runs, and nobody
// is forgotten when its holder died.
func TestSomebodyElseHasIt(t *testing.T) {
	s := newStage(t)
	m := message(func(m *outbox.Message) { m.Claim(start, lease) })
	s.store(m)
	s.do(m)
	s.want(m, outbox.Claimed, 0, 0)
	if want := []time.Duration{lease - 2*time.Second + time.Second}; !slices.Equal(s.delays(), want) {
		t.Errorf("the ticket comes back after %v, want %v", s.delays(), want)
	}
	s.at = start.Add(lease)
	s.do(m)
	s.want(m, outbox.Sent, 1, 0)
}

// TestTwoNotifiersSendOnce on the real store.
func TestTwoNotifiersSendOnce(t *testing.T) {
	store := &outbox.Store{Table: dynamo.Start(t)}
	for round := range 20 {
		s := newStage(t)
		s.messages = store
		m := message(func(m *outbox.Message) { m.Round = round })
		s.store(m)
		var both sync.WaitGroup
		for range 4 {
			both.Go(func() {
				if err := s.handle(t.Context(), ticket(m)); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		s.want(m, outbox.Sent, 1, 0)
	}
}

// TestCrashBetweenSendAndRecord: sending again beats never sending.
func TestCrashBetweenSendAndRecord(t *testing.T) {
	s := newStage(t)
	m := message()
	s.store(m)
	puts := 0
	s.shelf.fail = func(op string) error {
		if op == "put" {
			if puts++; puts == 2 {
				return fault.New(fault.Unavailable, "down")
			}
		}
		return nil
	}
	if err := s.handle(t.Context(), ticket(m)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("err %v", err)
	}
	s.want(m, outbox.Claimed, 1, 0)
	s.at = s.at.Add(lease)
	s.do(m)
	s.want(m, outbox.Sent, 2, 0)
}

// TestSentIsRecordedOverALostLease: a slow sender's success stands, whoever
// claimed the message meanwhile.
func TestSentIsRecordedOverALostLease(t *testing.T) {
	s := newStage(t)
	m := message()
	s.store(m)
	s.ses.after = func() {
		other := s.shelf.kept[m.ID()]
		other.Claim(s.at.Add(lease), lease)
		if err := s.shelf.Put(t.Context(), &other); err != nil {
			t.Error(err)
		}
	}
	s.do(m)
	s.want(m, outbox.Sent, 1, 0)
}

func TestRetries(t *testing.T) {
	s := newStage(t)
	m := message()
	s.store(m)
	s.ses.answer = func(call int) int { // two calls to a try
		if call <= 4 {
			return 503
		}
		return 200
	}
	s.do(m)
	s.want(m, outbox.Pending, 2, 0)
	if due := s.stored(m).Due; !due.Equal(s.at.Add(2 * time.Second)) {
		t.Errorf("due %v", due)
	}
	s.at = s.at.Add(2 * time.Second)
	s.do(m)
	s.at = s.at.Add(5 * time.Second)
	s.do(m)
	s.want(m, outbox.Sent, 5, 0)
	if want := []time.Duration{2 * time.Second, 5 * time.Second}; !slices.Equal(s.delays(), want) {
		t.Errorf("delays %v", s.delays())
	}
}

// TestRetriesEnd: after eight tries within ten minutes the next contact is paged.
func TestRetriesEnd(t *testing.T) {
	s := newStage(t)
	m := message()
	s.store(m)
	s.ses.answer = status(503)
	tries := 0
	for got := m; !got.Final() && tries < 20; got = s.stored(m) {
		s.do(m)
		tries++
		s.at = s.at.Add(s.tickets.sent[len(s.tickets.sent)-1].Delay)
	}
	if passed := s.at.Sub(start); tries != 8 || passed > window {
		t.Errorf("%d tries in %v", tries, passed)
	}
	s.want(m, outbox.Failed, 16, 0)
	s.ses.answer = nil
	s.followUp(m, "phone")
	s.want(m, outbox.Failed, 16, 1)
}

// followUp handles the newest ticket, which must name another contact's message.
func (s *stage) followUp(m outbox.Message, contact string) {
	s.t.Helper()
	next := m
	next.Contact = contact
	last := s.tickets.sent[len(s.tickets.sent)-1]
	if last.Body != outbox.TicketOf(&next).Encode() || last.Delay != 0 {
		s.t.Fatalf("ticket %+v", last)
	}
	s.do(next)
	if got := s.stored(next); got.State != outbox.Sent || len(got.Others) != 0 {
		s.t.Errorf("next contact's message %+v", got)
	}
}

func TestProvidersWishForAPause(t *testing.T) {
	m := message()
	for _, c := range []struct {
		wish  time.Duration
		want  time.Duration
		again bool
	}{{0, 2 * time.Second, true}, {time.Second, 2 * time.Second, true}, {time.Minute, time.Minute, true}, {11 * time.Minute, 11 * time.Minute, false}} {
		pause, again := pauseAfter(&m, notify.Result{Kind: notify.Retry, Pause: c.wish}, start)
		if pause != c.want || again != c.again {
			t.Errorf("wish %v: %v, %v", c.wish, pause, again)
		}
	}
}

// TestPermanentFailureTurnsToTheNextContact at once.
func TestPermanentFailureTurnsToTheNextContact(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(*stage)
		mails  int
		reason string
	}{
		{"refused by the provider", func(s *stage) { s.ses.answer = status(400) }, 1, "rejected_message"},
		{"our account is at fault", func(s *stage) { s.ses.answer = status(403) }, 1, "misconfigured"},
		{"the contact is gone", func(s *stage) { s.town.contacts["ann"] = s.town.contacts["ann"][1:] }, 0, "rejected_address"},
		{"the contact is not verified", func(s *stage) { s.town.contacts["ann"][0].Verified = false }, 0, "rejected_address"},
		{"a bad address", func(s *stage) { s.town.contacts["ann"][0].Address = "nowhere" }, 0, "rejected_address"},
		{"a channel that is none", func(s *stage) { s.town.contacts["ann"][0].Channel = "pigeon" }, 0, "misconfigured"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			m := message()
			s.store(m)
			c.spoil(s)
			s.do(m)
			s.want(m, outbox.Failed, c.mails, 0)
			s.followUp(m, "phone")
			s.want(m, outbox.Failed, c.mails, 1)
			if want := []string{"PagesFailed 1 ", "PagesFailedBy 1 " + c.reason, "PagesSent 1 ", "PagesSentBy 1 ntfy", "SecondsToFirstPage 3 "}; !slices.Equal(s.counted(), want) {
				t.Errorf("counted %q", s.counted())
			}
			if len(s.reports.sent) != 0 {
				t.Error("the step is reported though it reached somebody")
			}
		})
	}
}

// TestUnverifiedContactIsTheLastResort: it is paged only while no other of the
// member is verified, and told nothing that is no page.
func TestUnverifiedContactIsTheLastResort(t *testing.T) {
	for _, c := range []struct {
		name   string
		reason outbox.Reason
		others bool // another contact is verified
		want   outbox.State
	}{
		{"the only one", outbox.Page, false, outbox.Sent},
		{"another is verified", outbox.Page, true, outbox.Failed},
		{"no page", outbox.News, false, outbox.Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			for i := range s.town.contacts["ann"] {
				s.town.contacts["ann"][i].Verified = i > 0 && c.others
			}
			m := message(alone, because(c.reason))
			s.store(m)
			s.do(m)
			if got := s.stored(m); got.State != c.want {
				t.Errorf("message %+v, want %s", got, c.want)
			}
		})
	}
}

// TestContactIsReadLive: a changed channel and address are used at once.
func TestContactIsReadLive(t *testing.T) {
	s := newStage(t)
	m := message()
	s.store(m)
	s.town.contacts["ann"][0] = catalog.Contact{ID: "mail", Member: "ann", Channel: catalog.Ntfy, Address: "new-topic", Verified: true}
	s.do(m)
	s.want(m, outbox.Sent, 0, 1)
	if s.stored(m).Channel != "ntfy" || !strings.Contains(s.push.bodies[0], `"topic":"new-topic"`) {
		t.Errorf("channel %s, body %s", s.stored(m).Channel, s.push.bodies[0])
	}
}

// TestStepFailsWithItsLastMessage: the next step runs at once when nobody was
// reached, and not before.
func TestStepFailsWithItsLastMessage(t *testing.T) {
	s := newStage(t)
	s.ses.answer = status(400)
	ann, bob := message(alone), message(alone, to("bob"))
	s.store(ann, bob, message(alone, func(m *outbox.Message) { m.Round = 1 }))
	s.do(ann)
	if len(s.reports.sent) != 0 {
		t.Fatalf("reported too early: %+v", s.reports.sent)
	}
	s.do(bob)
	want := []queue.Entry{{Group: "E-4821", Body: page.FailedStepOf(&bob).Encode()}}
	if !reflect.DeepEqual(s.reports.sent, want) {
		t.Fatalf("reports %+v", s.reports.sent)
	}
	s.do(bob) // the ticket comes again: so does the report, which may repeat
	if len(s.reports.sent) != 2 {
		t.Errorf("reports %+v", s.reports.sent)
	}
}

func TestFailedReminderReportsNoStep(t *testing.T) {
	s := newStage(t)
	s.ses.answer = status(400)
	s.board.event.State = event.Resolved
	m := message(alone, because(outbox.Ended))
	s.store(m)
	s.do(m)
	s.want(m, outbox.Failed, 1, 0)
	if len(s.reports.sent) != 0 {
		t.Errorf("reports %+v", s.reports.sent)
	}
}

// TestCrashAfterFailure: the next contact is handed over when the ticket of
// the failed message comes again.
func TestCrashAfterFailure(t *testing.T) {
	s := newStage(t)
	s.ses.answer = status(400)
	m := message()
	s.store(m)
	s.tickets.err = fault.New(fault.Unavailable, "the queue is down")
	if err := s.handle(t.Context(), ticket(m)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("err %v", err)
	}
	s.tickets.err = nil
	s.do(m)
	s.want(m, outbox.Failed, 1, 0)
	s.followUp(m, "phone")
}

// TestUnknownOutcome: it is sent again, and meanwhile counts as claimed, so
// that its reader is told of an end.
func TestUnknownOutcome(t *testing.T) {
	s := newStage(t)
	s.push.answer = func(call int) int {
		if call == 1 {
			return 502
		}
		return 200
	}
	m := message(alone, func(m *outbox.Message) { m.Contact = "phone" })
	s.store(m)
	s.do(m)
	s.want(m, outbox.Claimed, 0, 1)
	if got := s.stored(m); !got.Reached() || !got.Lease.Equal(s.at.Add(2*time.Second)) || !slices.Equal(s.delays(), []time.Duration{2 * time.Second}) {
		t.Errorf("%+v, delays %v", got, s.delays())
	}
	s.at = s.at.Add(2 * time.Second)
	s.do(m)
	s.want(m, outbox.Sent, 0, 2)
}

// TestUnknownThenOvertaken: it may have arrived, so it counts as sent.
func TestUnknownThenOvertaken(t *testing.T) {
	s := newStage(t)
	s.push.answer = status(502)
	m := message(alone, func(m *outbox.Message) { m.Contact = "phone" })
	s.store(m)
	s.do(m)
	s.board.event.State = event.AckedState
	s.at = s.at.Add(2 * time.Second)
	s.do(m)
	s.want(m, outbox.Sent, 0, 1)
	if got := s.stored(m); !got.Reached() || got.Results[1].Kind != "unknown" || got.Results[1].Detail != "acknowledged" {
		t.Errorf("%+v", got.Results)
	}
}

// TestOurOwnTroubleGivesNoContactUp: what cannot be read is read again later.
func TestOurOwnTroubleGivesNoContactUp(t *testing.T) {
	for name, spoil := range map[string]func(*stage, error){
		"events":   func(s *stage, err error) { s.board.err = err },
		"contacts": func(s *stage, err error) { s.town.err = err },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			m := message()
			s.store(m)
			spoil(s, fault.New(fault.Unavailable, "down"))
			for range 12 {
				s.do(m)
				s.want(m, outbox.Pending, 0, 0)
				s.at = s.at.Add(time.Minute)
			}
			spoil(s, nil)
			s.do(m)
			s.want(m, outbox.Sent, 1, 0)
		})
	}
}

func TestEventGone(t *testing.T) {
	s := newStage(t)
	m := message()
	s.store(m)
	s.board.err = fault.New(fault.NotFound, "no such event")
	s.do(m)
	s.want(m, outbox.Overtaken, 0, 0)
}

// TestDeadIsSentWithoutReading: when an event cannot be read, its last resort
// is paged all the same.
func TestDeadIsSentWithoutReading(t *testing.T) {
	s := newStage(t)
	s.board.err = errDown
	m := message(because(outbox.Dead), func(m *outbox.Message) { m.Subject, m.Contact = "Tocsin cannot keep E-4821 alive", "phone" })
	s.store(m)
	s.do(m)
	s.want(m, outbox.Sent, 0, 1)
	if s.board.reads.Load() != 0 || !strings.Contains(s.push.bodies[0], "Tocsin cannot keep E-4821 alive") {
		t.Errorf("%d reads, body %s", s.board.reads.Load(), s.push.bodies[0])
	}
}

// TestPageWithoutNamesOrLinks: a poor page beats none.
func TestPageWithoutNamesOrLinks(t *testing.T) {
	s := newStage(t)
	s.town.nameless, s.links = true, linker{err: errDown}
	m := message(func(m *outbox.Message) { m.Contact = "phone" })
	s.store(m)
	s.do(m)
	s.want(m, outbox.Sent, 0, 1)
	if body := s.push.bodies[0]; !strings.Contains(body, "[P1] E-4821 Disk full on db-1") || !strings.Contains(body, "Look for E-4821") || strings.Contains(body, "actions") {
		t.Errorf("body %s", body)
	}
}

// TestWhatThePageSays: the reader's language and zone, names as shown, links.
func TestWhatThePageSays(t *testing.T) {
	s := newStage(t)
	s.board.event.Previous, s.board.former = "E-7", event.Event{ID: "E-7", Record: event.Record{Solution: "Grew the volume"}}
	m := message(func(m *outbox.Message) {
		m.Contact, m.Next = "phone", outbox.Forecast{What: "step", Who: []string{"Bob"}, At: start.Add(15 * time.Minute)}
	})
	s.store(m)
	s.do(m)
	for _, want := range []string{"Order service", "03:27 (UTC+8) 通知 Bob", "Grew the volume (E-7)", `"click":"https://tocsin.example.com/a/E-4821-ann"`, "确认", `"priority":5`} {
		if !strings.Contains(s.push.bodies[0], want) {
			t.Errorf("%q is missing in %s", want, s.push.bodies[0])
		}
	}
	if text := s.logs.String(); strings.Contains(text, "secret-topic") || strings.Contains(text, "/a/E-4821") {
		t.Errorf("the log tells an address: %s", text)
	}
}

// TestPageTellsOfChanges that may have caused the event; an all-clear does not.
func TestPageTellsOfChanges(t *testing.T) {
	s := newStage(t)
	s.told.found = []change.Filed{{Change: change.Change{Title: "deploy orders v1.8", At: start.Add(-12 * time.Minute)}}}
	m := message(nil...)
	s.store(m)
	s.do(m)
	s.want(m, outbox.Sent, 1, 0)
	if !strings.Contains(s.mail(0), "deploy orders v1.8") {
		t.Errorf("the mail does not tell of the change: %s", s.mail(0))
	}
	if want := (change.Window{From: start.Add(-2 * time.Hour), Until: s.at}); s.told.asked != want {
		t.Errorf("asked for %v, want %v", s.told.asked, want)
	}
}

// TestPageWithoutChanges: it leaves soon, whatever becomes of the read.
func TestPageWithoutChanges(t *testing.T) {
	for name, told := range map[string]*told{"refused": {err: errDown}, "hanging": {hangs: true}} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.changes = told
			m := message(nil...)
			s.store(m)
			began := time.Now()
			s.do(m)
			s.want(m, outbox.Sent, 1, 0)
			if took := time.Since(began); took > contextFor+2*time.Second {
				t.Errorf("the page took %s", took)
			}
			if !strings.Contains(s.logs.String(), "message sent without changes") {
				t.Errorf("the log does not say so: %s", s.logs.String())
			}
		})
	}
}

// TestTestPagesCountNowhere, and say that they are one.
func TestTestPagesCountNowhere(t *testing.T) {
	s := newStage(t)
	m := message(func(m *outbox.Message) { m.Test, m.Contact = true, "phone" })
	failed := message(alone, func(m *outbox.Message) { m.Test, m.Step = true, 1 })
	late := message(func(m *outbox.Message) { m.Test, m.Cycle = true, 7 })
	s.store(m, failed, late)
	s.ses.answer = status(400)
	s.do(m)
	s.do(failed)
	s.do(late)
	s.want(late, outbox.Overtaken, 1, 1)
	if got := s.counted(); len(got) != 0 {
		t.Errorf("counted %q", got)
	}
	if !strings.Contains(s.push.bodies[0], `"title":"TEST [P1]`) {
		t.Errorf("body %s", s.push.bodies[0])
	}
}

// TestFirstPageIsMeasuredOnce a cycle.
func TestFirstPageIsMeasuredOnce(t *testing.T) {
	s := newStage(t)
	first, second := message(), message(to("bob"))
	next := message(func(m *outbox.Message) { m.Cycle = 2 })
	s.store(first, second, next)
	s.do(first)
	s.at = s.at.Add(time.Second)
	s.do(second)
	s.at = s.at.Add(time.Second)
	s.board.event.Cycle = 2
	s.do(next)
	if want := []string{"PagesSent 3 ", "PagesSentBy 3 email", "SecondsToFirstPage [3,5] "}; !slices.Equal(s.counted(), want) {
		t.Errorf("counted %q", s.counted())
	}
}

// TestPanicFailsOneMessage: the others of its batch go out, and it is sent
// again after its lease.
func TestPanicFailsOneMessage(t *testing.T) {
	s := newStage(t)
	good, bad := message(), message(to("bob"))
	s.store(good, bad)
	s.people = panicking{s.town}
	results := s.handleAll(t.Context(), []queue.Message{ticket(bad), ticket(good)})
	if results[0] == nil || results[1] != nil {
		t.Errorf("results %v", results)
	}
	s.want(good, outbox.Sent, 1, 0)
	s.want(bad, outbox.Claimed, 1, 0)
}

type panicking struct{ *town }

func (p panicking) List(ctx context.Context, member string) ([]catalog.Contact, error) {
	if member == "bob" {
		panic("bob")
	}
	return p.town.List(ctx, member)
}

// TestSlowProviderHoldsUpNobody: the messages of a batch go out at once, and
// a send ends before the function does, so that its result is recorded.
func TestSlowProviderHoldsUpNobody(t *testing.T) {
	s := newStage(t)
	slow := message(func(m *outbox.Message) { m.Contact = "phone" })
	quick := message(to("bob"))
	s.store(slow, quick)
	s.push.after = func() { time.Sleep(1500 * time.Millisecond) }
	ctx, cancel := context.WithTimeout(t.Context(), recordWithin+500*time.Millisecond)
	defer cancel()
	begin := time.Now()
	for i, err := range s.handleAll(ctx, []queue.Message{ticket(slow), ticket(quick)}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	s.push.mu.Lock() // its handler still runs
	defer s.push.mu.Unlock()
	s.want(quick, outbox.Sent, 1, 1)
	if got := s.stored(slow); got.Results[0].Kind != "unknown" || time.Since(begin) > 3*time.Second {
		t.Errorf("%+v after %v", got.Results, time.Since(begin))
	}
}

// TestOpen: every variable that is missing is named.
func TestOpen(t *testing.T) {
	full := map[string]string{
		"AWS_REGION": "us-east-1", "EVENTS_TABLE": "e", "CONFIG_TABLE": "c", "LEDGER_TABLE": "l", "MESSAGES_QUEUE_URL": "http://q", "SWEEPS_QUEUE_URL": "http://s",
		"PUBLIC_URL": "https://t.example.com", "LINK_KEYS_PARAMETER": "/keys", "MAIL_FROM": "a@example.com",
	}
	s := newStage(t)
	for missing := range full {
		_, err := open(s.log, func(name string) (string, bool) {
			if name == missing {
				return "", false
			}
			v, ok := full[name]
			return v, ok
		})
		if err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	if _, err := open(s.log, func(name string) (string, bool) { v, ok := full[name]; return v, ok }); err != nil {
		t.Error(err)
	}
}
