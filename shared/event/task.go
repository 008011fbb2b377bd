package event

import (
	"fmt"
	"slices"
	"time"

	"tocsin/shared/fault"
)

// MaxTasks bounds the tasks of an event.
const MaxTasks = 50

// Task is a piece of work inside an event.
type Task struct {
	Number   int       `json:"number"` // from 1, in the order in which they were added
	Text     string    `json:"text"`
	Assignee string    `json:"assignee,omitempty"` // a member; "" nobody in particular
	By       Actor     `json:"by"`                 // who added it
	At       time.Time `json:"at"`
	DoneBy   Actor     `json:"done_by,omitempty"`
	DoneAt   time.Time `json:"done_at,omitzero"`
}

// Done reports whether the task is done.
func (t Task) Done() bool { return !t.DoneAt.IsZero() }

// AddTask adds a task to an open event.
type AddTask struct {
	Text     string
	Assignee string
}

func (o AddTask) apply(c *Change) error {
	e := &c.Event
	if !e.State.Open() {
		return c.refuse(false)
	}
	if len(e.Tasks) >= MaxTasks {
		return fault.New(fault.Conflict, "event %s has %d tasks already", e.ID, MaxTasks)
	}
	t := Task{Number: len(e.Tasks) + 1, Text: o.Text, Assignee: o.Assignee, By: c.By, At: c.At}
	e.Tasks = append(slices.Clone(e.Tasks), t)
	c.note("event.task_added", "task", fmt.Sprint(t.Number), "text", t.Text, "assignee", t.Assignee)
	return nil
}

// CompleteTask marks a task as done. One that is done keeps who did it.
type CompleteTask struct {
	Number int
}

func (o CompleteTask) apply(c *Change) error {
	t, err := c.task(o.Number)
	if err != nil || t.Done() {
		return err
	}
	t.DoneBy, t.DoneAt = c.By, c.At
	c.note("event.task_done", "task", fmt.Sprint(t.Number))
	return nil
}

// ReopenTask makes a task that was done work again.
type ReopenTask struct {
	Number int
}

func (o ReopenTask) apply(c *Change) error {
	t, err := c.task(o.Number)
	if err != nil || !t.Done() {
		return err
	}
	t.DoneBy, t.DoneAt = "", time.Time{}
	c.note("event.task_reopened", "task", fmt.Sprint(t.Number))
	return nil
}

// task returns a task to be changed.
func (c *Change) task(number int) (*Task, error) {
	e := &c.Event
	if number < 1 || number > len(e.Tasks) {
		return nil, fault.New(fault.NotFound, "event %s has no task %d", e.ID, number)
	}
	e.Tasks = slices.Clone(e.Tasks)
	return &e.Tasks[number-1], nil
}
