package inbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Limits of ntfy. Source: ntfy 2.11, server/config.go and server/server.go.
const (
	mostPushBytes = 4096
	defaultLevel  = 3
)

var topicPattern = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)

// pushRequest is what ntfy publishes, from headers or JSON.
// Source: ntfy documentation, "Publishing", sections "Publish as JSON" and
// "List of all parameters".
type pushRequest struct {
	Topic    string       `json:"topic"`
	Message  string       `json:"message"`
	Title    string       `json:"title"`
	Tags     []string     `json:"tags"`
	Priority int          `json:"priority"`
	Click    string       `json:"click"`
	Actions  []pushAction `json:"actions"`
}

type pushAction struct {
	Action string `json:"action"`
	Label  string `json:"label"`
	URL    string `json:"url"`
}

func (in *Inbox) publishJSON(w http.ResponseWriter, r *http.Request) {
	var p pushRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4*mostPushBytes)).Decode(&p); err != nil {
		ntfyError(w, http.StatusBadRequest, 40017, "invalid request: request body must be valid JSON")
		return
	}
	in.keepPush(w, p)
}

func (in *Inbox) publish(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 15<<20))
	if err != nil {
		ntfyError(w, http.StatusRequestEntityTooLarge, 41301, "attachment too large, or bandwidth limit reached")
		return
	}
	p := pushRequest{Topic: r.PathValue("topic"), Message: string(body), Title: option(r, "title", "ti", "t"), Click: option(r, "click")}
	if p.Priority, err = parsePriority(option(r, "priority", "prio", "p")); err != nil {
		ntfyError(w, http.StatusBadRequest, 40007, "invalid request: priority invalid")
		return
	}
	p.Tags = fields(option(r, "tags", "tag", "ta"), ",")
	if p.Actions, err = parseActions(option(r, "actions", "action")); err != nil {
		ntfyError(w, http.StatusBadRequest, 40018, "invalid request: actions invalid; "+err.Error())
		return
	}
	in.keepPush(w, p)
}

// option reads a parameter from the headers X-Name and Name or from the query.
func option(r *http.Request, names ...string) string {
	for _, name := range names {
		if v := cmp.Or(r.Header.Get("X-"+name), r.Header.Get(name), r.URL.Query().Get(name)); v != "" {
			return decodeHeader(strings.TrimSpace(v))
		}
	}
	return ""
}

func (in *Inbox) keepPush(w http.ResponseWriter, p pushRequest) {
	if !topicPattern.MatchString(p.Topic) {
		ntfyError(w, http.StatusBadRequest, 40009, "invalid request: topic invalid")
		return
	}
	if p.Priority < 0 || p.Priority > 5 {
		ntfyError(w, http.StatusBadRequest, 40007, "invalid request: priority invalid")
		return
	}
	kept, err := in.Keep(p.message())
	if err != nil {
		ntfyError(w, http.StatusInternalServerError, 50001, "internal server error")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": kept.ID, "time": kept.ReceivedAt.Unix(), "expires": kept.ReceivedAt.Add(12 * time.Hour).Unix(),
		"event": "message", "topic": p.Topic, "title": p.Title, "message": kept.Text,
	})
}

// message is what the phone shows: a longer text than ntfy's limit becomes an attachment.
func (p pushRequest) message() Message {
	m := Message{Channel: Push, To: []string{p.Topic}, Subject: p.Title, Text: p.Message,
		Priority: cmp.Or(p.Priority, defaultLevel), Tags: p.Tags, Headers: map[string]string{}}
	if len(p.Message) > mostPushBytes {
		m.Files = []string{"attachment.txt"}
	}
	if p.Click != "" {
		m.Headers["Click"] = p.Click
	}
	for _, a := range p.Actions {
		m.Actions = append(m.Actions, Action{a.Label, a.URL})
	}
	return m
}

func parsePriority(text string) (int, error) {
	switch strings.ToLower(text) {
	case "":
		return 0, nil
	case "min":
		return 1, nil
	case "low":
		return 2, nil
	case "default":
		return 3, nil
	case "high":
		return 4, nil
	case "max", "urgent":
		return 5, nil
	}
	return strconv.Atoi(text)
}

// parseActions reads the header's JSON or its simple form, "view, Label, URL; ...".
func parseActions(text string) ([]pushAction, error) {
	if strings.HasPrefix(text, "[") {
		var actions []pushAction
		err := json.Unmarshal([]byte(text), &actions)
		return actions, err
	}
	var actions []pushAction
	for _, one := range fields(text, ";") {
		parts := fields(one, ",")
		if len(parts) < 3 {
			return nil, fmt.Errorf("%q has no label and address", one)
		}
		actions = append(actions, pushAction{Action: parts[0], Label: parts[1], URL: parts[2]})
	}
	return actions, nil
}

// fields splits and trims, and drops what is empty.
func fields(text, separator string) []string {
	var found []string
	for _, f := range strings.Split(text, separator) {
		if f = strings.TrimSpace(f); f != "" {
			found = append(found, f)
		}
	}
	return found
}

func ntfyError(w http.ResponseWriter, status, code int, message string) {
	writeJSON(w, status, map[string]any{"code": code, "http": status, "error": message, "link": "https://ntfy.sh/docs/publish/"})
}
