// Package forge holds what the sources of code forges have in common: events
// of a repository or project, and how what runs again and again has ended.
//
//	e := forge.Event{Source: "github", Kind: "workflow_run", Scope: "repository", Where: "shop/web"}
//	parsed := e.Ended(forge.Run{What: "workflow", Name: "build", On: "on main", Status: "failure"}, outcomes)
package forge

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"tocsin/shared/alert"
	"tocsin/shared/source"
)

// Event is what most events of a forge tell.
type Event struct {
	Source       string
	Kind, Action string            // "check_run", "completed"; Action may be ""
	Scope, Where string            // "repository" and its name; Where may be ""
	Labels       map[string]string // of all that it tells
}

// Note is the whole of an event that is no alert.
func (e Event) Note(text string) source.Parsed {
	return source.Parsed{Notes: []string{fmt.Sprintf("%.120s: %.200s", strings.TrimSpace(e.Kind+" "+e.Action), text)}}
}

// Rejected is the whole of an event that cannot be understood.
func (e Event) Rejected(format string, args ...any) source.Parsed {
	return source.Parsed{Items: []source.Item{{Rejected: fmt.Sprintf(format, args...)}}}
}

// Label adds what every event tells to the labels of one.
func (e Event) Label(nameAndValue ...string) map[string]string {
	return e.withOwn(source.Labels(nameAndValue...))
}

func (e Event) withOwn(labels map[string]string) map[string]string {
	all := source.Labels(e.Scope, e.Where, "event", e.Kind)
	for name, value := range labels {
		if all[name] == "" {
			all[name] = value
		}
	}
	maps.Copy(all, e.Labels)
	return all
}

// Of ends a title with where it happened.
func (e Event) Of(title string) string {
	if e.Where == "" {
		return title
	}
	return title + " in " + e.Where
}

// Change makes a change of the event, known by the sender's own id.
func (e Event) Change(kind, id, title string, at time.Time, labels map[string]string, links []alert.Link) source.Change {
	return source.Changed(source.Change{ID: alert.SenderKey(kind, e.Where+"#"+id), Source: e.Source, Title: e.Of(title), At: at, Labels: e.withOwn(labels), Links: links})
}

// Run is how something ended that runs again and again: a pipeline, a job, a
// check or a deployment.
type Run struct {
	What, Name string            // "workflow", "build"
	On         string            // "on main"
	Parts      map[string]string // its identity from failure to success, beside What and where it is
	Status     string
	ID         string // of this one run: a failure of another is a new firing period
	At         time.Time
	About      string
	Labels     map[string]string
	Links      []alert.Link
}

// Outcomes are the words for how a run ended: "" says nothing of what failed
// before.
type Outcomes map[string]alert.Status

// Of is what a word says.
func (o Outcomes) Of(word string) (outcome alert.Status, known bool) {
	outcome, known = o[strings.ToLower(word)]
	return outcome, known
}

// Ended reads a run: a failure fires, the next success recovers.
func (e Event) Ended(r Run, words Outcomes) source.Parsed {
	outcome, known := words.Of(r.Status)
	switch {
	case !known:
		return e.Rejected("status: is %.40q, expected success, failure, canceled or another that %s documents", r.Status, e.Source)
	case outcome == "":
		return e.Note(r.Status + " says nothing of an alert")
	}
	parts := map[string]string{e.Scope: e.Where, "kind": r.What}
	maps.Copy(parts, r.Parts)
	a := alert.Alert{
		Source: e.Source, DedupKey: alert.HashKey(parts), Group: e.Where, Description: r.About, Labels: e.withOwn(r.Labels), Links: r.Links,
		Status: alert.Firing, Severity: alert.Error, Title: e.Of(r.title("failed")), StartedAt: r.At, Episode: r.ID,
	}
	if outcome == alert.Resolved {
		a.Status, a.Severity, a.Title = alert.Resolved, "", e.Of(r.title("succeeded"))
		a.StartedAt, a.EndedAt, a.Episode = time.Time{}, r.At, ""
	}
	return source.One(a)
}

func (r Run) title(outcome string) string {
	return strings.Join(strings.Fields(strings.Join([]string{r.What, r.Name, outcome, r.On}, " ")), " ")
}

// On names the branch on which something ran.
func On(branch string) string {
	if branch == "" {
		return ""
	}
	return "on " + branch
}
