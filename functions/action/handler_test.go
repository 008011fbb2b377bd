package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"tocsin/shared/actionlink"
	"tocsin/shared/alert"
	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/config"
	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/outbox"
)

const the event.ID = "E-4821"

func TestGetAndHeadChangeNothing(t *testing.T) {
	for _, state := range []struct {
		name string
		ops  []event.Op
	}{
		{"triggered", nil},
		{"acknowledged", []event.Op{event.Acknowledge{}}},
		{"snoozed", []event.Op{event.Snooze{Until: night.Add(time.Hour)}}},
		{"resolved", []event.Op{event.Resolve{}}},
	} {
		t.Run(state.name, func(t *testing.T) {
			o := newOffice(t)
			o.do(t, the, "bob", state.ops...)
			token := o.token(t, "alice")
			before, items, messages := o.events[the], len(o.timeline[the]), len(o.messages)
			b := o.browse(t)
			for _, query := range []string{"", "?action=acknowledge", "?did=resolve", "?did=link&refused=1"} {
				for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet} {
					a := b.do(method, "/a/"+token+query, "", nil)
					if a.status != http.StatusOK || (method == http.MethodHead) != (a.body == "") {
						t.Errorf("%s answers %d with %d bytes", method, a.status, len(a.body))
					}
				}
			}
			if !reflect.DeepEqual(o.events[the], before) || len(o.timeline[the]) != items || len(o.messages) != messages || len(o.sent) != 0 {
				t.Error("something changed")
			}
		})
	}
}

func TestOneTapAcknowledges(t *testing.T) {
	o := newOffice(t)
	token, b := o.token(t, "alice"), o.browse(t)
	b.get(token).shows(t, 200, "Triggered since 03:06 (6 min ago)", "Bob Brandt is paged at 03:17.", ">Acknowledge<", "You act as Alice Ahrens.")
	a := b.tap(token, "action", "acknowledge")
	a.shows(t, 200, "You acknowledged it at 03:12.", "Nobody else is paged for it.", "Acknowledged by you since 03:12", "expires at 03:42", `<button type="submit" class="main">Resolve<`)
	if e := o.events[the]; e.State != event.AckedState || e.Owner != "alice" {
		t.Errorf("the event is %s by %q", e.State, e.Owner)
	}
	if strings.Contains(a.path, "acknowledge") && !strings.HasPrefix(a.path, "/a/"+token+"?did=") {
		t.Errorf("the page is at %s", a.path)
	}
	t.Run("a second tap changes nothing", func(t *testing.T) {
		items := len(o.timeline[the])
		b.tap(token, "action", "acknowledge").shows(t, 200, "You acknowledged it at 03:12.")
		if len(o.timeline[the]) != items {
			t.Error("it was acknowledged again")
		}
	})
	t.Run("the same link resolves", func(t *testing.T) {
		o.now = night.Add(20 * time.Minute)
		b.tap(token, "action", "resolve").shows(t, 200, "You resolved it at 03:32.", "say below what was wrong", "Cause class")
		b.tap(token, "action", "resolve").shows(t, 200, "You resolved it at 03:32.")
		if e := o.events[the]; e.State != event.Resolved || e.ResolvedBy != "member:alice" {
			t.Errorf("the event is %s by %q", e.State, e.ResolvedBy)
		}
	})
}

func TestAnActionAlreadyDoneSaysWhoDidIt(t *testing.T) {
	for _, c := range []struct {
		action string
		ops    []event.Op
		says   string
	}{
		{"acknowledge", []event.Op{event.Acknowledge{}}, "Bob Brandt acknowledged it at 03:12. Nothing more was done."},
		{"resolve", []event.Op{event.Resolve{}}, "Bob Brandt resolved it at 03:12. Nothing more was done."},
		{"promote", []event.Op{event.Promote{}}, "Bob Brandt made it an incident at 03:12. Nothing more was done."},
		{"close", []event.Op{event.Close{Record: &event.Record{CauseClass: "capacity", Cause: "a", Solution: "b"}}}, "Bob Brandt closed it at 03:12. Nothing more was done."},
		{"acknowledge", []event.Op{event.Resolve{}}, "Something changed"},
		{"reopen", nil, "Something changed"},
		{"unacknowledge", nil, "Something changed"},
	} {
		t.Run(c.action+" "+c.says, func(t *testing.T) {
			o := newOffice(t)
			token, b := o.token(t, "alice"), o.browse(t)
			o.do(t, the, "bob", c.ops...)
			before := o.events[the]
			b.tap(token, "action", c.action).shows(t, 200, c.says)
			if !reflect.DeepEqual(o.events[the], before) {
				t.Error("the event changed")
			}
		})
	}
}

// TestARaceIsAnswered lets Bob act between the page's read and the operation.
func TestARaceIsAnswered(t *testing.T) {
	o := newOffice(t)
	o.race = func(o *office, id event.ID) { o.do(t, id, "bob", event.Acknowledge{}) }
	o.browse(t).tap(o.token(t, "alice"), "action", "acknowledge").shows(t, 200, "Bob Brandt acknowledged it at 03:12.", "Acknowledged by Bob Brandt")
}

func TestAStalePageDoesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		meanwhile,
		tapped []string
		who string
	}{
		{"escalate after the next step ran", []string{"paged"}, []string{"action", "escalate"}, ""},
		{"snooze after Bob acknowledged", []string{"bob acknowledge"}, []string{"action", "snooze", "for", "1h"}, ""},
		{"give back after Bob snoozed", []string{"bob snooze"}, []string{"action", "unacknowledge"}, ""},
		{"acknowledge after Bob snoozed", []string{"bob snooze"}, []string{"action", "acknowledge"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			e := o.events[the]
			marks := []string{"seen", seen(&e), "step", seenStep(&e)}
			switch c.meanwhile[0] {
			case "paged":
				e.Progress.Step, e.Progress.PagedAt, e.Progress.Deadline = 1, night, night.Add(5*time.Minute)
				o.put(e)
			case "bob acknowledge":
				o.do(t, the, "bob", event.Acknowledge{})
			default:
				o.do(t, the, "bob", event.Snooze{Until: night.Add(time.Hour)})
			}
			before := o.events[the]
			o.browse(t).tap(o.token(t, "alice"), append(marks, c.tapped...)...).shows(t, 200, "Something changed while this page was open")
			if !reflect.DeepEqual(o.events[the], before) {
				t.Error("the event changed")
			}
		})
	}
}

// TestDoubleTap posts each form twice, as an impatient thumb does.
func TestDoubleTap(t *testing.T) {
	acked := []event.Op{event.Acknowledge{}}
	record := []string{"cause_class", "capacity", "cause", "Too few workers", "solution", "Added two", "tags", "db, capacity"}
	for _, c := range []struct {
		name  string
		ops   []event.Op
		form  []string
		says  string
		state event.State
		fact  string
	}{
		{"acknowledge", nil, nil, "You acknowledged it at 03:12.", event.AckedState, "event.acknowledged"},
		{"resolve", nil, nil, "You resolved it at 03:12.", event.Resolved, "event.resolved"},
		{"escalate", nil, nil, "You escalated it at 03:12.", event.Triggered, "event.escalated"},
		{"escalate", acked, nil, "You escalated it at 03:12.", event.Triggered, "event.escalated"},
		{"snooze", nil, []string{"for", "1h"}, "You snoozed it at 03:12.", event.Snoozed, "event.snoozed"},
		{"promote", nil, nil, "You made it an incident at 03:12.", event.Triggered, "event.promoted"},
		{"note", nil, []string{"note", "Looking at it"}, "You added a note at 03:12.", event.Triggered, "event.noted"},
		{"unacknowledge", acked, nil, "You gave it back at 03:12.", event.Triggered, "event.unacknowledged"},
		{"wake", []event.Op{event.Snooze{Until: night.Add(time.Hour)}}, nil, "You ended the snooze at 03:12.", event.Triggered, "event.snooze_ended"},
		{"record", []event.Op{event.Resolve{}}, record, "You saved the record at 03:12.", event.Resolved, "event.recorded"},
		{"close", []event.Op{event.Resolve{}}, record, "You closed it at 03:12.", event.Closed, "event.closed"},
	} {
		t.Run(fmt.Sprint(c.name, len(c.ops)), func(t *testing.T) {
			o := newOffice(t)
			o.do(t, the, "alice", c.ops...)
			e := o.events[the]
			form := append([]string{"action", c.name, "seen", seen(&e), "step", seenStep(&e), "saw", seenRecord(e.Record)}, c.form...)
			token, b := o.token(t, "alice"), o.browse(t)
			for range 2 {
				b.tap(token, form...).shows(t, 200, c.says)
			}
			if got := o.events[the].State; got != c.state {
				t.Errorf("the event is %s", got)
			}
			if n := o.count(c.fact); n != 1 {
				t.Errorf("it was done %d times", n)
			}
		})
	}
}

func (o *office) count(what string) int {
	n := 0
	for _, item := range o.timeline[the] {
		if item.What == what {
			n++
		}
	}
	return n
}

func TestTheOwnerRenews(t *testing.T) {
	o := newOffice(t)
	o.do(t, the, "alice", event.Acknowledge{})
	o.now = night.Add(20 * time.Minute)
	e := o.events[the]
	token, b := o.token(t, "alice"), o.browse(t)
	b.get(token).shows(t, 200, "Keep working on it")
	for range 2 {
		b.tap(token, "action", "acknowledge", "seen", seen(&e)).shows(t, 200, "expires at 04:02")
	}
	if n := o.count("event.acknowledged"); n != 2 {
		t.Errorf("acknowledged %d times", n)
	}
	o.browse(t).get(o.token(t, "bob")).hides(t, "Keep working on it")
}

func TestSnoozeEndsByTheReadersClock(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		choice string
		at     time.Time
		want   time.Time
	}{
		{"1h", night, night.Add(time.Hour)},
		{"4h", night, night.Add(4 * time.Hour)},
		{"09:00", night, time.Date(2026, 3, 12, 9, 0, 0, 0, berlin)},
		{"09:00", time.Date(2026, 3, 12, 9, 0, 0, 0, berlin), time.Date(2026, 3, 13, 9, 0, 0, 0, berlin)},
		{"09:00", time.Date(2026, 3, 28, 22, 0, 0, 0, berlin), time.Date(2026, 3, 29, 9, 0, 0, 0, berlin)}, // the clocks change in between
	} {
		t.Run(c.choice+c.at.Format(" 2006-01-02T15"), func(t *testing.T) {
			o := newOffice(t)
			o.now = c.at.UTC()
			token := o.token(t, "alice", func(l *actionlink.Claims) { l.Expires = c.at.Add(time.Hour) })
			o.browse(t).tap(token, "action", "snooze", "for", c.choice).shows(t, 200, "Snoozed by you until ", c.want.In(berlin).Format("15:04")+"<")
			if got := o.events[the].SnoozedUntil; !got.Equal(c.want) {
				t.Errorf("until %v, want %v", got, c.want)
			}
		})
	}
}

// TestATeamsOwnCauseClass is offered and taken for the events of its services,
// and stays when the configuration drops it.
func TestATeamsOwnCauseClass(t *testing.T) {
	o := newOffice(t)
	plain := o.config
	team := config.Document{Kind: "team", Name: "payments", Spec: []byte(`{"members":["alice","bob"],"cause_classes":["bank_closed"]}`)}
	documents := []config.Document{team}
	for _, d := range plain.Documents {
		if d.Kind != "team" {
			documents = append(documents, d)
		}
	}
	own, problems := config.Parse(documents)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	o.do(t, the, "alice", event.Resolve{})
	token, b := o.token(t, "alice"), o.browse(t)
	b.get(token).hides(t, "bank_closed")
	o.config = own
	b.get(token).shows(t, 200, `<option value="bank_closed">bank_closed</option>`)
	b.tap(token, "action", "record", "cause_class", "bank_closed", "cause", "Holiday").shows(t, 200, `<option value="bank_closed" selected>`)
	o.config = plain
	b.tap(token, "action", "record", "cause_class", "bank_closed", "cause", "Bank holiday").shows(t, 200, "Bank holiday")
	if r := o.events[the].Record; r.CauseClass != "bank_closed" || r.Cause != "Bank holiday" {
		t.Errorf("record %+v", r)
	}
}

func TestReopeningLeadsToALinkOfTheNewOpening(t *testing.T) {
	o := newOffice(t)
	o.do(t, the, "alice", event.Resolve{})
	token, b := o.token(t, "alice"), o.browse(t)
	a := b.tap(token, "action", "reopen")
	a.shows(t, 200, "You reopened it at 03:12.", ">Acknowledge<")
	newer := strings.TrimSuffix(strings.TrimPrefix(a.path, "/a/"), "?did=reopen")
	c, err := o.keys().Verify(t.Context(), newer)
	if err != nil || c.Opening != 2 || !c.Expires.Equal(night.Add(24*time.Hour)) || c.Member != actionlink.MemberOf("alice") {
		t.Errorf("the new link says %+v, %v", c, err)
	}
	b.tap(token, "action", "acknowledge").shows(t, 200, "belongs to an earlier opening", "Send me a new link")
	if o.events[the].State != event.Triggered {
		t.Error("a link of an earlier opening acted")
	}
	b.tap(newer, "action", "acknowledge").shows(t, 200, "You acknowledged it")
}

func TestReopeningIsRefusedWhenTheSlotIsTaken(t *testing.T) {
	o := newOffice(t)
	o.do(t, the, "alice", event.Resolve{})
	o.slot = "E-5000"
	o.browse(t).tap(o.token(t, "alice"), "action", "reopen").shows(t, 200, "It was not reopened: E-5000 has taken its place.")
}

// TestFourPages: expired, malformed, too old an opening and done are told
// apart.
func TestFourPages(t *testing.T) {
	type page struct {
		status int
		shows  []string
		hides  []string
	}
	link := []string{"Send me a new link", "给我发送新链接"}
	for _, c := range []struct {
		name  string
		token func(*testing.T, *office, string) string
		en    page
		zh    page
	}{
		{"too old to act", func(t *testing.T, o *office, m string) string {
			o.now = night.Add(25 * time.Hour)
			return o.token(t, m)
		}, page{200, []string{"This link has expired", "still shows how the event stands", "Payment API", link[0]}, []string{">Acknowledge<"}},
			page{200, []string{"链接已过期", "仍可查看事件的状态", "Payment API", link[1]}, []string{">确认<"}}},
		{"too old to show", func(t *testing.T, o *office, m string) string {
			o.now = night.Add(8 * 24 * time.Hour)
			return o.token(t, m)
		}, page{410, []string{"This link has expired", "The link to E-4821 is too old to show anything.", link[0]}, []string{"Payment API"}},
			page{410, []string{"链接已过期", "E-4821 的链接太旧，已不能显示任何内容", link[1]}, []string{"Payment API"}}},
		{"malformed", func(t *testing.T, o *office, m string) string { return "not-a-token" },
			page{404, []string{"This link is not valid"}, []string{"Payment API", link[0]}},
			page{404, []string{"链接无效"}, []string{"Payment API", link[1]}}},
		{"too old an opening", func(t *testing.T, o *office, m string) string {
			o.do(t, the, "bob", event.Resolve{}, event.Reopen{})
			return o.token(t, m)
		}, page{200, []string{"belongs to an earlier opening", "E-4821 was reopened since", link[0]}, []string{">Acknowledge<"}},
			page{200, []string{"链接属于事件重新打开之前", "E-4821 之后被重新打开", link[1]}, []string{">确认<"}}},
		{"done", func(t *testing.T, o *office, m string) string {
			o.do(t, the, m, event.Close{Record: &event.Record{CauseClass: "capacity", Cause: "a", Solution: "b"}})
			return o.token(t, m) + "?did=close"
		}, page{200, []string{"You closed it at 03:12.", "It is archived with its record.", "Capacity"}, []string{"This link has expired", link[0]}},
			page{200, []string{"你已于 10:12 关闭。", "事件已连同处理记录归档。", "容量不足"}, []string{link[1]}}},
	} {
		for member, want := range map[string]page{"alice": c.en, "lei": c.zh} {
			t.Run(c.name+" for "+member, func(t *testing.T) {
				o := newOffice(t)
				b := o.browse(t)
				if member == "lei" {
					b.language = "zh-CN,zh;q=0.9"
				}
				a := b.get(c.token(t, o, member))
				a.shows(t, want.status, want.shows...)
				a.hides(t, want.hides...)
			})
		}
	}
}

func TestTheTokenIsVerifiedBeforeAnyRead(t *testing.T) {
	o := newOffice(t)
	good, b := o.token(t, "alice"), o.browse(t)
	for i := range good {
		c := byte('A')
		if good[i] == 'A' {
			c = 'B'
		}
		bad := good[:i] + string(c) + good[i+1:]
		b.get(bad).shows(t, 404, "This link is not valid")
		b.tap(bad, "action", "acknowledge").shows(t, 404, "This link is not valid")
	}
	if o.reads != 0 || o.events[the].State != event.Triggered {
		t.Errorf("%d reads", o.reads)
	}
}

func TestAnExpiredLinkDoesNotAct(t *testing.T) {
	for _, age := range []time.Duration{25 * time.Hour, 8 * 24 * time.Hour} {
		o := newOffice(t)
		o.now = night.Add(age)
		token := o.token(t, "alice")
		for _, action := range []string{"acknowledge", "resolve", "note", "close", "promote"} {
			o.browse(t).tap(token, "action", action, "note", "x")
		}
		if e := o.events[the]; e.State != event.Triggered || len(o.timeline[the]) != 2 {
			t.Errorf("at %v the link acted", age)
		}
	}
}

func TestANewLinkIsMailed(t *testing.T) {
	for _, age := range []time.Duration{25 * time.Hour, 8 * 24 * time.Hour} {
		t.Run(age.String(), func(t *testing.T) {
			o := newOffice(t)
			o.now = night.Add(age).Truncate(5 * time.Minute)
			token, b := o.token(t, "alice"), o.browse(t)
			b.tap(token, "action", "link").shows(t, map[bool]int{true: 200, false: 410}[age < 7*24*time.Hour], "A new link is on its way")
			b.tap(token, "action", "link").shows(t, map[bool]int{true: 200, false: 410}[age < 7*24*time.Hour], "A new link was sent a moment ago.")
			if len(o.sent) != 1 {
				t.Fatalf("%d messages", len(o.sent))
			}
			m := o.sent[0]
			if m.Event != "E-4821" || m.Member != "alice" || m.Contact != "mail" || m.Channel != "email" || m.Reason != outbox.Link || m.Opening != 1 || m.State != outbox.Pending {
				t.Errorf("message %+v", m)
			}
			if want := []outbox.Fallback{{Contact: "phone", Channel: "ntfy"}}; !reflect.DeepEqual(m.Others, want) {
				t.Errorf("others %+v", m.Others)
			}
			o.now = o.now.Add(5 * time.Minute)
			b.tap(token, "action", "link")
			if len(o.sent) != 2 {
				t.Errorf("%d messages after five minutes", len(o.sent))
			}
		})
	}
	t.Run("not to whom has no verified contact", func(t *testing.T) {
		o := newOffice(t)
		o.now = night.Add(25 * time.Hour)
		o.contacts = []catalog.Contact{{ID: "mail", Member: "alice", Channel: catalog.Email, Address: "alice@example.com"}}
		o.browse(t).tap(o.token(t, "alice"), "action", "link").shows(t, 200, "You have no verified contact")
		if len(o.sent) != 0 {
			t.Error("a message was sent")
		}
	})
	t.Run("not for a link that acts", func(t *testing.T) {
		o := newOffice(t)
		o.browse(t).tap(o.token(t, "alice"), "action", "link")
		if len(o.sent) != 0 {
			t.Error("a message was sent")
		}
	})
	t.Run("for the survivor of a merge", func(t *testing.T) {
		o := newOffice(t)
		o.merge(t)
		o.now = night.Add(25 * time.Hour)
		o.browse(t).tap(o.token(t, "alice"), "action", "link")
		if len(o.sent) != 1 || o.sent[0].Event != "E-4830" || o.sent[0].Opening != 3 {
			t.Errorf("messages %+v", o.sent)
		}
	})
}

// merge merges E-4821 into E-4830, which is at its third opening.
func (o *office) merge(t *testing.T) {
	t.Helper()
	survivor := sample("E-4830")
	survivor.Title, survivor.Opening = "All of checkout is down", 3
	o.put(survivor)
	o.do(t, the, "bob", event.Merge{Into: "E-4830", IntoOpening: 3})
}

func TestALinkOfAMergedEventLeadsToTheSurvivor(t *testing.T) {
	o := newOffice(t)
	o.merge(t)
	token, b := o.token(t, "alice"), o.browse(t)
	b.get(token).shows(t, 200, "E-4821 was merged into this event.", "All of checkout is down", "E-4830")
	b.tap(token, "action", "acknowledge").shows(t, 200, "You acknowledged it")
	if o.events["E-4830"].Owner != "alice" {
		t.Error("the survivor was not acknowledged")
	}
	o.do(t, "E-4830", "bob", event.Resolve{}, event.Reopen{})
	b.tap(token, "action", "acknowledge").shows(t, 200, "belongs to an earlier opening")
	if o.events["E-4830"].State != event.Triggered {
		t.Error("a link of an earlier opening of the survivor acted")
	}
	t.Run("not when it was of an earlier opening before the merge", func(t *testing.T) {
		o := newOffice(t)
		o.do(t, the, "bob", event.Resolve{}, event.Reopen{})
		o.merge(t)
		o.browse(t).get(o.token(t, "alice")).shows(t, 200, "belongs to an earlier opening")
	})
}

func TestWhoMayWhat(t *testing.T) {
	none := func(c *actionlink.Claims) { c.Actions = 0 }
	t.Run("a link to view has no buttons", func(t *testing.T) {
		o := newOffice(t)
		token, b := o.token(t, "alice", none), o.browse(t)
		a := b.get(token)
		a.shows(t, 200, "Payment API")
		a.hides(t, "<button", "<form")
		b.tap(token, "action", "acknowledge").shows(t, 403, "This link does not allow that")
	})
	t.Run("each action needs its bit", func(t *testing.T) {
		for _, action := range []string{"acknowledge", "resolve", "escalate", "snooze", "promote", "note", "record", "close", "unacknowledge", "wake", "reopen"} {
			a, _ := actionOf(action)
			o := newOffice(t)
			token := o.token(t, "alice", func(c *actionlink.Claims) { c.Actions &^= a.needs })
			o.browse(t).tap(token, "action", action, "for", "1h", "note", "x").shows(t, 403, "This link does not allow that")
			if len(o.timeline[the]) != 2 {
				t.Errorf("%s was done", action)
			}
		}
	})
	t.Run("a former member", func(t *testing.T) {
		o := newOffice(t)
		o.browse(t).get(o.token(t, "mallory")).shows(t, 403, "no longer a member")
	})
	t.Run("another site's form", func(t *testing.T) {
		for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200, "": 200} {
			o := newOffice(t)
			b := o.browse(t)
			if site != "" {
				b.header.Set("Sec-Fetch-Site", site)
			}
			if a := b.tap(o.token(t, "alice"), "action", "acknowledge"); a.status != want {
				t.Errorf("Sec-Fetch-Site %q: %d, want %d", site, a.status, want)
			}
		}
	})
	t.Run("an event that is gone", func(t *testing.T) {
		o := newOffice(t)
		o.browse(t).get(o.token(t, "alice", func(c *actionlink.Claims) { c.Number = 9 })).shows(t, 404, "There is nothing behind this link")
	})
}

func TestTheRecord(t *testing.T) {
	full := map[string]string{
		"action": "close", "cause_class": "config_change", "cause": "连接池减半", "solution": "Rolled back", "reasoning": "Diff of the last change", "tags": "pool，db, pool",
	}
	send := func(t *testing.T, o *office, change map[string]string) answer {
		t.Helper()
		fields := maps.Clone(full)
		maps.Copy(fields, change)
		var body strings.Builder
		w := multipart.NewWriter(&body)
		for k, v := range fields {
			if err := w.WriteField(k, v); err != nil {
				t.Fatal(err)
			}
		}
		_ = w.Close()
		return o.browse(t).do(http.MethodPost, "/a/"+o.token(t, "alice"), w.FormDataContentType(), strings.NewReader(body.String()))
	}
	resolved := func(t *testing.T) *office {
		o := newOffice(t)
		o.do(t, the, "alice", event.Resolve{})
		return o
	}
	t.Run("closes", func(t *testing.T) {
		o := resolved(t)
		send(t, o, nil).shows(t, 200, "You closed it at 03:12.", "Configuration change", "连接池减半")
		want := event.Record{CauseClass: "config_change", Cause: "连接池减半", Solution: "Rolled back", Reasoning: "Diff of the last change", Tags: []string{"pool", "db"}, By: "member:alice", At: night}
		if got := o.events[the].Record; !reflect.DeepEqual(got, want) {
			t.Errorf("record %+v", got)
		}
	})
	for _, c := range []struct {
		name   string
		change map[string]string
		says   []string
	}{
		{"without a cause", map[string]string{"cause": " "}, []string{"This is needed to close a P1 or P2."}},
		{"without anything", map[string]string{"cause": "", "solution": "", "cause_class": ""}, []string{"This is needed to close a P1 or P2."}},
		{"with an unknown class", map[string]string{"cause_class": "gremlins"}, []string{"Choose one of the list."}},
		{"with a long cause", map[string]string{"cause": strings.Repeat("长", maxText+1)}, []string{"At most 2500 characters."}},
		{"with control characters", map[string]string{"solution": "a\x00b"}, []string{"characters that cannot be saved"}},
		{"with invalid UTF-8", map[string]string{"solution": "a\xffb"}, []string{"characters that cannot be saved"}},
		{"with many tags", map[string]string{"tags": manyTags()}, []string{"At most 20 tags."}},
		{"with a long tag", map[string]string{"tags": strings.Repeat("x", 41)}, []string{"At most 40 characters."}},
	} {
		t.Run("is returned "+c.name, func(t *testing.T) {
			o := resolved(t)
			a := send(t, o, c.change)
			a.shows(t, 422, append(c.says, "Please check the marked fields.", "Diff of the last change", `aria-invalid="true"`)...)
			if o.events[the].State != event.Resolved || o.events[the].Record.CauseClass != "" {
				t.Error("the event changed")
			}
		})
	}
	t.Run("is saved as far as it is known", func(t *testing.T) {
		o := resolved(t)
		send(t, o, map[string]string{"action": "record", "cause": "", "solution": ""}).shows(t, 200, "You saved the record at 03:12.", `<option value="config_change" selected>`)
	})
	t.Run("is returned when somebody saved another meanwhile", func(t *testing.T) {
		o := resolved(t)
		saw := seenRecord(o.events[the].Record)
		o.do(t, the, "bob", event.SaveRecord{Record: event.Record{Cause: "Bob's cause"}})
		a := send(t, o, map[string]string{"saw": saw})
		a.shows(t, 422, "Somebody else saved the record meanwhile.", "连接池减半")
		send(t, o, map[string]string{"saw": seenRecord(o.events[the].Record)}).shows(t, 200, "You closed it")
	})
	t.Run("is refused when the form is too large", func(t *testing.T) {
		o := resolved(t)
		send(t, o, map[string]string{"cause": strings.Repeat("x", maxForm)}).shows(t, 413, "That is too much text")
		o.browse(t).tap(o.token(t, "alice"), "action", "note", "note", strings.Repeat("x", maxForm)).shows(t, 413, "That is too much text")
	})
	t.Run("fits in Chinese", func(t *testing.T) {
		o := resolved(t)
		most := strings.Repeat("长", maxText)
		send(t, o, map[string]string{"cause": most, "solution": most, "reasoning": most}).shows(t, 200, "You closed it")
	})
}

func manyTags() string {
	var tags []string
	for i := range maxTags + 1 {
		tags = append(tags, fmt.Sprint("t", i))
	}
	return strings.Join(tags, ",")
}

func TestOddRequests(t *testing.T) {
	o := newOffice(t)
	token, b := o.token(t, "alice"), o.browse(t)
	b.tap(token).shows(t, 400, "That was not understood")
	b.tap(token, "action", "explode").shows(t, 400, "That was not understood")
	b.tap(token, "action", "snooze", "for", "100y").shows(t, 400, "That was not understood")
	b.tap(token, "action", "note", "note", " ").shows(t, 422, "Write something first.")
	b.do(http.MethodPost, "/a/"+token, "multipart/form-data", strings.NewReader("x")).shows(t, 400, "That was not understood")
	b.do(http.MethodPost, "/a/"+token, "application/json", strings.NewReader(`{"action":"resolve"}`)).shows(t, 400, "That was not understood")
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if a := b.do(method, "/a/"+token, "", nil); a.status != http.StatusMethodNotAllowed {
			t.Errorf("%s answers %d", method, a.status)
		}
	}
	for _, path := range []string{"/a/", "/a", "/a/" + token + "/x"} {
		if a := b.do(http.MethodGet, path, "", nil); a.status != http.StatusNotFound {
			t.Errorf("%s answers %d", path, a.status)
		}
	}
	if o.events[the].State != event.Triggered || len(o.timeline[the]) != 2 {
		t.Error("something was done")
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		says   string
	}{
		{fault.New(fault.Unavailable, "throttled at 10.0.0.1"), 503, "Tocsin cannot read the event right now"},
		{errors.New("secret detail"), 500, "Something is broken here"},
	} {
		o := newOffice(t)
		o.down = c.err
		b, token := o.browse(t), o.token(t, "alice")
		for _, a := range []answer{b.get(token), b.tap(token, "action", "acknowledge")} {
			a.shows(t, c.status, c.says)
			a.hides(t, "10.0.0.1", "secret detail")
		}
	}
}

func TestTheButtonStaysWhenOtherThingsCannotBeRead(t *testing.T) {
	o := newOffice(t)
	o.partly = fault.New(fault.Unavailable, "throttled")
	token, b := o.token(t, "alice"), o.browse(t)
	b.get(token).shows(t, 200, ">Acknowledge<", "The next step of the plan runs at 03:17.")
	b.tap(token, "action", "acknowledge").shows(t, 200, "Acknowledged by you since 03:12")
}

// TestPageShowsChanges of the event's service, newest first, with what a
// sender wrote as text.
func TestPageShowsChanges(t *testing.T) {
	o := newOffice(t)
	for i := range 10 {
		o.changed = append(o.changed, change.Filed{Change: change.Change{
			Title: fmt.Sprintf("deploy <v%d>", 9-i), Source: "github", At: night.Add(-time.Duration(i+1) * time.Minute),
			Links: []alert.Link{{Text: "Run", URL: "https://ci.example.com/run"}},
		}})
	}
	o.changed[1].Links = []alert.Link{{URL: "javascript:alert(1)"}}
	token, b := o.token(t, "alice"), o.browse(t)
	page := b.get(token)
	page.shows(t, 200, "<h2>Changes</h2>", `<a href="https://ci.example.com/run" rel="noopener noreferrer">deploy &lt;v9&gt;</a>`, "<div>deploy &lt;v8&gt;</div>", "03:11", "github", "2 older entries")
	page.hides(t, "javascript:", "<v9>")
	if from := o.events["E-4821"].OpenedAt.Add(-2 * time.Hour); !o.asked.From.Equal(from) || !o.asked.Until.Equal(o.now) {
		t.Errorf("asked for %v", o.asked)
	}
	o.changed = nil
	b.get(token).hides(t, "Changes")
}

// TestPageShowsWhatHelpedLastTime until the event is closed.
func TestPageShowsWhatHelpedLastTime(t *testing.T) {
	o := newOffice(t)
	e := o.events["E-4821"]
	e.Previous = "E-12"
	o.events[e.ID] = e
	o.events["E-12"] = event.Event{ID: "E-12", State: event.Closed, Record: event.Record{CauseClass: "capacity", Cause: "rotation <off>", Solution: "rotated", At: night.AddDate(0, 0, -3)}}
	token, b := o.token(t, "alice"), o.browse(t)
	b.get(token).shows(t, 200, "Last time: E-12", "rotation &lt;off&gt;", "rotated", "Capacity")
	e.State = event.Closed
	o.events[e.ID] = e
	b.get(token).hides(t, "Last time")
}

// TestNothingLeaksIntoTheLog looks for the token in whatever was logged.
func TestNothingLeaksIntoTheLog(t *testing.T) {
	o := newOffice(t)
	token, b := o.token(t, "alice"), o.browse(t)
	b.get(token)
	b.tap(token, "action", "acknowledge")
	b.tap(token, "action", token)
	b.get(token[:59] + "A")
	b.get("no-token-at-all")
	o.down = errors.New("failed")
	b.get(token)
	log := o.log.String()
	for _, secret := range []string{token, token[:20], "no-token", "/a/" + token[:4]} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	for _, want := range []string{`"route":"GET /a/{token}"`, `"route":"POST /a/{token}"`, `"event_id":"E-4821"`, `"member":"alice"`, `"action":"acknowledge"`, `"reason":"forged"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}

func TestWhatSendersWriteIsText(t *testing.T) {
	const evil = `"><script>alert('x')</script>&amp;<img src=x onerror=y>`
	o := newOffice(t)
	e := o.events[the]
	e.Title, e.Description, e.Service, e.Source, e.Incident, e.Owner = evil, evil, evil, evil, evil, evil
	e.Labels = map[string]string{evil: evil}
	e.Links = append(e.Links, sampleLinks(evil)...)
	e.Record = event.Record{CauseClass: evil, Cause: evil + "</textarea>", Solution: evil, Reasoning: evil, Tags: []string{evil}}
	o.put(e)
	for what := range english().Facts {
		o.timeline[the] = append(o.timeline[the], event.Item{At: night, By: evil, What: what, Data: map[string]string{
			"because": evil, "who": evil, "why_not": evil, "text": evil, "note": evil, "title": evil, "from": evil, "to": evil, "member": evil, "incident": evil, "until": evil, "into": evil, "alerts": evil, "step": evil, "round": evil,
		}})
	}
	for _, state := range []event.State{event.Triggered, event.AckedState, event.Resolved, event.Closed} {
		e.State = state
		o.put(e)
		for _, member := range []string{"alice", "lei"} {
			a := o.browse(t).get(o.token(t, member))
			if a.status != 200 {
				t.Fatal(a.status)
			}
			a.hides(t, "<script", "<img", "javascript:", "onerror=y>", "vbscript:", "data:text")
			for _, quoted := range strings.Split(a.body, "\"><")[1:] {
				if strings.HasPrefix(quoted, "script") {
					t.Error("an attribute was broken out of")
				}
			}
		}
	}
}

func TestEveryTextIsThere(t *testing.T) {
	en, zh := reflect.ValueOf(*english()), reflect.ValueOf(*chinese())
	for i := range en.NumField() {
		field := en.Type().Field(i).Name
		for lang, v := range map[string]reflect.Value{"English": en.Field(i), "Chinese": zh.Field(i)} {
			if v.IsZero() {
				t.Errorf("%s lacks %s", lang, field)
			}
		}
		a, b := en.Field(i), zh.Field(i)
		if a.Kind() == reflect.Map {
			for _, k := range a.MapKeys() {
				if !b.MapIndex(k).IsValid() || b.MapIndex(k).IsZero() {
					t.Errorf("Chinese lacks %s[%s]", field, k)
				}
			}
			if a.Len() != b.Len() {
				t.Errorf("%s differs in length", field)
			}
		}
		if a.Kind() == reflect.String && field != "Tocsin" && a.String() == b.String() {
			t.Errorf("%s is not translated: %q", field, a.String())
		}
	}
	for _, c := range defaults.CauseClasses {
		if english().CauseClasses[c] == "" {
			t.Errorf("cause class %s has no text", c)
		}
	}
	for _, s := range []event.State{event.Triggered, event.AckedState, event.Snoozed, event.Resolved, event.Closed} {
		if english().States[string(s)] == "" {
			t.Errorf("state %s has no text", s)
		}
	}
}

func TestLanguage(t *testing.T) {
	for header, want := range map[string]string{
		"": "", "de": "", "zh-CN,zh;q=0.9,en;q=0.8": "zh", "en-GB,en;q=0.9,zh;q=0.8": "en", "de, zh;q=0.5, en;q=0.4": "zh", "*": "", "zh;q=0, en;q=0.1": "en", "zh;q=x, en": "en", "ZH-tw": "zh",
	} {
		if got := accepted(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
	o := newOffice(t)
	b := o.browse(t)
	b.language = "zh-CN"
	b.get(o.token(t, "alice")).shows(t, 200, `lang="en"`, ">Acknowledge<")    // her own language
	b.get(o.token(t, "bob")).shows(t, 200, `lang="zh-CN"`, ">确认<")            // his browser's
	o.browse(t).get(o.token(t, "lei")).shows(t, 200, `lang="zh-CN"`, "10:06") // his own language and zone
	o.browse(t).get(o.token(t, "bob")).shows(t, 200, `lang="en"`, ">Acknowledge<")
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	o := newOffice(t)
	a := o.browse(t).get(o.token(t, "alice"))
	a.hides(t, "<script", "<link", "src=", "@import", "url(", " style=")
	a.shows(t, 200, `rel="noopener noreferrer"`, `href="https://runbooks.example.com/payment-errors"`, `content="width=device-width, initial-scale=1"`)
	csp := a.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "style-src 'sha256-", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
}

var update = flag.Bool("update", false, "write a token into fixtures that say TOKEN")

// TestFixtures hands the events of events/action to the function as the Lambda
// service would.
func TestFixtures(t *testing.T) {
	for file, want := range map[string]struct {
		status int
		shows  string
		state  event.State
	}{
		"get.json":                {200, "Triggered since", event.Triggered},
		"head.json":               {200, "", event.Triggered},
		"get-chinese.json":        {404, "链接无效", event.Triggered},
		"get-tampered.json":       {404, "This link is not valid", event.Triggered},
		"post-acknowledge.json":   {303, "?did=acknowledge", event.AckedState},
		"post-close.json":         {303, "?did=close", event.Closed},
		"post-cross-site.json":    {403, "came from another site", event.Triggered},
		"post-unknown.json":       {400, "not understood", event.Triggered},
		"post-without-cause.json": {422, "needed to close a P1 or P2", event.Triggered},
	} {
		t.Run(file, func(t *testing.T) {
			o := newOffice(t)
			path := filepath.Join("..", "..", "events", "action", file)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				raw = []byte(strings.ReplaceAll(string(raw), "TOKEN", o.token(t, "alice")))
				if err := os.WriteFile(path, raw, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var e events.APIGatewayV2HTTPRequest
			if err := json.Unmarshal(raw, &e); err != nil {
				t.Fatal(err)
			}
			resp, err := httpapi.Lambda(o.handler()).Answer(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != want.status || !strings.Contains(resp.Body+resp.Headers["Location"], want.shows) || len(resp.Cookies) != 0 {
				t.Errorf("status %d, location %q, body %s", resp.StatusCode, resp.Headers["Location"], plain(resp.Body))
			}
			if got := o.events[the].State; got != want.state {
				t.Errorf("the event is %s, want %s", got, want.state)
			}
		})
	}
}
