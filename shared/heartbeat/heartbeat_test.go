package heartbeat

import (
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/fault"
)

var nine = utc("2026-03-01T09:00:00Z")

func TestParsePing(t *testing.T) {
	for word, want := range map[string]Ping{
		"": {}, "success": {}, "0": {}, "start": {signal: start}, "fail": {signal: fail},
		"1": {signal: fail, exitCode: 1}, "255": {signal: fail, exitCode: 255},
	} {
		if got, err := ParsePing(word); err != nil || got != want {
			t.Errorf("%q is %+v, %v; want %+v", word, got, err, want)
		}
	}
	for _, word := range []string{"256", "-1", "+1", "1.0", "Fail", "0x1", "stop", " 1"} {
		if got, err := ParsePing(word); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q is %+v, %v", word, got, err)
		}
	}
}

func TestState(t *testing.T) {
	later := nine.Add(time.Minute)
	for _, c := range []struct {
		want State
		of   Heartbeat
	}{
		{New, Heartbeat{}},
		{Up, Heartbeat{LastPing: nine, Deadline: later}},
		{Running, Heartbeat{LastPing: nine, Started: nine, Deadline: later}},
		{Down, Heartbeat{LastPing: nine, Missed: later}},
		{Down, Heartbeat{LastPing: nine, Missed: later, Started: later, RunBy: later, Deadline: later}},
		{Failing, Heartbeat{LastPing: nine, Failed: nine, Deadline: later}},
		{Failing, Heartbeat{LastPing: nine, Failed: nine, Missed: nine, Deadline: later}},
		{Down, Heartbeat{LastPing: nine, Failed: nine, Missed: later}},
		{Up, Heartbeat{LastPing: nine, Missed: nine, Heard: true, Deadline: later}},
		{Paused, Heartbeat{Definition: Definition{Paused: true}, LastPing: nine, Missed: later}},
	} {
		if got := c.of.State(); got != c.want {
			t.Errorf("%+v is %s, want %s", c.of, got, c.want)
		}
	}
}

func TestWhatIsToldNext(t *testing.T) {
	for _, c := range []struct {
		name string
		of   Heartbeat
		want Kind
	}{
		{"never armed", Heartbeat{}, ""},
		{"in time", Heartbeat{LastPing: nine, Deadline: nine.Add(time.Millisecond)}, ""},
		{"at its deadline", Heartbeat{LastPing: nine, Deadline: nine}, Missed},
		{"paused at its deadline", Heartbeat{Definition: Definition{Paused: true}, Deadline: nine}, ""},
		{"miss not told", Heartbeat{Missed: nine, Owed: Missed}, Missed},
		{"failure not told, and overdue", Heartbeat{Failed: nine, Owed: Failed, Deadline: nine}, Failed},
		{"down", Heartbeat{Missed: nine}, ""},
		{"heard since", Heartbeat{Missed: nine, Heard: true}, Recovered},
		{"heard before the miss was told", Heartbeat{Missed: nine, Owed: Missed, Heard: true, Deadline: nine}, Recovered},
		{"down and paused", Heartbeat{Definition: Definition{Paused: true}, Missed: nine}, Recovered},
		{"failed and removed", Heartbeat{Removed: true, Failed: nine}, Recovered},
	} {
		if got := c.of.next(nine); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestReports(t *testing.T) {
	h := Heartbeat{
		Definition: Definition{ID: "backup", Name: "Nightly backup", Service: "shop", Expectation: Expectation{Every: minutes(5)}},
		LastPing:   nine.Add(3 * time.Minute), Deadline: nine.Add(13 * time.Minute),
	}
	told := func(r Report, title string, status alert.Status, episode time.Time) {
		t.Helper()
		a := r.Alert
		if a.Title != title || a.Status != status || a.DedupKey != "heartbeat:backup" || a.Source != "heartbeat" || !a.StartedAt.Equal(episode) || r.Service != "shop" {
			t.Errorf("told %+v", r)
		}
	}
	down := h.missed(nine.Add(14 * time.Minute))
	silent := down.report()
	told(silent, "Nightly backup is silent: expected every 5m, last heard 09:03 UTC", alert.Firing, down.Missed)
	if !silent.At.Equal(nine.Add(14*time.Minute)) || silent.Alert.Severity != alert.Error || silent.Alert.Episode != "2026-03-01T09:13:00.000Z" {
		t.Errorf("told %+v", silent)
	}
	old := h
	old.LastPing = nine.Add(-48 * time.Hour)
	old = old.missed(nine.Add(14 * time.Minute))
	told(old.report(), "Nightly backup is silent: expected every 5m, last heard 2026-02-27 09:00 UTC", alert.Firing, old.Missed)
	run := h
	run.Started = nine
	run = run.missed(nine.Add(14 * time.Minute))
	told(run.report(), "Nightly backup did not finish: started 09:00 UTC, expected to end by 09:13 UTC", alert.Firing, run.Missed)

	failed := h
	failed.Failed, failed.Owed, failed.OwedAt, failed.ExitCode, failed.Severity = nine, Failed, nine, 3, alert.Critical
	failed.Output = strings.Repeat("é", 2000) + " disk full"
	r := failed.report()
	told(r, "Nightly backup failed with exit code 3", alert.Firing, nine)
	if d := r.Alert.Description; len(d) > alert.MaxDescription || !strings.HasSuffix(d, " disk full") || !strings.HasPrefix(d, "é") || r.Output != failed.Output || r.Alert.Severity != alert.Critical {
		t.Errorf("described by %d bytes: %.20q", len(d), d)
	}
	failed.ToldAt = nine.Add(time.Second) // by a machine whose clock is ahead
	if r := failed.report(); !r.At.After(failed.ToldAt) {
		t.Errorf("told at %s, before the last", r.At)
	}

	back := down.recovery(nine.Add(-time.Hour)) // by a machine whose clock is behind
	told(back, "Nightly backup is heard again", alert.Resolved, time.Time{})
	if !back.At.After(silent.At) {
		t.Errorf("recovered at %s, told at %s", back.At, silent.At)
	}
	if again := down.recovery(nine.Add(time.Hour)); again.ID != back.ID {
		t.Errorf("recovered as %s and %s", back.ID, again.ID)
	}
	down.Paused = true
	told(down.recovery(nine), "Nightly backup is paused", alert.Resolved, time.Time{})
}
