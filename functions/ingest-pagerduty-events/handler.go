package main

import (
	"log/slog"
	"net/http"
	"strings"

	"tocsin/shared/fault"
	"tocsin/shared/httpapi"
	"tocsin/shared/intake"
	"tocsin/shared/source"
	"tocsin/shared/source/pagerdutyevents"
)

// maxBody is the size of an event in bytes (Events API v2, "Size limits").
const maxBody = 512 << 10

func routes(log *slog.Logger, in *intake.Intake) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{pagerdutyevents.EventPath, pagerdutyevents.ChangePath, pagerdutyevents.GenericPath} {
		mux.Handle("POST /"+path, door{in})
	}
	mux.Handle("POST /in/"+pagerdutyevents.Name+"/{key}", door{in})
	mux.Handle("POST /in/"+pagerdutyevents.Name+"/{key}/{path...}", door{in})
	return in.Wrap(log, mux)
}

// door accepts events and answers as the API does.
type door struct{ in *intake.Intake }

func (d door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(r.URL.Path, "/")
	if r.PathValue("key") != "" {
		path = strings.Trim(r.PathValue("path"), "/")
	}
	generic := strings.HasSuffix(path, pagerdutyevents.GenericPath)
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := d.accept(w, r, path, generic); err != nil {
		refuse(w, r, generic, err)
	}
}

// told answers an event that was accepted.
func told(w http.ResponseWriter, req *source.Request, generic bool, receipt intake.Receipt) {
	switch key := pagerdutyevents.DedupKey(req, receipt.Keys); {
	case strings.HasSuffix(req.Path, pagerdutyevents.ChangePath):
		httpapi.JSON(w, http.StatusAccepted, answer{Status: "success", Message: "Change event processed"})
	case generic:
		httpapi.JSON(w, http.StatusOK, answer{Status: "success", Message: "Event processed", IncidentKey: key})
	default:
		httpapi.JSON(w, http.StatusAccepted, answer{Status: "success", Message: "Event processed", DedupKey: key})
	}
}

// accept takes the event for the integration whose key stands in the path or,
// where a sender's path is not free, in the body.
func (d door) accept(w http.ResponseWriter, r *http.Request, path string, generic bool) error {
	req, err := d.in.Read(r)
	if err != nil {
		return err
	}
	req.Path = path
	key, req, err := pagerdutyevents.TakeKey(req)
	switch named := r.PathValue("key"); {
	case err != nil:
		return err
	case named != "":
		key = named
	case key == "":
		return missing(path)
	}
	return d.in.TakeFor(w, r, key, req, func(receipt intake.Receipt) { told(w, req, generic, receipt) })
}

// missing is the error for an event that names no integration.
func missing(path string) error {
	var bad fault.Problems
	field := "routing_key"
	if strings.HasSuffix(path, pagerdutyevents.GenericPath) {
		field = "service_key"
	}
	bad.Add(field, "is missing or blank")
	return bad.Err("the event names no integration")
}

// answer is what the API says, in both versions.
type answer struct {
	Status      string   `json:"status"`
	Message     string   `json:"message"`
	DedupKey    string   `json:"dedup_key,omitempty"`
	IncidentKey string   `json:"incident_key,omitempty"` // version 1
	Errors      []string `json:"errors,omitempty"`
}

// refuse answers 400 to what is wrong for good, 429 (version 1: 403) and 5xx
// to what is worth a repeat (Events API, "Response codes & retry logic").
func refuse(w http.ResponseWriter, r *http.Request, generic bool, err error) {
	told := httpapi.Refuse(w, r, err)
	switch {
	case told.Status == http.StatusTooManyRequests && generic:
		httpapi.JSON(w, http.StatusForbidden, answer{Status: "throttle exceeded", Message: told.Detail})
	case told.Status == http.StatusTooManyRequests:
		httpapi.JSON(w, told.Status, answer{Status: "throttle exceeded", Message: told.Detail})
	case told.Status >= http.StatusInternalServerError:
		httpapi.JSON(w, told.Status, answer{Status: "error", Message: told.Detail})
	case told.Status == http.StatusRequestEntityTooLarge:
		httpapi.JSON(w, told.Status, answer{Status: "invalid event", Message: told.Detail, Errors: []string{told.Detail}})
	default:
		w.Header().Del("Www-Authenticate")
		httpapi.JSON(w, http.StatusBadRequest, answer{Status: "invalid event", Message: "Event object is invalid", Errors: wrong(told, generic)})
	}
}

// wrong names the bad fields in quotes.
func wrong(told httpapi.Refusal, generic bool) []string {
	switch {
	case told.Status == http.StatusUnauthorized && generic:
		return []string{"'service_key' is not the key of an integration of this source"}
	case told.Status == http.StatusUnauthorized:
		return []string{"'routing_key' is not the key of an integration of this source"}
	}
	if len(told.Fields) == 0 {
		return []string{told.Detail}
	}
	texts := make([]string, len(told.Fields))
	for i, f := range told.Fields {
		texts[i] = "'" + f.Path + "' " + f.Problem
	}
	return texts
}
