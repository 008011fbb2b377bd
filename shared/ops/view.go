package ops

import (
	"encoding/base64"
	"slices"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
	"tocsin/shared/execution"
	"tocsin/shared/fault"
	"tocsin/shared/outbox"
)

// Event is an event as callers see it.
type Event struct {
	ID             event.ID          `json:"id" table:"ID"`
	State          event.State       `json:"state" enum:"triggered,acknowledged,snoozed,resolved,closed" table:"STATE"`
	Priority       alert.Priority    `json:"priority" enum:"P1,P2,P3,P4" table:"PRIO"`
	Title          string            `json:"title" table:"TITLE"`
	Description    string            `json:"description,omitempty"`
	Service        string            `json:"service" table:"SERVICE"`
	AssigneeMember string            `json:"assignee_member,omitempty" doc:"The member that it is meant for."`
	AssigneeTeam   string            `json:"assignee_team,omitempty" doc:"The team that it is meant for."`
	Owner          string            `json:"owner,omitempty" doc:"The member who acknowledged it." table:"OWNER"`
	Source         string            `json:"source,omitempty" doc:"Kind of monitoring system that reported the first alert."`
	Integration    string            `json:"integration,omitempty"`
	Labels         map[string]string `json:"labels,omitempty" doc:"Of the alert that opened it."`
	Links          []Link            `json:"links,omitempty"`
	Test           bool              `json:"test,omitempty" doc:"Made by a test page; counts nowhere."`
	Rule           string            `json:"rule,omitempty" doc:"The rule that opened it."`
	ConfigVersion  int               `json:"config_version" doc:"Version of the configuration that its rule and plan are of."`
	Plan           string            `json:"plan,omitempty"`
	Why            []string          `json:"why,omitempty" doc:"Reasons of the decision that opened it."`
	Alerts         int               `json:"alerts" doc:"Alerts that joined it; a refiring counts again." table:"ALERTS"`
	Cycle          int               `json:"cycle" doc:"Rises whenever paging begins anew."`
	Opening        int               `json:"opening" doc:"Rises when it is reopened."`
	OpenedAt       time.Time         `json:"opened_at" table:"OPENED"`
	LastAlertAt    time.Time         `json:"last_alert_at,omitzero"`
	AcknowledgedAt time.Time         `json:"acknowledged_at,omitzero"`
	AckExpiresAt   time.Time         `json:"ack_expires_at,omitzero" doc:"When the acknowledgement ends unless it is renewed."`
	SnoozedUntil   time.Time         `json:"snoozed_until,omitzero"`
	RecoveredAt    time.Time         `json:"recovered_at,omitzero" doc:"All alerts are recovered since; while it is open, the quiet time runs." table:"RECOVERED"`
	ResolvedAt     time.Time         `json:"resolved_at,omitzero"`
	ResolvedBy     event.Actor       `json:"resolved_by,omitempty"`
	AutoCloseAt    time.Time         `json:"auto_close_at,omitzero"`
	ClosedAt       time.Time         `json:"closed_at,omitzero"`
	ClosedBy       event.Actor       `json:"closed_by,omitempty"`
	Paging         *Paging           `json:"paging,omitempty" doc:"How far the plan got; while triggered."`
	Record         *Record           `json:"record,omitempty" doc:"How it ended."`
	Tasks          []Task            `json:"tasks,omitempty" doc:"Pieces of work inside it."`
	Subscribers    []string          `json:"subscribers,omitempty" doc:"Members who are told when its state changes."`
	MergedInto     event.ID          `json:"merged_into,omitempty"`
	SplitFrom      event.ID          `json:"split_from,omitempty" doc:"The event of which its alerts were."`
	Previous       event.ID          `json:"previous,omitempty" doc:"The event of the time before: of the same alert, or of the same rule and merge key."`
	Incident       string            `json:"incident,omitempty"`
}

// Link points to a page about an event or alert.
type Link struct {
	Text string `json:"text,omitempty"`
	URL  string `json:"url"`
}

// Paging is how far paging got in the present cycle.
type Paging struct {
	Stage    event.Stage `json:"stage,omitempty" enum:"assignee,plan,last_resort" doc:"Empty: nobody was paged yet."`
	Step     int         `json:"step,omitempty" doc:"Counted from 1."`
	Round    int         `json:"round,omitempty" doc:"Counted from 1."`
	PagedAt  time.Time   `json:"paged_at,omitzero"`
	NextAt   time.Time   `json:"next_at,omitzero" doc:"When the next step is due if nobody acts."`
	Stopped  bool        `json:"stopped,omitempty" doc:"The clock stands still, because all alerts are recovered."`
	OverdueS int         `json:"overdue_seconds,omitempty" doc:"Seconds since the next step was due."`
}

// Record is how an event ended.
type Record struct {
	CauseClass string      `json:"cause_class,omitempty"`
	Cause      string      `json:"cause,omitempty"`
	Solution   string      `json:"solution,omitempty"`
	Reasoning  string      `json:"reasoning,omitempty"`
	Tags       []string    `json:"tags,omitempty"`
	By         event.Actor `json:"by,omitempty"`
	At         time.Time   `json:"at,omitzero"`
}

func viewOf(e event.Event, at time.Time) Event {
	v := Event{
		ID: e.ID, State: e.State, Priority: e.Priority, Title: e.Title, Description: e.Description, Service: e.Service,
		AssigneeMember: e.Assignee.Member, AssigneeTeam: e.Assignee.Team, Owner: e.Owner,
		Source: e.Source, Integration: e.Integration, Labels: e.Labels, Links: linksOf(e.Links), Test: e.Test,
		Rule: e.Rule, ConfigVersion: e.ConfigVersion, Plan: e.Plan, Why: e.Why, Alerts: e.AlertCount,
		Cycle: e.Cycle, Opening: e.Opening, OpenedAt: e.OpenedAt, LastAlertAt: e.LastAlertAt,
		AcknowledgedAt: e.AcknowledgedAt, AckExpiresAt: e.AckExpiresAt, SnoozedUntil: e.SnoozedUntil,
		RecoveredAt: e.RecoveredAt, ResolvedAt: e.ResolvedAt, ResolvedBy: e.ResolvedBy, AutoCloseAt: e.AutoCloseAt,
		ClosedAt: e.ClosedAt, ClosedBy: e.ClosedBy, Tasks: tasksOf(e.Tasks), Subscribers: e.Subscribers,
		MergedInto: e.MergedInto, SplitFrom: e.SplitFrom, Previous: e.Previous, Incident: e.Incident,
	}
	if e.State == event.Triggered {
		v.Paging = pagingOf(e.Progress, at)
	}
	v.Record = recordOf(e.Record)
	return v
}

// recordOf returns nil for a record that nobody began.
func recordOf(r event.Record) *Record {
	if r.CauseClass == "" && r.Cause == "" && r.Solution == "" {
		return nil
	}
	return &Record{CauseClass: r.CauseClass, Cause: r.Cause, Solution: r.Solution, Reasoning: r.Reasoning, Tags: r.Tags, By: r.By, At: r.At}
}

func linksOf(links []alert.Link) []Link {
	var out []Link
	for _, l := range links {
		out = append(out, Link(l))
	}
	return out
}

func pagingOf(p event.Progress, at time.Time) *Paging {
	v := &Paging{Stage: p.Stage, PagedAt: p.PagedAt, NextAt: p.Deadline, Stopped: p.Stopped}
	if p.Stage != "" {
		v.Step, v.Round = p.Step+1, p.Round+1
	}
	if !p.Deadline.IsZero() && at.After(p.Deadline) {
		v.OverdueS = int(at.Sub(p.Deadline).Seconds())
	}
	return v
}

// TimelineItem is one entry of an event's timeline.
type TimelineItem struct {
	At   time.Time         `json:"at" table:"AT"`
	By   event.Actor       `json:"by" table:"BY"`
	What string            `json:"what" doc:"Past tense: event.acknowledged." table:"WHAT"`
	Data map[string]string `json:"data,omitempty" table:"DATA"`
}

func timelineOf(items []event.Item) []TimelineItem {
	out := make([]TimelineItem, len(items))
	for i, item := range items {
		out[i] = TimelineItem(item)
	}
	return out
}

// EventAlert is an alert that joined an event.
type EventAlert struct {
	ID          alert.ID          `json:"id"`
	Status      alert.Status      `json:"status" enum:"firing,resolved" table:"STATUS"`
	Severity    alert.Severity    `json:"severity,omitempty" table:"SEVERITY"`
	Title       string            `json:"title" table:"TITLE"`
	DedupKey    string            `json:"dedup_key" table:"DEDUP KEY"`
	Integration string            `json:"integration"`
	Labels      map[string]string `json:"labels,omitempty"`
	Links       []Link            `json:"links,omitempty"`
	StartedAt   time.Time         `json:"started_at,omitzero" doc:"When it began: as its sender says, else when it was first received." table:"SINCE"`
	FiringSince time.Time         `json:"firing_since,omitzero" doc:"When its firing was first received."`
	RecoveredAt time.Time         `json:"recovered_at,omitzero"`
	Expired     bool              `json:"expired,omitempty" doc:"Ended because nobody reported it again."`
	Moved       event.ID          `json:"moved_to,omitempty" doc:"The event that it belongs to by now."`
	Why         []string          `json:"why,omitempty" doc:"Reasons of its newest decision."`
}

func startOf(s alert.State) time.Time {
	if s.Alert.StartedAt.IsZero() {
		return s.FiringSince
	}
	return s.Alert.StartedAt
}

func alertOf(s alert.State, at event.ID) EventAlert {
	v := EventAlert{
		ID: s.ID, Status: s.Alert.Status, Severity: s.Alert.Severity, Title: s.Alert.Title, DedupKey: s.Alert.DedupKey,
		Integration: s.Integration, Labels: s.Alert.Labels, Links: linksOf(s.Alert.Links),
		StartedAt: startOf(s), FiringSince: s.FiringSince, RecoveredAt: s.RecoveredAt, Expired: s.Expired, Why: s.Why,
	}
	if s.Event != string(at) {
		v.Moved = event.ID(s.Event)
	}
	return v
}

// Message is one outbound page to one contact.
type Message struct {
	ID        string        `json:"id"`
	Member    string        `json:"member" table:"MEMBER"`
	Contact   string        `json:"contact" table:"CONTACT"`
	Channel   string        `json:"channel" table:"CHANNEL"`
	Reason    outbox.Reason `json:"reason" table:"REASON"`
	Stage     string        `json:"stage,omitempty"`
	Step      int           `json:"step" doc:"Counted from 1."`
	Round     int           `json:"round" doc:"Counted from 1."`
	Cycle     int           `json:"cycle"`
	State     outbox.State  `json:"state" enum:"pending,claimed,sent,failed,overtaken" table:"STATE"`
	CreatedAt time.Time     `json:"created_at" table:"CREATED"`
	SentAt    time.Time     `json:"sent_at,omitzero" table:"SENT"`
	Attempts  int           `json:"attempts"`
	Results   []SendResult  `json:"results,omitempty" doc:"Newest last."`
}

// SendResult is what one attempt to send came to.
type SendResult struct {
	At         time.Time `json:"at"`
	Kind       string    `json:"kind"`
	Detail     string    `json:"detail,omitempty"`
	ProviderID string    `json:"provider_id,omitempty"`
}

func messagesOf(all []outbox.Message) []Message {
	out := make([]Message, len(all))
	for i, m := range all {
		out[i] = Message{
			ID: m.ID(), Member: m.Member, Contact: m.Contact, Channel: m.Channel, Reason: m.Reason, Stage: m.Stage,
			Step: m.Step + 1, Round: m.Round + 1, Cycle: m.Cycle, State: m.State,
			CreatedAt: m.CreatedAt, SentAt: m.SentAt, Attempts: m.Attempts,
		}
		for _, r := range m.Results {
			out[i].Results = append(out[i].Results, SendResult{At: r.At, Kind: r.Kind, Detail: r.Detail, ProviderID: r.ID})
		}
	}
	slices.SortStableFunc(out, func(a, b Message) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return out
}

// Execution is the state of what waits for an event.
type Execution struct {
	Name       string          `json:"name"`
	Generation int             `json:"generation" doc:"Numbers the executions of the event."`
	Known      execution.Phase `json:"known" enum:"pending,started,running,dead" doc:"How far it got, as the event knows."`
	Status     string          `json:"status,omitempty" doc:"What the service says: running, over or absent."`
	Detail     string          `json:"detail,omitempty" doc:"How it ended, or why the service could not be asked."`
	Waiting    bool            `json:"waiting" doc:"It waits to be woken."`
	Wakes      int             `json:"wakes"`
	Failures   int             `json:"failures" doc:"Consecutive executions that failed before they reached a wait."`
	NextLookAt time.Time       `json:"next_look_at,omitzero" doc:"When the sweeper looks after it at the latest."`
}

// Page is the input of a list.
type Page struct {
	Limit  int    `json:"limit,omitempty" in:"query" min:"1" max:"100" default:"50" doc:"How many at most."`
	Cursor string `json:"cursor,omitempty" in:"query" max:"400" doc:"The next_cursor of the page before."`
}

const defaultLimit = 50

func (p Page) limit() int {
	if p.Limit == 0 {
		return defaultLimit
	}
	return p.Limit
}

// position returns what the cursor holds.
func (p Page) position() (string, error) {
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return "", badCursor()
	}
	return string(text), nil
}

func badCursor() error {
	return &fault.Error{Kind: fault.Invalid, Text: "the cursor is not valid", Fields: []fault.Field{
		{Path: "cursor", Problem: "expected the next_cursor of a page of the same list"},
	}}
}

func cursorOf(position string) string { return base64.RawURLEncoding.EncodeToString([]byte(position)) }

// List is a page of a list.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor,omitempty" doc:"Cursor of the next page; absent after the last."`
}

func listOf[T any](items []T, next string) List[T] {
	if items == nil {
		items = []T{}
	}
	return List[T]{Items: items, Next: cursorOf(next)}
}
