package ops

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/knowledge"
	"tocsin/shared/machine"
	"tocsin/shared/plan"
)

// Executions tells how an execution does.
type Executions interface {
	Describe(ctx context.Context, name string) (machine.Status, string, error)
}

// EventID is the input of what needs nothing but an event.
type EventID struct {
	ID event.ID `json:"id" in:"path" max:"24" doc:"Id of the event, like E-4821."`
}

// ListEvents is the input of events.list.
type ListEvents struct {
	Closed      bool             `json:"closed,omitempty" in:"query" doc:"Those that are closed, instead of those that are not."`
	State       []event.State    `json:"state,omitempty" in:"query" enum:"triggered,acknowledged,snoozed,resolved,closed" max:"5" doc:"Those in one of these states, instead of closed."`
	Priority    []alert.Priority `json:"priority,omitempty" in:"query" enum:"P1,P2,P3,P4" max:"4" doc:"Of one of these priorities."`
	Service     string           `json:"service,omitempty" in:"query" max:"63" doc:"Of this service."`
	Member      string           `json:"member,omitempty" in:"query" max:"63" doc:"Owned by this member or meant for them."`
	Team        string           `json:"team,omitempty" in:"query" max:"63" doc:"Meant for this team."`
	Source      string           `json:"source,omitempty" in:"query" max:"63" doc:"Opened by an alert of this kind of monitoring system."`
	Integration string           `json:"integration,omitempty" in:"query" max:"63" doc:"Opened by an alert of this integration."`
	Text        string           `json:"text,omitempty" in:"query" max:"200" doc:"With this text in the title, in letters of any case."`
	Since       time.Time        `json:"since,omitzero" in:"query" doc:"Opened then or later."`
	Until       time.Time        `json:"until,omitzero" in:"query" doc:"Opened before then."`
	Page
}

// EventDetail is the output of events.get.
type EventDetail struct {
	Event
	Timeline  []TimelineItem `json:"timeline" doc:"Its newest 100 items, oldest first."`
	Older     string         `json:"timeline_cursor,omitempty" doc:"Cursor at which events.timeline goes on with the older items; absent when there are none."`
	Members   []EventAlert   `json:"alert_list" doc:"Alerts that joined it and the events merged into it, at most 100."`
	Changes   []Change       `json:"changes" doc:"Deployments and configuration changes of its service from 2 hours before it opened until it closed, the newest 20, newest first."`
	LastTime  *LastTime      `json:"last_time,omitempty" doc:"The newest former event of its kind whose record says what fixed it."`
	Messages  []Message      `json:"messages" doc:"The newest 100 pages, with what the provider said."`
	Execution Execution      `json:"execution"`
}

// LastTime is how a former event of the same kind ended.
type LastTime struct {
	Event  event.ID `json:"event"`
	Record *Record  `json:"record"`
}

// ListTimeline is the input of events.timeline.
type ListTimeline struct {
	EventID
	Page
}

// ReportEvent is the input of events.report.
type ReportEvent struct {
	Title       string         `json:"title" required:"true" min:"1" max:"512" doc:"What is wrong, in one line."`
	Description string         `json:"description,omitempty" max:"3072" doc:"More about it."`
	Priority    alert.Priority `json:"priority,omitempty" enum:"P1,P2,P3,P4" default:"P3" doc:"How soon a person must act."`
	Service     string         `json:"service,omitempty" max:"63" default:"default" doc:"What is affected; its plan runs."`
	Member      string         `json:"member,omitempty" max:"63" doc:"Page this member first."`
	Team        string         `json:"team,omitempty" max:"63" doc:"Page this team first."`
}

// SnoozeEvent is the input of events.snooze.
type SnoozeEvent struct {
	EventID
	For   plan.Duration `json:"for,omitempty" doc:"How long to sleep, like 1h or 2d."`
	Until time.Time     `json:"until,omitzero" doc:"When to wake, instead of for."`
}

// AssignEvent is the input of events.assign.
type AssignEvent struct {
	EventID
	Member string `json:"member,omitempty" max:"63" doc:"The member it is meant for."`
	Team   string `json:"team,omitempty" max:"63" doc:"The team it is meant for, instead of a member."`
}

// SetPriority is the input of events.set-priority.
type SetPriority struct {
	EventID
	Priority alert.Priority `json:"priority" required:"true" enum:"P1,P2,P3,P4" doc:"A higher one pages again."`
}

// NoteEvent is the input of events.note.
type NoteEvent struct {
	EventID
	Text string `json:"text" required:"true" min:"1" max:"8192" doc:"The note."`
}

// ResolveEvent is the input of events.resolve.
type ResolveEvent struct {
	EventID
	Note string `json:"note,omitempty" max:"2048" doc:"What was done, for the timeline."`
}

// ReopenEvent is the input of events.reopen.
type ReopenEvent struct {
	EventID
	Because string `json:"because,omitempty" max:"512" doc:"Why, for the timeline."`
}

// MergeEvent is the input of events.merge.
type MergeEvent struct {
	EventID
	Into event.ID `json:"into" required:"true" max:"24" doc:"Id of the event that goes on."`
}

// RecordEvent is the input of events.record.
type RecordEvent struct {
	EventID
	RecordFields
}

// CloseEvent is the input of events.close.
type CloseEvent struct {
	EventID
	RecordFields
}

// RecordFields are what a person says about the end of an event.
type RecordFields struct {
	CauseClass string   `json:"cause_class,omitempty" max:"63" doc:"Kind of cause: false_positive, business_fluctuation, code_defect, config_change, capacity, dependency, infrastructure, security, human_error, unknown, or one of the team's own, which services.list shows."`
	Cause      string   `json:"cause,omitempty" max:"4096" doc:"What was wrong."`
	Solution   string   `json:"solution,omitempty" max:"4096" doc:"What fixed it."`
	Reasoning  string   `json:"reasoning,omitempty" max:"4096" doc:"How it was found."`
	Tags       []string `json:"tags,omitempty" max:"20" doc:"Words to find it by."`
}

func (f RecordFields) given() bool {
	return f.CauseClass != "" || f.Cause != "" || f.Solution != "" || f.Reasoning != "" || len(f.Tags) > 0
}

// over returns the record with the fields given in place of what was saved.
func (f RecordFields) over(saved event.Record) event.Record {
	r := saved
	for _, set := range []struct {
		to   *string
		from string
	}{{&r.CauseClass, f.CauseClass}, {&r.Cause, f.Cause}, {&r.Solution, f.Solution}, {&r.Reasoning, f.Reasoning}} {
		if set.from != "" {
			*set.to = set.from
		}
	}
	if len(f.Tags) > 0 {
		r.Tags = f.Tags
	}
	return r
}

func (d *Desk) eventOperations() []*Operation {
	return []*Operation{
		New(Spec{
			Name: "events.list", Method: "GET", Path: "/events", Scope: EventsRead,
			Summary:     "List events, newest first.",
			Description: "Lists the events that are not closed: triggered, acknowledged, snoozed, and resolved ones whose record is being completed. With closed it lists the others. A page that is looked for by more than state and time may hold fewer events than the limit, and still not be the last.",
			Examples:    []Example{{"limit": 20}, {"state": []any{"triggered", "acknowledged"}, "priority": []any{"P1", "P2"}, "service": "shop", "since": "2026-01-31T00:00:00Z"}},
		}, d.listEvents),
		New(Spec{
			Name: "events.timeline", Method: "GET", Path: "/events/{id}/timeline", Scope: EventsRead,
			Summary:  "List the timeline of an event, newest first.",
			Examples: []Example{{"id": "E-4821", "limit": 20}},
		}, d.listTimeline),
		New(Spec{
			Name: "events.get", Method: "GET", Path: "/events/{id}", Scope: EventsRead,
			Summary:     "Show an event with its timeline, alerts, reasons, changes, messages and execution.",
			Description: "The state of the execution is asked for at that moment. Why an event opened stands in why, why an alert joined in the alert's own why, why a step reached nobody in the timeline.",
			Examples:    []Example{{"id": "E-4821"}},
		}, d.getEvent),
		New(Spec{
			Name: "events.report", Method: "POST", Path: "/events", Scope: EventsWrite, Creates: true,
			Summary:     "Report an event by hand.",
			Description: "Opens an event on a service and pages by its plan, after the member or team if one is named.",
			Examples:    []Example{{"title": "Customers cannot log in", "priority": "P1", "service": "login"}},
		}, d.reportEvent),
		d.act("acknowledge", "Acknowledge an event: its paging ends and you own it.",
			"The owner renews an acknowledgement that would expire. Where another member owns the event the answer is 409 and names them.",
			event.Acknowledge{}),
		d.act("unacknowledge", "Give an acknowledged event back: paging begins anew.", "", event.Unacknowledge{}),
		New(d.onEvent("resolve", "Say that an event is fixed.",
			"An event of P1 or P2 stays resolved until somebody completes its record; see close.",
			Example{"id": "E-4821", "note": "rolled back"}),
			func(ctx context.Context, c *Caller, in ResolveEvent) (Event, error) {
				return d.do(ctx, c, in.ID, event.Resolve{Note: in.Note})
			}),
		New(d.onEvent("reopen", "Make a resolved event work again: paging begins anew.",
			"Refused where another event took its place meanwhile; the answer names it.",
			Example{"id": "E-4821", "because": "the error rate rose again"}),
			func(ctx context.Context, c *Caller, in ReopenEvent) (Event, error) {
				return d.do(ctx, c, in.ID, event.Reopen{Because: in.Because, Since: d.Now()})
			}),
		New(d.onEvent("snooze", "Put an event to sleep.",
			"Give either for or until. A raise of its priority wakes it.",
			Example{"id": "E-4821", "for": "1h"}, Example{"id": "E-4821", "until": "2026-01-31T09:00:00Z"}),
			d.snooze),
		d.act("wake", "End the sleep of an event: paging begins anew.", "", event.Awake{}),
		New(d.onEvent("assign", "Give an event to a member or a team, who are paged first.", "",
			Example{"id": "E-4821", "member": "bob"}, Example{"id": "E-4821", "team": "database"}),
			d.assign),
		New(d.onEvent("set-priority", "Change the priority of an event.", "A higher priority pages again, also from acknowledged and snoozed.",
			Example{"id": "E-4821", "priority": "P1"}),
			func(ctx context.Context, c *Caller, in SetPriority) (Event, error) {
				return d.do(ctx, c, in.ID, event.SetPriority{Priority: in.Priority})
			}),
		d.act("escalate", "Run the next step of the plan now.",
			"For an event that you own it calls the plan from its first step.", event.Escalate{}),
		New(d.onEvent("note", "Add a note to the timeline of an event.", "", Example{"id": "E-4821", "text": "Database team is looking at it."}),
			func(ctx context.Context, c *Caller, in NoteEvent) (Event, error) {
				return d.do(ctx, c, in.ID, event.Note{Text: in.Text})
			}),
		d.act("promote", "Make an event an incident.", "The incident is opened within seconds; events.get then names it.", event.Promote{}),
		New(d.onEvent("merge", "Merge an event into another, which goes on.",
			"The event closes without a record of its own. The other takes the higher of the two priorities; that is a raise and pages again.",
			Example{"id": "E-4822", "into": "E-4821"}),
			d.merge),
		New(d.onEvent("record", "Save what is known of cause and solution.", "Fields left out keep what was saved. The event keeps its state.",
			Example{"id": "E-4821", "cause_class": "config_change", "cause": "Pool size was halved"}),
			func(ctx context.Context, c *Caller, in RecordEvent) (Event, error) {
				if !in.given() {
					return Event{}, invalid("cause_class", "give at least one field of the record")
				}
				return d.choose(ctx, c, in.ID, func(e event.Event, _ time.Time) (event.Op, error) {
					return event.SaveRecord{Record: in.over(e.Record)}, d.checkCauseClass(ctx, e, in.CauseClass)
				})
			}),
		New(d.onEvent("close", "Archive an event with its record.",
			"P1 and P2 need cause_class, cause and solution by a person, here or saved before.",
			Example{"id": "E-4821", "cause_class": "code_defect", "cause": "Nil pointer in login", "solution": "Rolled back to 1.4.2"}),
			d.close),
	}
}

// onEvent is the spec of a change of one event.
func (d *Desk) onEvent(verb, summary, description string, examples ...Example) Spec {
	return Spec{
		Name: "events." + verb, Method: "POST", Path: "/events/{id}/" + verb, Scope: EventsWrite,
		Summary: summary, Description: description, Examples: examples,
	}
}

// act is a change of one event that needs no more input.
func (d *Desk) act(verb, summary, description string, op event.Op) *Operation {
	return New(d.onEvent(verb, summary, description, Example{"id": "E-4821"}),
		func(ctx context.Context, c *Caller, in EventID) (Event, error) { return d.do(ctx, c, in.ID, op) })
}

func (d *Desk) do(ctx context.Context, c *Caller, id event.ID, op event.Op) (Event, error) {
	return d.choose(ctx, c, id, func(event.Event, time.Time) (event.Op, error) { return op, nil })
}

// choose does an operation that depends on the event as read.
func (d *Desk) choose(ctx context.Context, c *Caller, id event.ID, op func(event.Event, time.Time) (event.Op, error)) (Event, error) {
	if err := checkID("id", id); err != nil {
		return Event{}, err
	}
	var before event.Event
	after, err := d.Events.DoWith(ctx, id, c.Actor(), func(e event.Event, at time.Time) (event.Op, error) {
		before = e
		return op(e, at)
	})
	if err != nil {
		return Event{}, err
	}
	c.Changed(string(id), summary(before), summary(after))
	return viewOf(after, d.Now()), nil
}

func summary(e event.Event) string {
	s := fmt.Sprintf("%s %s", e.State, e.Priority)
	for _, part := range []struct{ name, value string }{
		{"owner", e.Owner}, {"member", e.Assignee.Member}, {"team", e.Assignee.Team},
		{"cause_class", e.Record.CauseClass}, {"merged_into", string(e.MergedInto)}, {"incident", e.Incident},
	} {
		if part.value != "" {
			s += " " + part.name + "=" + part.value
		}
	}
	return s
}

func checkID(field string, id event.ID) error {
	if _, err := id.Number(); err != nil {
		return invalid(field, "%v", err)
	}
	return nil
}

// invalid is the error of one bad field.
func invalid(field, format string, args ...any) error {
	var bad fault.Problems
	bad.Add(field, format, args...)
	return bad.Err("the input is not valid")
}

func (d *Desk) listEvents(ctx context.Context, _ *Caller, in ListEvents) (List[Event], error) {
	position, err := in.position()
	if err != nil {
		return List[Event]{}, err
	}
	f := event.Filter{
		States: in.State, Priorities: in.Priority, Service: in.Service, Member: in.Member, Team: in.Team,
		Source: in.Source, Integration: in.Integration, Title: in.Text, Since: in.Since, Until: in.Until,
	}
	switch {
	case in.Closed && len(in.State) > 0:
		return List[Event]{}, invalid("state", "give either closed or state")
	case in.Closed:
		f.States = []event.State{event.Closed}
	}
	found, next, err := d.Events.Store.Find(ctx, f, in.limit(), position)
	if err != nil {
		return List[Event]{}, cursorProblem(err, position)
	}
	items, at := make([]Event, len(found)), d.Now()
	for i, e := range found {
		items[i] = viewOf(e, at)
	}
	return listOf(items, next), nil
}

// cursorProblem says that a cursor was the caller's mistake.
func cursorProblem(err error, position string) error {
	if position != "" && fault.Is(err, fault.Invalid) {
		return badCursor()
	}
	return err
}

func (d *Desk) listTimeline(ctx context.Context, _ *Caller, in ListTimeline) (List[TimelineItem], error) {
	position, err := in.position()
	if err != nil {
		return List[TimelineItem]{}, err
	}
	if err := checkID("id", in.ID); err != nil {
		return List[TimelineItem]{}, err
	}
	if _, err := d.Events.Store.Get(ctx, in.ID); err != nil {
		return List[TimelineItem]{}, err
	}
	items, next, err := d.Events.Store.TimelinePage(ctx, in.ID, in.limit(), position)
	if err != nil {
		return List[TimelineItem]{}, cursorProblem(err, position)
	}
	return listOf(timelineOf(items), next), nil
}

func (d *Desk) getEvent(ctx context.Context, _ *Caller, in EventID) (EventDetail, error) {
	if err := checkID("id", in.ID); err != nil {
		return EventDetail{}, err
	}
	e, err := d.Events.Store.Get(ctx, in.ID)
	if err != nil {
		return EventDetail{}, err
	}
	out := EventDetail{Event: viewOf(e, d.Now()), Execution: d.execution(ctx, e)}
	timeline, older, err := d.Events.Store.TimelinePage(ctx, in.ID, shown, "")
	if err != nil {
		return EventDetail{}, err
	}
	slices.Reverse(timeline)
	out.Timeline, out.Older = timelineOf(timeline), cursorOf(older)
	if out.Members, err = d.alertsOf(ctx, in.ID); err != nil {
		return EventDetail{}, err
	}
	if out.Changes, err = d.changesOfEvent(ctx, e); err != nil {
		return EventDetail{}, err
	}
	if last, found, err := knowledge.LastTime(ctx, d.Events.Store, e); err != nil {
		return EventDetail{}, err
	} else if found {
		out.LastTime = &LastTime{Event: last.ID, Record: recordOf(last.Record)}
	}
	messages, err := d.Events.Store.Outbox.OfEvent(ctx, string(in.ID))
	out.Messages = messagesOf(messages)
	out.Messages = out.Messages[max(0, len(out.Messages)-shown):]
	return out, err
}

// shown bounds each list in the answer about an event, which holds 6 MB.
const shown = 100

func (d *Desk) alertsOf(ctx context.Context, id event.ID) ([]EventAlert, error) {
	members, err := d.Events.Store.Members(ctx, id)
	if err != nil {
		return nil, err
	}
	joined := map[alert.ID]event.ID{}
	for _, at := range slices.Sorted(maps.Keys(members)) {
		for _, a := range members[at] {
			if len(joined) < shown {
				joined[a] = at
			}
		}
	}
	states, err := d.Events.Store.Alerts.Get(ctx, slices.Collect(maps.Keys(joined))...)
	if err != nil {
		return nil, err
	}
	out := make([]EventAlert, 0, len(states))
	for a, s := range states {
		out = append(out, alertOf(s, joined[a]))
	}
	slices.SortFunc(out, func(a, b EventAlert) int {
		return cmpOr(a.FiringSince.Compare(b.FiringSince), string(a.ID), string(b.ID))
	})
	return out, nil
}

func cmpOr(first int, a, b string) int {
	switch {
	case first != 0:
		return first
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// execution asks the service; that it cannot be asked is part of the answer.
func (d *Desk) execution(ctx context.Context, e event.Event) Execution {
	x := Execution{
		Name: e.ExecutionName(), Generation: e.Generation, Known: e.Exec, Waiting: e.Token != "",
		Wakes: e.Wakes, Failures: e.Failures, NextLookAt: e.Due,
	}
	x.ask(ctx, d.Executions)
	return x
}

func (x *Execution) ask(ctx context.Context, executions Executions) {
	status, detail, err := executions.Describe(ctx, x.Name)
	if err != nil {
		x.Detail = "the service could not be asked"
		return
	}
	x.Status, x.Detail = string(status), detail
}

func (d *Desk) reportEvent(ctx context.Context, c *Caller, in ReportEvent) (Event, error) {
	version, service, err := d.reported(ctx, in.Service, event.Assignee{Member: in.Member, Team: in.Team})
	if err != nil {
		return Event{}, err
	}
	a := alert.Alert{Title: in.Title, Description: in.Description}
	alert.Clean(&a)
	if a.Title == "" {
		return Event{}, invalid("title", "has nothing to read")
	}
	e := event.Event{
		Title: a.Title, Description: a.Description, Priority: in.Priority, Service: service.Name,
		ConfigVersion: version, Plan: service.Plan, Why: []string{"reported by " + string(c.Actor())},
		Assignee: event.Assignee{Member: in.Member, Team: in.Team, Named: in.Member != "" || in.Team != ""},
	}
	if e.Priority == "" {
		e.Priority = alert.P3
	}
	if e.Assignee.IsZero() && service.Team != "" {
		e.Assignee.Team = service.Team
	}
	return d.open(ctx, c, e)
}

// open opens an event by hand and starts its execution.
func (d *Desk) open(ctx context.Context, c *Caller, e event.Event) (Event, error) {
	id, err := d.Events.Store.NextID(ctx)
	if err != nil {
		return Event{}, err
	}
	at := d.Now()
	e.ID, e.State = id, event.Triggered
	e.Generation, e.Cycle, e.Opening = 1, 1, 1
	e.OpenedAt, e.TriggeredAt, e.GenerationAt, e.Since = at, at, at, at
	opening := event.Opening{Event: e, At: at, Timeline: []event.Item{
		{At: at, By: c.Actor(), What: "event.opened", Data: map[string]string{"because": e.Why[0]}},
	}}
	if err := d.Events.Open(ctx, opening); err != nil {
		return Event{}, err
	}
	c.Changed(string(id), "", summary(e))
	return viewOf(e, at), nil
}

// maxSnooze is the longest sleep.
const maxSnooze = 30 * 24 * time.Hour

func (d *Desk) snooze(ctx context.Context, c *Caller, in SnoozeEvent) (Event, error) {
	return d.choose(ctx, c, in.ID, func(_ event.Event, at time.Time) (event.Op, error) {
		until := in.Until
		switch {
		case (in.For == 0) == in.Until.IsZero():
			return nil, invalid("for", "give either for or until")
		case in.For != 0:
			until = at.Add(time.Duration(in.For))
		case !until.After(at):
			return nil, invalid("until", "is %s, which is not in the future", until.Format(time.RFC3339))
		}
		if until.After(at.Add(maxSnooze)) {
			return nil, invalid("until", "an event sleeps for at most %s", plan.Duration(maxSnooze))
		}
		return event.Snooze{Until: until.UTC().Truncate(time.Millisecond)}, nil
	})
}

func (d *Desk) assign(ctx context.Context, c *Caller, in AssignEvent) (Event, error) {
	to := event.Assignee{Member: in.Member, Team: in.Team}
	if to.IsZero() {
		return Event{}, invalid("member", "give either member or team")
	}
	if err := d.checkAssignee(ctx, to); err != nil {
		return Event{}, err
	}
	return d.do(ctx, c, in.ID, event.Assign{To: to})
}

func (d *Desk) close(ctx context.Context, c *Caller, in CloseEvent) (Event, error) {
	return d.choose(ctx, c, in.ID, func(e event.Event, _ time.Time) (event.Op, error) {
		if !in.given() {
			return event.Close{}, nil
		}
		r := in.over(e.Record)
		return event.Close{Record: &r}, d.checkCauseClass(ctx, e, in.CauseClass)
	})
}

// checkCauseClass refuses a class that neither ships nor is of the team that
// answers for the event's service. One that was saved before stays.
func (d *Desk) checkCauseClass(ctx context.Context, e event.Event, class string) error {
	if class == "" || class == e.Record.CauseClass {
		return nil
	}
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return err
	}
	if classes := cfg.CauseClasses(e.Service); !slices.Contains(classes, class) {
		return invalid("cause_class", "is %.60q, expected one of %s", class, strings.Join(classes, ", "))
	}
	return nil
}

// merge closes an event in favour of another, and then gives that other what
// it takes over. Both halves may be repeated: who merged and failed before the
// second merges again.
func (d *Desk) merge(ctx context.Context, c *Caller, in MergeEvent) (Event, error) {
	if err := checkID("into", in.Into); err != nil {
		return Event{}, err
	}
	var into event.Event
	merged, err := d.choose(ctx, c, in.ID, func(e event.Event, _ time.Time) (_ event.Op, err error) {
		if into, err = d.Events.Follow(ctx, in.Into); err != nil {
			return nil, err
		}
		switch {
		case into.ID == in.ID:
			return nil, invalid("into", "is the event itself, or was merged into it")
		case e.MergedInto == "" && !into.State.Open():
			return nil, fault.New(fault.Conflict, "event %s is %s; only an open event takes another in", into.ID, into.State)
		}
		return event.Merge{Into: into.ID, IntoOpening: into.Opening}, nil
	})
	if state, ok := event.IsState(err); ok && state.Into != "" {
		if at, followed := d.Events.Follow(ctx, state.Into); followed == nil && at.ID == into.ID {
			return d.takeOver(ctx, c, in.ID, into.ID)
		}
	}
	if err != nil {
		return merged, err
	}
	return d.takeOver(ctx, c, in.ID, into.ID)
}

// takeOver raises the survivor to the priority of the event merged into it,
// and lets its clock run where one of the alerts taken over fires.
func (d *Desk) takeOver(ctx context.Context, c *Caller, id, into event.ID) (Event, error) {
	merged, err := d.Events.Store.Get(ctx, id)
	if err != nil {
		return Event{}, err
	}
	firing, err := d.Events.Store.AnyFiring(ctx, id)
	if err != nil {
		return Event{}, err
	}
	after, err := d.Events.DoWith(ctx, into, c.Actor(), func(e event.Event, _ time.Time) (event.Op, error) {
		ops := event.All{event.Raise{Priority: merged.Priority, Because: "merged with " + string(id)}}
		if firing {
			ops = append(ops, event.Refire{})
		}
		for i, member := range merged.Subscribers {
			if len(e.Subscribers)+i == event.MaxSubscribers {
				break // who is left over still hears of the merge
			}
			ops = append(ops, event.Subscribe{Member: member})
		}
		return append(ops, event.Note{Text: fmt.Sprintf("took in event %s (%s)", id, merged.Title)}), nil
	})
	if err != nil {
		return Event{}, err
	}
	return viewOf(after, d.Now()), nil
}
