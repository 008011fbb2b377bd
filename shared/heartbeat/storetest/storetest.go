// Package storetest holds what every engine under a [heartbeat.Store] and the
// [heartbeat.Teller] over it must do.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/shared/clock"
	"tocsin/shared/ddb"
	"tocsin/shared/fault"
	"tocsin/shared/heartbeat"
	"tocsin/shared/plan"
)

// TestStoreSuite runs the suite on an empty table that has the index of
// deadlines.
func TestStoreSuite(t *testing.T, table ddb.Table) {
	for _, c := range []struct {
		name string
		test func(*world)
	}{
		{"what is created is found by id and key", testCreated},
		{"what is not valid is not created", testNotValid},
		{"nothing is missed before the first ping", testNeverArmed},
		{"a ping of an old definition is refused with the new one", testOldDefinition},
		{"a miss is told once", testMissed},
		{"a miss is read again before it counts", testPingedMeanwhile},
		{"a miss that was not sent is sent under the same id", testLostSend},
		{"a miss whose answer was lost is sent under the same id", testLostAnswer},
		{"a miss that many find is told as one", testManyFind},
		{"a recovery is told once", testRecovered},
		{"a recovery that was not sent is sent by whoever comes next", testLostRecovery},
		{"a ping that comes while a miss is sent recovers it", testPingWhileSending},
		{"a failure is told at each report and recovers by success", testFailed},
		{"a failure that was not sent is found by the sweeper", testLostFailure},
		{"a run that does not end is a miss", testRun},
		{"what is down and starts again can be missed again", testMissedAgain},
		{"pausing ends the alert, and resuming awaits anew", testPaused},
		{"a new expectation counts from its change", testUpdated},
		{"two keys are valid while a job changes over", testKeys},
		{"what is removed is gone, and its alert ends", testRemoved},
		{"a run that starts again and again is missed", testStartsAgain},
		{"what a job sends along is kept without its secrets", testRedacted},
		{"what is spared is awaited anew", testSpared},
		{"the path is written by one", testPath},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.test(newWorld(t, table))
		})
	}
}

var nine = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

var worlds = 0

// world is a store with a clock and a queue that remembers.
type world struct {
	t      *testing.T
	table  ddb.Table
	store  *heartbeat.Store
	teller heartbeat.Teller
	prefix string
	at     time.Time

	mu       sync.Mutex
	sent     []heartbeat.Report
	all      []heartbeat.Report
	refuse   error
	swallow  error // the answer of a send that succeeded
	whenSend func()
}

func newWorld(t *testing.T, table ddb.Table) *world {
	worlds++
	// Worlds share the table: each has a month of its own, and ids.
	w := &world{t: t, table: table, store: &heartbeat.Store{Table: table}, prefix: fmt.Sprintf("w%d-", worlds), at: nine.AddDate(0, worlds, 0)}
	w.teller = heartbeat.Teller{Store: w.store, Send: w.send}
	return w
}

func (w *world) send(_ context.Context, r heartbeat.Report) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if when := w.whenSend; when != nil {
		w.whenSend = nil
		when()
	}
	if w.refuse != nil {
		return w.refuse
	}
	w.sent, w.all = append(w.sent, r), append(w.all, r)
	return w.swallow
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func every(n int) heartbeat.Expectation {
	return heartbeat.Expectation{Every: plan.Duration(time.Duration(n) * time.Minute), Grace: plan.Duration(time.Minute)}
}

func (w *world) create(id string, e heartbeat.Expectation) (heartbeat.ID, string) {
	w.t.Helper()
	h, key, err := w.store.Create(w.t.Context(), heartbeat.Definition{ID: heartbeat.ID(w.prefix + id), Name: id, Expectation: e}, w.at)
	w.ok(err)
	return h.ID, key
}

func (w *world) get(id heartbeat.ID) heartbeat.Heartbeat {
	w.t.Helper()
	h, err := w.store.Get(w.t.Context(), id)
	w.ok(err)
	return h
}

// write takes a ping and settles nothing, as a function that dies.
func (w *world) write(id heartbeat.ID, word string) heartbeat.Heartbeat {
	w.t.Helper()
	p, err := heartbeat.ParsePing(word)
	w.ok(err)
	h, err := w.store.Ping(w.t.Context(), w.get(id), p, w.at)
	w.ok(err)
	return h
}

// ping takes a ping and settles what it finds.
func (w *world) ping(id heartbeat.ID, word string) {
	w.t.Helper()
	w.settle(w.write(id, word))
}

func (w *world) settle(h heartbeat.Heartbeat) {
	w.t.Helper()
	_, _, err := w.teller.Settle(w.t.Context(), h, w.at)
	w.ok(err)
}

// sweep settles what stands in the index at this instant.
func (w *world) sweep() {
	w.t.Helper()
	for _, kind := range []string{heartbeat.DueKind, heartbeat.OwedKind} {
		for _, id := range w.due(kind) {
			w.settle(w.get(id))
		}
	}
}

// due lists the entries of this world that are overdue in the index.
func (w *world) due(kind string) (ids []heartbeat.ID) {
	w.t.Helper()
	items, err := w.table.Due(w.t.Context(), kind, clock.Format(w.at), 1000)
	w.ok(err)
	for _, item := range items {
		_, id, _ := strings.Cut(ddb.Text(item, ddb.PK), "#")
		if strings.HasPrefix(id, w.prefix) {
			ids = append(ids, heartbeat.ID(id))
		}
	}
	return ids
}

func (w *world) pass(d time.Duration) *world { w.at = w.at.Add(d); return w }

// told fails the test unless these kinds were sent since it was last asked, and
// all reports so far have rising times. It returns them.
func (w *world) told(kinds ...heartbeat.Kind) []heartbeat.Report {
	w.t.Helper()
	sent := w.sent
	w.sent = nil
	var got []heartbeat.Kind
	for _, r := range sent {
		got = append(got, r.Kind)
	}
	if !slices.Equal(got, kinds) {
		w.t.Fatalf("told %q, want %q", got, kinds)
	}
	for i := 1; i < len(w.all); i++ {
		if a, b := w.all[i-1], w.all[i]; a.ID != b.ID && !b.At.After(a.At) {
			w.t.Errorf("%s is of %s, not after %s of %s", b.ID, b.At, a.ID, a.At)
		}
	}
	return sent
}

func (w *world) in(id heartbeat.ID, want heartbeat.State) heartbeat.Heartbeat {
	w.t.Helper()
	h := w.get(id)
	if h.State() != want {
		w.t.Fatalf("it is %s, want %s", h.State(), want)
	}
	return h
}

func testCreated(w *world) {
	id, key := w.create("a", every(5))
	h, err := w.store.ByKey(w.t.Context(), key)
	if err != nil || h.ID != id || h.State() != heartbeat.New {
		w.t.Errorf("by key %+v, %v", h, err)
	}
	for _, wrong := range []string{"", "th_", key[:len(key)-1], key + "x", "tk_" + key[3:]} {
		if _, err := w.store.ByKey(w.t.Context(), wrong); !errors.Is(err, heartbeat.ErrRefused) {
			w.t.Errorf("by key %q: %v", wrong, err)
		}
	}
	if _, err := w.store.Get(w.t.Context(), "nobody"); !fault.Is(err, fault.NotFound) {
		w.t.Errorf("nobody: %v", err)
	}
	if _, _, err := w.store.Create(w.t.Context(), h.Definition, w.at); !errors.Is(err, heartbeat.ErrExists) {
		w.t.Errorf("created twice: %v", err)
	}
	chosen, _, err := w.store.Create(w.t.Context(), heartbeat.Definition{Name: "b", Expectation: every(5)}, w.at)
	w.ok(err)
	listed, err := w.store.List(w.t.Context())
	w.ok(err)
	for _, want := range []heartbeat.ID{id, chosen.ID} {
		if !slices.ContainsFunc(listed, func(h heartbeat.Heartbeat) bool { return h.ID == want }) {
			w.t.Errorf("%s is not listed", want)
		}
	}
}

func testNotValid(w *world) {
	for _, d := range []heartbeat.Definition{
		{ID: "Not A Slug", Name: "a", Expectation: every(5)}, {ID: "x", Expectation: every(5)}, {ID: "x", Name: "a"},
		{ID: "x", Name: "a", Severity: "bad", Expectation: every(5)}, {ID: "x", Name: "a\nb", Expectation: every(5)}, {ID: "x", Name: " ", Expectation: every(5)},
		{ID: "x", Name: "a", RedactFields: []string{"a..b"}, Expectation: every(5)}, {ID: "x", Name: "a", RedactPatterns: []string{"("}, Expectation: every(5)},
	} {
		if _, _, err := w.store.Create(w.t.Context(), d, w.at); !fault.Is(err, fault.Invalid) {
			w.t.Errorf("%+v: %v", d, err)
		}
	}
}

func testNeverArmed(w *world) {
	id, _ := w.create("a", every(5))
	w.pass(24 * time.Hour).sweep()
	w.told()
	w.in(id, heartbeat.New)
	w.ping(id, "")
	if h := w.in(id, heartbeat.Up); !h.Deadline.Equal(w.at.Add(6*time.Minute)) || !h.LastPing.Equal(w.at) {
		w.t.Errorf("deadline %s after %s", h.Deadline, h.LastPing)
	}
	w.pass(6*time.Minute - time.Millisecond).sweep()
	w.told()
}

func testOldDefinition(w *world) {
	id, _ := w.create("a", every(5))
	before := w.get(id)
	_, err := w.store.Update(w.t.Context(), id, w.at, func(d *heartbeat.Definition) { d.Expectation = every(60) })
	w.ok(err)
	p, err := heartbeat.ParsePing("")
	w.ok(err)
	found, err := w.store.Ping(w.t.Context(), before, p, w.at)
	if !fault.Is(err, fault.Conflict) {
		w.t.Fatalf("pinged by an old definition: %+v, %v", found, err)
	}
	after, err := w.store.Ping(w.t.Context(), found, p, w.at)
	if err != nil || !after.Deadline.Equal(w.at.Add(61*time.Minute)) {
		w.t.Errorf("pinged %+v, %v", after, err)
	}
}

// down is a heartbeat whose miss was told.
func (w *world) down() heartbeat.ID {
	w.t.Helper()
	id, _ := w.create("a", every(5))
	w.ping(id, "")
	w.pass(7 * time.Minute).sweep()
	w.told(heartbeat.Missed)
	return id
}

func testMissed(w *world) {
	id, _ := w.create("a", every(5))
	w.ping(id, "")
	deadline := w.get(id).Deadline
	w.pass(6 * time.Minute).sweep()
	r := w.told(heartbeat.Missed)[0]
	if r.Alert.Episode != clock.Format(deadline) || !r.At.Equal(w.at) {
		w.t.Errorf("told %+v", r)
	}
	w.in(id, heartbeat.Down)
	for range 3 {
		if due := w.pass(time.Hour).due(heartbeat.DueKind); len(due) > 0 {
			w.t.Errorf("it is due again")
		}
		w.sweep()
	}
	w.told()
}

func testPingedMeanwhile(w *world) {
	id, _ := w.create("a", every(5))
	w.ping(id, "")
	w.pass(10 * time.Minute)
	late := w.get(id)
	w.ping(id, "")
	w.settle(late)
	w.told()
	w.in(id, heartbeat.Up)
}

func testLostSend(w *world) {
	id, _ := w.create("a", every(5))
	w.ping(id, "")
	w.pass(7 * time.Minute)
	w.refuse = errors.New("throttled")
	if _, _, err := w.teller.Settle(w.t.Context(), w.get(id), w.at); err == nil {
		w.t.Error("a send that failed is no error")
	}
	w.refuse = nil
	first := w.at
	w.pass(59 * time.Second).sweep()
	w.told()
	w.pass(time.Second).sweep()
	if r := w.told(heartbeat.Missed)[0]; !r.At.Equal(first) {
		w.t.Errorf("told as of %s, found at %s", r.At, first)
	}
	w.pass(time.Hour).sweep()
	w.told()
}

func testLostAnswer(w *world) {
	id, _ := w.create("a", every(5))
	w.ping(id, "")
	w.pass(7 * time.Minute)
	w.swallow = errors.New("connection reset")
	if _, _, err := w.teller.Settle(w.t.Context(), w.get(id), w.at); err == nil {
		w.t.Error("a lost answer is no error")
	}
	w.swallow = nil
	w.pass(time.Minute).sweep()
	if r := w.told(heartbeat.Missed, heartbeat.Missed); r[0].ID != r[1].ID || !r[0].At.Equal(r[1].At) {
		w.t.Errorf("told %s and %s", r[0].ID, r[1].ID)
	}
}

func testManyFind(w *world) {
	id, _ := w.create("a", every(5))
	w.ping(id, "")
	w.pass(7 * time.Minute)
	var all sync.WaitGroup
	h := w.get(id)
	for range 8 {
		all.Go(func() { w.settle(h) })
	}
	all.Wait()
	ids := map[string]bool{}
	for _, r := range w.all {
		ids[r.ID] = true
	}
	if len(ids) != 1 {
		w.t.Errorf("told %v", ids)
	}
}

func testRecovered(w *world) {
	id := w.down()
	w.pass(time.Hour).ping(id, "success")
	w.told(heartbeat.Recovered)
	w.in(id, heartbeat.Up)
	w.pass(time.Minute).ping(id, "")
	w.told()
	w.pass(time.Hour).sweep()
	w.told(heartbeat.Missed)
}

func testLostRecovery(w *world) {
	id := w.down()
	w.pass(time.Hour)
	h := w.write(id, "")
	w.swallow = errors.New("connection reset")
	if _, _, err := w.teller.Settle(w.t.Context(), h, w.at); err == nil {
		w.t.Error("a lost answer is no error")
	}
	w.swallow = nil
	w.pass(time.Minute).ping(id, "")
	if r := w.told(heartbeat.Recovered, heartbeat.Recovered); r[0].ID != r[1].ID {
		w.t.Errorf("told %s and %s", r[0].ID, r[1].ID)
	}
	w.pass(time.Hour).sweep()
	w.told(heartbeat.Missed)
	w.write(id, "") // and nobody tells, until the sweeper finds it silent again
	w.pass(time.Hour).sweep()
	w.told(heartbeat.Recovered, heartbeat.Missed)
}

func testPingWhileSending(w *world) {
	id, _ := w.create("a", every(5))
	w.ping(id, "")
	w.pass(7 * time.Minute)
	w.whenSend = func() { w.write(id, "") }
	w.sweep()
	w.told(heartbeat.Missed, heartbeat.Recovered)
	w.in(id, heartbeat.Up)
}

func testFailed(w *world) {
	id, _ := w.create("a", every(5))
	w.ping(id, "3")
	first := w.told(heartbeat.Failed)[0]
	if h := w.in(id, heartbeat.Failing); h.ExitCode != 3 || !h.Deadline.Equal(w.at.Add(6*time.Minute)) {
		w.t.Errorf("it is %+v", h)
	}
	w.pass(time.Minute).ping(id, "fail")
	if again := w.told(heartbeat.Failed)[0]; again.ID == first.ID || again.Alert.Episode != first.Alert.Episode {
		w.t.Errorf("told %+v, then %+v", first, again)
	}
	w.pass(time.Hour).sweep() // and then it is silent
	w.told(heartbeat.Missed)
	w.in(id, heartbeat.Down)
	w.ping(id, "0")
	w.told(heartbeat.Recovered)
	if h := w.in(id, heartbeat.Up); h.ExitCode != 0 || h.Output != "" {
		w.t.Errorf("it is %+v", h)
	}
}

func testLostFailure(w *world) {
	id, _ := w.create("a", every(5))
	w.write(id, "1")
	w.pass(59 * time.Second).sweep()
	w.told()
	w.pass(time.Second).sweep()
	w.told(heartbeat.Failed)
	w.pass(4 * time.Minute).sweep()
	w.told()
	w.pass(time.Minute).sweep()
	w.told(heartbeat.Missed)
	w.in(id, heartbeat.Down)
}

func testRun(w *world) {
	id, _ := w.create("a", heartbeat.Expectation{Cron: "0 9 * * *", Grace: plan.Duration(10 * time.Minute), MaxRun: plan.Duration(time.Hour)})
	w.ping(id, "start")
	if h := w.in(id, heartbeat.Running); !h.Deadline.Equal(w.at.Add(time.Hour)) {
		w.t.Errorf("deadline %s", h.Deadline)
	}
	w.pass(30*time.Minute).ping(id, "success")
	if h := w.in(id, heartbeat.Up); h.Deadline.Sub(w.at) != 23*time.Hour+40*time.Minute {
		w.t.Errorf("deadline %s", h.Deadline)
	}
	w.ping(id, "start")
	w.pass(time.Hour).sweep()
	if r := w.told(heartbeat.Missed)[0]; !strings.Contains(r.Alert.Title, "did not finish") {
		w.t.Errorf("told %s", r.Alert.Title)
	}
}

func testStartsAgain(w *world) {
	id, _ := w.create("a", heartbeat.Expectation{Every: plan.Duration(5 * time.Minute), Grace: plan.Duration(time.Minute), MaxRun: plan.Duration(10 * time.Minute)})
	w.ping(id, "")
	w.ping(id, "start")
	first := w.at
	for range 4 {
		w.pass(150*time.Second-time.Millisecond).ping(id, "start")
		w.sweep()
		w.told()
	}
	if h := w.in(id, heartbeat.Running); !h.Started.Equal(first) || !h.Deadline.Equal(first.Add(10*time.Minute)) {
		w.t.Errorf("started %s, deadline %s", h.Started, h.Deadline)
	}
	w.pass(time.Second).sweep()
	if r := w.told(heartbeat.Missed)[0]; !strings.Contains(r.Alert.Title, "a did not finish: started "+first.Format("15:04")) {
		w.t.Errorf("told %s", r.Alert.Title)
	}
	w.pass(time.Minute).ping(id, "start")
	if h := w.in(id, heartbeat.Down); !h.Started.Equal(w.at) || !h.Deadline.Equal(w.at.Add(10*time.Minute)) {
		w.t.Errorf("started %s, deadline %s", h.Started, h.Deadline)
	}
	w.pass(time.Minute).ping(id, "success")
	w.told(heartbeat.Recovered)
	w.ping(id, "start")
	if h := w.get(id); !h.Deadline.Equal(w.at.Add(10 * time.Minute)) {
		w.t.Errorf("deadline %s", h.Deadline)
	}
}

func testRedacted(w *world) {
	id, _ := w.create("a", every(5))
	_, err := w.store.Update(w.t.Context(), id, w.at, func(d *heartbeat.Definition) {
		d.RedactFields, d.RedactPatterns = []string{"password"}, []string{`sk_[a-z]+`}
	})
	w.ok(err)
	p, err := heartbeat.ParsePing("fail")
	w.ok(err)
	for sent, kept := range map[string]string{
		"login password=hush with sk_live":                       "login password=[redacted] with [redacted]",
		`{"password":"hush","n":1}`:                              `{"password":"[redacted]","n":1}`,
		"password=" + strings.Repeat("x", heartbeat.MaxOutput+5): "password=[redacted]",
	} {
		p.Output = sent
		h, err := w.store.Ping(w.t.Context(), w.get(id), p, w.at)
		w.ok(err)
		if h.Output != kept {
			w.t.Errorf("kept %.60q, want %q", h.Output, kept)
		}
	}
}

func testMissedAgain(w *world) {
	id := w.down()
	w.pass(time.Minute).ping(id, "start")
	w.told()
	w.in(id, heartbeat.Down)
	w.pass(time.Minute).sweep()
	w.told(heartbeat.Missed)
	w.ping(id, "0")
	w.told(heartbeat.Recovered)
}

func testPaused(w *world) {
	id := w.down()
	_, err := w.store.Update(w.t.Context(), id, w.at, func(d *heartbeat.Definition) { d.Paused = true })
	w.ok(err)
	w.in(id, heartbeat.Paused)
	w.sweep()
	w.told(heartbeat.Recovered)
	w.pass(time.Hour).ping(id, "fail")
	w.pass(time.Hour).sweep()
	w.told()
	_, err = w.store.Update(w.t.Context(), id, w.at, func(d *heartbeat.Definition) { d.Paused = false })
	w.ok(err)
	if h := w.in(id, heartbeat.Up); !h.Deadline.Equal(w.at.Add(6 * time.Minute)) {
		w.t.Errorf("deadline %s", h.Deadline)
	}
	w.pass(6 * time.Minute).sweep()
	w.told(heartbeat.Missed)
}

func testUpdated(w *world) {
	id, _ := w.create("a", every(600))
	w.ping(id, "")
	w.pass(5 * time.Hour)
	h, err := w.store.Update(w.t.Context(), id, w.at, func(d *heartbeat.Definition) {
		d.Expectation, d.ID, d.KeyHashes = every(5), "other", nil
	})
	if err != nil || h.ID != id || len(h.KeyHashes) != 1 || !h.Deadline.Equal(w.at.Add(6*time.Minute)) {
		w.t.Errorf("updated %+v, %v", h, err)
	}
	if _, err := w.store.Update(w.t.Context(), id, w.at, func(d *heartbeat.Definition) { d.Cron = "never" }); !fault.Is(err, fault.Invalid) {
		w.t.Errorf("updated to what is not valid: %v", err)
	}
	down := w.down2(id)
	h, err = w.store.Update(w.t.Context(), down, w.at, func(d *heartbeat.Definition) { d.Expectation = every(7) })
	if err != nil || h.State() != heartbeat.Down || !h.Deadline.IsZero() {
		w.t.Errorf("updated %+v, %v", h, err)
	}
}

// down2 lets a heartbeat that is awaited fall silent.
func (w *world) down2(id heartbeat.ID) heartbeat.ID {
	w.t.Helper()
	w.pass(time.Hour).sweep()
	w.told(heartbeat.Missed)
	return id
}

func testKeys(w *world) {
	id, first := w.create("a", every(5))
	valid := func(keys map[string]bool) {
		w.t.Helper()
		for key, want := range keys {
			if _, err := w.store.ByKey(w.t.Context(), key); (err == nil) != want {
				w.t.Errorf("valid %t, want %t: %v", !want, want, err)
			}
		}
	}
	rotate := func() string {
		w.t.Helper()
		_, key, err := w.store.RotateKey(w.t.Context(), id, w.at)
		w.ok(err)
		return key
	}
	second := rotate()
	valid(map[string]bool{first: true, second: true})
	third := rotate()
	valid(map[string]bool{first: false, second: true, third: true})
	_, err := w.store.RetireKey(w.t.Context(), id, w.at)
	w.ok(err)
	valid(map[string]bool{second: false, third: true})
}

func testRemoved(w *world) {
	id, key := w.create("up", every(5))
	w.ping(id, "")
	stale := w.get(id)
	w.ok(w.store.Remove(w.t.Context(), id, w.at))
	p, err := heartbeat.ParsePing("")
	w.ok(err)
	if _, err := w.store.Ping(w.t.Context(), stale, p, w.at); !errors.Is(err, heartbeat.ErrRefused) {
		w.t.Errorf("pinged: %v", err)
	}
	if _, err := w.store.ByKey(w.t.Context(), key); !errors.Is(err, heartbeat.ErrRefused) {
		w.t.Errorf("by key: %v", err)
	}
	if again, _ := w.create("up", every(5)); again != id {
		w.t.Errorf("created %s", again)
	}

	down := w.down()
	stale = w.get(down)
	w.ok(w.store.Remove(w.t.Context(), down, w.at))
	if err := w.store.Remove(w.t.Context(), down, w.at); !fault.Is(err, fault.NotFound) {
		w.t.Errorf("removed twice: %v", err)
	}
	if _, err := w.store.Ping(w.t.Context(), stale, p, w.at); !errors.Is(err, heartbeat.ErrRefused) {
		w.t.Errorf("pinged: %v", err)
	}
	w.pass(time.Minute).sweep()
	w.told(heartbeat.Recovered)
	w.pass(time.Hour).sweep()
	w.told()
	listed, err := w.store.List(w.t.Context())
	w.ok(err)
	if slices.ContainsFunc(listed, func(h heartbeat.Heartbeat) bool { return h.ID == down }) {
		w.t.Errorf("%s is listed", down)
	}
}

func testSpared(w *world) {
	id, _ := w.create("a", every(5))
	w.ping(id, "")
	stale := w.get(id)
	w.pass(2*time.Minute).ping(id, "")
	if err := w.store.Spare(w.t.Context(), stale, w.at); !fault.Is(err, fault.Conflict) {
		w.t.Errorf("spared as it was before its ping: %v", err)
	}
	w.pass(7 * time.Minute)
	w.ok(w.store.Spare(w.t.Context(), w.get(id), w.at))
	if h := w.in(id, heartbeat.Up); !h.Deadline.Equal(w.at.Add(6*time.Minute)) || !h.Spared.Equal(w.at) {
		w.t.Errorf("spared %+v", h)
	}
	w.sweep()
	w.told()
	w.pass(time.Minute).ping(id, "start")
	if h := w.get(id); !h.Spared.IsZero() {
		w.t.Errorf("pinged %+v", h)
	}
}

func testPath(w *world) {
	none, err := w.store.Path(w.t.Context())
	w.ok(err)
	broken := heartbeat.Path{Since: w.at, At: w.at, Lost: 7}
	w.ok(w.store.SetPath(w.t.Context(), none, broken))
	if err := w.store.SetPath(w.t.Context(), none, heartbeat.Path{Since: w.at.Add(time.Hour), At: w.at.Add(time.Hour)}); !fault.Is(err, fault.Conflict) {
		w.t.Errorf("broken twice: %v", err)
	}
	told := heartbeat.Path{Since: w.at, At: w.at, Lost: 7, Told: true}
	w.ok(w.store.SetPath(w.t.Context(), broken, told))
	if got, err := w.store.Path(w.t.Context()); err != nil || got != told {
		w.t.Errorf("stored %+v, %v", got, err)
	}
	w.ok(w.store.SetPath(w.t.Context(), told, heartbeat.Path{}))
	if got, err := w.store.Path(w.t.Context()); err != nil || got != (heartbeat.Path{}) {
		w.t.Errorf("stored %+v, %v", got, err)
	}
}
