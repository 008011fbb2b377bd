package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/shared/actionlink"
	"tocsin/shared/incident"
)

func TestAnIncidentFromItsUpdateToItsReview(t *testing.T) {
	o := newOffice(t)
	token, b := o.token(t, "alice", ofIncident), o.browse(t)
	b.get(token).shows(t, 200, "I-7", "SEV1", "Open by Bob Brandt since 03:12", "The next update is due at 04:12.", "Commander", "Bob Brandt", "E-4821", ">Post update<")
	for range 2 {
		b.tap(token, "action", "update", "note", "Standby region takes over").shows(t, 200, "You posted an update at 03:12.", "Standby region takes over")
	}
	for range 2 {
		b.tap(token, "action", "mitigate").shows(t, 200, "You said at 03:12 that the impact is over.", "Mitigated by you")
	}
	for range 2 {
		b.tap(token, "action", "resolve").shows(t, 200, "You resolved it at 03:12.", "Root cause")
	}
	b.tap(token, "action", "close", "summary", "Payments failed").shows(t, 422, "This is needed to close a SEV1 or SEV2.", "Payments failed", `aria-invalid="true"`)
	for range 2 {
		b.tap(token, "action", "close", "summary", "Payments failed", "root_cause", "A halved pool").shows(t, 200, "You closed it at 03:12.", "A halved pool")
	}
	var facts []string
	for _, item := range o.incidentTimeline {
		facts = append(facts, item.What)
	}
	want := []string{"incident.opened", "incident.updated", "incident.mitigated", "incident.resolved", "incident.closed"}
	if !reflect.DeepEqual(facts, want) {
		t.Errorf("the timeline says %v", facts)
	}
}

func TestAnIncidentReopens(t *testing.T) {
	o := newOffice(t)
	o.doIncident(t, "bob", incident.Resolve{})
	token, b := o.token(t, "alice", ofIncident), o.browse(t)
	a := b.tap(token, "action", "reopen")
	a.shows(t, 200, "You reopened it at 03:12.", ">Post update<")
	newer := strings.TrimSuffix(strings.TrimPrefix(a.path, "/a/"), "?did=reopen")
	if c, err := o.keys().Verify(t.Context(), newer); err != nil || c.Opening != 2 || c.Kind != actionlink.Incident || c.Number != 7 {
		t.Errorf("the new link says %+v, %v", c, err)
	}
	b.get(token).shows(t, 200, "belongs to an earlier opening", "I-7 was reopened since")
	b.tap(token, "action", "resolve")
	if o.incident.State != incident.Open {
		t.Error("a link of an earlier opening acted")
	}
}

func TestIncidentRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*office)
		claims func(*actionlink.Claims)
		form   []string
		status int
		says   string
	}{
		{"somebody else did it", func(o *office) { o.doIncident(t, "bob", incident.Resolve{}) }, nil, []string{"action", "resolve"}, 200, "Bob Brandt resolved it at 03:12. Nothing more was done."},
		{"mitigated after it was resolved", func(o *office) { o.doIncident(t, "bob", incident.Resolve{}) }, nil, []string{"action", "mitigate"}, 200, "Something changed"},
		{"an action of events", nil, nil, []string{"action", "acknowledge"}, 400, "not understood"},
		{"without the bit", nil, func(c *actionlink.Claims) { c.Actions = actionlink.Update }, []string{"action", "resolve"}, 403, "does not allow"},
		{"an empty update", nil, nil, []string{"action", "update", "note", " "}, 422, "Write something first."},
		{"a long update", nil, nil, []string{"action", "update", "note", strings.Repeat("x", maxIncidentText+1)}, 422, "At most 1000 characters."},
		{"a review that another overtook", func(o *office) {
			o.doIncident(t, "bob", incident.Resolve{}, incident.SaveReview{Review: incident.Findings{Summary: "Bob's"}})
		}, nil, []string{"action", "review", "saw", seenReview(incident.Review{}), "summary", "Alice's"}, 422, "Somebody else saved the review meanwhile."},
		{"an incident that is gone", nil, func(c *actionlink.Claims) { c.Number = 8 }, []string{"action", "resolve"}, 404, "nothing behind this link"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			if c.change != nil {
				c.change(o)
			}
			before := o.incident
			change := []func(*actionlink.Claims){ofIncident}
			if c.claims != nil {
				change = append(change, c.claims)
			}
			o.browse(t).tap(o.token(t, "alice", change...), c.form...).shows(t, c.status, c.says)
			if !reflect.DeepEqual(o.incident, before) {
				t.Error("the incident changed")
			}
		})
	}
}

func TestAnIncidentInChinese(t *testing.T) {
	o := newOffice(t)
	token, b := o.token(t, "lei", ofIncident), o.browse(t)
	b.get(token).shows(t, 200, `lang="zh-CN"`, "处理中：Bob Brandt，自 10:12（刚刚）", "下一次进展通报应在 11:12 之前发布。", "发布进展")
	b.tap(token, "action", "mitigate").shows(t, 200, "你已于 10:12 标记影响已消除。")
}

func TestANewLinkOfAnIncident(t *testing.T) {
	o := newOffice(t)
	o.now = night.Add(25 * time.Hour)
	b, token := o.browse(t), o.token(t, "alice", ofIncident)
	b.get(token).shows(t, 200, "This link has expired", "Send me a new link")
	b.tap(token, "action", "link").shows(t, 200, "A new link is on its way")
	if len(o.sent) != 1 || o.sent[0].Event != "I-7" || o.sent[0].Opening != 1 {
		t.Errorf("messages %+v", o.sent)
	}
}
