package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"tocsin/shared/actionlink"
	"tocsin/shared/catalog"
	"tocsin/shared/change"
	"tocsin/shared/config"
	"tocsin/shared/defaults"
	"tocsin/shared/event"
	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/incident"
	"tocsin/shared/knowledge"
	"tocsin/shared/outbox"
	"tocsin/shared/telemetry"
)

// Links signs and verifies tokens.
type Links interface {
	Verify(ctx context.Context, token string) (actionlink.Claims, error)
	Sign(ctx context.Context, c actionlink.Claims) (string, error)
}

// Desk does operations on events.
type Desk interface {
	DoWith(ctx context.Context, id event.ID, by event.Actor, choose func(event.Event, time.Time) (event.Op, error)) (event.Event, error)
}

// Events reads events.
type Events interface {
	Get(ctx context.Context, id event.ID) (event.Event, error)
	Timeline(ctx context.Context, id event.ID) ([]event.Item, error)
}

// Changes finds what was changed of a service.
type Changes interface {
	Find(ctx context.Context, service string, in change.Window, limit int, cursor string) (found []change.Filed, next string, err error)
}

// Messages reads and adds messages.
type Messages interface {
	OfEvent(ctx context.Context, id string) ([]outbox.Message, error)
	Add(ctx context.Context, m outbox.Message) (added bool, err error)
}

// Contacts reads the contacts of a member.
type Contacts interface {
	List(ctx context.Context, member string) ([]catalog.Contact, error)
}

// Config reads the configuration in force.
type Config interface {
	Current(ctx context.Context) (*config.Config, error)
}

// handler serves the pages of signed links. It is safe for concurrent use.
type handler struct {
	links        Links
	desk         Desk
	events       Events
	incidentDesk IncidentDesk
	incidents    Incidents
	changes      Changes
	messages     Messages
	post         event.Post
	contacts     Contacts
	config       Config
	metrics      *telemetry.Metrics
	now          func() time.Time
}

// maxForm bounds a form in bytes.
const maxForm = 32 << 10

// routes serves the pages. GET also answers HEAD.
func routes(log *slog.Logger, h *handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+actionlink.Path+"{token}", page(h.show))
	mux.Handle("POST "+actionlink.Path+"{token}", page(h.act))
	return httpapi.Serve(log, h.metrics, guarded(httpapi.Limit(maxForm, httpapi.Problems(mux))))
}

// guarded sets what protects a page and its address, whatever is answered.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy())
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// policy allows nothing but our own style and forms that come back here.
var policy = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
})

// page serves a function that answers, or returns the error to show as a page.
func page(serve func(http.ResponseWriter, *http.Request, *visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{token: r.PathValue("token"), text: languageOf(accepted(r.Header.Get("Accept-Language"))), zone: time.UTC}
		if err := serve(w, r, v); err != nil {
			showError(w, r, v, err)
		}
	})
}

// standing is what a link is good for by now.
type standing int

// From best to worst. A link of an earlier opening, and one that is too old to
// act, still show the event.
const (
	acts standing = iota
	tooOldToAct
	earlierOpening
	tooOldToShow
)

// visit is one request for a link: who reads, and what the link leads to.
type visit struct {
	token    string
	text     *texts
	zone     *time.Location
	at       time.Time
	claims   actionlink.Claims
	standing standing
	config   *config.Config
	member   catalog.Member
	incident incident.Incident // when the link leads to one
	changes  []change.Filed    // that may have caused the event, newest first
	lastTime event.Event       // the newest former event of its kind with a solution, if any
	event    event.Event       // otherwise: the one that the link names or, following merges, the one that survived
	merged   event.ID          // the one that the link names, if it was merged
}

func (v *visit) me() event.Actor { return event.ByMember(v.member.Name) }

// may reports whether the link allows an action now.
func (v *visit) may(a actionlink.Actions) bool { return v.standing == acts && v.claims.Actions.Has(a) }

// refusal is a page that says why there is nothing to see or do.
type refusal struct {
	status int
	title  string
	body   string
	reason string // for log and metrics
}

func (e *refusal) Error() string { return "refused: " + e.reason }

// enter verifies the token, before anything is read, and then finds who reads.
func (h *handler) enter(r *http.Request, v *visit) error {
	v.at = h.now()
	claims, err := h.links.Verify(r.Context(), v.token)
	if e, ok := errors.AsType[*actionlink.ExpiredError](err); ok {
		claims, v.standing, err = e.Claims, tooOldToShow, nil
		if e.Shows {
			v.standing = tooOldToAct
		}
	}
	if errors.Is(err, actionlink.ErrForged) || errors.Is(err, actionlink.ErrUnknownKey) {
		return &refusal{http.StatusNotFound, v.text.ForgedTitle, v.text.ForgedBody, "forged"}
	}
	if err != nil {
		return err
	}
	v.claims = claims
	httpapi.Annotate(r.Context(), slog.String(subjectKey(claims.Kind), claims.Subject()))
	return h.meet(r, v)
}

func subjectKey(k actionlink.Kind) string {
	if k == actionlink.Incident {
		return "incident_id"
	}
	return "event_id"
}

// meet finds the member whose link it is, and their language and zone.
func (h *handler) meet(r *http.Request, v *visit) error {
	cfg, err := h.config.Current(r.Context())
	if err != nil {
		return err
	}
	v.config = cfg
	for name, m := range cfg.Members {
		if actionlink.MemberOf(name) == v.claims.Member {
			v.member = m
			v.member.Name = name
		}
	}
	if v.member.Name == "" {
		return &refusal{http.StatusForbidden, v.text.StrangerTitle, v.text.StrangerBody, "stranger"}
	}
	httpapi.Annotate(r.Context(), slog.String("member", v.member.Name))
	language := v.member.Language
	if language == "" {
		language = accepted(r.Header.Get("Accept-Language"))
	}
	if language == "" {
		language = cfg.Settings.Language
	}
	v.text = languageOf(language)
	for _, zone := range []string{v.member.TimeZone, cfg.Settings.TimeZone} {
		if loc, err := time.LoadLocation(zone); err == nil && zone != "" {
			v.zone = loc
			break
		}
	}
	return nil
}

// maxMerges bounds how far a link follows merges.
const maxMerges = 100

// find reads what the link leads to.
func (h *handler) find(ctx context.Context, v *visit) error {
	if v.claims.Kind == actionlink.Incident {
		return h.findIncident(ctx, v)
	}
	return h.findEvent(ctx, v)
}

// findEvent reads the event that the link leads to. A merged event leads to the one
// that survived it, whose opening must be the one that was recorded then.
func (h *handler) findEvent(ctx context.Context, v *visit) error {
	id, opening := event.ID(v.claims.Subject()), v.claims.Opening
	for range maxMerges {
		e, err := h.events.Get(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return &refusal{http.StatusNotFound, v.text.GoneTitle, v.text.GoneBody, "absent"}
		}
		if err != nil {
			return err
		}
		if e.Opening != opening {
			v.standing = max(v.standing, earlierOpening)
		}
		v.event = e
		if e.MergedInto == "" {
			return nil
		}
		v.merged = event.ID(v.claims.Subject())
		id, opening = e.MergedInto, e.MergedOpening
	}
	return fault.New(fault.Internal, "event %s was merged too often", v.claims.Subject())
}

// show answers GET and HEAD. It changes nothing.
func (h *handler) show(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := h.enter(r, v); err != nil {
		return err
	}
	if v.standing == tooOldToShow {
		h.count("expired")
		write(w, r, http.StatusGone, v.noticePage(resultOf(r)))
		return nil
	}
	if err := h.find(r.Context(), v); err != nil {
		return err
	}
	if v.claims.Kind == actionlink.Incident {
		return h.showIncident(w, r, v, http.StatusOK, form{})
	}
	return h.showEvent(w, r, v, http.StatusOK, form{})
}

// showEvent writes the page of an event, with what was entered in a form that
// has to be corrected. Timeline, changes, last time and forecast are left out
// when they cannot be read: the button matters more.
func (h *handler) showEvent(w http.ResponseWriter, r *http.Request, v *visit, status int, f form) error {
	timeline, err := h.events.Timeline(r.Context(), v.event.ID)
	if err != nil {
		httpapi.Annotate(r.Context(), slog.Any("timeline_err", err))
	}
	v.changes, v.lastTime = h.changed(r.Context(), v), h.lastTime(r.Context(), v)
	write(w, r, status, v.eventPage(timeline, h.next(r.Context(), v), resultOf(r), f))
	return nil
}

// contextFor is how long a reader waits for changes, and for what helped last
// time.
const contextFor = 500 * time.Millisecond

var errLate = errors.New("it took too long to find")

// changed returns the changes that may have caused the event.
func (h *handler) changed(ctx context.Context, v *visit) []change.Filed {
	until := v.event.ClosedAt
	if until.IsZero() {
		until = v.at
	}
	within, cancel := context.WithTimeoutCause(ctx, contextFor, errLate)
	defer cancel()
	found, _, err := h.changes.Find(within, v.event.Service, change.Around(v.event.OpenedAt, until), defaults.ChangesShown, "")
	if err != nil {
		httpapi.Annotate(ctx, slog.Any("changes_err", err))
	}
	return found
}

// lastTime returns the newest former event of its kind with a solution, while
// that may still help.
func (h *handler) lastTime(ctx context.Context, v *visit) event.Event {
	if v.event.State == event.Closed {
		return event.Event{}
	}
	within, cancel := context.WithTimeoutCause(ctx, contextFor, errLate)
	defer cancel()
	last, _, err := knowledge.LastTime(within, h.events, v.event)
	if err != nil {
		httpapi.Annotate(ctx, slog.Any("last_time_err", err))
	}
	return last
}

// next is what the newest page of this cycle said about the step after it.
func (h *handler) next(ctx context.Context, v *visit) outbox.Forecast {
	if v.event.State != event.Triggered {
		return outbox.Forecast{}
	}
	messages, err := h.messages.OfEvent(ctx, string(v.event.ID))
	if err != nil {
		httpapi.Annotate(ctx, slog.Any("forecast_err", err))
	}
	var newest outbox.Message
	for _, m := range messages {
		paged := m.Reason.Pages()
		if paged && m.Cycle == v.event.Cycle && !m.CreatedAt.Before(newest.CreatedAt) {
			newest = m
		}
	}
	return newest.Next
}

func (h *handler) count(outcome string) {
	h.metrics.Add("LinkRequests", 1, telemetry.Outcome(outcome))
}

// write sends a page; to HEAD everything but the page.
func write(w http.ResponseWriter, r *http.Request, status int, p *element) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", languageIn(p))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n")
	p.write(&b)
	_, _ = w.Write([]byte(b.String()))
}

func languageIn(p *element) string {
	for _, a := range p.attrs {
		if a.name == "lang" {
			return a.value
		}
	}
	return ""
}

// showError writes the page of an error. What went wrong inside stays in the
// log.
func showError(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	if e, ok := errors.AsType[*refusal](err); ok {
		httpapi.Annotate(r.Context(), slog.String("reason", e.reason))
		write(w, r, e.status, v.refusalPage(e.title, e.body))
		return
	}
	httpapi.Annotate(r.Context(), slog.String("reason", fault.KindOf(err).String()), slog.Any("err", err))
	if fault.KindOf(err).Retryable() {
		w.Header().Set("Retry-After", "5")
		write(w, r, http.StatusServiceUnavailable, v.retryPage())
		return
	}
	write(w, r, http.StatusInternalServerError, v.refusalPage(v.text.BrokenTitle, v.text.BrokenBody(telemetry.RequestID(r.Context()))))
}
