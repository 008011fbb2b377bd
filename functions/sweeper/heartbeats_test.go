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
	for _, name := range names {
		_, _, err := y.heartbeats.Store.Create(y.T.Context(), heartbeat.Definition{
			ID: heartbeat.ID(name), Name: name, Service: "shop",
			Expectation: heartbeat.Expectation{Every: plan.Duration(5 * time.Minute), Grace: plan.Duration(time.Minute)},
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

// TestInvariant04AMassExpiryIsOneAlert: the guard counts before anything is
// handed out; when the path works again, what is still silent is told.
func TestInvariant04AMassExpiryIsOneAlert(t *testing.T) {
	y := newYard(t)
	y.beating(names(10)...)
	y.after(4 * time.Minute)
	y.ping(names(10)[6:]...)
	y.after(6 * time.Minute)
	if b := y.swept(); len(b.Records) > 0 {
		t.Errorf("handed out %+v", b.Records)
	}
	d := y.tells("firing heartbeats are not arriving: 6 of 10 are overdue")[0]
	if a := d.Items[0].Alert; a.Severity != alert.Critical || a.DedupKey != "heartbeats:path" || !strings.Contains(a.Description, "backup, job-1") {
		t.Errorf("told %+v", a)
	}
	y.after(7 * time.Minute).minute().tells()
	y.after(10 * time.Minute).minute().tells() // now all of them
	y.ping(names(10)[1:]...)
	y.tells()
	y.after(11*time.Minute).minute().tells(backupSilent, pathWorks)
	y.after(12 * time.Minute).minute().tells()
	y.ping("backup")
	y.tells(backupBack)
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
	if singly := y.deliveries(); len(singly) != 4 {
		t.Errorf("%d told one by one", len(singly))
	}
	y.after(10 * time.Minute).minute().tells("firing heartbeats are not arriving: 5 of 8 are overdue")
	for m := 11; m < 60; m++ {
		y.after(time.Duration(m) * time.Minute).minute().tells()
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
