package execution_test

import (
	"testing"
	"time"

	"tocsin/shared/execution"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func TestNames(t *testing.T) {
	for name, want := range map[string]struct {
		id         string
		generation int
		ok         bool
	}{
		"E-4821-g1":  {"E-4821", 1, true},
		"I-7-g12":    {"I-7", 12, true},
		"E-4821":     {"", 0, false},
		"E-4821-gx":  {"E-4821", 0, false},
		"E-1-g2-g3":  {"E-1-g2", 3, true},
		"":           {"", 0, false},
		"nightly-go": {"nightly", 0, false},
	} {
		id, generation, ok := execution.ParseName(name)
		if id != want.id || generation != want.generation || ok != want.ok {
			t.Errorf("%q is read as %q %d, %v", name, id, generation, ok)
		}
		if ok && execution.Name(id, generation) != name {
			t.Errorf("%q is written as %q", name, execution.Name(id, generation))
		}
	}
}

// TestGenerations: how often in a row a generation may fail, and when the next
// one begins.
func TestGenerations(t *testing.T) {
	for _, c := range []struct {
		name     string
		failures int // of generations before this one
		wakes    int
		hopeless bool
		replace  time.Duration // after this one began
	}{
		{"the first", 0, 0, false, 0},
		{"the second in a row", 1, 0, false, 0},
		{"the third in a row", 2, 0, true, 0},
		{"the fourth in a row", 3, 0, true, 10 * time.Minute},
		{"one of many", 40, 0, true, 10 * time.Minute},
		{"one that waited", 0, 7, false, 0},
	} {
		x := execution.Execution{Generation: 5, GenerationAt: noon, Failures: c.failures, Wakes: c.wakes}
		if x.Hopeless() != c.hopeless || !x.ReplaceAt().Equal(noon.Add(c.replace)) || x.Waited() != (c.wakes > 0) {
			t.Errorf("%s: hopeless %v, replaced at %s", c.name, x.Hopeless(), x.ReplaceAt())
		}
	}
}

func TestALife(t *testing.T) {
	x := execution.First(noon).Opened(noon)
	want := execution.Execution{
		Generation: 1, GenerationAt: noon, Rev: 1, WakeSeq: 1, Exec: execution.Pending, Due: noon.Add(30 * time.Second),
	}
	if x != want {
		t.Errorf("opened  %+v\nwant    %+v", x, want)
	}
	later := noon.Add(time.Hour)
	x.Altered(later)
	if want.WakeSeq, want.Due = 2, later.Add(30*time.Second); x != want {
		t.Errorf("altered %+v\nwant    %+v", x, want)
	}
	x.Token, x.Exec, x.Wakes = "token", execution.Running, 3
	x.HandOver(later, false)
	if want.Generation, want.GenerationAt = 2, later; x != want {
		t.Errorf("handed over %+v\nwant        %+v", x, want)
	}
	x.HandOver(later, true)
	if want.Generation, want.Failures = 3, 1; x != want {
		t.Errorf("failed %+v\nwant   %+v", x, want)
	}
}
