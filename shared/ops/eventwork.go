package ops

import (
	"context"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/event"
)

// AddTask is the input of events.add-task.
type AddTask struct {
	EventID
	Text   string `json:"text" required:"true" min:"1" max:"1024" doc:"What is to be done."`
	Member string `json:"member,omitempty" max:"63" doc:"Who is to do it."`
}

// TaskNumber is the input of what is done to a task.
type TaskNumber struct {
	EventID
	Number int `json:"number" required:"true" min:"1" max:"1000" doc:"Number of the task."`
}

// AttachAlert is the input of events.attach.
type AttachAlert struct {
	EventID
	Alert alert.ID `json:"alert" required:"true" max:"128" doc:"Id of the alert, as deliveries.get shows it."`
}

// SplitEvent is the input of events.split.
type SplitEvent struct {
	EventID
	Alerts   []alert.ID     `json:"alerts" required:"true" min:"1" max:"40" doc:"Ids of the alerts that leave it."`
	Title    string         `json:"title,omitempty" max:"512" doc:"Title of the new event; without it that of the first alert that fires."`
	Priority alert.Priority `json:"priority,omitempty" enum:"P1,P2,P3,P4" doc:"Priority of the new event; without it that of the old one."`
	Member   string         `json:"member,omitempty" max:"63" doc:"Page this member first."`
	Team     string         `json:"team,omitempty" max:"63" doc:"Page this team first."`
}

// SubscribeEvent is the input of events.subscribe and events.unsubscribe.
type SubscribeEvent struct {
	EventID
	Member string `json:"member,omitempty" max:"63" doc:"Who is told; without it the member whose token it is."`
}

func (d *Desk) workOperations() []*Operation {
	return []*Operation{
		New(d.onEvent("add-task", "Add a task to an event.", "Nobody is paged for a task.",
			Example{"id": "E-4821", "text": "Tell the shop that orders are late", "member": "bob"}),
			d.addTask),
		New(d.onEvent("complete-task", "Mark a task of an event as done.", "", Example{"id": "E-4821", "number": 1}),
			func(ctx context.Context, c *Caller, in TaskNumber) (Event, error) {
				return d.do(ctx, c, in.ID, event.CompleteTask{Number: in.Number})
			}),
		New(d.onEvent("reopen-task", "Make a task that was done work again.", "", Example{"id": "E-4821", "number": 1}),
			func(ctx context.Context, c *Caller, in TaskNumber) (Event, error) {
				return d.do(ctx, c, in.ID, event.ReopenTask{Number: in.Number})
			}),
		New(d.onEvent("attach", "Attach a firing alert to an open event.",
			"For an alert that a rule kept, or whose event is over. Its repeats and its recovery belong to the event from then on. Refused while another event works on it.",
			Example{"id": "E-4821", "alert": "a-3f1c9a7be2d04c58"}),
			d.attach),
		New(d.onEvent("split", "Make some alerts of an event an event of their own.",
			"Answers the new event. It has the service, rule and plan of the old one and pages by them from the beginning. New alerts go on joining the old event; those that were split off report to the new one.",
			Example{"id": "E-4821", "alerts": []any{"a-3f1c9a7be2d04c58"}, "title": "Disk of db-2 is slow"}),
			d.split),
		New(d.onEvent("subscribe", "Be told when an event changes state.",
			"A subscriber is told once when the event is acknowledged, resolved, reopened, merged or closed and when it becomes an incident, and is not paged.",
			Example{"id": "E-4821"}, Example{"id": "E-4821", "member": "bob"}),
			func(ctx context.Context, c *Caller, in SubscribeEvent) (Event, error) {
				member, err := d.subscriber(ctx, c, in)
				if err != nil {
					return Event{}, err
				}
				return d.do(ctx, c, in.ID, event.Subscribe{Member: member})
			}),
		New(d.onEvent("unsubscribe", "End a subscription to an event.", "",
			Example{"id": "E-4821"}, Example{"id": "E-4821", "member": "bob"}),
			func(ctx context.Context, c *Caller, in SubscribeEvent) (Event, error) {
				member, err := memberOf(c, in)
				if err != nil {
					return Event{}, err
				}
				return d.do(ctx, c, in.ID, event.Unsubscribe{Member: member})
			}),
	}
}

func (d *Desk) addTask(ctx context.Context, c *Caller, in AddTask) (Event, error) {
	if err := d.checkAssignee(ctx, event.Assignee{Member: in.Member}); err != nil {
		return Event{}, err
	}
	return d.do(ctx, c, in.ID, event.AddTask{Text: in.Text, Assignee: in.Member})
}

func (d *Desk) attach(ctx context.Context, c *Caller, in AttachAlert) (Event, error) {
	if err := checkID("id", in.ID); err != nil {
		return Event{}, err
	}
	after, err := d.Events.Attach(ctx, in.ID, in.Alert, c.Actor())
	if err != nil {
		return Event{}, err
	}
	c.Changed(string(in.ID), "", "alert "+string(in.Alert)+" attached")
	return viewOf(after, d.Now()), nil
}

func (d *Desk) split(ctx context.Context, c *Caller, in SplitEvent) (Event, error) {
	if err := checkID("id", in.ID); err != nil {
		return Event{}, err
	}
	old, err := d.Events.Store.Get(ctx, in.ID)
	if err != nil {
		return Event{}, err
	}
	to, err := d.assigneeOfSplit(ctx, old, event.Assignee{Member: in.Member, Team: in.Team})
	if err != nil {
		return Event{}, err
	}
	a := alert.Alert{Title: in.Title}
	alert.Clean(&a)
	opened, err := d.Events.Split(ctx, in.ID, event.SplitOff{Alerts: in.Alerts, Title: a.Title, Priority: in.Priority, Assignee: to}, c.Actor())
	if err != nil {
		return Event{}, err
	}
	c.Changed(string(in.ID), "", "split into "+string(opened.ID))
	return viewOf(opened, d.Now()), nil
}

// assigneeOfSplit is whom a caller names, else the team of the old event's
// service: that somebody owns the old event does not make the new one theirs.
func (d *Desk) assigneeOfSplit(ctx context.Context, old event.Event, named event.Assignee) (event.Assignee, error) {
	if !named.IsZero() {
		named.Named = true
		return named, d.checkAssignee(ctx, named)
	}
	cfg, err := d.Config.Current(ctx)
	if err != nil {
		return event.Assignee{}, err
	}
	return event.Assignee{Team: cfg.Services[old.Service].Team}, nil
}

// memberOf is whom a subscription is for.
func memberOf(c *Caller, in SubscribeEvent) (string, error) {
	switch {
	case in.Member != "":
		return in.Member, nil
	case c.Member != "":
		return c.Member, nil
	}
	return "", invalid("member", "is needed: the token is no member's")
}

func (d *Desk) subscriber(ctx context.Context, c *Caller, in SubscribeEvent) (string, error) {
	member, err := memberOf(c, in)
	if err != nil {
		return "", err
	}
	return member, d.checkAssignee(ctx, event.Assignee{Member: member})
}

// Task is a piece of work inside an event.
type Task struct {
	Number   int         `json:"number" table:"NUMBER"`
	Text     string      `json:"text" table:"TEXT"`
	Assignee string      `json:"assignee,omitempty" doc:"The member who is to do it." table:"ASSIGNEE"`
	By       event.Actor `json:"by" doc:"Who added it."`
	At       time.Time   `json:"at"`
	DoneBy   event.Actor `json:"done_by,omitempty" table:"DONE BY"`
	DoneAt   time.Time   `json:"done_at,omitzero" table:"DONE"`
}

func tasksOf(tasks []event.Task) []Task {
	var out []Task
	for _, t := range tasks {
		out = append(out, Task(t))
	}
	return out
}
