package alert_test

import (
	"testing"
	"time"

	"tocsin/shared/alert"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func firing(episode string, s alert.Severity) alert.Alert {
	return alert.Alert{Status: alert.Firing, Episode: episode, Severity: s}
}

func resolved(episode string) alert.Alert {
	return alert.Alert{Status: alert.Resolved, Episode: episode}
}

// report is what ingest accepted at a minute.
type report struct {
	minute int
	alert  alert.Alert
}

// TestMeaning plays reports in the order in which a router sees them, which
// need not be that in which they were received.
func TestMeaning(t *testing.T) {
	const none, e1, e2 = "", "09:00", "10:00"
	for _, c := range []struct {
		name    string
		reports []report
		want    []alert.Meaning
		firing  bool
	}{
		{"fires, repeats, recovers", []report{{0, firing(e1, "")}, {5, firing(e1, "")}, {9, resolved(e1)}},
			[]alert.Meaning{alert.Fires, alert.Repeats, alert.Recovers}, false},
		{"another severity", []report{{0, firing(e1, alert.Warning)}, {5, firing(e1, alert.Critical)}},
			[]alert.Meaning{alert.Fires, alert.Changes}, true},
		{"recovery before its firing", []report{{5, resolved(e1)}, {0, firing(e1, "")}},
			[]alert.Meaning{alert.StaysOver, alert.Late}, false},
		{"firing received after its own recovery is new", []report{{0, firing(e1, "")}, {5, resolved(e1)}, {6, firing(e1, "")}},
			[]alert.Meaning{alert.Fires, alert.Recovers, alert.Fires}, true},
		{"firing delayed behind its recovery", []report{{0, firing(e1, "")}, {5, resolved(e1)}, {4, firing(e1, "")}},
			[]alert.Meaning{alert.Fires, alert.Recovers, alert.Late}, false},
		{"a new episode while firing", []report{{0, firing(e1, "")}, {5, firing(e2, "")}},
			[]alert.Meaning{alert.Fires, alert.Fires}, true},
		{"recovery of the episode before", []report{{5, firing(e2, "")}, {1, resolved(e1)}},
			[]alert.Meaning{alert.Fires, alert.Late}, true},
		{"without episodes", []report{{0, firing(none, "")}, {1, firing(none, "")}, {2, resolved(none)}, {3, firing(none, "")}},
			[]alert.Meaning{alert.Fires, alert.Repeats, alert.Recovers, alert.Fires}, true},
		{"recovered twice", []report{{0, firing(e1, "")}, {2, resolved(e1)}, {3, resolved(e1)}},
			[]alert.Meaning{alert.Fires, alert.Recovers, alert.StaysOver}, false},
		{"the source acknowledges", []report{{0, firing(e1, "")}, {1, alert.Alert{Status: alert.Acknowledged}}},
			[]alert.Meaning{alert.Fires, alert.Requests}, true},
		{"the source takes its acknowledgement back", []report{{0, firing(e1, "")}, {1, alert.Alert{Status: alert.Unacknowledged}}},
			[]alert.Meaning{alert.Fires, alert.Requests}, true},
		{"the source notes", []report{{0, firing(e1, "")}, {1, alert.Alert{Status: alert.Noted}}, {2, resolved(e1)}, {3, alert.Alert{Status: alert.Noted}}},
			[]alert.Meaning{alert.Fires, alert.Requests, alert.Recovers, alert.Requests}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var st alert.State
			for i, r := range c.reports {
				if got := st.Meaning(&r.alert, at(r.minute)); got != c.want[i] {
					t.Errorf("report %d means %d, want %d", i, got, c.want[i])
				}
				st = st.Take(r.alert, at(r.minute))
				st.Rev++
			}
			if st.Firing() != c.firing {
				t.Errorf("fires: %v, want %v", st.Firing(), c.firing)
			}
		})
	}
}

func TestTakeCountsEpisodesAndKeepsContext(t *testing.T) {
	st := alert.State{}.Take(alert.Alert{Status: alert.Firing, Severity: alert.Critical, Description: "why"}, at(0))
	st.Rev = 1
	st = st.Take(alert.Alert{Status: alert.Resolved}, at(3))
	if st.Alert.Severity != alert.Critical || st.Alert.Description != "why" || !st.RecoveredAt.Equal(at(3)) {
		t.Errorf("after a bare recovery: %+v", st)
	}
	st = st.Take(alert.Alert{Status: alert.Firing}, at(5))
	if st.Episodes != 2 || !st.FiringSince.Equal(at(5)) || !st.RecoveredAt.IsZero() {
		t.Errorf("after firing again: %+v", st)
	}
}

// TestARecoveryWithoutATitleKeepsThatOfItsFiring: some senders name an alert
// when it fires and only its key when it ends.
func TestARecoveryWithoutATitleKeepsThatOfItsFiring(t *testing.T) {
	fired := alert.Alert{Status: alert.Firing, DedupKey: "key:1", Title: "Disk is full", Labels: map[string]string{"host": "db-1"}}
	bare := alert.Alert{Status: alert.Resolved, DedupKey: "key:1"}
	alert.Clean(&bare)
	st := alert.State{Rev: 1, Alert: fired, ReceivedAt: noon}.Take(bare, at(1))
	if st.Alert.Title != "Disk is full" || st.Alert.Labels["host"] != "db-1" || st.Alert.Status != alert.Resolved {
		t.Errorf("kept %+v", st.Alert)
	}
	told := alert.Alert{Status: alert.Resolved, DedupKey: "key:1", Title: "Disk is fine", Labels: map[string]string{"host": "db-2"}}
	if st = st.Take(told, at(2)); st.Alert.Title != "Disk is fine" || st.Alert.Labels["host"] != "db-2" {
		t.Errorf("kept %+v over what the recovery says", st.Alert)
	}
}

func TestExpire(t *testing.T) {
	st := alert.State{Rev: 1, Alert: alert.Alert{Status: alert.Firing, ExpiresAt: at(10)}}
	if _, due := st.Expire(at(9)); due {
		t.Error("expired before its time")
	}
	got, due := st.Expire(at(10))
	if !due || got.Firing() || !got.Expired || !got.RecoveredAt.Equal(at(10)) {
		t.Errorf("at its expiry: due %v, %+v", due, got)
	}
	if _, due := got.Expire(at(11)); due {
		t.Error("expired twice")
	}
}

func TestNeedsRefresh(t *testing.T) {
	st := alert.State{Rev: 1, Alert: alert.Alert{Status: alert.Firing, ExpiresAt: at(15)}}
	for _, c := range []struct {
		name    string
		expires time.Time
		want    bool
	}{
		{"moved by less than a third", at(18), false},
		{"moved by a third", at(21), true},
		{"no longer expires", time.Time{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := firing("", "")
			a.ExpiresAt = c.expires
			if got := st.NeedsRefresh(&a, at(3)); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTakenKeepsTheNewest(t *testing.T) {
	var st alert.State
	for i := range 20 {
		st.Record(alert.Taken{Delivery: "d", Position: i, Disposition: "joined"})
	}
	if _, ok := st.TakenFrom("d", 19); !ok {
		t.Error("the newest is gone")
	}
	if _, ok := st.TakenFrom("d", 0); ok || len(st.Taken) != 8 {
		t.Errorf("%d kept, want 8 without the oldest", len(st.Taken))
	}
}
