package defaults_test

import (
	"testing"
	"time"

	"tocsin/shared/defaults"
)

func TestPerPriority(t *testing.T) {
	for _, c := range []struct {
		priority             string
		ackExpiry, autoClose time.Duration
	}{
		{"P1", 30 * time.Minute, 0},
		{"P2", 2 * time.Hour, 0},
		{"P3", 0, 72 * time.Hour},
		{"P4", 0, 72 * time.Hour},
		{"", 0, 0},
	} {
		t.Run("priority "+c.priority, func(t *testing.T) {
			if ack, closes := defaults.AckExpiry(c.priority), defaults.AutoClose(c.priority); ack != c.ackExpiry || closes != c.autoClose {
				t.Errorf("ack expiry %v, auto close %v; want %v, %v", ack, closes, c.ackExpiry, c.autoClose)
			}
		})
	}
}

func TestReopenIsNeverLongerThanAutomaticClose(t *testing.T) {
	for _, p := range []string{"P3", "P4"} {
		if defaults.Reopen > defaults.AutoClose(p) {
			t.Errorf("%s: reopen period %v, automatic close %v", p, defaults.Reopen, defaults.AutoClose(p))
		}
	}
}
