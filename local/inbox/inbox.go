// Package inbox takes every message that Tocsin would send and shows it as its
// reader sees it. It answers as the providers do: Amazon SES (API v2) and
// ntfy; other channels hand their messages to [Inbox.Keep].
//
//	POST /v2/email/outbound-emails   SES SendEmail
//	POST /  and  POST /<topic>       ntfy
//	GET  /inbox                      the page
//	GET  /inbox/messages             the messages as JSON, oldest first
//
// Tests make a channel fail with [Inbox.Fail].
package inbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Channel is how a message reaches its reader.
type Channel string

// The channels.
const (
	Mail Channel = "mail"
	Push Channel = "push"
	SMS  Channel = "sms"
	Chat Channel = "chat"
)

// Bounds on what is kept; the oldest messages go first.
const (
	mostMessages = 20_000
	mostBytes    = 128 << 20
)

// Message is one message as its reader sees it.
type Message struct {
	ID         string            `json:"id"` // rises with time
	ReceivedAt time.Time         `json:"received_at"`
	Channel    Channel           `json:"channel"`
	ProviderID string            `json:"provider_id,omitempty"` // what the sender was told
	From       string            `json:"from,omitempty"`
	To         []string          `json:"to"` // addresses, topic, number or room
	Subject    string            `json:"subject,omitempty"`
	Text       string            `json:"text,omitempty"`
	HTML       string            `json:"html,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"` // decoded, canonical names
	Priority   int               `json:"priority,omitempty"`
	Tags       []string          `json:"tags,omitempty"`
	Actions    []Action          `json:"actions,omitempty"`
	Files      []string          `json:"files,omitempty"` // names of attachments
	Links      []string          `json:"links,omitempty"` // http and https, each once, in order
}

// Action is a button of a push or card.
type Action struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

func (m *Message) size() int { return len(m.Text) + len(m.HTML) + len(m.Subject) + 512 }

// Config of an inbox. The zero value keeps messages in memory only.
type Config struct {
	File string           // one JSON message a line; "" for none
	Now  func() time.Time // nil for time.Now
}

// Inbox keeps messages and serves them. It may be used concurrently.
type Inbox struct {
	now func() time.Time
	mux *http.ServeMux

	mu       sync.Mutex
	messages []Message // oldest first
	bytes    int
	next     int
	file     *os.File
	failures map[Channel]*failing
}

// Open reads the messages of an earlier run and returns the inbox.
func Open(c Config) (*Inbox, error) {
	in := &Inbox{now: c.Now, next: 1, failures: map[Channel]*failing{}}
	if in.now == nil {
		in.now = time.Now
	}
	in.routes()
	if c.File == "" {
		return in, nil
	}
	if err := in.load(c.File); err != nil {
		return nil, fmt.Errorf("open inbox %s: %w", c.File, err)
	}
	return in, in.rewrite(c.File)
}

// load reads whole lines; the last may have been cut by a kill.
func (in *Inbox) load(name string) error {
	file, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil
		}
		var m Message
		if err := json.Unmarshal(line, &m); err != nil {
			return err
		}
		in.add(m)
	}
}

// rewrite drops from the file what was dropped from memory and leaves it open.
func (in *Inbox) rewrite(name string) error {
	file, err := os.Create(name + ".new")
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(file)
	lines := json.NewEncoder(buffered)
	for i := range in.messages {
		if err := lines.Encode(&in.messages[i]); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	if err := buffered.Flush(); err != nil {
		return errors.Join(err, file.Close())
	}
	in.file = file
	return os.Rename(name+".new", name)
}

// Close closes the file. Messages that come later are kept in memory only.
func (in *Inbox) Close() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.file == nil {
		return nil
	}
	file := in.file
	in.file = nil
	return file.Close()
}

// Keep adds a message, completed with id, instant and links, and returns it.
func (in *Inbox) Keep(m Message) (Message, error) {
	m.Links = links(&m)
	in.mu.Lock()
	defer in.mu.Unlock()
	m.ID = fmt.Sprintf("m-%08d", in.next)
	m.ReceivedAt = in.now().UTC().Truncate(time.Millisecond)
	in.add(m)
	if in.file == nil {
		return m, nil
	}
	line, err := json.Marshal(&m)
	if err != nil {
		return m, err
	}
	_, err = in.file.Write(append(line, '\n'))
	return m, err
}

// add appends m and drops the oldest messages beyond the bounds.
func (in *Inbox) add(m Message) {
	var number int
	if _, err := fmt.Sscanf(m.ID, "m-%d", &number); err == nil {
		in.next = number + 1
	}
	in.messages = append(in.messages, m)
	in.bytes += m.size()
	drop := 0
	for len(in.messages)-drop > mostMessages || in.bytes > mostBytes && len(in.messages)-drop > 1 {
		in.bytes -= in.messages[drop].size()
		drop++
	}
	clear(in.messages[:drop])
	in.messages = in.messages[drop:]
}

// Query chooses messages; the zero value all of them.
type Query struct {
	To      string    // one of the recipients, in any case of letters
	Channel Channel   //
	Since   time.Time // received at or after
	After   string    // a message id: later ones only
}

func (q Query) matches(m *Message) bool {
	return (q.Channel == "" || m.Channel == q.Channel) &&
		(q.After == "" || m.ID > q.After) &&
		!m.ReceivedAt.Before(q.Since) &&
		(q.To == "" || slices.ContainsFunc(m.To, func(to string) bool { return strings.EqualFold(to, q.To) }))
}

// Messages returns those that a query chooses, oldest first.
func (in *Inbox) Messages(q Query) []Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	found := []Message{}
	for i := range in.messages {
		if q.matches(&in.messages[i]) {
			found = append(found, in.messages[i])
		}
	}
	return found
}

// Message returns the message with an id.
func (in *Inbox) Message(id string) (Message, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	i, found := slices.BinarySearchFunc(in.messages, id, func(m Message, id string) int { return strings.Compare(m.ID, id) })
	if !found {
		return Message{}, false
	}
	return in.messages[i], true
}

func (in *Inbox) routes() {
	in.mux = http.NewServeMux()
	in.mux.HandleFunc("POST /v2/email/outbound-emails", in.failable(Mail, in.sendMail))
	in.mux.HandleFunc("POST /{$}", in.failable(Push, in.publishJSON))
	in.mux.HandleFunc("POST /{topic}", in.failable(Push, in.publish))
	in.mux.HandleFunc("PUT /{topic}", in.failable(Push, in.publish))
	in.mux.HandleFunc("GET /inbox", in.page)
	in.mux.HandleFunc("GET /inbox/messages", in.list)
	in.mux.HandleFunc("GET /inbox/messages/{id}/html", in.html)
	in.mux.HandleFunc("GET /inbox/refresh.js", serveScript)
}

// ServeHTTP implements [http.Handler].
func (in *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { in.mux.ServeHTTP(w, r) }

func (in *Inbox) list(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	q := Query{To: v.Get("to"), Channel: Channel(v.Get("channel")), After: v.Get("after")}
	if since := v.Get("since"); since != "" {
		at, err := time.Parse(time.RFC3339, since)
		if err != nil {
			http.Error(w, "since is not an instant of RFC 3339", http.StatusBadRequest)
			return
		}
		q.Since = at
	}
	writeJSON(w, http.StatusOK, in.Messages(q))
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
