package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/shared/actionlink"
	"tocsin/shared/alert"
	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/outbox"
)

// document is a whole page in the reader's language.
func (v *visit) document(title string, parts ...part) *element {
	return el("html", lang(v.text.Lang),
		el("head",
			el("meta", attribute{"charset", "utf-8"}),
			meta("viewport", "width=device-width, initial-scale=1"),
			meta("color-scheme", "light dark"),
			meta("robots", "noindex, nofollow"),
			el("title", text(title)),
			el("style"),
		),
		el("body", el("main", parts...)),
	)
}

// refusalPage says why there is nothing to see.
func (v *visit) refusalPage(title, body string) *element {
	return v.document(title, el("div", class("card"), el("h1", text(title)), el("p", text(body))))
}

// retryPage says that it may work in a moment.
func (v *visit) retryPage() *element {
	t := v.text
	return v.document(t.DownTitle, el("div", class("card"), el("h1", text(t.DownTitle)), el("p", text(t.DownBody)),
		el("form", attribute{"method", "get"}, attribute{"action", v.token}, el("button", class("go"), text(t.TryAgain)))))
}

// noticePage is that of a link that is too old to show its event.
func (v *visit) noticePage(res result) *element {
	t := v.text
	return v.document(t.ExpiredTitle, v.linkResult(res), el("div", class("card"),
		el("h1", text(t.ExpiredTitle)),
		el("p", text(t.ExpiredBody(v.claims.Subject()))),
		v.linkForm()))
}

func (v *visit) linkForm() part {
	return el("div", class("acts"), v.button(doLink, v.text.SendLink, "go"), el("p", class("hint"), text(v.text.SendLinkHint)))
}

// linkResult says what came of asking for a new link.
func (v *visit) linkResult(res result) part {
	switch res.action {
	case linkSent:
		return banner("ok", v.text.LinkSent)
	case linkSentTwice:
		return banner("ok", v.text.LinkSentBefore)
	case linkNoContact:
		return banner("bad", v.text.NoContact)
	}
	return nil
}

// banner is a box of sentences. look is "ok", "bad" or "" (a warning).
func banner(look string, sentences ...string) part {
	box := el("div", class(strings.TrimSpace("note "+look)), role("status"))
	for _, s := range sentences {
		if s != "" {
			el("p", text(s)).join(box)
		}
	}
	return box
}

// eventPage shows an event, what can be done, and what came of what was done.
func (v *visit) eventPage(timeline []event.Item, next outbox.Forecast, res result, f form) *element {
	e := &v.event
	return v.document(string(e.ID)+" "+string(e.Priority)+" "+e.Title,
		v.problems(f), v.outcome(timeline, res), v.linkResult(res),
		when(v.merged != "", banner("", v.text.MergedFrom(string(v.merged)))), v.wornOut(string(e.ID)),
		v.top(), heading(e.Title), v.stateLine(), v.consequence(next),
		v.actions(f),
		v.helped(), v.details(), v.changed(), v.savedRecord(), v.history(timeline), v.foot())
}

// heading is a title; a long one is smaller, so that the button below stays
// on a phone's first screen.
func heading(title string) part {
	const long = 90
	if utf8.RuneCountInString(title) > long {
		return el("h1", class("long"), text(title))
	}
	return el("h1", text(title))
}

// problems says that a form has to be corrected.
func (v *visit) problems(f form) part {
	return many{when(f.problem != "", banner("bad", f.problem)), when(len(f.problems) > 0, banner("bad", v.text.Problems))}
}

// wornOut says why a link that shows does not act.
func (v *visit) wornOut(subject string) part {
	t := v.text
	switch v.standing {
	case tooOldToAct:
		return banner("", t.ExpiredTitle, t.ExpiredShows)
	case earlierOpening:
		return banner("", t.OldTitle, t.OldBody(subject))
	}
	return nil
}

// justNow is how old what a reader did may be, to be told as what they did
// with this tap.
const justNow = 10 * time.Minute

// outcome says what came of an action, by what the event says of it: the
// redirect's word alone is not believed.
func (v *visit) outcome(timeline []event.Item, res result) part {
	a, known := actionOf(res.action)
	if !known {
		return nil
	}
	if res.holder != "" {
		return banner("bad", v.text.SlotTaken(string(res.holder)))
	}
	item, found := newest(timeline, a.fact)
	mine := found && item.By == v.me() && v.at.Sub(item.At) < justNow
	switch {
	case mine:
		return banner("ok", v.did(res.action, item), v.following(res.action))
	case res.refused && found && a.holds(&v.event):
		return banner("", v.text.DidBefore(v.did(res.action, item)))
	case res.refused:
		return banner("", v.text.Changed)
	}
	return banner("ok", v.text.Accepted, v.following(res.action))
}

func newest(timeline []event.Item, what string) (item event.Item, found bool) {
	for _, i := range timeline {
		if i.What == what && !i.At.Before(item.At) {
			item, found = i, true
		}
	}
	return item, found
}

func (v *visit) did(action string, item event.Item) string {
	return v.text.Did[action](v.who(item.By), v.when(item.At))
}

// following is what happens after an action.
func (v *visit) following(action string) string {
	t := v.text
	switch {
	case action == doAcknowledge && v.event.State == event.AckedState:
		return t.PagingStopped
	case action == doResolve && v.event.State == event.Resolved && v.may(actionlink.Record):
		return t.RecordNext
	}
	return t.AskedFor[action]
}

func (v *visit) top() part {
	e, t := &v.event, v.text
	return el("div", class("top"),
		el("span", class("chip "+string(e.Priority)), text(e.Priority)),
		when(e.Test, el("span", class("chip"), text(t.Test))),
		el("span", class("chip"), text(t.States[string(e.State)])),
		el("span", class("id"), text(e.ID)))
}

// stateLine says since when the event is as it is, and by whom.
func (v *visit) stateLine() part {
	e, t := &v.event, v.text
	state := t.States[string(e.State)]
	var line string
	switch e.State {
	case event.Triggered:
		line = t.StateSince(state, v.since(e.TriggeredAt))
	case event.AckedState:
		line = t.StateBy(state, v.who(event.ByMember(e.Owner)), v.since(e.AcknowledgedAt))
		if e.Owner == "" {
			line = t.StateSince(state, v.since(e.AcknowledgedAt))
		}
	case event.Snoozed:
		line = t.SnoozedUntil(v.who(e.SnoozedBy), v.when(e.SnoozedUntil))
	case event.Resolved:
		line = t.StateAt(state, v.who(e.ResolvedBy), v.since(e.ResolvedAt))
	case event.Closed:
		line = t.StateAt(state, v.who(e.ClosedBy), v.since(e.ClosedAt))
	}
	return many{
		el("p", class("soft"), text(line)),
		when(e.State.Open() && !e.RecoveredAt.IsZero(), el("p", class("soft"), text(t.AllRecovered(v.when(e.RecoveredAt))))),
		when(e.Incident != "", el("p", class("soft"), text(t.PartOfIncident(e.Incident)))),
		when(e.Incident == "" && e.PromotedBy != "", el("p", class("soft"), text(t.IncidentRequested))),
	}
}

// consequence says what happens if nobody acts.
func (v *visit) consequence(next outbox.Forecast) part {
	if v.event.State == event.Closed {
		return nil
	}
	return el("p", class("next"), el("strong", text(v.text.IfNobody)), text(v.ifNobodyActs(next)))
}

func (v *visit) ifNobodyActs(next outbox.Forecast) string {
	e, t := &v.event, v.text
	if e.State.Open() && !e.RecoveredAt.IsZero() {
		if r := e.RecoveryFor(); !r.ByHand {
			return t.ResolvesItself(v.when(e.RecoveredAt.Add(r.Quiet)))
		}
	}
	switch e.State {
	case event.Triggered:
		return v.nextPage(next)
	case event.AckedState:
		if !e.AckExpiresAt.IsZero() {
			return t.AckExpires(v.when(e.AckExpiresAt))
		}
	case event.Snoozed:
		return t.Wakes(v.when(e.SnoozedUntil))
	case event.Resolved:
		if !e.AutoCloseAt.IsZero() {
			return t.ClosesSelf(v.when(e.AutoCloseAt))
		}
		return t.RecordReminder
	}
	return t.NothingMore
}

func (v *visit) nextPage(next outbox.Forecast) string {
	e, t := &v.event, v.text
	switch {
	case e.Progress.Stopped:
		return t.ClockStands
	case e.Progress.Deadline.IsZero() || !e.Progress.Deadline.After(v.at):
		return t.PagesSoon
	}
	at, who := v.when(e.Progress.Deadline), strings.Join(next.Who, ", ")
	switch {
	case who == "":
		return t.NextUnknown(at)
	case next.What == "last_resort":
		return t.NextLastResort(who, at)
	case next.What == "repeat":
		return t.NextRepeat(who, at)
	}
	return t.NextPage(who, at)
}

// button is a form of one button that does one thing.
func (v *visit) button(action, label, look string, more ...part) part {
	e := &v.event
	return post(v.token,
		hidden("action", action), hidden("seen", seen(e)),
		when(action == doEscalate, hidden("step", seenStep(e))), many(more),
		el("button", kind("submit"), class(look), text(label)))
}

func hidden(field, v string) part { return el("input", kind("hidden"), name(field), value(v)) }

// actions offers what the link allows and the state calls for; the likeliest
// as one big button.
func (v *visit) actions(f form) part {
	if v.standing != acts {
		return v.linkForm()
	}
	if v.claims.Actions == 0 {
		return nil
	}
	e := &v.event
	switch e.State {
	case event.Triggered, event.Snoozed:
		return v.openActions(many{v.offer(doAcknowledge, "main")}, many{v.offer(doResolve, ""), v.offer(doEscalate, "")}, f)
	case event.AckedState:
		look := "main"
		if e.Owner != v.member.Name { // whoever is too late to acknowledge must not resolve by habit
			look = ""
		}
		hint := when(v.may(actionlink.Escalate), el("p", class("hint"), text(v.text.EscalateOwnedHint)))
		return v.openActions(many{v.offer(doResolve, look)}, many{v.renewal(), v.offer(doEscalate, "")}, f, hint)
	case event.Resolved:
		return many{v.recordForm(f), v.more(f, doReopen)}
	}
	return v.more(f)
}

// openActions are those of an event that is work to be done.
func (v *visit) openActions(first, second many, f form, hint ...part) part {
	return many{
		when(f.ofRecord(), v.recordForm(f)),
		el("div", class("acts"), first, group("two", second), many(hint), v.snoozes()),
		v.more(f, doPromote, doUnacknowledge, doWake),
	}
}

// group lays out the parts that are there.
func group(look string, parts many) part {
	parts = slices.DeleteFunc(parts, func(p part) bool { return p == nil })
	switch len(parts) {
	case 0:
		return nil
	case 1:
		return parts[0]
	}
	return el("div", class(look), parts)
}

// offer is the button of an action, if it is possible.
func (v *visit) offer(word, look string) part {
	a, _ := actionOf(word)
	if !v.may(a.needs) || !possible(word, &v.event) {
		return nil
	}
	return v.button(word, v.label(word), look)
}

// possible reports whether the state calls for an action. Apply decides
// whether it is allowed.
func possible(word string, e *event.Event) bool {
	switch word {
	case doEscalate:
		return e.State == event.Triggered || e.State == event.AckedState
	case doPromote:
		return e.Incident == "" && e.PromotedBy == ""
	case doUnacknowledge:
		return e.State == event.AckedState
	case doWake:
		return e.State == event.Snoozed
	}
	return true
}

func (v *visit) label(word string) string {
	t := v.text
	switch word {
	case doAcknowledge:
		return t.Acknowledge
	case doResolve:
		return t.Resolve
	case doEscalate:
		return t.Escalate
	case doPromote:
		return t.Promote
	case doUnacknowledge:
		return t.GiveBack
	case doWake:
		return t.Wake
	}
	return t.Reopen
}

func (v *visit) hint(word string) string {
	t := v.text
	switch word {
	case doPromote:
		return t.PromoteHint
	case doUnacknowledge:
		return t.GiveBackHint
	case doWake:
		return t.WakeHint
	}
	return t.ReopenHint
}

// renewal lets the owner keep an acknowledgement that would expire.
func (v *visit) renewal() part {
	e := &v.event
	if e.Owner != v.member.Name || e.AckExpiresAt.IsZero() || !v.may(actionlink.Acknowledge) {
		return nil
	}
	return v.button(doAcknowledge, v.text.Renew, "")
}

func (v *visit) snoozes() part {
	if !v.may(actionlink.Snooze) {
		return nil
	}
	var buttons many
	for _, c := range defaults.SnoozeChoices() {
		label := v.text.SnoozeTo(until(c, v.at, v.zone).In(v.zone).Format(clockLayout))
		if c.For > 0 {
			label = v.text.SnoozeFor(c.Name)
		}
		buttons = append(buttons, v.button(doSnooze, label, "", hidden("for", c.Name)))
	}
	return many{el("p", class("label"), text(v.text.SnoozeTitle)), el("div", class("three"), buttons)}
}

// more holds what is needed rarely.
func (v *visit) more(f form, words ...string) part {
	var parts many
	for _, w := range words {
		if b := v.offer(w, ""); b != nil {
			parts = append(parts, b, el("p", class("hint"), text(v.hint(w))))
		}
	}
	if n := v.noteForm(f); n != nil {
		parts = append(parts, n)
	}
	if len(parts) == 0 {
		return nil
	}
	return el("details", class("more"), when(f.problems["note"] != "", boolean("open")), el("summary", text(v.text.More)), parts)
}

func (v *visit) noteForm(f form) part {
	if !v.may(actionlink.Note) {
		return nil
	}
	t := v.text
	return post(v.token, inParts(), hidden("action", doNote),
		v.field("note", t.Note, t.NoteHint, f, el("textarea", rows("3"), text(f.note))),
		el("p", class("save"), el("button", kind("submit"), text(t.AddNote))))
}

// field is a labelled control with its hint and what is wrong with it.
func (v *visit) field(field, label, hint string, f form, control *element) part {
	return v.control(field, field, label, hint, f, control)
}

// control is field with an id that is not the field's name.
func (v *visit) control(mark, field, label, hint string, f form, control *element) part {
	problem := f.problems[field]
	id(mark).join(control)
	name(field).join(control)
	if hint != "" {
		described(mark + "-hint").join(control)
	}
	if control.tag != "select" {
		length(strconv.Itoa(maxText)).join(control)
	}
	if problem != "" {
		class("wrong").join(control)
		attribute{"aria-invalid", "true"}.join(control)
	}
	return many{
		el("label", forID(mark), text(label)),
		when(hint != "", el("p", class("hint"), id(mark+"-hint"), text(hint))),
		control,
		when(problem != "", el("p", class("problem"), text(problem))),
	}
}

// recordForm asks how the event ended. "Save" stands first, so that the Enter
// key of a phone saves and does not close.
func (v *visit) recordForm(f form) part {
	if !v.may(actionlink.Record) && !v.may(actionlink.Close) {
		return nil
	}
	t, r, tags, saw := v.text, f.record, f.tags, f.saw
	if !f.ofRecord() {
		r, tags, saw = v.event.Record, strings.Join(v.event.Record.Tags, ", "), seenRecord(v.event.Record)
	}
	hint, needed := t.RecordHint, t.Optional
	if v.event.NeedsRecord() {
		hint, needed = hint+" "+t.RecordNeeded, t.Required
	}
	return el("section", class("card"), labelledBy("record-title"),
		el("h2", id("record-title"), text(t.Record)), el("p", class("hint"), text(hint)),
		post(v.token, inParts(), hidden("saw", saw),
			v.field("cause_class", t.CauseClass+needed, "", f, v.causeClasses(r.CauseClass)),
			v.field("cause", t.Cause+needed, t.CauseHint, f, el("textarea", rows("3"), text(r.Cause))),
			v.field("solution", t.Solution+needed, t.SolutionHint, f, el("textarea", rows("3"), text(r.Solution))),
			v.field("reasoning", t.Reasoning+t.Optional, t.ReasoningHint, f, el("textarea", rows("2"), text(r.Reasoning))),
			v.field("tags", t.Tags+t.Optional, t.TagsHint, f, el("input", kind("text"), value(tags))),
			el("div", class("two save"),
				when(v.may(actionlink.Record), submit(doRecord, t.SaveRecord, "")),
				when(v.may(actionlink.Close), submit(doClose, t.SaveAndClose, "go")))))
}

// submit is one of several buttons of a form.
func submit(word, label, look string) part {
	return el("button", kind("submit"), name("action"), value(word), class(look), text(label))
}

// knownClasses are those that the record may have, and the one that it has
// although the configuration does not name it any more.
func (v *visit) knownClasses() []string {
	classes := v.config.CauseClasses(v.event.Service)
	if saved := v.event.Record.CauseClass; saved != "" && !slices.Contains(classes, saved) {
		classes = append(classes, saved)
	}
	return classes
}

func (v *visit) causeClasses(chosen string) *element {
	list := el("select", el("option", value(""), text(v.text.ChooseCause)))
	for _, c := range v.knownClasses() {
		el("option", value(c), when(c == chosen, boolean("selected")), text(v.causeClass(c))).join(list)
	}
	return list
}

// details are what is known of the event.
func (v *visit) details() part {
	e, t := &v.event, v.text
	var known table
	known.add(t.Service, v.service(e.Service))
	switch {
	case e.Owner != "":
		known.add(t.Owner, v.person(e.Owner))
	case e.Assignee.Member != "":
		known.add(t.AssignedTo, v.person(e.Assignee.Member))
	case e.Assignee.Team != "":
		known.add(t.AssignedTo, v.team(e.Assignee.Team))
	default:
		known.add(t.Owner, t.Nobody)
	}
	known.add(t.Opened, v.when(e.OpenedAt))
	known.add(t.Source, e.Source)
	if e.AlertCount > 1 {
		known.add(t.Alerts, strconv.Itoa(e.AlertCount))
	}
	return el("section", class("card"), known.list(),
		when(e.Description != "", el("h2", class("save"), text(t.Description)), el("p", class("pre"), text(e.Description))),
		v.links(e.Links), v.labels(e.Labels))
}

// changed lists the changes that may have caused the event, newest first.
func (v *visit) changed() part {
	var items many
	for _, c := range v.changes {
		title := part(text(c.Title))
		if len(c.Links) > 0 && web(c.Links[0].URL) {
			title = el("a", href(c.Links[0].URL), attribute{"rel", "noopener noreferrer"}, text(c.Title))
		}
		items = append(items, el("li", el("div", title), el("div", class("when"), v.instant(c.At), text(" · "+c.Source))))
	}
	if len(items) == 0 {
		return nil
	}
	shown := items[:min(shownItems, len(items))]
	older := items[len(shown):]
	return el("section", class("card"), el("h2", text(v.text.Changes)), el("ol", class("line"), shown),
		when(len(older) > 0, el("details", el("summary", text(v.text.OlderItem(len(older)))), el("ol", class("line"), older))))
}

// table collects what is known; what has no value is left out.
type table struct{ parts many }

func (t *table) add(term, value string) {
	if value != "" {
		t.parts = append(t.parts, el("dt", text(term)), el("dd", class("pre"), text(value)))
	}
}

func (t *table) list() part { return el("dl", t.parts) }

func (v *visit) links(links []alert.Link) part {
	var items many
	for _, l := range links {
		if !web(l.URL) {
			continue
		}
		label := l.Text
		if label == "" {
			label = l.URL
		}
		items = append(items, el("li", el("a", href(l.URL), attribute{"rel", "noopener noreferrer"}, text(label))))
	}
	if len(items) == 0 {
		return nil
	}
	return many{el("h2", class("save"), text(v.text.Links)), el("ul", class("links"), items)}
}

func (v *visit) labels(labels map[string]string) part {
	if len(labels) == 0 {
		return nil
	}
	list := el("dl")
	for _, n := range slices.Sorted(maps.Keys(labels)) {
		el("dt", el("code", text(n))).join(list)
		el("dd", el("code", text(labels[n]))).join(list)
	}
	return el("details", el("summary", text(v.text.Labels)), list)
}

// savedRecord shows the record where there is no form for it.
func (v *visit) savedRecord() part {
	r, t := v.event.Record, v.text
	if r.CauseClass == "" && r.Cause == "" && r.Solution == "" {
		return nil
	}
	if v.event.State == event.Resolved && (v.may(actionlink.Record) || v.may(actionlink.Close)) {
		return nil
	}
	known := v.recorded(r)
	return el("section", class("card"), el("h2", text(t.Record)), known.list())
}

func (v *visit) recorded(r event.Record) table {
	t := v.text
	var known table
	known.add(t.CauseClass, v.causeClass(r.CauseClass))
	known.add(t.Cause, r.Cause)
	known.add(t.Solution, r.Solution)
	known.add(t.Reasoning, r.Reasoning)
	known.add(t.Tags, strings.Join(r.Tags, ", "))
	return known
}

// helped is the record of the last time, if there was one.
func (v *visit) helped() part {
	last := &v.lastTime
	if last.ID == "" {
		return nil
	}
	known := v.recorded(last.Record)
	return el("section", class("card"), el("h2", text(v.text.LastTime(string(last.ID), v.when(last.Record.At)))), known.list())
}

// causeClass is a class as readers call it; a team's own class is its word.
func (v *visit) causeClass(class string) string {
	if s, ok := v.text.CauseClasses[class]; ok {
		return s
	}
	return class
}

// shownItems is how much of the timeline stands open.
const shownItems = 8

// history is the timeline, newest first.
func (v *visit) history(timeline []event.Item) part {
	t := v.text
	var items many
	for _, item := range slices.Backward(timeline) {
		items = append(items, el("li",
			el("div", text(v.fact(item))),
			el("div", class("when"), v.instant(item.At), text(" · "+v.who(item.By)))))
	}
	if len(items) == 0 {
		items = append(items, el("li", text(t.NoItems)))
	}
	shown := items[:min(shownItems, len(items))]
	older := items[len(shown):]
	return el("section", class("card"), el("h2", text(t.Timeline)), el("ol", class("line"), shown),
		when(len(older) > 0, el("details", el("summary", text(t.OlderItem(len(older)))), el("ol", class("line"), older))))
}

// fact is one entry of the timeline in words. One that is not known yet is
// shown by its name.
func (v *visit) fact(item event.Item) string {
	say, known := v.text.Facts[item.What]
	if !known {
		return strings.ReplaceAll(strings.TrimPrefix(item.What, "event."), "_", " ")
	}
	data := map[string]string{}
	for k, value := range item.Data {
		data[k] = value
	}
	if at, err := time.Parse(time.RFC3339, data["until"]); err == nil {
		data["until"] = v.when(at)
	}
	if s, ok := v.text.Because[data["because"]]; ok {
		data["because"] = s
	}
	for _, k := range []string{"member", "owner"} {
		if data[k] != "" {
			data[k] = v.person(data[k])
		}
	}
	if data["team"] != "" {
		data["team"] = v.team(data["team"])
	}
	return say(data)
}

func (v *visit) foot() part {
	return el("p", class("foot"), text(v.text.ActsAs(v.person(v.member.Name))+" "+v.text.ZoneIs(v.zone.String())))
}

// who is an actor as the reader knows them.
func (v *visit) who(a event.Actor) string {
	if a == v.me() {
		return v.text.You
	}
	if member, ok := a.Member(); ok {
		return v.person(member)
	}
	kind, name, _ := strings.Cut(string(a), ":")
	switch kind {
	case "rule":
		return v.text.RuleNamed(name)
	case "token":
		return v.text.TokenNamd(name)
	case "source":
		return name
	}
	return v.text.Tocsin
}

func (v *visit) person(name string) string { return shown(v.config.Members[name].DisplayName, name) }
func (v *visit) team(name string) string {
	return shown(v.config.Teams[name].DisplayName, v.text.Team+" "+name)
}
func (v *visit) service(name string) string { return shown(v.config.Services[name].DisplayName, name) }

func shown(display, name string) string {
	if display != "" {
		return display
	}
	return name
}

const clockLayout = "15:04"

// when is an instant by the reader's clock: the time alone when it is near.
func (v *visit) when(at time.Time) string {
	local, now := at.In(v.zone), v.at.In(v.zone)
	clock := local.Format(clockLayout)
	near := at.Sub(v.at).Abs() < 12*time.Hour
	sameDay := local.YearDay() == now.YearDay() && local.Year() == now.Year()
	if sameDay || near && local.After(now) {
		return clock
	}
	return v.text.At(v.text.Day(local.Day(), v.text.Months[local.Month()-1]), clock)
}

// since is when, with how long ago that is.
func (v *visit) since(at time.Time) string { return v.text.SinceAt(v.when(at), v.ago(at)) }

func (v *visit) ago(at time.Time) string {
	d := max(v.at.Sub(at), 0)
	switch {
	case d < time.Hour:
		return v.text.Ago(int(d/time.Minute), 'm')
	case d < 48*time.Hour:
		return v.text.Ago(int(d/time.Hour), 'h')
	}
	return v.text.Ago(int(d/(24*time.Hour)), 'd')
}

func (v *visit) instant(at time.Time) part {
	return el("time", datetime(at.UTC().Format(time.RFC3339)), text(v.when(at)))
}
