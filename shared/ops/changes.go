package ops

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"tocsin/shared/change"
	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/source"
)

// Change is a deployment or configuration change.
type Change struct {
	ID          string            `json:"id" doc:"The sender's own, or made of what it says."`
	At          time.Time         `json:"at" table:"AT"`
	Service     string            `json:"service" table:"SERVICE"`
	Title       string            `json:"title" table:"TITLE"`
	Source      string            `json:"source" doc:"Kind of system that told of it; api: it was reported here." table:"SOURCE"`
	Integration string            `json:"integration,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Links       []Link            `json:"links,omitempty"`
}

func changeOf(f change.Filed) Change {
	return Change{
		ID: f.ID, At: f.At, Service: f.Service, Title: f.Title, Source: f.Source, Integration: f.Integration,
		Labels: f.Labels, Links: linksOf(f.Links),
	}
}

func changesOf(filed []change.Filed) []Change {
	out := make([]Change, len(filed))
	for i, f := range filed {
		out[i] = changeOf(f)
	}
	return out
}

// ListChanges is the input of changes.list.
type ListChanges struct {
	Service string    `json:"service,omitempty" in:"query" max:"63" default:"default" doc:"Of this service."`
	Since   time.Time `json:"since,omitzero" in:"query" doc:"Made then or later; without it, of the last 30 days."`
	Until   time.Time `json:"until,omitzero" in:"query" doc:"Made before or then."`
	Page
}

// ReportChange is the input of changes.report.
type ReportChange struct {
	Title   string    `json:"title" required:"true" min:"1" max:"512" doc:"What was changed, in one line."`
	Service string    `json:"service,omitempty" max:"63" default:"default" doc:"Of what it is shown with events."`
	ID      string    `json:"id,omitempty" max:"200" doc:"Your own id of it: told again under the same id, it is there once."`
	At      time.Time `json:"at,omitzero" doc:"When it was made; without it, now."`
	Link    string    `json:"link,omitempty" max:"2048" doc:"Address of a page about it."`
	Labels  []string  `json:"labels,omitempty" max:"20" doc:"What else is to be known of it, each as name=value."`
}

// reportedSource is the source of changes that were reported here.
const reportedSource = "api"

func (d *Desk) changeOperations() []*Operation {
	return []*Operation{
		New(Spec{
			Name: "changes.list", Method: "GET", Path: "/changes", Scope: EventsRead,
			Summary:     "List deployments and configuration changes of a service, newest first.",
			Description: "They come from integrations and from changes.report, and are shown with the events of their service. They stay for 30 days.",
			Examples:    []Example{{"service": "shop", "since": "2026-01-31T00:00:00Z", "limit": 20}},
		}, d.listChanges),
		New(Spec{
			Name: "changes.report", Method: "POST", Path: "/changes", Scope: EventsWrite, Creates: true,
			Summary:     "Report a deployment or configuration change.",
			Description: "Pages nobody. Events of its service that are open, or open within two hours, show it.",
			Examples: []Example{
				{"title": "deploy shop v1.8", "service": "shop"},
				{"title": "deploy shop v1.8", "service": "shop", "id": "run-4711", "link": "https://ci.example.com/runs/4711", "labels": []any{"version=1.8", "env=prod"}},
			},
		}, d.reportChange),
	}
}

func (d *Desk) listChanges(ctx context.Context, _ *Caller, in ListChanges) (List[Change], error) {
	position, err := in.position()
	if err != nil {
		return List[Change]{}, err
	}
	now := d.Now()
	w := change.Window{From: now.Add(-defaults.ChangeTTL), Until: now}
	if in.Since.After(w.From) {
		w.From = in.Since
	}
	if !in.Until.IsZero() && in.Until.Before(now) {
		w.Until = in.Until
	}
	if in.Service == "" {
		in.Service = defaultService
	}
	found, next, err := d.Changes.Find(ctx, in.Service, w, in.limit(), position)
	if err != nil {
		return List[Change]{}, cursorProblem(err, position)
	}
	return listOf(changesOf(found), next), nil
}

func (d *Desk) reportChange(ctx context.Context, c *Caller, in ReportChange) (Change, error) {
	_, service, err := d.reported(ctx, in.Service, event.Assignee{})
	if err != nil {
		return Change{}, err
	}
	told, err := in.change(service.Name, d.Now())
	if err != nil {
		return Change{}, err
	}
	kept, added, err := d.Changes.Put(ctx, change.Filed{Change: told, FiledAt: d.Now()})
	if err != nil {
		return Change{}, err
	}
	if added {
		c.Changed("change "+kept.ID, "", kept.Service+" "+kept.Title)
	}
	return changeOf(kept), nil
}

// change is what was reported, fit to keep.
func (in ReportChange) change(service string, now time.Time) (change.Change, error) {
	told := change.Change{ID: in.ID, Title: in.Title, Source: reportedSource, Service: service, At: in.At, Labels: map[string]string{}}
	var bad fault.Problems
	if in.Link != "" {
		if told.Links = source.Links("", in.Link); len(told.Links) == 0 {
			bad.Add("link", "is no address of http or https")
		}
	}
	for _, label := range in.Labels {
		name, value, ok := strings.Cut(label, "=")
		if !ok || name == "" {
			bad.Add("labels", "%.60q is not name=value", label)
		}
		told.Labels[name] = value
	}
	if told.At.IsZero() || told.At.After(now) {
		told.At = now
	}
	if told.At.Before(now.Add(-defaults.ChangeTTL)) {
		bad.Add("at", "is %s, longer ago than changes are kept", told.At.Format(time.RFC3339))
	}
	if told.ID == "" {
		told.ID = "c-" + strings.ToLower(rand.Text())
	}
	told.At = told.At.UTC().Truncate(time.Millisecond)
	if source.FirstText(in.Title) == "" {
		bad.Add("title", "has nothing to read")
	}
	return source.Changed(told), bad.Err("the input is not valid")
}

// changesOfEvent are the changes that may explain an event.
func (d *Desk) changesOfEvent(ctx context.Context, e event.Event) ([]Change, error) {
	until := e.ClosedAt
	if until.IsZero() {
		until = d.Now()
	}
	found, _, err := d.Changes.Find(ctx, e.Service, change.Around(e.OpenedAt, until), defaults.ChangesShown, "")
	return changesOf(found), err
}
