package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/shared/actionlink"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/incident"
)

// Incidents reads incidents.
type Incidents interface {
	Get(ctx context.Context, id incident.ID) (incident.Incident, error)
	Timeline(ctx context.Context, id incident.ID) ([]event.Item, error)
}

// IncidentDesk does operations on incidents.
type IncidentDesk interface {
	DoWith(ctx context.Context, id incident.ID, by event.Actor, choose func(incident.Incident, time.Time) (incident.Op, error)) (incident.Incident, error)
}

// Words of the field "action" that only incidents know.
const (
	doUpdate   = "update"
	doMitigate = "mitigate"
	doReview   = "review"
)

// maxIncidentText bounds what is written about an incident, in characters.
const maxIncidentText = 1000

// incidentAction is one thing that a POST does to an incident.
type incidentAction struct {
	needs actionlink.Actions
	fact  string
	state incident.State // that it leads to; "" it leads to none
	text  bool           // it needs a text
	op    func(form) incident.Op
}

func incidentActionOf(word string) (incidentAction, bool) {
	switch word {
	case doUpdate:
		return incidentAction{actionlink.Update, "incident.updated", "", true, func(f form) incident.Op { return incident.Update{Text: f.note} }}, true
	case doNote:
		return incidentAction{actionlink.Note, "incident.noted", "", true, func(f form) incident.Op { return incident.Note{Text: f.note} }}, true
	case doMitigate:
		return incidentAction{actionlink.Mitigate, "incident.mitigated", incident.Mitigated, false, func(form) incident.Op { return incident.Mitigate{} }}, true
	case doResolve:
		return incidentAction{actionlink.Resolve, "incident.resolved", incident.Resolved, false, func(form) incident.Op { return incident.Resolve{} }}, true
	case doReopen:
		return incidentAction{actionlink.Reopen, "incident.reopened", "", false, func(form) incident.Op { return incident.Reopen{} }}, true
	case doReview:
		return incidentAction{actionlink.Record, "incident.reviewed", "", false, func(f form) incident.Op { return incident.SaveReview{Review: f.review} }}, true
	case doClose:
		return incidentAction{actionlink.Close, "incident.closed", incident.Closed, false, func(f form) incident.Op { return incident.Close{Review: &f.review} }}, true
	}
	return incidentAction{}, false
}

// findIncident reads the incident that the link leads to.
func (h *handler) findIncident(ctx context.Context, v *visit) error {
	i, err := h.incidents.Get(ctx, incident.ID(v.claims.Subject()))
	if fault.Is(err, fault.NotFound) {
		return &refusal{http.StatusNotFound, v.text.GoneTitle, v.text.GoneBody, "absent"}
	}
	if err != nil {
		return err
	}
	if i.Opening != v.claims.Opening {
		v.standing = max(v.standing, earlierOpening)
	}
	v.incident = i
	return nil
}

func (h *handler) showIncident(w http.ResponseWriter, r *http.Request, v *visit, status int, f form) error {
	timeline, err := h.incidents.Timeline(r.Context(), v.incident.ID)
	if err != nil {
		httpapi.Annotate(r.Context(), slog.Any("timeline_err", err))
	}
	write(w, r, status, v.incidentPage(timeline, resultOf(r), f))
	return nil
}

// actOnIncident does one action and redirects to the page.
func (h *handler) actOnIncident(w http.ResponseWriter, r *http.Request, v *visit, f form) error {
	a, known := incidentActionOf(f.action)
	switch {
	case !known:
		return &refusal{http.StatusBadRequest, v.text.OddTitle, v.text.OddBody, "unknown_action"}
	case !v.may(a.needs):
		return &refusal{http.StatusForbidden, v.text.ForbiddenTitle, v.text.ForbiddenBody, "not_allowed"}
	case !f.checkIncident(a, v.text):
		return h.returnIncident(w, r, v, f)
	}
	opening := v.incident.Opening
	after, err := h.incidentDesk.DoWith(r.Context(), v.incident.ID, v.me(), func(i incident.Incident, at time.Time) (incident.Op, error) {
		if i.Opening != opening {
			return nil, errChanged
		}
		v.incident = i
		return h.chooseIncident(r.Context(), v, a, &f, at)
	})
	_, state := errors.AsType[*incident.StateError](err)
	_, returned := errors.AsType[*formError](err)
	missing, incomplete := errors.AsType[*incident.ReviewMissingError](err)
	switch {
	case err == nil:
		h.count("done")
		if f.action == doReopen {
			v.token = h.tokenFor(r.Context(), v, v.claims.Number, after.Opening)
		}
		redirect(w, v.token, result{action: f.action})
		return nil
	case state, errors.Is(err, errChanged):
		h.count("refused")
		redirect(w, v.token, result{action: f.action, refused: true})
		return nil
	case returned:
		return h.returnIncident(w, r, v, f)
	case incomplete:
		f.miss(missing.Missing, v.text.MissingReview)
		return h.returnIncident(w, r, v, f)
	}
	return err
}

func (h *handler) returnIncident(w http.ResponseWriter, r *http.Request, v *visit, f form) error {
	h.count("refused")
	return h.showIncident(w, r, v, http.StatusUnprocessableEntity, f)
}

// chooseIncident keeps a second tap from doing a thing twice.
func (h *handler) chooseIncident(ctx context.Context, v *visit, a incidentAction, f *form, at time.Time) (incident.Op, error) {
	switch {
	case a.text:
		timeline, err := h.incidents.Timeline(ctx, v.incident.ID)
		if err != nil {
			return nil, err
		}
		if said(timeline, a.fact, v.me(), f.note, at) {
			return nil, nil
		}
	case f.action == doReview && v.incident.Review.By == v.me() && v.incident.Review.Summary == f.review.Summary && v.incident.Review.RootCause == f.review.RootCause:
		return nil, nil
	case f.action == doReopen && stale(f.seen, seenIncident(&v.incident)):
		return nil, errChanged
	case (f.action == doReview || f.action == doClose) && !v.incident.State.Ended() && f.overtaken(seenReview(v.incident.Review), v.text.ReviewChanged):
		return nil, &formError{*f}
	}
	return a.op(*f), nil
}

// said reports whether a member wrote the same a moment ago.
func said(timeline []event.Item, what string, by event.Actor, text string, at time.Time) bool {
	return slices.ContainsFunc(timeline, func(i event.Item) bool {
		return i.What == what && i.By == by && i.Data["text"] == text && at.Sub(i.At) < sameNote
	})
}

func seenIncident(i *incident.Incident) string {
	return mark(i.State, i.Opening, i.ChangedAt.UnixMilli(), i.UpdateCycle)
}

func seenReview(r incident.Review) string { return mark(r.Summary, r.RootCause) }

func (f *form) checkIncident(a incidentAction, t *texts) bool {
	if a.text && f.note == "" {
		f.add("note", t.NoteEmpty)
	}
	for _, c := range []struct{ field, text string }{{"note", f.note}, {"summary", f.review.Summary}, {"root_cause", f.review.RootCause}} {
		f.checkText(c.field, c.text, t)
		if utf8.RuneCountInString(c.text) > maxIncidentText || len(c.text) > incident.MaxText {
			f.add(c.field, t.TooLong(maxIncidentText))
		}
	}
	return len(f.problems) == 0
}

// incidentPage shows an incident, what can be done, and what came of what was
// done.
func (v *visit) incidentPage(timeline []event.Item, res result, f form) *element {
	i, t := &v.incident, v.text
	return v.document(string(i.ID)+" "+string(i.Severity)+" "+i.Title,
		v.problems(f), v.incidentOutcome(timeline, res), v.linkResult(res), v.wornOut(string(i.ID)),
		el("div", class("top"),
			el("span", class("chip "+strings.Replace(string(i.Severity), "SEV", "P", 1)), text(i.Severity)),
			when(i.Test, el("span", class("chip"), text(t.Test))),
			el("span", class("chip"), text(t.IncidentStates[string(i.State)])),
			el("span", class("id"), text(i.ID))),
		heading(i.Title),
		el("p", class("soft"), text(t.StateBy(t.IncidentStates[string(i.State)], v.who(i.ChangedBy), v.since(i.ChangedAt)))),
		v.incidentConsequence(),
		v.incidentActions(f),
		v.incidentDetails(), v.history(timeline), v.foot())
}

func (v *visit) incidentOutcome(timeline []event.Item, res result) part {
	a, known := incidentActionOf(res.action)
	if !known {
		return nil
	}
	t := v.text
	item, found := newest(timeline, a.fact)
	mine := found && item.By == v.me() && v.at.Sub(item.At) < justNow
	switch {
	case mine:
		return banner("ok", v.did(res.action, item))
	case res.refused && found && a.state != "" && a.state == v.incident.State:
		return banner("", t.DidBefore(v.did(res.action, item)))
	case res.refused:
		return banner("", t.Changed)
	}
	return banner("ok", t.Accepted)
}

func (v *visit) incidentConsequence() part {
	i, t := &v.incident, v.text
	at := i.RemindUpdateAt()
	if at.IsZero() {
		return nil
	}
	say := t.UpdateDue(v.when(at))
	if !at.After(v.at) {
		say = t.UpdateOverdue
	}
	return el("p", class("next"), text(say))
}

func (v *visit) incidentActions(f form) part {
	i := &v.incident
	switch {
	case v.standing != acts:
		return v.linkForm()
	case i.State.Active():
		var second many
		if i.State == incident.Open {
			second = append(second, v.incidentButton(doMitigate, v.text.Mitigate))
		}
		second = append(second, v.incidentButton(doResolve, v.text.Resolve))
		return many{v.updateForm(f), el("div", class("acts"), group("two", second)), v.incidentMore(f, i.State == incident.Mitigated)}
	case i.State == incident.Resolved:
		return many{v.reviewForm(f), v.incidentMore(f, true)}
	}
	return v.incidentMore(f, false)
}

func (v *visit) incidentButton(word, label string) part {
	a, _ := incidentActionOf(word)
	if !v.may(a.needs) {
		return nil
	}
	return post(v.token, hidden("action", word), hidden("seen", seenIncident(&v.incident)), el("button", kind("submit"), text(label)))
}

func (v *visit) incidentMore(f form, reopens bool) part {
	var parts many
	if reopens {
		if b := v.incidentButton(doReopen, v.text.Reopen); b != nil {
			parts = append(parts, b, el("p", class("hint"), text(v.text.ReopenIncidentHint)))
		}
	}
	if f.action != doUpdate { // both forms would show what was entered
		if n := v.noteForm(f); n != nil {
			parts = append(parts, n)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return el("details", when(f.action == doNote, boolean("open")), el("summary", text(v.text.More)), parts)
}

func (v *visit) updateForm(f form) part {
	if !v.may(actionlink.Update) {
		return nil
	}
	t, entered := v.text, ""
	if f.action == doUpdate {
		entered = f.note
	} else {
		f = form{}
	}
	return el("section", class("card"), labelledBy("update-title"), el("h2", id("update-title"), text(t.Update)),
		post(v.token, inParts(), hidden("action", doUpdate),
			v.control("update", "note", t.UpdateLabel, t.UpdateHint, f, el("textarea", rows("3"), text(entered))),
			el("p", class("save"), el("button", kind("submit"), class("go"), text(t.PostUpdate)))))
}

func (v *visit) reviewForm(f form) part {
	if !v.may(actionlink.Record) && !v.may(actionlink.Close) {
		return nil
	}
	t, i := v.text, &v.incident
	review, saw := f.review, f.saw
	if f.action != doReview && f.action != doClose {
		review = incident.Findings{Summary: i.Review.Summary, RootCause: i.Review.RootCause}
		saw = seenReview(i.Review)
	}
	hint, needed := t.ReviewHint, t.Optional
	if i.NeedsReview() {
		hint, needed = hint+" "+t.ReviewNeeded, t.Required
	}
	return el("section", class("card"), labelledBy("review-title"),
		el("h2", id("review-title"), text(t.Review)), el("p", class("hint"), text(hint)),
		post(v.token, inParts(), hidden("saw", saw),
			v.field("summary", t.Summary+needed, t.SummaryHint, f, el("textarea", rows("3"), text(review.Summary))),
			v.field("root_cause", t.RootCause+needed, t.RootCauseHint, f, el("textarea", rows("3"), text(review.RootCause))),
			el("div", class("two save"),
				when(v.may(actionlink.Record), submit(doReview, t.SaveRecord, "")),
				when(v.may(actionlink.Close), submit(doClose, t.SaveAndClose, "go")))))
}

func (v *visit) incidentDetails() part {
	i, t := &v.incident, v.text
	var known table
	known.add(t.Commander, shown(v.roleName(incident.Commander), t.Nobody))
	var services, ids []string
	for _, s := range i.Services {
		services = append(services, v.service(s))
	}
	for _, e := range i.Events {
		ids = append(ids, string(e))
	}
	known.add(t.Service, strings.Join(services, ", "))
	known.add(t.Events, strings.Join(ids, ", "))
	known.add(t.Opened, v.when(i.OpenedAt))
	known.add(t.CancelledBecause, i.Reason)
	list := known.list()
	latest := when(i.Status.Text != "", el("h2", class("save"), text(t.LastUpdate)),
		el("p", class("pre"), text(i.Status.Text)), el("p", class("hint"), text(v.who(i.Status.By)+" · "+v.when(i.Status.At))))
	var review table
	if i.State.Ended() || v.standing != acts {
		review.add(t.Summary, i.Review.Summary)
		review.add(t.RootCause, i.Review.RootCause)
	}
	return el("section", class("card"), list, latest,
		when(i.Description != "", el("h2", class("save"), text(t.Description)), el("p", class("pre"), text(i.Description))),
		when(len(review.parts) > 0, el("h2", class("save"), text(t.Review)), review.list()),
		v.actionItems())
}

func (v *visit) roleName(r incident.Role) string {
	if member := v.incident.Roles[r]; member != "" {
		return v.person(member)
	}
	return ""
}

func (v *visit) actionItems() part {
	i, t := &v.incident, v.text
	var items many
	for _, a := range i.Actions {
		line := a.Text
		if owner := i.ActionOwner(a); owner != "" {
			line += " · " + v.person(owner)
		}
		switch {
		case a.Done():
			line = "✓ " + line
		case !a.Due.IsZero():
			line += " · " + t.DueAt(v.when(a.Due))
		}
		items = append(items, el("li", text(line)))
	}
	if len(items) == 0 {
		return nil
	}
	return many{el("h2", class("save"), text(t.ActionItems)), el("ul", items)}
}
