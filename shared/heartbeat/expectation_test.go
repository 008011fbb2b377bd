package heartbeat

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/plan"
)

func utc(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}

func minutes(n int) plan.Duration { return plan.Duration(time.Duration(n) * time.Minute) }

func TestDeadline(t *testing.T) {
	berlin := func(cron string) Expectation {
		return Expectation{Cron: cron, Zone: "Europe/Berlin", Grace: minutes(10)}
	}
	for _, c := range []struct {
		name  string
		of    Expectation
		heard string
		want  string
	}{
		{"every", Expectation{Every: minutes(5), Grace: minutes(2)}, "2026-03-01T09:00:00Z", "2026-03-01T09:07:00Z"},
		{"grace by default", Expectation{Every: minutes(5)}, "2026-03-01T09:00:00Z", "2026-03-01T09:10:00Z"},
		{"cron in UTC", Expectation{Cron: "0 9 * * *", Grace: minutes(1)}, "2026-03-01T09:00:03Z", "2026-03-02T09:01:00Z"},
		{"cron, a little early", Expectation{Cron: "0 9 * * *", Grace: minutes(1)}, "2026-03-01T08:59:48Z", "2026-03-02T09:01:00Z"},
		{"cron, too early to be meant", Expectation{Cron: "0 9 * * *", Grace: minutes(1)}, "2026-03-01T08:59:40Z", "2026-03-01T09:01:00Z"},
		{"cron by name", Expectation{Cron: "@hourly", Grace: minutes(1)}, "2026-03-01T08:59:00Z", "2026-03-01T09:01:00Z"},
		{"winter", berlin("0 9 * * *"), "2026-03-27T08:01:00Z", "2026-03-28T08:10:00Z"},
		{"clock put forward", berlin("0 9 * * *"), "2026-03-28T08:01:00Z", "2026-03-29T07:10:00Z"},
		{"clock put back", berlin("0 9 * * *"), "2026-10-24T07:01:00Z", "2026-10-25T08:10:00Z"},
		{"in the hour that is skipped", berlin("30 2 * * *"), "2026-03-28T01:31:00Z", "2026-03-30T00:40:00Z"},
		{"in the hour that is repeated, before it", berlin("30 2 * * *"), "2026-10-24T00:31:00Z", "2026-10-25T00:40:00Z"},
		{"in the hour that is repeated, at first", berlin("30 2 * * *"), "2026-10-25T00:31:00Z", "2026-10-26T01:40:00Z"},
		{"in the hour that is repeated, again", berlin("30 2 * * *"), "2026-10-25T01:31:00Z", "2026-10-26T01:40:00Z"},
		{"all day long, in the hour that is repeated", berlin("*/30 * * * *"), "2026-10-25T00:31:00Z", "2026-10-25T01:10:00Z"},
		{"all day long, over the hour that is skipped", berlin("*/30 * * * *"), "2026-03-29T00:31:00Z", "2026-03-29T01:10:00Z"},
		{"half an hour put back", Expectation{Cron: "45 1 * * *", Zone: "Australia/Lord_Howe", Grace: minutes(1)}, "2026-04-04T14:46:00Z", "2026-04-05T15:16:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, err := c.of.Timetable()
			if err != nil {
				t.Fatal(err)
			}
			if got := table.Deadline(utc(c.heard)); !got.Equal(utc(c.want)) {
				t.Errorf("deadline %s, want %s", got.Format(time.RFC3339), c.want)
			}
		})
	}
}

func TestSundayIsDaySevenToo(t *testing.T) {
	for written, want := range map[string]string{
		"0 2 * * 7": "0 2 * * 0", "0 2 * * 5-7": "0 2 * * 5,6,0", "0 2 * * 1-7/2": "0 2 * * 1,3,5,0", "0 2 * * 3,7": "0 2 * * 3,0",
		"0 2 * * 0-7": "0 2 * * *", "0 7 7 7 sun": "0 7 7 7 0", "@weekly": "0 0 * * 0",
	} {
		got, err := Expectation{Cron: written}.Timetable()
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		same, err := Expectation{Cron: want}.Timetable()
		if err != nil {
			t.Fatal(err)
		}
		at := nine
		for range 40 {
			if a, b := got.next(at), same.next(at); !a.Equal(b) {
				t.Fatalf("%s comes at %s, %s at %s", written, a, want, b)
			}
			at = got.next(at)
		}
	}
	for _, wrong := range []string{"0 2 * * 8", "0 2 * * 6-8", "0 2 * * 7-3", "0 2 * * 8-7", "0 2 * * -7", "0 2 * * x-7", "0 2 * * 1-7/0", "0 2 * * 77"} {
		if _, err := (Expectation{Cron: wrong}).Timetable(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

// slowly finds the next instant of hours and minutes in a zone by looking at
// every minute.
func slowly(from time.Time, zone *time.Location, hours, minutes []int, everyHour bool) time.Time {
	has := func(list []int, n int) bool {
		for _, x := range list {
			if x == n {
				return true
			}
		}
		return false
	}
	shown := map[string]bool{}
	for at := from.Truncate(time.Minute).Add(-4 * time.Hour); ; at = at.Add(time.Minute) {
		local := at.In(zone)
		clock := local.Format("2006-01-02 15:04")
		seen := shown[clock]
		shown[clock] = true
		if at.After(from) && has(hours, local.Hour()) && has(minutes, local.Minute()) && (everyHour || !seen) {
			return at
		}
	}
}

func TestCronIsAsTheWallClockShows(t *testing.T) {
	var all []int
	for n := range 24 {
		all = append(all, n)
	}
	for _, c := range []struct {
		cron           string
		hours, minutes []int
	}{
		{"30 2 * * *", []int{2}, []int{30}}, {"0,30 1-3 * * *", []int{1, 2, 3}, []int{0, 30}}, {"15 * * * *", all, []int{15}}, {"0 0 * * *", []int{0}, []int{0}},
		{"59 1,23 * * *", []int{1, 23}, []int{59}},
	} {
		for _, name := range []string{"Europe/Berlin", "America/New_York", "Europe/Dublin", "Asia/Kathmandu", "America/Santiago"} {
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			table, err := Expectation{Cron: c.cron, Zone: name}.Timetable()
			if err != nil {
				t.Fatal(err)
			}
			for _, day := range []string{"2026-03-07", "2026-03-28", "2026-04-04", "2026-09-05", "2026-10-03", "2026-10-24", "2026-10-31"} {
				for at := utc(day + "T00:07:10Z"); at.Before(utc(day + "T00:07:10Z").Add(60 * time.Hour)); at = at.Add(47 * time.Minute) {
					got, want := table.next(at), slowly(at, zone, c.hours, c.minutes, len(c.hours) == 24)
					if !got.Equal(want) {
						t.Fatalf("%s in %s after %s: %s, want %s", c.cron, name, at, got.In(zone), want.In(zone))
					}
				}
			}
		}
	}
}

func TestNothingIsSaidOfARunThatHasTheGraceForItsLength(t *testing.T) {
	_, err := Expectation{Every: minutes(5), Grace: minutes(60 * 24 * 31)}.Timetable()
	if err == nil || strings.Contains(err.Error(), "max_run") {
		t.Errorf("%v, want only grace in it", err)
	}
}

func TestExpectationThatIsNotValid(t *testing.T) {
	for _, c := range []struct {
		of   Expectation
		want string
	}{
		{Expectation{}, "every: missing; give every, or cron; cron: missing"},
		{Expectation{Every: minutes(5), Cron: "* * * * *"}, "every: cannot be together with cron; cron: cannot"},
		{Expectation{Every: plan.Duration(30 * time.Second)}, "every: is 30s"},
		{Expectation{Every: minutes(60 * 24 * 400)}, "every: is 400d"},
		{Expectation{Every: minutes(5), Zone: "Europe/Berlin"}, "zone: only cron"},
		{Expectation{Every: minutes(5), Grace: minutes(60 * 24 * 31)}, "grace: is 31d"},
		{Expectation{Every: minutes(5), MaxRun: minutes(60 * 24 * 31)}, "max_run: is 31d"},
		{Expectation{Cron: "0 9 * *"}, "cron: "},
		{Expectation{Cron: "0 25 * * *"}, "cron: "},
		{Expectation{Cron: "0 0 30 2 *"}, "cron: never comes"},
		{Expectation{Cron: "@every 5m"}, "cron: has an interval"},
		{Expectation{Cron: "TZ=0"}, "cron: expected five fields"},
		{Expectation{Cron: "CRON_TZ=UTC 0 9 * * *"}, "cron: expected five fields"},
		{Expectation{Cron: strings.Repeat("0,", 200) + "0 9 * * *"}, "cron: expected five fields"},
		{Expectation{Cron: "0 9 * * *", Zone: "Berlin"}, "zone: is"},
		{Expectation{Cron: "0 9 * * *", Zone: "Local"}, "zone: is"},
	} {
		t.Run(c.want, func(t *testing.T) {
			if _, err := c.of.Timetable(); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: %v, want %s", c.of, err, c.want)
			}
		})
	}
}

func FuzzExpectation(f *testing.F) {
	f.Add("0 9 * * *", "Europe/Berlin", int64(1_770_000_000))
	f.Add("*/5 1-3 29 2 0", "America/Sao_Paulo", int64(1_540_000_000))
	f.Add("TZ=", "UTC", int64(0))
	f.Fuzz(func(t *testing.T, cron, zone string, seconds int64) {
		table, err := Expectation{Cron: cron, Zone: zone}.Timetable()
		if err != nil {
			return
		}
		at := time.Unix(seconds%4_000_000_000, 0)
		if got := table.next(at); !got.IsZero() && !got.After(at) {
			t.Errorf("%s in %s: %s is not after %s", cron, zone, got, at)
		}
	})
}

func ExampleExpectation_String() {
	fmt.Println(Expectation{Every: minutes(90)})
	fmt.Println(Expectation{Cron: "0 9 * * 1-5", Zone: "Europe/Berlin"})
	// Output:
	// every 1h30m
	// at 0 9 * * 1-5 Europe/Berlin
}
