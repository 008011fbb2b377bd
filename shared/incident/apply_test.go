package incident_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/incident"
	"tocsin/shared/outbox"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return noon.Add(d) }

const (
	ann = event.Actor("member:ann")
	bob = event.Actor("member:bob")
)

func opened(p alert.Priority) incident.Incident {
	i := incident.Opened("I-7", event.Event{ID: "E-1", Title: "Disk full", Priority: p, Service: "shop", PromotedBy: ann}, noon)
	i.Rev, i.WakeSeq = 1, 1
	return i
}

// apply does operations by bob at an instant, each on what the one before made
// of i, and returns the last change.
func apply(t *testing.T, i incident.Incident, at time.Time, ops ...incident.Op) incident.Change {
	t.Helper()
	var c incident.Change
	for _, op := range ops {
		var err error
		if c, err = incident.Apply(i, op, bob, at); err != nil {
			t.Fatalf("%T on what is %s: %v", op, i.State, err)
		}
		i = c.Incident
	}
	return c
}

var learned = &incident.Findings{Summary: "The shop was down", RootCause: "A disk was full"}

func in(t *testing.T, s incident.State) incident.Incident {
	t.Helper()
	i := opened(alert.P1)
	switch s {
	case incident.Mitigated:
		return apply(t, i, noon, incident.Mitigate{}).Incident
	case incident.Resolved:
		return apply(t, i, noon, incident.Resolve{}).Incident
	case incident.Closed:
		return apply(t, i, noon, incident.Resolve{}, incident.Close{Review: learned}).Incident
	case incident.Cancelled:
		return apply(t, i, noon, incident.Cancel{Reason: "a drill"}).Incident
	}
	return i
}

// TestLifecycle walks every operation from every state: the state that
// follows, or the refusal.
func TestLifecycle(t *testing.T) {
	const no = incident.State("")
	const open, mitigated, resolved, closed, cancelled = incident.Open, incident.Mitigated, incident.Resolved, incident.Closed, incident.Cancelled
	states := []incident.State{open, mitigated, resolved, closed, cancelled}
	for _, c := range []struct {
		name string
		op   incident.Op
		wake bool
		want [5]incident.State // after each of states; "" refused
	}{
		{"update", incident.Update{Text: "still down"}, false, [5]incident.State{open, mitigated, no, no, no}},
		{"mitigate", incident.Mitigate{}, true, [5]incident.State{mitigated, no, no, no, no}},
		{"resolve", incident.Resolve{}, true, [5]incident.State{resolved, resolved, no, no, no}},
		{"reopen", incident.Reopen{}, true, [5]incident.State{no, open, open, no, no}},
		{"close", incident.Close{Review: learned}, true, [5]incident.State{no, no, closed, no, no}},
		{"cancel", incident.Cancel{Reason: "a drill"}, true, [5]incident.State{cancelled, cancelled, cancelled, no, no}},
		{"note", incident.Note{Text: "asked the vendor"}, false, [5]incident.State{open, mitigated, resolved, closed, cancelled}},
		{"severity", incident.SetSeverity{Severity: incident.SEV3}, false, [5]incident.State{open, mitigated, resolved, no, no}},
		{"add event", incident.AddEvent{Event: "E-2"}, false, [5]incident.State{open, mitigated, resolved, no, no}},
		{"role", incident.AssignRole{Role: "scribe", Member: "carol"}, false, [5]incident.State{open, mitigated, resolved, no, no}},
		{"review", incident.SaveReview{Review: *learned}, false, [5]incident.State{open, mitigated, resolved, no, no}},
		{"action", incident.AddAction{Text: "alert earlier"}, false, [5]incident.State{open, mitigated, resolved, no, no}},
		{"action with a due date", incident.AddAction{Text: "alert earlier", Due: after(time.Hour)}, true, [5]incident.State{open, mitigated, resolved, no, no}},
		{"update reminder too early", incident.RemindUpdate{}, false, [5]incident.State{no, no, no, no, no}},
		{"action reminder of nothing", incident.RemindActions{}, false, [5]incident.State{no, no, no, no, no}},
		{"next generation", incident.NextGeneration{Because: "old"}, true, [5]incident.State{open, mitigated, resolved, closed, cancelled}},
		{"resolve and close", incident.All{incident.Resolve{}, incident.Close{Review: learned}}, true, [5]incident.State{closed, closed, no, no, no}},
		{"nothing after the end", incident.All{incident.Cancel{Reason: "a drill"}, incident.Update{Text: "x"}}, false, [5]incident.State{no, no, no, no, no}},
	} {
		for n, s := range states {
			t.Run(c.name+" "+string(s), func(t *testing.T) {
				before := in(t, s)
				got, err := incident.Apply(before, c.op, bob, after(time.Minute))
				if refusal, ok := errors.AsType[*incident.StateError](err); c.want[n] == no {
					if !ok || refusal.State != s || refusal.At.IsZero() || refusal.By == "" {
						t.Errorf("err %v, want a refusal that names who and when", err)
					}
					return
				}
				if err != nil || got.Incident.State != c.want[n] {
					t.Fatalf("state %s, err %v; want %s", got.Incident.State, err, c.want[n])
				}
				if len(got.Timeline) == 0 {
					t.Error("nothing in the timeline")
				}
				raised := got.Incident.WakeSeq - before.WakeSeq
				if got.Wake != c.wake || (raised == 1) != c.wake || c.wake && !got.Incident.Due.Equal(after(time.Minute+30*time.Second)) {
					t.Errorf("wake %v, wake_seq raised by %d, due %v; want wake %v", got.Wake, raised, got.Incident.Due, c.wake)
				}
			})
		}
	}
}

func TestOpened(t *testing.T) {
	for _, c := range []struct {
		name     string
		by       event.Actor
		priority alert.Priority
		severity incident.Severity
		openedBy event.Actor
		roles    map[incident.Role]string
	}{
		{"by a member, who commands", ann, alert.P1, incident.SEV1, ann, map[incident.Role]string{incident.Commander: "ann"}},
		{"by a token: nobody commands", "token:ci", alert.P4, incident.SEV4, "token:ci", nil},
		{"by nobody named", "", "", incident.SEV3, event.Self, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := incident.Opened("I-1", event.Event{ID: "E-9", Title: "x", Priority: c.priority, PromotedBy: c.by}, noon)
			want := incident.Incident{
				ID: "I-1", State: incident.Open, Title: "x", Severity: c.severity, Events: []event.ID{"E-9"}, Roles: c.roles,
				UpdateDueAt: after(time.Hour), Execution: execution.First(noon), Opening: 1,
				OpenedAt: noon, OpenedBy: c.openedBy, ChangedAt: noon, ChangedBy: c.openedBy,
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestClosing(t *testing.T) {
	token, self := event.ByToken("ci"), event.Self
	for _, c := range []struct {
		name     string
		priority alert.Priority
		test     bool
		by       event.Actor
		review   *incident.Findings
		missing  []string // nil: it closes
	}{
		{"SEV1 with a review", alert.P1, false, bob, learned, nil},
		{"SEV1 through a token", alert.P1, false, token, learned, nil},
		{"SEV1 without a review", alert.P1, false, bob, nil, []string{"summary", "root_cause"}},
		{"SEV2 without root cause", alert.P2, false, bob, &incident.Findings{Summary: "x"}, []string{"root_cause"}},
		{"SEV2 by no person", alert.P2, false, self, learned, []string{"by"}},
		{"SEV3 without a review", alert.P3, false, bob, nil, nil},
		{"a test without a review", alert.P1, true, bob, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := opened(c.priority)
			i.Test = c.test
			i = apply(t, i, noon, incident.Resolve{}).Incident
			got, err := incident.Apply(i, incident.Close{Review: c.review}, c.by, after(time.Hour))
			if refusal, ok := errors.AsType[*incident.ReviewMissingError](err); len(c.missing) > 0 {
				if !ok || !slices.Equal(refusal.Missing, c.missing) {
					t.Errorf("err %v, want missing %v", err, c.missing)
				}
				return
			}
			if err != nil || got.Incident.State != incident.Closed || !got.Incident.EndedAt.Equal(after(time.Hour)) {
				t.Errorf("state %s, ended %v, err %v", got.Incident.State, got.Incident.EndedAt, err)
			}
		})
	}
}

func TestReviewIsAskedAgainAfterReopening(t *testing.T) {
	i := apply(t, in(t, incident.Resolved), noon, incident.SaveReview{Review: *learned}, incident.Reopen{Because: "again"}, incident.Resolve{}).Incident
	if i.Opening != 2 || i.Review.Summary == "" {
		t.Errorf("opening %d, review %+v", i.Opening, i.Review)
	}
	if _, err := incident.Apply(i, incident.Close{}, bob, noon); err == nil {
		t.Error("closed with the review of before")
	}
}

func TestReopeningWhatIsMitigatedKeepsItsLinks(t *testing.T) {
	if i := apply(t, in(t, incident.Mitigated), noon, incident.Reopen{}).Incident; i.Opening != 1 || !i.MitigatedAt.IsZero() {
		t.Errorf("opening %d, mitigated %v", i.Opening, i.MitigatedAt)
	}
}

func TestUpdates(t *testing.T) {
	i := apply(t, opened(alert.P1), after(10*time.Minute), incident.Update{Text: "still down"}).Incident
	want := incident.Status{Text: "still down", By: bob, At: after(10 * time.Minute)}
	if i.Status != want || !i.RemindUpdateAt().Equal(after(70*time.Minute)) {
		t.Errorf("status %+v, next reminder %v", i.Status, i.RemindUpdateAt())
	}
	if i = apply(t, i, after(20*time.Minute), incident.Mitigate{}).Incident; i.Status != want || !i.RemindUpdateAt().Equal(after(70*time.Minute)) {
		t.Errorf("mitigated without a word: status %+v, next reminder %v", i.Status, i.RemindUpdateAt())
	}
	if i = apply(t, i, after(30*time.Minute), incident.Resolve{Text: "fixed"}).Incident; i.Status.Text != "fixed" || !i.RemindUpdateAt().IsZero() {
		t.Errorf("resolved: status %+v, next reminder %v", i.Status, i.RemindUpdateAt())
	}
	if i = apply(t, i, after(2*time.Hour), incident.Reopen{}).Incident; !i.RemindUpdateAt().Equal(after(3 * time.Hour)) {
		t.Errorf("reopened: next reminder %v", i.RemindUpdateAt())
	}
}

// TestUpdateReminders shows that each reminder has a key of its own, until
// what it asks for was given.
func TestUpdateReminders(t *testing.T) {
	i := opened(alert.P1)
	var keys []outbox.Key
	for n := range 3 {
		keys = append(keys, i.UpdateKey())
		at := after(time.Duration(n+1) * time.Hour)
		if !i.RemindUpdateAt().Equal(at) {
			t.Fatalf("reminder %d at %v, want %v", n, i.RemindUpdateAt(), at)
		}
		i = apply(t, i, at, incident.RemindUpdate{WhyNot: "Ann has no contact"}).Incident
	}
	keys = append(keys, i.UpdateKey())
	for _, k := range keys {
		if !i.StillAsks(k, after(3*time.Hour)) {
			t.Errorf("%+v does not hold before an update", k)
		}
	}
	reopened := apply(t, i, after(4*time.Hour), incident.Resolve{}, incident.Reopen{}).Incident
	updated := apply(t, reopened, after(4*time.Hour), incident.Update{Text: "x"}).Incident
	keys = append(keys, reopened.UpdateKey(), updated.UpdateKey())
	seen := map[outbox.Key]bool{}
	for _, k := range keys {
		if seen[k] {
			t.Errorf("key %+v names two reminders", k)
		}
		seen[k] = true
	}
	if given := apply(t, i, after(4*time.Hour), incident.Update{Text: "x"}).Incident; given.StillAsks(keys[2], after(4*time.Hour)) {
		t.Error("a reminder holds after the update")
	}
	if over := apply(t, i, after(4*time.Hour), incident.Resolve{}).Incident; over.StillAsks(keys[2], after(4*time.Hour)) {
		t.Error("a reminder holds after the end")
	}
}

func TestActionReminders(t *testing.T) {
	const day = 24 * time.Hour
	i := apply(t, in(t, incident.Resolved), noon,
		incident.AddAction{Text: "alert earlier", Owner: "carol", Due: after(day)},
		incident.AddAction{Text: "some day"},
		incident.AddAction{Text: "grow the disk", Due: after(day + time.Hour)},
	).Incident
	if got := []string{i.ActionOwner(i.Actions[0]), i.ActionOwner(i.Actions[2])}; !slices.Equal(got, []string{"carol", "ann"}) {
		t.Errorf("owners %v", got)
	}
	key := i.ActionsKey()
	key.Member = "carol"
	if i.StillAsks(key, after(time.Hour)) || !i.StillAsks(key, after(day)) {
		t.Error("a reminder holds before the item is due, or not after")
	}
	for n, next := range []time.Duration{day, day + time.Hour, 2 * day, 2*day + time.Hour} {
		if !i.RemindActionsAt().Equal(after(next)) {
			t.Fatalf("reminder %d at %v, want %v", n, i.RemindActionsAt(), after(next))
		}
		before := i.ActionsKey()
		if i = apply(t, i, after(next), incident.RemindActions{}).Incident; i.ActionsKey() == before {
			t.Errorf("key %+v names two reminders", before)
		}
	}
	closed := apply(t, i, after(2*day), incident.Close{Review: learned}).Incident
	if closed.RemindActionsAt().IsZero() {
		t.Error("closing forgot the action items")
	}
	done := apply(t, closed, after(3*day), incident.CompleteAction{Number: 1}, incident.CompleteAction{Number: 3})
	if !done.Incident.RemindActionsAt().IsZero() || !done.Wake || done.Incident.StillAsks(key, after(4*day)) {
		t.Errorf("done: next reminder %v, wake %v", done.Incident.RemindActionsAt(), done.Wake)
	}
	if again := apply(t, done.Incident, after(4*day), incident.CompleteAction{Number: 1}); len(again.Timeline) != 0 || again.Incident.Actions[0].DoneBy != bob {
		t.Errorf("done twice: %+v", again)
	}
	if over := apply(t, i, after(2*day), incident.Cancel{Reason: "a drill"}).Incident; !over.RemindActionsAt().IsZero() {
		t.Error("a cancelled incident reminds")
	}
}

func TestChangesThatDoNothing(t *testing.T) {
	i := opened(alert.P1)
	for _, op := range []incident.Op{
		incident.AddEvent{Event: "E-1"}, incident.SetSeverity{Severity: incident.SEV1},
		incident.AssignRole{Role: incident.Commander, Member: "ann"}, incident.AssignRole{Role: "scribe"},
	} {
		if c := apply(t, i, noon, op); len(c.Timeline) != 0 || c.Wake || !reflect.DeepEqual(c.Incident, i) {
			t.Errorf("%T: %+v", op, c)
		}
	}
}

func TestMembersAndEvents(t *testing.T) {
	c := apply(t, opened(alert.P1), noon, incident.All{
		incident.AddEvent{Event: "E-3", Service: "search"}, incident.AddEvent{Event: "E-2", Service: "cart"}, incident.AddEvent{Event: "E-4", Service: "shop"},
		incident.AssignRole{Role: incident.Commander, Member: "bob"}, incident.AssignRole{Role: "scribe", Member: "carol"}, incident.AssignRole{Role: "scribe"},
	})
	i := c.Incident
	if want := []event.ID{"E-1", "E-3", "E-2", "E-4"}; !slices.Equal(i.Events, want) || !slices.Equal(c.Claims, want[1:]) {
		t.Errorf("events %v, claims %v", i.Events, c.Claims)
	}
	if want := []string{"cart", "search", "shop"}; !slices.Equal(i.Services, want) {
		t.Errorf("services %v", i.Services)
	}
	if want := map[incident.Role]string{incident.Commander: "bob"}; !reflect.DeepEqual(i.Roles, want) {
		t.Errorf("roles %v", i.Roles)
	}
}

func TestApplyLeavesItsArgumentAlone(t *testing.T) {
	i := apply(t, opened(alert.P1), noon, incident.AddAction{Text: "x", Due: noon}).Incident
	i.Actions, i.Events, i.Services = slices.Grow(i.Actions, 8), slices.Grow(i.Events, 8), slices.Grow(i.Services, 8)
	apply(t, i, noon, incident.All{
		incident.CompleteAction{Number: 1}, incident.AddEvent{Event: "E-2", Service: "cart"}, incident.AssignRole{Role: "scribe", Member: "bob"},
	})
	if i.Actions[0].Done() || i.Services[:1][0] != "shop" || i.Roles["scribe"] != "" {
		t.Errorf("changed: %+v", i)
	}
}

func TestBadInput(t *testing.T) {
	long := strings.Repeat("x", incident.MaxText+1)
	for name, op := range map[string]incident.Op{
		"an update without text":        incident.Update{},
		"an update that is too long":    incident.Update{Text: long},
		"a mitigation that is too long": incident.Mitigate{Text: long},
		"a resolution that is too long": incident.Resolve{Text: long},
		"a cancellation without reason": incident.Cancel{},
		"a note without text":           incident.Note{},
		"a review that is too long":     incident.SaveReview{Review: incident.Findings{RootCause: long}},
		"a severity of nobody":          incident.SetSeverity{Severity: "SEV5"},
		"an event that is none":         incident.AddEvent{Event: "I-1"},
		"a role without name":           incident.AssignRole{Member: "bob"},
		"a role for a strange member":   incident.AssignRole{Role: "scribe", Member: "Bob Smith"},
		"an action without text":        incident.AddAction{},
		"an action of a strange member": incident.AddAction{Text: "x", Owner: "Bob Smith"},
	} {
		if _, err := incident.Apply(opened(alert.P1), op, bob, noon); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: err %v", name, err)
		}
	}
	if _, err := incident.Apply(opened(alert.P1), incident.CompleteAction{Number: 1}, bob, noon); !fault.Is(err, fault.NotFound) {
		t.Errorf("an action item that is none: err %v", err)
	}
}

func TestLimits(t *testing.T) {
	i := opened(alert.P1)
	for n := range incident.MaxActions {
		i = apply(t, i, noon, incident.AddAction{Text: "x"}, incident.AddEvent{Event: event.IDOf(int64(n + 2))}).Incident
	}
	if _, err := incident.Apply(i, incident.AddAction{Text: "x"}, bob, noon); !fault.Is(err, fault.Invalid) {
		t.Errorf("one action item too many: err %v", err)
	}
}

func TestNextGeneration(t *testing.T) {
	i := in(t, incident.Mitigated)
	i.Exec, i.Token, i.Wakes, i.Failures = execution.Running, "token", 7, 1
	c := apply(t, i, after(time.Hour), incident.NextGeneration{Because: "died", Failed: true})
	want := i
	want.Generation, want.GenerationAt, want.Failures = 2, after(time.Hour), 2
	want.Exec, want.Token, want.Wakes, want.WakeSeq, want.Due = execution.Pending, "", 0, i.WakeSeq+1, after(time.Hour+30*time.Second)
	if !reflect.DeepEqual(c.Incident, want) {
		t.Errorf("got  %+v\nwant %+v", c.Incident, want)
	}
}

func TestID(t *testing.T) {
	for id, want := range map[incident.ID]int64{"I-7": 7, "I-0": 0, "E-7": 0, "I-": 0, "I-x": 0, "": 0, "I--1": 0} {
		if n, err := id.Number(); n != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d, err %v", id, n, err)
		}
	}
	if id := incident.IDOf(7); id != "I-7" {
		t.Errorf("id %s", id)
	}
}
