package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tocsin/shared/fault"
	"tocsin/shared/telemetry"
)

// problem is a problem document (RFC 9457, section 3).
type problem struct {
	Type     string        `json:"type"`
	Title    string        `json:"title"`
	Status   int           `json:"status"`
	Detail   string        `json:"detail,omitempty"`
	Instance string        `json:"instance,omitempty"` // urn:request:<request id>
	Errors   []fault.Field `json:"errors,omitempty"`   // every bad field
}

// retryAfterSeconds is what callers are told to wait after a 429 or a 503.
const retryAfterSeconds = 5

// StatusError gives an error a status that its kind does not have. Its text
// may be shown to the caller.
type StatusError struct {
	Status int
	Text   string
	Header http.Header // sent too; may be nil
}

func (e *StatusError) Error() string { return e.Text }

// Handler answers a request or returns an error, which becomes a problem
// document. A handler that has begun to write must return nil.
type Handler func(http.ResponseWriter, *http.Request) error

func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h(w, r); err != nil {
		Problem(w, r, err)
	}
}

// Problem answers with the problem document of err and notes err for the
// request's log line. The caller sees the text of a *[fault.Error] or of a
// *[StatusError], never that of a cause; of any other error, and of an
// internal one, it sees nothing but the request id.
func Problem(w http.ResponseWriter, r *http.Request, err error) {
	told := Refuse(w, r, err)
	p := problem{Type: told.kind, Title: http.StatusText(told.Status), Status: told.Status, Detail: told.Detail, Errors: told.Fields}
	if id := telemetry.RequestID(r.Context()); id != "" {
		p.Instance = "urn:request:" + id
	}
	writeJSON(w, "application/problem+json", p.Status, p)
}

// Refusal is what a caller may see of an error.
type Refusal struct {
	Status int
	Detail string        // "" for an internal error
	Fields []fault.Field // every bad field

	kind string // the type of its problem document
}

// Refuse is [Problem] for who writes the body in another format, which it
// leaves to the caller: it notes err and sets the header.
func Refuse(w http.ResponseWriter, r *http.Request, err error) Refusal {
	noteError(r.Context(), err)
	told, header := refusalOf(err)
	for name, values := range header {
		w.Header()[name] = values
	}
	w.Header().Set("Cache-Control", "no-store")
	return told
}

// JSON answers with v as JSON.
func JSON(w http.ResponseWriter, status int, v any) { writeJSON(w, "application/json", status, v) }

func writeJSON(w http.ResponseWriter, media string, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"title":"Internal Server Error","status":500}`)
	}
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func refusalOf(err error) (Refusal, http.Header) {
	status := Status(err)
	if e, ok := errors.AsType[*StatusError](err); ok {
		return Refusal{kind: typeOf(http.StatusText(status)), Status: status, Detail: e.Text}, e.Header
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return Refusal{kind: typeOf("too large"), Status: status, Detail: tooLarge(e.Limit)}, nil
	}
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Kind == fault.Internal {
		return Refusal{kind: typeOf("internal"), Status: status}, nil
	}
	return Refusal{kind: typeOf(e.Kind.String()), Status: status, Detail: e.Text, Fields: e.Fields}, headerOf(status)
}

func typeOf(words string) string {
	return "urn:tocsin:problem:" + strings.ReplaceAll(strings.ToLower(words), " ", "_")
}

func tooLarge(limit int64) string {
	return "the body is larger than " + strconv.FormatInt(limit, 10) + " bytes"
}

// Status returns the HTTP status of err: its own, or that of its kind. What is
// invalid is 422 when single fields are bad and 400 when the request as a
// whole cannot be read.
func Status(err error) int {
	if e, ok := errors.AsType[*StatusError](err); ok {
		return e.Status
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Kind == fault.Invalid && len(e.Fields) > 0 {
		return http.StatusUnprocessableEntity
	}
	return statusOf(fault.KindOf(err))
}

func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func headerOf(status int) http.Header {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return http.Header{"Retry-After": {strconv.Itoa(retryAfterSeconds)}}
	case http.StatusUnauthorized:
		return http.Header{"Www-Authenticate": {"Bearer"}}
	}
	return nil
}
