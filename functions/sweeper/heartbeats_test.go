package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
	"tocsin/shared/intake"
	"tocsin/shared/plan"
	"tocsin/tests/fakes/account"
)

// beating creates heartbeats that are expected every five minutes, with one of
// grace, and pings them.
func (y *yard) beating(names ...string) {
	y.T.Helper()
	y.beatingEvery(5*time.Minute, time.Minute, names...)
}

func (y *yard) beatingEvery(every, grace time.Duration, names ...string) {
	y.T.Helper()
	for _, name := range names {
		_, _, err := y.heartbeats.Store.Create(y.T.Context(), heartbeat.Definition{
			ID: heartbeat.ID(name), Name: name, Service: "shop",
			Expectation: heartbeat.Expectation{Every: plan.Duration(every), Grace: plan.Duration(grace)},
		}, y.at)
		if err != nil {
			y.T.Fatal(err)
		}
	}
	y.ping(names...)
}

// ping pings heartbeats as their function does.
func (y *yard) ping(names ...string) {
	y.T.Helper()
	for _, name := range names {
		h, err := y.heartbeats.Store.Get(y.T.Context(), heartbeat.ID(name))
		if err == nil {
			h, err = y.heartbeats.Store.Ping(y.T.Context(), h, heartbeat.Ping{}, y.at)
		}
		if err == nil {
			_, _, err = y.heartbeats.Settle(y.T.Context(), h, y.at)
		}
		if err != nil {
			y.T.Fatal(err)
		}
	}
}

// swept runs the schedule and returns the repairs that it handed out.
func (y *yard) swept() (b lambdaevents.SQSEvent) {
	y.T.Helper()
	y.told("schedule")
	for i, m := range y.Account.Sent(account.Sweeps) {
		b.Records = append(b.Records, lambdaevents.SQSMessage{MessageId: fmt.Sprint(i), Body: m.Body})
	}
	return b
}

// minute runs the schedule and the repairs that it hands out.
func (y *yard) minute() *yard {
	y.T.Helper()
	if b := y.swept(); len(b.Records) > 0 {
		if failed := y.failed(b); len(failed) > 0 {
			y.T.Fatalf("repairs %q failed", failed)
		}
	}
	return y
}

// deliveries returns what was put into the alerts queue since it was last asked.
func (y *yard) deliveries() (all []intake.Delivery) {
	y.T.Helper()
	for _, m := range y.Account.Sent(account.Alerts) {
		d, _, err := intake.Decode([]byte(m.Body))
		if err != nil {
			y.T.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// tells fails the test unless these were put into the alerts queue, as status
// and title.
func (y *yard) tells(want ...string) []intake.Delivery {
	y.T.Helper()
	var got []string
	all := y.deliveries()
	for _, d := range all {
		got = append(got, string(d.Items[0].Alert.Status)+" "+d.Items[0].Alert.Title)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		y.T.Fatalf("told\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	return all
}

const (
	backupSilent = "firing backup is silent: expected every 5m, last heard 19:02 UTC"
	backupBack   = "resolved backup is heard again"
	pathWorks    = "resolved heartbeats are arriving again"
)

// TestASilentHeartbeatIsTold: within 120 seconds of its deadline, once, and its
// recovery once.
func TestASilentHeartbeatIsTold(t *testing.T) {
	y := newYard(t)
	y.beating("backup")
	y.after(5*time.Minute + 59*time.Second).minute().tells()
	y.after(6 * time.Minute).minute()
	d := y.tells(backupSilent)[0]
	if a := d.Items[0].Alert; d.Integration != "heartbeat" || d.Source != "heartbeat" || d.Service != "shop" || a.DedupKey != "heartbeat:backup" ||
		a.Severity != alert.Error || !a.StartedAt.Equal(y.at) || !d.ReceivedAt.Equal(y.at) {
		t.Errorf("delivered %+v with %+v", d, a)
	}
	if counts := y.counts.String(); !strings.Contains(counts, `"HeartbeatsMissed":1`) || !strings.Contains(counts, `"Accepted":1`) {
		t.Errorf("counted %s", counts)
	}
	for m := 7; m < 10; m++ {
		y.after(time.Duration(m) * time.Minute).minute().tells()
	}
	y.ping("backup")
	y.tells(backupBack)
	y.after(14 * time.Minute).minute().tells()
	y.after(15 * time.Minute).minute().tells("firing backup is silent: expected every 5m, last heard 19:11 UTC")
}

// TestInvariant03AMissIsReadAgain: what the index says may be old, and a repair
// waits in a queue.
func TestInvariant03AMissIsReadAgain(t *testing.T) {
	y := newYard(t)
	y.beating("backup")
	y.after(6 * time.Minute)
	b := y.swept()
	if len(b.Records) != 1 {
		t.Fatalf("handed out %+v", b.Records)
	}
	y.ping("backup")
	if failed := y.failed(b); len(failed) > 0 {
		t.Errorf("failed %q", failed)
	}
	y.tells()
}

func TestAMissThatCannotBeSentIsToldLater(t *testing.T) {
	y := newYard(t)
	y.beating("backup")
	y.after(6 * time.Minute)
	b := y.swept()
	y.Account.Refuse("SendMessage", "AccessDeniedException")
	if failed := y.failed(b); len(failed) != 1 {
		t.Errorf("failed %q", failed)
	}
	y.Account.Refuse("SendMessage", "")
	y.after(7 * time.Minute).minute().tells(backupSilent)
	y.after(8 * time.Minute).minute().tells()
}

// names are n heartbeats, the first of them backup.
func names(n int) []string {
	all := []string{"backup"}
	for i := 1; i < n; i++ {
		all = append(all, fmt.Sprint("job-", i))
	}
	return all
}

// minutesUntil sweeps each minute until d after everything was opened. Each fifth,
// those that are named are pinged.
func (y *yard) minutesUntil(d time.Duration, alive ...string) *yard {
	y.T.Helper()
	for next := y.at.Sub(begin) + time.Minute; next <= d; next += time.Minute {
		if y.after(next); next%(5*time.Minute) == 0 {
			y.ping(alive...)
		}
		y.minute()
	}
	return y
}

// singly is that heartbeats of names are told one by one.
func singly(names []string, format string) []string {
	var all []string
	for _, name := range names {
		all = append(all, fmt.Sprintf(format, name))
	}
	slices.Sort(all)
	return all
}

// TestInvariant04AMassExpiryIsOneAlert: the guard counts before anything is
// handed out; when the path works again, what was not heard yet is awaited anew.
func TestInvariant04AMassExpiryIsOneAlert(t *testing.T) {
	y := newYard(t)
	y.beating(names(12)...)
	y.after(6 * time.Minute)
	if b := y.swept(); len(b.Records) > 0 {
		t.Errorf("handed out %+v", b.Records)
	}
	d := y.tells("firing heartbeats are not arriving: 12 of 12 are overdue")[0]
	if a := d.Items[0].Alert; a.Severity != alert.Critical || a.DedupKey != "heartbeats:path" || !strings.Contains(a.Description, "backup, job-1") {
		t.Errorf("told %+v", a)
	}
	y.minutesUntil(12 * time.Minute).tells()
	y.ping(names(12)[5:]...)
	y.tells()
	d = y.after(13 * time.Minute).minute().tells(pathWorks)[0]
	if text := d.Items[0].Alert.Description; text != "Not heard yet: backup, job-1, job-2, job-3, job-4." {
		t.Errorf("described by %q", text)
	}
	y.minutesUntil(18*time.Minute, names(12)[1:]...).tells() // four are heard when their turn comes
	y.after(19 * time.Minute).minute().tells("firing backup is silent: expected every 5m, last heard 19:02 UTC")
	y.minutesUntil(40*time.Minute, names(12)[1:]...).tells()
	y.ping("backup")
	y.tells(backupBack)
}

// TestInvariant04WhatFallsSilentLaterIsToldToo: in two waves. Each time that
// half as many again are lost is an episode of its own, which pages again if a
// person resolved the one before.
func TestInvariant04WhatFallsSilentLaterIsToldToo(t *testing.T) {
	y := newYard(t)
	y.beating(names(10)...)
	y.minutesUntil(16*time.Minute, names(10)[5:]...)
	first := y.tells("firing heartbeats are not arriving: 5 of 10 are overdue")[0]
	second := y.minutesUntil(22 * time.Minute).tells("firing heartbeats are not arriving: 10 of 10 are overdue")[0]
	if a, b := first.Items[0].Alert, second.Items[0].Alert; a.Episode == b.Episode || a.DedupKey != b.DedupKey || first.ID == second.ID {
		t.Errorf("told %+v, then %+v", a, b)
	}
	y.minutesUntil(65 * time.Minute).tells()
	y.minutesUntil(67 * time.Minute)
	if told := y.deliveries(); len(told) != 10 {
		t.Errorf("told %+v", told)
	}
}

// TestInvariant04TheGuardHoldsForABoundedTime: then misses are told one by one,
// as are those that come later, until pings arrive again.
func TestInvariant04TheGuardHoldsForABoundedTime(t *testing.T) {
	y := newYard(t)
	y.beating(names(6)...)
	y.beatingEvery(time.Hour, 30*time.Minute, "hourly")
	y.minutesUntil(65 * time.Minute).tells("firing heartbeats are not arriving: 6 of 6 are overdue")
	y.minutesUntil(66 * time.Minute).tells(singly(names(6), "firing %s is silent: expected every 5m, last heard 19:02 UTC")...)
	y.minutesUntil(100 * time.Minute).tells("firing hourly is silent: expected every 1h, last heard 19:02 UTC")
	y.ping("hourly")
	y.tells("resolved hourly is heard again")
	y.minutesUntil(101 * time.Minute).tells(pathWorks)
	y.minutesUntil(140 * time.Minute).tells()
}

// TestInvariant04HalfOfThemStayDead: the others go on, so that their path works
// after all; those that are dead are told when their turn does not come.
func TestInvariant04HalfOfThemStayDead(t *testing.T) {
	y := newYard(t)
	y.beating(names(10)...)
	y.minutesUntil(20*time.Minute, names(10)[5:]...).tells("firing heartbeats are not arriving: 5 of 10 are overdue")
	y.minutesUntil(25*time.Minute, names(10)[5:]...).tells(pathWorks)
	y.minutesUntil(40*time.Minute, names(10)[5:]...).tells(singly(names(5), "firing %s is silent: expected every 5m, last heard 19:02 UTC")...)
	y.minutesUntil(120*time.Minute, names(10)[5:]...).tells()
}

// TestInvariant04ADailyMissIsNotPutOff: until its next turn nobody would know.
func TestInvariant04ADailyMissIsNotPutOff(t *testing.T) {
	y := newYard(t)
	y.beatingEvery(24*time.Hour, time.Minute, "nightly")
	y.after(24*time.Hour - 5*time.Minute).beating(names(9)...)
	y.after(24*time.Hour + 2*time.Minute).minute().tells("firing heartbeats are not arriving: 10 of 10 are overdue")
	y.ping(names(9)...)
	y.after(24*time.Hour+3*time.Minute).minute().tells("firing nightly is silent: expected every 1d, last heard 2026-03-11 19:02 UTC", pathWorks)
}

// TestHeartbeatsOfManyPeriodsStopAtOnce: those that are rarely pinged say
// nothing about the path, until they are due themselves.
func TestHeartbeatsOfManyPeriodsStopAtOnce(t *testing.T) {
	y := newYard(t)
	y.beating(names(6)...)
	for i := range 7 {
		y.beatingEvery(24*time.Hour, time.Minute, fmt.Sprint("daily-", i))
		y.beatingEvery(time.Hour, time.Minute, fmt.Sprint("hourly-", i))
	}
	y.minutesUntil(30 * time.Minute).tells("firing heartbeats are not arriving: 6 of 6 are overdue")
	y.minutesUntil(61 * time.Minute).tells("firing heartbeats are not arriving: 13 of 13 are overdue")
}

// TestHeartbeatsThatStopOneByOne: those told before are of the same failure.
func TestHeartbeatsThatStopOneByOne(t *testing.T) {
	y := newYard(t)
	for m, name := range names(8) {
		y.after(time.Duration(m) * time.Minute).beating(name)
	}
	for m := 6; m < 10; m++ {
		y.after(time.Duration(m) * time.Minute).minute()
	}
	if told := y.deliveries(); len(told) != 4 {
		t.Errorf("%d told one by one", len(told))
	}
	y.after(10 * time.Minute).minute().tells("firing heartbeats are not arriving: 5 of 8 are overdue")
	y.minutesUntil(60 * time.Minute).tells("firing heartbeats are not arriving: 8 of 8 are overdue")
	y.minutesUntil(75 * time.Minute)
	if told := y.deliveries(); len(told) != 4 {
		t.Errorf("%d told after the hold", len(told))
	}
}

// TestFewHeartbeatsHaveNoGuard: four are told one by one, and so are five of
// many.
func TestFewHeartbeatsHaveNoGuard(t *testing.T) {
	y := newYard(t)
	y.beating(names(4)...)
	if told := y.after(6 * time.Minute).minute().deliveries(); len(told) != 4 {
		t.Errorf("%d told", len(told))
	}
	y = newYard(t)
	y.beating(names(11)...)
	y.after(4 * time.Minute)
	y.ping(names(11)[5:]...)
	if told := y.after(6 * time.Minute).minute().deliveries(); len(told) != 5 {
		t.Errorf("%d told", len(told))
	}
}

// TestABrokenPathThatCannotBeTold is told by the next sweep under the same id,
// and what else is overdue is repaired meanwhile.
func TestABrokenPathThatCannotBeTold(t *testing.T) {
	y := newYard(t).opened(nil)
	y.beating(names(6)...)
	y.after(6*time.Minute).Account.Refuse("SendMessage", "AccessDeniedException")
	if answer, err := y.invoke(y.File("schedule")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("answered %s, %v", answer, err)
	}
	if sent := y.Account.Sent(account.Sweeps); len(sent) != 1 {
		t.Errorf("sent %+v, want the event", sent)
	}
	y.Account.Refuse("SendMessage", "")
	first := y.at
	d := y.after(7 * time.Minute).minute().tells("firing heartbeats are not arriving: 6 of 6 are overdue")[0]
	if !d.ReceivedAt.Equal(first) {
		t.Errorf("received %s, found %s", d.ReceivedAt, first)
	}
	y.ping(names(6)...)
	y.Account.Refuse("SendMessage", "AccessDeniedException")
	if answer, err := y.invoke(y.File("schedule")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("answered %s, %v", answer, err)
	}
	y.Account.Refuse("SendMessage", "")
	y.after(8 * time.Minute).minute().tells(pathWorks)
	y.after(9 * time.Minute).minute().tells()
}

func TestRepairOfAHeartbeatThatIsGone(t *testing.T) {
	y := newYard(t)
	y.beating("backup")
	y.after(6 * time.Minute)
	b := y.swept()
	if err := y.heartbeats.Store.Remove(t.Context(), "backup", y.at); err != nil {
		t.Fatal(err)
	}
	if failed := y.failed(b); len(failed) > 0 {
		t.Errorf("failed %q", failed)
	}
	y.tells()
}
