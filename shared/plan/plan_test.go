package plan_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/defaults"
	"tocsin/shared/plan"
)

func TestParseDuration(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"5m", 5 * time.Minute, true},
		{"1h30m", 90 * time.Minute, true},
		{"90m", 90 * time.Minute, true},
		{"2d", 48 * time.Hour, true},
		{"1d2h3m4s", 26*time.Hour + 3*time.Minute + 4*time.Second, true},
		{"0s", 0, true},
		{"3650d", 3650 * 24 * time.Hour, true},
		{"3650d1s", 0, false},
		{"", 0, false},
		{"5", 0, false},
		{"m", 0, false},
		{"5 m", 0, false},
		{"-5m", 0, false},
		{"+5m", 0, false},
		{"1.5h", 0, false},
		{"5m1h", 0, false},
		{"5m5m", 0, false},
		{"5ms", 0, false},
		{"5M", 0, false},
		{"99999999999999999999s", 0, false},
		{"4294967295d", 0, false},
		{"1_0m", 0, false},
	} {
		t.Run(c.text, func(t *testing.T) {
			got, err := plan.ParseDuration(c.text)
			if (err == nil) != c.ok || time.Duration(got) != c.want {
				t.Errorf("got %v, err %v; want %v, ok %v", got, err, c.want, c.ok)
			}
		})
	}
}

func TestDurationIsWrittenInLowestTerms(t *testing.T) {
	for want, d := range map[string]time.Duration{
		`"0s"`: 0, `"1h30m"`: 90 * time.Minute, `"3d"`: 72 * time.Hour, `"1d12h"`: 36 * time.Hour, `"59s"`: 59 * time.Second,
	} {
		got, err := json.Marshal(plan.Duration(d))
		if err != nil || string(got) != want {
			t.Errorf("%v: %s, err %v; want %s", d, got, err, want)
		}
	}
}

func TestDurationRefusesToWriteWhatCannotBeRead(t *testing.T) {
	for _, d := range []time.Duration{-time.Second, time.Millisecond, math.MaxInt64} {
		if got, err := json.Marshal(plan.Duration(d)); err == nil {
			t.Errorf("%v was written as %s", d, got)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"5m", "1h30m", "2d", "", "5m1h", "-1s", "18446744073709551615s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := plan.ParseDuration(text)
		if err != nil {
			return
		}
		again, err := plan.ParseDuration(d.String())
		if err != nil || again != d || d < 0 {
			t.Errorf("%q is %v, which is read as %v, err %v", text, d, again, err)
		}
	})
}

func TestDefaults(t *testing.T) {
	none, seven := 0, 7
	for _, c := range []struct {
		name   string
		plan   plan.Plan
		rounds int
		wait   time.Duration
	}{
		{"nothing said", plan.Plan{Steps: []plan.Step{{}}}, 1 + defaults.Repeats, defaults.StepWait},
		{"no repeats", plan.Plan{Repeats: &none, Steps: []plan.Step{{Wait: plan.Duration(time.Minute)}}}, 1, time.Minute},
		{"seven repeats", plan.Plan{Repeats: &seven, Steps: []plan.Step{{}}}, 8, defaults.StepWait},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r, w := c.plan.Rounds(), c.plan.Steps[0].WaitOrDefault(); r != c.rounds || w != c.wait {
				t.Errorf("rounds %d, wait %v; want %d, %v", r, w, c.rounds, c.wait)
			}
		})
	}
}

func member(name string) []plan.Target { return []plan.Target{{Member: name}} }

func step(name string, only ...alert.Priority) plan.Step {
	return plan.Step{Targets: member(name), Priorities: only}
}

// walk lists the first n things that a plan runs, as "round.step kind target".
func walk(p plan.Plan, priority alert.Priority, n int) []string {
	var got []string
	at := plan.Start
	for range n {
		var kind plan.Kind
		at, kind = plan.Next(p, priority, at)
		got = append(got, fmt.Sprintf("%d.%d %s %s", at.Round, at.Step, kind, p.At(at).Targets[0].Member))
	}
	return got
}

func TestNext(t *testing.T) {
	none, once := 0, 1
	for _, c := range []struct {
		name     string
		repeats  *int
		steps    []plan.Step
		priority alert.Priority
		want     []string
	}{
		{"steps, then rounds, then the last resort with rising rounds", &once, []plan.Step{step("ann"), step("bob")}, alert.P1, []string{
			"0.0 step ann", "0.1 step bob", "1.0 step ann", "1.1 step bob", "2.0 last_resort boss", "3.0 last_resort boss", "4.0 last_resort boss"}},
		{"a filtered first step is skipped in each round", &once, []plan.Step{step("ann", alert.P1), step("bob")}, alert.P3, []string{
			"0.1 step bob", "1.1 step bob", "2.0 last_resort boss"}},
		{"a filtered last step is skipped in each round", &once, []plan.Step{step("ann"), step("bob", alert.P1, alert.P2)}, alert.P3, []string{
			"0.0 step ann", "1.0 step ann", "2.0 last_resort boss"}},
		{"a filter that names the priority runs", &none, []plan.Step{step("ann"), step("bob", alert.P1, alert.P2)}, alert.P2, []string{
			"0.0 step ann", "0.1 step bob", "1.0 last_resort boss"}},
		{"no step for the priority goes to the last resort at once", nil, []plan.Step{step("ann", alert.P1)}, alert.P4, []string{
			"4.0 last_resort boss", "5.0 last_resort boss"}},
		{"no step at all goes to the last resort at once", &none, nil, alert.P1, []string{"1.0 last_resort boss", "2.0 last_resort boss"}},
		{"default repeats", nil, []plan.Step{step("ann")}, alert.P1, []string{
			"0.0 step ann", "1.0 step ann", "2.0 step ann", "3.0 step ann", "4.0 last_resort boss"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan.Plan{Steps: c.steps, Repeats: c.repeats, LastResort: member("boss")}
			if got := walk(p, c.priority, len(c.want)); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestNextSurvivesProgressOfAnotherPlan(t *testing.T) {
	p := plan.Plan{Steps: []plan.Step{step("ann"), step("bob")}, LastResort: member("boss")}
	for _, c := range []struct {
		name string
		done plan.Progress
		want plan.Progress
		kind plan.Kind
	}{
		{"a step beyond the last ends the round", plan.Progress{Round: 1, Step: 9}, plan.Progress{Round: 2}, plan.RunStep},
		{"negative numbers are the start", plan.Progress{Round: -3, Step: -7}, plan.Progress{}, plan.RunStep},
		{"a round beyond the last is the last resort", plan.Progress{Round: 40, Step: 1}, plan.Progress{Round: 41}, plan.LastResort},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, kind := plan.Next(p, alert.P1, c.done); got != c.want || kind != c.kind {
				t.Errorf("got %+v %s; want %+v %s", got, kind, c.want, c.kind)
			}
		})
	}
}

func TestLastResortWaitsAnHour(t *testing.T) {
	p := plan.Plan{LastResort: member("boss")}
	at, _ := plan.Next(p, alert.P1, plan.Start)
	if wait := p.At(at).WaitOrDefault(); wait != defaults.LastResortEvery {
		t.Errorf("wait %v", wait)
	}
	if got := p.At(plan.Start); !reflect.DeepEqual(got, plan.Step{}) {
		t.Errorf("start is step %+v", got)
	}
}
