package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"tocsin/shared/actionlink"
	"tocsin/shared/catalog"
	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/httpapi"
	"tocsin/shared/outbox"
)

// The words of the field "action". Forms of pages and programs that POST to a
// link use the same.
const (
	doAcknowledge   = "acknowledge"
	doResolve       = "resolve"
	doEscalate      = "escalate"
	doSnooze        = "snooze"
	doPromote       = "promote"
	doNote          = "note"
	doRecord        = "record"
	doClose         = "close"
	doUnacknowledge = "unacknowledge"
	doWake          = "wake"
	doReopen        = "reopen"
	doLink          = "link" // mail a new link; any link that was ours may ask
)

// action is one thing that a POST does.
type action struct {
	needs actionlink.Actions
	fact  string                                      // what the timeline says of it
	holds func(*event.Event) bool                     // its effect is there, whoever brought it about
	op    func(context.Context, *handler, *try) error // fills in try.choose, or returns what is wrong with the form
}

func actionOf(word string) (action, bool) {
	switch word {
	case doAcknowledge:
		return action{actionlink.Acknowledge, "event.acknowledged", in(event.AckedState), acknowledge}, true
	case doResolve:
		return action{actionlink.Resolve, "event.resolved", in(event.Resolved), always(event.Resolve{})}, true
	case doEscalate:
		return action{actionlink.Escalate, "event.escalated", never, escalate}, true
	case doSnooze:
		return action{actionlink.Snooze, "event.snoozed", in(event.Snoozed), snooze}, true
	case doPromote:
		return action{actionlink.Promote, "event.promoted", promoted, always(event.Promote{})}, true
	case doNote:
		return action{actionlink.Note, "event.noted", never, note}, true
	case doRecord:
		return action{actionlink.Record, "event.recorded", never, record}, true
	case doClose:
		return action{actionlink.Close, "event.closed", in(event.Closed), closeWith}, true
	case doUnacknowledge:
		return action{actionlink.Unacknowledge, "event.unacknowledged", never, ifUnchanged(event.Unacknowledge{})}, true
	case doWake:
		return action{actionlink.Unacknowledge, "event.snooze_ended", never, ifUnchanged(event.Awake{})}, true
	case doReopen:
		return action{actionlink.Reopen, "event.reopened", never, reopen}, true
	}
	return action{}, false
}

func in(s event.State) func(*event.Event) bool {
	return func(e *event.Event) bool { return e.State == s }
}
func never(*event.Event) bool      { return false }
func promoted(e *event.Event) bool { return e.PromotedBy != "" || e.Incident != "" }

// try is one POST: the form, and the operation that it asks for on the event
// as it is when it is read.
type try struct {
	visit  *visit
	form   form
	choose func(event.Event, time.Time) (event.Op, error)
}

// errChanged says that the event is not any more what the reader saw.
var errChanged = errors.New("the event changed since the page was shown")

// act answers POST: it does one action and redirects to the page, which says
// what came of it.
func (h *handler) act(w http.ResponseWriter, r *http.Request, v *visit) error {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return &refusal{http.StatusForbidden, v.text.CrossTitle, v.text.CrossBody, "cross_site"}
	}
	if err := h.enter(r, v); err != nil {
		return err
	}
	f, err := readForm(r, v.text)
	if err != nil {
		return err
	}
	httpapi.Annotate(r.Context(), slog.String("action", f.action))
	if f.action == doLink {
		return h.sendLink(w, r, v)
	}
	if v.standing == acts {
		if err := h.find(r.Context(), v); err != nil {
			return err
		}
	}
	switch {
	case v.standing != acts:
		redirect(w, v.token, result{})
		return nil
	case v.claims.Kind == actionlink.Incident:
		return h.actOnIncident(w, r, v, f)
	}
	return h.actOnEvent(w, r, v, f)
}

func (h *handler) actOnEvent(w http.ResponseWriter, r *http.Request, v *visit, f form) error {
	a, known := actionOf(f.action)
	switch {
	case !known:
		return &refusal{http.StatusBadRequest, v.text.OddTitle, v.text.OddBody, "unknown_action"}
	case !v.may(a.needs):
		return &refusal{http.StatusForbidden, v.text.ForbiddenTitle, v.text.ForbiddenBody, "not_allowed"}
	}
	return h.do(w, r, a, &try{visit: v, form: f})
}

func (h *handler) do(w http.ResponseWriter, r *http.Request, a action, t *try) error {
	v := t.visit
	if err := a.op(r.Context(), h, t); err != nil {
		return h.answer(w, r, t, err)
	}
	opening := v.event.Opening
	after, err := h.desk.DoWith(r.Context(), v.event.ID, v.me(), func(e event.Event, at time.Time) (event.Op, error) {
		if e.Opening != opening {
			return nil, errChanged
		}
		v.event = e
		return t.choose(e, at)
	})
	if err != nil {
		return h.answer(w, r, t, err)
	}
	h.count("done")
	if t.form.action == doReopen {
		v.token = h.tokenFor(r.Context(), v, number(after.ID), after.Opening)
	}
	redirect(w, v.token, result{action: t.form.action})
	return nil
}

func number(id event.ID) int64 {
	n, _ := id.Number() // read from the store by this id
	return n
}

// tokenFor returns a token for the opening that its reader just began: the
// same link otherwise, and no longer good for it. When it cannot be signed the
// old one leads to a page that offers to mail a new one.
func (h *handler) tokenFor(ctx context.Context, v *visit, number int64, opening int) string {
	c := v.claims
	c.Number, c.Opening, c.Nonce = number, opening, [5]byte{}
	token, err := h.links.Sign(ctx, c)
	if err != nil {
		httpapi.Annotate(ctx, slog.Any("err", err))
		return v.token
	}
	return token
}

// answer turns what an operation was refused for into a page or a redirect.
// That the event is not any more what it was is no failure: the page says how
// it stands.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, t *try, err error) error {
	v := t.visit
	res := result{action: t.form.action, refused: true}
	slot, taken := errors.AsType[*event.SlotError](err)
	missing, incomplete := errors.AsType[*event.ErrRecordMissing](err)
	bad, isForm := errors.AsType[*formError](err)
	_, state := event.IsState(err)
	switch {
	case state, errors.Is(err, errChanged):
	case taken:
		res.holder = slot.Holder
	case incomplete:
		t.form.miss(missing.Missing, v.text.Missing)
		isForm = true
	case isForm:
		t.form = bad.form
	default:
		return err
	}
	h.count("refused")
	if isForm {
		httpapi.Annotate(r.Context(), slog.String("reason", "form"))
		return h.showEvent(w, r, v, http.StatusUnprocessableEntity, t.form)
	}
	redirect(w, v.token, res)
	return nil
}

// result is what a redirect tells the page. A reader can make it up: it only
// chooses among sentences that the page checks against the event.
type result struct {
	action  string
	refused bool
	holder  event.ID
}

func resultOf(r *http.Request) result {
	q := r.URL.Query()
	res := result{action: q.Get("did"), refused: q.Get("refused") != ""}
	if holder := event.ID(q.Get("holder")); holder != "" {
		if _, err := holder.Number(); err == nil {
			res.holder = holder
		}
	}
	return res
}

// redirect sends the reader from a POST to the page (303: with GET). The
// address is relative for the same reason as that of forms.
func redirect(w http.ResponseWriter, token string, res result) {
	q := url.Values{}
	if res.action != "" {
		q.Set("did", res.action)
	}
	if res.refused {
		q.Set("refused", "1")
	}
	if res.holder != "" {
		q.Set("holder", string(res.holder))
	}
	location := token
	if len(q) > 0 {
		location += "?" + q.Encode()
	}
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

// seen is a mark of how an event stood when a page was shown, so that a second
// tap, or a tap on a page that is out of date, does nothing. It proves
// nothing: the token is the authority.
func seen(e *event.Event) string {
	return mark(e.State, e.Cycle, e.Opening, e.Owner, e.AcknowledgedAt.UnixMilli(), e.SnoozedUntil.UnixMilli())
}

// seenStep is seen with how far paging got.
func seenStep(e *event.Event) string {
	p := e.Progress
	return mark(seen(e), p.Stage, p.Round, p.Step, p.PagedAt.UnixMilli(), p.Deadline.UnixMilli(), p.Stopped)
}

// seenRecord is the mark of a record.
func seenRecord(r event.Record) string {
	return mark(r.CauseClass, r.Cause, r.Solution, r.Reasoning, r.Tags)
}

func mark(values ...any) string {
	h := fnv.New64a()
	for _, v := range values {
		fmt.Fprintf(h, "%q\x00", fmt.Sprint(v))
	}
	return fmt.Sprintf("%x", h.Sum64())
}

// stale reports whether a form says that its reader saw something else. A form
// that does not say acts on what there is.
func stale(got, now string) bool { return got != "" && got != now }

func always(op event.Op) func(context.Context, *handler, *try) error {
	return func(_ context.Context, _ *handler, t *try) error {
		t.choose = func(event.Event, time.Time) (event.Op, error) { return op, nil }
		return nil
	}
}

func ifUnchanged(op event.Op) func(context.Context, *handler, *try) error {
	return func(_ context.Context, _ *handler, t *try) error {
		t.choose = func(e event.Event, _ time.Time) (event.Op, error) {
			if stale(t.form.seen, seen(&e)) {
				return nil, errChanged
			}
			return op, nil
		}
		return nil
	}
}

// acknowledge makes the reader the owner. The owner renews only from a page
// that showed the acknowledgement, so a second tap is none; and what another
// member put to sleep meanwhile is left to them.
func acknowledge(_ context.Context, _ *handler, t *try) error {
	v := t.visit
	t.choose = func(e event.Event, _ time.Time) (event.Op, error) {
		mine := e.State == event.AckedState && e.Owner == v.member.Name
		switch {
		case mine && t.form.seen != seen(&e):
			return nil, nil
		case e.State == event.Snoozed && e.SnoozedBy != v.me() && stale(t.form.seen, seen(&e)):
			return nil, errChanged
		}
		return event.Acknowledge{}, nil
	}
	return nil
}

// escalate runs the next step unless it ran since the reader looked.
func escalate(_ context.Context, _ *handler, t *try) error {
	t.choose = func(e event.Event, _ time.Time) (event.Op, error) {
		if stale(t.form.step, seenStep(&e)) {
			return nil, errChanged
		}
		return event.Escalate{}, nil
	}
	return nil
}

func snooze(_ context.Context, _ *handler, t *try) error {
	v := t.visit
	for _, c := range defaults.SnoozeChoices() {
		if c.Name != t.form.wait {
			continue
		}
		t.choose = func(e event.Event, at time.Time) (event.Op, error) {
			if stale(t.form.seen, seen(&e)) {
				return nil, errChanged
			}
			return event.Snooze{Until: until(c, at, v.zone)}, nil
		}
		return nil
	}
	return &refusal{http.StatusBadRequest, v.text.OddTitle, v.text.OddBody, "unknown_snooze"}
}

// until is when a snooze that begins at an instant ends: by the reader's wall
// clock where an hour is named.
func until(c defaults.Snooze, at time.Time, zone *time.Location) time.Time {
	if c.For > 0 {
		return at.Add(c.For)
	}
	local := at.In(zone)
	end := time.Date(local.Year(), local.Month(), local.Day(), c.Hour, 0, 0, 0, zone)
	if !end.After(at) {
		end = time.Date(local.Year(), local.Month(), local.Day()+1, c.Hour, 0, 0, 0, zone)
	}
	return end.UTC()
}

// sameNote is how long the same note by the same member is the same note.
const sameNote = 10 * time.Minute

func note(ctx context.Context, h *handler, t *try) error {
	if !t.form.checkNote(t.visit.text) {
		return &formError{t.form}
	}
	v := t.visit
	t.choose = func(e event.Event, at time.Time) (event.Op, error) {
		timeline, err := h.events.Timeline(ctx, e.ID)
		if err != nil {
			return nil, err
		}
		if said(timeline, "event.noted", v.me(), t.form.note, at) {
			return nil, nil
		}
		return event.Note{Text: t.form.note}, nil
	}
	return nil
}

func record(_ context.Context, _ *handler, t *try) error {
	if !t.form.checkRecord(t.visit.text, t.visit.knownClasses()) {
		return &formError{t.form}
	}
	t.choose = func(e event.Event, _ time.Time) (event.Op, error) {
		if seenRecord(e.Record) == seenRecord(t.form.record) && e.Record.By == t.visit.me() {
			return nil, nil
		}
		if t.form.overtaken(seenRecord(e.Record), t.visit.text.RecordChanged) {
			return nil, &formError{t.form}
		}
		return event.SaveRecord{Record: t.form.record}, nil
	}
	return nil
}

func closeWith(_ context.Context, _ *handler, t *try) error {
	if !t.form.checkRecord(t.visit.text, t.visit.knownClasses()) {
		return &formError{t.form}
	}
	t.choose = func(e event.Event, _ time.Time) (event.Op, error) {
		if e.State != event.Closed && t.form.overtaken(seenRecord(e.Record), t.visit.text.RecordChanged) {
			return nil, &formError{t.form}
		}
		return event.Close{Record: &t.form.record}, nil
	}
	return nil
}

func reopen(_ context.Context, _ *handler, t *try) error {
	t.choose = func(_ event.Event, at time.Time) (event.Op, error) { return event.Reopen{Since: at}, nil }
	return nil
}

// linkEvery is how often one link may ask for a new one.
const linkEvery = 5 * time.Minute

// What a redirect says about a new link.
const (
	linkSent      = "link"
	linkSentTwice = "link-again"
	linkNoContact = "link-nobody"
)

// sendLink mails a new link to the verified contact of the member whose link
// it is. A message's key holds the link and the five minutes, so the outbox
// itself refuses a second one.
func (h *handler) sendLink(w http.ResponseWriter, r *http.Request, v *visit) error {
	worn := v.standing
	if err := h.find(r.Context(), v); err != nil {
		return err
	}
	if worn = max(worn, v.standing); worn == acts {
		redirect(w, v.token, result{})
		return nil
	}
	contacts, err := h.contacts.List(r.Context(), v.member.Name)
	if err != nil {
		return err
	}
	m, ok := v.linkMessage(contacts)
	if !ok {
		h.count("refused")
		redirect(w, v.token, result{action: linkNoContact})
		return nil
	}
	added, err := h.messages.Add(r.Context(), m)
	if err != nil {
		return err
	}
	if !added {
		h.count("refused")
		redirect(w, v.token, result{action: linkSentTwice})
		return nil
	}
	h.count("link_sent")
	if err := h.post.Send(r.Context(), []outbox.Message{m}); err != nil { // the sweeper will find it
		httpapi.Annotate(r.Context(), slog.Any("err", err))
	}
	redirect(w, v.token, result{action: linkSent})
	return nil
}

// linkMessage is the message to the member's verified contacts, mail first.
func (v *visit) linkMessage(contacts []catalog.Contact) (outbox.Message, bool) {
	var to, others []catalog.Contact
	for _, c := range contacts {
		switch {
		case !c.Verified:
		case c.Channel == catalog.Email:
			to = append(to, c)
		default:
			others = append(others, c)
		}
	}
	if to = append(to, others...); len(to) == 0 {
		return outbox.Message{}, false
	}
	subject, opening, test := string(v.event.ID), v.event.Opening, v.event.Test
	if v.claims.Kind == actionlink.Incident {
		subject, opening, test = string(v.incident.ID), v.incident.Opening, v.incident.Test
	}
	m := outbox.New(outbox.Key{
		Event: subject, Cycle: opening, Reason: outbox.Link, Stage: hex.EncodeToString(v.claims.Nonce[:]),
		Step: int(v.at.Unix() / int64(linkEvery/time.Second)), Member: v.member.Name, Contact: to[0].ID,
	}, string(to[0].Channel), v.at)
	m.Opening, m.Test = opening, test
	for _, c := range to[1:] {
		m.Others = append(m.Others, outbox.Fallback{Contact: c.ID, Channel: string(c.Channel)})
	}
	return m, true
}
