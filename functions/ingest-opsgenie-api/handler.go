package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/intake"
	"tocsin/shared/source"
	"tocsin/shared/source/opsgenieapi"
	"tocsin/shared/telemetry"
)

func routes(log *slog.Logger, in *intake.Intake) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/" + opsgenieapi.AlertsPath, "/in/" + opsgenieapi.Name + "/{key}"} {
		mux.Handle(path, door{in})
		mux.Handle(path+"/{path...}", door{in})
	}
	return keepSlashes(in.Wrap(log, mux))
}

// keepSlashes escapes the second of two slashes where the gateway did not: an
// alias may be an address, and http.ServeMux would lead to another path.
func keepSlashes(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if escaped := r.URL.EscapedPath(); strings.Contains(escaped, "//") {
			r.URL.RawPath = strings.ReplaceAll(escaped, "//", "/%2F")
		}
		h.ServeHTTP(w, r)
	})
}

// door takes requests of the Alert API and answers as it does.
type door struct{ in *intake.Intake }

// call is one request on its way to an answer.
type call struct {
	r     *http.Request
	path  string // as it is without what stands before the API's own
	key   string
	began time.Time
}

func (d door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := call{r: r, path: strings.Trim(r.URL.Path, "/"), key: r.PathValue("key"), began: time.Now()}
	if c.key != "" {
		c.path = strings.Trim(r.PathValue("path"), "/")
	} else if scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "GenieKey") {
		c.key = strings.TrimSpace(rest)
	}
	err := notAllowed()
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		err = d.tell(w, c)
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		err = d.accept(w, c)
	}
	if err != nil {
		c.answer(w, refusal(w, r, err))
	}
}

func notAllowed() error {
	return &httpapi.StatusError{Status: http.StatusMethodNotAllowed, Text: "The method is not one of this path."}
}

// reply is the body of every answer.
type reply struct {
	Result    string            `json:"result,omitempty"`
	Message   string            `json:"message,omitempty"`
	Code      int               `json:"code,omitempty"`
	Errors    map[string]string `json:"errors,omitempty"`
	Data      any               `json:"data,omitempty"`
	Took      float64           `json:"took"` // seconds
	RequestID string            `json:"requestId"`

	status int
}

// answer writes the body, and the headers that clients read besides.
func (c call) answer(w http.ResponseWriter, said reply) {
	said.Took = max(time.Since(c.began).Round(time.Millisecond).Seconds(), 0.001)
	said.RequestID = cmp.Or(said.RequestID, telemetry.RequestID(c.r.Context()))
	w.Header().Set("X-Request-Id", said.RequestID)
	w.Header().Set("X-Response-Time", fmt.Sprint(said.Took))
	w.Header().Set("X-Ratelimit-State", "OK")
	if said.status == http.StatusTooManyRequests {
		w.Header().Set("X-Ratelimit-State", "THROTTLED")
	}
	httpapi.JSON(w, said.status, said)
}

// accept takes a request to do something.
func (d door) accept(w http.ResponseWriter, c call) error {
	req, err := d.in.Read(c.r)
	if err != nil {
		return err
	}
	req.Path = opsgenieapi.PathOf(c.r.Method, c.path)
	target, ok := opsgenieapi.Find(req.Path, req.Query.Get("identifierType"))
	switch {
	case !ok:
		return fault.New(fault.NotFound, "The path is no operation on an alert.")
	case target.Action == "create" && c.r.Method != http.MethodPost:
		return notAllowed()
	}
	return d.in.TakeFor(w, c.r, c.key, req, func(receipt intake.Receipt) {
		if target.Action == "create" {
			target.Alert = opsgenieapi.Created(receipt.Keys)
		}
		done := opsgenieapi.Processed{Alert: target.Alert, Action: target.Action, At: req.At}
		c.answer(w, reply{status: http.StatusAccepted, Result: "Request will be processed", RequestID: done.RequestID()})
	})
}

// tell answers a question, as far as it can without reading alerts: ids say
// what they stand for.
func (d door) tell(w http.ResponseWriter, c call) error {
	said, err := d.known(c)
	if err == nil {
		c.answer(w, said)
	}
	return err
}

func (d door) known(c call) (reply, error) {
	query := c.r.URL.Query()
	if _, _, err := d.in.Admit(c.r.Context(), c.key, &source.Request{Header: c.r.Header, Query: query, At: d.in.Now().UTC()}); err != nil {
		return reply{}, err
	}
	_, rest, ok := strings.Cut("/"+c.path+"/", "/"+opsgenieapi.AlertsPath+"/")
	rest = strings.Trim(rest, "/")
	if id, ok := strings.CutPrefix(rest, "requests/"); ok {
		return status(id)
	}
	last := rest[strings.LastIndex(rest, "/")+1:]
	switch {
	case !ok:
		return reply{}, fault.New(fault.NotFound, "The path is none of the Alert API.")
	case rest == "":
		return search(query.Get("query"))
	case kept[last]:
		return reply{}, errUnread
	}
	return reply{status: http.StatusOK, Data: identity(rest, query.Get("identifierType"))}, nil
}

// kept are questions whose answer would have to be read.
var kept = map[string]bool{"count": true, "saved-searches": true, "notes": true, "logs": true, "recipients": true, "attachments": true}

// errUnread is for questions that this function cannot answer.
var errUnread = &httpapi.StatusError{Status: http.StatusForbidden, Text: "This API does not read alerts; the events that they became are in the API of Tocsin, /v1/events."}

// named is what is known of an alert by its name alone. Its state is not.
type named struct {
	ID     string `json:"id"`
	TinyID string `json:"tinyId"`
	Alias  string `json:"alias,omitempty"`
}

func identity(identifier, identifierType string) named {
	n := opsgenieapi.ByIdentifier(identifier, identifierType)
	a := named{ID: n.ID(), TinyID: n.TinyID()}
	if strings.EqualFold(identifierType, "alias") {
		a.Alias = identifier
	}
	return a
}

// search finds an alert by a query that says nothing but its name: "alias: x".
func search(query string) (reply, error) {
	at := strings.IndexAny(query, ":=")
	if at < 0 {
		return reply{}, errUnread
	}
	field, value := strings.TrimSpace(query[:at]), strings.TrimSpace(query[at+1:])
	bare := strings.Trim(value, `"`)
	if bare == "" || strings.ContainsAny(bare, `*"`) || bare == value && strings.ContainsAny(value, " ()") {
		return reply{}, errUnread
	}
	identifierType, known := map[string]string{"alias": "alias", "id": "id", "alertId": "id", "tinyId": "tiny"}[field]
	if !known {
		return reply{}, errUnread
	}
	return reply{status: http.StatusOK, Data: []named{identity(bare, identifierType)}}, nil
}

// processed is what became of a request.
type processed struct {
	Success     bool      `json:"success"`
	IsSuccess   bool      `json:"isSuccess"`
	Action      string    `json:"action"`
	Status      string    `json:"status"`
	ProcessedAt time.Time `json:"processedAt"`
	AlertID     string    `json:"alertId"`
}

func status(requestID string) (reply, error) {
	p, ok := opsgenieapi.ReadRequestID(requestID)
	if !ok {
		return reply{}, fault.New(fault.NotFound, "Request not found.")
	}
	action := strings.ToUpper(p.Action[:1]) + p.Action[1:]
	return reply{status: http.StatusOK, Data: processed{
		Success: true, IsSuccess: true, Action: action, Status: "Accepted: " + p.Action, ProcessedAt: p.At, AlertID: p.Alert.ID(),
	}}, nil
}

// notSupported is the code of a request that is understood and not supported
// (Opsgenie documentation, "Response").
const notSupported = 40302

// refusal is the body for an error; the statuses are those that the API uses.
func refusal(w http.ResponseWriter, r *http.Request, err error) reply {
	told := httpapi.Refuse(w, r, err)
	said := reply{status: told.Status, Message: cmp.Or(told.Detail, http.StatusText(told.Status))}
	switch {
	case errors.Is(err, errUnread):
		said.Code = notSupported
	case told.Status == http.StatusUnauthorized:
		w.Header().Set("Www-Authenticate", "GenieKey")
		said.Message = "Could not authenticate"
	case len(told.Fields) > 0:
		said.Message, said.Errors = "Request body is not processable. Please check the errors.", map[string]string{}
		for _, f := range told.Fields {
			said.Errors[f.Path] = f.Problem
		}
	}
	return said
}
