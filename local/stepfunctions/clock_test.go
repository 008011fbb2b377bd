package stepfunctions

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestClockKeepsItsOffset(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	clock, err := OpenClock(file)
	if err != nil {
		t.Fatal(err)
	}
	moved := clock.Moved()
	if err := clock.Advance(36 * time.Hour); err != nil {
		t.Fatal(err)
	}
	<-moved
	if err := clock.AdvanceTo(clock.Now().Add(-time.Hour)); err != nil {
		t.Errorf("an instant that has passed: %v", err)
	}
	if err := clock.Advance(-1); err == nil {
		t.Error("went back")
	}
	if text, _ := os.ReadFile(file); strings.TrimSpace(string(text)) != "36h0m0s" {
		t.Errorf("file holds %q", text)
	}
	again, err := OpenClock(file)
	if err != nil || again.Offset() != 36*time.Hour {
		t.Errorf("offset %v, %v", again.Offset(), err)
	}
	if ahead := time.Until(again.Now()); ahead < 36*time.Hour-time.Second || ahead > 36*time.Hour {
		t.Errorf("%v ahead", ahead)
	}
}

func TestClockRefusesWhatIsNoOffset(t *testing.T) {
	for _, text := range []string{"", "tomorrow", "-1s"} {
		file := filepath.Join(t.TempDir(), "clock")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenClock(file); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestAdvanceToReachesTheInstant(t *testing.T) {
	clock, err := OpenClock("")
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		at := clock.Now().Add(7 * time.Millisecond)
		if err := clock.AdvanceTo(at); err != nil || clock.Now().Before(at) {
			t.Fatalf("%v is before %v, %v", clock.Now(), at, err)
		}
	}
}
