package ops

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tocsin/shared/event"
	"tocsin/shared/incident"
)

// Incident is an incident as callers see it.
type Incident struct {
	ID          incident.ID              `json:"id" table:"ID"`
	State       incident.State           `json:"state" enum:"open,mitigated,resolved,closed,cancelled" table:"STATE"`
	Severity    incident.Severity        `json:"severity" enum:"SEV1,SEV2,SEV3,SEV4" table:"SEVERITY"`
	Title       string                   `json:"title" table:"TITLE"`
	Description string                   `json:"description,omitempty"`
	Services    []string                 `json:"services" doc:"Affected services." table:"SERVICES"`
	Events      []event.ID               `json:"events" table:"EVENTS"`
	Roles       map[incident.Role]string `json:"roles,omitempty" doc:"Members by the role that they play."`
	Test        bool                     `json:"test,omitempty"`
	Status      string                   `json:"status,omitempty" doc:"The newest update."`
	StatusBy    event.Actor              `json:"status_by,omitempty"`
	StatusAt    time.Time                `json:"status_at,omitzero"`
	UpdateDueAt time.Time                `json:"update_due_at,omitzero" doc:"When the next update is due." table:"UPDATE DUE"`
	Summary     string                   `json:"summary,omitempty" doc:"Of the review."`
	RootCause   string                   `json:"root_cause,omitempty" doc:"Of the review."`
	Actions     []Action                 `json:"actions,omitempty" doc:"Action items of the review."`
	OpenedAt    time.Time                `json:"opened_at" table:"OPENED"`
	OpenedBy    event.Actor              `json:"opened_by"`
	ChangedAt   time.Time                `json:"changed_at" doc:"When it came into its state."`
	ChangedBy   event.Actor              `json:"changed_by"`
	MitigatedAt time.Time                `json:"mitigated_at,omitzero"`
	ResolvedAt  time.Time                `json:"resolved_at,omitzero"`
	EndedAt     time.Time                `json:"ended_at,omitzero" doc:"Closed or cancelled."`
	Reason      string                   `json:"reason,omitempty" doc:"Why it was cancelled."`
}

// Action is an action item of a review.
type Action struct {
	Number int         `json:"number" table:"NUMBER"`
	Text   string      `json:"text" table:"TEXT"`
	Owner  string      `json:"owner,omitempty" table:"OWNER"`
	Due    time.Time   `json:"due,omitzero" table:"DUE"`
	DoneAt time.Time   `json:"done_at,omitzero" table:"DONE"`
	DoneBy event.Actor `json:"done_by,omitempty"`
}

// IncidentDetail is the output of incidents.get.
type IncidentDetail struct {
	Incident
	Timeline  []TimelineItem `json:"timeline"`
	Messages  []Message      `json:"messages" doc:"Reminders, with what the provider said."`
	Execution Execution      `json:"execution"`
}

// IncidentID is the input of what needs nothing but an incident.
type IncidentID struct {
	ID incident.ID `json:"id" in:"path" max:"24" doc:"Id of the incident, like I-7."`
}

// ListIncidents is the input of incidents.list.
type ListIncidents struct {
	Closed bool `json:"closed,omitempty" in:"query" doc:"Those that are closed or cancelled, instead of those that are not."`
	Page
}

// IncidentText is the input of what takes a text that must be given.
type IncidentText struct {
	IncidentID
	Text string `json:"text" required:"true" min:"1" max:"3072" doc:"What to say."`
}

// IncidentStatus is the input of what may take an update along.
type IncidentStatus struct {
	IncidentID
	Text string `json:"text,omitempty" max:"3072" doc:"An update to go with it."`
}

// CancelIncident is the input of incidents.cancel.
type CancelIncident struct {
	IncidentID
	Reason string `json:"reason" required:"true" min:"1" max:"3072" doc:"Why it was no incident."`
}

// CloseIncident is the input of incidents.close.
type CloseIncident struct {
	IncidentID
	Summary   string `json:"summary,omitempty" max:"3072" doc:"What happened, and its impact."`
	RootCause string `json:"root_cause,omitempty" max:"3072" doc:"Why it happened."`
}

// ReopenIncident is the input of incidents.reopen.
type ReopenIncident struct {
	IncidentID
	Because string `json:"because,omitempty" max:"3072" doc:"Why, for the timeline."`
}

// SetSeverity is the input of incidents.set-severity.
type SetSeverity struct {
	IncidentID
	Severity incident.Severity `json:"severity" required:"true" enum:"SEV1,SEV2,SEV3,SEV4" doc:"How bad the impact is."`
}

// AddEvent is the input of incidents.add-event.
type AddEvent struct {
	IncidentID
	Event event.ID `json:"event" required:"true" max:"24" doc:"Id of the event."`
}

// AssignRole is the input of incidents.assign-role.
type AssignRole struct {
	IncidentID
	Role   incident.Role `json:"role" required:"true" max:"63" doc:"commander, or a name of your own."`
	Member string        `json:"member,omitempty" max:"63" doc:"Who plays it; without it the role is taken away."`
}

// AddAction is the input of incidents.add-action.
type AddAction struct {
	IncidentID
	Text  string    `json:"text" required:"true" min:"1" max:"3072" doc:"What to do."`
	Owner string    `json:"owner,omitempty" max:"63" doc:"The member who does it; without one the commander answers for it."`
	Due   time.Time `json:"due,omitzero" doc:"When it should be done; the owner is reminded then."`
}

// CompleteAction is the input of incidents.complete-action.
type CompleteAction struct {
	IncidentID
	Number int `json:"number" required:"true" min:"1" max:"1000" doc:"Number of the action item."`
}

func (d *Desk) incidentOperations() []*Operation {
	return []*Operation{
		New(Spec{
			Name: "incidents.list", Method: "GET", Path: "/incidents", Scope: IncidentsRead,
			Summary:     "List incidents, newest first.",
			Description: "Lists the incidents that are neither closed nor cancelled; with closed the others. An incident is opened by events.promote.",
			Examples:    []Example{{"limit": 20}},
		}, d.listIncidents),
		New(Spec{
			Name: "incidents.get", Method: "GET", Path: "/incidents/{id}", Scope: IncidentsRead,
			Summary:  "Show an incident with its timeline, messages and execution.",
			Examples: []Example{{"id": "I-7"}},
		}, d.getIncident),
		New(onIncident("update", "Tell how it stands; the time until the next update begins anew.", "", Example{"text": "Traffic is moving to the second region."}),
			func(ctx context.Context, c *Caller, in IncidentText) (Incident, error) {
				return d.doIncident(ctx, c, in.ID, incident.Update{Text: in.Text})
			}),
		New(onIncident("mitigate", "Say that the impact is over, though the cause is not.", "", Example{"text": "Traffic was moved."}),
			func(ctx context.Context, c *Caller, in IncidentStatus) (Incident, error) {
				return d.doIncident(ctx, c, in.ID, incident.Mitigate{Text: in.Text})
			}),
		New(onIncident("resolve", "Say that the incident is fixed; its review begins.", "", Example{"text": "The switch was replaced."}),
			func(ctx context.Context, c *Caller, in IncidentStatus) (Incident, error) {
				return d.doIncident(ctx, c, in.ID, incident.Resolve{Text: in.Text})
			}),
		New(onIncident("reopen", "Open an incident again that was mitigated or resolved.", "", Example{"because": "Errors are back."}),
			func(ctx context.Context, c *Caller, in ReopenIncident) (Incident, error) {
				return d.doIncident(ctx, c, in.ID, incident.Reopen{Because: in.Because})
			}),
		New(onIncident("close", "Archive a resolved incident with its review.",
			"SEV1 and SEV2 need summary and root_cause by a person, here or saved before.",
			Example{"summary": "Login failed for 40 minutes.", "root_cause": "A switch lost its configuration."}),
			d.closeIncident),
		New(onIncident("review", "Save what is known of summary and root cause.", "Fields left out keep what was saved.", Example{"summary": "Login failed for 40 minutes."}),
			d.reviewIncident),
		New(onIncident("cancel", "Say that it was no incident.", "", Example{"reason": "A drill."}),
			func(ctx context.Context, c *Caller, in CancelIncident) (Incident, error) {
				return d.doIncident(ctx, c, in.ID, incident.Cancel{Reason: in.Reason})
			}),
		New(onIncident("note", "Add a note to the timeline of an incident. It is no update.", "", Example{"text": "Vendor ticket 4711."}),
			func(ctx context.Context, c *Caller, in IncidentText) (Incident, error) {
				return d.doIncident(ctx, c, in.ID, incident.Note{Text: in.Text})
			}),
		New(onIncident("set-severity", "Change how bad the impact is.", "", Example{"severity": "SEV1"}),
			func(ctx context.Context, c *Caller, in SetSeverity) (Incident, error) {
				return d.doIncident(ctx, c, in.ID, incident.SetSeverity{Severity: in.Severity})
			}),
		New(onIncident("add-event", "Add an event to an incident.", "An event belongs to one incident at most.", Example{"event": "E-4822"}), d.addEvent),
		New(onIncident("assign-role", "Give a role in an incident to a member.", "The commander leads it and is reminded of updates.", Example{"role": "commander", "member": "ann"}),
			d.assignRole),
		New(onIncident("add-action", "Add an action item to the review of an incident.", "", Example{"text": "Keep the switch configuration in version control.", "owner": "bob", "due": "2026-02-15T00:00:00Z"}),
			d.addAction),
		New(onIncident("complete-action", "Mark an action item as done.", "", Example{"number": 1}),
			func(ctx context.Context, c *Caller, in CompleteAction) (Incident, error) {
				return d.doIncident(ctx, c, in.ID, incident.CompleteAction{Number: in.Number})
			}),
	}
}

// onIncident is the spec of a change of one incident.
func onIncident(verb, summary, description string, example Example) Spec {
	example["id"] = "I-7"
	return Spec{
		Name: "incidents." + verb, Method: "POST", Path: "/incidents/{id}/" + verb, Scope: IncidentsWrite,
		Summary: summary, Description: description, Examples: []Example{example},
	}
}

func (d *Desk) doIncident(ctx context.Context, c *Caller, id incident.ID, op incident.Op) (Incident, error) {
	return d.chooseIncident(ctx, c, id, func(incident.Incident, time.Time) (incident.Op, error) { return op, nil })
}

func (d *Desk) chooseIncident(ctx context.Context, c *Caller, id incident.ID, op func(incident.Incident, time.Time) (incident.Op, error)) (Incident, error) {
	if _, err := id.Number(); err != nil {
		return Incident{}, invalid("id", "%v", err)
	}
	var before incident.Incident
	after, err := d.Incidents.DoWith(ctx, id, c.Actor(), func(i incident.Incident, at time.Time) (incident.Op, error) {
		before = i
		return op(i, at)
	})
	if err != nil {
		return Incident{}, err
	}
	c.Changed(string(id), incidentSummary(before), incidentSummary(after))
	return incidentOf(after), nil
}

func incidentSummary(i incident.Incident) string {
	s := fmt.Sprintf("%s %s", i.State, i.Severity)
	for _, role := range slices.Sorted(maps.Keys(i.Roles)) {
		s += fmt.Sprintf(" %s=%s", role, i.Roles[role])
	}
	return s
}

func incidentOf(i incident.Incident) Incident {
	v := Incident{
		ID: i.ID, State: i.State, Severity: i.Severity, Title: i.Title, Description: i.Description,
		Services: i.Services, Events: i.Events, Roles: i.Roles, Test: i.Test,
		Status: i.Status.Text, StatusBy: i.Status.By, StatusAt: i.Status.At, UpdateDueAt: i.UpdateDueAt,
		Summary: i.Review.Summary, RootCause: i.Review.RootCause,
		OpenedAt: i.OpenedAt, OpenedBy: i.OpenedBy, ChangedAt: i.ChangedAt, ChangedBy: i.ChangedBy,
		MitigatedAt: i.MitigatedAt, ResolvedAt: i.ResolvedAt, EndedAt: i.EndedAt, Reason: i.Reason,
	}
	if v.Services == nil {
		v.Services = []string{}
	}
	for _, a := range i.Actions {
		v.Actions = append(v.Actions, Action{Number: a.Number, Text: a.Text, Owner: i.ActionOwner(a), Due: a.Due, DoneAt: a.DoneAt, DoneBy: a.DoneBy})
	}
	return v
}

func (d *Desk) listIncidents(ctx context.Context, _ *Caller, in ListIncidents) (List[Incident], error) {
	position, err := in.position()
	if err != nil {
		return List[Incident]{}, err
	}
	found, next, err := d.Incidents.Store.List(ctx, !in.Closed, in.limit(), position)
	items := make([]Incident, len(found))
	for n, i := range found {
		items[n] = incidentOf(i)
	}
	return listOf(items, next), err
}

func (d *Desk) getIncident(ctx context.Context, _ *Caller, in IncidentID) (IncidentDetail, error) {
	if _, err := in.ID.Number(); err != nil {
		return IncidentDetail{}, invalid("id", "%v", err)
	}
	i, err := d.Incidents.Store.Get(ctx, in.ID)
	if err != nil {
		return IncidentDetail{}, err
	}
	timeline, err := d.Incidents.Store.Timeline(ctx, in.ID)
	if err != nil {
		return IncidentDetail{}, err
	}
	messages, err := d.Events.Store.Outbox.OfEvent(ctx, string(in.ID))
	if err != nil {
		return IncidentDetail{}, err
	}
	x := Execution{
		Name: i.ExecutionName(), Generation: i.Generation, Known: i.Exec, Waiting: i.Token != "",
		Wakes: i.Wakes, Failures: i.Failures, NextLookAt: i.Due,
	}
	x.ask(ctx, d.IncidentExecutions)
	return IncidentDetail{Incident: incidentOf(i), Timeline: timelineOf(timeline), Messages: messagesOf(messages), Execution: x}, nil
}

func (d *Desk) closeIncident(ctx context.Context, c *Caller, in CloseIncident) (Incident, error) {
	return d.chooseIncident(ctx, c, in.ID, func(i incident.Incident, _ time.Time) (incident.Op, error) {
		if in.Summary == "" && in.RootCause == "" {
			return incident.Close{}, nil
		}
		review := in.over(i)
		return incident.Close{Review: &review}, nil
	})
}

func (d *Desk) reviewIncident(ctx context.Context, c *Caller, in CloseIncident) (Incident, error) {
	if in.Summary == "" && in.RootCause == "" {
		return Incident{}, invalid("summary", "give at least one of summary and root_cause")
	}
	return d.chooseIncident(ctx, c, in.ID, func(i incident.Incident, _ time.Time) (incident.Op, error) {
		return incident.SaveReview{Review: in.over(i)}, nil
	})
}

// over returns the findings with the fields given in place of what was saved.
func (in CloseIncident) over(i incident.Incident) incident.Findings {
	f := incident.Findings{Summary: i.Review.Summary, RootCause: i.Review.RootCause}
	if in.Summary != "" {
		f.Summary = in.Summary
	}
	if in.RootCause != "" {
		f.RootCause = in.RootCause
	}
	return f
}

func (d *Desk) addEvent(ctx context.Context, c *Caller, in AddEvent) (Incident, error) {
	if err := checkID("event", in.Event); err != nil {
		return Incident{}, err
	}
	e, err := d.Events.Store.Get(ctx, in.Event)
	if err != nil {
		return Incident{}, err
	}
	out, err := d.doIncident(ctx, c, in.ID, incident.AddEvent{Event: in.Event, Service: e.Service})
	if err != nil {
		return Incident{}, err
	}
	_, err = d.Events.Do(ctx, in.Event, event.JoinIncident{Incident: string(in.ID)}, c.Actor())
	return out, err
}

func (d *Desk) assignRole(ctx context.Context, c *Caller, in AssignRole) (Incident, error) {
	if err := d.checkAssignee(ctx, event.Assignee{Member: in.Member}); err != nil {
		return Incident{}, err
	}
	return d.doIncident(ctx, c, in.ID, incident.AssignRole{Role: in.Role, Member: in.Member})
}

func (d *Desk) addAction(ctx context.Context, c *Caller, in AddAction) (Incident, error) {
	if err := d.checkAssignee(ctx, event.Assignee{Member: in.Owner}); err != nil {
		return Incident{}, err
	}
	return d.doIncident(ctx, c, in.ID, incident.AddAction{Text: in.Text, Owner: in.Owner, Due: in.Due})
}
